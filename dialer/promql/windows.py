"""Functions of a window that care for time: rates, differences, trends.

The rule of this module: each is Prometheus' own sequence of operations, so that answers agree to
the last digits. A window is values[low:high] of a series, never empty; a function answers None
when the window is too short for it.
"""

import math
from bisect import bisect_right
from collections.abc import Callable

from dialer.errors import FormulaEvaluationError
from dialer.promql.arithmetic import NAN, divide, kahan_step
from dialer.promql.series import Series

RangeFunction = Callable[[Series, int, int, int, int], float | None]
"""(series, low, high, start_ms, end_ms) -> value."""


Batch = Callable[[list[Series], int, int, int], tuple[list[float], list[int], int]]
"""(series, start_ms, end_ms, last_before_ms) -> the values of those that have one, the places of
those that have none, and how many samples were in the windows. last_before_ms: the last instant
that is before the window: its start, or the millisecond before where the start belongs to it."""


def each(function: RangeFunction) -> Batch:
    """A function of one window over many series."""

    def run(
        series: list[Series], start_ms: int, end_ms: int, before_ms: int
    ) -> tuple[list[float], list[int], int]:
        values: list[float] = []
        absent: list[int] = []
        low = walked = 0
        for number, one in enumerate(series):
            stamps = one.stamps_ms
            high = len(stamps)
            if high and stamps[-1] > end_ms:
                high = bisect_right(stamps, end_ms)
            # Series of one sampler have their samples in the same places.
            if low >= high or stamps[low] <= before_ms or (low and stamps[low - 1] > before_ms):
                low = bisect_right(stamps, before_ms, 0, high)
            value = function(one, low, high, start_ms, end_ms) if low < high else None
            if value is None:
                absent.append(number)
            else:
                walked += high - low
                values.append(value)
        return values, absent, walked

    return run


def extrapolated(*, counter: bool, per_second: bool, cap_first: bool) -> Batch:
    """rate, increase and delta: the change inside the window, extended to its ends.

    They are most of what formulas do, so one loop does all (see `each` for its first half).

    cap_first: Prometheus 3 bounds the way to the window's start by half an interval before it
        bounds it by a counter's zero; before, it was the other way round.
    """

    def run(  # noqa: PLR0912 - one loop, because each call in it would cost as much as it does
        series: list[Series], start_ms: int, end_ms: int, before_ms: int
    ) -> tuple[list[float], list[int], int]:
        values: list[float] = []
        absent: list[int] = []
        low = 0
        for number, one in enumerate(series):
            stamps = one.stamps_ms
            high = len(stamps)
            if high and stamps[-1] > end_ms:
                high = bisect_right(stamps, end_ms)
            if low >= high or stamps[low] <= before_ms or (low and stamps[low - 1] > before_ms):
                low = bisect_right(stamps, before_ms, 0, high)
            last = high - 1
            if last <= low:
                absent.append(number)
                continue
            samples = one.values
            first_value = samples[low]
            change = samples[last] - first_value
            if counter:
                dropped = one.dropped
                resets = one.reset_at
                if resets and resets[-1] > low + dropped:
                    for index in one.resets(low, high):
                        change += samples[index - 1]
            if not change:  # most counters stand still most of the time
                values.append(change)
                continue
            first_ms, last_ms = stamps[low], stamps[last]
            to_start, to_end = (first_ms - start_ms) / 1000, (end_ms - last_ms) / 1000
            sampled = (last_ms - first_ms) / 1000
            interval = sampled / (last - low)
            threshold = interval * 1.1
            if cap_first and to_start >= threshold:
                to_start = interval / 2
            if counter and change > 0 and first_value >= 0:
                to_zero = sampled * (first_value / change)
                to_start = min(to_start, to_zero)
            if to_start >= threshold:
                to_start = interval / 2
            if to_end >= threshold:
                to_end = interval / 2
            factor = (sampled + to_start + to_end) / sampled
            if per_second:
                factor /= (end_ms - start_ms) / 1000
            values.append(change * factor)
        return values, absent, 0

    return run


def last_change(*, per_second: bool) -> RangeFunction:
    """irate and idelta: between the last two samples."""

    def run(series: Series, low: int, high: int, _: int, __: int) -> float | None:
        if high - low < 2:
            return None
        before, value = series.values[high - 2], series.values[high - 1]
        if not per_second:
            return value - before
        change = value if value < before else value - before
        return change / ((series.stamps_ms[high - 1] - series.stamps_ms[high - 2]) / 1000)

    return run


def deriv(series: Series, low: int, high: int, _: int, __: int) -> float | None:
    """The slope of the regression line, per second."""
    if high - low < 2:
        return None
    return _regression(series, low, high, series.stamps_ms[low])[0]


def predict_linear(t_ms: int, ahead_s: float) -> RangeFunction:
    """The regression line's value `ahead_s` after the instant of evaluation."""

    def run(series: Series, low: int, high: int, _: int, __: int) -> float | None:
        if high - low < 2:
            return None
        slope, intercept = _regression(series, low, high, t_ms)
        return slope * ahead_s + intercept

    return run


def _regression(series: Series, low: int, high: int, zero_ms: int) -> tuple[float, float]:
    values = series.values[low:high]
    if all(value == values[0] for value in values):
        return (NAN, NAN) if math.isinf(values[0]) else (0.0, values[0])
    count = 0.0
    x_sum = x_lost = y_sum = y_lost = xy_sum = xy_lost = xx_sum = xx_lost = 0.0
    for stamp, y in zip(series.stamps_ms[low:high], values, strict=True):
        x = (stamp - zero_ms) / 1e3
        count += 1.0
        x_sum, x_lost = kahan_step(x, x_sum, x_lost)
        y_sum, y_lost = kahan_step(y, y_sum, y_lost)
        xy_sum, xy_lost = kahan_step(x * y, xy_sum, xy_lost)
        xx_sum, xx_lost = kahan_step(x * x, xx_sum, xx_lost)
    x_sum += x_lost
    y_sum += y_lost
    covariance = (xy_sum + xy_lost) - x_sum * y_sum / count
    slope = divide(covariance, (xx_sum + xx_lost) - x_sum * x_sum / count)
    return slope, y_sum / count - slope * x_sum / count


def smoothing(smoothing_factor: float, trend_factor: float) -> RangeFunction:
    """double_exponential_smoothing (Holt's linear method)."""
    for name, factor in (("smoothing", smoothing_factor), ("trend", trend_factor)):
        if not 0 < factor < 1:
            raise FormulaEvaluationError(
                "", f"the {name} factor is {factor:g}", "it has to lie between 0 and 1"
            )

    def run(series: Series, low: int, high: int, _: int, __: int) -> float | None:
        if high - low < 2:
            return None
        values = series.values[low:high]
        before, now, trend = 0.0, values[0], values[1] - values[0]
        for step, value in enumerate(values[1:]):
            if step:
                trend = trend_factor * (now - before) + (1 - trend_factor) * trend
            level = smoothing_factor * value + (1 - smoothing_factor) * (now + trend)
            before, now = now, level
        return now

    return run
