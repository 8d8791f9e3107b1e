"""The SIPp carrier does what its plan says, SIPp itself calling."""

from collections import Counter
from pathlib import Path

import pytest

from tests.peers import require
from tests.peers.behaviours import BASIC, CHALLENGE_401, CHALLENGE_407, ODDITIES, Behaviour
from tests.peers.caller import place_calls
from tests.peers.scenario import Plan
from tests.peers.sipp import Carrier, Sipp
from tests.peers.trace import Message, credentials_hold

pytestmark = pytest.mark.peer


@pytest.fixture(autouse=True)
def _sipp() -> None:
    require("sipp")


def numbers(count: int) -> list[str]:
    return [f"+1202555{position:04d}" for position in range(count)]


def unexpected(caller: Sipp) -> list[str]:
    """SIPp wants a Contact in every 200 that may be an answer, the one to a CANCEL has none."""
    complaints = caller.unexpected_messages()
    return [said for said in complaints if "record route set" not in said]


def of(carrier: Carrier, number: str, *, sent: bool) -> list[str]:
    """What a call's messages were, from the carrier's side: methods and statuses."""
    return [
        message.method if not message.status else f"{message.status} {message.method}"
        for message in carrier.messages()
        if message.number == number and message.sent is sent
    ]


def test_every_basic_behaviour_ends_as_the_caller_saw_it(tmp_path: Path) -> None:
    with Carrier(tmp_path, BASIC) as carrier:
        ends, caller = place_calls(tmp_path, carrier.address, numbers(20), talk_s=0.8)

    assert dict(ends) == {
        number: {"2": "486", "3": "404", "4": "cancelled", "8": "hung_up"}.get(
            number[-1], "completed"
        )
        for number in numbers(20)
    }
    assert carrier.counts() == {
        ("direct", "completed"): 4,
        ("ring_then_answer", "completed"): 2,
        ("busy", "refused"): 2,
        ("not_found", "refused"): 2,
        ("no_answer", "cancelled"): 2,
        ("challenge_401", "completed"): 2,
        ("challenge_407", "completed"): 2,
        ("lost_invite", "completed"): 2,
        ("far_hang_up", "hung_up"): 2,
    }
    assert carrier.unexpected_messages() == []
    assert not unexpected(caller)
    totals = carrier.sipp.totals()
    assert (totals["SuccessfulCall"], totals["FailedCall"], totals["CurrentCall"]) == (20, 0, 0)
    assert carrier.dialed() == Counter(numbers(20))
    assert carrier.wrong_credentials() == []
    assert [(lost.kind, lost.number[-1]) for lost in carrier.lost()] == [("INVITE", "7")] * 2


def test_every_oddity_is_played(tmp_path: Path) -> None:
    with Carrier(tmp_path, ODDITIES) as carrier:
        ends, caller = place_calls(tmp_path, carrier.address, numbers(12), talk_s=0.6)

    refusals = {"03": "480", "04": "488", "05": "503", "06": "603"}
    assert dict(ends) == {n: refusals.get(n[-2:], "completed") for n in numbers(12)}
    assert carrier.counts() == {
        (behaviour.name, "refused" if behaviour.final >= 300 else "completed"): 1
        for behaviour in ODDITIES.values()
    }
    assert carrier.unexpected_messages() == []
    assert not unexpected(caller)
    lost = Counter((lost.kind, lost.number[-2:]) for lost in carrier.lost())
    assert lost == {("200", "00"): 1, ("ACK", "01"): 1, ("BYE", "02"): 1}
    lost_ok, lost_ack, fork = (numbers(12)[position] for position in (0, 1, 10))
    assert of(carrier, lost_ok, sent=True).count("200 INVITE") == 2
    assert of(carrier, lost_ack, sent=True).count("200 INVITE") == 2
    assert len({m.to_tag for m in carrier.messages() if m.number == fork and m.status == 200}) == 2
    assert of(carrier, fork, sent=False).count("BYE") == 2


def test_a_wrong_password_is_refused_and_found(tmp_path: Path) -> None:
    plan = {"5": CHALLENGE_401, "6": CHALLENGE_407}
    with Carrier(tmp_path, plan) as carrier:
        ends, _ = place_calls(tmp_path, carrier.address, ["15", "16"], password="wrong", talk_s=0.1)

    assert dict(ends) == {"15": "403", "16": "completed"}  # SIPp cannot check a 407's
    assert carrier.counts()["challenge_401", "bad_credentials"] == 1
    assert {message.number for message in carrier.wrong_credentials()} == {"15", "16"}


def test_credentials_are_reckoned_as_rfc_2617_does() -> None:
    # The example of RFC 2617 section 3.5.
    header = (
        'Authorization: Digest username="Mufasa", realm="testrealm@host.com",'
        ' nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth,'
        ' nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1",'
        ' opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    request = Message(0.0, False, "GET", 0, "", 1, "", header)
    assert credentials_hold(request, "Mufasa", "Circle Of Life")
    assert not credentials_hold(request, "Mufasa", "Circle of Life")
    assert not credentials_hold(request, "Simba", "Circle Of Life")


def test_an_unplanned_number_is_refused_and_counted(tmp_path: Path) -> None:
    with Carrier(tmp_path, {"1": BASIC["1"]}) as carrier:
        ends, _ = place_calls(tmp_path, carrier.address, ["+12025550102"])
    assert ends == [("+12025550102", "404")]
    assert carrier.counts() == {("unplanned", "refused"): 1}


def test_the_longest_ending_decides() -> None:
    general, special = Behaviour("general"), Behaviour("special", final=486)
    plan = Plan({"1": general, "01": special}, "127.0.0.1:5060")
    assert plan.behaviour("+12025550101") is special
    assert plan.behaviour("+12025550111") is general
    assert plan.behaviour("+12025550112") is None


def test_a_carrier_that_cannot_listen_says_why(tmp_path: Path) -> None:
    with (
        Carrier(tmp_path / "first", {"1": BASIC["1"]}) as first,
        pytest.raises(RuntimeError, match="SIPp does not listen"),
    ):
        Carrier(tmp_path / "second", {"1": BASIC["1"]}, port=first.port).start()
