"""Call-backs come due ahead of the list; a personal one waits for its agent, and not for ever."""

from typing import Any

import pytest

from actors.agent_pool import AgentPool
from actors.callback_board import CallbackBoard
from dialer import journal
from dialer.compliance.permission import YES, Permission
from dialer.ports import Callback, StoreFailed
from tests.actors.conftest import Scene
from tests.actors.world import HUNG_UP, flow_text

FAR = 50
"""A contact that the list would bring last."""


def promising(*, wait_s: float = 900, then: str = "any_agent", target: int = 2) -> str:
    policy = f"\ncallbacks: {{wait_s: {wait_s}, then: {then}}}\nnodes:"
    return flow_text(target=target).replace("\nnodes:", policy, 1)


def numbers(scene: Scene) -> list[str]:
    return [request.number for request in scene.trunk.dialed]


def number(contact_id: int) -> str:
    return f"+1212555{contact_id:04d}"


def promise(scene: Scene, contact_id: int, after_s: float, agent_id: str = "") -> None:
    at = scene.runtime.now() + after_s
    assert scene.store.add_callback(1, contact_id, Callback(at, agent_id))


def skips(scene: Scene) -> list[tuple[int, str]]:
    records = scene.team.ledger.records
    return [(r.contact_id, r.reason) for r in records if isinstance(r, journal.ContactSkipped)]


def end_all(scene: Scene) -> None:
    for attempt_id in list(scene.trunk.open):
        scene.trunk.end(attempt_id)
    scene.settle()


def talk_all(scene: Scene) -> dict[str, int]:
    """Answer all that ring; from the agents to their attempts."""
    return {scene.talk(attempt_id): attempt_id for attempt_id in list(scene.trunk.open)}


def finish(scene: Scene, agent_id: str, attempt_id: int) -> None:
    """An agent's caller hangs up, and they are ready again."""
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    scene.desk.ask(agent_id, "wrap_up_done")
    scene.settle()


