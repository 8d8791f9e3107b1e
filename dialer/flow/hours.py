"""Times of day, days of the week, and when a set of them is open.

The rule of this module: hours are in the campaign's own time zone, and every answer is right on
the two days a year when the clock jumps.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta, tzinfo
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS_A_DAY = 24
_SIXTY = 60


def _time_of_day(value: Any) -> Any:
    # YAML 1.1 readers make a number of sexagesimal 09:30; what is left here is text.
    if isinstance(value, str):
        try:
            hours, minutes = (int(part) for part in value.split(":"))
            if 0 <= hours < _HOURS_A_DAY and 0 <= minutes < _SIXTY:
                return time(hours, minutes)
            if (hours, minutes) == (_HOURS_A_DAY, 0):
                return time.max
        except ValueError:
            pass
        raise ValueError(f"{value!r} is no time of day; write it as '09:30'")
    if isinstance(value, int):
        raise ValueError("write a time of day in quotes, as '09:30'")
    return value


def _as_written(moment: time) -> str:
    return f"{_HOURS_A_DAY}:00" if moment == time.max else f"{moment:%H:%M}"


TimeOfDay = Annotated[
    time, BeforeValidator(_time_of_day), PlainSerializer(_as_written, when_used="json")
]


def _days(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"days are a list of {', '.join(DAY_NAMES)}")
    days = tuple(str(day).lower()[:3] for day in value)
    for day, given in zip(days, value, strict=True):
        if day not in DAY_NAMES:
            raise ValueError(f"{given!r} is no day; there are {', '.join(DAY_NAMES)}")
    return days


Days = Annotated[tuple[str, ...], BeforeValidator(_days)]


class TimeWindow(BaseModel):
    """From a time of day until another, the same day."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> "TimeWindow":
        if self.end <= self.start:
            raise ValueError("a window ends after it starts; split one over midnight in two")
        return self


def is_open(at: float, zone: tzinfo, days: Sequence[str], windows: Sequence[TimeWindow]) -> bool:
    """Whether the epoch second `at` lies in the windows of the days; none given means always."""
    local = datetime.fromtimestamp(at, zone)
    if days and DAY_NAMES[local.weekday()] not in days:
        return False
    now = local.time()
    return not windows or any(window.start <= now < window.end for window in windows)


class OpenHours:
    """`is_open` of one set of windows, for whoever asks many times a minute, of rising times.

    known_until: the last answer holds until then.
    """

    def __init__(self, zone: tzinfo, days: Sequence[str], windows: Sequence[TimeWindow]) -> None:
        self._hours = (zone, days, windows)
        self._asked_at = self.known_until = 0.0
        self._open = False

    def at(self, now: float) -> bool:
        # Windows begin and end on the minute.
        if not self._asked_at <= now < self.known_until:
            self._open = is_open(now, *self._hours)
            self._asked_at, self.known_until = now, (now // _SIXTY + 1.0) * _SIXTY
        return self._open


def next_time_of_day(at: float, zone: tzinfo, moment: time) -> float:
    """The first epoch second after `at` when clocks in the zone show `moment`."""
    local = datetime.fromtimestamp(at, zone)
    candidate = datetime.combine(local.date(), moment, zone)
    while candidate.timestamp() <= at:
        candidate = datetime.combine(candidate.date() + timedelta(days=1), moment, zone)
    return candidate.timestamp()


def shift_at(
    at: float, zone: tzinfo, days: Sequence[str], windows: Sequence[TimeWindow]
) -> tuple[float, float]:
    """Start and end (epoch seconds) of the window in which `at` lies, or else of the next one.

    (0, 0) where it is open always. Days without windows are open from midnight to midnight.
    """
    if not days and not windows:
        return 0.0, 0.0
    hours = sorted((window.start, window.end) for window in windows) or [(time(), time.max)]
    today = datetime.fromtimestamp(at, zone).date()
    for ahead in range(len(DAY_NAMES) + 1):
        day = today + timedelta(days=ahead)
        if days and DAY_NAMES[day.weekday()] not in days:
            continue
        for start, end in hours:
            until = datetime.combine(day, end, zone).timestamp()
            if until > at:
                return datetime.combine(day, start, zone).timestamp(), until
    raise AssertionError("some day of the week is open")
