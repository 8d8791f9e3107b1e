"""A wrap-up whose end is known: by the agent's word, or by a limit that they let run out."""

import pytest

from actors.agent_messages import AgentMove, AgentsMoved, Subscribe
from actors.wrap_up_ends import WrapUpEnds
from dialer.events import AgentAsked
from tests.actors.manual import ManualRuntime
from tests.actors.test_look_ahead import board, moved, same
from tests.actors.world import HUNG_UP, ScriptedTrunk, Team, flow_text, people


class Listener:
    """A campaign that only listens."""

    def __init__(self) -> None:
        self.moves: list[AgentMove] = []

    def tell(self, message: object, /) -> None:
        if isinstance(message, AgentsMoved):
            self.moves += message.moves


class Floor:
    """One agent who takes one call after the other."""

    def __init__(self, wrap_up_s: float = 0.0) -> None:
        runtime = self.runtime = ManualRuntime(seed=1)
        self.team = Team(runtime, people(50))
        self.trunk = ScriptedTrunk(runtime)
        self.team.trunks["trunk"] = self.trunk
        self.team.add_agents(1, wrap_up_s=wrap_up_s)
        self.listener = Listener()
        self.team.pool.tell(Subscribe(77, ("default",), self.listener))
        runtime.settle()
        self.team.start(flow_text(target=1, interval_s=1))
        runtime.advance(1)

    def one_call(self) -> None:
        """A call that is answered and over; the agent writes it up."""
        (attempt_id,) = self.trunk.open
        self.trunk.answer(attempt_id)
        self.runtime.settle()
        self.trunk.end(attempt_id, HUNG_UP)
        self.runtime.settle()
        assert self.team.agent_states()["wrap_up"] == 1

    def say(self, after_s: float) -> None:
        now = self.runtime.now()
        self.team.pool.tell(AgentAsked("a1", now, "wrap_up_done", after_s=after_s))
        self.runtime.settle()

    def told(self) -> list[float]:
        """The ends that campaigns have heard of, as seconds from now."""
        ends = [move.ends_at for move in self.listener.moves if move.ends_at]
        self.listener.moves.clear()
        return [end - self.runtime.now() for end in ends]

    def works(self) -> bool:
        return self.team.agent_states()["wrap_up"] == 0


def test_an_agent_who_says_when_they_will_be_done_is_done_then() -> None:
    floor = Floor()
    floor.one_call()
    floor.say(after_s=20)
    assert floor.told() == [20]
    floor.runtime.advance(19)
    assert not floor.works()
    floor.runtime.advance(2)
    assert floor.works()


def test_their_word_does_not_go_beyond_their_limit() -> None:
    floor = Floor(wrap_up_s=10)
    floor.one_call()
    floor.say(after_s=60)
    assert floor.told() == [10]
    floor.runtime.advance(11)
    assert floor.works()


def test_a_limit_is_told_as_the_end_once_an_agent_was_seen_to_let_it_run_out() -> None:
    floor = Floor(wrap_up_s=10)
    told = []
    for _ in range(7):
        floor.one_call()
        told.append(floor.told())
        floor.runtime.advance(11)
    assert told == [[]] * 5 + [[10]] * 2


def test_a_limit_tells_nothing_of_an_agent_who_is_done_before_it() -> None:
    floor = Floor(wrap_up_s=10)
    for _ in range(7):
        floor.one_call()
        floor.runtime.advance(3)
        floor.team.desk_port.ask("a1", "wrap_up_done")  # type: ignore[attr-defined]
        floor.runtime.advance(1)
    assert floor.told() == []


def test_one_who_changes_their_ways_is_believed_no_more() -> None:
    ends = WrapUpEnds()
    for _ in range(20):
        ends.ended("a", ran_out=True)
    assert ends.is_known("a")
    ends.ended("a", ran_out=False)
    ends.ended("a", ran_out=False)
    assert not ends.is_known("a")


def test_how_long_wrap_ups_take_is_counted_once() -> None:
    floor = Floor()
    floor.one_call()
    floor.runtime.advance(5)
    floor.say(after_s=15)
    floor.runtime.advance(16)
    took = floor.team.metrics.histogram("dialer_agent_wrapup_duration_seconds", campaign="Test")
    assert (took.count, took.total) == (1, pytest.approx(20))


def ends(at: float, agent_id: str, ends_at: float) -> AgentsMoved:
    move = AgentMove(agent_id, "wrap_up", "wrap_up", 1, 0, ends_at=ends_at)
    return AgentsMoved(at, (move,))


def test_look_ahead_counts_on_who_is_known_to_be_done_and_on_nobody_who_is_known_not_to_be() -> (
    None
):
    def expected(left_s: float | None) -> float:
        known, _ = board()
        for number in range(20):
            known.agents_moved(moved(0.0, f"a{number}", "", "talking"), same)
            known.agents_moved(moved(0.0, f"a{number}", "talking", "wrap_up"), same)
            if left_s is not None:
                known.agents_moved(ends(0.0, f"a{number}", left_s), same)
        return known.decide(1.0).figures["expected_free"]

    assert expected(5.0) == 20
    assert expected(50.0) == 0
    assert 0 < expected(None) < 20


def test_whoever_is_known_leaves_as_any_other() -> None:
    known, _ = board()
    for agent_id, after in (("a", "ready"), ("b", "not_ready"), ("c", "")):
        known.agents_moved(moved(0.0, agent_id, "", "wrap_up"), same)
        known.agents_moved(ends(0.5, agent_id, 30.0), same)
        known.agents_moved(ends(1.0, agent_id, 20.0), same)
        known.agents_moved(moved(3.0, agent_id, "wrap_up", after), same)
    figures = known.decide(25.0).figures
    assert figures["spare"] == figures["expected_free"] == 1
    known.forget_agents()
    assert known.decide(26.0).reason == "no agent is at work"
