"""Functions of a window that care for time: rates, differences, trends.

The rule of this module: each is Prometheus' own sequence of operations, so that answers agree to
the last digits. A window is values[low:high] of a series, never empty; a function answers None
when the window is too short for it.
"""

import math
from collections.abc import Callable

from dialer.errors import FormulaEvaluationError
from dialer.promql.arithmetic import NAN, divide, kahan_step
from dialer.promql.series import Series

RangeFunction = Callable[[Series, int, int, int, int], float | None]
"""(series, low, high, start_ms, end_ms) -> value."""


def extrapolated(*, counter: bool, per_second: bool, cap_first: bool) -> RangeFunction:
    """rate, increase and delta: the change inside the window, extended to its ends.

    cap_first: Prometheus 3 bounds the way to the window's start by half an interval before it
        bounds it by a counter's zero; before, it was the other way round.
    """

    def run(series: Series, low: int, high: int, start_ms: int, end_ms: int) -> float | None:
        last = high - 1
        if last <= low:
            return None
        values = series.values
        first_value = values[low]
        change = values[last] - first_value
        if counter:
            at = series.see_resets()
            if at and at[-1] > low + series.dropped:
                for index in series.resets(low, high):
                    change += values[index - 1]
        if not change:  # most counters stand still most of the time
            return change
        first_ms, last_ms = series.stamps_ms[low], series.stamps_ms[last]
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
        return change * factor

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
