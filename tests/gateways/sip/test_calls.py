"""Calls out, from INVITE to BYE, against answers written by hand."""

import pytest

from dialer.events import EndCause
from gateways.sip.transactions import Address
from tests.gateways.sip.kit import CARRIER, SDP, Bench, ask, reply


def test_a_call_that_rings_and_is_answered_and_hung_up_by_the_callee() -> None:
    bench = Bench()
    leg, owner, invite = bench.dial()
    assert invite.method == "INVITE"
    assert invite.has_sdp
    bench.hear(reply(invite, 100))
    bench.hear(reply(invite, 180))
    bench.hear(reply(invite, 180))
    (ack,) = bench.hear(reply(invite, 200, sdp=SDP))
    assert (ack.method, ack.cseq, ack.to_tag) == ("ACK", invite.cseq, "callee")
    assert ack.uri == "sip:callee@192.0.2.40:5070"
    assert ack.branch != invite.branch
    assert bench.to[-1] == Address("192.0.2.40", 5070)
    (ok,) = bench.hear(ask(leg, "BYE", 1))
    assert ok.status_code == 200
    assert owner.story == ["ringing", "answered", EndCause("far", 200)]
    assert bench.media.calls == [
        ("open", "call-7"),
        ("remote", "call-7", "192.0.2.30", 30000, 8, True),
        ("close", "call-7"),
    ]
    assert not bench.agent.legs


def test_we_hang_up_and_are_told_at_once_and_once() -> None:
    bench = Bench()
    leg, owner, _ = bench.live()
    leg.hang_up(bench.now)
    (bye,) = bench.collect()
    assert (bye.method, bye.cseq, bye.to_tag) == ("BYE", 2, "callee")
    assert owner.ends == [EndCause("near", 200)]
    bench.hear(reply(bye, 200))
    leg.hang_up(bench.now)
    assert bench.wait(100) == []
    assert len(owner.ends) == 1
    assert not bench.agent.legs


def test_a_bye_of_ours_that_crosses_theirs_is_answered() -> None:
    bench = Bench()
    leg, owner, _ = bench.live()
    leg.hang_up(bench.now)
    bench.collect()
    (ok,) = bench.hear(ask(leg, "BYE", 1))
    assert ok.status_code == 200
    assert owner.ends == [EndCause("near", 200)]


@pytest.mark.parametrize(
    ("code", "headers", "cause"),
    [
        (486, (), EndCause("far", 486, 0, "Said By Hand")),
        (404, ("Reason: Q.850;cause=1",), EndCause("far", 404, 1, "Said By Hand")),
        (
            503,
            ('Reason: Q.850 ;cause=34 ;text="No circuit"',),
            EndCause("far", 503, 34, "Said By Hand; No circuit"),
        ),
        (302, ("Contact: <sip:other@192.0.2.50>",), EndCause("far", 302, 0, "Said By Hand")),
        (499, (), EndCause("far", 499, 0, "Said By Hand")),
        (603, ('Reason: SIP;cause=603;text="x"',), EndCause("far", 603, 0, "Said By Hand; x")),
    ],
)
def test_a_refusal_is_acknowledged_and_told_with_its_cause(
    code: int, headers: tuple[str, ...], cause: EndCause
) -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    (ack,) = bench.hear(reply(invite, code, headers=headers))
    assert ack.method == "ACK"
    assert (ack.branch, ack.uri, ack.to_tag) == (invite.branch, invite.uri, "callee")
    assert owner.story == [cause]
    (again,) = bench.hear(reply(invite, code, headers=headers))
    assert again.method == "ACK"
    assert len(owner.ends) == 1


def test_early_media_is_told_once_and_the_answer_may_change_it() -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    bench.hear(reply(invite, 183))
    bench.hear(reply(invite, 183, sdp=SDP))
    bench.hear(reply(invite, 183, sdp=SDP))
    bench.hear(reply(invite, 180))
    bench.hear(reply(invite, 200, sdp=SDP.replace("30000", "30002")))
    assert owner.story == ["early media", "ringing", "answered"]
    assert [call[2] for call in bench.media.of("remote")] == [30000, 30002]


