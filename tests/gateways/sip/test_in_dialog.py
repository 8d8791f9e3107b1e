"""What the other side may ask of a call, and of us without a call."""

import pytest

from dialer.events import EndCause
from gateways.sip.transactions import Address
from tests.gateways.sip.kit import CARRIER, SDP, Bench, ask

OFFER = SDP.replace("30000", "30004")


def test_options_and_info_are_answered() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    (ok,) = bench.hear(ask(leg, "OPTIONS", 1))
    assert ok.status_code == 200
    assert "UPDATE" in ok.first("Allow")
    (ok,) = bench.hear(ask(leg, "INFO", 2))
    assert (ok.status_code, ok.to_tag) == (200, leg.local_tag)


@pytest.mark.parametrize(
    ("line", "ours", "sends"),
    [
        ("a=sendrecv", "sendrecv", True),
        ("a=sendonly", "recvonly", False),
        ("a=inactive", "inactive", False),
        ("a=recvonly", "sendonly", True),
    ],
)
def test_a_re_invite_is_answered_with_the_mirrored_direction(
    line: str, ours: str, sends: bool
) -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    (ok,) = bench.hear(ask(leg, "INVITE", 1, sdp=OFFER + line + "\r\n"))
    body = ok.content.decode()
    assert f"a={ours}\r\n" in body
    assert "RTP/AVP 8 101" in body
    assert bench.media.of("remote")[-1] == ("call-7", "192.0.2.30", 30004, 8, sends)
    bench.hear(ask(leg, "ACK", 1))
    assert bench.wait(10) == []


def test_the_old_way_of_hold_stops_our_sending() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    bench.hear(ask(leg, "INVITE", 1, sdp=SDP.replace("c=IN IP4 192.0.2.30", "c=IN IP4 0.0.0.0")))
    assert bench.media.of("remote")[-1][-1] is False


def test_a_re_invite_without_an_offer_gets_ours_and_the_ack_brings_the_answer() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    (ok,) = bench.hear(ask(leg, "INVITE", 1))
    assert b"m=audio" in ok.content
    assert len(bench.media.of("remote")) == 1
    bench.hear(ask(leg, "ACK", 1, sdp=OFFER))
    assert bench.media.of("remote")[-1][2] == 30004


def test_the_relay_is_told_only_of_changes() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    bench.hear(ask(leg, "INVITE", 1, sdp=SDP))
    bench.hear(ask(leg, "ACK", 1))
    bench.hear(ask(leg, "UPDATE", 2, sdp=SDP))
    assert len(bench.media.of("remote")) == 1


def test_the_relay_is_told_the_number_of_the_far_ends_events() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    bench.hear(ask(leg, "UPDATE", 1, sdp=OFFER.replace("101", "96")))
    bench.hear(ask(leg, "UPDATE", 2, sdp=OFFER.replace(" 101", "").replace("a=rtpmap:101", "a=x:")))
    assert bench.media.events == [101, 96, None]


def test_our_answer_is_repeated_until_it_is_acknowledged() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    bench.hear(ask(leg, "INVITE", 1, sdp=OFFER))
    assert [m.status_code for m in bench.wait(1.6)] == [200, 200]
    bench.hear(ask(leg, "ACK", 1))
    assert bench.wait(30) == []
    assert leg.is_live


def test_an_answer_that_is_never_acknowledged_ends_the_call() -> None:
    bench = Bench()
    leg, owner, _ = bench.live()
    bench.hear(ask(leg, "INVITE", 1, sdp=OFFER))
    bench.wait(33)
    assert bench.methods().count("BYE") > 0
    assert [cause.by for cause in owner.ends] == ["trunk"]


def test_a_second_re_invite_before_the_ack_has_to_wait() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    bench.hear(ask(leg, "INVITE", 1, sdp=OFFER))
    (busy,) = bench.hear(ask(leg, "INVITE", 2, sdp=OFFER))
    assert busy.status_code == 500
    assert busy.first("Retry-After")


def test_a_repeated_re_invite_does_not_change_the_session_twice() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    text = ask(leg, "INVITE", 1, sdp=OFFER)
    bench.hear(text)
    bench.hear(text)
    assert len(bench.media.of("remote")) == 2


def test_t38_is_refused_and_the_audio_stands() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    fax = SDP.partition("m=")[0] + "m=image 40000 udptl t38\r\n"
    (no,) = bench.hear(ask(leg, "INVITE", 1, sdp=fax))
    assert no.status_code == 488
    assert leg.is_live
    assert len(bench.media.of("remote")) == 1


def test_other_streams_are_refused_beside_the_audio() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    (ok,) = bench.hear(ask(leg, "INVITE", 1, sdp=OFFER + "m=video 40000 RTP/AVP 97\r\n"))
    assert b"m=video 0 RTP/AVP 97" in ok.content


