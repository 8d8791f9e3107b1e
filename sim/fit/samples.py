"""Durations as they were seen.

The rule of this module: a duration that was cut short is known to be longer than that, and is never
taken for its length; what nobody could have seen is said, not forgotten.

Source: Kaplan and Meier, JASA 53, 1958.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_SHORTEST_S = 1e-3


@dataclass(frozen=True)
class Sample:
    """Durations as they were seen, in seconds.

    seen: whole ones. cut: those that were still going on when last seen. weights: of `seen`.
    limit_s: nothing longer could be seen at all.
    """

    seen: Numbers
    cut: Numbers
    weights: Numbers
    limit_s: float = inf

    @classmethod
    def of(
        cls,
        seen: Sequence[float],
        cut: Sequence[float] = (),
        weights: Sequence[float] | None = None,
        limit_s: float = inf,
        resolution_s: float = 0.0,
    ) -> "Sample":
        """resolution_s: what the times were rounded to; a duration of 0 is half of that."""
        shortest = max(_SHORTEST_S, resolution_s / 2)
        values = np.maximum(np.asarray(seen, dtype=float), shortest)
        ones = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
        return cls(values, np.maximum(np.asarray(cut, dtype=float), shortest), ones, limit_s)

    @property
    def size(self) -> float:
        return float(len(self.seen))

    def thinned(self, at_most: int) -> "Sample":
        """The same shape in fewer values: every k-th in order, standing for its neighbours."""
        step = -(-len(self.seen) // at_most)
        if step <= 1:
            return self
        order = np.argsort(self.seen, kind="stable")[step // 2 :: step]
        weights = self.weights[order] * (self.weights.sum() / self.weights[order].sum())
        return replace(self, seen=self.seen[order], weights=weights)

    def survival(self) -> tuple[Numbers, Numbers]:
        """Kaplan and Meier: the times at which durations end, and the share that is longer."""
        times = np.concatenate([self.seen, self.cut])
        weights = np.concatenate([self.weights, np.ones(len(self.cut))])
        ends = np.concatenate([self.weights, np.zeros(len(self.cut))])
        order = np.argsort(times, kind="stable")
        unique, first = np.unique(times[order], return_index=True)
        at_risk = np.cumsum(weights[order][::-1])[::-1][first]
        ended = np.add.reduceat(ends[order], first)
        return unique, np.cumprod(1 - ended / at_risk)


def rounded(value: float) -> float:
    """To five digits that count: more would claim what no sample knows."""
    return float(f"{value:.5g}")
