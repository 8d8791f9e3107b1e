"""State machines as tables.

The rule of this module: a state changes only along a row of its table, and the table is the only
place where the rows stand. Code checks transitions with it, tests walk it, and the diagrams of
docs/architecture.md are drawn from it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dialer.errors import StateError


class Transition(NamedTuple):
    """One row: in `state`, on `event`, go to `target`."""

    state: str
    event: str
    target: str


class _Steps(dict[tuple[str, str], str]):
    """From (state, event) to the next state."""

    def __init__(self, name: str, steps: dict[tuple[str, str], str]) -> None:
        super().__init__(steps)
        self._name = name

    def __missing__(self, step: tuple[str, str]) -> str:
        raise StateError(f"{self._name}: no {step[1]!r} in state {step[0]!r}")


class _Targets(dict[str, str]):
    """Where one event leads, by the state before it."""

    def __init__(self, name: str, event: str) -> None:
        super().__init__()
        self._name = name
        self._event = event

    def __missing__(self, state: str) -> str:
        raise StateError(f"{self._name}: no {self._event!r} in state {state!r}")


class StateTable:
    """An immutable table of transitions.

    `table[state, event]` is the next state; an event that the table does not allow raises
    StateError, which is a bug of ours and never a user's mistake.
    """

    def __init__(self, name: str, initial: str, rows: Iterable[tuple[str, str, str]]) -> None:
        self.name = name
        self.initial = initial
        self.rows = tuple(Transition(*row) for row in rows)
        # `table.steps[state, event]` is what `table[state, event]` is, without a call in between.
        self.steps = _Steps(name, {(row.state, row.event): row.target for row in self.rows})
        # The same by event, for whoever goes many steps: `table.on[event][state]`.
        self.on: dict[str, _Targets] = {}
        for row in self.rows:
            self.on.setdefault(row.event, _Targets(name, row.event))[row.state] = row.target
        if len(self.steps) != len(self.rows):
            raise StateError(f"{name}: a state has two rows for one event")
        self.states = tuple(dict.fromkeys([initial, *(s for r in self.rows for s in (r[0], r[2]))]))
        self.final = frozenset(self.states) - {row.state for row in self.rows}

    def __getitem__(self, step: tuple[str, str]) -> str:
        return self.steps[step]

    def get(self, state: str, event: str) -> str | None:
        """The next state, or None where the table does not allow the event."""
        return self.steps.get((state, event))

    def through(self, first: str, then: str) -> Mapping[str, str]:
        """The state after two events, one at once after the other, by the state before them."""
        return {state: self.on[then][target] for state, target in self.on[first].items()}

    def events(self, state: str) -> tuple[str, ...]:
        """What may happen in a state."""
        return tuple(row.event for row in self.rows if row.state == state)

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        merged: dict[tuple[str, str], list[str]] = {}
        for row in self.rows:
            merged.setdefault((row.state, row.target), []).append(row.event)
        lines += [f"    {s} --> {t}: {', '.join(e)}" for (s, t), e in merged.items()]
        lines += [f"    {state} --> [*]" for state in self.states if state in self.final]
        return "\n".join(lines)
