"""The recording's days on the clock of the place where agents work.

The rule of this module: a day is one date on that clock; a record belongs to the day on which it
was dialed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sim.fit.records import CallRecord, Traffic

_START_GRID_S = 300
_HOURS_GRID_S = 900


class Clock:
    """Seconds of the day and dates in one zone; offsets are kept by the hour."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._offsets: dict[int, int] = {}

    def local(self, at: float) -> float:
        """Seconds since the epoch as if the zone's clock were UTC's."""
        quarter = int(at // 900)
        offset = self._offsets.get(quarter)
        if offset is None:
            moment = datetime.fromtimestamp(quarter * 900, self._zone)
            offset = self._offsets[quarter] = int(
                (moment.utcoffset() or timedelta()).total_seconds()
            )
        return at + offset

    def second_of_day(self, at: float) -> float:
        return self.local(at) % 86400

    def day(self, at: float) -> int:
        """Days since the epoch's date."""
        return int(self.local(at) // 86400)


class Workdays(NamedTuple):
    """When days were worked. start: of the first. starts_s: seconds after midnight, every day."""

    start: datetime
    starts_s: int
    hours: float
    days: tuple[int, ...]


def workdays(traffic: Traffic, clock: Clock) -> Workdays:
    """The usual working day of a recording."""
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    for record in traffic.calls:
        day, second = clock.day(record.dialed_at), clock.second_of_day(record.dialed_at)
        first[day] = min(second, first.get(day, second))
        last[day] = max(second, last.get(day, second))
    for event in traffic.agent_events:
        if event.before == "logged_out" and (day := clock.day(event.at)) in first:
            first[day] = min(clock.second_of_day(event.at), first[day])
    starts_s = int(median(first.values()) // _START_GRID_S * _START_GRID_S)
    worked_s = median(last.values()) - starts_s
    hours = max(1, round(worked_s / _HOURS_GRID_S)) * _HOURS_GRID_S / 3600
    days = tuple(sorted(first))
    start = datetime(1970, 1, 1) + timedelta(days=days[0], seconds=starts_s)
    return Workdays(start, starts_s, hours, days)


def seconds_and_days(
    calls: Sequence[CallRecord], clock: Clock
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Of each call: its second of the day on this clock, and its day from 0."""
    seconds = np.asarray([clock.second_of_day(record.dialed_at) for record in calls])
    _, days = np.unique([clock.day(record.dialed_at) for record in calls], return_inverse=True)
    return seconds, days
