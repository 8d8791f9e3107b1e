"""What a simulated call costs: the whole dialer on its virtual clock, and a bare model of it.

    python -m benchmarks.simulator [--agents 50] [--hours 4] [--ratio 1.6] [--repeat 3]

All simulate the base scenario with a power pacer that looks once a second, in one process, one
after the other. The dialer is all of it: the actors, the flow, the contacts and the ledger. The
bare models are the same queue as plain SimPy generators and as salabim components: no flow, no
contact, no record. Printed is the best of the repeats, in calls per CPU-second, and the ratio of
each to the SimPy model.
"""

import argparse
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import simpy

from benchmarks import salabim_model
from dialer.compliance.preset import load_preset
from dialer.flow.graph import load_flow
from dialer.flow.nodes import Power
from sim.model import CarrierModel, DeskModel
from sim.replication import Day, adapted, run_replication
from sim.variates import Variate, gamma, lognormal, uniform
from sim.world import WorldPlan

CONFIG = Path(__file__).resolve().parent.parent / "config"
PULSE_S = 1.0
PATIENCE_S = 2.0


@dataclass
class Outcome:
    """What one run came to."""

    calls: int = 0
    answered: int = 0
    abandoned: int = 0
    busy_s: float = 0.0
    occupancy: float = 0.0
    cpu_s: float = 0.0

    @property
    def speed(self) -> float:
        return self.calls / self.cpu_s


@dataclass
class BareModel:
    """The queue alone, as SimPy generators. See CarrierModel for the numbers."""

    agents: int
    ratio: float
    seed: int
    calls: CarrierModel = field(default_factory=CarrierModel)
    desk: DeskModel = field(default_factory=DeskModel)

    def run(self, hours: float) -> Outcome:
        began_s = time.process_time()
        draw = variates(self.seed, self.calls, self.desk)
        self.mix, self.ring, self.machine_ring = draw["mix"], draw["ring"], draw["machine_ring"]
        self.talk, self.wrap_up = draw["talk"], draw["wrap_up"]
        self.env = simpy.Environment()
        self.free, self.in_flight = self.agents, 0
        self.waiting: deque[simpy.Event] = deque()
        self.outcome = Outcome()
        self.env.process(self.pulse())
        self.env.run(until=hours * 3600)
        self.outcome.occupancy = self.outcome.busy_s / (self.agents * hours * 3600)
        self.outcome.cpu_s = time.process_time() - began_s
        return self.outcome

    def pulse(self) -> Generator[simpy.Event, Any, None]:
        while True:
            for _ in range(int(self.free * self.ratio + 1e-9) - self.in_flight):
                self.env.process(self.call())
            yield self.env.timeout(PULSE_S)

    def call(self) -> Generator[simpy.Event, Any, None]:
        model, env = self.calls, self.env
        self.outcome.calls += 1
        self.in_flight += 1
        draw = self.mix()
        refused = draw - model.live - model.machine
        if 0 <= refused < model.busy:
            yield env.timeout(model.refused_after_s)
            self.in_flight -= 1
            return
        yield env.timeout(model.post_dial_delay_s)
        ring_s = self.ring() if draw < model.live else model.no_answer_after_s
        if ring_s < model.no_answer_after_s:
            yield env.timeout(ring_s)
            self.in_flight -= 1
            yield from self.answered()
            return
        if model.live <= draw < model.live + model.machine:
            yield env.timeout(self.machine_ring() + model.machine_verdict_after_s)
        else:
            yield env.timeout(model.no_answer_after_s)
        self.in_flight -= 1

    def answered(self) -> Generator[simpy.Event, Any, None]:
        env, outcome = self.env, self.outcome
        outcome.answered += 1
        if self.free:
            self.free -= 1
        else:
            agent = env.event()
            self.waiting.append(agent)
            yield agent | env.timeout(PATIENCE_S)
            if not agent.triggered:
                self.waiting.remove(agent)
                outcome.abandoned += 1
                return
        talk_s, wrap_up_s = self.talk(), self.wrap_up()
        outcome.busy_s += talk_s + wrap_up_s
        yield env.timeout(talk_s)
        yield env.timeout(wrap_up_s)
        if self.waiting:
            self.waiting.popleft().succeed()
        else:
            self.free += 1


def variates(seed: int, calls: CarrierModel, desk: DeskModel) -> dict[str, Variate]:
    """What the bare models draw, each from a stream of its own."""
    streams = iter(np.random.SeedSequence(seed).spawn(5))

    def stream() -> np.random.Generator:
        return np.random.default_rng(next(streams))

    return {
        "mix": uniform(stream()),
        "ring": gamma(stream(), calls.ring_mean_s, calls.ring_shape),
        "machine_ring": uniform(stream(), *calls.machine_ring_s),
        "talk": lognormal(stream(), calls.talk_mean_s, calls.talk_cv),
        "wrap_up": lognormal(stream(), desk.wrap_up_mean_s, desk.wrap_up_cv),
    }


def run_salabim(agents: int, hours: float, ratio: float, seed: int) -> Outcome:
    """The same queue as salabim components."""
    began_s = time.process_time()
    calls = CarrierModel()
    draw = variates(seed, calls, DeskModel())
    counts = salabim_model.run(
        agents, ratio, hours, pulse_s=PULSE_S, patience_s=PATIENCE_S, calls=calls, draw=draw
    )
    return Outcome(
        counts.calls,
        counts.answered,
        counts.abandoned,
        counts.busy_s,
        counts.busy_s / (agents * hours * 3600),
        time.process_time() - began_s,
    )


def run_dialer(agents: int, hours: float, ratio: float, seed: int) -> Outcome:
    """The same day by the dialer itself."""
    flow = load_flow((CONFIG / "campaigns/progressive.yaml").read_text(), "progressive.yaml")
    preset = load_preset((CONFIG / "regulations/us_ftc.yaml").read_text(), "us_ftc")
    power = Power(mode="power", ratio=ratio)
    flow = adapted(flow, pulse_s=PULSE_S, target=agents, dialing=power)
    replication = run_replication(WorldPlan(flow, preset, agents), Day(hours), seed)
    assert not any(replication.violations.values()), replication.told
    figures = replication.figures
    return Outcome(
        figures.dialed,
        figures.answered,
        figures.abandoned,
        figures.talk_s + figures.wrap_up_s,
        figures.occupancy,
        replication.cpu_seconds,
    )


def best_of(repeat: int, run: Callable[[], Outcome]) -> Outcome:
    return max((run() for _ in range(repeat)), key=lambda outcome: outcome.speed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--ratio", type=float, default=1.6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    agents, hours, ratio, seed = given.agents, given.hours, given.ratio, given.seed
    bare = best_of(given.repeat, lambda: BareModel(agents, ratio, seed).run(hours))
    whole = best_of(given.repeat, lambda: run_dialer(agents, hours, ratio, seed))
    other = best_of(1, lambda: run_salabim(agents, hours, ratio, seed))
    print(f"base scenario, {agents} agents, {hours:g} h, power {ratio:g}, seed {seed}")
    models = (("bare SimPy model", bare), ("bare salabim model", other), ("the dialer", whole))
    for name, outcome in models:
        abandonment = outcome.abandoned / max(1, outcome.answered)
        print(
            f"{name:18} {outcome.speed:9,.0f} calls per CPU-second"
            f"  ratio {outcome.speed / bare.speed:.3f}"
            f"  ({outcome.calls:,} calls, {outcome.cpu_s:.2f} s,"
            f" occupancy {outcome.occupancy:.3f}, abandonment {abandonment:.4f})"
        )


if __name__ == "__main__":
    main()
