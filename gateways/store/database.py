"""One database: reading connections for everybody, one writer for all changes.

The rule of this module: SQLAlchemy's errors do not leave the store; they become `StoreError`,
without the customers' data that their texts carry.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from dialer.errors import StoreError
from gateways.store.writer import Work, Writer, reason

T = TypeVar("T")


class Database:
    """What the repositories are built on. clock: seconds since the epoch."""

    def __init__(self, engine: sa.Engine, writer: Writer, clock: Callable[[], float]) -> None:
        self.engine = engine
        self.writer = writer
        self.clock = clock

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection on which everything read is of one moment; it never waits for writers.

        Raises:
            StoreError: the database did not do its part.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(reason(error)) from error

    def write(self, work: Work[T], alone: bool = False) -> T:
        """Carry out work in the writer's next transaction and wait for the commit.

        alone: it is long, and shares its transaction with nobody.

        Raises:
            StoreError: the database did not do its part.
        """
        return self.writer.run(work, alone)
