"""The pool dies in the midst of a campaign: its successor knows the agents, and nobody is lost."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.agent_messages import CallOver, ClaimAgent, PoolStarted
from actors.agent_pool import AgentPool
from actors.call import Call
from actors.pool_memory import PoolMemory
from tests.actors.conftest import Scene
from tests.actors.test_whole_campaigns import Day
from tests.actors.world import HUNG_UP, flow_text


def crash(scene: Scene) -> None:
    """Have the pool die of a message that no actor handles; its successor settles in."""
    scene.team.pool.tell(object())
    scene.settle()
    assert [name for name, _ in scene.runtime.crashes] == ["agent_pool"]
    scene.runtime.crashes.clear()


def states(scene: Scene) -> dict[str, str]:
    return {agent_id: row["state"] for agent_id, row in scene.team.agents().items()}


def counted(scene: Scene) -> dict[str, int]:
    return Counter(scene.team.metrics.members("dialer_agents", campaign="Test").values())


def test_agents_need_not_log_in_again_and_those_who_pause_still_do(scene: Scene) -> None:
    scene.add_agents(3)
    scene.desk.ask("a2", "not_ready", "lunch")
    scene.desk.ask("a3", "logout")
    scene.settle()
    crash(scene)
    assert states(scene) == {"a1": "ready", "a2": "not_ready", "a3": "logged_out"}
    assert scene.team.agents()["a2"]["reason"] == "lunch"


def test_a_call_goes_on_and_its_agent_wraps_up_after_it(scene: Scene) -> None:
    scene.add_agents(1, wrap_up_s=30)
    scene.team.start(flow_text(target=1))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.talk(attempt_id)
    crash(scene)
    assert states(scene) == {"a1": "talking"}
    assert attempt_id in scene.trunk.open
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    assert states(scene) == {"a1": "wrap_up"}
    assert scene.team.outcomes() == ["customer_answered"]
    scene.advance(20)
    crash(scene)
    scene.advance(9)
    assert states(scene) == {"a1": "wrap_up"}
    scene.advance(2)
    assert states(scene) == {"a1": "reserved"}, "the limit is counted from when wrap-up began"
    assert counted(scene) == {"reserved": 1}


def test_a_campaign_asks_again_for_the_agents_whom_it_held(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=4))
    scene.settle()
    assert len(scene.trunk.open) == 2
    crash(scene)
    assert counted(scene) == {"ready": 2}
    assert scene.reported()["requested"] == 0
    scene.advance(6)
    assert states(scene) == {"a1": "reserved", "a2": "reserved"}
    assert len(scene.trunk.open) == 2, "the calls that ring are theirs again"
    assert scene.talk(scene.trunk.open[0]) in ("a1", "a2")


def dies_of(patch: pytest.MonkeyPatch, message_type: type) -> None:
    """Have the pool die of the next message of a type, which is lost with it."""
    handle, first = AgentPool.handlers[message_type], iter([True])

    def fail_once(pool: AgentPool, message: Any) -> Any:
        if next(first, False):
            raise RuntimeError("a bug")
        return handle(pool, message)

    patch.setattr(AgentPool, "handlers", {**AgentPool.handlers, message_type: fail_once})


def test_a_caller_who_waits_is_claimed_for_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    dies_of(monkeypatch, ClaimAgent)
    scene.trunk.answer(attempt_id)
    scene.settle()
    scene.runtime.crashes.clear()
    scene.advance(0.1)
    assert scene.trunk.bridged[attempt_id] == "a1"


def test_a_leg_that_fell_meanwhile_is_noticed(scene: Scene) -> None:
    scene.add_agents(2)
    scene.desk.without_leg.add("a1")
    crash(scene)
    assert states(scene) == {"a1": "logged_out", "a2": "ready"}


def test_who_owes_a_disposition_still_does(scene: Scene) -> None:
    said = "\ndispositions: {mandatory: true, choices: [{name: sale}]}\nnodes:"
    scene.add_agents(1)
    scene.team.start(flow_text(target=1).replace("\nnodes:", said, 1))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.talk(attempt_id)
    crash(scene)
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    crash(scene)
    scene.desk.ask("a1", "wrap_up_done")
    scene.settle()
    assert states(scene) == {"a1": "wrap_up"}
    assert scene.desk.dispose("a1", "sale") == ""
    assert scene.store.dispositions == {attempt_id: "sale"}


def test_a_memory_that_kills_is_not_handed_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.add_agents(1)

    def fail(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(AgentPool, "_restore", fail)
    scene.team.pool.tell(object())
    scene.settle()
    assert [name for name, _ in scene.runtime.crashes] == ["agent_pool"] * 2
    scene.runtime.crashes.clear()
    assert scene.team.agents() == {}


# --- at any moment ----------------------------------------------------------------------------


def crashing_day(seed: int, ratio: float, kept_up: bool, waits: list[float]) -> list[str]:
    """All that is wrong after a day whose pool dies again and again."""
    day = Day(seed, ratio=ratio, kept_up=kept_up, contacts=400)
    for wait_s in waits:
        day.run(wait_s)
        day.team.pool.tell(object())
        day.run(0.5)
    assert [name for name, _ in day.runtime.crashes] == ["agent_pool"] * len(waits)
    day.runtime.crashes.clear()
    day.run(60)
    before = len(day.store.settlements)
    day.run(60)
    found = [] if len(day.store.settlements) > before else ["nobody is dialed any more"]
    return [*found, *day.violations(), *day.at_the_end()]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(
    seed=st.integers(0, 2**31),
    ratio=st.sampled_from([0.0, 1.0, 2.5]),
    kept_up=st.booleans(),
    waits=st.lists(st.floats(13.0, 25.0), min_size=1, max_size=4),
)
def test_a_campaign_keeps_its_promises_whenever_the_pool_dies(
    seed: int, ratio: float, kept_up: bool, waits: list[float]
) -> None:
    assert crashing_day(seed, ratio, kept_up, waits) == []


def test_it_notices_a_pool_that_knows_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: nothing is handed on to the successor."""
    monkeypatch.setattr(PoolMemory, "keep", lambda self, roster: None)
    assert crashing_day(1, 2.5, kept_up=True, waits=[13.0])[0] == "nobody is dialed any more"


def test_it_notices_calls_that_do_not_say_again_what_was_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: a call keeps silent before a new pool."""
    silent = {**Call.handlers, PoolStarted: lambda self, message: None}
    monkeypatch.setattr(Call, "handlers", silent)
    with pytest.raises((AssertionError, KeyError)):
        test_a_caller_who_waits_is_claimed_for_again(scene, monkeypatch)


def test_a_call_that_ended_unheard_gives_its_agent_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.add_agents(1, wrap_up_s=5)
    scene.team.start(flow_text(target=1))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.talk(attempt_id)
    dies_of(monkeypatch, CallOver)
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    scene.runtime.crashes.clear()
    scene.advance(20)
    assert states(scene) == {"a1": "reserved"}
    assert scene.team.outcomes()[0] == "customer_answered"
