"""Numbers come in as people write them and are kept as E.164."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.timezone import TIMEZONE_DATA

from dialer.errors import NumberError
from dialer.numbers import KINDS, classify, is_e164, parse_number, time_zones


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("(212) 555-0199", "US", "+12125550199"),
        ("1-212-555-0199", "US", "+12125550199"),
        (" +1 212.555.0199 ", "", "+12125550199"),
        ("'+12125550199", "", "+12125550199"),
        ("2125550199", "CA", "+12125550199"),
        ("020 7946 0000", "GB", "+442079460000"),
        ("+44 (0)20 7946 0000", "US", "+442079460000"),
        ("442079460000", "GB", "+442079460000"),
        ("0044 20 7946 0000", "DE", "+442079460000"),
        ("0151/12345678", "DE", "+4915112345678"),
        ("06 12345678", "IT", "+390612345678"),
    ],
)
def test_written_forms_are_understood(written: str, region: str, number: str) -> None:
    assert parse_number(written, region) == number


@pytest.mark.parametrize(
    ("written", "region", "told"),
    [
        ("", "US", "empty"),
        ("none", "US", "not a telephone number"),
        ("1-800-FLOWERS", "US", "not a telephone number"),
        ("2125550199 x5", "US", "extension"),
        ("2125550199 ext. 5", "US", "extension"),
        ("1.2125550199E+10", "US", "changed by a spreadsheet"),
        ("2125550199.0", "US", "changed by a spreadsheet"),
        ("2125550199", "", "no country code"),
        ("+999 1234567", "US", "no country code that exists"),
        ("5550199", "US", "not a number that exists"),
        ("555 010 0123", "US", "not a number that exists"),
        ("12345678901234567890", "US", "too long"),
        ("911", "US", "emergency"),
        ("112", "DE", "emergency"),
        ("+1911", "US", "emergency"),
        ("411", "US", "short"),
        ("+1 (212) 555+0199", "US", "not a telephone number"),
    ],
)
def test_a_number_that_cannot_be_dialed_is_refused_with_its_reason(
    written: str, region: str, told: str
) -> None:
    with pytest.raises(NumberError, match=told) as caught:
        parse_number(written, region)
    assert caught.value.mend


@pytest.mark.parametrize(
    ("number", "region", "kind"),
    [
        ("+12125550199", "US", "fixed_or_mobile"),
        ("+18005550199", "US", "toll_free"),
        ("+19005550199", "US", "premium"),
        ("+12129760199", "US", "premium"),
        ("+18765550123", "JM", "mobile"),
        ("+442079460000", "GB", "fixed"),
        ("+447012345678", "GB", "personal"),
        ("+390612345", "IT", "fixed"),
        ("+33112345678", "FR", "fixed"),
        ("+4915112345678", "DE", "mobile"),
        ("+911", "", "emergency"),
        ("+1911", "", "emergency"),
        ("+44112", "", "emergency"),
        ("+44999", "", "emergency"),
        ("+15550100123", "", "invalid"),
        ("2125550199", "", "invalid"),
        ("+1212555019", "", "invalid"),
        ("+1212555019x", "", "invalid"),
        ("sip:anna@example.com", "", "invalid"),
        ("", "", "invalid"),
    ],
)
def test_a_number_tells_its_country_and_kind(number: str, region: str, kind: str) -> None:
    assert classify(number)[:2] == (region, kind)


def test_zones_are_all_that_the_callee_may_be_in() -> None:
    assert time_zones("+12125550199") == ("America/New_York",)
    assert time_zones("+18765550123") == ("America/Jamaica",)
    assert {"Pacific/Honolulu", "America/New_York"} < set(time_zones("+18005550199"))
    assert time_zones("+15550100123") == ()


nanp = st.from_regex(r"[2-9][0-9]{9}", fullmatch=True)


@given(nanp)
def test_the_short_way_of_the_north_american_plan_is_the_library_s(digits: str) -> None:
    number = "+1" + digits
    parsed = phonenumbers.parse(number, None)
    valid = phonenumbers.is_valid_number(parsed)
    known = classify(number)
    assert (known.kind not in {"invalid", "emergency", "short"}) == valid
    if valid:
        assert known.region == phonenumbers.region_code_for_number(parsed)
        assert parse_number(digits, "US") == parse_number(number) == number


def test_no_time_zone_of_the_north_american_plan_depends_on_the_last_four_digits() -> None:
    assert max(len(prefix) for prefix in TIMEZONE_DATA if prefix.startswith("1")) <= len("1212555")


@given(st.text(alphabet="+0123456789 ()-.xeE'abc", max_size=20), st.sampled_from(["US", "DE", ""]))
def test_any_text_is_a_number_or_a_reason(text: str, region: str) -> None:
    number = ""
    try:
        number = parse_number(text, region)
    except NumberError:
        return
    assert is_e164(number)
    assert parse_number(number) == number
    assert classify(number).kind in KINDS - {"invalid", "emergency", "short"}
