"""What a formula reads: which series, and how far back.

The rule of this module: it is known before the first sample, so a sampler keeps what some formula
reads, for as long as one reads it, and nothing else.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dialer.promql.labels import NAME, Labels
from dialer.promql.matchers import Matcher


@dataclass(frozen=True)
class Reads:
    """What a formula reads.

    selectors: the matchers of each selector.
    metrics: names asked for by equality; empty names none.
    label_names: labels that matchers, grouping and matching name.
    reach_ms: how far before the instant of evaluation a sample can count: window, offset and
        lookback, subqueries included. None when an @ modifier pins a time: everything counts.
    """

    selectors: tuple[tuple[Matcher, ...], ...]
    metrics: frozenset[str]
    label_names: frozenset[str]
    reach_ms: int | None

    def wants(self, labels: Labels) -> bool:
        """Does some selector read the series with these labels?"""
        return any(all(m.accepts(labels) for m in chosen) for chosen in self.selectors)


class ReadsBuilder:
    """Gathers them while the formula is compiled."""

    def __init__(self) -> None:
        self._selectors: list[tuple[Matcher, ...]] = []
        self._label_names: set[str] = set()
        self._reach_ms = 0
        self._pinned = False
        self._outer_ms = 0

    @property
    def outer(self) -> object:
        """What tells apart the places from which selectors reach back."""
        return self._outer_ms

    def selector(
        self, matchers: tuple[Matcher, ...], reach_ms: int, pinned: int | str | None
    ) -> None:
        """reach_ms: window or lookback, and offset."""
        self._selectors.append(matchers)
        self.labels(m.name for m in matchers if m.name != NAME)
        self._pinned |= isinstance(pinned, int)
        self._reach_ms = max(self._reach_ms, self._outer_ms + reach_ms)

    def labels(self, names: Iterable[str]) -> None:
        self._label_names.update(names)

    @contextmanager
    def within(self, range_ms: int, pinned: int | str | None) -> Iterator[None]:
        """The selectors inside a subquery reach further back by its range and offset."""
        self._pinned |= isinstance(pinned, int)
        self._outer_ms += range_ms
        yield
        self._outer_ms -= range_ms

    def done(self) -> Reads:
        names = {
            m.value for chosen in self._selectors for m in chosen if m.name == NAME and m.is_equal
        }
        return Reads(
            tuple(self._selectors),
            frozenset(names),
            frozenset(self._label_names),
            None if self._pinned else max(0, self._reach_ms),
        )
