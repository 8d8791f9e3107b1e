"""An actor's death in the midst of a campaign: it is made anew and what it left open is settled."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from actors import after_call
from actors.agent_messages import AgentAssigned
from actors.call import Call
from actors.contact_feeder import ContactFeeder
from actors.messages import NeedContacts, Quiesce, TrunkNews
from dialer.events import Answered, Ringing
from tests.actors.conftest import Scene
from tests.actors.world import HUNG_UP, flow_text

MakeScene = Callable[..., Scene]


class Poison:
    """A message that no actor handles."""


def crashed(scene: Scene) -> list[str]:
    """Which actors have crashed; taken note of."""
    names = [name for name, _ in scene.runtime.crashes]
    scene.runtime.crashes.clear()
    return names


def fail(*_: Any) -> None:
    raise RuntimeError("a bug")


# --- a call -----------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [Ringing, Answered, AgentAssigned])
def test_a_call_that_dies_is_hung_up_settled_once_and_gives_its_agent_back(
    scene: Scene, event: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    monkeypatch.setattr(Call, "handlers", {**Call.handlers, event: fail})
    attempt_id = scene.trunk.open[0]
    if event is Ringing:
        scene.trunk.ring(attempt_id)
    else:
        scene.trunk.answer(attempt_id)
    scene.settle()
    monkeypatch.undo()
    assert crashed(scene) == [f"call/{attempt_id}"]
    assert attempt_id not in scene.trunk.open
    assert scene.team.outcomes() == ["interrupted"]
    scene.advance(3601)
    assert scene.team.agent_states() == {"reserved": 1}
    assert len(scene.trunk.open) == 1
    assert scene.store.ignored_settlements == 0


def test_a_call_that_dies_while_it_settles_is_settled_still(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    failures = iter([True])
    step = after_call.contact_step

    def once(*given: Any) -> Any:
        if next(failures, False):
            raise RuntimeError("a bug")
        return step(*given)

    monkeypatch.setattr(after_call, "contact_step", once)
    scene.trunk.end(scene.trunk.open[0])
    scene.settle()
    assert crashed(scene) == ["call/1"]
    assert scene.team.outcomes() == ["interrupted"]
    assert scene.reported()["calls_in_progress"] == 1, "and the agent was dialed for again"


# --- a campaign -------------------------------------------------------------------------------


def test_a_campaign_that_dies_goes_on_and_its_calls_live(scene: Scene) -> None:
    scene.add_agents(2)
    campaign = scene.team.start(flow_text(target=2))
    scene.settle()
    first, second = scene.trunk.open
    scene.talk(first)
    campaign.tell(Poison())
    scene.settle()
    assert crashed(scene) == ["campaign/1"]
    assert scene.trunk.open[:2] == [first, second]
    scene.talk(second)
    for attempt_id in (first, second):
        scene.trunk.end(attempt_id, HUNG_UP)
    scene.advance(10)
    assert scene.team.outcomes()[:2] == ["customer_answered"] * 2
    counted = Counter(scene.team.metrics.members("dialer_agents", campaign="Test").values())
    assert counted == dict(scene.team.agent_states())


def test_a_campaign_that_dies_settles_what_waited_for_its_slot(scene: Scene) -> None:
    scene.add_agents(5)
    campaign = scene.team.start(flow_text(target=5), calls_per_second=1)
    scene.advance(0.5)
    assert len(scene.trunk.dialed) == 1
    campaign.tell(Poison())
    scene.settle()
    crashed(scene)
    assert scene.team.outcomes() == ["never_dialed"] * 4


def test_a_campaign_that_dies_in_a_stop_stays_stopped(scene: Scene) -> None:
    stop = Quiesce("panic", True, False)
    standing: list[Any] = []
    scene.add_agents(2)
    campaign = scene.team.start(flow_text(target=2), briefing=lambda: standing)
    scene.settle()
    standing.append(stop)
    campaign.tell(stop)
    campaign.tell(Poison())
    scene.advance(30)
    assert crashed(scene) == ["campaign/1"]
    assert len(scene.trunk.dialed) == 2
    assert scene.reported()["quiet"] == "panic"


def test_attempts_made_ready_for_a_campaign_that_died_are_never_dialed(scene: Scene) -> None:
    replies: list[Any] = []
    commit = scene.store.commit_attempts
    scene.store.commit_attempts = (  # type: ignore[method-assign]
        lambda *arguments: replies.append(arguments)
    )
    scene.add_agents(2)
    campaign = scene.team.start(flow_text(target=2, interval_s=3600))
    scene.advance(1)
    campaign.tell(Poison())
    scene.settle()
    crashed(scene)
    commit(*replies[0])
    scene.settle()
    assert scene.trunk.dialed == []
    assert scene.team.outcomes() == ["never_dialed"] * 2


# --- a feeder ---------------------------------------------------------------------------------


def test_a_feeder_that_dies_loses_no_contact_and_the_campaign_goes_on(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(contacts=6)
    scene.add_agents(2)
    scene.team.start(flow_text(target=2))
    scene.settle()
    scene.team.feeders[1].tell(Poison())
    scene.settle()
    assert crashed(scene) == ["feeder/1"]
    for _ in range(6):
        for attempt_id in scene.trunk.open:
            scene.talk(attempt_id)
            scene.trunk.end(attempt_id, HUNG_UP)
        for agent_id in scene.team.agents():
            scene.desk.ask(agent_id, "wrap_up_done")
        scene.advance(5)
    assert scene.team.outcomes() == ["customer_answered"] * 6


def test_a_feeder_that_dies_of_a_question_does_not_leave_the_campaign_waiting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question itself is lost with it; agents must not be held for calls that never come."""
    scene.add_agents(1)
    handlers = {**ContactFeeder.handlers, NeedContacts: fail}
    monkeypatch.setattr(ContactFeeder, "handlers", handlers)
    scene.team.start(flow_text(target=1))
    scene.settle()
    assert crashed(scene) == ["feeder/1"]
    assert scene.trunk.dialed == []
    monkeypatch.undo()
    scene.advance(5)
    assert len(scene.trunk.dialed) == 1


