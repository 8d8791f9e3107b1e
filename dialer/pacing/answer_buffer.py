"""A few records ahead of the list, of which the likeliest or the unlikeliest is dialed next.

The rule of this module: the buffer only changes the order in which a list is dialed. Each record
is dialed once, those waiting are at most `size`, and none waits for ever: the oldest goes first
when it has been passed over too often. So over the long run the mix of records dialed is the
list's, and an answer rate bought now by good records is not paid for by the end of the list.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

Record = TypeVar("Record")

BUFFER_SIZE = 50
_PASSED_OVER_TIMES = 40
"""A record is dialed at the latest after so many times the buffer's size of others."""


class Scored(NamedTuple, Generic[Record]):
    """A record in the buffer. score: P(a person answers). turn: which arrival it was."""

    score: float
    turn: int
    record: Record


class AnswerBuffer(Generic[Record]):
    """Records by their scores."""

    def __init__(self, size: int = BUFFER_SIZE) -> None:
        self.size = size
        self._patience = _PASSED_OVER_TIMES * size
        self._by_score: list[Scored[Record]] = []
        self._by_turn: dict[int, Scored[Record]] = {}
        self._turn = 0

    def __len__(self) -> int:
        return len(self._by_score)

    @property
    def missing(self) -> int:
        """How many records the list should give now."""
        return self.size - len(self._by_score)

    def scores(self) -> Sequence[float]:
        """The scores held, ascending."""
        return [scored.score for scored in self._by_score]

    def put(self, record: Record, score: float) -> None:
        """The list's next record."""
        scored = Scored(score, self._turn, record)
        # Turns are unique, so records themselves are never compared.
        insort(self._by_score, scored)
        self._by_turn[self._turn] = scored
        self._turn += 1

    def take(self, *, best: bool) -> Scored[Record]:
        """The record to dial: the likeliest to be answered, or the unlikeliest."""
        oldest = next(iter(self._by_turn))
        if self._turn - oldest > self._patience:
            scored = self._by_turn[oldest]
            del self._by_score[bisect_left(self._by_score, scored)]
        else:
            scored = self._by_score.pop(-1 if best else 0)
        del self._by_turn[scored.turn]
        return scored


def class_edges(scores: Sequence[float], classes: int) -> tuple[float, ...]:
    """Borders that split scores into classes of equal size; fewer where scores repeat."""
    ranked = sorted(scores)
    inner = (ranked[len(ranked) * i // classes] for i in range(1, classes))
    return tuple(dict.fromkeys(inner))
