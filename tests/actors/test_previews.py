"""An agent looks at a contact before it is dialed: accepted, skipped, timed out or withdrawn."""

from collections import Counter
from typing import Any

import pytest

from actors.agent_messages import PreviewOver
from actors.agent_pool import AgentPool
from actors.contact_feeder import ContactFeeder
from actors.messages import TrunkNews
from dialer import journal
from dialer.compliance.permission import YES, Permission
from tests.actors.conftest import Scene
from tests.actors.world import HUNG_UP, flow_text


def preview_flow(target: int = 1, *, on_timeout: str = "not_ready", interval_s: float = 5) -> str:
    dialing = f"{{mode: preview, accept_timeout_s: 60, on_timeout: {on_timeout}}}"
    text = flow_text(target=target, dialing=dialing, interval_s=interval_s)
    return text.replace("next: {contact: dial}}", "next: {contact: dial, skipped: later}}", 1)


def verdicts(scene: Scene) -> dict[str, int]:
    cells = scene.team.metrics.counters("dialer_previews_total", campaign="Test")
    return {verdict: int(cell.value) for verdict, cell in cells.items() if cell.value}


def skips(scene: Scene) -> list[tuple[int, str]]:
    records = scene.team.ledger.records
    return [(r.contact_id, r.reason) for r in records if isinstance(r, journal.ContactSkipped)]


