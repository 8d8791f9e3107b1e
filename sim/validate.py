"""The simulator against exact theory.

The rule of this module: what is judged is the product's own simulator, its pool, calls, carrier
and clock; a row is good when theory lies in its interval, and all intervals hold together at the
family's level, so that a sound simulator fails once in a hundred validations.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

from dialer.flow.graph import Flow, load_flow
from sim.laws import Gamma, Lognormal
from sim.poisson import LAWLESS, QueueFigures, QueuePlan, run_queue
from sim.population import Population
from sim.replication import Day, run_replication
from sim.scenario import Scenario
from sim.statistics import Estimate, each_level, mean_of, mean_with_controls
from sim.theory import (
    Queue,
    arrivals_at,
    erlang_a,
    fixed_patience,
    loss,
    m_m_n,
    one_dial,
    progressive_occupancy,
)
from sim.world import WorldPlan

FAMILY_LEVEL = 0.99
REPLICATIONS = 60
CALLERS = 20_000
"""Of each replication of a queue. A trial may ask for a multiple of it."""

_SERVICE_S = 150.0
_PROGRESSIVE_AGENTS = 20
_PROGRESSIVE = """
title: One dial at a time
time_zone: UTC
nodes:
  - {id: start, type: start, interval_s: 1, next: {pulse: undelivered}}
  - {id: undelivered, type: check_undelivered_contacts, next: {"true": seize}}
  - {id: seize, type: seize_agent, queue: default, request_ttl_s: 30, target: 20,
     next: {pulse: seized}}
  - {id: seized, type: check_seize_agent_event, next: {agent_reserved: init}}
  - {id: init, type: init, dialing: {mode: progressive}, next: {contact: dial}}
  - {id: dial, type: dial, channel: simulated, ring_timeout_s: 60, next: {live_call: human}}
  - {id: human, type: call_decision, next: {"true": route, "false": hang_up}}
  - {id: route, type: route_to_agent, queue: default}
  - {id: hang_up, type: end_call}
