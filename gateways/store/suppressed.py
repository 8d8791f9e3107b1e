"""Numbers that opted out, kept for good.

The rule of this module: an opt-out is owed: it is written as soon as the database takes it, and a
second one changes nothing of the first.
"""

import logging

import sqlalchemy as sa

from gateways.store.database import Database
from gateways.store.tables import suppressed_numbers
from gateways.store.writer import Job, reason

_log = logging.getLogger(__name__)


class SuppressedNumbers:
    """The opt-outs of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, number: str, source: str, at: float) -> None:
        """Record an opt-out; returns at once. at: epoch seconds. source: how it came to us."""
        known = suppressed_numbers.c.number

        def work(connection: sa.Connection) -> None:
            if connection.scalar(sa.select(known).where(known == number)) is None:
                row = {"number": number, "source": source, "since": at}
                connection.execute(sa.insert(suppressed_numbers), row)

        def failed(error: Exception) -> None:
            _log.error("an opt-out could not be written: %s", reason(error))

        self._database.writer.submit(Job(work, lambda _: None, failed, owed=True))

    def numbers(self) -> frozenset[str]:
        """All of them, E.164."""
        with self._database.reading() as connection:
            return frozenset(connection.scalars(sa.select(suppressed_numbers.c.number)))
