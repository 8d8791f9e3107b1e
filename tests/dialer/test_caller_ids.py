"""Which of our numbers a callee sees."""

from datetime import UTC, datetime

import pytest

from dialer.caller_ids import Caller, CallerId, CallerIds, NoCaller

NOON = datetime(2026, 1, 6, 12, tzinfo=UTC).timestamp()
NEW_YORK = CallerId("+12125550100", "ny", pool="sales")
NEW_JERSEY = CallerId("+12015550100", "nj", pool="sales")
LONDON = CallerId("+442071838750", "london", pool="sales")
CARE = CallerId("+18005550100", "care")
TRUNKS = ("carrier",)


def shown(ids: CallerIds, wanted: str, callee: str = "+13125550123", now: float = NOON) -> str:
    chosen = ids.choose(wanted, TRUNKS, callee, now)
    assert isinstance(chosen, Caller)
    return chosen.name


def refusal(ids: CallerIds, wanted: str, trunks: tuple[str, ...] = TRUNKS) -> NoCaller:
    chosen = ids.choose(wanted, trunks, "+13125550123", NOON)
    assert isinstance(chosen, NoCaller)
    return chosen


def test_a_flow_names_a_number_a_name_or_a_pool() -> None:
    ids = CallerIds([NEW_YORK, CARE])
    assert shown(ids, "+18005550100") == "care"
    assert shown(ids, "care") == "care"
    assert shown(ids, "sales") == "ny"
    assert shown(ids, "") == "care", "what is in no pool is for everyone"


def test_a_number_that_is_not_ours_is_never_shown() -> None:
    ids = CallerIds([NEW_YORK])
    assert refusal(ids, "+15551234567") == ("caller ID '+15551234567' is not ours", 0.0)
    assert not ids.knows("+15551234567")
    assert refusal(ids, "").reason == "no caller ID may be shown"


def test_where_no_number_is_known_the_trunk_has_its_own() -> None:
    ids = CallerIds()
    assert ids.choose("", TRUNKS, "+13125550123", NOON) == Caller("", "", TRUNKS)
    assert ids.choose("+12125550100", TRUNKS, "+1", NOON) == Caller("+12125550100", "", TRUNKS)


def test_the_callees_area_comes_first_then_the_country() -> None:
    ids = CallerIds([LONDON, NEW_YORK, NEW_JERSEY])
    for _ in range(3):
        assert shown(ids, "sales", "+12015550177") == "nj"
        assert shown(ids, "sales", "+12125550177") == "ny"
        assert shown(ids, "sales", "+442079460000") == "london"
    assert {shown(ids, "sales", "+13125550123") for _ in range(4)} == {"ny", "nj"}


def test_among_equals_the_least_used_is_shown() -> None:
    ids = CallerIds([NEW_YORK, NEW_JERSEY])
    names = [shown(ids, "sales") for _ in range(10)]
    assert names.count("ny") == names.count("nj") == 5


def test_a_daily_cap_lasts_until_the_numbers_own_midnight() -> None:
    capped = CallerId("+12125550100", "ny", daily_cap=2, time_zone="America/New_York")
    ids = CallerIds([capped])
    shown(ids, "ny")
    shown(ids, "ny")
    midnight = datetime(2026, 1, 7, 5, tzinfo=UTC).timestamp()
    assert refusal(ids, "ny") == ("every caller ID has reached its daily cap", midnight)
    assert shown(ids, "ny", now=midnight) == "ny"
    assert capped.day_began_at(NOON) == datetime(2026, 1, 6, 5, tzinfo=UTC).timestamp()


def test_a_pool_goes_on_with_those_that_have_calls_left() -> None:
    ids = CallerIds([CallerId("+12125550100", "ny", "sales", daily_cap=1), NEW_JERSEY])
    assert [shown(ids, "sales", "+12125550177") for _ in range(3)] == ["ny", "nj", "nj"]


def test_a_call_that_was_not_made_gives_its_turn_back() -> None:
    ids = CallerIds([CallerId("+12125550100", "ny", daily_cap=1)])
    shown(ids, "ny")
    ids.unused("+12125550100", NOON)
    shown(ids, "ny")
    assert isinstance(ids.choose("ny", TRUNKS, "+1", NOON), NoCaller)


def test_what_a_former_run_has_shown_counts() -> None:
    ids = CallerIds([CallerId("+12125550100", "ny", daily_cap=10)])
    asked: list[float] = []

    def shown_since(since: float) -> dict[str, int]:
        asked.append(since)
        return {"+12125550100": 9}

    ids.recount(shown_since, NOON)
    assert asked == [datetime(2026, 1, 6, tzinfo=UTC).timestamp()]
    shown(ids, "ny")
    assert isinstance(ids.choose("ny", TRUNKS, "+1", NOON), NoCaller)


def test_only_the_trunks_that_accept_it_carry_it() -> None:
    ids = CallerIds([CallerId("+12125550100", "ny", trunks=("b", "c"))])
    chosen = ids.choose("ny", ("a", "c", "b"), "+13125550123", NOON)
    assert chosen == Caller("+12125550100", "ny", ("c", "b"))
    assert refusal(ids, "ny", ("a",)).reason == "caller ID 'ny' may not be shown through a"


def test_a_simulated_carrier_takes_calls_without_a_number() -> None:
    ids = CallerIds([CARE], own={"real": "+18005550100"}, plain=frozenset({"rehearsal"}))
    chosen = ids.choose("", ("rehearsal",), "+13125550123", NOON)
    assert chosen == Caller("+18005550100", "care", ("rehearsal",))
    ids = CallerIds([CallerId("+18005550100", "real", trunks=("real",))], {}, frozenset({"sim"}))
    assert ids.choose("", ("sim",), "+13125550123", NOON) == Caller("", "", ("sim",))
    assert isinstance(ids.choose("elsewhere", ("sim",), "+13125550123", NOON), NoCaller)


@pytest.mark.parametrize("trunk", ["a", "b"])
def test_a_flow_that_names_none_shows_the_trunks_own(trunk: str) -> None:
    ids = CallerIds([NEW_YORK, CARE], own={"a": "+12125550100", "b": "+18005550100"})
    chosen = ids.choose("", (trunk,), "+13125550123", NOON)
    assert isinstance(chosen, Caller)
    assert chosen.number == {"a": "+12125550100", "b": "+18005550100"}[trunk]
