"""Writes the ledger.

The rule of this module: records reach the journal in the order in which they were told, and
nobody waits for the disk.
"""

from typing import Any

from actors.runtime import Behaviour
from dialer.ports import Journal


class Recorder(Behaviour):
    """Hands every record on to the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def receive(self, message: Any) -> Any:
        self._journal.append(message)
