"""The risk that a new call meets no agent, for any number of new calls.

The rule of this module: how many answers exceed how many agents is a sum of independent yes-or-no
events, each with its own probability (Poisson's binomial law), and is computed as such: exactly
where few take part, by the normal law with a continuity correction where many do. Nothing here
knows of time or of learning. Sources: Hong, Computational Statistics and Data Analysis 59, 2013
(the law by discrete Fourier transform); Samuelson, Interfaces 29(5), 1999 (the idea of looking
ahead from the calls in flight).

Shapes: one row per horizon throughout. A *shortfall* is answers minus agents released.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialer.pacing.cohorts import Counts

_LEAST_VARIANCE = 1e-9
LEAST_JUDGED = 0.2
"""However much a call gains by being placed now, this share of its risk counts."""
_FIRST_TRIED = 2
"""So many numbers of new calls are tried at once at first, then twice as many, and so on."""


class NewCalls(NamedTuple):
    """What is known of a call that is not placed yet.

    answered_by: P(answered by each horizon). weight: given that it is answered, at which horizon;
    or rows of such weights, of which each gives a risk.
    """

    answered_by: Counts
    weight: Counts


def _normal(deviations: Counts) -> Counts:
    """The normal law's share below each."""
    from scipy.special import ndtr  # only look-ahead pays for loading it

    shares: Counts = ndtr(deviations)
    return shares


class NormalShortfall(NamedTuple):
    """A shortfall by its mean and variance at each horizon."""

    mean: Counts
    variance: Counts

    def exceeds(self, spare: float) -> Counts:
        """P(shortfall > spare) at each horizon."""
        deviations = (self.mean - (spare + 0.5)) / np.sqrt(
            np.maximum(self.variance, _LEAST_VARIANCE)
        )
        return _normal(deviations)

    def risk(self, spare: float, new: NewCalls) -> float:
        """P(a call that is answered when `new` would be meets no agent), placing none."""
        return float(new.weight @ self.exceeds(spare))

    def plus(self, new: NewCalls) -> "NormalShortfall":
        """With one more call in flight."""
        p = new.answered_by
        return NormalShortfall(self.mean + p, self.variance + p * (1 - p))

    def risks(self, spare: float, new: NewCalls, counts: Counts) -> Counts:
        """P(a new call meets no agent) if counts[i] new calls are placed, shape (counts,).

        Rows of weights give as many rows. spare: agents free now, less callers who wait for one.
        """
        p = new.answered_by[:, None]
        mean = self.mean[:, None] + counts * p
        variance = self.variance[:, None] + counts * (p * (1 - p))
        deviations = (mean - (spare + 0.5)) / np.sqrt(np.maximum(variance, _LEAST_VARIANCE))
        risks: Counts = new.weight @ _normal(deviations)
        return risks


