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

    def extend(self, records: Sequence[Any]) -> None:
        start = 0
        while start < len(records):
            place = self._place(records[start].at)
            end = len(records)
            if place + 1 < len(self._starts):
                end = bisect_left(records, self._starts[place + 1], start, key=_at)
            self.figures = self._slices[place]
            super().extend(records[start:end])
            start = max(end, start + 1)

    def slices(self, at: float) -> tuple[Slice, ...]:
        """All of them, with the states that agents are in counted up to this moment."""
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

    def _place(self, at: float) -> int:
        return max(0, bisect_right(self._starts, at) - 1)

    def _spend(self, state: str, since: float, until: float) -> None:
        """A state may last over several slices; each gets its part."""
        current = self.figures
        for place in range(self._place(since), self._place(until) + 1):
            begins = self._starts[place]
            ends = self._starts[place + 1] if place + 1 < len(self._starts) else until
            self.figures = self._slices[place]
            super()._spend(state, max(since, begins), min(until, ends))
        self.figures = current


def _at(record: Any) -> float:
    at: float = record.at
    return at
