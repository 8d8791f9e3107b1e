"""One evaluation under way: the series it reads, its limits, and what it remarks.

The rule of this module: the work of a formula is counted in operations, never in time, so a
formula that is too costly is refused at the same place on every machine and in every run.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from dialer.errors import FormulaBudgetError
from dialer.promql.labels import Labels
from dialer.promql.results import Notes
from dialer.promql.series import SeriesStore


class Limits(NamedTuple):
    """What one evaluation may cost.

    operations: samples read and values computed, each by its cost; a million take 0.02 to 0.4 s.
    steps: instants of one subquery or of one range query.
    """

    operations: int = 2_000_000
    steps: int = 11_000


class Context:
    """One evaluation. start_ms and end_ms are what start() and end() mean."""

    __slots__ = ("_infos", "_warnings", "end_ms", "left", "limits", "start_ms", "store")

    def __init__(self, store: SeriesStore, start_ms: int, end_ms: int, limits: Limits) -> None:
        self.store = store
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.limits = limits
        self.left = limits.operations
        self._warnings: list[str] = []
        self._infos: list[str] = []

    def spend(self, operations: int) -> None:
        """Raises FormulaBudgetError when the evaluation has cost too much.

        What is done often and cheaply only lowers `left`: the next costly step finds out.
        """
        self.left -= operations
        if self.left < 0:
            raise FormulaBudgetError(
                "",
                f"the formula takes more than {self.limits.operations:,} operations",
                "read fewer series or a shorter time, or give its subqueries a longer step",
            )

    def warn(self, text: str) -> None:
        if text not in self._warnings:
            self._warnings.append(text)

    def inform(self, text: str) -> None:
        if text not in self._infos:
            self._infos.append(text)

    @property
    def notes(self) -> Notes:
        return Notes(tuple(self._warnings), tuple(self._infos))


Vec = tuple[tuple[Labels, ...], list[float]]
"""A vector under evaluation: label sets and values, of one length. Neither is changed once made:
a label tuple is known again by its identity."""

Run = Callable[[Context, int], Any]
"""A compiled expression: (context, instant in ms) -> float, Vec, list of Series, or str."""

ScalarRun = Callable[[Context, int], float]
VectorRun = Callable[[Context, int], Vec]
EMPTY: Vec = ((), [])