def test_nothing_is_dialed_or_committed_before_the_agent_accepts(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(preview_flow())
    scene.advance(30)
    (card,) = scene.desk.cards("a1")
    assert (card.contact_id, card.number, card.campaign) == (1, "+12125550001", "Test")
    assert card.attributes == {"phone": ("+12125550001",)}
    assert scene.trunk.dialed == []
    assert scene.store.open_attempts == {}
    assert scene.reported()["calls_in_progress"] == 0
    scene.desk.answer_preview("a1", accepted=True)
    scene.settle()
    assert [request.number for request in scene.trunk.dialed] == ["+12125550001"]
    assert verdicts(scene) == {"accepted": 1}


def test_who_accepted_gets_the_person_whom_they_accepted(scene: Scene) -> None:
    agents = scene.add_agents(3)
    scene.team.start(preview_flow(target=3))
    scene.settle()
    wanted = {card.contact_id: agent for agent in agents for card in scene.desk.cards(agent)}
    assert len(wanted) == 3
    for agent in reversed(agents):
        scene.desk.answer_preview(agent, accepted=True)
    scene.settle()
    # The last in line answers first, and the agent who has waited longest is not theirs.
    for attempt_id in list(scene.trunk.open):
        draft = scene.store.open_attempts[attempt_id]
        assert scene.talk(attempt_id) == wanted[draft.contact_id]


def test_an_unanswered_dial_brings_its_agent_the_next_contact(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(preview_flow(interval_s=3600))
    scene.settle()
    scene.desk.answer_preview("a1", accepted=True)
    scene.settle()
    scene.trunk.end(scene.trunk.open[0])
    scene.settle()
    assert [card.contact_id for card in scene.desk.cards("a1")] == [1, 2]
    assert scene.team.agent_states() == {"reserved": 1}


def test_a_skipped_contact_goes_where_the_flow_says_and_the_next_is_shown(
    make_scene: Any,
) -> None:
    scene = make_scene(contacts=2)
    scene.add_agents(1)
    scene.team.start(preview_flow(on_timeout="ready"))
    scene.settle()
    scene.desk.answer_preview("a1", accepted=False)
    scene.settle()
    assert [card.contact_id for card in scene.desk.cards("a1")] == [1, 2]
    assert scene.store.states(1)[1] == "waiting"
    assert skips(scene) == [(1, "agent a1 skipped it in the preview")]
    assert verdicts(scene) == {"skipped": 1}
    assert scene.trunk.dialed == []
    scene.advance(590)
    assert [card.contact_id for card in scene.desk.cards("a1")].count(1) == 1
    scene.advance(150)
    assert [card.contact_id for card in scene.desk.cards("a1")].count(1) >= 2, "due again"


def test_without_a_skipped_port_a_skip_is_the_end_of_the_contact(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(preview_flow().replace(", skipped: later", ""))
    scene.settle()
    scene.desk.answer_preview("a1", accepted=False)
    scene.settle()
    assert scene.store.states(1)[1] == "done"


def test_a_time_out_makes_the_agent_not_ready_and_another_gets_the_contact(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(preview_flow())
    scene.advance(59)
    assert scene.team.agent_states() == {"reserved": 1}
    scene.advance(2)
    row = scene.team.agents()["a1"]
    assert (row["state"], row["reason"]) == ("not_ready", "preview_timeout")
    assert verdicts(scene) == {"timed_out": 1}
    assert skips(scene) == [(1, "agent a1 let the preview time out")]
    scene.team.add_agents(1, prefix="b")
    scene.advance(6)
    assert len(scene.desk.cards("a1")) == 1
    (card,) = scene.desk.cards("b1")
    assert card.contact_id in (1, 2)


def test_a_time_out_may_leave_the_agent_ready(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(preview_flow(on_timeout="ready"))
    scene.advance(70)
    assert scene.team.agent_states() == {"reserved": 1}
    assert len(scene.desk.cards("a1")) == 2


def test_an_answer_that_comes_too_late_does_nothing(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(preview_flow())
    scene.advance(61)
    scene.desk.answer_preview("a1", accepted=True)
    scene.advance(1)
    assert scene.trunk.dialed == []
    assert scene.store.open_attempts == {}


@pytest.mark.parametrize("wish", ["not_ready", "logout", "leg_down"])
def test_an_agent_who_goes_away_is_shown_nothing_and_the_contact_is_due(
    scene: Scene, wish: str
) -> None:
    scene.add_agents(1)
    scene.team.start(preview_flow())
    scene.settle()
    if wish == "leg_down":
        scene.desk.leg_down("a1")
    else:
        scene.desk.ask("a1", wish)
    scene.advance(1)
    assert scene.team.agent_states() == {"not_ready" if wish == "not_ready" else "logged_out": 1}
    assert not scene.team.agents()["a1"]["preview"]
    assert verdicts(scene) == {"withdrawn": 1}
    assert scene.store.states(1)[1] == "waiting"
    scene.advance(70)
    assert verdicts(scene) == {"withdrawn": 1}


def test_a_pause_and_a_trunk_that_is_down_withdraw_previews(scene: Scene) -> None:
    scene.add_agents(2)
    campaign = scene.team.start(preview_flow(target=2))
    scene.settle()
    campaign.tell(TrunkNews("trunk", False, "cable cut"))
    scene.advance(6)
    assert scene.team.agent_states() == {"ready": 2}
    assert set(scene.store.states(1).values()) <= {"waiting", "claimed"}
    campaign.tell(TrunkNews("trunk", True, ""))
    scene.advance(6)
    assert scene.team.agent_states() == {"reserved": 2}
    scene.team.quiesce("paused")
    scene.settle()
    assert scene.team.agent_states() == {"ready": 2}
    assert set(scene.store.states(1).values()) == {"waiting"}
    scene.desk.answer_preview("a1", accepted=True)
    scene.advance(70)
    assert scene.trunk.dialed == []


def test_the_law_is_asked_again_when_the_agent_accepts(scene: Scene) -> None:
    """A window may close, and a person may opt out, while the agent reads."""
    refused: list[Permission] = []
    scene.add_agents(1)
    scene.team.start(
        preview_flow(interval_s=3600),
        may_dial=lambda number, contact, at: refused[0] if refused else YES,
    )
    scene.settle()
    refused.append(Permission(False, "the number is suppressed"))
    scene.desk.answer_preview("a1", accepted=True)
    scene.settle()
    assert scene.trunk.dialed == []
    assert scene.store.states(1)[1] == "refused"
    assert skips(scene)[0] == (1, "the number is suppressed")
    assert scene.team.agent_states() == {"ready": 1}


def test_a_list_that_ends_frees_the_agents(make_scene: Any) -> None:
    scene = make_scene(contacts=1)
    scene.add_agents(2)
    scene.team.start(preview_flow(target=2))
    scene.settle()
    assert Counter(scene.team.agent_states()) == {"reserved": 1, "ready": 1}
    scene.desk.answer_preview("a1", accepted=True)
    scene.settle()
    scene.talk(scene.trunk.open[0])
    scene.trunk.end(scene.trunk.open[0], HUNG_UP)
    scene.settle()
    assert scene.team.outcomes() == ["customer_answered"]


@pytest.mark.parametrize("who", ["campaign", "feeder"])
def test_a_crash_loses_no_contact_that_is_shown(scene: Scene, who: str) -> None:
    scene.add_agents(2)
    campaign = scene.team.start(preview_flow(target=2))
    scene.settle()
    victim = campaign if who == "campaign" else scene.team.feeders[1]
    victim.tell(object())
    scene.settle()
    assert [name for name, _ in scene.runtime.crashes] == [f"{who}/1"]
    scene.runtime.crashes.clear()
    scene.advance(6)
    assert scene.team.agent_states() == {"reserved": 2}
    for agent in ("a1", "a2"):
        scene.desk.answer_preview(agent, accepted=True)
    scene.settle()
    assert len(scene.trunk.dialed) == 2
    for attempt_id in list(scene.trunk.open):
        scene.trunk.end(attempt_id)
    scene.team.quiesce("the end")
    scene.settle()
    assert set(scene.store.states(1).values()) == {"waiting"}, "none is held by nobody"


# --- planted bugs -----------------------------------------------------------------------------


def test_a_bound_agent_would_get_anybody_without_the_binding(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the pool gives a bound agent to the first caller, the longest idle first."""
    for_caller = AgentPool._for_caller

    def unbound(self: Any, claim: Any) -> Any:
        for agent in self._roster.agents.values():
            agent.bound = False
        return for_caller(self, claim._replace(attempt=None))

    monkeypatch.setattr(AgentPool, "_for_caller", unbound)
    with pytest.raises(AssertionError):
        test_who_accepted_gets_the_person_whom_they_accepted(scene)


def test_a_contact_would_be_lost_if_the_feeder_forgot_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the feeder drops a contact whose preview was withdrawn."""
    over = ContactFeeder.handlers[PreviewOver]

    def forgetful(self: Any, message: PreviewOver) -> None:
        if message.verdict == "accepted":
            over(self, message)

    monkeypatch.setattr(
        ContactFeeder, "handlers", {**ContactFeeder.handlers, PreviewOver: forgetful}
    )
    with pytest.raises(AssertionError):
        test_an_agent_who_goes_away_is_shown_nothing_and_the_contact_is_due(scene, "not_ready")
