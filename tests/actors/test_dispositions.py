"""What agents say of their calls: recorded, obeyed, and demanded where the campaign does."""

from typing import Any

import pytest

from actors.disposition_desk import DispositionDesk
from dialer import journal
from dialer.ports import Callback, ClaimedContact, ClaimRequest
from tests.actors.conftest import Scene
from tests.actors.world import HUNG_UP, flow_text

HOUR = 3600.0
CHOICES = """
dispositions:
  mandatory: {mandatory}
  default: {default}
  choices:
    - {{name: sale}}
    - {{name: not_now, means: retry, delay_s: 7200}}
    - {{name: call_back, means: call_back}}
    - {{name: stop, means: do_not_call}}
"""


def disposing(*, mandatory: bool = True, default: str = "''", target: int = 1) -> str:
    said = CHOICES.format(mandatory=str(mandatory).lower(), default=default)
    return flow_text(target=target).replace("\nnodes:", said + "nodes:", 1)


def connected(scene: Scene, text: str, wrap_up_s: float = 30.0) -> int:
    """One agent in a call; its attempt."""
    scene.add_agents(1, wrap_up_s=wrap_up_s)
    scene.team.start(text)
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.talk(attempt_id)
    return attempt_id


def end(scene: Scene, attempt_id: int) -> None:
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()


def state(scene: Scene) -> tuple[str, str]:
    row = scene.team.agents()["a1"]
    return row["state"], row["reason"]


def counted(scene: Scene) -> dict[str, int]:
    cells = scene.team.metrics.counters("dialer_dispositions_total", campaign="Test")
    return {means: int(cell.value) for means, cell in cells.items() if cell.value}


def test_wrap_up_does_not_end_before_a_disposition_is_chosen(scene: Scene) -> None:
    attempt_id = connected(scene, disposing(), wrap_up_s=0)
    end(scene, attempt_id)
    assert scene.desk.asked[0][:2] == ("a1", attempt_id)
    assert dict(scene.desk.asked[0][2])["stop"] == "do_not_call"
    for wish in ("wrap_up_done", "ready"):
        scene.desk.ask("a1", wish)
        scene.settle()
        assert state(scene)[0] == "wrap_up"
    assert scene.team.agents()["a1"]["owes_disposition"]
    assert scene.desk.dispose("a1", "sale") == ""
    scene.desk.ask("a1", "wrap_up_done")
    scene.settle()
    assert state(scene)[0] != "wrap_up"
    assert scene.store.dispositions == {attempt_id: "sale"}
    assert counted(scene) == {"final": 1}
    (record,) = [r for r in scene.team.ledger.records if isinstance(r, journal.CallDisposed)]
    assert (record.attempt_id, record.agent_id, record.disposition) == (attempt_id, "a1", "sale")


def test_at_the_wrap_up_limit_who_said_nothing_is_not_ready(scene: Scene) -> None:
    attempt_id = connected(scene, disposing())
    end(scene, attempt_id)
    scene.advance(29)
    assert state(scene)[0] == "wrap_up"
    scene.advance(2)
    assert state(scene) == ("not_ready", "no_disposition")
    scene.desk.ask("a1", "ready")
    scene.settle()
    assert state(scene)[0] == "not_ready"
    scene.desk.dispose("a1", "sale")
    scene.desk.ask("a1", "ready")
    scene.settle()
    assert state(scene)[0] in ("ready", "reserved")


def test_at_the_wrap_up_limit_a_default_may_be_recorded(scene: Scene) -> None:
    attempt_id = connected(scene, disposing(default="sale"))
    end(scene, attempt_id)
    scene.advance(31)
    assert state(scene)[0] in ("ready", "reserved")
    assert scene.store.dispositions == {attempt_id: "sale"}


def test_a_disposition_that_is_not_mandatory_keeps_nobody(scene: Scene) -> None:
    attempt_id = connected(scene, disposing(mandatory=False))
    end(scene, attempt_id)
    assert not scene.team.agents()["a1"]["owes_disposition"]
    scene.advance(31)
    assert state(scene)[0] in ("ready", "reserved")
    assert scene.desk.dispose("a1", "sale") == "", "late, and before the next call"
    assert scene.store.dispositions == {attempt_id: "sale"}


def test_a_retry_is_dialed_again_when_the_disposition_says(scene: Scene) -> None:
    attempt_id = connected(scene, disposing())
    scene.desk.dispose("a1", "not_now")
    assert scene.store.dispositions == {}, "not before the attempt is settled"
    end(scene, attempt_id)
    assert scene.store.dispositions == {attempt_id: "not_now"}
    assert scene.store.states(1)[1] == "waiting"
    scene.team.quiesce("the end")
    scene.advance(2 * HOUR - 60)
    assert 1 not in claimed(scene)
    scene.advance(60)
    assert claimed(scene)[1].resume_node == "dial"


