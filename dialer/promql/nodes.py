"""The parts a formula is compiled into.

The rule of this module: a part is a closure with what is known of it before any sample is read:
its kind, its text, its parts, and its value when it is constant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from dialer.promql.context import Context, Run
from dialer.promql.labels import Labels
from dialer.promql.matchers import Matcher
from dialer.promql.series import Series


class Dialect(NamedTuple):
    """Where versions of Prometheus differ.

    left_open: a window does not include its oldest instant (3), or does (2).
    delayed_names: a metric's name is dropped at the end only (an option of Prometheus 3).
    """

    left_open: bool
    delayed_names: bool


@dataclass(frozen=True)
class Selector:
    """Which series, and at which instant.

    pinned: None for the instant of evaluation, "start" or "end" of the query, or ms since the
        epoch (the @ modifier). offset_ms: how much earlier.
    """

    matchers: tuple[Matcher, ...]
    offset_ms: int
    pinned: int | str | None
    resolve: Callable[[Context], tuple[tuple[Labels, ...], list[Series]]]
    moment: Callable[[Context, int], int]


@dataclass(frozen=True)
class Window:
    """A range of samples: what range functions work on.

    read: (context, instant in ms) -> label sets, the series, and the window's end in ms.
    """

    range_ms: int
    read: Callable[[Context, int], tuple[tuple[Labels, ...], list[Series], int]]


@dataclass(frozen=True)
class Node:
    """One sub-expression. kind: "scalar", "vector", "matrix" or "string"."""

    kind: str
    run: Run
    text: str
    children: tuple["Node", ...] = ()
    constant: float | str | None = None
    selector: Selector | None = None
    window: Window | None = None

    @property
    def per_step(self) -> int:
        """Operations that an evaluation takes even when no series is there."""
        return 4 + sum(child.per_step for child in self.children)
