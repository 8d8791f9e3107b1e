"""Arithmetic as IEEE 754 and Prometheus have it: no number raises, all give a number.

The rule of this module: where Python raises (a division by zero, a logarithm of zero, a power that
overflows), the answer is the infinity or NaN of the standard. Sums carry Neumaier's compensation
where Prometheus' do, step for step, so that answers agree to the last digits.
"""

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from math import isnan

NAN, INF = math.nan, math.inf


def divide(a: float, b: float) -> float:
    if b:
        return a / b
    if a == 0 or isnan(a) or isnan(b):
        return NAN
    return math.copysign(INF, a) * math.copysign(1.0, b)


def modulo(a: float, b: float) -> float:
    """The remainder with the dividend's sign."""
    try:
        return math.fmod(a, b)
    except ValueError:
        return NAN


def power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -INF if a < 0 and math.fmod(b, 2) else INF
    except ValueError:
        if a == 0:  # to a negative power
            return math.copysign(INF, a) if math.fmod(b, 2) in {1.0, -1.0} else INF
        return NAN


def floor(value: float) -> float:
    if value - value != 0:
        return value
    return float(math.floor(value)) or math.copysign(0.0, value)


def ceil(value: float) -> float:
    if value - value != 0:
        return value
    return float(math.ceil(value)) or math.copysign(0.0, value)


def minimum(a: float, b: float) -> float:
    """The lesser, of zeros the negative one; NaN when either is."""
    if isnan(a) or isnan(b):
        return NAN
    if a == b:
        return a if math.copysign(1.0, a) < 0 else b
    return min(a, b)


def maximum(a: float, b: float) -> float:
    if isnan(a) or isnan(b):
        return NAN
    if a == b:
        return b if math.copysign(1.0, a) < 0 else a
    return max(a, b)


def guarded(function: Callable[[float], float], overflow: float = INF) -> Callable[[float], float]:
    """A function of math that answers NaN outside its domain and `overflow` beyond its range."""

    def run(value: float) -> float:
        try:
            return function(value)
        except ValueError:
            return NAN
        except OverflowError:
            return math.copysign(overflow, value) if overflow < 0 else overflow

    return run


def logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    """A logarithm: minus infinity at zero, NaN below."""

    def run(value: float) -> float:
        if value > 0:
            return function(value)
        return -INF if value == 0 else NAN

    return run


def sinh(value: float) -> float:
    try:
        return math.sinh(value)
    except OverflowError:
        return math.copysign(INF, value)


def atanh(value: float) -> float:
    if value in {1.0, -1.0}:
        return math.copysign(INF, value)
    return guarded(math.atanh)(value)


def kahan(values: Iterable[float]) -> tuple[float, float]:
    """The sum and what rounding took from it (Neumaier): together the better sum."""
    total = lost = 0.0
    for value in values:
        new = total + value
        if new in (INF, -INF):
            lost = 0.0
        elif abs(total) >= abs(value):
            lost += (total - new) + value
        else:
            lost += (value - new) + total
        total = new
    return total, lost


def kahan_step(value: float, total: float, lost: float) -> tuple[float, float]:
    """One step of `kahan`."""
    new = total + value
    if new in (INF, -INF):
        return new, 0.0
    if abs(total) >= abs(value):
        return new, lost + ((total - new) + value)
    return new, lost + ((value - new) + total)


def total_of(values: Iterable[float]) -> float:
    total, lost = kahan(values)
    return total + lost


def mean_of(values: Sequence[float]) -> float:
    """The mean of one value or more, without an overflow of the sum: from there on it is the mean
    that is carried, as Prometheus does."""
    total, lost = values[0], 0.0
    for at, value in enumerate(values[1:], 2):
        new, new_lost = kahan_step(value, total, lost)
        if new in (INF, -INF):
            return _running_mean(values, at, total, lost)
        total, lost = new, new_lost
    count = len(values)
    return total / count + lost / count


def _running_mean(values: Sequence[float], at: int, total: float, lost: float) -> float:
    mean, lost = total / (at - 1), lost / (at - 1)
    for count, value in enumerate(values[at - 1 :], at):
        share = (count - 1) / count
        mean, lost = kahan_step(value / count, share * mean, share * lost)
    return mean + lost


def quantile(q: float, values: Iterable[float]) -> float:
    """Between the two values around the rank q (n - 1), weighted; NaN sorts first."""
    if isnan(q):
        return NAN
    if q < 0:
        return -INF
    if q > 1:
        return INF
    ordered = sorted(values, key=nan_first)
    last = len(ordered) - 1
    rank = q * last
    below = math.floor(rank)
    weight = rank - below
    return ordered[below] * (1 - weight) + ordered[min(below + 1, last)] * weight


def nan_first(value: float) -> tuple[bool, float]:
    """A key for sorting that puts NaN before all numbers."""
    return (False, 0.0) if isnan(value) else (True, value)


def variance(values: Iterable[float]) -> float:
    """Population variance by Welford's steps, compensated."""
    count = 0
    mean = mean_lost = total = lost = 0.0
    for value in values:
        count += 1
        delta = value - (mean + mean_lost)
        mean, mean_lost = kahan_step(delta / count, mean, mean_lost)
        total, lost = kahan_step(delta * (value - (mean + mean_lost)), total, lost)
    return (total + lost) / count


def square_root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else NAN


OVER_PAIRS: dict[str, Callable[[list[float], list[float]], list[float]]] = {
    "+": lambda left, right: list(map(operator.add, left, right)),
    "-": lambda left, right: list(map(operator.sub, left, right)),
    "*": lambda left, right: list(map(operator.mul, left, right)),
    "/": lambda left, right: [
        a / b if b else divide(a, b) for a, b in zip(left, right, strict=True)
    ],
}
"""The operators over two vectors whose elements match in their order."""

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}

OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divide,
    "%": modulo,
    "^": power,
    "atan2": math.atan2,
}

OVER_VECTOR: dict[str, Callable[[list[float], float], list[float]]] = {
    "+": lambda values, b: [a + b for a in values],
    "-": lambda values, b: [a - b for a in values],
    "*": lambda values, b: [a * b for a in values],
    "/": lambda values, b: [a / b for a in values] if b else [divide(a, b) for a in values],
    "%": lambda values, b: [modulo(a, b) for a in values],
    "^": lambda values, b: [power(a, b) for a in values],
    "atan2": lambda values, b: [math.atan2(a, b) for a in values],
}
"""The operators with a number on the right, over a whole vector: they are most of what formulas
compute, and one loop inside costs half of a call for each value."""
