"""A day in slices: the same figures, quarter hour by quarter hour.

The rule of this module: the slices of a day add up to the day, because they are measured by the
very rule that measures it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from sim.figures import Figures, FiguresJournal


class Slice(NamedTuple):
    """One slice of a day. Times are sums over agents, in seconds; at_work_s: of those at work.

    met: callers whom agents met.
    """

    dialed: int
    answered: int
    abandoned: int
    met: int
    busy_s: float
    at_work_s: float

    @property
    def occupancy(self) -> float:
        return self.busy_s / self.at_work_s if self.at_work_s else 0.0

    @property
    def abandonment(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0


class SeriesJournal(FiguresJournal):
    """A ledger's reader that measures each slice of a window by itself.

    every_s: how long a slice is; the last one may be shorter. Records must come in time's order.
    """

    def __init__(
        self, since: float, until: float, every_s: float, abandoned_after_s: float
    ) -> None:
        super().__init__(since, until, abandoned_after_s)
        count = max(1, int(-(-(until - since - 1e-6) // every_s)))
        self._starts = [since + number * every_s for number in range(count)]
        self._slices = [Figures() for _ in self._starts]
        self._current = 0
        self.figures = self._slices[0]

    def extend(self, records: Sequence[Any]) -> None:
        start = 0
        while start < len(records):
            self._turn_to(records[start].at)
            end = len(records)
            if self._current + 1 < len(self._starts):
                end = bisect_left(records, self._starts[self._current + 1], start, key=_at)
            super().extend(records[start:end])
            start = max(end, start + 1)

    def slices(self, at: float) -> tuple[Slice, ...]:
        """All of them, with the states that agents are in counted up to this moment."""
        self._turn_to(at)
        self.close(at)
        return tuple(
            Slice(
                each.dialed,
                each.answered,
                each.abandoned,
                each.outcomes.get("customer_answered", 0),
                each.talk_s + each.wrap_up_s,
                each.at_work_s,
            )
            for each in self._slices
        )

    def _turn_to(self, at: float) -> None:
        """Close the slices before this moment: a state may last over several, and each gets its
        part."""
        while self._current < bisect_right(self._starts, at) - 1:
            self._current += 1
            self.close(self._starts[self._current])
            self.figures = self._slices[self._current]


def _at(record: Any) -> float:
    at: float = record.at
    return at
