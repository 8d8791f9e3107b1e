"""Cells become series: once a second, what somebody reads.

The rule of this module: only what a formula reads is kept, and only for as long as one looks back.
A sampler knows no clock: it is told the moment, and stamps it in integer milliseconds. What it
appends is what a Prometheus that scraped this daemon then would have stored: the same names, the
labels `job` and `instance`, the series `up`, and a staleness marker where a series is gone.
"""

from collections.abc import Callable, Iterable, Iterator

from dialer.metric_catalogue import Metric
from dialer.metrics import Cell, Histogram, Metrics
from dialer.promql import SeriesStore
from dialer.promql import labels as label_sets
from dialer.promql.labels import BUCKET, NAME, Labels
from dialer.promql.reads import Reads

JOB = "foredial"
"""The label `job` of our own series; name the scrape job of a Prometheus so, too."""

LONGEST_KEPT_MS = 24 * 3_600_000
"""However far a formula looks back, older samples are forgotten."""

_MARGIN_MS = 2_000
_DROP_EVERY_MS = 60_000

Read = Callable[[], float]
"""Gives the present value of one series."""


class Sampler:
    """Appends the series that formulas read to a store of its own.

    job, instance: labels of every series, as Prometheus would give them.
    """

    def __init__(self, metrics: Metrics, instance: str, job: str = JOB) -> None:
        self.store = SeriesStore()
        self._metrics = metrics
        self._own = (("instance", instance), ("job", job))
        self._reads: tuple[Reads, ...] = ()
        self._seen: object = None
        self._plan: dict[Labels, tuple[Callable[[int, float], None], Read]] = {}
        self._last_ms = 0
        self._drop_at_ms = 0
        self._kept_ms = 0

    def keep(self, reads: Iterable[Reads]) -> None:
        """From the next tick on, sample what these read and nothing else."""
        self._reads = tuple(reads)
        reach = [LONGEST_KEPT_MS if r.reach_ms is None else r.reach_ms for r in self._reads]
        self._kept_ms = min(LONGEST_KEPT_MS, max(reach, default=0)) + _MARGIN_MS
        self._seen = None

    def tick(self, at: float) -> None:
        """Take a sample of everything. A moment that is not after the last one is left out."""
        t_ms = round(at * 1000)
        if t_ms <= self._last_ms:
            return
        self._last_ms = t_ms
        if self._seen is not self._metrics.version:
            self._plan_anew(t_ms)
        for append, read in self._plan.values():
            append(t_ms, read())
        if t_ms >= self._drop_at_ms:
            self._drop_at_ms = t_ms + _DROP_EVERY_MS
            self.store.drop_before(t_ms - self._kept_ms)

    def begin(self, at: float) -> None:
        """Take a first sample at once of what is read from now on, so that a counter's first
        events are not lost to `increase`."""
        t_ms = round(at * 1000)
        if t_ms < self._last_ms:
            return
        before = set(self._plan)
        self._plan_anew(t_ms)
        for labels in self._plan.keys() - before:
            series = self.store.series(labels)
            if not series.stamps_ms or series.stamps_ms[-1] < t_ms:
                append, read = self._plan[labels]
                append(t_ms, read())
        self._last_ms = t_ms

    def _plan_anew(self, t_ms: int) -> None:
        self._seen = self._metrics.version
        before, self._plan = self._plan, {}
        for labels, read in self._candidates():
            if any(reads.wants(labels) for reads in self._reads):
                self._plan[labels] = (self.store.series(labels).append, read)
        for labels in before.keys() - self._plan.keys():
            self.store.series(labels).mark_stale(t_ms)

    def _candidates(self) -> Iterator[tuple[Labels, Read]]:
        yield label_sets.make([(NAME, "up"), *self._own]), lambda: 1.0
        for labels, read in series_of(self._metrics):
            yield label_sets.make([*labels, *self._own]), read


def series_of(metrics: Metrics) -> Iterator[tuple[Labels, Read]]:
    """Every series of the cells as the exposition has it, without `job` and `instance`."""
    for metric, children in metrics.families():
        for values, cell in children.items():
            labels = tuple(zip(metric.label_names, values, strict=True))
            yield from _series_of_cell(metric, labels, cell)


def _series_of_cell(
    metric: Metric, labels: tuple[tuple[str, str], ...], cell: Cell
) -> Iterator[tuple[Labels, Read]]:
    def named(suffix: str, *more: tuple[str, str]) -> Labels:
        return label_sets.make([(NAME, metric.name + suffix), *labels, *more])

    if not isinstance(cell, Histogram):
        yield named(""), lambda: cell.value
        return
    for index, bound in enumerate((*metric.buckets, float("inf"))):
        text = "+Inf" if bound == float("inf") else repr(float(bound))
        yield named("_bucket", (BUCKET, text)), _at_or_below(cell, index)
    yield named("_sum"), lambda: cell.total
    yield named("_count"), lambda: cell.count


def _at_or_below(cell: Histogram, index: int) -> Read:
    return lambda: sum(cell.counts[: index + 1])
