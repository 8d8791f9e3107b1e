"""Attempts as a table of numbers, and which columns a model is given.

The rule of this module: a column is made from the attempts that are fitted and from no later ones.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dialer.score.features import FEATURES, MEASURED, Value, features
from dialer.score.model import Column
from dialer.score.past import Attempt, examples
from sim.score.judging import Flags, Numbers

FEWEST_OF_A_LEVEL = 30
"""A word that stands in fewer attempts is not told apart."""
_FEWEST_WEEKS_S = 2 * 7 * 86_400.0

_EDGES: dict[str, tuple[float, ...]] = {
    "hour": tuple(map(float, range(7, 22))),
    "list_age_days": (0.5, 1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365),
    "attempts": (0.5, 1.5, 2.5, 3.5, 5.5, 8.5),
    # Wide, for with few attempts only a few shares can be, and others with one attempt more.
    "answer_share": (0.07, 0.15, 0.22, 0.28, 0.4, 0.55),
    "days_since_last": (1 / 24, 4 / 24, 0.5, 1, 2, 3, 7, 14, 30),
}
"""Bins of a scorecard."""


@dataclass(frozen=True)
class Table:
    """Attempts in the order of their dials. who: whose each is, "" for nobody known. given: the
    score that each was dialed by, -1 where there was none."""

    rows: list[dict[str, Value]]
    answered: Flags
    who: list[str]
    at: Numbers
    given: Numbers

    def part(self, start: int, end: int) -> "Table":
        cut = slice(start, end)
        return Table(
            self.rows[cut], self.answered[cut], self.who[cut], self.at[cut], self.given[cut]
        )

    def as_dialed(self) -> "Table":
        """Those that were dialed by a score."""
        kept = self.given >= 0
        places = kept.nonzero()[0].tolist()
        return Table(
            [self.rows[place] for place in places],
            self.answered[kept],
            [self.who[place] for place in places],
            self.at[kept],
            self.given[kept],
        )

    def __len__(self) -> int:
        return len(self.rows)


def table_of(attempts: Iterable[Attempt]) -> Table:
    """Those that tell whether a person answers."""
    rows, answered, who, at, given = [], [], [], [], []
    for attempt, past, was_answered in examples(attempts):
        rows.append(features(attempt.dialed_at, attempt.number, attempt.zone, past))
        answered.append(was_answered)
        who.append(attempt.contact or attempt.number)
        at.append(attempt.dialed_at)
        given.append(attempt.score)
    return Table(rows, np.array(answered, dtype=bool), who, np.array(at), np.array(given))


def columns_of(table: Table) -> tuple[Column, ...]:
    """The features that differ between attempts; of words, the levels that are frequent."""
    found = []
    for name in FEATURES:
        if name == "weekday" and table.at[-1] - table.at[0] < _FEWEST_WEEKS_S:
            continue  # of one week, a Tuesday is only the day that it was
        values = [row[name] for row in table.rows]
        if len(set(values)) < 2:
            continue
        if name in MEASURED:
            found.append(Column(name))
            continue
        levels = _levels(values, table.answered)
        if levels:
            found.append(Column(name, levels))
    return tuple(found)


def _levels(values: Sequence[Value], answered: Flags) -> tuple[str, ...]:
    """By their share of answers, drawn to the mean where they are rare: a tree then splits words
    as it splits numbers."""
    counts = Counter(value for value in values if isinstance(value, str))
    hits = Counter(v for v, hit in zip(values, answered, strict=True) if hit and isinstance(v, str))
    mean = float(answered.mean())

    def share(level: str) -> float:
        return (hits[level] + FEWEST_OF_A_LEVEL * mean) / (counts[level] + FEWEST_OF_A_LEVEL)

    frequent = (level for level, count in counts.items() if count >= FEWEST_OF_A_LEVEL)
    return tuple(sorted(frequent, key=lambda level: (share(level), level)))


def matrix_of(columns: Sequence[Column], rows: Sequence[dict[str, Value]]) -> Numbers:
    """Shape (attempts, columns), NaN where a feature is not known."""
    places = [{level: float(at) for at, level in enumerate(c.levels)} for c in columns]
    matrix = np.full((len(rows), len(columns)), np.nan)
    for j, column in enumerate(columns):
        name, place = column.name, places[j]
        for i, row in enumerate(rows):
            value = row[name]
            number: Any = place.get(value) if isinstance(value, str) else value
            if number is not None:
                matrix[i, j] = number
    return matrix


def edges_of(column: Column, values: Numbers) -> tuple[float, ...]:
    """Where a scorecard's bins of a column meet. values: those fitted, NaN for unknown.

    A bin of few attempts goes to its neighbour: what is beyond all that was seen is taken for the
    furthest that was.
    """
    if column.name not in MEASURED:
        return tuple(at - 0.5 for at in range(1, len(column.levels)))
    kept: list[float] = []
    known = np.sort(values[~np.isnan(values)])
    below = 0
    for edge in _EDGES[column.name]:
        here = int(np.searchsorted(known, edge, side="left"))
        enough = here - below >= FEWEST_OF_A_LEVEL and len(known) - here >= FEWEST_OF_A_LEVEL
        if enough:
            kept.append(float(edge))
            below = here
    return tuple(kept)
