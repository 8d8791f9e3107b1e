"""Series in the ledger: written while the daemon dials, read when a formula is tried afterwards.

The rule of this module: what is written is enough to have each series back as it was sampled,
second by second. A record in each second names the values that changed; one in each minute names
all of them, so a reader may begin with any segment of the journal. What has no value in a whole
record is gone.
"""

from collections.abc import Iterable, Sequence

from dialer.journal import Sampled
from dialer.metrics import Metrics
from dialer.promql import SeriesStore
from dialer.promql import labels as label_sets
from dialer.promql.labels import NAME, Labels
from dialer.promql.reads import Reads
from dialer.promql.syntax import parse
from dialer.sampler import JOB, Read, series_of

WHOLE_EVERY_S = 60.0

RECORDED = frozenset(
    {
        "dialer_agents",
        "dialer_calls_in_progress",
        "dialer_campaign_contacts",
        "dialer_campaign_info",
        "dialer_campaign_shift_start_timestamp_seconds",
        "dialer_campaign_shift_end_timestamp_seconds",
        "dialer_campaign_abandonment_target_ratio",
        "dialer_call_attempts_total",
        "dialer_call_results_total",
        "dialer_calls_abandoned_total",
        "dialer_cpa_results_total",
        "dialer_pacing_target_calls",
        *(
            f"dialer_{name}_seconds_{part}"
            for name in (
                "call_ring_duration",
                "call_talk_duration",
                "agent_wrapup_duration",
                "answer_to_agent",
            )
            for part in ("sum", "count")
        ),
    }
)
"""Series that are always written. The buckets of histograms are only where a formula reads them:
one call moves a dozen of them."""


class SeriesLog:
    """Makes the records. keep: what the formulas in use read, beside `RECORDED`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._reads: tuple[Reads, ...] = ()
        self._seen: object = None
        self._plan: list[tuple[str, Read]] = []
        self._last: dict[str, float] = {}
        self._whole_at = 0.0

    def keep(self, reads: Iterable[Reads]) -> None:
        self._reads = tuple(reads)
        self._seen = None

    def record(self, at: float) -> Sampled | None:
        """What changed since the last one, or once a minute everything; None where nothing did."""
        whole = at >= self._whole_at
        if self._seen is not self._metrics.version:
            self._seen = self._metrics.version
            self._plan = [*self._planned()]
            whole = True
        last, changed = self._last, []
        for name, read in self._plan:
            value = read()
            if whole or last[name] != value:
                last[name] = value
                changed.append((name, float(value)))
        if whole:
            self._whole_at = at + WHOLE_EVERY_S
            self._last = dict(changed)
        return Sampled(at, tuple(changed), whole) if changed or whole else None

    def _planned(self) -> Iterable[tuple[str, Read]]:
        for labels, read in series_of(self._metrics):
            wanted = label_sets.get(labels, NAME) in RECORDED
            if wanted or any(reads.wants(labels) for reads in self._reads):
                yield label_sets.text(labels), read


def read_series(
    records: Iterable[Sampled], instance: str = "journal", job: str = JOB
) -> SeriesStore:
    """The series as they were sampled each second.

    A second of which nothing is written is one in which nothing changed; a pause of more than a
    minute is a hole. What comes before the first whole record is left out.
    """
    reader = _Reader(instance, job)
    for record in records:
        reader.take(record)
    return reader.store


class _Reader:
    def __init__(self, instance: str, job: str) -> None:
        self.store = SeriesStore()
        self._own = (("instance", instance), ("job", job))
        self._values: dict[str, float] = {}
        self._labels: dict[str, Labels] = {}
        self._last_ms = 0

    def take(self, record: Sampled) -> None:
        t_ms = round(record.at * 1000)
        if t_ms <= self._last_ms or not (record.whole or self._values):
            return
        self._fill(t_ms)
        if record.whole:
            present = dict(record.series)
            for name in self._values.keys() - present.keys():
                self.store.series(self._key(name)).mark_stale(t_ms)
            self._values = present
        else:
            self._values.update(record.series)
        self._append(t_ms)

    def _fill(self, until_ms: int) -> None:
        """The seconds of which nothing is written: nothing changed in them."""
        if self._last_ms and until_ms - self._last_ms <= (WHOLE_EVERY_S + 1) * 1000:
            t_ms = self._last_ms + 1000
            while t_ms < until_ms - 500:
                self._append(t_ms)
                t_ms += 1000

    def _append(self, t_ms: int) -> None:
        self._last_ms = t_ms
        for name, value in self._values.items():
            self.store.series(self._key(name)).append(t_ms, value)
        self.store.append(label_sets.make([(NAME, "up"), *self._own]), t_ms, 1.0)

    def _key(self, name: str) -> Labels:
        found = self._labels.get(name)
        if found is None:
            found = self._labels[name] = label_sets.make([*parse_series(name), *self._own])
        return found


def parse_series(text: str) -> Sequence[tuple[str, str]]:
    """The labels of a series as PromQL writes it, its name among them.

    Raises:
        FormulaSyntaxError: it is not one.
    """
    selector = parse(text)
    pairs = [(m.name, m.value) for m in selector.matchers.matchers]
    return [(NAME, selector.name), *pairs]
