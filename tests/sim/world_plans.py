"""Plans of small worlds for the tests of the simulator."""

from pathlib import Path
from typing import Any

from dialer.compliance.preset import load_preset
from dialer.flow.graph import load_flow
from dialer.flow.nodes import Power, Progressive
from sim.ledger import Ledger
from sim.model import CarrierModel, DeskModel
from sim.replication import adapted
from sim.runtime import SimRuntime
from sim.world import World, WorldPlan

CONFIG = Path(__file__).resolve().parents[2] / "config"
FLOW = load_flow((CONFIG / "campaigns/progressive.yaml").read_text(), "progressive.yaml")
PRESET = load_preset((CONFIG / "regulations/us_ftc.yaml").read_text(), "us_ftc")

HASTY = CarrierModel(
    live=0.5,
    machine=0.2,
    congestion=0.05,
    post_dial_delay_s=0.3,
    refused_after_s=0.5,
    ring_mean_s=3.0,
    no_answer_after_s=6.0,
    machine_ring_s=(1.0, 4.0),
    machine_verdict_after_s=0.5,
    talk_mean_s=8.0,
    patience_s=1.5,
)
"""Much happens in little time, and callers hang up before the law's limit."""


def records_of(
    given: WorldPlan, start_at: float, seconds: float, seed: int = 1
) -> list[tuple[Any, ...]]:
    """The ledger of the beginning of a day."""
    found: list[tuple[Any, ...]] = []

    class Kept:
        extend = found.extend

    runtime = SimRuntime(seed, epoch=start_at)
    ledger = Ledger(Kept())  # type: ignore[arg-type]
    World(runtime, given, ledger).start()
    runtime.advance(seconds)
    ledger.flush()
    runtime.stop()
    return found


def plan(agents: int, ratio: float = 1.0, pulse_s: float = 1.0, **particulars: Any) -> WorldPlan:
    """A power campaign, or a progressive one where the ratio is 1."""
    dialing = Power(mode="power", ratio=ratio) if ratio > 1 else Progressive()
    flow = adapted(FLOW, pulse_s=pulse_s, target=agents, dialing=dialing)
    return WorldPlan(flow, PRESET, agents, **particulars)


def hasty(agents: int = 4, ratio: float = 3.0) -> WorldPlan:
    return plan(agents, ratio, callees=HASTY, habits=DeskModel(wrap_up_mean_s=2.0))
