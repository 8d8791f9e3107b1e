"""What a command prints.

The rule of this module: with --json, standard output is one JSON document and nothing else;
without, it is for people, in tables that fit the terminal and local times. Standard error is for
problems and warnings, one line each.
"""

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.tree import Tree

_PIPE_WIDTH = 1000
"""Nothing is cut or wrapped where no terminal says how wide it is."""


Branch = tuple[str, Sequence["Branch"]]
"""A line of a tree, and what stands below it."""


class Output:
    """Prints one command's answer. as_json: one JSON document."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        is_terminal = sys.stdout.isatty()
        self._console = Console(
            width=None if is_terminal else _PIPE_WIDTH, markup=False, highlight=False, emoji=False
        )

    def document(self, data: Any) -> None:
        """Print data as JSON."""
        text = json.dumps(_finite(data), ensure_ascii=False, indent=2, default=str, allow_nan=False)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def say(self, line: str = "") -> None:
        """Print a line for people."""
        self._console.print(line, soft_wrap=True)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Sequence[str] = ()
    ) -> None:
        """Print a table. numbers: the columns that are aligned to the right."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column in columns:
            right = column in numbers
            table.add_column(
                column,
                justify="right" if right else "left",
                no_wrap=right,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*("" if cell is None else str(cell) for cell in row))
        self._console.print(table)

    def tree(self, top: Branch) -> None:
        """Print a tree, each part below the one that it is of."""
        self._console.print(_grown(Tree(top[0]), top[1]), soft_wrap=True)

    def page(self, found: Mapping[str, Any], one: str) -> None:
        """Print below a table which page of how many it was. one: what a row is called."""
        total = found["total"]
        noun = one if total == 1 else f"{one}s"
        line = f"{total} {noun}"
        if found.get("pages", 1) > 1:
            line += f", page {found['page']} of {found['pages']}"
        self.say(line)

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """A progress bar on standard error while somebody watches; it is told how much is done,
        and of how much."""
        if self.as_json or not sys.stderr.isatty():
            yield lambda _done, _total: None
            return
        columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)

    @staticmethod
    def warn(line: str) -> None:
        """Print a line on standard error."""
        sys.stderr.write(" ".join(line.split()) + "\n")


def _finite(data: Any) -> Any:
    """Data with null for what JSON has no number for."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {str(name): _finite(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(value) for value in data]
    return data


def _grown(tree: Tree, below: Sequence[Branch]) -> Tree:
    for line, more in below:
        _grown(tree.add(line), more)
    return tree


def local(at: float | None) -> str:
    """A time (seconds since the epoch) on this machine's clock; "" for never."""
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}" if at else ""


def seconds(duration_s: float | None) -> str:
    """A duration as a person reads it; "" for none."""
    if duration_s is None:
        return ""
    if duration_s < 60:
        return f"{duration_s:.1f} s"
    minutes, rest = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def counts(found: Mapping[str, int]) -> str:
    """Counts by name in a line: 3 talking, 1 ready."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.items())
