"""What the run loop of a simulated day executes: bytecodes, and calls of functions in Python.

The rule of this module: it counts and does not time, so no other load, no cache and no clock
changes a figure. All that a handler calls counts for the actor whose handler it is; set-up and
whatever else happens outside the loop does not count.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

from actors.runtime import Behaviour

RUN_LOOP = ("sim.runtime", "_loop")
LEDGER = ("sim.ledger", "flush")
"""The ledger is handed on now and then, by whoever writes the last record that it waits for."""


@dataclass
class Amount:
    """So many bytecodes and calls of functions."""

    bytecodes: int = 0
    functions: int = 0

    def add(self, bytecodes: int, functions: int) -> None:
        self.bytecodes += bytecodes
        self.functions += functions


class _Counted:
    """What one kind of actor executes. It is the tracer of all frames that count for it."""

    def __init__(self) -> None:
        self.bytecodes: Counter[CodeType] = Counter()
        self.functions: Counter[CodeType] = Counter()

    def __call__(self, frame: FrameType, event: str, _: Any, /) -> Self:
        if event == "opcode":
            self.bytecodes[frame.f_code] += 1
        return self


class Executed:
    """Counts while it is entered: `with Executed() as executed: ...`."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Counted] = {}
        self._modules: dict[CodeType, str] = {}

    def __enter__(self) -> Self:
        self._former = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        sys.settrace(self._former)

    def by_kind(self) -> dict[str, Amount]:
        """By the class of the actor, or by the module where the loop calls none; most first."""
        amounts: dict[str, Amount] = {}
        for kind, counted in self._kinds.items():
            amounts[kind] = Amount(counted.bytecodes.total(), counted.functions.total())
        return _most_first(amounts)

    def by_module(self) -> dict[str, Amount]:
        """By the module in which it is written; most first."""
        amounts: dict[str, Amount] = {}
        for counted in self._kinds.values():
            for code, functions in counted.functions.items():
                amount = amounts.setdefault(self._modules[code], Amount())
                amount.add(counted.bytecodes[code], functions)
        return _most_first(amounts)

    def _called(self, frame: FrameType, _event: str, _: Any, /) -> _Counted | None:
        """A function was called: of whom its frame is traced, None for nobody."""
        kind = self._new_kind(frame)
        if kind:
            counted = self._kinds.setdefault(kind, _Counted())
        elif frame.f_back is not None and isinstance(frame.f_back.f_trace, _Counted):
            counted = frame.f_back.f_trace
        else:
            return None
        counted.functions[frame.f_code] += 1
        self._modules[frame.f_code] = place(frame)[0]
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        return counted

    @staticmethod
    def _new_kind(frame: FrameType) -> str:
        """For whom it counts from here on; "" as for its caller."""
        here = place(frame)
        if here == RUN_LOOP:
            return "the run loop"
        if here == LEDGER:
            return here[0]
        if frame.f_back is None or place(frame.f_back) != RUN_LOOP:
            return ""
        arguments = frame.f_code.co_varnames[: frame.f_code.co_argcount]
        first = frame.f_locals.get(arguments[0]) if arguments else None
        return type(first).__name__ if isinstance(first, Behaviour) else here[0]


def place(frame: FrameType) -> tuple[str, str]:
    """The module and the function."""
    return str(frame.f_globals.get("__name__", "")), frame.f_code.co_name


def _most_first(amounts: dict[str, Amount]) -> dict[str, Amount]:
    return dict(sorted(amounts.items(), key=lambda item: -item[1].bytecodes))
