"""Whole campaigns in real time with tiny times: the same promises on threads and on the pool."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from actors.live import LiveRuntime
from dialer.ports import Sink
from sim.desk import Desk
from sim.model import CarrierModel, DeskModel
from tests.actors.test_whole_campaigns import WatchingDesk, WatchingStore, WatchingTrunk
from tests.actors.world import Team, flow_text, people

CONTACTS = 150
TINY = CarrierModel(
    live=0.4,
    machine=0.0,
    post_dial_delay_s=0.003,
    refused_after_s=0.003,
    ring_mean_s=0.01,
    no_answer_after_s=0.03,
    talk_mean_s=0.02,
)


class LiveDay:
    """A short day of six agents. ratio: 0 for previews."""

    def __init__(self, lane: str | None, ratio: float) -> None:
        self.runtime = LiveRuntime(lane=lane, seed=1)
        self.store = WatchingStore(people(CONTACTS))
        model = DeskModel(wrap_up_mean_s=0.01, preview_s=0.005, preview_skip=0.0)
        self.desk: WatchingDesk

        def desk(pool: Sink) -> WatchingDesk:
            self.desk = WatchingDesk(model, self.runtime.spawn(Desk(model, pool), "desk"))
            return self.desk

        self.team = Team(self.runtime, {}, desk=desk, store=self.store)
        self.trunk = WatchingTrunk(self.runtime, TINY, self.store)
        self.team.trunks["trunk"] = self.trunk
        self.team.add_agents(6)
        dialing = f"{{mode: power, ratio: {ratio}}}" if ratio else "{mode: preview}"
        # Without retries, so that every contact has one attempt.
        text = flow_text(target=6, dialing=dialing, interval_s=0.1)
        self.team.start(text.split("  - {id: retry")[0].replace(", delivery: retry", ""))

    def wait_for(self, settled: int) -> None:
        deadline = time.monotonic() + 30
        while len(self.store.settlements) < settled:
            assert time.monotonic() < deadline, self.team.report()
            time.sleep(0.01)

    def wait_until_idle(self) -> None:
        """Until the campaign knows of the end of every call; the store hears of it first."""
        deadline = time.monotonic() + 30
        while self.team.report()["calls_in_progress"]:
            assert time.monotonic() < deadline, self.team.report()
            time.sleep(0.01)


KINDS = [("thread", 1.0), ("pool", 1.0), (None, 2.5), ("thread", 0.0), ("pool", 0.0)]


@pytest.fixture(params=KINDS, ids=str)
def day(request: pytest.FixtureRequest) -> Iterator[LiveDay]:
    day = LiveDay(*request.param)
    yield day
    day.runtime.stop()


def test_every_contact_is_dialed_once_and_settled_once(day: LiveDay) -> None:
    day.wait_for(CONTACTS)
    day.wait_until_idle()
    assert set(day.store.settled.values()) == set(day.trunk.dialed.values()) == {1}
    assert len(day.trunk.dialed) == CONTACTS
    assert day.trunk.faults == day.desk.faults == []
    assert set(day.store.states(1).values()) == {"done"}
    counted = Counter(day.team.outcomes())
    cells = day.team.metrics.counters("dialer_call_results_total", campaign="Test")
    assert {o: int(c.value) for o, c in cells.items() if c.value} == counted


def test_a_stop_and_a_new_version_in_full_swing_lose_nothing(day: LiveDay) -> None:
    for version in range(2, 6):
        day.wait_for(20 * (version - 1))
        day.team.quiesce("paused", cancel=version % 2 == 0)
        text = flow_text(target=6, interval_s=0.1).split("  - {id: retry")[0]
        day.team.change_flow(text.replace(", delivery: retry", ""), version)
    deadline = time.monotonic() + 30
    while len({s.contact_id for s in day.store.settlements if s.dialed_at}) < CONTACTS:
        assert time.monotonic() < deadline, day.team.report()
        time.sleep(0.01)
    day.team.quiesce("the end")
    while day.team.report()["calls_in_progress"]:
        assert time.monotonic() < deadline, day.team.report()
        time.sleep(0.01)
    assert day.trunk.faults == day.desk.faults == []
    assert set(day.trunk.dialed.values()) == {1}
    assert set(day.store.settled.values()) == {1}
    assert day.store.open_attempts == {}
    assert set(day.store.states(1).values()) <= {"done", "waiting"}
