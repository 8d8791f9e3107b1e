"""What a look-ahead decision costs.

    python -m benchmarks.pacing_cpu [--agents 50] [--seconds 1800]

Runs the pacer on the floor of a simulated half hour: of the base scenario, and of 300 agents with a
hard list, of which one call in ten is answered, so that 600 calls and more are in flight. Prints
mean, median and p99 in CPU ms, with the refreshes of what is learned among them.
"""

import argparse
from time import process_time

import numpy as np

from benchmarks.pacing_lab.day import Day
from benchmarks.pacing_lab.world import WORLDS
from dialer.pacing.lookahead import Lookahead
from dialer.pacing.pacer import Decision, Snapshot

_LARGE = 300


class Timed(Lookahead):
    """Look-ahead that notes what each decision took, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.took_s: list[float] = []
        self.in_flight: list[int] = []

    def decide(self, seen: Snapshot) -> Decision:
        began = process_time()
        decision = super().decide(seen)
        self.took_s.append(process_time() - began)
        self.in_flight.append(seen.calls.size)
        return decision


def half_hour(world: str, agents: int, seconds: float) -> Timed:
    pacer = Timed()
    Day(WORLDS[world], pacer, agents, seed=1, hours=seconds / 3600).run()
    return pacer


def show(name: str, pacer: Timed) -> None:
    ms = np.asarray(pacer.took_s[30:]) * 1000
    mean, middle, late = ms.mean(), np.median(ms), np.quantile(ms, 0.99)
    figures = f"mean {mean:.3f}, median {middle:.3f}, p99 {late:.3f} ms"
    print(f"{name}, {np.mean(pacer.in_flight):.0f} calls in flight: {figures}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=1800)
    args = parser.parse_args()
    show(f"{args.agents} agents, base scenario", half_hour("base", args.agents, args.seconds))
    show(f"{_LARGE} agents, hard list", half_hour("hard", _LARGE, args.seconds))


if __name__ == "__main__":
    main()
