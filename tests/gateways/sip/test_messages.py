"""Reading what others write, in every spelling that the grammar allows, and in none."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.errors import TrunkError
from gateways.sip.building import Composer, answer_vias
from gateways.sip.headers import (
    MalformedError,
    canonical,
    read_name_addr,
    read_uri,
    read_via,
    split_list,
)
from gateways.sip.messages import is_keep_alive, read_message
from gateways.sip.sdp import read_sdp
from tests.gateways.sip.kit import CARRIER, SDP, Bench, ask, reply

TWISTED = (
    "INVITE sip:desk@far.example;odd SIP/2.0\r\n"
    "tO :\r\n sip:desk@far.example ;   TAG    = to-1\r\n"
    'f   : "Eve \\\\\\""       <sip:eve@near.example>\r\n  ;\r\n  tag = from-1\r\n'
    "mAX-fORWARDS: 0012\r\nCALL-ID: twisted@near.example\r\n"
    "l   : 4\r\ncseq: 0009\r\n  INVITE\r\n"
    "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=old-style\r\n"
    "subject :\r\nX-First:   one\r\n two three\r\n"
    "X-Second: ;;,,;;,;\r\nc: application/sdp\r\n"
    "v:  SIP  / 2.0  / TCP     hop.example   ;\r\n  branch  =   z9hG4bKa  ,\r\n"
    " SIP  /    2.0   / UDP  192.168.7.7   ; branch=\r\n z9hG4bKb\r\n"
    'm:"Quoted \\"\\"" <sip:eve@near.example> ; p =\r\n      v ;\r\n  more ; q = 0.33\r\n'
    "\r\nabcdefg"
)
"""Valid, and as twisted as RFC 4475 section 3.1.1.1 says that a message may be."""


def test_a_message_that_is_valid_and_twisted() -> None:
    message = read_message(TWISTED.encode())
    assert (message.method, message.cseq, message.cseq_method) == ("INVITE", 9, "INVITE")
    assert (message.to_tag, message.from_tag) == ("to-1", "from-1")
    assert message.sender.display == 'Eve \\"'
    assert message.via.host == "192.0.2.2"
    assert [read_via(via).host for via in message.headers["Via"]] == [
        "192.0.2.2",
        "hop.example",
        "192.168.7.7",
    ]
    assert message.first("X-First") == "one two three"
    assert message.content == b"abcd"
    assert read_name_addr(message.first("Contact")).params["q"] == "0.33"


def test_compact_names_and_any_case_are_one() -> None:
    names = ["v", "f", "t", "i", "l", "c", "m", "k", "x", "CALL-ID", "cSEQ", "www-authenticate"]
    assert [canonical(name) for name in names] == [
        "Via",
        "From",
        "To",
        "Call-ID",
        "Content-Length",
        "Content-Type",
        "Contact",
        "Supported",
        "Session-Expires",
        "Call-ID",
        "CSeq",
        "WWW-Authenticate",
    ]


def test_what_pyvoip_cannot_read_is_read() -> None:
    bench = Bench()
    leg, _, invite = bench.dial()
    text = reply(invite, 180, headers=('Server: "a: b": c', 'Warning: 399 x "a, b"', "X: "))
    text = text.replace(";tag=callee", ";tag=callee;x=y").replace(";rport", ";rport=1;x=a=b")
    bench.hear(text)
    assert leg.state == "proceeding"
    tel = text.replace("<sip:+15550100@carrier.example>", "<tel:+15550100>")
    assert read_message(tel.encode()).to_tag == "callee"
    assert read_message(text.replace(" 180 ", " 199 ").encode()).status_code == 199
    assert read_message(text.replace("180 Said By Hand", "188").encode()).reason == ""


@pytest.mark.parametrize("missing", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_a_message_without_a_mandatory_header_is_dropped_and_counted(missing: str) -> None:
    bench = Bench()
    leg, owner, invite = bench.dial()
    lines = reply(invite, 200, sdp=SDP).split("\r\n")
    bench.hear("\r\n".join(line for line in lines if not line.startswith(f"{missing}:")))
    assert bench.agent.counts["malformed"] == 1
    assert owner.story == []
    assert leg.state == "calling"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SIP/2.0 abc OK\r\n\r\n",
        b"SIP/2.0 2000 OK\r\n\r\n",
        b"INVITE sip:a@b SIP/3.0\r\n\r\n",
        b"\xff\xfe\x00",
        b"INVITE  SIP/2.0\r\n\r\n",
    ],
)
def test_what_is_no_message_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_message(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("CSeq: 1 BYE", "CSeq: 1 INVITE"),
        ("CSeq: 1 BYE", "CSeq: 4294967296 BYE"),
        ("CSeq: 1 BYE", "CSeq: ² BYE"),
        ("Content-Length: 0", "Content-Length: 99"),
        ("Content-Length: 0", "Content-Length: -1"),
        ("Max-Forwards: 70", "Max Forwards 70"),
        ("Max-Forwards: 70", "X: a\rb"),
        ("Max-Forwards: 70", "From: <sip:x@y>;tag=2"),
        ("Max-Forwards: 70", "X: 1\r\n" * 300 + "Y: 1"),
        ("SIP/2.0/UDP", "SIP/2.0 UDP"),
    ],
)
def test_headers_that_make_no_sense_are_malformed(old: str, new: str) -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    text = ask(leg, "BYE", 1)
    assert old in text
    bench.hear(text.replace(old, new))
    assert leg.is_live
    assert bench.agent.counts["malformed"] == 1


def test_keep_alives_are_no_messages() -> None:
    assert is_keep_alive(b"\r\n\r\n")
    assert is_keep_alive(b"\x00\x00\x00\x00")
    bench = Bench()
    assert bench.hear(b"\r\n\r\n") == []
    assert not bench.agent.counts


def test_lists_uris_and_addresses() -> None:
    assert split_list('"a, b" <sip:c,d@e>;x=1, <sip:f>') == ['"a, b" <sip:c,d@e>;x=1', "<sip:f>"]
    uri = read_uri("sips:+1555;phone=x@[2001:DB8::1]:5061;transport=tcp;lr?h=v")
    assert (uri.host, uri.port, uri.user) == ("[2001:db8::1]", 5061, "+1555;phone=x")
    assert uri.params == {"transport": "tcp", "lr": ""}
    for bad in ("tel:+1555", "sip:", "sip:a@b:99999", "sip:a@b c", "http://x"):
        with pytest.raises(MalformedError):
            read_uri(bad)
    for bad in ("", '"open <sip:a@b>', "<sip:a@b", ";tag=1"):
        with pytest.raises(MalformedError):
            read_name_addr(bad)


def test_an_answer_goes_with_all_vias_and_where_it_was_seen() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    text = ask(leg, "OPTIONS", 1, headers=("Via: SIP/2.0/TCP a.example:1;branch=x;ttl=3;q=a=b",))
    (ok,) = bench.hear(text)
    vias = [value for name, value in ok.fields if name == "Via"]
    assert vias[0].endswith(";rport=5060;received=192.0.2.20")
    assert vias[1] == "SIP/2.0/TCP a.example:1;branch=x;ttl=3;q=a=b"
    assert bench.to[-1] == CARRIER


def test_no_value_can_smuggle_a_line_in() -> None:
    composer = Composer("192.0.2.10", 5060)
    with pytest.raises(TrunkError, match="line break"):
        composer.request(
            "OPTIONS",
            "sip:a@b",
            branch="z9hG4bKx",
            sender="<sip:a\r\nEvil: 1>",
            recipient="<sip:b>",
            call_id="c",
            cseq=1,
        )


def test_an_ipv6_address_stands_in_brackets() -> None:
    composer = Composer("2001:db8::1", 5060)
    assert composer.contact("a") == "<sip:a@[2001:db8::1]:5060>"
    data = composer.request(
        "OPTIONS",
        "sip:b",
        branch="z9hG4bKx",
        sender="<sip:a>",
        recipient="<sip:b>",
        call_id="c",
        cseq=1,
    )
    assert read_message(data).via.host == "[2001:db8::1]"


@settings(max_examples=300, deadline=None)
@given(
    which=st.integers(0, 7),
    seed=st.integers(0, 1 << 32),
    kind=st.sampled_from(["cut", "flip", "drop", "insert", "swap"]),
    times=st.integers(1, 8),
    early=st.booleans(),
)
def test_no_damaged_message_raises(
    which: int, seed: int, kind: str, times: int, early: bool
) -> None:
    bench = Bench()
    leg, owner, invite = bench.dial() if early else bench.live()
    # The damage is done to messages of this very call, so that it goes deep.
    texts = [
        reply(invite, 180),
        reply(invite, 200, sdp=SDP, headers=("Record-Route: <sip:192.0.2.20;lr>",)),
        reply(invite, 407, headers=('Proxy-Authenticate: Digest realm="r", nonce="n"',)),
        reply(invite, 183, sdp=SDP, headers=("Require: 100rel", "RSeq: 7")),
        ask(leg, "INVITE", 1, sdp=SDP, headers=("Require: timer", "Session-Expires: 90")),
        ask(leg, "BYE", 2, headers=("Reason: Q.850;cause=16",)),
        ask(leg, "UPDATE", 3, contact='"x, y" <sip:a@192.0.2.3;x=y>;q=1'),
        TWISTED,
    ]
    rng = random.Random(seed)
    data = bytearray(texts[which].encode())
    for _ in range(times):
        at = rng.randrange(len(data) or 1)
        if kind == "cut":
            del data[at:]
        elif kind == "flip" and data:
            data[at] = rng.randrange(256)
        elif kind == "drop":
            del data[at : at + rng.randrange(30)]
        elif kind == "insert":
            data[at:at] = rng.choice([b"\r\n", b'"', b"<", b">", b";", b",", b":", b"\xff", b" "])
        else:
            data = data[at:] + data[:at]
    bench.hear(bytes(data))
    leg.hang_up(bench.now)
    bench.wait(120)
    assert not bench.agent.legs
    assert len(bench.agent.layer) == 0
    assert len(owner.ends) == 1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    bench = Bench()
    bench.hear(data)
    bench.hear(b"SIP/2.0 200 OK\r\n" + data)
    bench.hear(b"INVITE sip:a SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bKa\r\n" + data)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_no_description_raises_but_malformed(text: str) -> None:
    for data in (text, "v=0\r\n" + text, SDP + text, SDP.replace("audio", text)):
        try:
            description = read_sdp(data.encode("utf-8", "replace"))
        except MalformedError:
            continue
        description.audio((0, 8))


def test_received_is_noted_where_the_source_differs() -> None:
    bench = Bench()
    leg, _, _ = bench.live()
    message = read_message(ask(leg, "BYE", 1).replace(";rport", "").encode())
    answer_vias(message, "198.51.100.7", 4000)
    assert message.headers["Via"][0].endswith(";received=198.51.100.7")
