"""Where the time of a simulated call goes, by the actor that handles it.

    python -m benchmarks.simulator_profile [--agents 50] [--hours 4] [--ratio 1.6]

A sample of the stack at each tick of the CPU clock counts for whom the run loop had called; so an
actor answers for the store and the trunk that it calls, and the runtime for its loop and timers.
"""

import argparse
import signal
from collections import Counter
from types import FrameType

from benchmarks.simulator import run_dialer

_TICK_S = 0.001
_LOOP = "_loop"


class Sampler:
    """Counts samples by the module that the run loop had called."""

    def __init__(self) -> None:
        self.samples: Counter[str] = Counter()

    def __call__(self, _signal: int, frame: FrameType | None) -> None:
        called = ""
        while frame is not None:
            code = frame.f_code
            module = str(frame.f_globals.get("__name__", ""))
            if code.co_name == _LOOP and module == "sim.runtime":
                self.samples[called or module] += 1
                return
            if code.co_name == "flush" and module == "sim.ledger":
                self.samples[module] += 1
                return
            called, frame = module, frame.f_back
        self.samples["set-up and the rest"] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--ratio", type=float, default=1.6)
    given = parser.parse_args()
    sampler = Sampler()
    signal.signal(signal.SIGPROF, sampler)
    signal.setitimer(signal.ITIMER_PROF, _TICK_S, _TICK_S)
    outcome = run_dialer(given.agents, given.hours, given.ratio, 1)
    signal.setitimer(signal.ITIMER_PROF, 0)
    total = sampler.samples.total()
    per_call_us = outcome.cpu_s / outcome.calls * 1e6
    print(f"{outcome.calls:,} calls, {per_call_us:.0f} us of CPU each, {total} samples")
    for module, samples in sampler.samples.most_common():
        print(f"{module:28} {samples / total:6.1%} {samples / total * per_call_us:7.1f} us")


if __name__ == "__main__":
    main()
