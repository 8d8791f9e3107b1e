"""The ledger on disk: segmented append-only files, their writer and their reader."""

from gateways.journal.reader import Wanted, read_journal
from gateways.journal.segments import Segment, segments
from gateways.journal.writer import JournalConfig, JournalWriter

__all__ = [
    "JournalConfig",
    "JournalWriter",
    "Segment",
    "Wanted",
    "read_journal",
    "segments",
]
