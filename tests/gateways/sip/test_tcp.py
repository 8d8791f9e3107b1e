"""SIP over TCP: the stream is cut rightly, and connections are used, lost and refused."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.ports import DialRequest
from gateways.sip.messages import read_message
from gateways.sip.tcp import MAX_MESSAGE_BYTES, Framing, StreamError
from tests.gateways.sip.kit import SDP, reply
from tests.gateways.sip.wire import PATIENCE_S, Inbox, endpoint, trunk

BODIES = st.lists(st.binary(max_size=60), min_size=1, max_size=4)


def message(body: bytes, name: str = "Content-Length") -> bytes:
    return b"OPTIONS sip:x SIP/2.0\r\n%s: %d\r\n\r\n%s" % (name.encode(), len(body), body)


@given(bodies=BODIES, gaps=st.lists(st.integers(0, 3), min_size=4, max_size=4), cut=st.data())
def test_a_stream_is_cut_into_its_messages_however_it_comes(
    bodies: list[bytes], gaps: list[int], cut: st.DataObject
) -> None:
    sent = [message(body) for body in bodies]
    stream = b"".join(b"\r\n" * gap + one for gap, one in zip(gaps, sent, strict=False))
    framing, got = Framing(), []
    while stream:
        size = cut.draw(st.integers(1, len(stream)))
        got += framing.feed(stream[:size])
        stream = stream[size:]
    assert got == sent
    assert framing.pings == sum(gap // 2 for gap in gaps[: len(sent)])


def test_the_short_name_counts_and_a_missing_length_ends_the_stream() -> None:
    assert Framing().feed(message(b"ab", "l")) == [message(b"ab", "l")]
    with pytest.raises(StreamError, match="without Content-Length"):
        Framing().feed(b"OPTIONS sip:x SIP/2.0\r\nTo: x\r\n\r\n")


@pytest.mark.parametrize(
    "stream",
    [b"x" * (MAX_MESSAGE_BYTES + 1), b"A: b\r\nContent-Length: 99999999\r\n\r\n"],
    ids=["endless head", "huge body"],
)
def test_nobody_fills_our_memory(stream: bytes) -> None:
    with pytest.raises(StreamError, match="more than"):
        Framing().feed(stream)


@pytest.fixture
def carrier() -> Iterator[socket.socket]:
    """A listening carrier."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE_S)
        yield listening


def hear(connection: socket.socket, framing: Framing) -> bytes:
    """The next message of a connection."""
    while True:
        if got := framing.feed(connection.recv(65535)):
            return got[0]


def test_a_call_goes_and_ends_over_the_same_connection(carrier: socket.socket) -> None:
    events = Inbox()
    with endpoint() as here:
        port = carrier.getsockname()[1]
        dialing = trunk(here, port, transport="tcp")
        dialing.dial(DialRequest(7, "+12025550100"), events)
        connection, _ = carrier.accept()
        with connection:
            connection.settimeout(PATIENCE_S)
            framing = Framing()
            invite = read_message(hear(connection, framing))
            assert invite.method == "INVITE"
            assert invite.via.transport == "TCP"
            contact = f"<sip:callee@127.0.0.1:{port};transport=tcp>"
            connection.sendall(reply(invite, 200, sdp=SDP, contact=contact).encode())
            assert read_message(hear(connection, framing)).method == "ACK"
            assert events.names(1) == ["Answered"]
            bye = (
                f"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:{port};branch=z9hG4bKb\r\n"
                f"From: {invite.first('To')};tag=callee\r\nTo: {invite.first('From')}\r\n"
                f"Call-ID: {invite.call_id}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
            )
            connection.sendall(b"\r\n\r\n" + bye.encode())
            heard = b""
            while b"SIP/2.0 200" not in heard:
                heard += connection.recv(65535)
            assert heard.startswith(b"\r\n"), "the keep-alive is answered"
            assert events.names(1) == ["Ended"]


def test_a_carrier_that_is_not_there_ends_the_dial_at_once(carrier: socket.socket) -> None:
    events = Inbox()
    port = carrier.getsockname()[1]
    carrier.close()
    with endpoint() as here:
        trunk(here, port, transport="tcp").dial(DialRequest(7, "+12025550100"), events)
        cause = events.next().cause
    assert (cause.by, cause.sip_status) == ("trunk", 0)
    assert "refused" in cause.text.lower()


def test_whoever_connects_is_answered_and_whoever_talks_nonsense_is_hung_up() -> None:
    with endpoint() as here:
        address = ("127.0.0.1", here.local.port)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                connection = socket.create_connection(address, PATIENCE_S)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
        with connection:
            connection.sendall(
                b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKq\r\n"
                b"From: <sip:a@b>;tag=1\r\nTo: <sip:x@c>\r\nCall-ID: q\r\nCSeq: 1 OPTIONS\r\n"
                b"Content-Length: 0\r\n\r\n"
            )
            answer = read_message(hear(connection, Framing()))
            assert answer.status_code == 200
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.settimeout(PATIENCE_S)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(10) == b""