def claimed(scene: Scene) -> dict[int, ClaimedContact]:
    """Who is due, by contact."""
    taken: list[ClaimedContact] = []

    class Sink:
        @staticmethod
        def tell(message: Any, /) -> None:
            taken.extend(message.contacts)

    now = scene.runtime.now()
    scene.store.claim(ClaimRequest(1, 1, "", "fifo", 99, now), Sink())
    return {contact.contact_id: contact for contact in taken}


def test_a_call_back_is_promised_with_the_disposition(scene: Scene) -> None:
    attempt_id = connected(scene, disposing())
    end(scene, attempt_id)
    at = scene.runtime.now() + HOUR
    assert "say when" in scene.desk.dispose("a1", "call_back")
    assert "no time" in scene.desk.dispose("a1", "sale", callback_at=at)
    assert "has passed" in scene.desk.dispose("a1", "call_back", callback_at=at - 2 * HOUR)
    assert scene.desk.dispose("a1", "call_back", callback_at=at, personal=True) == ""
    scene.team.quiesce("the end")
    scene.advance(HOUR)
    assert claimed(scene)[1].callback == Callback(at, "a1")


def test_do_not_call_suppresses_the_number_at_once(scene: Scene) -> None:
    attempt_id = connected(scene, disposing())
    scene.desk.dispose("a1", "stop")
    source = f"disposition stop of attempt {attempt_id}"
    assert scene.team.opted_out == [("+12125550001", source)]
    end(scene, attempt_id)
    assert scene.store.states(1)[1] == "refused"
    assert counted(scene) == {"do_not_call": 1}


def test_what_is_no_disposition_is_refused_with_those_there_are(scene: Scene) -> None:
    scene.add_agents(1)
    assert scene.desk.dispose("a1", "sale") == "has no call to dispose of"
    attempt_id = connected(scene, disposing())
    told = scene.desk.dispose("a1", "sael")
    assert told == ("there is no disposition 'sael'; there are sale, not_now, call_back, stop")
    end(scene, attempt_id)


@pytest.mark.parametrize(("default", "recorded"), [("''", {}), ("sale", {1: "sale"})])
@pytest.mark.parametrize("when", ["in the call", "in wrap-up"])
def test_who_logs_out_leaves_the_default_or_nothing(
    scene: Scene, when: str, default: str, recorded: dict[int, str]
) -> None:
    attempt_id = connected(scene, disposing(default=default))
    if when == "in wrap-up":
        end(scene, attempt_id)
    scene.desk.leg_down("a1")
    scene.settle()
    assert state(scene)[0] == "logged_out"
    assert scene.store.dispositions == recorded
    scene.desk.ask("a1", "login")
    scene.settle()
    assert not scene.team.agents()["a1"]["owes_disposition"]
    assert state(scene)[0] in ("ready", "reserved")


def test_who_asked_to_pause_owes_it_too(scene: Scene) -> None:
    attempt_id = connected(scene, disposing())
    scene.desk.ask("a1", "not_ready", "lunch")
    end(scene, attempt_id)
    assert state(scene)[0] == "not_ready"
    scene.desk.ask("a1", "ready")
    scene.settle()
    assert state(scene)[0] == "not_ready"
    scene.desk.dispose("a1", "sale")
    scene.desk.ask("a1", "ready")
    scene.settle()
    assert state(scene)[0] in ("ready", "reserved")


def test_a_caller_whom_nobody_heard_is_not_disposed_of(scene: Scene) -> None:
    scene.trunk.bridges = False
    attempt_id = connected(scene, disposing())
    end(scene, attempt_id)
    assert scene.desk.asked == []
    assert not scene.team.agents()["a1"]["owes_disposition"]


def test_without_the_gate_an_agent_would_slip_away(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: nobody ever owes a disposition."""
    monkeypatch.setattr(DispositionDesk, "owes", lambda self, agent_id: False)
    with pytest.raises(AssertionError):
        test_wrap_up_does_not_end_before_a_disposition_is_chosen(scene)


def test_what_is_written_before_the_settlement_would_be_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: what is said in the call is written at once."""
    say = DispositionDesk.say

    def hasty(self: Any, said: Any) -> str:
        for call in self._open.values():
            call.settled = True
        return say(self, said)

    monkeypatch.setattr(DispositionDesk, "say", hasty)
    with pytest.raises(AssertionError):
        test_a_retry_is_dialed_again_when_the_disposition_says(scene)
