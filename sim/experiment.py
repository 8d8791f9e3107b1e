"""One campaign in one scenario, over many simulated days.

The rule of this module: a case and a seed say all that a replication depends on, so a worker
process gives what this one would have given. Replication r of seed S has the seed S + r: any one
can be run again alone, and two cases with one seed meet the same customers day by day.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from joblib import Parallel, cpu_count, delayed

from dialer.compliance.permission import YES, Permission, Rule
from dialer.compliance.preset import Preset
from dialer.compliance.window import TIME_ZONE_ATTRIBUTE, callee_window
from dialer.flow.graph import Flow, FlowDefinition
from dialer.flow.nodes import Dial
from dialer.ports import ClaimedContact
from dialer.score.model import ScoreModel
from sim.figures import Figures
from sim.ledger import Reader
from sim.population import Population
from sim.replication import Day, Replication, run_replication
from sim.scenario import Scenario
from sim.statistics import LEVEL, Estimate, RatioEstimate, mean_of, ratio_of
from sim.world import WorldPlan

PERCENTILES = (50, 90, 99)

Progress = Callable[[int, int], None]
"""Hears how many replications are done, and of how many."""


@dataclass(frozen=True)
class Case:
    """What is tried. It can be sent to another process.

    pacer: what tables call the flow's pacing. hours: None is the scenario's own day.
    score: tells who is likely to answer, where the flow dials by that.
    """

    scenario: Scenario
    flow: FlowDefinition
    preset: Preset
    pacer: str
    agents: int
    hours: float | None = None
    jitter_s: float = 0.0
    warm_up_s: float = 0.0
    score: ScoreModel | None = None

    @property
    def day(self) -> Day:
        return Day(
            self.scenario.hours if self.hours is None else self.hours,
            self.warm_up_s,
            self.jitter_s,
            self.scenario.start_at,
        )

    def plan(self) -> WorldPlan:
        """The world of it, with fresh people: for one replication."""
        world = self.scenario
        dials = [node for node in self.flow.nodes if isinstance(node, Dial)]
        # A saved filter is the store's, and the list is what it found: everybody on it fits.
        nodes = tuple(
            node.model_copy(update={"filter": ""}) if node.type == "init" else node
            for node in self.flow.nodes
        )
        phones = tuple(dict.fromkeys(node.identifier for node in dials))
        people = Population(world, self.agents, world.agents.kept_up, phones)
        return WorldPlan(
            Flow(self.flow.model_copy(update={"nodes": nodes}), self.score),
            self.preset,
            self.agents,
            callees=people,
            habits=people,
            store=people.contacts,
            may_dial=hours_rule(self.preset),
            calls_per_second=world.trunk.calls_per_second or 0.0,
            faults=world.faults,
        )


def hours_rule(preset: Preset) -> Rule:
    """The law's calling hours, on the clock where a simulated person lives.

    Live, zones are told by the number, too; simulated numbers are in no country's plan.
    """
    window = callee_window(preset.calling_hours)

    def ask(number: str, contact: ClaimedContact, now: float) -> Permission:  # noqa: ARG001
        verdict = window.verdict((str(contact.attributes[TIME_ZONE_ATTRIBUTE]),), now)
        return YES if verdict.allowed else Permission(False, verdict.reason, verdict.next_at or 0.0)

    return ask


def run_case(case: Case, seed: int, readers: Sequence[Reader] = ()) -> Replication:
    """One day of a case. readers: of its whole ledger, in its order."""
    return run_replication(case.plan(), case.day, seed, readers)


RunDay = Callable[[Case, int], Replication]
"""Runs one day of a case by its seed; it can be sent to another process."""


def run_all(
    jobs: Sequence[tuple[Case, int]],
    workers: int = 0,
    told: Progress | None = None,
    run_day: RunDay = run_case,
) -> Iterator[Replication]:
    """Days of cases by their seeds, in the order given.

    workers: processes, 0 for one a core. A joblib backend that the caller has chosen (a cluster,
    say) is used. told: hears of each that is done.
    """
    workers = min(workers or cpu_count(), len(jobs))
    if workers <= 1:
        found: Iterator[Replication] = (run_day(*job) for job in jobs)
    else:
        parallel = Parallel(n_jobs=workers, return_as="generator", batch_size=1)
        found = parallel(delayed(run_day)(*job) for job in jobs)
    for done, replication in enumerate(found, start=1):
        if told is not None:
            told(done, len(jobs))
        yield replication


def run_replications(
    case: Case,
    seed: int,
    count: int,
    *,
    first: int = 0,
    workers: int = 0,
    told: Progress | None = None,
) -> list[Replication]:
    """Replications first ... first + count - 1 of a case."""
    numbers = range(first, first + count)
    return list(run_all([(case, seed + number) for number in numbers], workers, told))


@dataclass(frozen=True)
class Summary:
    """What replications of one case came to, each figure with its certainty."""

    replications: Sequence[Replication]
    level: float = LEVEL
    _figures: list[Figures] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.replications:
            raise ValueError("no replications")
        object.__setattr__(self, "_figures", [each.figures for each in self.replications])

    @property
    def occupancy(self) -> Estimate:
        return mean_of([each.occupancy for each in self._figures], self.level)

    @property
    def abandonment(self) -> RatioEstimate:
        """As the dialer measured it."""
        figures = self._figures
        return ratio_of(
            [each.abandoned for each in figures], [each.answered for each in figures], self.level
        )

    @property
    def true_abandonment(self) -> RatioEstimate:
        """As people suffered it."""
        figures = self._figures
        return ratio_of(
            [each.unserved for each in figures], [each.people for each in figures], self.level
        )

    @property
    def calls_per_agent_hour(self) -> Estimate:
        return mean_of([each.calls_per_agent_hour for each in self._figures], self.level)

    @property
    def answer_to_agent_seconds(self) -> Estimate | None:
        """None where no caller met an agent."""
        return self._mean_of_lists([each.answer_to_agent_s for each in self._figures])

    @property
    def agent_wait_seconds(self) -> Estimate | None:
        """None where no agent met a caller."""
        return self._mean_of_lists([each.agent_wait_s for each in self._figures])

    @property
    def calls(self) -> int:
        return sum(each.calls for each in self.replications)

    @property
    def cpu_seconds(self) -> float:
        return sum(each.cpu_seconds for each in self.replications)

    @property
    def journal_sha256(self) -> str:
        """The digest over the replications' digests, in order."""
        digests = "".join(each.journal_sha256 for each in self.replications)
        return hashlib.sha256(digests.encode()).hexdigest()

    @property
    def invariants(self) -> dict[str, int]:
        """Violations by promise."""
        total: Counter[str] = Counter()
        for each in self.replications:
            total.update(each.violations)
        return dict(total)

    @property
    def outcomes(self) -> dict[str, int]:
        """Calls by how they ended, the most frequent first."""
        total: Counter[str] = Counter()
        for each in self._figures:
            total.update(each.outcomes)
        return dict(total.most_common())

    def estimate(self, name: str) -> Estimate | RatioEstimate | None:
        """A figure by its name in `FIGURES`."""
        found: Estimate | RatioEstimate | None = getattr(self, name)
        return found

    def document(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        waits = self._percentiles([each.answer_to_agent_s for each in self._figures])
        told = {name: _told(self.estimate(name), self.level) for name in FIGURES}
        told["answer_to_agent_seconds"]["percentiles"] = waits
        return {
            **told,
            "calls": self.calls,
            "outcomes": self.outcomes,
            "cpu_seconds": self.cpu_seconds,
            "calls_per_cpu_second": self.calls / self.cpu_seconds if self.cpu_seconds else 0.0,
            "journal_sha256": self.journal_sha256,
            "invariants": self.invariants,
            "violations": [line for each in self.replications for line in each.told][:10],
            "seeds": [each.seed for each in self.replications],
        }

    def _mean_of_lists(self, lists: Sequence[Sequence[float]]) -> Estimate | None:
        """Over the replications' own means; those without a value have none."""
        means = [sum(values) / len(values) for values in lists if values]
        return mean_of(means, self.level) if means else None

    def _percentiles(self, lists: Sequence[Sequence[float]]) -> dict[str, float | None]:
        values = sorted(value for each in lists for value in each)
        last = len(values) - 1
        return {
            str(percent): values[round(last * percent / 100)] if values else None
            for percent in PERCENTILES
        }


FIGURES = (
    "occupancy",
    "abandonment",
    "true_abandonment",
    "calls_per_agent_hour",
    "answer_to_agent_seconds",
    "agent_wait_seconds",
)
"""The figures that come with an interval, by their names in JSON and in `Summary`."""


def _told(estimate: Estimate | RatioEstimate | None, level: float) -> dict[str, Any]:
    if estimate is None:
        return {"mean": None, "half_width": None, "level": level, "n": 0}
    return dict(estimate._asdict())
