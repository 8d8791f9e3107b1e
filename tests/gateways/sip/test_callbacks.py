"""People who call our numbers back: who they hear, and how they say no more."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import NotFoundError
from gateways.media.config import MediaConfig
from gateways.sip.callbacks import CallbackConfig, CallbackDesk, OptOut
from gateways.sip.messages import Message
from gateways.sip.site import Listening, SipSite, SitePlan
from gateways.sip.trunk_config import TrunkConfig
from tests.gateways.sip.kit import SDP, Bench
from tests.gateways.sip.wire import Inbox, endpoint, peer

OURS = ("+12125550100", "+12015550100")


class Switchboard:
    """A desk for callers on a bench; it stands in for the endpoint, whose thread is the test's."""

    def __init__(self, **how: Any) -> None:
        self.bench = Bench()
        self.agent, self.media = self.bench.agent, self.bench.media
        self.opted_out: list[OptOut] = []
        config = CallbackConfig(OURS, "who-called", region="US", **how)
        self.desk = CallbackDesk(config, self, self.opted_out.append)  # type: ignore[arg-type]
        self.desk.start()

    def run(self, function: Callable[..., object], *arguments: object) -> bool:
        function(*arguments, self.bench.now)
        return True

    def now(self) -> float:
        return self.bench.now

    clock = now

    def call(self, call_id: str = "c1", **particulars: Any) -> Message:
        """A caller's INVITE; the answer to it."""
        return self.bench.hear(invite(call_id, **particulars))[0]

    def connect(self, call_id: str = "c1", **particulars: Any) -> Message:
        """A caller who is answered and has said so."""
        answer = self.call(call_id, **particulars)
        assert answer.status_code == 200
        self.bench.hear(in_call("ACK", answer, call_id))
        return answer


def invite(
    call_id: str = "c1",
    *,
    to: str = "+12125550100",
    caller: str = "sip:+13125550123@carrier.example",
    sdp: str = SDP,
    headers: tuple[str, ...] = (),
) -> str:
    lines = [
        f"INVITE sip:{to}@192.0.2.10 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK-{call_id};rport",
        "Max-Forwards: 70",
        "Record-Route: <sip:192.0.2.21;lr>, <sip:192.0.2.22;lr>",
        f"From: <{caller}>;tag=caller",
        f"To: <sip:{to}@dialer.example>",
        f"Call-ID: {call_id}",
        "CSeq: 5 INVITE",
        "Contact: <sip:caller@192.0.2.40:5070>",
        *headers,
        *(["Content-Type: application/sdp"] if sdp else []),
    ]
    return "\r\n".join([*lines, f"Content-Length: {len(sdp)}", "", sdp])


def in_call(
    method: str, answer: Message, call_id: str = "c1", *, cseq: int = 5, body: str = ""
) -> str:
    lines = [
        f"{method} sip:x@192.0.2.10:5060 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK-{method}{cseq}{call_id};rport",
        "From: <sip:+13125550123@carrier.example>;tag=caller",
        f"To: <sip:+12125550100@dialer.example>;tag={answer.to_tag}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        *(["Content-Type: application/dtmf-relay"] if body else []),
    ]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])


def test_a_caller_is_answered_hears_who_called_and_is_hung_up_after_it() -> None:
    board = Switchboard()
    answer = board.call()
    assert answer.status_code == 200
    assert b"RTP/AVP 8 101" in answer.content
    assert answer.first("Contact") == "<sip:+12125550100@192.0.2.10:5060>"
    assert board.media.of("play") == [], "not before the caller has said that they hear us"
    board.bench.hear(in_call("ACK", answer))
    assert board.media.of("remote") == [("callback-1", "192.0.2.30", 30000, 8, True)]
    assert board.media.of("play") == [("callback-1", "who-called")]
    assert board.bench.wait(20) == []
    board.media.done["who-called"]()
    bye = board.bench.wait(5)[0]
    assert (bye.method, bye.uri) == ("BYE", "sip:caller@192.0.2.40:5070")
    assert bye.every("Route") == ["<sip:192.0.2.21;lr>", "<sip:192.0.2.22;lr>"]
    assert (bye.to_tag, bye.from_tag) == ("caller", answer.to_tag)
    assert board.media.of("close") == [("callback-1",)]
    assert board.opted_out == []


def test_the_key_ends_all_calls_to_the_caller() -> None:
    board = Switchboard()
    board.connect()
    board.media.keys["callback-1"]("5")
    assert board.opted_out == []
    board.media.keys["callback-1"]("9")
    (bye,) = [m for m in board.bench.collect() if m.method == "BYE"]
    assert bye.call_id == "c1"
    assert [(o.number, o.called) for o in board.opted_out] == [("+13125550123", "+12125550100")]
    board.media.keys["callback-1"]("9")
    assert len(board.opted_out) == 1


@pytest.mark.parametrize("body", ["Signal=9\r\nDuration=160\r\n", "signal = 9"])
def test_a_key_by_info_counts_as_well(body: str) -> None:
    board = Switchboard()
    answer = board.connect()
    board.bench.hear(in_call("INFO", answer, cseq=6, body="Signal=1"))
    assert board.opted_out == []
    board.bench.hear(in_call("INFO", answer, cseq=7, body=body))
    assert [o.number for o in board.opted_out] == ["+13125550123"]


