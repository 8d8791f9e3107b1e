"""A wire that loses the first transmission of chosen messages, and nothing else.

The rule of this module: it stands between a caller and SIPp because SIPp cannot ignore a message
and take its retransmission (it takes the second for one it has dealt with). What it loses, it
writes down; all else passes unchanged and in order.
"""

import re
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

_FIELDS = re.compile(
    rb"^(Call-ID|i|CSeq)[ \t]*:[ \t]*(\S+)(?:[ \t]+(\w+))?", re.MULTILINE | re.IGNORECASE
)
_DIALED = re.compile(rb"^INVITE sips?:([^@;>]+)@")


class Lost(NamedTuple):
    """A message that never arrived: its method, or the status of an INVITE's response."""

    at: float
    kind: str
    call_id: str
    number: str


class LossyWire:
    """Listens at `host`:`port` and passes everything to `carrier` and back.

    losses: dialed number -> the kinds to lose once per call.
    """

    def __init__(
        self,
        host: str,
        port: int,
        carrier: tuple[str, int],
        losses: Callable[[str], tuple[str, ...]],
    ) -> None:
        self.lost: list[Lost] = []
        self._carrier = carrier
        self._losses = losses
        self._seen: set[tuple[str, str]] = set()
        self._numbers: dict[str, str] = {}
        self._callers: dict[str, tuple[str, int]] = {}
        self._outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._wake, self._stop = socket.socketpair()
        try:
            self._outer.bind((host, port))
            self._inner.bind((host, 0))
        except OSError:
            self._close_sockets()
            raise
        self._thread = threading.Thread(target=self._run, name="lossy wire", daemon=True)
        self._thread.start()

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        self._stop.send(b"x")
        self._thread.join()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for held in (self._outer, self._inner, self._wake, self._stop):
            held.close()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._outer, self._inner, self._wake], [], [])
            if self._wake in ready:
                return
            for arrived in ready:
                try:
                    data, sender = arrived.recvfrom(65535)
                except ConnectionError:  # an ICMP answer to what we sent: the other side is gone
                    continue
                self._pass(data, sender if arrived is self._outer else None)

    def _pass(self, data: bytes, caller: tuple[str, int] | None) -> None:
        """caller: None when the message comes from the carrier."""
        kind, call_id = self._kind(data)
        if caller and call_id:
            self._callers[call_id] = caller
        if call_id and self._is_lost(kind, call_id):
            number = self._numbers.get(call_id, "")
            self.lost.append(Lost(time.time(), kind, call_id, number))
        elif caller:
            self._inner.sendto(data, self._carrier)
        elif call_id in self._callers:
            self._outer.sendto(data, self._callers[call_id])

    def _kind(self, data: bytes) -> tuple[str, str]:
        """What a message counts as in `losses`, and its Call-ID ("" for a keep-alive)."""
        found = {name.lower(): (value, more) for name, value, more in _FIELDS.findall(data)}
        call_id = (found.get(b"call-id") or found.get(b"i") or (b"", b""))[0].decode()
        method = found.get(b"cseq", (b"", b""))[1].decode()
        dialed = _DIALED.match(data)
        if dialed and call_id:
            self._numbers.setdefault(call_id, dialed[1].decode())
        if not data.startswith(b"SIP/2.0 "):
            return method, call_id
        status = data[8:11].decode()
        return (status if method == "INVITE" else f"{status} {method}"), call_id

    def _is_lost(self, kind: str, call_id: str) -> bool:
        if kind not in self._losses(self._numbers.get(call_id, "")):
            return False
        if (call_id, kind) in self._seen:
            return False
        self._seen.add((call_id, kind))
        return True
