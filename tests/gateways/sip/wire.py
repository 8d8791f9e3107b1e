"""A real stack on loopback, and a peer on a socket whose lines the test writes."""

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateways.sip.endpoint import EndpointConfig, SipEndpoint
from gateways.sip.keep_alive import KeepAliveConfig
from gateways.sip.messages import Message, read_message
from gateways.sip.trunk import SipTrunk
from gateways.sip.trunk_config import TrunkConfig
from tests.gateways.sip.kit import SDP, RecordingMedia, reply

PATIENCE_S = 10.0
QUIET = KeepAliveConfig(interval_s=0)


class Inbox:
    """A Sink that a test reads."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def tell(self, message: Any, /) -> None:
        self._queue.put(message)

    def next(self) -> Any:
        return self._queue.get(timeout=PATIENCE_S)

    def names(self, count: int) -> list[str]:
        return [type(self.next()).__name__ for _ in range(count)]

    def empty(self) -> bool:
        return self._queue.empty()


class Peer:
    """The other side, one datagram at a time."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE_S)
        self.port: int = self.socket.getsockname()[1]
        self.source: Any = None

    def expect(self, method: str) -> Message:
        """The next message, repeats of other kinds passed over."""
        while True:
            data, self.source = self.socket.recvfrom(65535)
            message = read_message(data)
            if method in (message.method, str(message.status_code)):
                return message

    def say(self, text: str) -> None:
        self.socket.sendto(text.encode(), self.source)

    def contact(self) -> str:
        return f"<sip:callee@127.0.0.1:{self.port}>"


@contextmanager
def peer() -> Iterator[Peer]:
    """A peer that is closed in the end."""
    opened = Peer()
    try:
        yield opened
    finally:
        opened.socket.close()


@contextmanager
def endpoint(
    media: RecordingMedia | None = None,
    log: Path | None = None,
    *,
    start: bool = True,
    port: int = 0,
) -> Iterator[SipEndpoint]:
    """An endpoint on loopback that runs, unless its test starts it."""
    config = EndpointConfig("127.0.0.1", port, dialog_log=log)
    opened = SipEndpoint(config, media or RecordingMedia())
    if start:
        opened.start()
    try:
        yield opened
    finally:
        opened.stop(grace_s=0.0)


@contextmanager
def phone(picks_up: bool) -> Iterator[int]:
    """A phone that rings, and picks up if it is told to, until it is closed; its port."""
    with peer() as there:
        stop = threading.Event()
        there.socket.settimeout(0.05)

        def run() -> None:
            while not stop.is_set():
                try:
                    data, there.source = there.socket.recvfrom(65535)
                except TimeoutError:
                    continue
                _serve_phone(there, read_message(data), picks_up)

        thread = threading.Thread(target=run, name="phone")
        thread.start()
        try:
            yield there.port
        finally:
            stop.set()
            thread.join()


def _serve_phone(there: Peer, message: Message, picks_up: bool) -> None:
    if message.method == "INVITE":
        there.say(reply(message, 180))
        if picks_up:
            there.say(reply(message, 200, sdp=SDP, contact=there.contact()))
    elif message.method in ("BYE", "OPTIONS"):
        there.say(reply(message, 200))
    elif message.method == "CANCEL":
        there.say(reply(message, 200))
        said = reply(message, 487)
        there.say(said.replace(f"{message.cseq} CANCEL", f"{message.cseq} INVITE"))


def trunk(
    on: SipEndpoint, port: int, changes: Inbox | None = None, *, start: bool = True, **how: Any
) -> SipTrunk:
    """A trunk at a peer's port, started where its endpoint is."""
    hooks = {name: how.pop(name) for name in ("on_response", "on_channels") if name in how}
    config = TrunkConfig("carrier", "127.0.0.1", port, **{"keep_alive": QUIET, **how})
    opened = SipTrunk(config, on, changes or Inbox(), **hooks)
    if start:
        opened.start()
    return opened