@lru_cache(maxsize=256)
def _turns(values: int) -> NDArray[np.complex128]:
    """exp(i w) - 1 at the frequencies w of a law of so many values (an even number)."""
    turns: NDArray[np.complex128] = np.expm1(2j * np.pi * np.arange(values // 2 + 1) / values)
    return turns


@lru_cache(maxsize=256)
def _tail_of(values: int, lowest: int) -> Counts:
    """What a law at its frequencies is multiplied with to give its tail.

    Column i of the tail is P(at least lowest + i); rows are real parts, then imaginary ones.
    """
    frequencies = np.arange(values // 2 + 1)
    times = np.where((frequencies == 0) | (frequencies == values // 2), 1, 2) / values
    places = lowest + np.arange(values)
    mass = times[:, None] * np.exp(-2j * np.pi * np.outer(frequencies, places) / values)
    tail = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1]
    return np.vstack((tail.real, -tail.imag))


class ExactShortfall:
    """A shortfall by its whole law at each horizon.

    answers, releases: P(happens by each horizon), shape (members, horizons).
    """

    def __init__(self, answers: Counts, releases: Counts) -> None:
        self._lowest = -releases.shape[0]
        values = answers.shape[0] + releases.shape[0] + 1
        values += values % 2
        turn = _turns(values)
        law = np.multiply.reduce(1 + answers[:, :, None] * turn, axis=0)
        law *= np.multiply.reduce(1 + releases[:, :, None] * turn.conj(), axis=0)
        parts = np.concatenate((law.real, law.imag), axis=1)
        self._tail = np.clip(parts @ _tail_of(values, self._lowest), 0.0, 1.0)

    def risks(self, spare: float, new: NewCalls, counts: Counts) -> Counts:
        """P(a new call meets no agent) if counts[i] new calls are placed; counts must ascend."""
        p = new.answered_by[:, None]
        most = int(counts[-1])
        # exceeds[:, j] = P(shortfall > spare - j), and each new call answers or does not.
        places = np.floor(spare).astype(int) + 1 - self._lowest - np.arange(most + 1)
        exceeds = self._at(places)
        found = np.empty((*new.weight.shape[:-1], len(counts)))
        tried = 0
        for i, count in enumerate(counts.astype(int)):
            for _ in range(count - tried):
                exceeds = (1 - p) * exceeds[:, :-1] + p * exceeds[:, 1:]
            tried = count
            found[..., i] = new.weight @ exceeds[:, 0]
        return found

    def exceeds(self, spare: float) -> Counts:
        """P(shortfall > spare) at each horizon."""
        place = int(np.floor(spare)) + 1 - self._lowest
        chances: Counts = self._at(np.array([place]))[:, 0]
        return chances

    def risk(self, spare: float, new: NewCalls) -> float:
        """P(a call that is answered when `new` would be meets no agent), placing none."""
        return float(new.weight @ self.exceeds(spare))

    def plus(self, new: NewCalls) -> "ExactShortfall":
        """With one more call in flight."""
        p = new.answered_by[:, None]
        grown = np.pad(self._tail, ((0, 0), (0, 1)))
        one_less = np.concatenate((np.ones((len(p), 1)), self._tail), axis=1)
        return self._with_tail((1 - p) * grown + p * one_less)

    def _with_tail(self, tail: Counts) -> "ExactShortfall":
        other = object.__new__(ExactShortfall)
        other._lowest, other._tail = self._lowest, tail
        return other

    def _at(self, places: NDArray[np.int_]) -> Counts:
        width = self._tail.shape[1]
        tail: Counts = self._tail.take(places, axis=1, mode="clip")
        # Far outside, the shortfall surely is, or surely is not, as large.
        if places.min() < 0:
            tail[:, places < 0] = 1.0
        if places.max() >= width:
            tail[:, places >= width] = 0.0
        return tail


Shortfall = NormalShortfall | ExactShortfall


class Choice(NamedTuple):
    """The largest number of new calls whose risk is under kappa.

    risk: at that number. judged: what decided, the same unless it is weighed otherwise.
    risk_of_none: of a call that would be placed all the same.
    """

    calls: int
    risk: float
    judged: float
    risk_of_none: float


def largest(
    shortfall: Shortfall,
    spare: float,
    new: NewCalls,
    kappa: float,
    most: int,
) -> Choice:
    """The largest number of new calls, up to most, with a risk of at most kappa.

    Where `new` has two rows of weights, the first gives the risk and the second is what decides,
    but at the least LEAST_JUDGED of the risk.
    """
    tried, block, best = 0, _FIRST_TRIED, Choice(0, 1.0, 1.0, 1.0)
    while tried <= most:
        counts = np.arange(tried, min(tried + block, most + 1), dtype=float)
        both = np.atleast_2d(shortfall.risks(spare, new, counts))
        risks = both[0]
        judged = np.maximum(both[-1], risks * LEAST_JUDGED)
        if tried == 0:
            best = Choice(0, float(risks[0]), float(judged[0]), float(risks[0]))
        fine = np.flatnonzero(judged <= kappa)
        if len(fine):
            last = fine[-1]
            best = best._replace(
                calls=int(counts[last]), risk=float(risks[last]), judged=float(judged[last])
            )
        if len(fine) < len(counts):
            break
        tried += block
        block *= 2
    return best
