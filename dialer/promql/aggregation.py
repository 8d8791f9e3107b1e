"""Aggregations: many series to one per group, or to the k best of each group.

The rule of this module: which series belong together depends on labels only, so the grouping of a
vector is worked out once and kept while the same series come.
"""

import math
from collections.abc import Callable, Sequence

from dialer.errors import FormulaEvaluationError
from dialer.promql import labels as label_sets
from dialer.promql.arithmetic import (
    NAN,
    mean_of,
    nan_first,
    quantile,
    square_root,
    total_of,
)
from dialer.promql.context import EMPTY, Context, ScalarRun, Vec, VectorRun
from dialer.promql.labels import Labels
from dialer.promql.remembered import grouping
from dialer.promql.results import number_text

Fold = Callable[[Sequence[float]], float]


def folded(fold: Fold, group_labels: Callable[[Labels], Labels], inner: VectorRun) -> VectorRun:
    """One value per group: sum, avg, min, max, count, group, stddev, stdvar."""
    grouped = grouping(group_labels)
    keeps_one = fold in _KEEP_ONE

    def run(ctx: Context, t: int) -> Vec:
        vector, values = inner(ctx, t)
        if not values:
            return EMPTY
        ctx.left -= 2 * len(values)
        groups, _, pickers = grouped(ctx, vector)
        if keeps_one and len(pickers) == len(values):
            return groups, values
        return groups, [fold(pick(values)) for pick in pickers]

    return run


def quantiles(
    q_run: ScalarRun, group_labels: Callable[[Labels], Labels], inner: VectorRun
) -> VectorRun:
    grouped = grouping(group_labels)

    def run(ctx: Context, t: int) -> Vec:
        vector, values = inner(ctx, t)
        q = q_run(ctx, t)
        check_quantile(ctx, q)
        if not values:
            return EMPTY
        ctx.spend(2 * len(values))
        groups, _, pickers = grouped(ctx, vector)
        return groups, [quantile(q, pick(values)) for pick in pickers]

    return run


def check_quantile(ctx: Context, q: float) -> None:
    if not 0 <= q <= 1:
        ctx.warn(f"quantile value should be between 0 and 1, got {number_text(q)}")


def best(
    k_run: ScalarRun,
    group_labels: Callable[[Labels], Labels],
    inner: VectorRun,
    *,
    largest: bool,
    in_place: bool,
) -> VectorRun:
    """topk and bottomk: elements keep their labels; within a group best first, NaN last.

    in_place: how the heap is kept, see there.
    """
    grouped = grouping(group_labels)

    def run(ctx: Context, t: int) -> Vec:
        vector, values = inner(ctx, t)
        k = count_of(k_run(ctx, t))
        if k < 1 or not values:
            return EMPTY
        ctx.spend(10 * len(values))
        _, members, _ = grouped(ctx, vector)
        chosen: list[int] = []
        for numbers in members:
            heap = _Heap(values, k, largest=largest, in_place=in_place)
            for number in numbers:
                heap.offer(number)
            chosen += heap.best_first()
        return tuple([vector[n] for n in chosen]), [values[n] for n in chosen]

    return run


def count_of(k: float) -> int:
    """A whole number out of a scalar; raises FormulaEvaluationError when it has none."""
    if math.isnan(k) or not -(2.0**63) <= k < 2.0**63:
        raise FormulaEvaluationError("", f"{number_text(k)} is no number of series", "")
    return int(k)


class _Heap:
    """The k best of a group, the worst of them on top; NaN is worse than every number.

    Kept exactly as Prometheus keeps it: which of several equals stay follows from that alone.
    Version 2 takes the worst out and puts the new one in; version 3 writes it in its place.
    """

    def __init__(self, values: list[float], k: int, *, largest: bool, in_place: bool) -> None:
        self._values = values
        self._k = k
        self._sign = 1.0 if largest else -1.0
        self._in_place = in_place
        self._heap: list[int] = []

    def offer(self, number: int) -> None:
        heap = self._heap
        if len(heap) < self._k:
            self._push(number)
        elif self._worse(heap[0], number):
            if self._in_place:
                heap[0] = number
                self._sink()
            else:
                last = heap.pop()
                if heap:
                    heap[0] = last
                    self._sink()
                self._push(number)

    def best_first(self) -> list[int]:
        values, sign = self._values, -self._sign
        return sorted(self._heap, key=lambda n: (math.isnan(values[n]), sign * values[n]))

    def _worse(self, a: int, b: int) -> bool:
        x, y = self._values[a] * self._sign, self._values[b] * self._sign
        return x < y or (math.isnan(x) and not math.isnan(y))

    def _before(self, a: int, b: int) -> bool:
        x, y = self._values[a] * self._sign, self._values[b] * self._sign
        return math.isnan(x) or x < y

    def _push(self, number: int) -> None:
        heap = self._heap
        heap.append(number)
        at = len(heap) - 1
        while at and self._before(heap[at], heap[up := (at - 1) // 2]):
            heap[at], heap[up] = heap[up], heap[at]
            at = up

    def _sink(self) -> None:
        heap, at = self._heap, 0
        while (child := 2 * at + 1) < len(heap):
            if child + 1 < len(heap) and self._before(heap[child + 1], heap[child]):
                child += 1
            if not self._before(heap[child], heap[at]):
                return
            heap[at], heap[child] = heap[child], heap[at]
            at = child


def value_counts(name: str, keep: Callable[[Labels], Labels], inner: VectorRun) -> VectorRun:
    """count_values: one element per value, which becomes a label."""

    def run(ctx: Context, t: int) -> Vec:
        vector, values = inner(ctx, t)
        ctx.spend(20 * len(values))
        found: dict[Labels, int] = {}
        for labels, value in zip(vector, values, strict=True):
            key = keep(label_sets.replace(labels, name, number_text(value)))
            found[key] = found.get(key, 0) + 1
        return tuple(found), [float(count) for count in found.values()]

    return run


def _total(values: Sequence[float]) -> float:
    """Exact, where Prometheus compensates; it differs by rounding only."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # infinities of both signs, or beyond what there is
        return total_of(values)


def _mean(values: Sequence[float]) -> float:
    total = _total(values)
    return total / len(values) if math.isfinite(total) else mean_of(values)


def _variance(values: Sequence[float]) -> float:
    """By Welford's steps, without the compensation that stdvar_over_time has."""
    mean, total = values[0], (0.0 if math.isfinite(values[0]) else NAN)
    for count, value in enumerate(values[1:], 2):
        delta = value - mean
        mean += delta / count
        total += delta * (value - mean)
    return total / len(values)


def _least(values: Sequence[float]) -> float:
    return min(values, key=lambda value: (math.isnan(value), value))


def _greatest(values: Sequence[float]) -> float:
    return max(values, key=nan_first)


FOLDS: dict[str, Fold] = {
    "sum": _total,
    "avg": _mean,
    "min": _least,
    "max": _greatest,
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
    "stddev": lambda values: square_root(_variance(values)),
    "stdvar": _variance,
}
_KEEP_ONE = (_total, _mean, _least, _greatest)
"""Of one value they make just that."""
