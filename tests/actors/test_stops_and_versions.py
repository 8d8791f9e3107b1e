"""Stops, new versions of the flow and trunks that go down, in the midst of a campaign."""

from collections.abc import Callable
from typing import Any

import pytest

from actors.messages import TrunkNews
from dialer.events import EndCause
from dialer.flow.graph import load_flow
from tests.actors.conftest import Scene
from tests.actors.world import BUSY, HUNG_UP, flow_text

MakeScene = Callable[..., Scene]


def test_a_trunk_that_is_down_leaves_contacts_due_and_says_why(scene: Scene) -> None:
    scene.add_agents(2)
    campaign = scene.team.start(
        flow_text(), briefing=lambda: (TrunkNews("trunk", False, "no answer to OPTIONS"),)
    )
    scene.advance(30)
    assert scene.trunk.dialed == []
    assert scene.store.settlements == []
    assert scene.reported()["why"] == "trunk trunk is down: no answer to OPTIONS"
    assert scene.team.agent_states() == {"ready": 2}
    campaign.tell(TrunkNews("trunk", True, ""))
    scene.advance(5)
    assert len(scene.trunk.dialed) == 2


def test_unpublishing_settles_what_waits_for_its_slot_as_never_dialed(scene: Scene) -> None:
    scene.add_agents(5)
    scene.team.start(flow_text(target=5), calls_per_second=1)
    scene.advance(1.5)
    assert len(scene.trunk.dialed) == 2
    scene.team.quiesce("unpublished")
    scene.advance(60)
    assert len(scene.trunk.dialed) == 2
    assert scene.team.outcomes() == ["never_dialed"] * 3
    assert scene.team.agent_states() == {"ready": 3, "reserved": 2}
    scene.team.change_flow(flow_text(target=5), 2)
    scene.advance(6)
    assert len({r.number for r in scene.trunk.dialed}) == len(scene.trunk.dialed) > 2
    assert {r.number for r in scene.trunk.dialed} == {
        f"+1212555{n:04d}" for n in range(1, len(scene.trunk.dialed) + 1)
    }, "those that were never dialed were due again"


def test_unpublishing_lets_live_calls_finish(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=2))
    scene.settle()
    live, rings = scene.trunk.open
    scene.talk(live)
    scene.team.quiesce("unpublished")
    scene.advance(10)
    assert scene.trunk.open == [live, rings]
    assert scene.talk(rings) == "a2", "what rings may still be answered"
    for attempt_id in (live, rings):
        scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    assert scene.team.outcomes() == ["customer_answered"] * 2
    assert scene.reported()["calls_in_progress"] == 0


def test_panic_cancels_ringing_calls_and_lets_live_ones_finish(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=2))
    scene.settle()
    live, rings = scene.trunk.open
    scene.talk(live)
    scene.team.quiesce("panic", cancel=True)
    scene.settle()
    assert scene.trunk.cancelled == [rings]
    scene.trunk.end(rings, EndCause("near", 487))
    scene.advance(60)
    assert scene.team.outcomes() == ["cancelled"]
    assert scene.trunk.open == [live]
    assert len(scene.trunk.dialed) == 2


def test_an_answer_that_crosses_the_cancel_is_a_live_call(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.team.quiesce("panic", cancel=True)
    scene.settle()
    assert scene.talk(attempt_id) == "a1"
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    assert scene.team.outcomes() == ["customer_answered"]


def test_attempts_committed_while_the_stop_was_on_its_way_are_never_dialed(scene: Scene) -> None:
    replies: list[Any] = []
    commit = scene.store.commit_attempts
    scene.store.commit_attempts = (  # type: ignore[method-assign]
        lambda *arguments: replies.append(arguments)
    )
    scene.add_agents(2)
    scene.team.start(flow_text(target=2))
    scene.settle()
    scene.team.quiesce("unpublished")
    scene.settle()
    assert scene.reported()["calls_in_progress"] > 0, "not done before the store has answered"
    for arguments in replies:
        commit(*arguments)
    scene.settle()
    assert scene.trunk.dialed == []
    assert scene.team.outcomes() == ["never_dialed"] * 2
    assert scene.team.agent_states() == {"ready": 2}
    assert scene.reported()["calls_in_progress"] == 0


def test_a_stop_gives_back_contacts_that_were_claimed_ahead(make_scene: MakeScene) -> None:
    scene = make_scene(contacts=50)
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    scene.team.quiesce("unpublished")
    scene.advance(1)
    states = list(scene.store.states(1).values())
    assert states.count("claimed") == 0
    assert states.count("in_flight") == 1, "the one whose phone rings"


def test_contacts_claimed_while_the_stop_was_on_its_way_are_given_back(scene: Scene) -> None:
    replies: list[Any] = []
    claim = scene.store.claim
    scene.store.claim = lambda *arguments: replies.append(arguments)  # type: ignore[method-assign]
    scene.team.start(flow_text())
    scene.settle()
    scene.team.quiesce("unpublished")
    scene.settle()
    for arguments in replies:
        claim(*arguments)
    scene.settle()
    assert set(scene.store.states(1).values()) <= {"due", "waiting"}


def test_a_request_ends_with_the_stop(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=3, ttl_s=600))
    scene.settle()
    scene.team.quiesce("unpublished")
    scene.settle()
    before = len(scene.team.ledger.records)
    scene.add_agents(2, prefix="late")
    scene.settle()
    moves = [
        r for r in scene.team.ledger.records[before:] if getattr(r, "to_state", "") == "reserved"
    ]
    assert moves == []