def test_an_answer_without_a_description_uses_the_early_one() -> None:
    bench = Bench()
    leg, owner, invite = bench.dial()
    bench.hear(reply(invite, 183, sdp=SDP))
    bench.hear(reply(invite, 200))
    assert leg.is_live
    assert owner.story[-1] == "answered"


def test_a_codec_that_we_lack_is_acknowledged_hung_up_and_the_trunks_fault() -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    ack, bye = bench.hear(reply(invite, 200, sdp=SDP.replace("AVP 8", "AVP 18")))
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert owner.story == [EndCause("trunk", 488, 0, "no codec that we speak")]


def test_a_cancel_waits_for_a_provisional_response() -> None:
    bench = Bench()
    leg, owner, invite = bench.dial()
    leg.cancel(bench.now)
    assert bench.collect() == []
    (cancel,) = bench.hear(reply(invite, 100))
    assert (cancel.method, cancel.branch, cancel.cseq) == ("CANCEL", invite.branch, invite.cseq)
    assert (cancel.uri, cancel.to_tag) == (invite.uri, "")
    bench.hear(reply(cancel, 200))
    (ack,) = bench.hear(reply(invite, 487))
    assert ack.method == "ACK"
    assert owner.story == [EndCause("near", 487, 0, "Said By Hand")]


def test_a_cancel_of_an_invite_that_nobody_answers_ends_with_timer_b() -> None:
    bench = Bench()
    leg, owner, _ = bench.dial()
    leg.cancel(bench.now)
    bench.wait(40)
    assert "CANCEL" not in bench.methods()
    assert [cause.by for cause in owner.ends] == ["trunk"]


def test_an_answer_that_crosses_our_cancel_is_a_live_call() -> None:
    bench = Bench()
    leg, owner, invite = bench.dial()
    bench.hear(reply(invite, 180))
    leg.cancel(bench.now)
    (cancel,) = bench.collect()
    bench.hear(reply(invite, 200, sdp=SDP))
    bench.hear(reply(cancel, 481))
    bench.wait(120)
    assert leg.is_live
    assert owner.story == ["ringing", "answered"]
    assert "BYE" not in bench.methods()


def test_an_answer_that_crosses_a_hang_up_is_acknowledged_and_hung_up() -> None:
    bench = Bench()
    leg, owner, invite = bench.dial()
    bench.hear(reply(invite, 180))
    leg.hang_up(bench.now)
    bench.collect()
    ack, bye = bench.hear(reply(invite, 200, sdp=SDP))
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert owner.story == ["ringing", "answered", EndCause("near", 200)]


def test_a_cancel_that_is_never_answered_ends_after_32_s() -> None:
    bench = Bench()
    leg, owner, invite = bench.dial()
    bench.hear(reply(invite, 180))
    leg.cancel(bench.now)
    bench.wait(31)
    assert not owner.ends
    bench.wait(2)
    assert owner.ends == [EndCause("near", 0, 0, "no final response after CANCEL")]
    # The callee answers after all: it must not be left in the air.
    ack, bye = bench.hear(reply(invite, 200, sdp=SDP))
    assert (ack.method, bye.method) == ("ACK", "BYE")


def test_a_busy_that_crosses_our_cancel_stays_a_busy() -> None:
    bench = Bench()
    leg, owner, invite = bench.dial()
    bench.hear(reply(invite, 180))
    leg.cancel(bench.now)
    bench.hear(reply(invite, 486))
    assert (owner.ends[0].by, owner.ends[0].sip_status) == ("far", 486)


def test_forks_that_all_answer_are_acknowledged_and_all_but_one_hung_up() -> None:
    bench = Bench()
    leg, owner, invite = bench.dial()
    for tag in ("one", "two", "three"):
        bench.hear(reply(invite, 180, tag=tag))
    bench.hear(reply(invite, 200, tag="two", sdp=SDP))
    ack, bye = bench.hear(reply(invite, 200, tag="one", sdp=SDP))
    assert (ack.method, ack.to_tag, bye.method, bye.to_tag) == ("ACK", "one", "BYE", "one")
    # Its 200 comes again because our ACK was lost: an ACK and no second BYE.
    (again,) = bench.hear(reply(invite, 200, tag="one", sdp=SDP))
    assert (again.method, again.branch) == ("ACK", ack.branch)
    assert leg.is_live
    assert owner.story == ["ringing", "answered"]
    (ok,) = bench.hear(ask(leg, "BYE", 1, tag="one"))
    assert ok.status_code == 200
    assert leg.is_live