def test_a_call_back_for_anybody_is_dialed_next_within_seconds(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(promising(target=1))
    scene.settle()
    promise(scene, FAR, 60)
    scene.advance(55)
    assert number(FAR) not in numbers(scene)
    scene.advance(10)
    end_all(scene)
    scene.advance(1)
    assert numbers(scene)[-1] == number(FAR)


def test_a_personal_call_back_is_made_by_its_agent_and_no_other(scene: Scene) -> None:
    scene.add_agents(3)
    scene.team.start(promising(target=3))
    scene.settle()
    talking = talk_all(scene)
    promise(scene, FAR, 1, "a2")
    scene.advance(20)
    for agent_id in ("a1", "a3"):
        finish(scene, agent_id, talking[agent_id])
    scene.advance(10)
    assert number(FAR) not in numbers(scene), "it waits for a2"
    finish(scene, "a2", talking["a2"])
    scene.advance(1)
    assert numbers(scene).count(number(FAR)) == 1
    attempt_id = next(r.attempt_id for r in scene.trunk.dialed if r.number == number(FAR))
    other = next(open_one for open_one in scene.trunk.open if open_one != attempt_id)
    assert scene.talk(other) != "a2", "who is kept for a call-back gets nobody else"
    assert scene.talk(attempt_id) == "a2"


def test_an_agent_who_is_reserved_already_makes_it_when_their_call_rings_out(
    scene: Scene,
) -> None:
    scene.add_agents(1)
    scene.team.start(promising(target=1))
    scene.settle()
    promise(scene, FAR, 1, "a1")
    scene.advance(10)
    assert number(FAR) not in numbers(scene)
    end_all(scene)
    assert numbers(scene)[-1] == number(FAR)
    end_all(scene)
    assert numbers(scene)[-1] != number(FAR), "and then the list goes on"
    scene.talk(scene.trunk.open[0])


def test_an_overdue_personal_call_back_goes_to_any_agent(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(promising(wait_s=60, target=1))
    scene.settle()
    promise(scene, FAR, 1, "zoe")
    scene.advance(50)
    end_all(scene)
    assert number(FAR) not in numbers(scene)
    scene.advance(20)
    end_all(scene)
    scene.advance(1)
    assert number(FAR) in numbers(scene)
    why = "agent zoe did not come for the call-back in 60 s, so any agent makes it"
    assert (FAR, why) in skips(scene)


def test_an_overdue_personal_call_back_may_be_dropped_with_the_reason(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(promising(wait_s=60, then="drop", target=1))
    scene.settle()
    promise(scene, FAR, 1, "zoe")
    scene.advance(70)
    assert scene.store.states(1)[FAR] == "done"
    why = "agent zoe did not come for the call-back in 60 s, so it is dropped"
    assert (FAR, why) in skips(scene)


def test_the_law_is_asked_for_a_call_back_too(scene: Scene) -> None:
    refused = Permission(False, "suppressed: opted out")
    scene.add_agents(1)
    scene.team.start(
        promising(target=1),
        may_dial=lambda called, contact, at: refused if called == number(FAR) else YES,
    )
    scene.settle()
    promise(scene, FAR, 1, "a1")
    scene.advance(5)
    end_all(scene)
    scene.advance(6)
    assert number(FAR) not in numbers(scene)
    assert scene.store.states(1)[FAR] == "refused"
    assert scene.team.agent_states() == {"reserved": 1}, "and their agent dials on"
    assert len(scene.trunk.open) == 1


def test_a_promise_waits_through_a_pause(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(promising(target=1))
    scene.settle()
    promise(scene, FAR, 1, "zoe")
    scene.advance(10)
    scene.team.quiesce("paused")
    scene.settle()
    assert scene.store.states(1)[FAR] == "waiting"
    scene.team.change_flow(promising(target=1), 2)
    scene.advance(10)
    assert scene.store.states(1)[FAR] == "claimed"
    assert scene.reported()["callbacks_waiting"] == 1


@pytest.mark.parametrize("who", ["campaign", "feeder", "pool"])
def test_a_crash_loses_no_promise(scene: Scene, who: str) -> None:
    scene.add_agents(2)
    campaign = scene.team.start(promising(target=2))
    scene.settle()
    talking = talk_all(scene)
    promise(scene, FAR, 1, "a1")
    scene.advance(10)
    victims = {"campaign": campaign, "feeder": scene.team.feeders[1], "pool": scene.team.pool}
    victims[who].tell(object())
    scene.settle()
    scene.runtime.crashes.clear()
    scene.advance(10)
    finish(scene, "a1", talking["a1"])
    scene.advance(10)
    attempt_id = next(r.attempt_id for r in scene.trunk.dialed if r.number == number(FAR))
    assert scene.talk(attempt_id) == "a1"


def test_a_store_that_fails_keeps_the_promise_personal(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(promising(target=2))
    scene.settle()
    commit = scene.store.commit_attempts

    def fail(request_id: int, drafts: Any, reply_to: Any) -> None:
        if any(draft.number == number(FAR) for draft in drafts):
            scene.store.commit_attempts = commit  # type: ignore[method-assign]
            reply_to.tell(StoreFailed(request_id, "the disk is full"))
        else:
            commit(request_id, drafts, reply_to)

    scene.store.commit_attempts = fail  # type: ignore[method-assign]
    promise(scene, FAR, 1, "a2")
    scene.advance(5)
    for _ in range(30):
        if number(FAR) not in numbers(scene):
            end_all(scene)
            scene.advance(1)
    assert scene.store.commit_attempts == commit, "it has failed once"
    assert numbers(scene).count(number(FAR)) == 1
    attempt_id = next(r.attempt_id for r in scene.trunk.dialed if r.number == number(FAR))
    assert scene.talk(attempt_id) == "a2"


def test_an_agent_who_waits_at_a_ringing_phone_is_offered_the_call_back(make_scene: Any) -> None:
    scene = make_scene(kept_up=False)
    scene.add_agents(1)
    scene.team.start(promising(target=1))
    scene.settle()
    scene.desk.no_answer("a1")
    scene.settle()
    promise(scene, FAR, 1, "a1")
    scene.advance(10)
    assert number(FAR) not in numbers(scene)
    scene.desk.ask("a1", "ready")
    scene.settle()
    scene.desk.accept("a1")
    scene.advance(1)
    assert numbers(scene)[-1] == number(FAR)


# --- planted bugs -----------------------------------------------------------------------------


def test_who_would_take_any_agent_is_noticed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: agents who are kept for a call-back are given to whoever answers first."""
    handle = CallbackBoard._bind

    def unbound(self: Any, agent_id: str, *, bound: bool) -> None:
        handle(self, agent_id, bound=False)

    monkeypatch.setattr(CallbackBoard, "_bind", unbound)
    for_caller = AgentPool._for_caller

    def anybody(self: Any, claim: Any) -> Any:
        return for_caller(self, claim._replace(attempt=None))

    monkeypatch.setattr(AgentPool, "_for_caller", anybody)
    with pytest.raises(AssertionError):
        test_a_personal_call_back_is_made_by_its_agent_and_no_other(scene)


def test_a_campaign_that_asks_for_nobody_by_name_is_noticed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: it waits for the agent to be reserved by chance, and dials for nobody."""
    monkeypatch.setattr(CallbackBoard, "dial", lambda self, idle, ticket: [])
    with pytest.raises(AssertionError):
        test_an_agent_who_is_reserved_already_makes_it_when_their_call_rings_out(scene)