"""


class Row(NamedTuple):
    """One claim of theory and what the simulator made of it.

    half_width: of the interval that must hold theory; 0 where the claim is exact.
    """

    name: str
    theory: float
    estimate: float
    half_width: float
    ok: bool


class _Claim(NamedTuple):
    """What theory says of one figure of a trial, and how to read it from a replication."""

    name: str
    theory: float
    figure: Callable[[QueueFigures], float]


class _Trial(NamedTuple):
    """A queue to run. times: how many callers it needs, in units of `CALLERS`."""

    plan: QueuePlan
    claims: tuple[_Claim, ...]
    times: float = 1.0


def _waits(figures: QueueFigures) -> float:
    return figures.waits


def _left(figures: QueueFigures) -> float:
    return figures.left


def _occupancy(figures: QueueFigures) -> float:
    return figures.occupancy


def _little(figures: QueueFigures) -> float:
    """L / (arrivals x W), L measured over time and W over callers."""
    return figures.mean_waiting / (figures.arrivals * figures.mean_wait_s)


def _trials() -> Iterator[_Trial]:
    exponential = Gamma(1.0, _SERVICE_S)
    by_mean = Lognormal.of_mean(120.0, 2.0), Lognormal.of_mean(30.0, 0.7)

    known = loss(10, 8 / _SERVICE_S, _SERVICE_S)
    lost = (
        _Claim("Erlang B, 10 agents, 8 Erlangs: lost", known.abandons, _left),
        _Claim("Erlang B, 10 agents, 8 Erlangs: occupancy", known.occupancy, _occupancy),
    )
    yield _Trial(QueuePlan(10, 8 / _SERVICE_S, exponential, limit_s=0.0), lost)
    name = "M/G/c/c, the same with lognormal talk (cv 2) and wrap-up"
    lost = (
        _Claim(f"{name}: lost", known.abandons, _left),
        _Claim(f"{name}: occupancy", known.occupancy, _occupancy),
    )
    yield _Trial(QueuePlan(10, 8 / _SERVICE_S, *by_mean, limit_s=0.0), lost)

    # Few agents: in a large group waits come in long spells, and no run tells their share to 1 %.
    known = m_m_n(3, 2.4 / _SERVICE_S, _SERVICE_S)
    waiting = (
        _Claim("Erlang C, 3 agents, 2.4 Erlangs: wait", known.waits, _waits),
        _Claim("Erlang C, 3 agents, 2.4 Erlangs: occupancy", known.occupancy, _occupancy),
        _Claim("Little's law, Erlang C: L / (arrivals x W)", 1.0, _little),
    )
    yield _Trial(QueuePlan(3, 2.4 / _SERVICE_S, exponential), waiting)

    known = erlang_a(10, 11 / _SERVICE_S, _SERVICE_S, _SERVICE_S)
    leaving = (
        _Claim("Erlang A, 10 agents, 11 Erlangs: left", known.abandons, _left),
        _Claim("Erlang A, 10 agents, 11 Erlangs: wait", known.waits, _waits),
        _Claim("Little's law, Erlang A: L / (arrivals x W)", 1.0, _little),
    )
    plan = QueuePlan(10, 11 / _SERVICE_S, exponential, patience=Gamma(1.0, _SERVICE_S))
    yield _Trial(plan, leaving)

    for agents, times in ((5, 0.5), (20, 0.25), (100, 1.25)):
        queue = partial(_two_seconds, agents)
        arrivals = arrivals_at(0.03, queue, highest=2 * agents / _SERVICE_S)
        known = queue(arrivals)
        name = f"M/M/{agents} + D(2 s) at 3 %"
        abandoned = (
            _Claim(f"{name}: abandoned", known.abandons, _left),
            _Claim(f"{name}: occupancy", known.occupancy, _occupancy),
        )
        yield _Trial(QueuePlan(agents, arrivals, exponential, limit_s=2.0), abandoned, times)


def _two_seconds(agents: int, arrivals: float) -> Queue:
    return fixed_patience(agents, arrivals, _SERVICE_S, 2.0)


class _Task(NamedTuple):
    """One replication: of a trial, or of progressive dialing where trial is negative."""

    trial: int
    callers: int
    seed: int


def validate(
    seed: int = 1,
    replications: int = REPLICATIONS,
    callers: int = CALLERS,
    workers: int = 1,
    told: Callable[[int, int], None] | None = None,
) -> list[Row]:
    """Run everything and compare.

    callers: of each replication. workers: processes. told: hears how many of all replications are
    done.

    The intervals correct for chance in the callers' number and service times, whose means are
    known (`mean_with_controls`).
    """
    trials = list(_trials())
    tasks = [
        _Task(place, round(callers * trial.times), _seed_of(seed, place, number))
        for place, trial in enumerate(trials)
        for number in range(replications)
    ]
    tasks += [
        _Task(-1, callers // 2, _seed_of(seed, 999, number)) for number in range(replications)
    ]
    done: dict[int, list[QueueFigures]] = {}
    for count, (task, figures) in enumerate(
        zip(tasks, _results(tasks, workers), strict=True), start=1
    ):
        done.setdefault(task.trial, []).append(figures)
        if told is not None:
            told(count, len(tasks))
    rows = sum(len(trial.claims) for trial in trials) + 1
    level = each_level(FAMILY_LEVEL, rows)
    judged = [
        _judged(claim, trial.plan, done[place], level)
        for place, trial in enumerate(trials)
        for claim in trial.claims
    ]
    judged.append(_progressive_row(done[-1], level))
    unsettled = sum(figures.unsettled for found in done.values() for figures in found)
    judged.append(Row("conservation: calls never settled", 0.0, unsettled, 0.0, unsettled == 0))
    return judged


def _judged(claim: _Claim, plan: QueuePlan, found: Sequence[QueueFigures], level: float) -> Row:
    estimate = mean_with_controls(
        [claim.figure(figures) for figures in found],
        [(figures.arrivals, figures.service_s) for figures in found],
        (plan.arrivals, plan.service_s),
        level,
    )
    return _row(claim.name, claim.theory, estimate)


def _progressive_row(found: Sequence[QueueFigures], level: float) -> Row:
    world = Scenario()
    handling_s = world.traits()["talk_s"].law.mean + world.traits()["wrap_up_s"].law.mean
    theory = progressive_occupancy(one_dial(world), handling_s)
    estimate = mean_of([figures.occupancy for figures in found], level)
    return _row("progressive, base scenario: occupancy", theory, estimate)


def _row(name: str, theory: float, estimate: Estimate) -> Row:
    return Row(name, theory, estimate.mean, estimate.half_width or 0.0, estimate.holds(theory))


def _results(tasks: Sequence[_Task], workers: int) -> Iterable[QueueFigures]:
    if workers <= 1:
        return map(_run, tasks)
    return _in_processes(tasks, workers)


def _in_processes(tasks: Sequence[_Task], workers: int) -> Iterator[QueueFigures]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_run, tasks)


def _run(task: _Task) -> QueueFigures:
    if task.trial >= 0:
        plan = list(_trials())[task.trial].plan
        return run_queue(plan, task.callers, task.seed)
    return _run_progressive(task)


def _run_progressive(task: _Task) -> QueueFigures:
    world = Scenario()
    people = Population(world, _PROGRESSIVE_AGENTS)
    flow: Flow = load_flow(_PROGRESSIVE, "one dial at a time")
    plan = WorldPlan(flow, LAWLESS, _PROGRESSIVE_AGENTS, people, people)
    # A dial takes an agent about 57 s with all that belongs to it.
    hours = task.callers * 57 / _PROGRESSIVE_AGENTS / 3600
    day = Day(hours=hours, warm_up_s=0.05 * hours * 3600, start_at=world.start_at)
    replication = run_replication(plan, day, task.seed)
    figures, violations = replication.figures, replication.violations
    unsettled = violations["attempt_unsettled"] + violations["contact_lost"]
    return QueueFigures(
        figures.occupancy,
        0.0,
        figures.abandonment,
        0.0,
        0.0,
        figures.dialed / (hours * 3600),
        0.0,
        figures.dialed,
        unsettled,
    )


def _seed_of(seed: int, trial: int, number: int) -> int:
    """A seed of its own for each replication of each trial."""
    return (seed * 1000 + trial) * 1_000_000 + number
