"""The families of laws that compete for a duration, as a likelihood sees them.

The rule of this module: a family has free parameters (any real numbers), so a search cannot leave
it; and it says how a scenario writes the law that was found.
"""

from collections.abc import Callable
from math import log, pi, sqrt
from typing import Any, NamedTuple, Protocol

import numpy as np

from sim.fit.samples import Numbers, Sample, rounded

_NARROWEST = 0.1
"""Where a part of a mixture may shrink to a point, the likelihood has no end."""
_MOST_SIGMA = 5.0
_ROOT = 0.5 * log(2 * pi)


class Likelihood(Protocol):
    """Logarithms of a law's density, of P(X > x) and of P(X <= x)."""

    def log_density(self, x: Numbers) -> Numbers: ...

    def log_longer(self, x: Numbers) -> Numbers: ...

    def log_within(self, x: Numbers) -> Numbers: ...


class Family(NamedTuple):
    """One family. starts: where a search begins. law: of parameters. written: for a scenario."""

    name: str
    starts: Callable[[Sample], list[list[float]]]
    law: Callable[[Numbers], Likelihood]
    written: Callable[[Numbers], dict[str, Any]]


class _Gamma:
    """Parameters: logarithms of shape and scale."""

    def __init__(self, x: Numbers) -> None:
        self._shape, self._scale = float(np.exp(x[0])), float(np.exp(x[1]))

    def log_density(self, x: Numbers) -> Numbers:
        from scipy.special import gammaln

        k, scale = self._shape, self._scale
        density: Numbers = (k - 1) * np.log(x) - x / scale - k * np.log(scale) - gammaln(k)
        return density

    def log_longer(self, x: Numbers) -> Numbers:
        from scipy.special import gammaincc

        return _log(gammaincc(self._shape, x / self._scale))

    def log_within(self, x: Numbers) -> Numbers:
        from scipy.special import gammainc

        return _log(gammainc(self._shape, x / self._scale))


class _Weibull:
    """Parameters: logarithms of shape and scale. Shape 1 is the exponential."""

    def __init__(self, x: Numbers) -> None:
        self._shape, self._log_scale = float(np.exp(x[0])), float(x[1])

    def log_density(self, x: Numbers) -> Numbers:
        relative = np.log(x) - self._log_scale
        density: Numbers = (
            log(self._shape)
            - self._log_scale
            + (self._shape - 1) * relative
            - np.exp(self._shape * relative)
        )
        return density

    def log_longer(self, x: Numbers) -> Numbers:
        longer: Numbers = -np.exp(self._shape * (np.log(x) - self._log_scale))
        return longer

    def log_within(self, x: Numbers) -> Numbers:
        return _log(-np.expm1(self.log_longer(x)))


class _Lognormal:
    """Parameters: mu and the logarithm of sigma."""

    def __init__(self, x: Numbers) -> None:
        self._mu, self._sigma = float(x[0]), float(np.exp(x[1]))

    def log_density(self, x: Numbers) -> Numbers:
        logs = np.log(x)
        z = (logs - self._mu) / self._sigma
        density: Numbers = -z * z / 2 - logs - log(self._sigma) - _ROOT
        return density

    def log_longer(self, x: Numbers) -> Numbers:
        return self._tail((self._mu - np.log(x)) / self._sigma)

    def log_within(self, x: Numbers) -> Numbers:
        return self._tail((np.log(x) - self._mu) / self._sigma)

    @staticmethod
    def _tail(z: Numbers) -> Numbers:
        from scipy.special import log_ndtr

        found: Numbers = log_ndtr(z)
        return found


class _Mixture:
    """Two lognormals. Parameters: log odds of the first, then those of each."""

    def __init__(self, x: Numbers) -> None:
        odds = float(np.exp(np.clip(x[0], -30, 30)))
        self._shares = (odds / (1 + odds), 1 / (1 + odds))
        self._laws = (_Lognormal(_wide(x[1:3])), _Lognormal(_wide(x[3:5])))

    def log_density(self, x: Numbers) -> Numbers:
        return self._mixed([law.log_density(x) for law in self._laws])

    def log_longer(self, x: Numbers) -> Numbers:
        return self._mixed([law.log_longer(x) for law in self._laws])

    def log_within(self, x: Numbers) -> Numbers:
        return self._mixed([law.log_within(x) for law in self._laws])

    def _mixed(self, logs: list[Numbers]) -> Numbers:
        parts = [log(share) + each for share, each in zip(self._shares, logs, strict=True)]
        mixed: Numbers = np.logaddexp(*parts)
        return mixed


