"""The journal's reader: what `explain`, `replay` and `backtest` stand on.

The rule of this module: reading is safe beside a running writer; it sees what is on disk now, in
the order in which it was written, and a torn or foreign segment costs only itself.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dialer.journal import Record, Tally, decode
from gateways.journal.segments import segments

_SLACK_S = 60.0
"""Records of one time may lie this far apart in the files: several actors write them."""


class Wanted(NamedTuple):
    """Which records to read; what is left at its default does not matter.

    kinds: record types of `dialer.journal`. campaign_id, contact_id, attempt_id, agent_id: only
    records that have that field with that value. since, until: both inclusive, seconds since the
    epoch.
    """

    kinds: tuple[type, ...] = ()
    campaign_id: int | None = None
    contact_id: int | None = None
    attempt_id: int | None = None
    agent_id: str | None = None
    since: float = float("-inf")
    until: float = float("inf")

    def has(self, record: Record) -> bool:
        """Whether a record is wanted."""
        if self.kinds and not isinstance(record, self.kinds):
            return False
        if not self.since <= record.at <= self.until:
            return False
        return all(
            value is None or getattr(record, field, None) == value
            for field, value in (
                ("campaign_id", self.campaign_id),
                ("contact_id", self.contact_id),
                ("attempt_id", self.attempt_id),
                ("agent_id", self.agent_id),
            )
        )


ALL = Wanted()


def read_journal(place: Path, wanted: Wanted = ALL, tally: Tally | None = None) -> Iterator[Record]:
    """The wanted records of a journal's folder, or of one segment, oldest first.

    tally: counts what was met, wanted or not. A segment that lies outside the wanted time is not
    opened.
    """
    tally = tally if tally is not None else Tally()
    for path in _within(place, wanted):
        try:
            stream = path.open("rb")
        except FileNotFoundError:
            continue  # removed by the writer's retention meanwhile
        with stream:
            for record in decode(stream, tally):
                if wanted.has(record):
                    yield record


def _within(place: Path, wanted: Wanted) -> list[Path]:
    """The segments that may hold wanted records, judged by the first record of each."""
    if not place.is_dir():
        return [place]
    paths = [segment.path for segment in segments(place)]
    if wanted.since == ALL.since and wanted.until == ALL.until:
        return paths
    begins = [_first_at(path) for path in paths]
    chosen = []
    for index, path in enumerate(paths):
        begin = begins[index]
        # A segment ends where the next one begins; an empty one says nothing.
        end = next((at for at in begins[index + 1 :] if at is not None), None)
        too_late = begin is not None and begin > wanted.until + _SLACK_S
        too_early = end is not None and end < wanted.since - _SLACK_S
        if not (too_late or too_early):
            chosen.append(path)
    return chosen


def _first_at(path: Path) -> float | None:
    try:
        with path.open("rb") as stream:
            first = next(decode(stream), None)
    except FileNotFoundError:
        return None
    return first.at if first is not None else None
