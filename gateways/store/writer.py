"""The one thread that writes: group commit.

The rule of this module: jobs are carried out in the order in which they came, each in exactly
one committed transaction or not at all, and whoever asked hears of it only after the commit.

Jobs that arrive while a transaction runs share the next one; nobody waits for company. If one
job fails in a shared transaction, all of it is rolled back and each job gets a transaction of its
own, so that a bad one cannot spoil the others. An `owed` job (a settlement) has nobody to tell of
a failure: it is kept and tried again until it succeeds, while the database is locked or the disk
is full.
"""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from dialer.errors import DialerError, StoreError
from gateways.store.dialect import take_write_lock

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

RETRY_S = 1.0
"""How long owed jobs wait before they are tried again."""

_MOST_JOBS = 256
_STOP = None
_log = logging.getLogger(__name__)


class Job(NamedTuple):
    """Work for the writer.

    done: told the work's result after the commit. failed: told why it was not done. owed: kept
    and tried again when the database cannot take it. alone: a long one that shares with nobody.
    """

    work: Work[Any]
    done: Callable[[Any], None]
    failed: Callable[[Exception], None]
    owed: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class WriterFigures:
    """What the writer has done so far. owed: jobs that the database could not take yet."""

    transactions: int = 0
    jobs: int = 0
    failures: int = 0
    owed: int = 0


class Writer:
    """Owns the writing connection. after_transaction is told whether one was committed (or rolled
    back), before the next one begins.
    """

    def __init__(self, engine: sa.Engine, after_transaction: Callable[[bool], None]) -> None:
        self._engine = engine
        self._after_transaction = after_transaction
        self._connection: sa.Connection | None = None
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._owed: list[Job] = []
        self._figures = WriterFigures()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def figures(self) -> WriterFigures:
        return self._figures

    def submit(self, job: Job) -> None:
        """Queue a job; never blocks on the database."""
        with self._gate:
            if not self._closed:
                self._jobs.put(job)
                return
        job.failed(StoreError("the store is closed"))

    def run(self, work: Work[T], alone: bool = False) -> T:
        """Carry out a job and wait for its commit: for command lines, never for actors.

        Raises:
            StoreError: the database did not do its part.
            DialerError: whatever the work itself refused.
        """
        if threading.current_thread() is self._thread:
            raise StoreError("a reply of the store may not wait for the store")
        future: Future[T] = Future()
        self.submit(Job(work, future.set_result, future.set_exception, alone=alone))
        try:
            return future.result()
        except SQLAlchemyError as error:
            raise StoreError(reason(error)) from error

    def close(self) -> None:
        """Carry out what is queued, then stop. Owed jobs are tried one last time."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._jobs.put(_STOP)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            jobs, going = self._gather()
            jobs = self._owed + jobs
            self._owed = []
            shared: list[Job] = []
            for job in jobs:
                if job.alone:
                    self._carry_out(shared)
                    self._carry_out([job])
                    shared = []
                else:
                    shared.append(job)
            self._carry_out(shared)
            self._figures = replace(self._figures, owed=len(self._owed))
        if self._owed:
            _log.error(
                "%d settlements could not be written; recovery settles them", len(self._owed)
            )
        self._drop_connection()

    def _gather(self) -> tuple[list[Job], bool]:
        """Everything that is queued, waiting for the first; False after the last."""
        jobs: list[Job] = []
        try:
            job = self._jobs.get(timeout=RETRY_S if self._owed else None)
            while job is not _STOP:
                jobs.append(job)
                if len(jobs) == _MOST_JOBS:
                    return jobs, True
                job = self._jobs.get_nowait()
        except queue.Empty:
            return jobs, True
        return jobs, False

    def _carry_out(self, jobs: list[Job]) -> None:
        if not jobs:
            return
        try:
            connection = self._begin()
        except Exception as error:
            for job in jobs:
                self._give_up(job, error)
            return
        results = []
        try:
            for job in jobs:
                results.append(job.work(connection))  # noqa: PERF401 - it may fail half-way
        except Exception as error:
            self._roll_back(connection)
            if len(jobs) == 1:
                self._give_up(jobs[0], error)
            else:
                for job in jobs:
                    self._carry_out([job])
            return
        try:
            connection.commit()
        except Exception as error:
            # Not the fault of one job: the disk is full, or the database went away.
            self._roll_back(connection)
            for job in jobs:
                self._give_up(job, error)
            return
        self._after_transaction(True)
        self._figures = replace(
            self._figures,
            transactions=self._figures.transactions + 1,
            jobs=self._figures.jobs + len(jobs),
        )
        for job, result in zip(jobs, results, strict=True):
            self._tell(job.done, result)

    def _give_up(self, job: Job, error: Exception) -> None:
        if job.owed and isinstance(error, OperationalError):
            if not self._figures.owed and not self._owed:
                _log.error("a settlement waits for the database: %s", reason(error))
            self._owed.append(job)
            return
        self._figures = replace(self._figures, failures=self._figures.failures + 1)
        self._tell(job.failed, error)

    @staticmethod
    def _tell(reply: Callable[[Any], None], message: object) -> None:
        try:
            reply(message)
        except Exception:
            _log.exception("a reply of the store was refused")

    def _begin(self) -> sa.Connection:
        if self._connection is None:
            self._connection = take_write_lock(self._engine.connect())
        try:
            self._connection.begin()
        except Exception:
            self._drop_connection()
            raise
        return self._connection

    def _roll_back(self, connection: sa.Connection) -> None:
        try:
            connection.rollback()
        except Exception:
            self._drop_connection()
        self._after_transaction(False)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            try:
                self._connection.close()
            except Exception:
                _log.exception("the writing connection could not be closed")
            self._connection = None


def reason(error: Exception) -> str:
    """An error in one line, without SQL and its parameters: they hold customers' data."""
    if isinstance(error, IntegrityError):
        return f"the database refused it: {error.orig}"
    if isinstance(error, sa.exc.DBAPIError):
        return f"the database failed: {error.orig}"
    if isinstance(error, DialerError):
        return str(error)
    return f"{type(error).__name__}: {error}"
