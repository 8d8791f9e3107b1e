"""The journal's writer.

The rule of this module: writing the ledger never holds up dialing. `append` only queues; one
thread writes what has gathered, at least every `flush_s`, with unbuffered writes, so a killed
daemon loses no more than that. A disk that is full or cannot be written is logged once, the
records are kept for as long as they fit in memory, and those that do not are counted as lost.
(A power cut can take what the operating system had not written back yet; there is no fsync.)
"""

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from dialer import journal
from dialer.message import Message
from gateways.journal.segments import create_next, remove_old

logger = logging.getLogger(__name__)

_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """Where and how the ledger is kept.

    segment_bytes: a segment that has grown beyond it is closed; so is one of another day (UTC).
    keep_bytes, keep_days: beyond either, the oldest segments are removed.
    flush_s: the longest that a record waits in memory. waiting_records: how many may wait while
    the disk cannot be written. retry_s: how soon a failed disk is tried again.
    """

    folder: Path
    segment_bytes: int = 64 * 1024 * 1024
    keep_bytes: int = 4 * 1024 * 1024 * 1024
    keep_days: float = 90
    flush_s: float = 0.2
    waiting_records: int = 200_000
    retry_s: float = 2.0


def _nothing(_count: int) -> None: ...


class JournalWriter:
    """A `dialer.ports.Journal` on disk.

    on_written, on_lost: told of the number of records, always on the writer's thread.
    """

    def __init__(
        self,
        config: JournalConfig,
        on_written: Callable[[int], None] = _nothing,
        on_lost: Callable[[int], None] = _nothing,
    ) -> None:
        self._config = config
        self._on_written = on_written
        self._on_lost = on_lost
        # Appending to a deque is one step of the interpreter: no lock is needed.
        self._queue: deque[Message] = deque()
        self._unwritten: deque[bytes] = deque()
        self._stop = Event()
        self._thread: Thread | None = None
        self._descriptor = -1
        self._path = Path()
        self._size_bytes = 0
        self._day = 0
        self._failing = False
        self._retry_at = 0.0

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def append(self, record: Message) -> None:
        """Queue a record of `dialer.journal`; from any thread, at once."""
        self._queue.append(record)

    def close(self) -> None:
        """Write all that was appended, and end; what cannot be written now is lost."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @property
    def failing(self) -> bool:
        """The disk could not be written the last time it was tried."""
        return self._failing

    def _run(self) -> None:
        while not self._stop.wait(self._config.flush_s):
            self._flush()
        self._retry_at = 0.0
        self._flush()
        if self._unwritten:
            self._lose(len(self._unwritten))
        self._leave_segment()

    def _flush(self) -> None:
        """Never raises: this thread is the only one, and the ledger must not die."""
        try:
            self._encode_queued()
            if self._unwritten and time.monotonic() >= self._retry_at:
                self._write_all()
        except OSError as error:
            self._fail(error)
        except Exception:
            logger.exception("the journal met a bug")
        surplus = len(self._unwritten) - self._config.waiting_records
        if surplus > 0:
            for _ in range(surplus):
                self._unwritten.popleft()
            self._lose(surplus)

    def _encode_queued(self) -> None:
        for _ in range(len(self._queue)):
            record = self._queue.popleft()
            try:
                self._unwritten.append(journal.encode(record))
            except (TypeError, ValueError, OverflowError):
                logger.exception("a record that the journal cannot hold")
                self._lose(1)

    def _write_all(self) -> None:
        now = time.time()
        batch = b"".join(self._unwritten)
        if self._descriptor >= 0 and (
            self._size_bytes + len(batch) > self._config.segment_bytes
            or int(now / _DAY_S) != self._day
        ):
            self._leave_segment()
        if self._descriptor < 0:
            self._begin_segment(now)
        self._write(batch)
        count = len(self._unwritten)
        self._unwritten.clear()
        self._on_written(count)
        if self._failing:
            self._failing = False
            logger.warning("the journal is written again: %s", self._path)

    def _begin_segment(self, now: float) -> None:
        self._descriptor, self._path = create_next(self._config.folder)
        self._size_bytes = 0
        self._day = int(now / _DAY_S)
        self._write(journal.header())
        before = now - self._config.keep_days * _DAY_S
        for path in remove_old(self._config.folder, self._path, self._config.keep_bytes, before):
            logger.info("removed the old journal segment %s", path)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        self._size_bytes += len(data)

    def _leave_segment(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _fail(self, error: OSError) -> None:
        self._retry_at = time.monotonic() + self._config.retry_s
        if not self._failing:
            self._failing = True
            logger.error("the journal cannot be written, dialing goes on: %s", error)
        if self._descriptor >= 0:
            # Take back a batch that was written in part: it will be written again, whole.
            try:
                if self._size_bytes:
                    os.ftruncate(self._descriptor, self._size_bytes)
                else:
                    self._path.unlink()
            except OSError:
                logger.debug("the torn end of %s stays", self._path)
            self._leave_segment()

    def _lose(self, count: int) -> None:
        self._on_lost(count)
