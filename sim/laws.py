"""Probability laws of durations: draw them, and know them exactly.

The rule of this module: a law is what its parameters say, in closed form, so that the simulator
that draws from it and the theory that judges the simulator can never mean two different things.
All values are seconds, never negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, expm1, inf, lgamma, log, log1p, sqrt
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Draws = NDArray[np.float64]


class Law(Protocol):
    """A distribution of a duration.

    mean: in seconds. cv: coefficient of variation (standard deviation over mean), 0 for a constant.
    """

    @property
    def mean(self) -> float: ...

    @property
    def cv(self) -> float: ...

    def draw(self, generator: Generator, size: int) -> Draws:
        """`size` independent values."""

    def cdf(self, x: float) -> float:
        """P(X <= x)."""

    def partial_mean(self, x: float) -> float:
        """E[X; X <= x]: the mean's share that comes from values up to x."""


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same."""

    value: float

    @property
    def mean(self) -> float:
        return self.value

    @property
    def cv(self) -> float:
        return 0.0

    def draw(self, generator: Generator, size: int) -> Draws:  # noqa: ARG002
        return np.full(size, self.value)

    def cdf(self, x: float) -> float:
        return 1.0 if x >= self.value else 0.0

    def partial_mean(self, x: float) -> float:
        return self.value if x >= self.value else 0.0


@dataclass(frozen=True, slots=True)
class Uniform:
    """Evenly between low and high."""

    low: float
    high: float

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    @property
    def cv(self) -> float:
        return (self.high - self.low) / sqrt(12) / self.mean

    def draw(self, generator: Generator, size: int) -> Draws:
        return generator.uniform(self.low, self.high, size)

    def cdf(self, x: float) -> float:
        return min(1.0, max(0.0, (x - self.low) / (self.high - self.low)))

    def partial_mean(self, x: float) -> float:
        top = min(self.high, max(self.low, x))
        return (top * top - self.low * self.low) / 2 / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Gamma:
    """Gamma with a shape (k) and a scale; shape 1 is the exponential."""

    shape: float
    scale: float

    @classmethod
    def of_mean(cls, mean: float, cv: float) -> "Gamma":
        return cls(cv**-2, mean * cv * cv)

    @property
    def mean(self) -> float:
        return self.shape * self.scale

    @property
    def cv(self) -> float:
        return 1 / sqrt(self.shape)

    def draw(self, generator: Generator, size: int) -> Draws:
        if self.shape == 1:
            return generator.exponential(self.scale, size)
        return generator.gamma(self.shape, self.scale, size)

    def cdf(self, x: float) -> float:
        return _gamma_cdf(self.shape, x / self.scale)

    def partial_mean(self, x: float) -> float:
        return self.mean * _gamma_cdf(self.shape + 1, x / self.scale)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """exp of a normal with mean mu and standard deviation sigma."""

    mu: float
    sigma: float

    @classmethod
    def of_mean(cls, mean: float, cv: float) -> "Lognormal":
        variance = log1p(cv * cv)
        return cls(log(mean) - variance / 2, sqrt(variance))

    @property
    def mean(self) -> float:
        return exp(self.mu + self.sigma**2 / 2)

    @property
    def cv(self) -> float:
        return sqrt(expm1(self.sigma**2))

    def draw(self, generator: Generator, size: int) -> Draws:
        return generator.lognormal(self.mu, self.sigma, size)

    def cdf(self, x: float) -> float:
        return _normal_cdf((log(x) - self.mu) / self.sigma) if x > 0 else 0.0

    def partial_mean(self, x: float) -> float:
        if x <= 0:
            return 0.0
        return self.mean * _normal_cdf((log(x) - self.mu) / self.sigma - self.sigma)


@dataclass(frozen=True, slots=True)
class Weibull:
    """Weibull with a shape (k) and a scale: P(X > x) = exp(-(x / scale)^k)."""

    shape: float
    scale: float

    @classmethod
    def of_mean(cls, mean: float, cv: float) -> "Weibull":
        # cv falls as the shape rises, so the shape is found by halving on a log scale.
        low, high = 1e-2, 1e3
        for _ in range(200):
            middle = sqrt(low * high)
            low, high = (middle, high) if _weibull_cv(middle) > cv else (low, middle)
        return cls.of_mean_and_shape(mean, low)

    @classmethod
    def of_mean_and_shape(cls, mean: float, shape: float) -> "Weibull":
        return cls(shape, mean / exp(lgamma(1 + 1 / shape)))

    @property
    def mean(self) -> float:
        return self.scale * exp(lgamma(1 + 1 / self.shape))

    @property
    def cv(self) -> float:
        return _weibull_cv(self.shape)

    def draw(self, generator: Generator, size: int) -> Draws:
        return self.scale * generator.weibull(self.shape, size)

    def cdf(self, x: float) -> float:
        return -expm1(-((x / self.scale) ** self.shape)) if x > 0 else 0.0

    def partial_mean(self, x: float) -> float:
        if x <= 0:
            return 0.0
        return self.mean * _gamma_cdf(1 + 1 / self.shape, (x / self.scale) ** self.shape)


class Empirical:
    """The values that were seen, each as often as its weight says."""

    __slots__ = ("_below", "_mean_below", "_values")

    def __init__(self, values: Sequence[float], weights: Sequence[float] = ()) -> None:
        order = np.argsort(np.asarray(values, dtype=float), kind="stable")
        share = np.asarray(weights or np.ones(len(values)), dtype=float)[order]
        self._values = np.asarray(values, dtype=float)[order]
        self._below = np.cumsum(share) / share.sum()
        self._mean_below = np.cumsum(share * self._values) / share.sum()

    @property
    def values(self) -> list[float]:
        """In ascending order."""
        values: list[float] = self._values.tolist()
        return values

    @property
    def mean(self) -> float:
        return float(self._mean_below[-1])

    @property
    def cv(self) -> float:
        share = np.diff(self._below, prepend=0.0)
        spread = float(share @ (self._values - self.mean) ** 2)
        return sqrt(spread) / self.mean if spread else 0.0

    def draw(self, generator: Generator, size: int) -> Draws:
        chosen = np.searchsorted(self._below, generator.random(size), side="right")
        drawn: Draws = self._values[np.minimum(chosen, len(self._values) - 1)]
        return drawn

    def cdf(self, x: float) -> float:
        return self._up_to(self._below, x)

    def partial_mean(self, x: float) -> float:
        return self._up_to(self._mean_below, x)

    def _up_to(self, running: Draws, x: float) -> float:
        place = int(np.searchsorted(self._values, x, side="right"))
        return float(running[place - 1]) if place else 0.0


class Mixture:
    """One of several laws, each with its weight."""

    __slots__ = ("_laws", "_shares")

    def __init__(self, laws: Sequence[Law], weights: Sequence[float]) -> None:
        total = sum(weights)
        self._laws = tuple(laws)
        self._shares = tuple(weight / total for weight in weights)

    @property
    def mean(self) -> float:
        return sum(share * law.mean for share, law in self._parts())

    @property
    def cv(self) -> float:
        mean = self.mean
        square = sum(share * law.mean**2 * (1 + law.cv**2) for share, law in self._parts())
        return sqrt(max(0.0, square - mean * mean)) / mean if mean else 0.0

    def draw(self, generator: Generator, size: int) -> Draws:
        chosen = np.searchsorted(np.cumsum(self._shares), generator.random(size), side="right")
        # Every part draws for every place: a change of weights leaves the parts' draws alone.
        drawn: list[Any] = [law.draw(generator, size) for law in self._laws]
        chosen = np.minimum(chosen, len(drawn) - 1)
        picked: Draws = np.stack(drawn)[chosen, np.arange(size)]
        return picked

    def cdf(self, x: float) -> float:
        return sum(share * law.cdf(x) for share, law in self._parts())

    def partial_mean(self, x: float) -> float:
        return sum(share * law.partial_mean(x) for share, law in self._parts())

    def _parts(self) -> Sequence[tuple[float, Law]]:
        return tuple(zip(self._shares, self._laws, strict=True))


def _gamma_cdf(shape: float, x: float) -> float:
    from scipy.special import gammainc

    if x <= 0:
        return 0.0
    return 1.0 if x == inf else float(gammainc(shape, x))


def _normal_cdf(z: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(z))


def _weibull_cv(shape: float) -> float:
    return sqrt(expm1(min(700.0, lgamma(1 + 2 / shape) - 2 * lgamma(1 + 1 / shape))))
