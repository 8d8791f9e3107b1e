"""The ledger of a simulated day.

The rule of this module: records come in the order in which they were told, as they reach a real
journal; but nobody has to be kept from waiting for a disk, so no actor stands before it, and what
reads the records reads them by the thousand.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from dialer.journal import AgentMoved, CallMoved, Pulse
from dialer.message import Message


class Reader(Protocol):
    """A journal that takes many records at once."""

    def extend(self, records: Sequence[Message]) -> None: ...


class StepReader:
    """A journal that reads of calls and agents, a step at a time.

    steps: what to do about a call's step, by the state that it entered.
    """

    steps: Mapping[str, Callable[[CallMoved], None]]

    def append(self, record: Message) -> None:
        self.extend((record,))

    def extend(self, records: Sequence[Message]) -> None:
        """Many at once."""
        step_of, on_agent = self.steps.get, self.on_agent
        for record in records:
            if type(record) is CallMoved:
                step = step_of(record.state)
                if step is not None:
                    step(record)
            elif type(record) is AgentMoved:
                on_agent(record)
            elif type(record) is Pulse:
                self.on_pulse(record)

    def on_agent(self, record: AgentMoved) -> None:
        """An agent went from one state to another."""

    def on_pulse(self, record: Pulse) -> None:
        """A campaign decided."""


class _Together:
    """Several readers of steps, for whom the records are looked through once."""

    def __init__(self, readers: Sequence[StepReader]) -> None:
        self._steps: dict[str, list[Callable[[CallMoved], None]]] = {}
        for reader in readers:
            for state, step in reader.steps.items():
                self._steps.setdefault(state, []).append(step)
        self._on_agent = [r.on_agent for r in readers if _has_own(r, "on_agent")]
        self._on_pulse = [r.on_pulse for r in readers if _has_own(r, "on_pulse")]

    def extend(self, records: Sequence[Message]) -> None:
        steps_of = self._steps.get
        for record in records:
            if type(record) is CallMoved:
                for step in steps_of(record.state, ()):
                    step(record)
            elif type(record) is AgentMoved:
                for on_agent in self._on_agent:
                    on_agent(record)
            elif type(record) is Pulse:
                for on_pulse in self._on_pulse:
                    on_pulse(record)


def _has_own(reader: StepReader, name: str) -> bool:
    return getattr(type(reader), name) is not getattr(StepReader, name)


class Ledger:
    """A sink of records. journals: who reads them, each in order, at every `flush`."""

    def __init__(self, *journals: Reader) -> None:
        self._records: list[Message] = []
        together = [j for j in journals if isinstance(j, StepReader) and not _has_own(j, "extend")]
        self._journals: list[Reader] = [j for j in journals if j not in together]
        self._journals.append(_Together(together))
        # Every call tells several records: the list itself takes them.
        self.tell = self._records.append

    def flush(self) -> None:
        """Hand on what has come since the last time."""
        for journal in self._journals:
            journal.extend(self._records)
        self._records.clear()
