"""Functions of a window that do not care for time: sums, extremes, quantiles.

The rule of this module: as in windows.py. Sums and means come from the series' running sums
where those are exact enough, otherwise from Prometheus' own loop.
"""

import math
from collections.abc import Callable
from functools import partial

from dialer.promql.arithmetic import mean_of, quantile, square_root, total_of, variance
from dialer.promql.series import Series
from dialer.promql.windows import RangeFunction


def _sum(series: Series, low: int, high: int, _: int, __: int) -> float:
    total = series.sum_of(low, high)
    return total_of(series.values[low:high]) if total is None else total


def _avg(series: Series, low: int, high: int, _: int, __: int) -> float:
    total = series.sum_of(low, high)
    return mean_of(series.values[low:high]) if total is None else total / (high - low)


def _extreme(
    choose: Callable[..., float], series: Series, low: int, high: int, _: int, __: int
) -> float:
    values = series.values[low:high]
    best = choose(values)
    # With NaN among them that depends on the order: then they are left out. A sum sees them all.
    if math.isnan(sum(values)):
        best = choose([value for value in values if not math.isnan(value)], default=math.nan)
    return best


def _last_extreme_s(
    choose: Callable[..., float], series: Series, low: int, high: int, start: int, end: int
) -> float:
    best = _extreme(choose, series, low, high, start, end)
    values = series.values
    index = high - 1
    if not math.isnan(best):
        while values[index] != best:
            index -= 1
    return series.stamps_ms[index] / 1000


def _changes(series: Series, low: int, high: int, _: int, __: int) -> float:
    values = series.values[low:high]
    count, before = 0, values[0]
    for value in values:
        if value != before and not (math.isnan(value) and math.isnan(before)):
            count += 1
        before = value
    return float(count)


def _mad(series: Series, low: int, high: int, _: int, __: int) -> float:
    values = series.values[low:high]
    median = quantile(0.5, values)
    return quantile(0.5, [abs(value - median) for value in values])


def quantile_over_time(q: float) -> RangeFunction:
    return lambda series, low, high, _, __: quantile(q, series.values[low:high])


OVER_TIME: dict[str, RangeFunction] = {
    "sum_over_time": _sum,
    "avg_over_time": _avg,
    "min_over_time": partial(_extreme, min),
    "max_over_time": partial(_extreme, max),
    "count_over_time": lambda _, low, high, __, ___: float(high - low),
    "present_over_time": lambda *_: 1.0,
    "last_over_time": lambda series, _, high, __, ___: series.values[high - 1],
    "first_over_time": lambda series, low, _, __, ___: series.values[low],
    "ts_of_last_over_time": lambda series, _, high, __, ___: series.stamps_ms[high - 1] / 1000,
    "ts_of_first_over_time": lambda series, low, _, __, ___: series.stamps_ms[low] / 1000,
    "ts_of_max_over_time": partial(_last_extreme_s, max),
    "ts_of_min_over_time": partial(_last_extreme_s, min),
    "stdvar_over_time": lambda series, low, high, _, __: variance(series.values[low:high]),
    "stddev_over_time": lambda series, low, high, _, __: square_root(
        variance(series.values[low:high])
    ),
    "mad_over_time": _mad,
    "changes": _changes,
    "resets": lambda series, low, high, _, __: float(len(series.resets(low, high))),
}

PER_SAMPLE = {
    **dict.fromkeys(("min_over_time", "max_over_time"), 1),
    **dict.fromkeys(("ts_of_max_over_time", "ts_of_min_over_time"), 2),
    **dict.fromkeys(("stdvar_over_time", "stddev_over_time"), 5),
    **dict.fromkeys(("changes", "mad_over_time"), 3),
}
"""Operations for each sample of the window; those that are not here do not walk through it."""

KEEP_NAME = {"last_over_time", "first_over_time"}
