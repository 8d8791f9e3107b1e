"""Which law a recorded duration follows.

The rule of this module: what was cut short counts as "longer than that" and never as its length
(right-censoring), and what could only be seen up to a limit is judged among what could be seen
(right-truncation). Laws compete by an information criterion; the winner is written as a scenario
writes it.

Sources: Klein and Moeschberger, Survival Analysis, chapter 3 (likelihoods of censored and
truncated data); Akaike 1974; Schwarz 1978.
"""

from collections.abc import Sequence
from math import inf, log
from typing import Any, NamedTuple

import numpy as np

from sim.fit.families import MIXTURE, SIMPLE, Family, Likelihood
from sim.fit.samples import Numbers, Sample, rounded
from sim.laws import Law
from sim.written import distribution

CRITERIA = ("bic", "aic")
FEWEST = 30
"""A law fitted to fewer durations than this would be a guess in disguise."""

_EMPIRICAL_VALUES = 100
_SHORTEST_S = 1e-3
_CONSTANT_S = 0.05
_EVEN = 0.05
_CLOCK_S = 1e-4
"""Equal durations differ by this much, since they are differences of large numbers."""
_SEARCHED = 3000
"""So many values, spread over the sample, find the parameters; all of them judge the law."""


class Candidate(NamedTuple):
    """One law that was tried. parameters: how many were fitted to the data."""

    name: str
    written: dict[str, Any]
    parameters: int
    log_likelihood: float
    size: float

    @property
    def aic(self) -> float:
        return 2 * self.parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        return self.parameters * log(max(self.size, 2.0)) - 2 * self.log_likelihood

    @property
    def law(self) -> Law:
        law: Law = distribution(self.written).law
        return law


def constant_of(sample: Sample) -> float | None:
    """The value that all durations have, as near as clocks tell; None where they differ."""
    low, middle, high = np.quantile(sample.seen, [0.02, 0.5, 0.98])
    return float(middle) if high - low <= _CONSTANT_S and not len(sample.cut) else None


def candidates(sample: Sample) -> list[Candidate]:
    """Every law, fitted by maximum likelihood."""
    found = [_uniform(sample)] if not len(sample.cut) and sample.limit_s == inf else []
    # Of a mixture whose longer part was mostly cut off, the likelihood knows next to nothing.
    families = (*SIMPLE, MIXTURE) if len(sample.cut) <= len(sample.seen) else SIMPLE
    found += [_fitted(sample, family) for family in families]
    empirical = _empirical(sample)
    return [*found, empirical] if empirical is not None else found


def chosen(tried: Sequence[Candidate], criterion: str = "bic") -> Candidate:
    """The best of those tried."""
    return min(tried, key=lambda candidate: float(getattr(candidate, criterion)))


def misfit(sample: Sample, law: Law) -> float:
    """The largest distance between the law and what was seen (Kaplan-Meier), from 0 to 1.

    Looked at where enough durations go on for what was seen to be sure.
    """
    times, longer = sample.survival()
    ongoing = np.searchsorted(np.sort(np.concatenate([sample.seen, sample.cut])), times)
    sure = max(1, int(np.sum(len(sample.seen) + len(sample.cut) - ongoing >= FEWEST)))
    most = law.cdf(sample.limit_s) or 1.0
    places = np.linspace(0, sure - 1, min(sure, 1000)).astype(int)
    before = np.concatenate([[1.0], longer])[places]
    worst = 0.0
    for place, longer_before in zip(places, before, strict=True):
        at, just_before = float(times[place]), float(times[place]) - _CLOCK_S
        worst = max(
            worst,
            abs(1 - longer[place] - law.cdf(at + _CLOCK_S) / most),
            abs(1 - longer_before - law.cdf(just_before) / most),
        )
    return float(worst)


def _fitted(sample: Sample, family: Family) -> Candidate:
    """By maximum likelihood, searched without derivatives (Nelder and Mead)."""
    from scipy.optimize import minimize

    best = None
    thin = sample.thinned(_SEARCHED)
    for start in family.starts(thin):
        found = minimize(
            lambda parameters: _cost(family.law(parameters), thin),
            np.asarray(start),
            method="Nelder-Mead",
            options={"xatol": 1e-4, "fatol": 1e-3, "maxiter": 300 * len(start)},
        )
        if best is None or found.fun < best.fun:
            best = found
    assert best is not None
    log_likelihood = -_cost(family.law(best.x), sample)
    return Candidate(family.name, family.written(best.x), len(best.x), log_likelihood, sample.size)


def _cost(law: Likelihood, sample: Sample) -> float:
    """The negative log-likelihood."""
    with np.errstate(all="ignore"):
        total = float(sample.weights @ law.log_density(sample.seen))
        if len(sample.cut):
            total += float(np.sum(law.log_longer(sample.cut)))
        if sample.limit_s < inf:
            limit = np.asarray([sample.limit_s])
            total -= float(law.log_within(limit)[0] * sample.weights.sum())
    return -total if np.isfinite(total) else 1e300


def _uniform(sample: Sample) -> Candidate:
    low, high = float(sample.seen.min()), float(sample.seen.max())
    width = max(high - low, 1e-9)
    # A range that must hold all that was seen: the estimate's own ends, widened by what n misses.
    slack = width / max(1.0, sample.size - 1)
    written = {
        "distribution": "uniform",
        "low": rounded(max(0.0, low - slack)),
        "high": rounded(high + slack),
    }
    return Candidate(
        "uniform", written, 2, -float(sample.weights.sum()) * log(width + 2 * slack), sample.size
    )


def _empirical(sample: Sample) -> Candidate | None:
    """What was seen, as a histogram of evenly filled bins; its parameters are its bins.

    None where the longest were cut, for what they would have come to was not seen.
    """
    times, longer = sample.survival()
    if longer[-1] > 0.01:
        return None
    mass = np.diff(1 - longer, prepend=0.0)
    mass = mass / mass.sum()
    below = np.cumsum(mass)
    bins = int(min(_EMPIRICAL_VALUES, max(5.0, 2 * sample.size ** (1 / 3))))
    edges = np.interp(np.linspace(0, 1, bins + 1), np.concatenate([[0.0], below]), _edged(times))
    widths = np.maximum(np.diff(edges), _SHORTEST_S)
    place = np.clip(np.searchsorted(edges, sample.seen, side="left") - 1, 0, bins - 1)
    total = float(sample.weights @ np.log(1 / bins / widths[place]))
    if len(sample.cut):
        beyond = 1 - np.interp(sample.cut, edges, np.linspace(0, 1, bins + 1))
        total += float(np.sum(np.log(np.maximum(beyond, 1e-9))))
    # The means of even shares of what was seen: their mean is the sample's own.
    count = int(min(_EMPIRICAL_VALUES, len(times)))
    shares = np.minimum((below - mass / 2) * count, count - 1e-9).astype(int)
    weights = np.bincount(shares, mass, count)
    sums = np.bincount(shares, mass * times, count)
    kept = weights > 0
    written: dict[str, Any] = {
        "distribution": "empirical",
        "values": [rounded(float(value)) for value in sums[kept] / weights[kept]],
    }
    if np.ptp(weights[kept]) > _EVEN * weights.max():
        written["weights"] = [round(float(weight) * count, 3) for weight in weights[kept]]
    return Candidate("empirical", written, bins - 1, total, sample.size)


def _edged(times: Numbers) -> Numbers:
    return np.concatenate([[max(0.0, float(times[0]) - _SHORTEST_S)], times])