def _log(value: Any) -> Numbers:
    logged: Numbers = np.log(np.maximum(value, 1e-300))
    return logged


def _wide(x: Numbers) -> Numbers:
    return np.asarray([x[0], max(float(x[1]), log(_NARROWEST))])


# --- where searches begin ---------------------------------------------------------------------


def _mean(sample: Sample) -> float:
    """Of an exponential: all the time seen over the ends seen."""
    total = float(sample.weights @ sample.seen + sample.cut.sum())
    return total / float(sample.weights.sum())


def _gamma_starts(sample: Sample) -> list[list[float]]:
    shape = _squared_mean_over_variance(sample)
    return [[log(shape), log(_mean(sample) / shape)]]


def _weibull_starts(sample: Sample) -> list[list[float]]:
    return [[log(sqrt(_squared_mean_over_variance(sample))), log(_mean(sample))]]


def _squared_mean_over_variance(sample: Sample) -> float:
    spread = max(float(sample.seen.std()), 1e-6)
    return min(1e4, max(0.1, (float(sample.seen.mean()) / spread) ** 2))


def _lognormal_start(values: Numbers) -> list[float]:
    logs = np.log(values)
    return [float(logs.mean()), log(max(_NARROWEST, float(logs.std())))]


def _mixture_starts(sample: Sample) -> list[list[float]]:
    """The short ones apart from the rest, whether they are few or half."""
    starts = []
    for share in (0.12, 0.4):
        border = np.quantile(sample.seen, share)
        short, rest = sample.seen[sample.seen <= border], sample.seen[sample.seen > border]
        if len(short) > 1 and len(rest) > 1:
            odds = log(share / (1 - share))
            starts.append([odds, *_lognormal_start(short), *_lognormal_start(rest)])
    return starts or [[0.0, *_lognormal_start(sample.seen), *_lognormal_start(sample.seen)]]


# --- how they are written ---------------------------------------------------------------------


def _shaped(name: str) -> Callable[[Numbers], dict[str, Any]]:
    return lambda x: {
        "distribution": name,
        "shape": rounded(float(np.exp(x[0]))),
        "scale": rounded(float(np.exp(x[1]))),
    }


def _written_lognormal(x: Numbers) -> dict[str, Any]:
    return {
        "distribution": "lognormal",
        "median": rounded(float(np.exp(x[0]))),
        "sigma": rounded(min(_MOST_SIGMA, float(np.exp(x[1])))),
    }


def _written_mixture(x: Numbers) -> dict[str, Any]:
    share = 1 / (1 + float(np.exp(-x[0])))
    parts = ((share, x[1:3]), (1 - share, x[3:5]))
    return {
        "distribution": "mixture",
        "parts": [
            {"weight": rounded(weight), "of": _written_lognormal(_wide(part))}
            for weight, part in parts
        ],
    }


EXPONENTIAL = Family(
    "exponential",
    lambda sample: [[log(_mean(sample))]],
    lambda x: _Weibull(np.asarray([0.0, x[0]])),
    lambda x: {"distribution": "exponential", "mean": rounded(float(np.exp(x[0])))},
)
GAMMA = Family("gamma", _gamma_starts, _Gamma, _shaped("gamma"))
WEIBULL = Family("weibull", _weibull_starts, _Weibull, _shaped("weibull"))
LOGNORMAL = Family(
    "lognormal",
    lambda sample: [_lognormal_start(np.concatenate([sample.seen, sample.cut]))],
    _Lognormal,
    _written_lognormal,
)
MIXTURE = Family("mixture", _mixture_starts, _Mixture, _written_mixture)

SIMPLE = (EXPONENTIAL, GAMMA, WEIBULL, LOGNORMAL)
