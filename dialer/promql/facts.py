"""What is sure of an expression before any sample is read: its labels, and what its numbers can be.

The rule of this module: an interval holds every value that can come, so what it excludes cannot
come. It may hold more than that; nobody is accused of more than what is likely.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

INF = math.inf
TINY = 5e-324
"""The least number above zero: the lower end of what is above zero."""


Values = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Facts:
    """What is known of a sub-expression.

    labels: the labels that its elements have, None when that is not known; values: of those whose
        values are known, which can be.
    low, high: what its values can be. nan: NaN too.
    empty: it can have no element although the dialer runs, for a while at least.
    loose: a ratio that nothing bounds is in it.
    """

    kind: str = "vector"
    labels: frozenset[str] | None = frozenset()
    values: Values = field(default_factory=lambda: MappingProxyType({}))
    low: float = -INF
    high: float = INF
    nan: bool = False
    empty: bool = False
    loose: bool = False

    @property
    def may_be_zero(self) -> bool:
        return self.low <= 0 <= self.high

    @property
    def free(self) -> frozenset[str] | None:
        """Labels of which there can be several values, so several series."""
        if self.labels is None:
            return None
        return self.labels - {name for name, can_be in self.values.items() if len(can_be) == 1}

    def within(self, low: float, high: float) -> "Facts":
        """Other ends. Out of order they mean anything at all; between two numbers it is bounded."""
        if math.isnan(low) or math.isnan(high) or low > high:
            low, high = -INF, INF
        bounded = math.isfinite(low) and math.isfinite(high)
        return replace(self, low=low, high=high, loose=self.loose and not bounded)

    def relabelled(self, labels: frozenset[str] | None) -> "Facts":
        """With these labels; what is known of their values stays known."""
        kept = {name: can_be for name, can_be in self.values.items() if labels and name in labels}
        return replace(self, labels=labels, values=kept)


def number(value: float) -> Facts:
    if math.isnan(value):
        return Facts("scalar", nan=True)
    return Facts("scalar", low=value, high=value)


def _products(a: Facts, b: Facts) -> tuple[float, float]:
    ends = [
        0.0 if 0 in (x, y) else x * y  # zero times infinity is zero for an end of an interval
        for x in (a.low, a.high)
        for y in (b.low, b.high)
    ]
    return not_quite_zero(min(ends), a, b), max(ends)


def not_quite_zero(low: float, *of: Facts) -> float:
    """A lower end of zero that can be the negative zero, by which a division changes its sign."""
    return -TINY if low == 0 and any(facts.low < 0 for facts in of) else low


def _quotients(a: Facts, b: Facts) -> tuple[float, float]:
    if b.low > 0 or b.high < 0:
        ends = [
            0.0 if math.isinf(y) or x == 0 else _ratio(x, y)
            for x in (a.low, a.high)
            for y in (b.low, b.high)
        ]
        return min(ends), max(ends)
    if b.low >= 0 and b.high > 0:
        if a.low >= 0:
            return 0.0, INF
        if a.high <= 0:
            return -INF, 0.0
    return -INF, INF


def _ratio(x: float, y: float) -> float:
    try:
        return x / y
    except OverflowError:
        return math.copysign(INF, x * y)


def computed(  # noqa: PLR0911 - one return for each operator
    op: str, a: Facts, b: Facts
) -> tuple[float, float]:
    """The interval of an arithmetic operator's values."""
    match op:
        case "+":
            return a.low + b.low, a.high + b.high
        case "-":
            return a.low - b.high, a.high - b.low
        case "*":
            return _products(a, b)
        case "/":
            return _quotients(a, b)
        case "%":
            return (0.0, b.high) if a.low >= 0 and b.high > 0 else (-INF, INF)
        case "^":
            return (0.0, INF) if a.low >= 0 else (-INF, INF)
        case "atan2":
            return -math.pi, math.pi
    return -INF, INF


def compared(  # noqa: PLR0911 - one return for each operator
    op: str, a: Facts, b: Facts
) -> tuple[float, float]:
    """The interval of what a comparison lets through, of `a`."""
    match op:
        case ">":
            return max(a.low, math.nextafter(b.low, INF)), a.high
        case ">=":
            return max(a.low, b.low), a.high
        case "<":
            return a.low, min(a.high, math.nextafter(b.high, -INF))
        case "<=":
            return a.low, min(a.high, b.high)
        case "==":
            return max(a.low, b.low), min(a.high, b.high)
    # Not zero, and never below: above.
    if op == "!=" and a.low == 0 and b.low == b.high == 0:
        return TINY, a.high
    return a.low, a.high


MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}


def _mapped(function: Callable[[float], float]) -> Callable[[Facts], tuple[float, float]]:
    """The ends under a function that never falls."""
    return lambda facts: (function(facts.low), function(facts.high))


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return INF


def _floor(value: float) -> float:
    return value if math.isinf(value) else float(math.floor(value))


def _ceil(value: float) -> float:
    return value if math.isinf(value) else float(math.ceil(value))


def _ceiled(facts: Facts) -> tuple[float, float]:
    return not_quite_zero(_ceil(facts.low), facts), _ceil(facts.high)


def _absolute(facts: Facts) -> tuple[float, float]:
    ends = abs(facts.low), abs(facts.high)
    return (0.0 if facts.may_be_zero else min(ends)), max(ends)


FUNCTIONS: dict[str, Callable[[Facts], tuple[float, float]]] = {
    "abs": _absolute,
    "exp": _mapped(_exp),
    "floor": _mapped(_floor),
    "ceil": _ceiled,
    "round": lambda facts: (_floor(facts.low), _ceil(facts.high)),
    "sqrt": lambda facts: (math.sqrt(max(facts.low, 0)), math.sqrt(max(facts.high, 0))),
    "ln": lambda facts: (-INF, math.log(facts.high) if facts.high > 0 else INF),
    "sgn": lambda _: (-1.0, 1.0),
    "hour": lambda _: (0.0, 23.0),
    "minute": lambda _: (0.0, 59.0),
    "day_of_week": lambda _: (0.0, 6.0),
    "month": lambda _: (1.0, 12.0),
}
"""Ends of what functions of one vector give; those that are not here can give anything."""

POSITIVE_DOMAIN = {"sqrt", "ln", "log2", "log10"}
"""Below zero they give NaN."""
