"""What the simulator's verbs are lent by the composition root.

The rule of this module: the command line's own helpers belong to another room and are only known
here by what they do, so that every verb behaves alike and none of it is written twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from dialer.journal import Record
from dialer.promql import SeriesStore
from dialer.score.past import Attempt
from sim.library import Library

Command = Callable[..., None]


class Out(Protocol):
    """Prints one command's answer."""

    def document(self, data: Any) -> None: ...

    def say(self, line: str = "") -> None: ...

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Sequence[str] = ()
    ) -> None: ...

    def progress(self, what: str) -> AbstractContextManager[Callable[[int, int], None]]: ...

    def warn(self, line: str) -> None: ...


class Work(Protocol):
    """What a verb works with."""

    @property
    def out(self) -> Out: ...

    @property
    def as_json(self) -> bool: ...

    def config(self) -> Path: ...

    def miss_threshold(self) -> NoReturn: ...


@dataclass(frozen=True)
class Lab:
    """All that is lent.

    verb: makes a command of a function whose first parameter is the `Work`. library: scenarios
    and campaigns. versions: of the dialer and of what a simulation's course depends on.
    read_journal: the records of a daemon's journal, a folder or one of its files. read_range: what
    a Prometheus server has recorded, by its URL, between two times (epoch seconds).
    stored_attempts: the attempts in the store that a settings file leads to.
    """

    verb: Callable[[Command], Command]
    library: Library
    versions: Mapping[str, str]
    read_journal: Callable[[Path], Iterable[Record]]
    read_range: Callable[[str, float, float], SeriesStore]
    stored_attempts: Callable[[Path], list[Attempt]]
