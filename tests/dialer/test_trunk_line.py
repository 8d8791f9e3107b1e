"""One trunk over all campaigns: its channels and its calls per second."""

import pytest

from dialer.events import EndCause
from dialer.pacing.spread import Spread
from dialer.trunks.line import CHANNELS_FULL, TOO_FAST, Line, LineLimits, Room

BUSY = EndCause("far", 486)


def line(channels: int = 0, calls_per_second: float = 0.0) -> Line:
    return Line("carrier", LineLimits(channels, calls_per_second))


def plan(line: Line, campaign_id: int, preparing: int, waiting: int) -> None:
    planned = line.planned(campaign_id)
    planned.preparing, planned.waiting = range(preparing), range(waiting)


def test_a_line_without_limits_takes_all() -> None:
    assert line().room(0.0, 5.0).dials is None


def test_channels_that_are_held_or_as_good_as_taken_are_no_room() -> None:
    carrier = line(channels=10)
    for attempt_id in range(3):
        assert carrier.take(attempt_id) == ""
    plan(carrier, 1, 2, 1)
    plan(carrier, 2, 0, 1)
    assert carrier.room(0.0, 5.0) == Room(3, "trunk_channels", CHANNELS_FULL)
    plan(carrier, 1, 0, 0)
    assert carrier.room(0.0, 5.0).dials == 6
    carrier.ended(0, BUSY, False, 0.0)
    carrier.ended(0, BUSY, False, 0.0)
    assert carrier.room(0.0, 5.0).dials == 7


def test_the_last_channel_is_given_once() -> None:
    carrier = line(channels=1)
    assert carrier.take(1) == ""
    assert carrier.take(2) == CHANNELS_FULL
    assert carrier.room(0.0, 5.0).dials == 0
    carrier.ended(2, BUSY, False, 0.0)
    assert carrier.in_use == 1
    carrier.ended(1, BUSY, False, 0.0)
    assert carrier.take(2) == ""


def test_a_pulse_gets_the_slots_until_the_next_one() -> None:
    carrier = line(calls_per_second=2)
    assert carrier.room(100.0, 5.0) == Room(11, "calls_per_second", TOO_FAST)
    for _ in range(4):
        carrier.next_slot(100.0)
    plan(carrier, 1, 3, 4)
    assert carrier.room(100.0, 5.0).dials == 4, "what waits has used its slot up already"


def test_a_slow_trunk_still_takes_a_call_now_and_then() -> None:
    carrier = line(calls_per_second=0.1)
    assert carrier.room(100.0, 1.0).dials == 1
    carrier.next_slot(100.0)
    assert carrier.room(101.0, 1.0).dials == 0
    assert carrier.room(109.0, 1.0).dials == 1


def test_the_tighter_limit_is_the_one_that_is_told() -> None:
    carrier = line(channels=3, calls_per_second=2)
    assert carrier.room(0.0, 5.0).clamp == "trunk_channels"
    assert carrier.room(0.0, 0.1).clamp == "calls_per_second"


def test_an_open_breaker_leaves_no_room_and_a_half_open_one_room_for_one() -> None:
    carrier = line(channels=10)
    carrier.take(1)
    assert carrier.ended(1, EndCause("far", 402, 0, "Payment Required"), False, 0.0)
    assert carrier.room(0.0, 5.0) == Room(
        0,
        "breaker",
        "trunk carrier: breaker: the carrier answers 402 Payment Required",
    )
    assert "402" in carrier.take(2)
    assert carrier.breaker.tick(60.0)
    assert carrier.room(60.0, 5.0).dials == 1
    plan(carrier, 1, 1, 0)
    assert carrier.room(60.0, 5.0).dials == 0
    assert carrier.take(2) == ""
    assert carrier.take(3) != ""
    assert carrier.heard(2)
    assert carrier.take(3) == ""


@pytest.mark.parametrize("calls_per_second", [0.1, 0.5, 1.0, 3.0, 10.0, 33.0])
@pytest.mark.parametrize("within_s", [0.0, 1.0, 5.0, 60.0])
def test_the_slots_that_are_promised_are_those_that_come(
    calls_per_second: float, within_s: float
) -> None:
    spread, again = Spread(calls_per_second), Spread(calls_per_second)
    for used in range(7):
        promised = spread.slots(50.0, within_s)
        given = 0
        probe = Spread(calls_per_second)
        for _ in range(used):
            probe.next_slot(50.0)
        while probe.next_slot(50.0) <= within_s + 1e-9:
            given += 1
        assert promised == given
        spread.next_slot(50.0)
    assert again.slots(50.0, within_s) >= 1  # type: ignore[operator]
