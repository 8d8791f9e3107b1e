"""What carriers do before and instead of an answer, each as it was seen on real trunks."""

import pytest

from dialer.events import EndCause
from dialer.outcomes import outcome_of_refusal
from dialer.trunks.faults import fault_of
from tests.gateways.sip.kit import CARRIER, SDP, Bench, ask, reply


def refused(code: int, *headers: str, phrase: str = "Said By Hand") -> EndCause:
    bench = Bench()
    _, owner, invite = bench.dial()
    bench.hear(reply(invite, code, phrase, headers=headers))
    (cause,) = owner.ends
    return cause


def test_183_without_a_description_is_neither_ringing_nor_audio() -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    bench.hear(reply(invite, 183))
    assert owner.story == []
    assert bench.media.of("remote") == []


def test_180_after_183_rings_all_the_same() -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    bench.hear(reply(invite, 183, sdp=SDP))
    bench.hear(reply(invite, 180))
    bench.hear(reply(invite, 183, sdp=SDP))
    assert owner.story == ["early media", "ringing"]


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        ("", True),
        ("sendrecv", True),
        ("sendonly", True),
        ("supported, sendonly;x=1", True),
        ("supported", True),
        ("gated", True),
        ("inactive", False),
        ("recvonly", False),
    ],
)
def test_audio_before_the_answer_counts_where_the_network_vouches_for_it(
    words: str, heard: bool
) -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    headers = (f"P-Early-Media: {words}",) if words else ()
    bench.hear(reply(invite, 183, sdp=SDP, headers=headers))
    assert owner.story == (["early media"] if heard else [])


def test_audio_that_is_allowed_later_is_told_then() -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    bench.hear(reply(invite, 183, sdp=SDP, headers=("P-Early-Media: inactive",)))
    bench.hear(reply(invite, 183, sdp=SDP, headers=("P-Early-Media: sendrecv",)))
    assert owner.story == ["early media"]


def test_a_port_that_changes_with_each_description_is_followed_up_to_the_answer() -> None:
    bench = Bench()
    leg, _, invite = bench.dial()
    for port in ("30000", "30010", "30010", "30020"):
        bench.hear(reply(invite, 183, sdp=SDP.replace("30000", port)))
    bench.hear(reply(invite, 200, sdp=SDP.replace("30000", "30030")))
    assert [call[2] for call in bench.media.of("remote")] == [30000, 30010, 30020, 30030]
    assert leg.is_live


def test_a_reliable_183_of_each_fork_is_acknowledged_in_its_own_dialog() -> None:
    bench = Bench()
    _, _, invite = bench.dial()
    pracks = []
    for tag in ("one", "two"):
        headers = ("Require: 100rel", "RSeq: 1")
        pracks += bench.hear(reply(invite, 183, tag=tag, sdp=SDP, headers=headers))
    assert [(m.method, m.to_tag) for m in pracks] == [("PRACK", "one"), ("PRACK", "two")]


def test_100rel_is_not_demanded_of_us_in_vain() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    (no,) = bench.hear(ask(leg, "UPDATE", 1, headers=("Require: 100rel",)))
    assert (no.status_code, no.first("Unsupported")) == (420, "100rel")


@pytest.mark.parametrize("code", [300, 301, 302, 305, 380])
def test_a_redirection_is_not_followed_and_is_the_trunks_fault(code: int) -> None:
    cause = refused(code, "Contact: <sip:+15550199@192.0.2.99>")
    assert outcome_of_refusal(cause) == "invalid_gateway"
    assert fault_of(cause) == "network"


def test_a_request_pending_is_congestion() -> None:
    assert outcome_of_refusal(refused(491)) == "congestion"


@pytest.mark.parametrize(
    ("phrase", "headers"),
    [
        ("Network Blocked", ()),
        ("NETWORK BLOCKED", ('Reason: Q.850;cause=21;text="blocked"',)),
        (
            "Decline",
            ('Reason: SIP;cause=603;text="v=analytics1;url=https://carrier.example/redress"',),
        ),
    ],
)
def test_603_plus_is_blocked_by_analytics(phrase: str, headers: tuple[str, ...]) -> None:
    cause = refused(603, *headers, phrase=phrase)
    assert outcome_of_refusal(cause) == "blocked_by_analytics"
    assert fault_of(cause) == ""


def test_a_plain_603_is_the_callees_own_no() -> None:
    assert outcome_of_refusal(refused(603, phrase="Decline")) == "rejected"


@pytest.mark.parametrize("code", [607, 608])
def test_607_and_608_are_blocked_by_analytics(code: int) -> None:
    assert outcome_of_refusal(refused(code)) == "blocked_by_analytics"


def test_each_reason_header_has_its_part() -> None:
    cause = refused(
        503,
        'Reason: SIP;cause=503;text="try later"',
        'Reason: Q.850;cause=42;text="Switching equipment congestion"',
    )
    assert cause.q850 == 42
    assert cause.text == "Said By Hand; try later; Switching equipment congestion"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("Retry-After: 30", 30.0),
        ("Retry-After: 120 (in a meeting)", 120.0),
        ("Retry-After: 18000;duration=3600", 18000.0),
        ("Retry-After: soon", 0.0),
        ("Retry-After: -5", 0.0),
        ("X: 1", 0.0),
    ],
)
def test_a_rest_that_the_carrier_asks_for_is_told(written: str, seconds: float) -> None:
    assert refused(503, written).retry_after_s == seconds


def test_an_identity_header_comes_through_unchanged() -> None:
    token = "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiJ9." + "A,b;c=" * 200
    identity = f'{token};info=<https://cert.example/a,b.pem>;alg=ES256;ppt="shaken"'
    bench = Bench()
    _, _, invite = bench.dial()
    bench.hear(reply(invite, 183, headers=(f"Identity: {identity}",)))
    seen = []
    taken = bench.agent.layer.receive_response
    bench.agent.layer.receive_response = lambda message, now: (  # type: ignore[method-assign]
        seen.append(message) or taken(message, now)
    )
    bench.hear(reply(invite, 200, sdp=SDP, headers=(f"Identity: {identity}",)), CARRIER)
    assert seen[0].first("Identity") == identity
