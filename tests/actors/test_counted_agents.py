"""Two look-ahead campaigns that share a queue: neither counts on the other's agents."""

import pytest

from actors.agent_messages import AgentMove, AgentsCounted, LooksAhead, Subscribe
from actors.agent_phases import AgentPhases
from actors.counted_agents import TELL_EVERY_S, CountedAgents
from actors.lookahead_board import DAY_S
from actors.roster import PooledAgent, Roster
from benchmarks.shared_agents import shared_day
from dialer.agents import AgentProfile
from dialer.pacing.floor import Floor
from dialer.pacing.pacer import ENDED
from tests.actors.test_look_ahead import board, moved, same


class Told:
    """A campaign that hears which agents to count on."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...] | None] = []

    def tell(self, message: object, /) -> None:
        assert isinstance(message, AgentsCounted)
        self.heard.append(message.agent_ids)

    @property
    def counted(self) -> int:
        """How many it counts on; -1 for all."""
        return -1 if self.heard[-1] is None else len(self.heard[-1])


class Pool:
    """A roster and its campaigns."""

    def __init__(self, agents: int) -> None:
        self.roster = Roster()
        self.campaigns: dict[int, Subscribe] = {}
        self.told: dict[int, Told] = {}
        self.counted = CountedAgents(self.roster, self.campaigns)
        for number in range(agents):
            self.add(f"a{number}")

    def add(self, agent_id: str, queue: str = "default") -> None:
        agent = PooledAgent(AgentProfile(agent_id, queues=(queue,)), 0.0)
        agent.state = "ready"
        self.roster.agents[agent_id] = agent

    def subscribe(
        self, campaign_id: int, priority: int = 5, share: float = 1.0, queue: str = "default"
    ) -> Told:
        told = self.told[campaign_id] = Told()
        self.campaigns[campaign_id] = Subscribe(
            campaign_id, (queue,), told, priority=priority, share=share
        )
        return told

    def dial(self, *campaign_ids: int, now: float = 0.0, asks: bool = False) -> None:
        for campaign_id in campaign_ids:
            self.counted.dials(LooksAhead(campaign_id, asks), now)


def test_one_campaign_counts_on_all_and_is_told_once() -> None:
    pool = Pool(4)
    one = pool.subscribe(1)
    pool.dial(1)
    pool.dial(1, now=TELL_EVERY_S)
    assert one.heard == [None]


@pytest.mark.parametrize(("priorities", "counts"), [((5, 5), (10, 10)), ((6, 2), (15, 5))])
def test_agents_are_divided_by_priority_and_each_is_one_campaigns(
    priorities: tuple[int, int], counts: tuple[int, int]
) -> None:
    pool = Pool(20)
    one, two = pool.subscribe(1, priorities[0]), pool.subscribe(2, priorities[1])
    pool.dial(1, 2)
    assert (one.counted, two.counted) == counts
    assert one.heard[-1] is not None
    assert two.heard[-1] is not None
    assert not {*one.heard[-1]} & {*two.heard[-1]}


def test_whoever_falls_silent_leaves_their_agents_to_the_others() -> None:
    pool = Pool(10)
    one, two = pool.subscribe(1), pool.subscribe(2)
    pool.dial(1, 2)
    for turn in range(1, 6):
        pool.dial(1, now=turn * TELL_EVERY_S)
    assert one.counted == -1
    pool.dial(2, now=60.0)
    assert (one.counted, two.counted) == (5, 5)


def test_whoever_asks_is_told_though_it_be_as_before() -> None:
    pool = Pool(10)
    one = pool.subscribe(1)
    pool.dial(1)
    pool.dial(1, now=5.0, asks=True)
    assert one.heard == [None, None]


def test_agents_who_come_and_go_move_few_of_the_others() -> None:
    pool = Pool(10)
    one, two = pool.subscribe(1), pool.subscribe(2)
    pool.dial(1, 2)
    before = {*(one.heard[-1] or ())}
    pool.roster.agents["a0"].state = "logged_out"
    pool.add("b0")
    pool.add("b1")
    pool.dial(1, 2, now=TELL_EVERY_S)
    assert {one.counted, two.counted} == {5, 6}
    assert len(before - {*(one.heard[-1] or ())}) <= 1


def test_a_share_is_the_most_that_is_counted_on_and_other_queues_are_none_of_its() -> None:
    pool = Pool(10)
    pool.add("s1", "sales")
    one, sales = pool.subscribe(1, share=0.3), pool.subscribe(2, queue="sales")
    pool.dial(1, 2)
    assert one.counted == 3
    assert sales.heard[-1] == ("s1",)


def test_a_campaign_that_is_gone_has_no_agents() -> None:
    pool = Pool(4)
    one, _ = pool.subscribe(1), pool.subscribe(2)
    pool.dial(1, 2, 1)
    assert one.counted == 2
    del pool.campaigns[2]
    pool.dial(1)
    assert one.counted == -1


def test_agents_of_others_are_known_and_not_on_the_floor() -> None:
    known, _ = board()
    known.counted(AgentsCounted(("a",)))
    for agent_id in ("a", "b", "c"):
        known.agents_moved(moved(0.0, agent_id, "", "ready"), same)
    assert known.decide(1.0).figures["spare"] == 1
    known.counted(AgentsCounted(("b", "c")))
    assert known.decide(2.0).figures["spare"] == 2
    known.agents_moved(moved(3.0, "c", "ready", "not_ready"), same)
    known.counted(AgentsCounted(None))
    assert known.decide(4.0).figures["spare"] == 2


def test_whoever_comes_to_be_counted_on_is_as_old_as_they_are() -> None:
    floor = Floor(0.0, DAY_S)
    phases = AgentPhases(floor, 0.0)
    phases.count_on([])
    for agent_id, state, ends_at in (
        ("a", "talking", 0),
        ("b", "wrap_up", 0),
        ("c", "wrap_up", 40),
    ):
        phases.moved(AgentMove(agent_id, "", state, 0, 0, ends_at=ends_at), 0.0)
    floor.advance(30.0)
    assert floor.snapshot(30.0, None).agents == 0
    phases.count_on("abc")
    assert floor.talks.present[0, 30] == floor.talks.size == 1
    assert floor.wrap_ups.present[0, 30] == floor.wrap_ups.size == 1
    assert floor.known_wrap_ups.left[10] == len(floor.known_wrap_ups) == 1
    phases.moved(AgentMove("a", "talking", "wrap_up", 0, 0), 35.0)
    assert floor.talks.happened[ENDED].sum() == 1
    assert floor.talks.size == 0
    phases.forget()
    assert floor.snapshot(40.0, None).agents == 0


def test_two_campaigns_that_share_their_agents_abandon_no_more_than_each_may() -> None:
    day = shared_day(agents=20, hours=1.5, seed=1)
    for answers, abandoned in zip(day.answers, day.abandoned, strict=True):
        assert answers > 200
        # A day ends under 3 %. Where each counts on all twenty, these hours have 7 to 11 %.
        assert abandoned / answers < 0.06
    assert day.occupancy > 0.8