@pytest.mark.parametrize(
    ("particulars", "number"),
    [
        ({"caller": "sip:3125550123@carrier.example"}, "+13125550123"),
        ({"caller": "sip:13125550123@carrier.example;user=phone"}, "+13125550123"),
        (
            {
                "caller": "sip:anonymous@anonymous.invalid",
                "headers": ("P-Asserted-Identity: <sip:+13125550123@c>, <tel:+13125550123>",),
            },
            "+13125550123",
        ),
        (
            {
                "caller": "sip:anonymous@anonymous.invalid",
                "headers": ("P-Asserted-Identity: <tel:+1-312-555-0123;x=1>",),
            },
            "+13125550123",
        ),
    ],
)
def test_a_caller_is_known_however_the_carrier_writes_them(
    particulars: dict[str, Any], number: str
) -> None:
    board = Switchboard()
    board.connect(**particulars)
    board.media.keys["callback-1"]("9")
    assert [o.number for o in board.opted_out] == [number]


def test_a_caller_without_a_number_is_hung_up_and_nothing_is_recorded() -> None:
    board = Switchboard()
    board.connect(caller="sip:anonymous@anonymous.invalid")
    board.media.keys["callback-1"]("9")
    assert board.opted_out == []
    assert "BYE" in board.bench.methods()


@pytest.mark.parametrize("to", ["+12125550100", "12125550100", "2125550100", "5550100"])
def test_our_numbers_are_known_by_what_carriers_send_of_them(to: str) -> None:
    board = Switchboard()
    assert board.call(to=to).status_code == (404 if to == "5550100" else 200)


@pytest.mark.parametrize("to", ["+12125550199", "100", "foredial", ""])
def test_a_number_that_is_not_ours_is_not_found(to: str) -> None:
    board = Switchboard()
    assert board.call(to=to).status_code == 404
    assert board.media.calls == []


def test_an_offer_that_comes_late_gets_ours() -> None:
    board = Switchboard()
    answer = board.call(sdp="")
    assert b"m=audio" in answer.content
    ack = in_call("ACK", answer).replace("Content-Length: 0\r\n\r\n", "")
    board.bench.hear(
        f"{ack}Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}"
    )
    assert board.media.of("remote") == [("callback-1", "192.0.2.30", 30000, 8, True)]
    assert board.media.of("play")


def test_a_caller_who_hangs_up_frees_the_line() -> None:
    board = Switchboard(most=1)
    answer = board.connect()
    assert board.call("c2").status_code == 486
    (ok,) = board.bench.hear(in_call("BYE", answer, cseq=6))
    assert ok.status_code == 200
    assert board.call("c3").status_code == 200


def test_no_call_lasts_for_ever() -> None:
    board = Switchboard(longest_s=30)
    board.connect()
    assert "BYE" not in board.bench.methods()
    board.bench.wait(30)
    assert board.bench.methods().count("BYE") >= 1


def test_an_answer_that_is_never_acknowledged_is_taken_back() -> None:
    board = Switchboard()
    board.call()
    heard = board.bench.wait(33)
    assert [m.status_code for m in heard][:3] == [200, 200, 200]
    assert "BYE" in board.bench.methods()
    assert board.media.of("play") == []


def test_a_repeated_invite_is_one_call() -> None:
    board = Switchboard()
    board.call()
    board.bench.hear(invite())
    assert board.media.of("open") == [("callback-1",)]


@pytest.mark.parametrize(
    ("change", "code"),
    [("full", 503), ("codec", 488)],
)
def test_a_call_without_audio_is_refused(change: str, code: int) -> None:
    board = Switchboard()
    board.media.full = change == "full"
    sdp = SDP.replace("AVP 8", "AVP 18") if change == "codec" else SDP
    assert board.call(sdp=sdp).status_code == code
    assert not board.bench.agent.legs
    board.media.full = False
    assert board.call("c2").status_code == 200


def test_our_own_calls_go_on_beside() -> None:
    board = Switchboard()
    leg, owner, _ = board.bench.live()
    board.connect()
    board.media.keys["callback-1"]("9")
    assert leg.is_live
    assert owner.ends == []


def test_a_long_identity_header_is_no_obstacle() -> None:
    board = Switchboard()
    token = "eyJhbGciOiJFUzI1NiJ9." + "x" * 1500
    assert board.call(headers=(f"Identity: {token};info=<https://c.example/a>",)).status_code == 200


def test_over_a_real_socket() -> None:
    told = Inbox()
    with peer() as caller, endpoint() as here:
        config = CallbackConfig(OURS, "who-called", region="US")
        desk = CallbackDesk(config, here, told.tell)
        desk.start()
        caller.source = ("127.0.0.1", here.local.port)
        caller.say(invite())
        answer = caller.expect("200")
        caller.say(in_call("ACK", answer))
        media = here.media
        while not media.of("play"):  # type: ignore[attr-defined]
            time.sleep(0.01)
        media.keys["callback-1"]("9")  # type: ignore[attr-defined]
        assert told.next().number == "+13125550123"


def test_a_prompt_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    plan = SitePlan(
        ((Listening("127.0.0.1", 0), TrunkConfig("t", "127.0.0.1")),),
        None,
        MediaConfig("127.0.0.1", "", tmp_path, 20000, 20010),
        tmp_path,
        CallbackConfig(OURS, "who-called"),
    )
    with pytest.raises(
        NotFoundError, match=r"'who-called' is not in .*; put who-called\.wav there"
    ):
        SipSite(
            plan,
            Inbox(),
            Inbox(),
            clock=lambda: 0.0,
            on_response=lambda trunk, each: None,
            on_channels=lambda trunk, used: None,
            on_opt_out=lambda opt_out: None,
        )
