"""The queue of `benchmarks.simulator` once more, in salabim.

The rule of this module: it is the same model as `BareModel`, call by call and draw by draw, written
as salabim's manual would have it; so what differs is the price of the engine.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import salabim

from sim.model import CarrierModel

Variates = dict[str, Callable[[], float]]


@dataclass
class Counts:
    """What one run came to."""

    calls: int = 0
    answered: int = 0
    abandoned: int = 0
    in_flight: int = 0
    busy_s: float = 0.0


@dataclass
class Model:
    """What the components share. draw: by the name of the variate."""

    ratio: float
    pulse_s: float
    patience_s: float
    calls: CarrierModel
    draw: Variates
    agents: Any
    counts: Counts


class Pulse(salabim.Component):  # type: ignore[misc]
    """Places the calls that are missing, once a second."""

    def setup(self, model: Model) -> None:
        self.model = model

    def process(self) -> Generator[Any, Any, None]:
        model = self.model
        while True:
            free = int(model.agents.available_quantity())
            for _ in range(int(free * model.ratio + 1e-9) - model.counts.in_flight):
                Call(model=model)
            yield self.hold(model.pulse_s)


class Call(salabim.Component):  # type: ignore[misc]
    """One attempt, to its end."""

    def setup(self, model: Model) -> None:
        self.model = model

    def process(self) -> Generator[Any, Any, None]:
        model, calls, draws, counts = (
            self.model,
            self.model.calls,
            self.model.draw,
            self.model.counts,
        )
        counts.calls += 1
        counts.in_flight += 1
        draw = draws["mix"]()
        refused = draw - calls.live - calls.machine
        if 0 <= refused < calls.busy:
            yield self.hold(calls.refused_after_s)
            counts.in_flight -= 1
            return
        yield self.hold(calls.post_dial_delay_s)
        ring_s = draws["ring"]() if draw < calls.live else calls.no_answer_after_s
        if ring_s >= calls.no_answer_after_s:
            is_machine = calls.live <= draw < calls.live + calls.machine
            machine_s = draws["machine_ring"]() + calls.machine_verdict_after_s if is_machine else 0
            yield self.hold(machine_s or calls.no_answer_after_s)
            counts.in_flight -= 1
            return
        yield self.hold(ring_s)
        counts.in_flight -= 1
        counts.answered += 1
        yield self.request(model.agents, fail_delay=model.patience_s)
        if self.failed():
            counts.abandoned += 1
            return
        talk_s, wrap_up_s = draws["talk"](), draws["wrap_up"]()
        counts.busy_s += talk_s + wrap_up_s
        yield self.hold(talk_s)
        yield self.hold(wrap_up_s)
        self.release()


def run(
    agents: int,
    ratio: float,
    hours: float,
    *,
    pulse_s: float,
    patience_s: float,
    calls: CarrierModel,
    draw: Variates,
) -> Counts:
    """One day. draw: the variates mix, ring, machine_ring, talk and wrap_up."""
    salabim.yieldless(False)
    environment = salabim.Environment(trace=False)
    resource = salabim.Resource("agents", capacity=agents)
    model = Model(ratio, pulse_s, patience_s, calls, draw, resource, Counts())
    Pulse(model=model)
    environment.run(till=hours * 3600)
    return model.counts
