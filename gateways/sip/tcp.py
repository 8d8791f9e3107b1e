"""SIP over TCP: one connection to each peer, kept open and used for both directions.

The rule of this module: a stream is cut into messages by their Content-Length and by nothing else;
sending never blocks and never raises, and a peer that cannot be connected to is reported. What
comes over a connection is answered over it. Source: RFC 3261 section 18, RFC 5626 section 3.5.1.
"""

import asyncio
import logging
import os
import re
import socket
from collections.abc import Coroutine
from typing import Any

from gateways.sip.transactions import Address
from gateways.sip.transport import OnDatagram, OnFailure

_log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 65_535
MAX_CONNECTIONS = 1000
CONNECT_S = 10.0
_LINE_END = b"\r\n"
_LENGTH = re.compile(
    rb"^(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,8})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)


class StreamError(ValueError):
    """A stream in which no message can be told from the next."""


class Framing:
    """Cuts a stream into messages.

    pings: how many keep-alives (two empty lines) have come, each of which wants an answer.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._empty_lines = 0
        self.pings = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole by now. StreamError when there is no hope of one."""
        self._buffer += data
        messages: list[bytes] = []
        while message := self._next():
            messages.append(message)
        return messages

    def _next(self) -> bytes:
        while self._buffer.startswith(_LINE_END):
            self._buffer = self._buffer[len(_LINE_END) :]
            self._empty_lines += 1
            self.pings += self._empty_lines % 2 == 0
        head, blank, rest = self._buffer.partition(2 * _LINE_END)
        if not blank:
            if len(head) > MAX_MESSAGE_BYTES:
                raise StreamError(f"a head of more than {MAX_MESSAGE_BYTES} bytes")
            return b""
        found = _LENGTH.search(head)
        if found is None:
            raise StreamError("a message without Content-Length")
        length = int(found[1])
        if len(head) + length > MAX_MESSAGE_BYTES:
            raise StreamError(f"a message of more than {MAX_MESSAGE_BYTES} bytes")
        if len(rest) < length:
            return b""
        self._empty_lines = 0
        self._buffer = rest[length:]
        return head + blank + rest[:length]


class Connection(asyncio.Protocol):
    """One connection. peer: how it is found; for those that come in, where they come from."""

    def __init__(self, owner: "TcpTransport", peer: Address | None) -> None:
        self.peer = peer
        self._owner = owner
        self._framing = Framing()
        self._stream: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._stream = transport
        if self.peer is None:
            name = transport.get_extra_info("peername")
            self.peer = Address(name[0], name[1], "tcp")
        if not self._owner.opened(self, self.peer):
            self.close()

    def data_received(self, data: bytes) -> None:
        assert self.peer is not None
        try:
            messages = self._framing.feed(data)
        except StreamError as error:
            _log.warning("the SIP connection with %s is ended: %s", self.peer.host, error)
            self.close()
            return
        while self._framing.pings:
            self._framing.pings -= 1
            self.write(_LINE_END)
        for message in messages:
            self._owner.received(message, self.peer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.peer is not None:
            self._owner.lost(self, self.peer, exc)

    def write(self, data: bytes) -> None:
        if self._stream is not None:
            self._stream.write(data)

    def info(self, name: str) -> Any:
        """What asyncio knows of it, as "peercert"; None where it knows nothing."""
        return None if self._stream is None else self._stream.get_extra_info(name)

    def close(self) -> None:
        if self._stream is not None:
            self._owner.closing(self)
            self._stream.abort()


class TcpTransport:
    """Connections on a running loop. All methods are called on the loop's thread.

    local: where others may connect to.
    """

    reliable = True
    transport = "tcp"

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bind: Address,
        on_message: OnDatagram,
        on_failure: OnFailure,
    ) -> None:
        self.local = bind._replace(transport=self.transport)
        self._loop = loop
        self._on_message = on_message
        self._on_failure = on_failure
        self._open: dict[Address, Connection] = {}
        self._waiting: dict[Address, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None

    def start(self) -> None:
        """Begin to listen; where that cannot be, others may still be connected to."""
        family = socket.AF_INET6 if ":" in self.local.host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((self.local.host, self.local.port))
        except OSError as error:
            where = f"{self.local.host}:{self.local.port}"
            _log.warning("SIP over TCP is not listened for on %s (%s)", where, error)
            self._listener.close()
            self._listener = None
        else:
            self._spawn(self._listen(self._listener))

    def send(self, data: bytes, destination: Address) -> None:
        """Send over the connection with this peer, which is opened if need be."""
        connection = self._open.get(destination)
        if connection is not None:
            connection.write(data)
        elif destination in self._waiting:
            self._waiting[destination].append(data)
        else:
            self._waiting[destination] = [data]
            self._spawn(self._connect(destination))

    def close(self) -> None:
        """Close everything."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
        for connection in list(self._open.values()):
            connection.close()

    # What connections tell.

    def opened(self, connection: Connection, peer: Address) -> bool:
        """A connection stands; False where there are too many."""
        if len(self._open) >= MAX_CONNECTIONS:
            return False
        self._open[peer] = connection
        return True

    def received(self, message: bytes, peer: Address) -> None:
        """A whole message came."""
        self._on_message(message, peer)

    def lost(self, connection: Connection, peer: Address, error: Exception | None) -> None:
        """A connection is gone. One that was merely closed fails nothing: the peer may be back."""
        if self._open.get(peer) is connection:
            del self._open[peer]
            if error is not None:
                self._fail(peer, self._why(error, peer))

    def closing(self, connection: Connection) -> None:
        """We are about to end a connection."""

    # Opening.

    async def _listen(self, listener: socket.socket) -> None:
        await self._loop.create_server(lambda: Connection(self, None), sock=listener)

    async def _connect(self, destination: Address) -> None:
        try:
            await asyncio.wait_for(self._open_to(destination), CONNECT_S)
        except (OSError, TimeoutError) as error:
            self._waiting.pop(destination, None)
            self._fail(destination, self._why(error, destination))
            return
        connection = self._open.get(destination)
        for data in self._waiting.pop(destination, ()):
            if connection is not None:
                connection.write(data)

    async def _open_to(self, destination: Address) -> None:
        """Have a `Connection` with it; OSError or TimeoutError when it cannot be had."""
        await self._loop.create_connection(
            lambda: Connection(self, destination), destination.host, destination.port
        )

    def _why(self, error: BaseException, _peer: Address) -> str:
        """A failure in words."""
        if isinstance(error, TimeoutError) and not error.errno:
            return f"no answer in {CONNECT_S:g} s"
        number = getattr(error, "errno", None)
        return os.strerror(number) if number and number > 0 else str(error)

    def _fail(self, peer: Address, reason: str) -> None:
        self._on_failure(peer, f"{peer.host}:{peer.port}: {reason}")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
