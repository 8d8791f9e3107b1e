"""Quantiles and shares of classic histograms: cumulative buckets with an upper bound `le`.

The rule of this module: Prometheus' own interpolation: linear inside a bucket, the lowest bucket
starting at zero when its bound is positive, and no answer without a bucket +Inf.
"""

import re
from collections.abc import Callable
from math import isnan

from dialer.promql import labels as label_sets
from dialer.promql.aggregation import check_quantile
from dialer.promql.arithmetic import INF, NAN
from dialer.promql.context import Context, ScalarRun, Vec, VectorRun
from dialer.promql.labels import BUCKET, Labels
from dialer.promql.remembered import WORK, Renamed

_BOUND = re.compile(r"[+-]?(?:inf(?:inity)?|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)", re.IGNORECASE)
_TOLERANCE = 1e-12
_SMALLEST = 2.2250738585072014e-308

Buckets = list[tuple[float, float]]
"""Upper bounds, rising, and cumulative counts."""


def over_histograms(
    answer: Callable[[Context, int], Callable[[Buckets, str], float]],
    inner: VectorRun,
    renamed: Renamed,
) -> VectorRun:
    """Gathers the buckets of each histogram (all labels but `le`) and asks `answer` of it."""
    last: tuple[tuple[Labels, ...], tuple[tuple[Labels, ...], list[list[tuple[float, int]]]]]
    last = ((), ((), []))

    def gather(
        ctx: Context, vector: tuple[Labels, ...]
    ) -> tuple[tuple[Labels, ...], list[list[tuple[float, int]]]]:
        nonlocal last
        if last[0] is vector:
            return last[1]
        ctx.spend(WORK * len(vector))
        found: dict[Labels, list[tuple[float, int]]] = {}
        clean = True
        for number, labels in enumerate(vector):
            bound = label_sets.get(labels, BUCKET)
            if not _BOUND.fullmatch(bound):
                clean = False
                ctx.warn(
                    f'bucket label "{BUCKET}" is missing or has a malformed value of "{bound}" '
                    f'for metric name "{label_sets.get(labels, label_sets.NAME)}"'
                )
                continue
            key = label_sets.replace(labels, BUCKET, "")
            found.setdefault(key, []).append((float(bound), number))
        answer = (tuple(found), [sorted(bounds) for bounds in found.values()])
        if clean:
            last = (vector, answer)
        return answer

    def run(ctx: Context, t: int) -> Vec:
        vector, values = inner(ctx, t)
        ctx.spend(10 * len(values))
        compute = answer(ctx, t)
        names, histograms = gather(ctx, vector)
        return renamed(ctx, names), [
            compute(_merged([(bound, values[n]) for bound, n in bounds]), label_sets.text(name))
            for name, bounds in zip(names, histograms, strict=True)
        ]

    return run


def quantile_of(ctx: Context, q: float) -> Callable[[Buckets, str], float]:
    """histogram_quantile."""
    check_quantile(ctx, q)

    def answer(buckets: Buckets, name: str) -> float:  # noqa: PLR0911 - as many special cases
        if not 0 <= q <= 1:
            return NAN if isnan(q) else INF if q > 1 else -INF
        if buckets[-1][0] != INF:
            return NAN
        counts, forced = _monotonic([count for _, count in buckets])
        if forced:
            ctx.inform(f"counts of the buckets of {name} fall where they should rise")
        if len(counts) < 2 or counts[-1] == 0:
            return NAN
        rank = q * counts[-1]
        index = next((n for n, count in enumerate(counts[:-1]) if count >= rank), len(counts) - 1)
        if index == len(counts) - 1:
            return buckets[-2][0]
        end = buckets[index][0]
        if index == 0:
            if end <= 0:
                return end
            return end * (rank / counts[0]) if counts[0] else NAN
        start, below = buckets[index - 1][0], counts[index - 1]
        return start + (end - start) * ((rank - below) / (counts[index] - below))

    return answer


def fraction_of(lower: float, upper: float) -> Callable[[Buckets, str], float]:
    """histogram_fraction: the share of observations between two values."""

    def answer(buckets: Buckets, _: str) -> float:
        count = buckets[-1][1]
        if buckets[-1][0] != INF or not count or isnan(lower) or isnan(upper):
            return NAN
        if lower >= upper:
            return 0.0
        return (_rank(buckets, upper) - _rank(buckets, lower)) / count

    return answer


def _rank(buckets: Buckets, value: float) -> float:
    """How many observations lie below a value, by linear interpolation."""
    below, start = 0.0, -INF
    for bound, count in buckets:
        if start >= value:
            return below
        if start < value < bound:
            low = min(0.0, bound) if start == -INF else start
            if bound == INF or value <= low:
                return below
            return below + (count - below) * (value - low) / (bound - low)
        below, start = count, bound
    return below


def _merged(buckets: Buckets) -> Buckets:
    """Buckets of one bound, written in two ways, are one."""
    merged: Buckets = []
    for bound, count in buckets:
        if merged and merged[-1][0] == bound:
            merged[-1] = (bound, merged[-1][1] + count)
        else:
            merged.append((bound, count))
    return merged


def _monotonic(counts: list[float]) -> tuple[list[float], bool]:
    """Without falls; True when one was more than rounding."""
    highest, forced, risen = counts[0], False, [counts[0]]
    for count in counts[1:]:
        if count != highest and not _almost(highest, count):
            if count < highest:
                forced = True
            else:
                highest = count
        risen.append(highest)
    return risen, forced


def _almost(a: float, b: float) -> bool:
    size = abs(a) + abs(b)
    if a == 0 or b == 0 or size < _SMALLEST:
        return abs(a - b) < _TOLERANCE * _SMALLEST
    return abs(a - b) / size < _TOLERANCE


def quantile_run(q_run: ScalarRun) -> Callable[[Context, int], Callable[[Buckets, str], float]]:
    return lambda ctx, t: quantile_of(ctx, q_run(ctx, t))


def fraction_run(
    lower: ScalarRun, upper: ScalarRun
) -> Callable[[Context, int], Callable[[Buckets, str], float]]:
    return lambda ctx, t: fraction_of(lower(ctx, t), upper(ctx, t))
