"""What is watched, and where an alarm is told."""

import logging
from typing import Any

import pytest

from actors.alarm_watch import AlarmWatch
from dialer.errors import GatewayError
from dialer.metrics import Metrics

IDLE = {
    "title": "Spring",
    "quiet": "",
    "why": "seized no agent",
    "calls_in_progress": 0,
    "in_flight": 0,
    "agents": {"ready": 3},
    "feeder": {"exhausted": False, "claimed_ahead": 0, "next_due_at": 0.0, "trouble": ""},
}


class World:
    """One campaign and one trunk, and a clock that the test moves."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.metrics.open_campaign("Spring")
        self.metrics.open_trunk("carrier")
        label = {"campaign": "Spring"}
        self.metrics.gauge("dialer_campaign_contacts", state="due", **label).set(7)
        self.metrics.gauge("dialer_campaign_abandonment_target_ratio", **label).set(0.03)
        self.now = 1000.0
        self.report: dict[str, Any] = dict(IDLE)
        self.titles = {1: "Spring"}
        self.trunk = (True, "")
        self.watch = AlarmWatch(
            self.metrics,
            lambda: self.now,
            running=lambda: self.titles,
            report=self._report,
            trunk_state=lambda _name: self.trunk,
        )

    def _report(self, _campaign_id: int) -> dict[str, Any]:
        if not self.report:
            raise GatewayError("it does not answer")
        return self.report

    def pass_s(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.watch.look()

    def alarm(self, name: str) -> float:
        return self.metrics.gauge("dialer_campaign_alarm", campaign="Spring", alarm=name).value

    def names(self) -> list[str]:
        return [alarm["alarm"] for alarm in self.watch.on()]


@pytest.fixture
def world() -> World:
    return World()


def test_idle_agents_while_nobody_is_dialed_raise_and_a_call_clears(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "foredial.alarms")
    name = "no_dials_while_agents_idle"
    world.pass_s(30)
    assert world.names() == []
    assert world.alarm(name) == 0
    world.pass_s(1)
    assert world.names() == [name]
    assert world.alarm(name) == 1
    assert [a["of"] for a in world.watch.of_campaign("Spring")] == ["Spring"]
    world.report = {**IDLE, "in_flight": 1, "calls_in_progress": 1}
    world.pass_s(7)
    assert world.names() == []
    assert world.alarm(name) == 0

    raised, cleared = caplog.records
    assert raised.levelname == "WARNING"
    assert "3 agents idle, 7 contacts due and no call is placed (seized no agent)" in raised.message
    assert cleared.message.startswith("alarm is over: campaign 'Spring'")
    assert vars(cleared)["alarm"] == name


@pytest.mark.parametrize(
    "changes", [{"quiet": "panic stop"}, {"why": "outside the time windows of the Start node"}]
)
def test_a_campaign_that_must_not_dial_raises_nothing(
    world: World, changes: dict[str, Any]
) -> None:
    world.report = {**IDLE, **changes}
    world.pass_s(60)
    assert world.names() == []


def test_a_list_without_anybody_left_is_told(world: World) -> None:
    world.report = {**IDLE, "feeder": {**IDLE["feeder"], "exhausted": True}}  # type: ignore[dict-item]
    world.metrics.gauge("dialer_campaign_contacts", campaign="Spring", state="due").set(0)
    world.pass_s(15)
    assert world.names() == ["list_exhausted"]


def test_a_store_that_fails_and_a_trunk_that_is_down_are_told(world: World) -> None:
    world.report = {**IDLE, "feeder": {"trouble": "the store failed: disk full"}}
    world.trunk = (False, "no answer to OPTIONS")
    world.pass_s(10)
    assert world.names() == ["store_trouble", "trunk_down"]
    assert "no answer to OPTIONS" in world.watch.on()[1]["text"]
    assert world.metrics.gauge("dialer_trunk_alarm", trunk="carrier", alarm="trunk_down").value == 1


def test_abandonment_beyond_its_budget_is_told(world: World) -> None:
    results = world.metrics.counters("dialer_call_results_total", campaign="Spring")
    results["customer_answered"].inc(190)
    results["abandoned"].inc(10)
    world.metrics.counter("dialer_calls_abandoned_total", campaign="Spring").inc(10)
    world.pass_s(10)
    assert world.names() == ["abandonment_budget"]


def test_a_restarted_actor_is_told_by_name(world: World) -> None:
    world.pass_s(1)
    world.metrics.open_actor("agent_pool")
    world.metrics.counter("dialer_actor_restarts_total", actor="agent_pool").inc()
    world.pass_s(1)
    assert world.watch.on()[0]["text"].startswith(
        "actors were restarted (times so far: agent_pool 1)"
    )


def test_a_campaign_that_does_not_answer_keeps_its_alarms_and_the_trunks_are_looked_at(
    world: World,
) -> None:
    world.pass_s(31)
    world.report = {}
    world.trunk = (False, "why")
    world.pass_s(10)
    assert world.names() == ["no_dials_while_agents_idle", "trunk_down"]


def test_the_alarms_of_a_campaign_go_with_it(world: World) -> None:
    world.pass_s(31)
    world.titles = {}
    world.pass_s(1)
    assert world.names() == []
    assert world.alarm("no_dials_while_agents_idle") == 0
