"""Where a day changes.

The rule of this module: a day is cut where the records say so and nowhere else: a cut must gain
more likelihood than the noise of that many cells would by itself, and where answers come in bursts
they count for fewer than they are.

Sources: Zhang and Siegmund, Biometrics 63, 2007 (an information criterion for change points);
McCullagh and Nelder, Generalized Linear Models, section 4.5 (dispersion); Kruskal and Wallis 1952.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from sim.fit.samples import Numbers

BIN_S = 1800
"""A day is looked at in half hours."""
BINS = 86400 // BIN_S

_SURE = 0.001
"""A duration changes over the day only where chance would say so this seldom."""


@dataclass(frozen=True)
class Dayparts:
    """A day cut into parts. starts: seconds after midnight, ascending, of each part.

    p_value: how surprising the differences are if the day did not change; None untested.
    """

    starts: tuple[int, ...]
    p_value: float | None = None

    @property
    def changes(self) -> bool:
        return len(self.starts) > 1

    def part_of(self, second: float) -> int:
        """The part that holds at this second of the day; the last one holds over the night."""
        place = int(np.searchsorted(self.starts, second, side="right")) - 1
        return place if place >= 0 else len(self.starts) - 1


def cut(bins: Sequence[int], cost: Callable[[int, int], float], penalty: float) -> tuple[int, ...]:
    """The cheapest way to cut a row of bins into parts; where each part starts (its bin).

    bins: those with records, ascending. cost: of the part of bins[i:j].
    """
    count = len(bins)
    best = [0.0] + [float("inf")] * count
    came_from = [0] * (count + 1)
    for end in range(1, count + 1):
        for start in range(end):
            total = best[start] + cost(start, end) + (penalty if start else 0.0)
            if total < best[end] - 1e-9:
                best[end], came_from[end] = total, start
    cuts: list[int] = []
    end = count
    while end:
        cuts.append(bins[came_from[end]])
        end = came_from[end]
    return tuple(cut * BIN_S for cut in reversed(cuts))


def share_parts(
    seconds: Numbers, days: NDArray[np.int_], hits: Numbers, trials: Numbers
) -> tuple[Dayparts, float]:
    """Where a share changes over the day, and the dispersion of its counts (1 is binomial).

    For each call: its second of the day, its day, whether it is a hit, and its weight (hits and
    trials are weighted alike).
    """
    bins = (seconds // BIN_S).astype(int)
    used = sorted({*bins.tolist()})
    place = np.searchsorted(used, bins)
    hit, tried = (np.bincount(place, each).astype(float) for each in (hits, trials))
    spread = _dispersion(place + days * len(used), place, hits, trials)
    hits_to, tried_to = _running(hit), _running(tried)

    def cost(start: int, end: int) -> float:
        x, n = hits_to[end] - hits_to[start], tried_to[end] - tried_to[start]
        return -2 * _binomial(x, n) / spread

    # What is independent where answers come in bursts is a day's half hour, not a call.
    cells = len(used) * len({*days.tolist()})
    parts = cut(used, cost, _penalty(cells, len(used)))
    return Dayparts(parts, _share_p(hit, tried, spread)), spread


def value_parts(seconds: Numbers, values: Numbers) -> Dayparts:
    """Where a duration changes over the day.

    By ranks, so that neither the law nor its tail matters: Kruskal and Wallis say whether it does,
    the cheapest cuts of normal scores say where.
    """
    from scipy.special import ndtri
    from scipy.stats import kruskal, rankdata

    bins = (seconds // BIN_S).astype(int)
    used = sorted({*bins.tolist()})
    whole = Dayparts((used[0] * BIN_S,) if used else (0,))
    groups = [values[bins == each] for each in used]
    groups = [group for group in groups if len(group) >= 5]
    if len(groups) < 2 or np.ptp(values) == 0:
        return whole
    p_value = float(kruskal(*groups).pvalue)
    if p_value >= _SURE:
        return Dayparts(whole.starts, p_value)
    scores = ndtri((rankdata(values) - 0.5) / len(values))
    place = np.searchsorted(used, bins)
    sums = _running(np.bincount(place, scores).astype(float))
    counts = _running(np.bincount(place).astype(float))
    variance = float(np.var(scores))

    def cost(start: int, end: int) -> float:
        n = counts[end] - counts[start]
        return -float((sums[end] - sums[start]) ** 2 / n / variance)

    return Dayparts(cut(used, cost, _penalty(len(values), len(used))), p_value)


def _penalty(observations: int, bins: int) -> float:
    """What a cut must gain: one more mean, at a place chosen among so many."""
    return log(max(2, observations)) + 2 * log(max(2, bins))


def _running(values: Numbers) -> Numbers:
    return np.concatenate([[0.0], np.cumsum(values)])


def _binomial(x: float, n: float) -> float:
    return sum(k * log(k / n) for k in (x, n - x) if k > 0)


def _dispersion(
    cells: NDArray[np.int_], place: NDArray[np.int_], hits: Numbers, trials: Numbers
) -> float:
    """How much more a half hour differs from day to day than coin throws would; 1 or more."""
    names, cell = np.unique(cells, return_inverse=True)
    x, n = np.bincount(cell, hits), np.bincount(cell, trials)
    share = np.bincount(place, hits) / np.maximum(np.bincount(place, trials), 1e-9)
    home = np.zeros(len(names), dtype=int)
    home[cell] = place
    p = share[home]
    # Of cells with few expected hits the statistic says nothing.
    told = n * p * (1 - p) >= 2
    degrees = int(told.sum()) - len({*home[told].tolist()})
    if degrees < 5:
        return 1.0
    chi = (x - n * p)[told] ** 2 / (n * p * (1 - p))[told]
    return max(1.0, float(chi.sum()) / degrees)


def _share_p(hit: Numbers, tried: Numbers, spread: float) -> float | None:
    from scipy.stats import chi2

    share = hit.sum() / tried.sum()
    if len(hit) < 2 or not 0 < share < 1:
        return None
    chi = float(np.sum((hit - tried * share) ** 2 / (tried * share * (1 - share)))) / spread
    return float(chi2.sf(chi, len(hit) - 1))