def test_a_session_timer_is_left_to_the_side_that_asks() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    headers = ("Session-Expires: 1800;refresher=uac", "Supported: timer", "Require: timer")
    (ok,) = bench.hear(ask(leg, "UPDATE", 1, headers=headers))
    assert ok.status_code == 200
    assert ok.first("Session-Expires") == "1800;refresher=uac"
    assert ok.first("Require") == "timer"


def test_a_re_invite_moves_the_target() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    bench.hear(ask(leg, "INVITE", 1, sdp=OFFER, contact="<sip:new@192.0.2.41:5071>"))
    bench.hear(ask(leg, "ACK", 1))
    leg.hang_up(bench.now)
    (bye,) = bench.collect()
    assert bye.uri == "sip:new@192.0.2.41:5071"
    assert bench.to[-1] == Address("192.0.2.41", 5071)


def test_requests_out_of_order_are_refused() -> None:
    bench = Bench()
    leg, owner, _ = bench.live()
    bench.hear(ask(leg, "INFO", 5))
    (no,) = bench.hear(ask(leg, "UPDATE", 4))
    assert no.status_code == 500
    assert not owner.ends
    (ok,) = bench.hear(ask(leg, "BYE", 3))
    assert ok.status_code == 200
    assert owner.ends


@pytest.mark.parametrize(
    ("method", "code"), [("REFER", 405), ("NOTIFY", 405), ("MESSAGE", 405), ("FROBNICATE", 501)]
)
def test_methods_that_we_lack(method: str, code: int) -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    (no,) = bench.hear(ask(leg, method, 1))
    assert no.status_code == code


def test_an_extension_that_we_lack_is_named() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    (no,) = bench.hear(ask(leg, "INVITE", 1, sdp=OFFER, headers=("Require: 100rel, timer",)))
    assert (no.status_code, no.first("Unsupported")) == (420, "100rel")


def test_a_call_that_we_do_not_know_gets_481() -> None:
    bench = Bench()
    leg, owner, _ = bench.live()
    for method in ("BYE", "INFO", "UPDATE", "INVITE", "OPTIONS"):
        (no,) = bench.hear(ask(leg, method, 1, tag="stranger"))
        assert no.status_code == 481
    leg.local_tag = "other"
    (no,) = bench.hear(ask(leg, "CANCEL", 1))
    assert no.status_code == 481
    assert not owner.ends


def stranger(method: str, uri: str = "sip:x@192.0.2.10") -> str:
    return (
        f"{method} {uri} SIP/2.0\r\nv: SIP/2.0/UDP 198.51.100.1:5090;branch=z9hG4bK1\r\n"
        f"f: <sip:a@b>;tag=1\r\nt: <sip:x@c>\r\ni: one\r\nCSeq: 1 {method}\r\nl: 0\r\n\r\n"
    )


def test_strangers_may_ask_whether_we_live_and_nothing_else() -> None:
    bench = Bench()
    for method, code in (("OPTIONS", 200), ("INVITE", 480), ("REGISTER", 405), ("BYE", 481)):
        (answer,) = bench.hear(stranger(method), CARRIER)
        assert answer.status_code == code
        assert answer.to_tag
        # Without rport it goes to the address seen and the port written (RFC 3261, 18.2.2).
        assert bench.to[-1] == Address(CARRIER.host, 5090)
        assert answer.via.params["received"] == CARRIER.host


def test_a_call_that_answers_after_we_forgot_it_is_hung_up() -> None:
    bench = Bench()
    text = (
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKold\r\n"
        "Record-Route: <sip:192.0.2.20;lr>\r\n"
        "From: <sip:us@h>;tag=old\r\nTo: <sip:them@h>;tag=them\r\nCall-ID: 5-x@192.0.2.10\r\n"
        "CSeq: 3 INVITE\r\nContact: <sip:them@192.0.2.44>\r\nContent-Length: 0\r\n\r\n"
    )
    ack, bye = bench.hear(text)
    assert (ack.method, ack.cseq, ack.uri) == ("ACK", 3, "sip:them@192.0.2.44")
    assert (bye.method, bye.cseq, bye.every("Route")) == ("BYE", 4, ["<sip:192.0.2.20;lr>"])
    (again,) = bench.hear(text)
    assert again.branch == ack.branch
    # A reflection of somebody else's call is none of our business.
    assert bench.hear(text.replace("UDP 192.0.2.10", "UDP 192.0.2.11")) == []


def test_a_bye_with_a_reason_tells_it() -> None:
    bench = Bench()
    leg, owner, _ = bench.live()
    bench.hear(ask(leg, "BYE", 1, headers=('Reason: Q.850;cause=31;text="Normal"',)))
    assert owner.ends == [EndCause("far", 200, 31, "Normal")]
