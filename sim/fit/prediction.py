"""What the hours of a coming day will be like, and whether they were.

The rule of this module: a prediction is an interval for one hour of one day, made before that day;
it is as wide as days differ by chance and as the recording was short.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from sim.replication import Day, abandoned_after_s, run_replication
from sim.series import SeriesJournal
from sim.world import WorldPlan

FIGURES = ("dialed", "answered", "met", "occupancy", "abandonment")
"""Of an hour: calls dialed, answered by people, those of them whom agents met, and two shares."""


def hours_of(plan: WorldPlan, day: Day, seed: int) -> list[dict[str, float]]:
    """A simulated day, hour by hour: FIGURES by name."""
    end_at = day.start_at + 3600 * int(day.hours)
    hours = SeriesJournal(day.start_at, end_at, 3600.0, abandoned_after_s(plan, day))
    run_replication(plan, day, seed, [hours])
    return [
        {figure: float(getattr(hour, figure)) for figure in FIGURES}
        for hour in hours.slices(end_at)
    ]


class Interval(NamedTuple):
    """Where a figure of an hour will lie. hour: from 0, of the day."""

    figure: str
    hour: int
    lower: float
    middle: float
    upper: float

    def holds(self, value: float) -> bool:
        return self.lower <= value <= self.upper


def predict(
    simulated: Sequence[Sequence[dict[str, float]]], level: float, days_recorded: int
) -> list[Interval]:
    """An interval for each figure of each hour, from days simulated on the fitted scenario.

    days_recorded: behind the fit. Its own error is that of a mean of so many days, which adds a
    part in days_recorded to the variance of a day to come.
    """
    wider = sqrt(1 + 1 / days_recorded)
    found = []
    for hour in range(len(simulated[0])):
        for figure in FIGURES:
            values = [day[hour][figure] for day in simulated]
            # Weibull's positions, by which a day to come falls within as often as is said.
            shares = [(1 - level) / 2, 0.5, (1 + level) / 2]
            low, middle, high = np.quantile(values, shares, method="weibull")
            found.append(
                Interval(
                    figure,
                    hour,
                    max(0.0, float(middle - (middle - low) * wider)),
                    float(middle),
                    float(middle + (high - middle) * wider),
                )
            )
    return found


class Judged(NamedTuple):
    """A prediction and what came. day: from 0."""

    interval: Interval
    day: int
    value: float

    @property
    def kept(self) -> bool:
        return self.interval.holds(self.value)


def judge(
    intervals: Sequence[Interval], days: Sequence[Sequence[dict[str, float]]]
) -> list[Judged]:
    """Each prediction against each day that came."""
    return [
        Judged(interval, number, day[interval.hour][interval.figure])
        for number, day in enumerate(days)
        for interval in intervals
    ]
