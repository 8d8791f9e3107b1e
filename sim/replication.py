"""One simulated day.

The rule of this module: a replication is a function of its plan and its seed; the same two give
the same figures and the same ledger, byte for byte, in any process.
"""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf

from dialer.flow.graph import Flow
from dialer.flow.nodes import Init, NodeBase, Power, Predictive, Progressive, SeizeAgent
from dialer.flow.nodes import Start as StartNode
from dialer.journal import Digest
from sim.faults import ActorCrash
from sim.figures import Figures, FiguresJournal
from sim.invariants import InvariantsJournal
from sim.ledger import Ledger, Reader
from sim.runtime import TUESDAY_AT_TEN, SimRuntime
from sim.series import Slice
from sim.witness import Witness
from sim.world import CAMPAIGN_ID, World, WorldPlan

WIND_DOWN_S = 4 * 3600.0
"""A call that lasts longer than this after the day counts as never settled."""


_SLICE_S = 60.0
"""How often the ledger is read."""


@dataclass(frozen=True, slots=True)
class Replication:
    """What a simulated day came to.

    cpu_seconds: of the whole run, imports excluded. violations: by promise of `sim.invariants`,
    and of the store and the supervisor. told: the first violations in words. crashes: of actors,
    those that the scenario meant to happen among them. series: the day in slices, where asked for.
    """

    figures: Figures
    journal_sha256: str
    journal_records: int
    violations: dict[str, int]
    told: tuple[str, ...]
    dead_letters: dict[str, int]
    cpu_seconds: float
    seed: int = 0
    hours: float = 0.0
    crashes: int = 0
    series: tuple[Slice, ...] = ()

    @property
    def calls(self) -> int:
        return self.figures.dialed


@dataclass(frozen=True, slots=True)
class Day:
    """How long to simulate, and how.

    warm_up_s: left out of the figures at the start. jitter_s: see `SimRuntime`.
    """

    hours: float = 8.0
    warm_up_s: float = 0.0
    jitter_s: float = 0.0
    start_at: float = field(default=TUESDAY_AT_TEN)


def run_replication(
    plan: WorldPlan, day: Day, seed: int, readers: Sequence[Reader] = ()
) -> Replication:
    """Simulate one day. readers: are handed the ledger too, in order."""
    # Nothing that a call leaves behind is a cycle, so looking for cycles only costs.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _run(plan, day, seed, readers)
    finally:
        if collecting:
            gc.enable()


def abandoned_after_s(plan: WorldPlan, day: Day) -> float:
    """How late after the answer an agent may come; jitter is ours and no caller's wait."""
    law = plan.preset.abandonment
    return law.threshold_s + 2 * day.jitter_s if law is not None else inf


def _run(plan: WorldPlan, day: Day, seed: int, readers: Sequence[Reader]) -> Replication:
    began_s = time.process_time()
    end_at = day.start_at + day.hours * 3600
    late_s = abandoned_after_s(plan, day)
    digest = Digest()
    witness = Witness(plan.callees)
    plan = replace(plan, callees=witness)
    since = day.start_at + day.warm_up_s
    measured = FiguresJournal(since, end_at, late_s, witness.picked_up_s)

    runtime = SimRuntime(seed, day.jitter_s, day.start_at)
    ledger = Ledger()
    world = World(runtime, plan, ledger)
    watched = InvariantsJournal(plan.flow, plan.preset.calling_hours, world.store.attributes)
    ledger.hand_to(digest, measured, watched, *readers)
    world.start()
    while runtime.now() < end_at:
        runtime.advance(min(_SLICE_S, end_at - runtime.now()))
        ledger.flush()
    figures = measured.close(end_at)
    stall = "" if world.wind_down(WIND_DOWN_S) else runtime.stall("call/")
    ledger.flush()
    violations = dict(watched.close(runtime.now()))
    violations["attempt_unsettled"] += len(world.store.open_attempts)
    violations["attempt_settled_once"] += world.store.ignored_settlements
    violations["contact_lost"] = world.store.held(CAMPAIGN_ID)
    crashes = sum(runtime.crashes.values())
    meant = sum(
        isinstance(fault, ActorCrash) and fault.at_s < day.hours * 3600 for fault in plan.faults
    )
    violations["actor_crashed"] = max(0, crashes - meant)
    dead_letters = dict(runtime.dead_letters)
    runtime.stop()
    return Replication(
        figures,
        digest.hexdigest(),
        digest.records,
        violations,
        (*([stall] if stall else ()), *watched.told),
        dead_letters,
        time.process_time() - began_s,
        seed,
        day.hours,
        crashes,
    )


def adapted(
    flow: Flow,
    *,
    pulse_s: float | None = None,
    target: int | str | None = None,
    dialing: Progressive | Power | Predictive | None = None,
) -> Flow:
    """A flow with another pulse, number of agents to seize, or dialing; for benchmarks."""

    def changed(node: NodeBase) -> NodeBase:
        match node:
            case StartNode() if pulse_s is not None:
                return node.model_copy(update={"interval_s": pulse_s})
            case SeizeAgent() if target is not None:
                return node.model_copy(update={"target": target})
            case Init() if dialing is not None:
                return node.model_copy(update={"dialing": dialing})
        return node

    nodes = tuple(changed(node) for node in flow.definition.nodes)
    return Flow(flow.definition.model_copy(update={"nodes": nodes}))
