"""What a formula comes to.

The rule of this module: an answer carries all that a person needs to judge it: values with their
labels, the instant, and what Prometheus would have warned of.
"""

import math
from decimal import Decimal
from typing import NamedTuple

from dialer.promql import labels as label_sets
from dialer.promql.labels import Labels


class Notes(NamedTuple):
    """What the evaluation remarks: warnings of likely mistakes, infos of possible ones."""

    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


class Sample(NamedTuple):
    labels: Labels
    value: float


class Points(NamedTuple):
    """Samples of one series: stamps in ms, rising, and a value for each."""

    labels: Labels
    stamps_ms: tuple[int, ...]
    values: tuple[float, ...]


class Scalar(NamedTuple):
    t_ms: int
    value: float
    notes: Notes = Notes()


class String(NamedTuple):
    t_ms: int
    value: str
    notes: Notes = Notes()


class Vector(NamedTuple):
    """One value per series at one instant; ordered only where the formula sorts."""

    t_ms: int
    samples: tuple[Sample, ...]
    notes: Notes = Notes()


class Matrix(NamedTuple):
    """Samples of each series over a time."""

    series: tuple[Points, ...]
    notes: Notes = Notes()


Result = Scalar | String | Vector | Matrix


class Number(NamedTuple):
    """The figure of a pacing formula.

    value: a real number; None when the formula gave none.
    result: of metric_catalogue.PACING_RESULTS: "used", "empty", "not_finite" or "failed".
    reason: in words, "" when the value is used.
    """

    value: float | None
    result: str
    reason: str = ""


def number_text(value: float) -> str:
    """A value as Prometheus writes it: shortest digits, no exponent, NaN, +Inf, -Inf."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value.is_integer() and abs(value) < 1e15:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else str(int(value))
    return format(Decimal(repr(value)), "f")


def result_text(result: Result, *, at_most: int = 5) -> str:
    """One line, for people: the number, or the first samples with their labels."""
    match result:
        case Scalar():
            return number_text(result.value)
        case String():
            return f'"{label_sets.quoted(result.value)}"'
        case Vector():
            shown = [f"{label_sets.text(s.labels)} {number_text(s.value)}" for s in result.samples]
        case Matrix():
            shown = [f"{label_sets.text(p.labels)} {len(p.values)} samples" for p in result.series]
    if not shown:
        return "empty"
    more = f", ... ({len(shown)} in all)" if len(shown) > at_most else ""
    return ", ".join(shown[:at_most]) + more
