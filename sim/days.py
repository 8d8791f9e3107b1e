"""Simulated days with their course, for reports.

The rule of this module: a day that is looked at more closely is the same day.
"""

from collections.abc import Callable
from dataclasses import replace

from sim.experiment import Case, run_case
from sim.replication import Replication, abandoned_after_s
from sim.series import SeriesJournal

SLICE_S = 900.0


def series_case(case: Case, seed: int, run: Callable[..., Replication] = run_case) -> Replication:
    """One day of a case, with its slices. run: such as `run_case`, which takes readers."""
    day = case.day
    end_at = day.start_at + day.hours * 3600
    late_s = abandoned_after_s(case.plan(), day)
    slices = SeriesJournal(day.start_at, end_at, SLICE_S, late_s)
    replication = run(case, seed, readers=[slices])
    return replace(replication, series=slices.slices(end_at))
