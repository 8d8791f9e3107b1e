"""What a crash must not lose: which INVITEs have left, and which calls stand.

The rule of this module: a record is with the kernel before the packet that it speaks of, so a
kill -9 loses nothing; a power cut may, and then the calls are cut as well. The file is a row of
msgpack arrays, rewritten at start and whenever it has outgrown what it holds.
"""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgpack

from dialer.errors import TrunkError
from gateways.sip.dialogs import Dialog
from gateways.sip.leg_plan import LegPlan
from gateways.sip.transactions import Address

KEPT_S = 4 * 3600.0
GROWTH_BYTES = 16 << 20
_BUCKET_S = 900.0
_HEADING = ["foredial dialogs", 1]
_log = logging.getLogger(__name__)


class DialogLog(Protocol):
    """Where legs are written down."""

    def invite(self, plan: LegPlan, details: dict[str, Any]) -> None:
        """An INVITE is about to leave."""

    def answer(self, call_id: str, dialog: Dialog) -> None:
        """A call is answered, and its ACK is about to leave."""

    def end(self, call_id: str) -> None:
        """A leg is over on both sides."""


class NoLog:
    """Remembers nothing: for tests, and for a desk alone."""

    def invite(self, plan: LegPlan, details: dict[str, Any]) -> None: ...

    def answer(self, call_id: str, dialog: Dialog) -> None: ...

    def end(self, call_id: str) -> None: ...


@dataclass
class OpenLeg:
    """A leg that had not ended. dialog: None while nobody had answered.

    at: seconds since the epoch. details: of its INVITE, without body and credentials.
    """

    call_id: str
    owner: str
    attempt_id: int
    at: float
    destination: Address
    details: dict[str, Any]
    dialog: Dialog | None = None


class FileLog:
    """The log in a file. One process at a time; one thread at a time.

    clock: seconds since the epoch. Records older than four hours are dropped: no carrier keeps
    an unanswered leg that long, and the attempts are settled by then. growth_bytes: how much may
    be appended before the file is rewritten.
    """

    def __init__(
        self, path: Path, clock: Callable[[], float], growth_bytes: int = GROWTH_BYTES
    ) -> None:
        self.failures = 0
        self._path = path
        self._clock = clock
        self._open: dict[str, OpenLeg] = {}
        self._sent: dict[int, list[int]] = {}
        self._size = 0
        self._growth_bytes = growth_bytes
        self._compact_at = growth_bytes
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._read(path.read_bytes() if path.exists() else b"")
            self._fd = self._rewrite()
        except OSError as error:
            raise TrunkError(f"cannot keep the dialog log {path}: {error.strerror}") from error

    def open_legs(self) -> list[OpenLeg]:
        """The legs that had not ended."""
        return list(self._open.values())

    def sent_attempt_ids(self) -> set[int]:
        """The attempts whose INVITE had left, ended or not."""
        return {attempt_id for ids in self._sent.values() for attempt_id in ids}

    def invite(self, plan: LegPlan, details: dict[str, Any]) -> None:
        """An INVITE is about to leave; a repeated one (after a challenge) replaces the first."""
        kept = {**details, "body": b"", "extra": []}
        call_id = details["call_id"]
        leg = OpenLeg(call_id, plan.owner, plan.attempt_id, self._clock(), plan.destination, kept)
        if call_id not in self._open:
            self._note_sent(plan.attempt_id, leg.at)
        self._open[call_id] = leg
        self._write(_invite_record(leg))

    def answer(self, call_id: str, dialog: Dialog) -> None:
        """A call is answered, and its ACK is about to leave."""
        leg = self._open.get(call_id)
        if leg is not None:
            leg.dialog = dialog
            self._write(["answer", self._clock(), call_id, dialog.pack()])

    def end(self, call_id: str) -> None:
        """A leg is over on both sides."""
        if self._open.pop(call_id, None) is not None:
            self._write(["end", self._clock(), call_id])
            if self._size > self._compact_at:
                self._compact()

    def close(self) -> None:
        """Close the file; what is written stays."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    # The file.

    def _read(self, data: bytes) -> None:
        unpacker = msgpack.Unpacker(strict_map_key=False, max_buffer_size=0)
        unpacker.feed(data)
        try:
            for record in unpacker:
                # One odd record (an older version's, a bad disk's) does not cost the others.
                with contextlib.suppress(KeyError, TypeError, ValueError, IndexError):
                    self._apply(record)
        except (ValueError, msgpack.UnpackException):
            _log.warning("the dialog log %s ends in something unreadable", self._path)
        oldest = self._clock() - KEPT_S
        self._open = {key: leg for key, leg in self._open.items() if leg.at >= oldest}
        self._drop_old()

    def _apply(self, record: list[Any]) -> None:
        kind, at, *rest = record
        if kind == "invite":
            call_id, owner, attempt_id, place, details = rest
            self._open[call_id] = OpenLeg(call_id, owner, attempt_id, at, Address(*place), details)
            self._note_sent(attempt_id, at)
        elif kind == "answer" and rest[0] in self._open:
            self._open[rest[0]].dialog = Dialog.unpack(rest[1])
        elif kind == "end":
            self._open.pop(rest[0], None)
        elif kind == "sent":
            for low, high in rest[0]:
                for attempt_id in range(low, high + 1):
                    self._note_sent(attempt_id, at)

    def _note_sent(self, attempt_id: int, at: float) -> None:
        if attempt_id:
            self._sent.setdefault(int(at // _BUCKET_S), []).append(attempt_id)

    def _drop_old(self) -> None:
        oldest = int((self._clock() - KEPT_S) // _BUCKET_S)
        for bucket in [bucket for bucket in self._sent if bucket < oldest]:
            del self._sent[bucket]

    def _records(self) -> Iterable[list[Any]]:
        yield _HEADING
        for bucket, ids in self._sent.items():
            yield ["sent", bucket * _BUCKET_S, _ranges(ids)]
        for leg in self._open.values():
            yield _invite_record(leg)
            if leg.dialog is not None:
                yield ["answer", leg.at, leg.call_id, leg.dialog.pack()]

    def _rewrite(self) -> int:
        """Write a new file of what is held, put it in place, and open it for appending."""
        self._drop_old()
        data = b"".join(
            msgpack.packb(record, unicode_errors="surrogateescape") for record in self._records()
        )
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_bytes(data)
        fresh.replace(self._path)
        self._size = len(data)
        self._compact_at = 2 * self._size + self._growth_bytes
        return os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def _compact(self) -> None:
        try:
            fd = self._rewrite()
        except OSError as error:
            self._failed(error)
            return
        self.close()
        self._fd = fd

    def _write(self, record: list[Any]) -> None:
        data = msgpack.packb(record, unicode_errors="surrogateescape")
        try:
            written = 0
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError as error:
            self._failed(error)
        self._size += len(data)

    def _failed(self, error: OSError) -> None:
        # A full disk stops the store as well, and with it new dials; live calls go on.
        self.failures += 1
        if self.failures == 1:
            _log.error("cannot write the dialog log %s: %s", self._path, error.strerror)


def _invite_record(leg: OpenLeg) -> list[Any]:
    return [
        "invite",
        leg.at,
        leg.call_id,
        leg.owner,
        leg.attempt_id,
        list(leg.destination),
        leg.details,
    ]


def _ranges(ids: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers as (first, last) runs: attempt ids come in sequence."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(ids)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
