"""Nobody is called outside the hours that their own clock allows, whatever zone they may be in."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.compliance.preset import CallingHours, Preset
from dialer.compliance.window import CalleeWindow, Verdict, may_call

EIGHT_TO_NINE = (CallingHours(start=time(8), end=time(21)),)
FTC = Preset(name="us_ftc", title="", source="", calling_hours=EIGHT_TO_NINE)
NEW_YORK = "+12125550123"
LOS_ANGELES = "+13105550123"
TOLL_FREE = "+18005550123"
CANADA = (
    CallingHours(days=("mon", "tue", "wed", "thu", "fri"), start=time(9), end=time(21, 30)),
    CallingHours(days=("sat", "sun"), start=time(10), end=time(18)),
)
GERMANY = (
    CallingHours(days=("mon", "tue", "wed", "thu", "fri", "sat"), start=time(8), end=time(20)),
)
SMALL_HOURS = (
    CallingHours(start=time(1, 15), end=time(1, 45)),
    CallingHours(start=time(2, 30), end=time(3, 15)),
    CallingHours(start=time(22), end=time.max),
)


def epoch(zone: str, *moment: int, fold: int = 0) -> float:
    return datetime(*moment, tzinfo=ZoneInfo(zone), fold=fold).timestamp()  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [((7, 59, 59), False), ((8, 0, 0), True), ((20, 59, 59), True), ((21, 0, 0), False)],
)
def test_the_edges_of_the_day(moment: tuple[int, ...], allowed: bool) -> None:
    at = epoch("America/New_York", 2025, 3, 3, *moment)
    assert may_call(NEW_YORK, {}, at, FTC).allowed is allowed
    assert may_call(NEW_YORK, {}, at + 0.999, FTC).allowed is allowed


def test_a_closed_contact_waits_until_its_morning() -> None:
    at = epoch("America/New_York", 2025, 3, 3, 22, 10)
    opens = epoch("America/New_York", 2025, 3, 4, 8)
    verdict = may_call(NEW_YORK, {}, at, FTC)
    assert verdict == Verdict(False, "calling_hours: closed in America/New_York", opens)
    assert may_call(NEW_YORK, {}, opens, FTC) == Verdict(True, "", opens)


def test_the_contact_s_own_zone_must_agree_with_the_number_s() -> None:
    moved = {"time_zone": "America/Los_Angeles"}
    at = epoch("America/New_York", 2025, 3, 3, 9)
    verdict = may_call(NEW_YORK, moved, at, FTC)
    assert verdict.next_at == epoch("America/Los_Angeles", 2025, 3, 3, 8)
    assert not may_call(NEW_YORK, moved, epoch("America/New_York", 2025, 3, 3, 21), FTC).allowed
    assert may_call(LOS_ANGELES, moved, epoch("America/New_York", 2025, 3, 3, 21), FTC).allowed


def test_what_is_not_known_is_not_dialed() -> None:
    at = epoch("America/New_York", 2025, 3, 3, 12)
    for number, attributes in [
        ("+15550100123", {}),
        ("anna", {}),
        ("", {}),
        (NEW_YORK, {"time_zone": "Mars/Olympus"}),
        (NEW_YORK, {"time_zone": 5}),
    ]:
        verdict = may_call(number, attributes, at, FTC)
        assert not verdict.allowed
        assert verdict.next_at is None
        assert verdict.reason.startswith("time_zone:")


def test_a_number_of_a_whole_country_waits_for_all_its_zones() -> None:
    at = epoch("America/New_York", 2025, 3, 3, 15)
    assert may_call(TOLL_FREE, {}, at, FTC).next_at == epoch("Pacific/Guam", 2025, 3, 4, 8)


def test_zones_that_never_agree_are_never_dialed() -> None:
    late_morning = CalleeWindow((CallingHours(start=time(10), end=time(12)),))
    zones = ("America/New_York", "Asia/Kolkata")
    verdict = late_morning.verdict(zones, epoch("America/New_York", 2025, 3, 3, 11))
    assert verdict == Verdict(False, "time_zone: no hour is allowed in all of 2 possible zones")


def test_days_have_hours_of_their_own() -> None:
    window = CalleeWindow(CANADA)
    toronto = ("America/Toronto",)
    friday_night = epoch(*toronto, 2025, 3, 7, 21, 30)
    assert window.verdict(toronto, friday_night).next_at == epoch(*toronto, 2025, 3, 8, 10)
    saturday_night = epoch(*toronto, 2025, 3, 8, 18)
    assert window.verdict(toronto, saturday_night).next_at == epoch(*toronto, 2025, 3, 9, 10)


def test_a_closed_day_is_passed_over() -> None:
    berlin = ("Europe/Berlin",)
    saturday_night = epoch(*berlin, 2025, 3, 29, 20)
    # Between the two the clock jumps: 35 hours, not 36.
    opens = epoch(*berlin, 2025, 3, 31, 8)
    assert opens - saturday_night == 35 * 3600
    assert CalleeWindow(GERMANY).verdict(berlin, saturday_night).next_at == opens


def test_an_hour_that_comes_twice_is_open_twice_and_one_that_never_comes_opens_at_the_jump() -> (
    None
):
    window = CalleeWindow(SMALL_HOURS)
    zone = ("America/New_York",)
    first = epoch(*zone, 2025, 11, 2, 1, 15)
    second = epoch(*zone, 2025, 11, 2, 1, 15, fold=1)
    assert second - first == 3600
    assert window.verdict(zone, first - 1).next_at == first
    assert window.verdict(zone, first + 1800).next_at == second
    # 2:30 does not come on this night: clocks jump from 2:00 to 3:00, which is open.
    jump = datetime(2025, 3, 9, 7, tzinfo=UTC).timestamp()
    assert window.verdict(zone, jump - 1).next_at == jump


def test_a_window_until_midnight_ends_with_the_day() -> None:
    window = CalleeWindow(SMALL_HOURS)
    zone = ("America/New_York",)
    midnight = epoch(*zone, 2025, 6, 2)
    assert window.verdict(zone, midnight - 1).allowed
    assert not window.verdict(zone, midnight).allowed


ZONES = [
    "America/New_York",
    "America/Los_Angeles",
    "America/Phoenix",
    "Europe/London",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
zone_sets = st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True).map(tuple)
schedules = st.sampled_from([EIGHT_TO_NINE, CANADA, GERMANY, SMALL_HOURS])
YEAR_2025 = 1_735_689_600
# Within days of a jump as often as anywhere in the year.
JUMPS = [1_741_503_600, 1_762_063_200, 1_743_296_400, 1_761_440_400, 1_743_865_200, 1_759_589_100]
instants = st.one_of(
    st.integers(YEAR_2025, YEAR_2025 + 366 * 86_400),
    st.builds(lambda jump, away: jump + away, st.sampled_from(JUMPS), st.integers(-90000, 90000)),
)


def wall_allows(zones: tuple[str, ...], hours: tuple[CallingHours, ...], at: float) -> bool:
    """The law as it reads: on every clock, the time of day is within the hours of the weekday."""
    for zone in zones:
        local = datetime.fromtimestamp(at, ZoneInfo(zone))
        if not any(
            part.on(local.weekday()) and part.start <= local.time() < part.end for part in hours
        ):
            return False
    return True


@given(zone_sets, schedules, instants)
def test_allowed_is_exactly_when_every_clock_allows(
    zones: tuple[str, ...], hours: tuple[CallingHours, ...], at: int
) -> None:
    assert CalleeWindow(hours).verdict(zones, at).allowed == wall_allows(zones, hours, at)


@given(zone_sets, schedules, instants, st.data())
def test_the_next_instant_is_the_first_that_is_allowed(
    zones: tuple[str, ...], hours: tuple[CallingHours, ...], at: int, data: st.DataObject
) -> None:
    next_at = CalleeWindow(hours).verdict(zones, at).next_at
    end = at + 7 * 86_400 if next_at is None else int(next_at)
    if next_at is not None:
        assert wall_allows(zones, hours, next_at)
    if end > at:
        assert not wall_allows(zones, hours, end - 1)
        between = data.draw(st.lists(st.integers(at, end - 1), max_size=20))
        assert not any(wall_allows(zones, hours, moment) for moment in between)


@settings(max_examples=30)
@given(zone_sets, schedules, st.lists(instants, min_size=2, max_size=40))
def test_what_a_window_remembers_changes_no_answer(
    zones: tuple[str, ...], hours: tuple[CallingHours, ...], moments: list[int]
) -> None:
    window = CalleeWindow(hours)
    for at in moments:
        assert window.verdict(zones, at) == CalleeWindow(hours).verdict(zones, at)
