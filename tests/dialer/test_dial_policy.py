"""A fresh dialer dials nobody but its allow-list, and some numbers are never dialed."""

import pytest

from dialer.dial_policy import DialPolicy
from dialer.errors import NumberError

US = frozenset({"US"})
LIVE = DialPolicy(True, frozenset(), US)


def test_a_fresh_policy_refuses_everyone() -> None:
    assert DialPolicy().refusal("+12125550199") is not None
    assert "allow-list" in str(DialPolicy(countries=US).refusal("+12125550199"))


def test_while_not_live_only_the_allow_list_is_dialed() -> None:
    policy = DialPolicy(False, frozenset({"+12125550199", "+1310555*"}), US)
    assert policy.refusal("+12125550199") is None
    assert policy.refusal("+13105550100") is None
    assert str(policy.refusal("+12125550198")).startswith("not_live:")
    assert LIVE.refusal("+12125550198") is None


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("+911", "emergency"),
        ("+1911", "emergency"),
        ("+1411", "short"),
        ("+19005550199", "premium"),
        ("+12129760199", "premium"),
        ("+15005550199", "personal"),
        ("+15550100199", "invalid"),
        ("2125550199", "invalid"),
        ("", "invalid"),
        ("+442079460000", "country"),
        ("+18765550123", "country"),
        ("+14165550123", "country"),
    ],
)
def test_no_live_switch_and_no_allow_list_lets_these_pass(number: str, reason: str) -> None:
    allowed = frozenset({number} if number.startswith("+") else {"+1*"}) | {"+1*", "+4*"}
    for live in (True, False):
        refusal = DialPolicy(live, allowed, US).refusal(number)
        assert str(refusal).startswith(f"{reason}:")


def test_shared_cost_is_refused_where_its_country_is_allowed() -> None:
    policy = DialPolicy(True, frozenset(), frozenset({"DE"}))
    assert policy.refusal("+4915112345678") is None
    assert str(policy.refusal("+491801234567")).startswith("shared_cost:")


@pytest.mark.parametrize("entry", ["2125550199", "*", "+", "+*", "+1212*5", "", "+0*"])
def test_an_entry_that_could_allow_too_much_is_refused(entry: str) -> None:
    with pytest.raises(NumberError, match="allow_list"):
        DialPolicy(False, frozenset({entry}), US)


def test_a_country_that_does_not_exist_is_refused() -> None:
    with pytest.raises(NumberError, match="'UK'"):
        DialPolicy(True, frozenset(), frozenset({"UK"}))
