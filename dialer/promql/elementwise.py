"""Functions of one value at a time: mathematics, rounding, dates.

The rule of this module: a function is given a float and gives a float; labels and vectors are the
caller's. Dates are UTC, of the proleptic Gregorian calendar, for any number of seconds.
"""

import math
from collections.abc import Callable

from dialer.promql.arithmetic import (
    atanh,
    ceil,
    divide,
    floor,
    guarded,
    logarithm,
    maximum,
    minimum,
    sinh,
    square_root,
)

_DAY_S = 86_400


def _civil(seconds: float) -> tuple[int, int, int]:
    """Year, month and day (H. Hinnant, chrono-compatible low-level date algorithms)."""
    shifted = _days(seconds) + 719_468
    era, of_era = divmod(shifted, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted_month + 2) // 5 + 1
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return year_of_era + era * 400 + (month <= 2), month, day


def _days(seconds: float) -> int:
    return math.trunc(seconds) // _DAY_S


def _days_before(year: int) -> int:
    """From 1970-01-01 to the first of January."""
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400 - 719_162


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_in_month(seconds: float) -> int:
    year, month, _ = _civil(seconds)
    if month == 2:
        return 29 if _is_leap(year) else 28
    return 30 if month in {4, 6, 9, 11} else 31


def _date(part: Callable[[float], int]) -> Callable[[float], float]:
    return lambda seconds: float(part(seconds)) if math.isfinite(seconds) else math.nan


DATES: dict[str, Callable[[float], float]] = {
    "year": _date(lambda s: _civil(s)[0]),
    "month": _date(lambda s: _civil(s)[1]),
    "day_of_month": _date(lambda s: _civil(s)[2]),
    "day_of_week": _date(lambda s: (_days(s) + 4) % 7),
    "day_of_year": _date(lambda s: _days(s) - _days_before(_civil(s)[0]) + 1),
    "days_in_month": _date(_days_in_month),
    "hour": _date(lambda s: math.trunc(s) % _DAY_S // 3600),
    "minute": _date(lambda s: math.trunc(s) % 3600 // 60),
}
"""Without an argument they are of the instant of evaluation."""


def _sign(value: float) -> float:
    if value > 0:
        return 1.0
    return -1.0 if value < 0 else value


MATHEMATICS: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": ceil,
    "floor": floor,
    "exp": guarded(math.exp),
    "ln": logarithm(math.log),
    "log2": logarithm(math.log2),
    "log10": logarithm(math.log10),
    "sqrt": square_root,
    "sgn": _sign,
    "sin": guarded(math.sin),
    "cos": guarded(math.cos),
    "tan": guarded(math.tan),
    "asin": guarded(math.asin),
    "acos": guarded(math.acos),
    "atan": math.atan,
    "sinh": sinh,
    "cosh": guarded(math.cosh),
    "tanh": math.tanh,
    "asinh": math.asinh,
    "acosh": guarded(math.acosh),
    "atanh": atanh,
    "rad": lambda value: value * math.pi / 180,
    "deg": lambda value: value * 180 / math.pi,
}


def rounded(nearest: float) -> Callable[[float], float]:
    """round(): to the nearest multiple, halves up."""
    inverse = divide(1.0, nearest)
    return lambda value: divide(floor(value * inverse + 0.5), inverse)


def clamped(low: float, high: float) -> Callable[[float], float]:
    """NaN in a bound gives NaN."""
    if math.isnan(low) or math.isnan(high):
        return lambda _: math.nan
    return lambda value: maximum(low, minimum(high, value))


def at_least(low: float) -> Callable[[float], float]:
    return lambda value: maximum(low, value)


def at_most(high: float) -> Callable[[float], float]:
    return lambda value: minimum(high, value)
