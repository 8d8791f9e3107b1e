"""Who opted out is not dialed, whatever else allows it."""

from pathlib import Path

from dialer.compliance.permission import permission_rule
from dialer.compliance.preset import load_preset
from dialer.compliance.suppression import OPTED_OUT, Suppressions
from dialer.dial_policy import DialPolicy
from dialer.ports import ClaimedContact

REGULATIONS = Path(__file__).parents[2] / "config" / "regulations"
NOON_IN_NEW_YORK = 1767718800.0
NUMBER = "+12125550123"
CONTACT = ClaimedContact(1, {"phone": (NUMBER,)})


def test_a_number_that_opts_out_is_refused_for_good_from_then_on() -> None:
    preset = load_preset((REGULATIONS / "us_ftc.yaml").read_bytes(), "us_ftc.yaml")
    policy = DialPolicy(live=True, countries=frozenset({"US"}))
    suppressed = Suppressions()
    rule = permission_rule(policy, preset, suppressed)
    assert rule(NUMBER, CONTACT, NOON_IN_NEW_YORK).allowed
    suppressed.add(NUMBER)
    answer = rule(NUMBER, CONTACT, NOON_IN_NEW_YORK)
    assert (answer.allowed, answer.reason, answer.next_at) == (False, OPTED_OUT, 0.0)
    assert rule("+12125550124", CONTACT, NOON_IN_NEW_YORK).allowed
    assert len(suppressed) == 1