def test_calls_under_way_finish_on_the_old_version(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=1))
    scene.settle()
    old = scene.trunk.open[0]
    text = flow_text(target=1).replace("outcomes: [user_busy", "outcomes: [fax")
    scene.team.change_flow(text, 2)
    scene.advance(5)
    scene.trunk.end(old, BUSY)
    scene.advance(5)
    new = scene.trunk.open[-1]
    scene.trunk.end(new, BUSY)
    scene.settle()
    nexts = [s.next.state for s in scene.store.settlements]
    assert nexts == ["waiting", "done"], "the old version tries busy numbers again, the new not"


def test_an_attempt_committed_for_the_old_version_keeps_its_nodes(scene: Scene) -> None:
    replies: list[Any] = []
    commit = scene.store.commit_attempts
    scene.store.commit_attempts = (  # type: ignore[method-assign]
        lambda *arguments: replies.append(arguments)
    )
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    renamed = flow_text(target=1).replace("id: dial,", "id: ring,").replace(": dial}", ": ring}")
    load_flow(renamed, "renamed.yaml")
    scene.team.change_flow(renamed, 2)
    scene.settle()
    commit(*replies[0])
    scene.settle()
    assert len(scene.trunk.dialed) == 1
    scene.trunk.end(scene.trunk.open[0], BUSY)
    scene.settle()
    assert scene.store.settlements[0].next.resume_node == "dial"


def test_a_new_version_that_seizes_from_another_queue_hears_of_its_agents(scene: Scene) -> None:
    scene.add_agents(1)
    scene.add_agents(1, queue="other", prefix="b")
    scene.team.start(flow_text(target=1))
    scene.settle()
    first = scene.trunk.open[0]
    scene.team.change_flow(flow_text(target=2, queue="other"), 2)
    scene.advance(5)
    assert len(scene.trunk.open) == 2
    assert scene.talk(scene.trunk.open[1]) == "b1"
    assert scene.talk(first) == "a1", "the old call's agent was not taken from it"


def test_a_late_assignment_to_a_call_that_ended_gives_the_agent_back(scene: Scene) -> None:
    """The pool assigns, the caller hangs up, and the two cross."""
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.trunk.answer(attempt_id)
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    assert attempt_id not in scene.trunk.bridged
    assert scene.team.outcomes() == ["hung_up_waiting"]
    assert scene.desk.released == [("a1", attempt_id)]
    assert scene.team.agent_states() == {"reserved": 1}, "for the next call"
    histogram = scene.team.metrics.histogram(
        "dialer_agent_wrapup_duration_seconds", campaign="Test"
    )
    assert histogram.count == 0


def test_a_ring_timeout_on_its_way_when_the_first_ring_is_heard_does_not_cut_it_short(
    scene: Scene,
) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.advance(24.999)
    scene.trunk.ring(attempt_id)
    scene.advance(20)
    assert scene.trunk.cancelled == []
    scene.advance(10)
    assert scene.trunk.cancelled == [attempt_id]


@pytest.mark.parametrize("ported", ["agent_reserved: undelivered_too", "agent_reserved: init"])
def test_agents_are_dialed_for_whatever_stands_between_them_and_init(
    scene: Scene, ported: str
) -> None:
    text = flow_text(target=1).replace("agent_reserved: init", ported)
    if "too" in ported:
        text += (
            '  - {id: undelivered_too, type: check_undelivered_contacts, next: {"true": init}}\n'
        )
    scene.add_agents(1)
    scene.team.start(text)
    scene.settle()
    assert len(scene.trunk.dialed) == 1


def test_a_campaign_dials_its_newest_contacts_first_and_due_retries_before_them(
    scene: Scene,
) -> None:
    scene.add_agents(1)
    text = flow_text(target=1).replace("type: init,", "type: init, order: lefo,")
    scene.team.start(text, ahead=2)
    scene.settle()
    for _ in range(3):
        scene.trunk.end(scene.trunk.open[0])
        scene.advance(1)
    newest = [f"+1212555{n:04d}" for n in (100, 99, 98, 97)]
    assert [request.number for request in scene.trunk.dialed] == newest
    scene.advance(620)  # the first of them are due again
    for _ in range(8):
        scene.trunk.end(scene.trunk.open[0])
        scene.settle()
    later = [int(request.number[-4:]) for request in scene.trunk.dialed[4:]]
    # Two were claimed ahead; then come those who are due, as they came due, and then the list.
    assert later[:2] == [96, 95]
    assert later[2:5] == [100, 99, 98]
    assert later[5:] == sorted(later[5:], reverse=True)
