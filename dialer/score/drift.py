"""How far scores have moved since training: the population stability index.

The rule of this module: it looks at scores only, so it tells of a changed list or hour before the
first answer does. PSI = sum over bins of (now - then) ln(now / then); by custom under .10 is
steady, over .25 asks for new training (Siddiqi, Credit Risk Scorecards, 2006).
"""

from collections import deque
from collections.abc import Sequence
from math import log

from dialer.score.model import Shares

STEADY, MOVED = 0.10, 0.25
_LEAST_SHARE = 1e-4
"""An empty bin would make the index infinite."""


def stability(then: Sequence[float], counts: Sequence[int]) -> float:
    """The index. then: shares in training. counts: scores now, by the same bins; none gives 0."""
    total = sum(counts)
    if not total:
        return 0.0
    index = 0.0
    for share, count in zip(then, counts, strict=True):
        was, now = max(share, _LEAST_SHARE), max(count / total, _LEAST_SHARE)
        index += (now - was) * log(now / was)
    return index


def in_words(index: float) -> str:
    """What an index means."""
    if index < STEADY:
        return "steady"
    return "moving" if index < MOVED else "moved: train anew"


class Drift:
    """The index over the last scores. last: how many."""

    def __init__(self, reference: Shares, last: int = 2000) -> None:
        self._reference = reference
        self._places: deque[int] = deque(maxlen=last)
        self._counts = [0] * len(reference.shares)

    def put(self, score: float) -> None:
        places = self._places
        if len(places) == places.maxlen:
            self._counts[places[0]] -= 1
        place = self._reference.place(score)
        places.append(place)
        self._counts[place] += 1

    @property
    def index(self) -> float:
        return stability(self._reference.shares, self._counts)
