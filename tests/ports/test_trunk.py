"""The contract of the trunk: every adapter of the port passes it."""

from collections.abc import Iterator

import pytest

from dialer.events import Answered, Bridged, CpaVerdict, EarlyMedia, Ended, Ringing
from dialer.ports import DialRequest, Trunk
from tests.ports.trunk_beds import KINDS, TRUNKS, Events, TrunkBed


@pytest.fixture(params=TRUNKS)
def bed(request: pytest.FixtureRequest) -> Iterator[TrunkBed]:
    bed = TRUNKS[request.param]()
    yield bed
    bed.close()


class Dialed:
    """A call that was placed."""

    def __init__(self, bed: TrunkBed, kind: str, line: tuple[Trunk, str] | None = None) -> None:
        self.trunk, number = line or bed.line(kind)
        self.attempt_id = bed.next_attempt()
        self.events = Events()
        self._quiet_s = bed.quiet_s
        self.trunk.dial(DialRequest(self.attempt_id, number), self.events)

    def until(self, kind: type) -> list[object]:
        return self.events.take_until(kind)

    def ended(self) -> Ended:
        """The end, which must be the last of all."""
        end = self.until(Ended)[-1]
        assert isinstance(end, Ended)
        assert self.events.rest(self._quiet_s) == []
        return end

    def nothing_more(self) -> None:
        """Nothing comes, but what an analyser thinks of a live call."""
        more = self.events.rest(self._quiet_s)
        assert [event for event in more if not isinstance(event, CpaVerdict)] == []


def test_a_busy_number_ends_by_the_far_side(bed: TrunkBed) -> None:
    call = Dialed(bed, "busy")
    events = call.until(Ended)
    assert not any(isinstance(event, (Answered, Bridged)) for event in events)
    end = events[-1]
    assert isinstance(end, Ended)
    assert (end.cause.by, end.cause.sip_status) == ("far", 486)
    call.nothing_more()


def test_a_number_that_does_not_exist_ends_by_the_far_side(bed: TrunkBed) -> None:
    end = Dialed(bed, "invalid").ended()
    assert (end.cause.by, end.cause.sip_status) == ("far", 404)


def test_an_answered_call_rings_answers_and_bridges_in_this_order(bed: TrunkBed) -> None:
    call = Dialed(bed, "answers")
    events = call.until(Answered)
    assert [type(e) for e in events if not isinstance(e, EarlyMedia)] == [Ringing, Answered]
    call.trunk.bridge(call.attempt_id, "agent")
    assert isinstance(call.until(Bridged)[-1], Bridged)
    call.trunk.hang_up(call.attempt_id)
    end = call.ended()
    assert end.cause.by == "near"


def test_every_event_names_its_attempt_and_times_do_not_go_back(bed: TrunkBed) -> None:
    call = Dialed(bed, "answers")
    events = call.until(Answered)
    call.trunk.hang_up(call.attempt_id)
    events += call.until(Ended)
    assert {event.attempt_id for event in events} == {call.attempt_id}  # type: ignore[attr-defined]
    times = [event.at for event in events]  # type: ignore[attr-defined]
    assert times == sorted(times)


def test_a_customer_who_hangs_up_ends_the_call_by_the_far_side(bed: TrunkBed) -> None:
    call = Dialed(bed, "answers_and_hangs_up")
    call.until(Answered)
    call.trunk.bridge(call.attempt_id, "agent")
    end = call.ended() if call.until(Bridged) else None
    assert end is not None
    assert (end.cause.by, end.cause.sip_status) == ("far", 200)


def test_a_call_cancelled_while_it_rings_ends_by_the_near_side(bed: TrunkBed) -> None:
    call = Dialed(bed, "rings_on")
    call.until(Ringing)
    call.trunk.cancel(call.attempt_id)
    assert call.ended().cause.by == "near"


def test_a_call_cancelled_before_it_rings_ends_once(bed: TrunkBed) -> None:
    call = Dialed(bed, "rings_on")
    call.trunk.cancel(call.attempt_id)
    assert call.ended().cause.by == "near"


def test_a_cancel_after_the_answer_leaves_a_live_call(bed: TrunkBed) -> None:
    call = Dialed(bed, "answers")
    call.until(Answered)
    call.trunk.cancel(call.attempt_id)
    call.nothing_more()
    call.trunk.bridge(call.attempt_id, "agent")
    assert isinstance(call.until(Bridged)[-1], Bridged)
    call.trunk.hang_up(call.attempt_id)
    call.ended()


def test_hanging_up_on_a_call_that_rings_ends_it(bed: TrunkBed) -> None:
    call = Dialed(bed, "rings_on")
    call.until(Ringing)
    call.trunk.hang_up(call.attempt_id)
    assert call.ended().cause.by == "near"


@pytest.mark.parametrize("command", ["cancel", "hang_up", "bridge", "play"])
@pytest.mark.parametrize("kind", ["busy", "answers"])
def test_commands_for_an_attempt_that_has_ended_do_nothing(
    bed: TrunkBed, command: str, kind: str
) -> None:
    call = Dialed(bed, kind)
    if kind == "answers":
        call.until(Answered)
        call.trunk.hang_up(call.attempt_id)
    call.ended()
    more = {"bridge": ("agent",), "play": ("sorry", True)}.get(command, ())
    getattr(call.trunk, command)(call.attempt_id, *more)
    call.nothing_more()


def test_commands_for_an_attempt_that_never_was_do_nothing(bed: TrunkBed) -> None:
    line = bed.line("rings_on")
    other = Dialed(bed, "rings_on", line)
    other.until(Ringing)
    for command in ("cancel", "hang_up"):
        getattr(line[0], command)(other.attempt_id + 1000)
    other.nothing_more()
    line[0].hang_up(other.attempt_id)
    other.ended()


def test_every_dial_ends_exactly_once_whatever_is_done_to_it(bed: TrunkBed) -> None:
    calls = [Dialed(bed, kind) for kind in KINDS for _ in range(2)]
    for call in calls[::2]:
        call.trunk.cancel(call.attempt_id)
        call.trunk.hang_up(call.attempt_id)
        call.trunk.hang_up(call.attempt_id)
    for call in calls[1::2]:
        call.trunk.hang_up(call.attempt_id)
    for call in calls:
        call.ended()


def test_calls_of_one_trunk_do_not_touch_each_other(bed: TrunkBed) -> None:
    line = bed.line("answers")
    first, second = Dialed(bed, "answers", line), Dialed(bed, "answers", line)
    for call in (first, second):
        call.until(Answered)
    first.trunk.hang_up(first.attempt_id)
    first.ended()
    second.nothing_more()
    second.trunk.bridge(second.attempt_id, "agent")
    assert isinstance(second.until(Bridged)[-1], Bridged)
    second.trunk.hang_up(second.attempt_id)
    second.ended()
