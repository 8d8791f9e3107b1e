"""The ledger of a simulated day.

The rule of this module: records come in the order in which they were told, as they reach a real
journal; but nobody has to be kept from waiting for a disk, so no actor stands before it, and what
reads the records reads them by the thousand.
"""

from collections.abc import Iterable
from typing import Any

from dialer.journal import Digest
from dialer.ports import Journal


class Ledger:
    """A sink of records. journals: who reads them, each in order, at every `flush`."""

    def __init__(self, digest: Digest, journals: Iterable[Journal] = ()) -> None:
        self._records: list[tuple[Any, ...]] = []
        self._digest = digest
        self._journals = tuple(journals)
        # Every call tells several records: the list itself takes them.
        self.tell = self._records.append

    def flush(self) -> None:
        """Hand on what has come since the last time."""
        self._digest.extend(self._records)
        for journal in self._journals:
            append = journal.append
            for record in self._records:
                append(record)
        self._records.clear()
