"""What was recorded, done again: a simulated day as a whole, a live one's decisions.

The rule of this module: the same case and seed give the same ledger, record for record, and the
same inputs the same decision. Where they do not, the first difference is told with both sides, for
what follows it follows from it.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dialer.errors import InputError
from dialer.journal import Pulse, Record, Simulated, Tally, decode
from dialer.message import Message
from dialer.pacing.redecide import Redecision, redecide
from sim.experiment import run_case
from sim.recording import case_of


class Difference(NamedTuple):
    """recorded, replayed: the records that differ, None where that side has ended.

    place: how many records agree before them.
    """

    place: int
    recorded: Message | None
    replayed: Message | None


class Replay(NamedTuple):
    """What came of it. difference: None where there is none.

    records: that agree. other_versions: what was another when it was recorded, as
    (name, then, now).
    """

    records: int
    difference: Difference | None
    other_versions: tuple[tuple[str, str, str], ...] = ()


class _Differs(Exception):  # noqa: N818 - it ends a replay, and is no error
    def __init__(self, difference: Difference) -> None:
        super().__init__()
        self.difference = difference


class _Comparison:
    """A reader of the ledger that holds it against a recorded one."""

    def __init__(self, recorded: Iterator[Record]) -> None:
        self._recorded = recorded
        self.records = 0

    def extend(self, records: Sequence[Message]) -> None:
        for record in records:
            expected = next(self._recorded, None)
            if expected != record or type(expected) is not type(record):
                raise _Differs(Difference(self.records, expected, record))
            self.records += 1

    def close(self) -> None:
        expected = next(self._recorded, None)
        if expected is not None:
            raise _Differs(Difference(self.records, expected, None))


def is_simulated(path: Path) -> bool:
    """Whether a journal is that of a simulated day."""
    if path.is_dir():
        return False
    with path.open("rb") as stream:
        return isinstance(next(decode(stream), None), Simulated)


def replay_simulation(path: Path, versions: dict[str, str]) -> Replay:
    """Run a recorded day again, up to the first difference.

    versions: of now.

    Raises:
        InputError: it is no journal of a simulated day, or its end is missing.
    """
    with path.open("rb") as stream:
        tally = Tally()
        recorded = decode(stream, tally)
        opening = next(recorded, None)
        if not isinstance(opening, Simulated):
            what = "no journal of a simulated day"
            raise InputError(str(path), what, "record one with simulate --journal DIR")
        case = case_of(opening.case, str(path))
        then = dict(opening.versions)
        others = tuple(
            (name, then.get(name, "none"), versions.get(name, "none"))
            for name in sorted({*then, *versions})
            if then.get(name) != versions.get(name)
        )
        comparison = _Comparison(recorded)
        try:
            run_case(case, opening.seed, [comparison])
            comparison.close()
        except _Differs as found:
            if found.difference.recorded is None and tally.damaged:
                raise InputError(str(path), "its end is missing", "record it anew") from None
            return Replay(comparison.records, found.difference, others)
        return Replay(comparison.records, None, others)


class Decisions(NamedTuple):
    """What came of deciding a live day again.

    agree: decisions that come out as recorded. unknown: records that do not hold all that they
    were made from. difference: the first that comes out otherwise.
    """

    agree: int
    unknown: int
    difference: Redecision | None


def replay_decisions(records: Iterable[Record]) -> Decisions:
    """Make each pulse's decision again, up to the first difference."""
    agree = unknown = 0
    for record in records:
        if not isinstance(record, Pulse):
            continue
        again = redecide(record)
        if again is None:
            unknown += 1
        elif not again.agrees:
            return Decisions(agree, unknown, again)
        else:
            agree += 1
    return Decisions(agree, unknown, None)
