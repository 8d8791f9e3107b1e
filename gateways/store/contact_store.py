"""The store as the actors see it: the `ContactStore` port on SQL.

The rule of this module: a request is queued and returns at once; its answer is told on the
writer's thread, after the commit. What a caller must not do is refused as a `StoreFailed` of that
request alone.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from dialer.errors import StoreError
from dialer.ports import (
    AttemptDraft,
    ClaimRequest,
    ContactNext,
    ContactsClaimed,
    Deferral,
    Disposal,
    Settlement,
    Sink,
    StoreFailed,
)
from gateways.store import attempt_writes, learned, recovery
from gateways.store.claims import Claims
from gateways.store.recovery import RecoveryReport
from gateways.store.writer import Job, Writer, reason

_log = logging.getLogger(__name__)


class StoreFigures(NamedTuple):
    """What the store has done since it was opened.

    second_settlements: settlements of an attempt that was settled already, ignored. failures:
    requests that were not carried out. owed: settlements that wait for the database.
    """

    transactions: int
    requests: int
    second_settlements: int
    failures: int
    owed: int


class SqlContactStore:
    """Contacts and attempts in a database. Every method may be called from any thread.

    clock: seconds since the epoch, for the time at which a settlement was written.
    """

    def __init__(self, writer: Writer, claims: Claims, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._claims = claims
        self._clock = clock
        self._lock = threading.Lock()
        self._second_settlements = 0
        self._claimed_before = False

    @property
    def figures(self) -> StoreFigures:
        done = self._writer.figures
        return StoreFigures(
            done.transactions, done.jobs, self._second_settlements, done.failures, done.owed
        )

    def claim(self, request: ClaimRequest, reply_to: Sink) -> None:
        """Brings `ContactsClaimed` or `StoreFailed`."""
        self._claimed_before = True

        def work(connection: sa.Connection) -> ContactsClaimed | StoreFailed:
            return self._claims.claim(connection, request)

        self._submit_request(work, request.request_id, reply_to)

    def commit_attempts(
        self, request_id: int, drafts: Sequence[AttemptDraft], reply_to: Sink
    ) -> None:
        """Brings `AttemptsCommitted` once they stand in the store, or `StoreFailed`."""
        drafts = tuple(drafts)
        self._submit_request(
            lambda connection: attempt_writes.commit(connection, request_id, drafts),
            request_id,
            reply_to,
        )

    def settle(self, settlement: Settlement) -> None:
        """Settle an attempt; kept and tried again while the database cannot take it."""

        def work(connection: sa.Connection) -> bool:
            return attempt_writes.settle(connection, settlement, self._clock())

        self._submit_owed(work, self._count_settlement, f"attempt {settlement.attempt_id}")

    def defer(self, deferrals: Sequence[Deferral]) -> None:
        """Let go of claimed contacts; kept and tried again like a settlement."""
        deferrals = tuple(deferrals)
        self._submit_owed(
            lambda connection: attempt_writes.defer(connection, deferrals),
            lambda _done: None,
            f"{len(deferrals)} deferrals",
        )

    def dispose(self, disposal: Disposal) -> None:
        """Record what an agent says came of an attempt; kept and tried again like a settlement."""
        self._submit_owed(
            lambda connection: attempt_writes.dispose(connection, disposal),
            lambda _done: None,
            f"the disposition of attempt {disposal.attempt_id}",
        )

    def remember(self, campaign_id: int, document: bytes) -> None:
        """Keep what a campaign has learned; not tried again, for the next one says it all."""

        def work(connection: sa.Connection) -> None:
            learned.remember(connection, campaign_id, document, self._clock())

        def failed(error: Exception) -> None:
            _log.warning(
                "what campaign %d has learned was not kept: %s", campaign_id, reason(error)
            )

        self._writer.submit(Job(work, lambda _done: None, failed))

    def recall(self, request_id: int, campaign_id: int, reply_to: Sink) -> None:
        """Brings `Recalled` or `StoreFailed`."""
        self._submit_request(
            lambda connection: learned.recall(connection, request_id, campaign_id),
            request_id,
            reply_to,
        )

    def recover(self, sent_attempt_ids: Iterable[int], now: float) -> RecoveryReport:
        """Put in order what a crash left; call it once at start, before anything is claimed.

        sent_attempt_ids: attempts whose INVITE had left, from the trunk's own record.

        Raises:
            StoreError: the database did not do its part, or contacts have been claimed already.
        """
        if self._claimed_before:
            raise StoreError("recovery would let go of contacts that are being dialed")
        sent = frozenset(sent_attempt_ids)
        return self._writer.run(lambda connection: recovery.recover(connection, sent, now))

    def decide_interrupted(self, attempt_id: int, following: ContactNext) -> bool:
        """What the flow makes of an interrupted attempt's contact, which is done otherwise.

        False if the contact has moved on since.

        Raises:
            StoreError: the database did not do its part.
        """
        return self._writer.run(
            lambda connection: recovery.decide(connection, attempt_id, following)
        )

    def flush(self) -> None:
        """Wait until everything asked for before has been carried out, or is owed."""
        self._writer.run(lambda _connection: None)

    def _submit_request(
        self, work: Callable[[sa.Connection], object], request_id: int, reply_to: Sink
    ) -> None:
        def failed(error: Exception) -> None:
            reply_to.tell(StoreFailed(request_id, reason(error)))

        self._writer.submit(Job(work, reply_to.tell, failed))

    def _submit_owed(
        self,
        work: Callable[[sa.Connection], object],
        done: Callable[[object], None],
        what: str,
    ) -> None:
        def failed(error: Exception) -> None:
            _log.error("%s could not be written: %s", what, reason(error))

        self._writer.submit(Job(work, done, failed, owed=True))

    def _count_settlement(self, first: object) -> None:
        if not first:
            with self._lock:
                self._second_settlements += 1
