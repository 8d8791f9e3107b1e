"""A reader of the ledger that keeps the records of one type."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from dialer.message import Message

R = TypeVar("R", bound=Message)


class Collected(Generic[R]):
    """records: those of the type, in order."""

    def __init__(self, kept: type[R]) -> None:
        self.records: list[R] = []
        self._kept = kept

    def extend(self, records: Sequence[Message]) -> None:
        self.records.extend(r for r in records if isinstance(r, self._kept))
