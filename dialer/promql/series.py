"""Time series in memory: what formulas are evaluated over.

The rule of this module: samples come in rising time and are never changed. Stamps are integer
milliseconds and values floats, in plain lists that bisect searches; staleness markers are kept
apart from the samples, so a window is one slice. What rate() and avg_over_time() need of a window
is had from columns that grow by the new samples only.

A store belongs to one thread at a time: evaluating a formula extends the columns of the series.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping

from dialer.errors import DialerError
from dialer.promql import labels as label_sets
from dialer.promql.labels import Labels
from dialer.promql.matchers import Matcher

LOOKBACK_MS = 300_000
"""How old a sample may be and still be the present one (Prometheus' default)."""

_HUGE = 1e12
"""Values beyond it, infinities and NaN are summed directly: running sums would lose others."""

_TRIM_AT = 64
"""Samples are dropped in lots: deleting from the front of a list moves all that stay."""


class Series:
    """One series: its labels, the stamps (ms, rising) and the values of its samples.

    reset_at: which samples are less than the one before, counted from the first that ever was;
        dropped: how many of those are gone.
    """

    __slots__ = (
        "_high",
        "_low",
        "_odd",
        "dropped",
        "labels",
        "reset_at",
        "stale_ms",
        "stamps_ms",
        "values",
    )

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.stamps_ms: list[int] = []
        self.values: list[float] = []
        self.stale_ms: list[int] = []
        self.dropped = 0
        self.reset_at: list[int] = []
        self._high: list[float] = [0.0]
        self._low: list[float] = [0.0]
        self._odd: list[int] = [0]

    def append(self, t_ms: int, value: float) -> None:
        """Add a sample. Raises DialerError when it is not later than the last one."""
        stamps, values = self.stamps_ms, self.values
        value = float(value)
        if stamps:
            if t_ms <= stamps[-1]:
                raise DialerError(f"{self}: a sample at {t_ms} ms after one at {stamps[-1]} ms")
            if value < values[-1]:
                self.reset_at.append(len(values) + self.dropped)
        stamps.append(t_ms)
        values.append(value)

    def mark_stale(self, t_ms: int) -> None:
        """From here on the series is absent, until its next sample."""
        stale = self.stale_ms
        if stale and t_ms <= stale[-1]:
            raise DialerError(f"{self}: a stale marker at {t_ms} ms after one at {stale[-1]} ms")
        stale.append(t_ms)

    def is_stale(self, sample_ms: int, t_ms: int) -> bool:
        """Is there a staleness marker after that sample and not after `t_ms`?"""
        return bisect_right(self.stale_ms, t_ms) > bisect_right(self.stale_ms, sample_ms)

    def span(self, start_ms: int, end_ms: int, *, left_open: bool) -> tuple[int, int]:
        """The indexes low and high of the samples in a window, values[low:high]."""
        first = bisect_right if left_open else bisect_left
        high = bisect_right(self.stamps_ms, end_ms)
        return first(self.stamps_ms, start_ms, 0, high), high

    def resets(self, low: int, high: int) -> list[int]:
        """Indexes in (low, high) whose value is below the one before: counter resets."""
        at = self.reset_at
        if not at or at[-1] <= low + self.dropped:
            return []
        first = bisect_right(at, low + self.dropped)
        return [index - self.dropped for index in at[first : bisect_left(at, high + self.dropped)]]

    def sum_of(self, low: int, high: int) -> float | None:
        """The sum of values[low:high], or None when it has to be summed one by one.

        The running sum is kept in two floats (twice the digits), so a difference of two sums is
        exact to more than 1e-13 unless it is tiny beside them.
        """
        self._see_sums()
        if self._odd[high] != self._odd[low]:
            return None
        of_high, of_low = self._high[high] - self._high[low], self._low[high] - self._low[low]
        total = of_high + of_low
        if total == 0.0 and of_high == 0.0:
            return total
        if abs(total) * 1e12 < max(abs(self._high[high]), abs(self._high[low])):
            return None
        return total

    def drop_before(self, t_ms: int) -> bool:
        """Forget samples earlier than `t_ms`, in lots. True when nothing is left."""
        gone = bisect_left(self.stamps_ms, t_ms)
        if gone == len(self.stamps_ms) or gone >= max(_TRIM_AT, len(self.stamps_ms) // 4):
            del self.stamps_ms[:gone], self.values[:gone]
            self.dropped += gone
            del self.reset_at[: bisect_left(self.reset_at, self.dropped)]
            seen = len(self._high) - 1
            if gone <= seen:
                for column in (self._high, self._low, self._odd):
                    del column[:gone]
            else:
                self._high, self._low, self._odd = [0.0], [0.0], [0]
            del self.stale_ms[: bisect_left(self.stale_ms, t_ms)]
        return not self.stamps_ms

    def _see_sums(self) -> None:
        highs, values = self._high, self.values
        seen = len(highs) - 1
        if seen == len(values):
            return
        lows, odds = self._low, self._odd
        high, low, odd = highs[-1], lows[-1], odds[-1]
        for value in values[seen:]:
            if -_HUGE <= value <= _HUGE:
                total = high + value
                part = total - high
                low += (high - (total - part)) + (value - part)
                high = total + low
                low -= high - total
            else:
                odd += 1
            highs.append(high)
            lows.append(low)
            odds.append(odd)

    def __repr__(self) -> str:
        return label_sets.text(self.labels)


class SeriesStore:
    """The series of one daemon or one simulation run.

    version: an object that is replaced whenever a series comes or goes, so that a formula knows
        when to select anew.
    """

    def __init__(self) -> None:
        self._series: dict[Labels, Series] = {}
        self._by_name: dict[str, list[Series]] = {}
        self.version = object()

    def __len__(self) -> int:
        return len(self._series)

    def __iter__(self) -> Iterator[Series]:
        return iter(self._series.values())

    def series(self, labels: Mapping[str, str] | Labels) -> Series:
        """The series with exactly these labels (the name as `__name__`), made when it is new."""
        key = label_sets.make(labels)
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = Series(key)
            self._by_name.setdefault(label_sets.get(key, label_sets.NAME), []).append(found)
            self.version = object()
        return found

    def append(self, labels: Mapping[str, str] | Labels, t_ms: int, value: float) -> Series:
        """Add a sample to the series with these labels. A sampler keeps the series and calls its
        own `append`, which is quicker."""
        series = self.series(labels)
        series.append(t_ms, value)
        return series

    def select(self, matchers: Iterable[Matcher]) -> list[Series]:
        """The series that every matcher accepts, oldest first."""
        rest = list(matchers)
        name = next((m for m in rest if m.name == label_sets.NAME and m.is_equal), None)
        candidates: Iterable[Series]
        if name is not None:
            rest.remove(name)
            candidates = self._by_name.get(name.value, ())
        else:
            candidates = self._series.values()
        return [series for series in candidates if all(m.accepts(series.labels) for m in rest)]

    def drop_before(self, t_ms: int) -> None:
        """Forget what is older; a series of which nothing is left goes."""
        empty = [series for series in self._series.values() if series.drop_before(t_ms)]
        for series in empty:
            del self._series[series.labels]
            self._by_name[label_sets.get(series.labels, label_sets.NAME)].remove(series)
        if empty:
            self.version = object()