def test_the_route_set_is_reversed_and_followed() -> None:
    bench = Bench()
    leg, _, invite = bench.dial()
    records = (
        "Record-Route: <sip:192.0.2.22;lr>, <sip:192.0.2.21:5080;lr;ftag=a>",
        "Record-Route: <sip:192.0.2.20;lr>",
    )
    (ack,) = bench.hear(reply(invite, 200, sdp=SDP, headers=records))
    routes = ["<sip:192.0.2.20;lr>", "<sip:192.0.2.21:5080;lr;ftag=a>", "<sip:192.0.2.22;lr>"]
    assert ack.every("Route") == routes
    assert bench.to[-1] == Address("192.0.2.20", 5060)
    leg.hang_up(bench.now)
    (bye,) = bench.collect()
    assert bye.every("Route") == routes
    assert bye.uri == "sip:callee@192.0.2.40:5070"


def test_a_strict_router_gets_the_request_uri() -> None:
    bench = Bench()
    _, _, invite = bench.dial()
    records = ("Record-Route: <sip:192.0.2.21>",)
    (ack,) = bench.hear(reply(invite, 200, sdp=SDP, headers=records))
    assert ack.uri == "sip:192.0.2.21"
    assert ack.every("Route") == ["<sip:callee@192.0.2.40:5070>"]


def test_a_contact_that_cannot_be_located_is_reached_where_the_answer_came_from() -> None:
    bench = Bench()
    _, _, invite = bench.dial()
    bench.hear(reply(invite, 200, sdp=SDP, contact="<sip:x@sbc.carrier.invalid:5090>"))
    assert bench.to[-1] == CARRIER


def test_a_preloaded_route_is_sent() -> None:
    bench = Bench()
    _, _, invite = bench.dial(routes=("<sip:192.0.2.20;lr>",))
    assert invite.every("Route") == ["<sip:192.0.2.20;lr>"]


def test_a_reliable_provisional_is_acknowledged_once() -> None:
    bench = Bench()
    leg, _, invite = bench.dial()
    headers = ("Require: 100rel", "RSeq: 9")
    (prack,) = bench.hear(reply(invite, 183, sdp=SDP, headers=headers))
    assert (prack.method, prack.first("RAck")) == ("PRACK", f"9 {invite.cseq} INVITE")
    assert prack.cseq == invite.cseq + 1
    assert bench.hear(reply(invite, 183, sdp=SDP, headers=headers)) == []
    (ack,) = bench.hear(reply(invite, 200, sdp=SDP))
    assert ack.cseq == invite.cseq
    leg.hang_up(bench.now)
    assert bench.collect()[0].cseq > prack.cseq


def test_an_agents_dead_phone_is_seen_by_its_silence() -> None:
    bench = Bench()
    _, owner, _ = bench.live(probe_s=60)
    (probe,) = [m for m in bench.wait(60) if m.method == "OPTIONS"]
    bench.hear(reply(probe, 200))
    assert not owner.ends
    bench.wait(95)
    assert [cause.text for cause in owner.ends] == ["no answer to OPTIONS"]
    assert bench.methods().count("BYE") > 0


def test_a_phone_that_forgot_the_call_is_let_go_without_a_bye() -> None:
    bench = Bench()
    _, owner, _ = bench.live(probe_s=60)
    (probe,) = bench.wait(60)
    bench.hear(reply(probe, 481))
    assert [cause.by for cause in owner.ends] == ["far"]
    assert "BYE" not in bench.methods()


def test_the_other_sides_response_classes_are_counted() -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    for code in (100, 183, 486):
        bench.hear(reply(invite, code))
    assert owner.classes == ["1xx", "1xx", "4xx"]