def test_attempts_committed_for_a_feeder_that_died_are_never_dialed(scene: Scene) -> None:
    replies: list[Any] = []
    commit = scene.store.commit_attempts
    scene.store.commit_attempts = (  # type: ignore[method-assign]
        lambda *arguments: replies.append(arguments)
    )
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    scene.team.feeders[1].tell(Poison())
    scene.settle()
    crashed(scene)
    scene.store.commit_attempts = commit  # type: ignore[method-assign]
    commit(*replies[0])
    scene.settle()
    assert scene.trunk.dialed == []
    assert scene.team.outcomes() == ["never_dialed"]
    assert scene.store.open_attempts == {}
    assert scene.reported()["calls_in_progress"] == 0


def test_contacts_claimed_for_a_feeder_that_was_dismissed_are_given_back(scene: Scene) -> None:
    replies: list[Any] = []
    claim = scene.store.claim
    scene.store.claim = lambda *arguments: replies.append(arguments)  # type: ignore[method-assign]
    scene.team.start(flow_text())
    scene.settle()
    scene.team.dismiss(1)
    scene.settle()
    claim(*replies[0])
    assert set(scene.store.states(1).values()) == {"waiting"}


def test_a_feeder_made_anew_hears_which_trunks_are_down(scene: Scene) -> None:
    scene.add_agents(1)
    campaign = scene.team.start(flow_text(target=1))
    campaign.tell(TrunkNews("trunk", False, "cable cut"))
    scene.settle()
    dialed = len(scene.trunk.dialed)
    scene.team.feeders[1].tell(Poison())
    scene.settle()
    crashed(scene)
    scene.team.feeders[1].tell(NeedContacts(1, (1,)))
    scene.advance(1)
    assert len(scene.trunk.dialed) == dialed
    assert "waiting" in scene.store.states(1).values(), "deferred until the trunk is back"


# --- the pool ---------------------------------------------------------------------------------


def test_desk_events_about_strangers_do_not_take_the_pool_down(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(kept_up=False)
    for event in ("accept", "no_answer", "leg_down"):
        getattr(scene.desk, event)("stranger")
    scene.desk.ask("stranger", "ready")
    scene.settle()
    assert scene.team.agents() == {}
