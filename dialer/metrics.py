"""The plain cells that hold the numbers of the catalogue.

The rule of this module: every child of a campaign, trunk or actor exists from the moment it is
opened (so a rate over the first event is right), and each cell has one writing actor, or one lock
under which it is written, or counts what others keep when it is read. A cell is a plain object
without a lock; readers on other threads see a number that is at most an instant old.

The same cells are rendered for Prometheus, sampled for formulas, and read by the simulator.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from dialer.errors import DialerError
from dialer.metric_catalogue import CATALOGUE, Metric


class Counter:
    """A number that only rises. One actor writes it."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def inc(self, amount: float = 1) -> None:
        """Add an amount of 0 or more."""
        self.value += amount


class Gauge:
    """A number that rises and falls. One actor writes it."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def set(self, value: float) -> None:
        self.value = value

    def inc(self, amount: float = 1) -> None:
        self.value += amount

    def dec(self, amount: float = 1) -> None:
        self.value -= amount


class MemberGauge:
    """How many members are in one state, counted when it is read.

    members: by who they are, the state that each is in. Any thread may write its own entry: that
    is one step of the interpreter, and needs no lock.
    """

    __slots__ = ("_state", "members")

    def __init__(self, members: dict[Any, str], state: str) -> None:
        self.members = members
        self._state = state

    @property
    def value(self) -> float:
        return [*self.members.values()].count(self._state)


class Histogram:
    """Observations by bucket, and their sum. One actor writes it.

    counts: observations per bucket, not cumulative; the last is for those above every bound.
    total: the sum of the observed values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total: float = 0.0

    def observe(self, value: float) -> None:
        # A value on a bound belongs to it: Prometheus' `le` means less or equal.
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        return sum(self.counts)

    def cumulative(self) -> list[int]:
        """Observations at or below each bound, and at the end all of them, from one copy."""
        running, sums = 0, []
        for count in self.counts.copy():
            running += count
            sums.append(running)
        return sums


Cell = Counter | Gauge | MemberGauge | Histogram
_C = TypeVar("_C", Counter, Gauge, MemberGauge, Histogram)

OWNERS = ("campaign", "trunk", "caller_id", "actor")
"""Labels whose values come and go. A caller ID goes by its name, never by its number."""


class Family(NamedTuple):
    """One metric and a copy of its children, keyed by label values in `metric.label_names`."""

    metric: Metric
    children: Mapping[tuple[str, ...], Cell]


class Metrics:
    """The cells of one daemon or one simulation run.

    Any thread may read or look up. What is opened twice keeps its cells, so a campaign that is
    unpublished and published again goes on counting.

    version: an object that is replaced whenever a child comes or goes.
    """

    def __init__(self, catalogue: tuple[Metric, ...] = CATALOGUE) -> None:
        self.catalogue: Mapping[str, Metric] = MappingProxyType({m.name: m for m in catalogue})
        self._children: dict[str, dict[tuple[str, ...], Cell]] = {m.name: {} for m in catalogue}
        self._label_names = {m.name: m.label_names for m in catalogue}
        self.version = object()
        self._open("")

    def open_campaign(self, title: str) -> None:
        """Create every child of a campaign, all at zero."""
        self._open("campaign", title)

    def close_campaign(self, title: str) -> None:
        """Forget a campaign. Cells that an actor still holds may be written; nobody sees it."""
        self._close("campaign", title)

    def open_trunk(self, name: str) -> None:
        self._open("trunk", name)

    def close_trunk(self, name: str) -> None:
        self._close("trunk", name)

    def open_caller_id(self, name: str) -> None:
        """name: of the caller ID in the settings, never its number."""
        self._open("caller_id", name)

    def open_actor(self, name: str) -> None:
        """Open the cells of a long-lived actor, or of a kind of them: never one per call."""
        self._open("actor", name)

    def close_actor(self, name: str) -> None:
        self._close("actor", name)

    def counter(self, name: str, **labels: str) -> Counter:
        """The one child with these labels.

        Raises:
            DialerError: not declared as a counter with these labels, or its owner is not open.
        """
        return self._cell(Counter, name, labels)

    def gauge(self, name: str, **labels: str) -> Gauge:
        """As `counter`."""
        return self._cell(Gauge, name, labels)

    def histogram(self, name: str, **labels: str) -> Histogram:
        """As `counter`."""
        return self._cell(Histogram, name, labels)

    def counters(self, name: str, **labels: str) -> dict[str, Counter]:
        """All children of a counter by its one label that is not given."""
        return self._by_free_label(Counter, name, labels)

    def gauges(self, name: str, **labels: str) -> dict[str, Gauge]:
        """All children of a gauge by its one label that is not given."""
        return self._by_free_label(Gauge, name, labels)

    def members(self, name: str, **labels: str) -> dict[Any, str]:
        """Whom a gauge of members counts: their states, for whoever moves them to write.

        labels: all but the state.
        """
        return next(iter(self._by_free_label(MemberGauge, name, labels).values())).members

    def families(self) -> Iterator[Family]:
        """Every metric with a copy of its children; safe while campaigns open and close."""
        for metric in self.catalogue.values():
            # dict.copy is one step of the interpreter: an insertion cannot come between.
            yield Family(metric, self._children[metric.name].copy())

    def _open(self, owner: str, value: str = "") -> None:
        for metric in self.catalogue.values():
            if metric.owner == owner:
                children = self._children[metric.name]
                before = len(children)
                members: dict[Any, str] = {}
                for values in product(*(values for _, values in metric.labels)):
                    cell = MemberGauge(members, *values) if metric.of_members else _new_cell(metric)
                    children.setdefault((value, *values) if owner else values, cell)
                if len(children) != before:
                    self.version = object()

    def _close(self, owner: str, value: str) -> None:
        for metric in self.catalogue.values():
            if metric.owner == owner:
                children = self._children[metric.name]
                for key in [key for key in children.copy() if key[0] == value]:
                    children.pop(key, None)
                    self.version = object()

    def _metric(self, name: str) -> Metric:
        try:
            return self.catalogue[name]
        except KeyError:
            raise DialerError(f"the catalogue has no metric {name}") from None

    def _cell(self, kind: type[_C], name: str, labels: Mapping[str, str]) -> _C:
        metric = self._metric(name)
        names = self._label_names[name]
        if len(labels) != len(names):
            raise DialerError(f"{name} has the labels {names}, not {tuple(labels)}")
        try:
            cell = self._children[name][tuple([labels[label] for label in names])]
        except KeyError:
            raise DialerError(f"{name} has no child {dict(labels)}: is it open?") from None
        if not isinstance(cell, kind):
            what = f"{metric.kind} of members" if metric.of_members else metric.kind
            raise DialerError(f"{name} is a {what}")
        return cell

    def _by_free_label(self, kind: type[_C], name: str, labels: Mapping[str, str]) -> dict[str, _C]:
        metric = self._metric(name)
        free = [(label, values) for label, values in metric.labels if label not in labels]
        if len(free) != 1:
            raise DialerError(f"{name}: leave one label free of {metric.label_names}")
        label, values = free[0]
        return {value: self._cell(kind, name, {**labels, label: value}) for value in values}


def _new_cell(metric: Metric) -> Cell:
    match metric.kind:
        case "counter":
            return Counter()
        case "gauge":
            return Gauge()
        case _:
            return Histogram(metric.buckets)
