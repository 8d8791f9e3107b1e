"""Where the time of a simulated call goes, by the actor that handles it and by module.

    python -m benchmarks.simulator_profile [--agents 50] [--hours 4] [--ratio 1.6] [--counted 0.5]

First by time: a sample of the stack at each tick of the CPU clock counts for whom the run loop had
called; so an actor answers for the store and the trunk that it calls, and the runtime for its loop
and timers. Then, of a shorter day (--counted, in hours; 0 for none), what no other load disturbs:
how many bytecodes and functions of Python code a call executes.
"""

import argparse
import signal
from collections import Counter
from types import FrameType

from benchmarks.executed import LEDGER, RUN_LOOP, Amount, Executed, place
from benchmarks.simulator import run_dialer

_TICK_S = 0.001
_SHOWN = 0.005
"""Modules with less of all bytecodes than this are summed up."""


class Sampler:
    """Counts samples by the module that the run loop had called."""

    def __init__(self) -> None:
        self.samples: Counter[str] = Counter()

    def __call__(self, _signal: int, frame: FrameType | None) -> None:
        called = ""
        while frame is not None:
            here = place(frame)
            if here == RUN_LOOP:
                self.samples[called or here[0]] += 1
                return
            if here == LEDGER:
                self.samples[here[0]] += 1
                return
            called, frame = here[0], frame.f_back
        self.samples["set-up and the rest"] += 1


def print_times(agents: int, hours: float, ratio: float) -> None:
    sampler = Sampler()
    signal.signal(signal.SIGPROF, sampler)
    signal.setitimer(signal.ITIMER_PROF, _TICK_S, _TICK_S)
    outcome = run_dialer(agents, hours, ratio, 1)
    signal.setitimer(signal.ITIMER_PROF, 0)
    total = sampler.samples.total()
    per_call_us = outcome.cpu_s / outcome.calls * 1e6
    print(f"{outcome.calls:,} calls, {per_call_us:.0f} us of CPU each, {total} samples")
    for module, samples in sampler.samples.most_common():
        print(f"{module:28} {samples / total:6.1%} {samples / total * per_call_us:7.1f} us")


def print_counts(agents: int, hours: float, ratio: float) -> None:
    with Executed() as executed:
        calls = run_dialer(agents, hours, ratio, 1).calls
    kinds = executed.by_kind()
    bytecodes = sum(amount.bytecodes for amount in kinds.values())
    functions = sum(amount.functions for amount in kinds.values())
    each = f"{bytecodes / calls:,.0f} bytecodes and {functions / calls:.1f} functions"
    print(f"\n{calls:,} calls, in the run loop {each} each; by kind of actor")
    for kind, amount in kinds.items():
        print(_row(kind, amount, bytecodes, calls))
    print("\nby module")
    rest = Amount()
    for module, amount in executed.by_module().items():
        if amount.bytecodes < _SHOWN * bytecodes:
            rest.add(amount.bytecodes, amount.functions)
        else:
            print(_row(module, amount, bytecodes, calls))
    print(_row("the rest", rest, bytecodes, calls))


def _row(name: str, amount: Amount, of_all: int, calls: int) -> str:
    share = amount.bytecodes / of_all
    bytecodes, functions = amount.bytecodes / calls, amount.functions / calls
    return f"{name:28} {share:6.1%} {bytecodes:8.1f} bytecodes {functions:7.2f} functions"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--ratio", type=float, default=1.6)
    parser.add_argument("--counted", type=float, default=0.5)
    given = parser.parse_args()
    print_times(given.agents, given.hours, given.ratio)
    if given.counted:
        print_counts(given.agents, given.counted, given.ratio)


if __name__ == "__main__":
    main()
