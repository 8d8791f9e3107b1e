"""A campaign put to the test: how often, until how sure, and against which limits.

The rule of this module: what is asked for is checked as a whole before the first replication runs,
for a wrong word must not cost an hour.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dialer.errors import InputError
from dialer.flow.graph import FlowDefinition
from dialer.flow.nodes import Init, SeizeAgent
from sim.experiment import FIGURES, Case, Progress, RunDay, Summary, run_all, run_case
from sim.library import Library
from sim.replication import Replication
from sim.statistics import Estimate, RatioEstimate, run_until
from sim.thresholds import Threshold, Verdict, judge, known_figure, parse_threshold

OCCUPANCY = "(talking + wrap-up) / (logged in - not ready)"
AT_MOST = 1000
"""Replications, where a precision is asked for and not reached."""
_AGENTS = 20
"""Of a flow that does not say how many it seizes."""


@dataclass(frozen=True)
class Precision:
    """Replications are added until the interval of a figure is no wider to either side."""

    figure: str
    half_width: float


@dataclass(frozen=True)
class Trial:
    """What is asked for.

    replications: how many; with a precision, how many at least. run_day: runs each.
    """

    case: Case
    seed: int = 1
    replications: int = 5
    thresholds: tuple[Threshold, ...] = ()
    precision: Precision | None = None
    workers: int = 0
    run_day: RunDay = run_case

    def run(self, told: Progress | None = None) -> "Result":
        """Run it."""
        if self.precision is None:
            found = self._days(range(self.replications), told)
            return Result(self, Summary(found))
        return Result(self, Summary(self._until_sure(self.precision, told)))

    def _days(self, numbers: range, told: Progress | None) -> list[Replication]:
        jobs = [(self.case, self.seed + number) for number in numbers]
        return list(run_all(jobs, self.workers, told, self.run_day))

    def _until_sure(self, precision: Precision, told: Progress | None) -> list[Replication]:
        done = 0

        def run(numbers: range) -> list[Replication]:
            nonlocal done
            before = done
            so_far = told and (lambda now, total: told(before + now, before + total))
            found = self._days(numbers, so_far)
            done += len(numbers)
            return found

        def figure(found: Sequence[Replication]) -> Estimate | RatioEstimate:
            estimate = Summary(found).estimate(precision.figure)
            # A figure that no day had cannot become any surer.
            return estimate if estimate is not None else Estimate(0.0, 0.0, 0.95, len(found))

        cores = self.workers or os.cpu_count() or 1
        return run_until(
            run, figure, precision.half_width, max(2, self.replications), AT_MOST, cores
        )


@dataclass(frozen=True)
class Result:
    """What came of a trial."""

    trial: Trial
    summary: Summary

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(judge(threshold, self.summary) for threshold in self.trial.thresholds)

    @property
    def good(self) -> bool:
        """Whether every threshold is kept."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures should know of how they came about."""
        case = self.trial.case
        return tuple(_notes(case, self.summary))

    def document(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        case = self.trial.case
        return {
            "scenario": case.scenario.name,
            "campaign": case.flow.title,
            "pacer": case.pacer,
            "agents": case.agents,
            "hours": case.day.hours,
            "replications": len(self.summary.replications),
            "seed": self.trial.seed,
            "jitter_ms": case.jitter_s * 1000,
            **self.summary.document(),
            "occupancy_formula": OCCUPANCY,
            "assumptions": [each._asdict() for each in case.scenario.assumptions()],
            "notes": list(self.notes),
            "thresholds": [
                {
                    "threshold": str(verdict.threshold),
                    "bound": verdict.bound,
                    "ok": verdict.ok,
                    "words": str(verdict),
                }
                for verdict in self.verdicts
            ],
        }


def _notes(case: Case, summary: Summary) -> Iterator[str]:
    targets = [node.target for node in case.flow.nodes if isinstance(node, SeizeAgent)]
    fixed = [target for target in targets if isinstance(target, int)]
    if fixed and len(fixed) == len(targets) and max(fixed) < case.agents:
        yield f"the flow seizes {max(fixed)} of the {case.agents} agents at the most"
    for node in case.flow.nodes:
        if isinstance(node, Init) and node.filter:
            yield f"the filter {node.filter!r} is taken to find everybody on the list"
    if not summary.calls:
        reason = summary.replications[0].figures.last_reason or "no pulse"
        yield f"nobody was called: {reason}"


def proof(
    library: Library,
    flow_text: str,
    name: str,
    scenario: str,
    *,
    thresholds: Sequence[str] = (),
    agents: int | None = None,
    hours: float | None = None,
    replications: int = 5,
    seed: int = 1,
) -> Trial:
    """The trial that a campaign has to stand before it is published.

    flow_text: the very flow. thresholds: else the abandonment that its preset allows. agents: else
    as many as it seizes.

    Raises:
        InputError: something is not there or cannot be, or there is no limit to keep.
    """
    world = library.scenario(scenario)
    case = library.case_of(world, flow_text, name, agents or 1, hours)
    if agents is None:
        case = replace(case, agents=agents_seized(case.flow))
    law = case.preset.abandonment
    given = thresholds_of(thresholds)
    if not given and law is None:
        what = f"{case.preset.name} knows no limit of abandonment"
        raise InputError("--prove", what, "give a --threshold")
    if not given and law is not None:
        given = (Threshold("abandonment", "<=", law.target),)
    return Trial(case, seed, replications, given)


def agents_seized(flow: FlowDefinition) -> int:
    """As many agents as a flow strives for; a usual number where it says none."""
    targets = [node.target for node in flow.nodes if isinstance(node, SeizeAgent)]
    return max((target for target in targets if isinstance(target, int)), default=_AGENTS)


def thresholds_of(texts: Sequence[str]) -> tuple[Threshold, ...]:
    """Thresholds as a person writes them."""
    return tuple(parse_threshold(text) for text in texts)


def precision_of(text: str) -> Precision | None:
    """FIGURE=HALF_WIDTH, or a half-width alone, which is of occupancy; None for nothing.

    Raises:
        InputError: it is neither.
    """
    if not text:
        return None
    name, _, width = (text if "=" in text else f"occupancy={text}").partition("=")
    where = f"--precision {text!r}"
    known_figure(where, name.strip(), FIGURES)
    try:
        half_width = float(width)
    except ValueError:
        half_width = 0.0
    if not half_width > 0:
        raise InputError(where, "no half-width", "write FIGURE=HALF_WIDTH: occupancy=0.01")
    return Precision(name.strip(), half_width)
