"""The ledger of a simulated day.

The rule of this module: records come in the order in which they were told, as they reach a real
journal; but nobody has to be kept from waiting for a disk, so no actor stands before it, and what
reads the records reads them by the thousand.
"""

from collections.abc import Sequence
from typing import Protocol

from dialer.message import Message


class Reader(Protocol):
    """A journal that takes many records at once."""

    def extend(self, records: Sequence[Message]) -> None: ...


class Ledger(list[Message]):
    """A sink of records: the list of those that nobody has read yet.

    journals: who reads them, each in order, at every `flush`.
    """

    __slots__ = ("_journals", "tell")

    def __init__(self, *journals: Reader) -> None:
        super().__init__()
        self._journals = [*journals]
        # Every call tells several records: there is nothing before the list that takes them, and
        # what stands in a slot is found sooner than a method.
        self.tell = self.append

    def hand_to(self, *journals: Reader) -> None:
        """Have these read too, from the next `flush` on."""
        self._journals += journals

    def flush(self) -> None:
        """Hand on what has come since the last time."""
        for journal in self._journals:
            journal.extend(self)
        self.clear()
