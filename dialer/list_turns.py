"""Whose turn it is among the lists that contacts belong to.

The rule of this module: while several lists have contacts to give, each gives as many as its
weight says, evenly mixed and not in blocks; a list that has none takes no turns and owes none.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heapreplace
from typing import TypeVar

T = TypeVar("T")

DEFAULT_LIST = "default"
"""The list of contacts of which nobody said to which they belong."""

MOST_WEIGHT = 1000


class ListTurns:
    """Turns by virtual time: a list of weight w has one every 1/w, the first half of that from
    now, and the list whose turn is next gives next. So 2:1 comes out as a b a, a b a.

    Source: C. A. Waldspurger and W. E. Weihl, Stride Scheduling (MIT, 1995).
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._next: dict[int, float] = {}
        self._weights: dict[int, int] = {}

    def share(
        self, weights: Mapping[int, int], wanted: int, take: Callable[[int, int], Sequence[T]]
    ) -> list[T]:
        """As many as are wanted of all lists, in the order of the turns.

        weights: of the lists that may have some, by list id. take: up to so many of a list, in
        the list's own order; fewer mean that it has no more.
        """
        if wanted <= 0:
            return []
        if len(weights) == 1:
            # One list has every turn.
            (list_id,) = weights
            self._next.clear()
            return [*take(list_id, wanted)]
        self._begin(weights)
        taken: list[T] = []
        while self._next and len(taken) < wanted:
            turns = self._turns(wanted - len(taken))
            asked = Counter(turns)
            got = {list_id: deque(take(list_id, count)) for list_id, count in asked.items()}
            dry = [list_id for list_id, count in asked.items() if len(got[list_id]) < count]
            for list_id in turns:
                if got[list_id]:
                    taken.append(got[list_id].popleft())
                    self._now = max(self._now, self._next[list_id])
                    self._next[list_id] += 1 / weights[list_id]
            for list_id in dry:
                del self._next[list_id]
        return taken

    def _begin(self, weights: Mapping[int, int]) -> None:
        """A list that comes, comes back or has another weight begins anew."""
        self._next = {
            list_id: self._next[list_id]
            if list_id in self._next and self._weights[list_id] == weight
            else self._now + 0.5 / weight
            for list_id, weight in weights.items()
        }
        self._weights = dict(weights)

    def _turns(self, count: int) -> list[int]:
        """The next turns, if no list runs out; equal ones go by id."""
        if len(self._next) == 1:
            return list(self._next) * count
        coming = [(at, list_id) for list_id, at in self._next.items()]
        heapify(coming)
        turns: list[int] = []
        for _ in range(count):
            at, list_id = coming[0]
            turns.append(list_id)
            heapreplace(coming, (at + 1 / self._weights[list_id], list_id))
        return turns
