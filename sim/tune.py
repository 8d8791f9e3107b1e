"""The numbers of a campaign that keep agents busiest within the law, found by trying.

The rule of this module: a try keeps a limit only if it surely does (by the bound of the interval
that is against us); and since the best of many tries owes something to luck, the best ones are
tried again on days that the search has not seen, and only what keeps the limit there wins.

Every try meets the same days (common random numbers), so tries differ by their numbers alone.

Source: Bergstra et al., NIPS 2011 (tree-structured Parzen estimator), by Optuna, with constraints.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from dialer.documents import Document
from dialer.errors import FlowError
from sim.benchmark import front
from sim.experiment import FIGURES, Case, Progress, Summary, run_replications
from sim.library import Library
from sim.recording import case_text
from sim.scenario import Scenario
from sim.shelf import code_digest
from sim.statistics import Estimate, RatioEstimate
from sim.thresholds import Threshold, judge, known_figure
from sim.tries_database import database, quiet
from sim.tunable import Parameter, value_of, with_values

MORE_IS_BETTER = frozenset({"occupancy", "calls_per_agent_hour"})
FINALISTS = 3
"""So many of the best are tried again on fresh days."""
_USUAL_LIMIT = 0.03
_NEVER = 1e9


@dataclass(frozen=True)
class Task:
    """What is to be tuned.

    text, name: of the campaign's file. limits: which a try must surely keep. replications: days
    of a try. fresh: days of a finalist, none of which a try has seen.
    """

    library: Library
    world: Scenario
    text: str
    name: str
    parameters: tuple[Parameter, ...]
    agents: int
    hours: float | None = None
    objective: str = "occupancy"
    limits: tuple[Threshold, ...] = ()
    replications: int = 5
    fresh: int = 10
    seed: int = 1
    workers: int = 0

    def __post_init__(self) -> None:
        known_figure("--objective", self.objective, FIGURES)
        # Both ends of every range must make a campaign, or a night's search ends in an error.
        for end in ("low", "high"):
            self.case({each: getattr(each, end) for each in self.parameters})

    @property
    def more_is_better(self) -> bool:
        return self.objective in MORE_IS_BETTER

    def campaign(self, values: Mapping[Parameter, float]) -> str:
        """The campaign's text with these values."""
        return with_values(self.text, self.name, values)

    def case(self, values: Mapping[Parameter, float]) -> Case:
        """A case with these values.

        Raises:
            InputError: no campaign can have them.
        """
        text = self.campaign(values)
        return self.library.case_of(self.world, text, self.name, self.agents, self.hours)

    def now(self) -> dict[Parameter, float] | None:
        """The campaign's own values, if it has all and they are within the ranges."""
        document = Document.load(self.text, self.name, FlowError)
        found = {each: value_of(document, each) for each in self.parameters}
        values = {each: value for each, value in found.items() if value is not None}
        inside = all(each.low <= value <= each.high for each, value in values.items())
        return values if inside and len(values) == len(self.parameters) else None

    def digest(self) -> str:
        """Of all that a try depends on: tries of one digest may be compared."""
        told = {
            "case": case_text(self.case({each: each.low for each in self.parameters})),
            "parameters": [list(each) for each in self.parameters],
            "objective": self.objective,
            "limits": [str(limit) for limit in self.limits],
            "days": [self.replications, self.seed],
            "code": code_digest(),
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def limits_of(given: Sequence[Threshold], case: Case) -> tuple[Threshold, ...]:
    """Those given, else the abandonment that the campaign's preset allows."""
    law = case.preset.abandonment
    usual = Threshold("abandonment", "<=", law.target if law is not None else _USUAL_LIMIT)
    return tuple(given) or (usual,)


@dataclass(frozen=True)
class Try:
    """Values and what they came to. excess: how far each limit is missed, by its bound; 0 or less
    is kept."""

    number: int
    values: dict[str, float]
    objective: Estimate | RatioEstimate
    abandonment: RatioEstimate
    excess: tuple[float, ...]

    @property
    def keeps(self) -> bool:
        return all(each <= 0 for each in self.excess)

    def row(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "trial": self.number,
            "values": self.values,
            "objective": dict(self.objective._asdict()),
            "abandonment": dict(self.abandonment._asdict()),
            "keeps": self.keeps,
        }


@dataclass(frozen=True)
class Tuned:
    """What came of a search. fresh: the finalists on days that the search has not seen.

    winner: of `fresh`; None where none keeps the limits there.
    """

    task: Task
    study: str
    tries: list[Try]
    fresh: list[Try] = field(default_factory=list)
    winner: Try | None = None

    def best(self, count: int) -> list[Try]:
        """The best tries that keep the limits, best first."""
        return _ranked(self.task, [each for each in self.tries if each.keeps])[:count]

    def front(self) -> list[Try]:
        """Tries that no other beats in both the objective and the bound of abandonment."""
        sign = 1 if self.task.more_is_better else -1
        points = [(each.abandonment.upper, sign * each.objective.mean) for each in self.tries]
        return [self.tries[place] for place in front(points)]

    def text(self) -> str:
        """The winning campaign."""
        assert self.winner is not None
        return self.task.campaign(_by_parameter(self.task, self.winner.values))

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "study": self.study,
            "objective": self.task.objective,
            "limits": [str(limit) for limit in self.task.limits],
            "trials": [each.row() for each in self.tries],
            "front": [each.number for each in self.front()],
            "rescored": [each.row() for each in self.fresh],
            "winner": self.winner.row() if self.winner else None,
        }


def tune(task: Task, trials: int, storage: str, told: Progress | None = None) -> Tuned:
    """Search until the study has so many tries, then try the best again on fresh days.

    storage: a database's URL, where tries are kept: a search that was interrupted goes on, and
    several processes that are given the same task and database share it.

    Raises:
        InputError: the URL is none. StoreError: the database does not do its part.
    """
    import optuna

    name = f"foredial-{task.digest()[:16]}"
    with quiet(), database(storage) as kept:
        study = optuna.create_study(
            storage=kept,
            study_name=name,
            direction="maximize" if task.more_is_better else "minimize",
            load_if_exists=True,
        )
        # Beside others, or going on, it must not propose again what was proposed.
        seed = task.seed + len(study.trials) if storage.startswith("sqlite") else None
        study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=min(10, max(3, trials // 3)),
            seed=seed,
        )
        now = task.now()
        if now is not None and not study.trials:
            study.enqueue_trial({each.name: value for each, value in now.items()})
        done = optuna.trial.TrialState.COMPLETE
        while (count := len(study.get_trials(deepcopy=False, states=(done,)))) < trials:
            if told is not None:
                told(count, trials)
            study.optimize(lambda trial: _try(task, trial), n_trials=1)
        found = [_read(trial) for trial in study.get_trials(deepcopy=False, states=(done,))]
    if told is not None:
        told(trials, trials)
    return _finals(Tuned(task, name, found))


def _try(task: Task, trial: Any) -> float:
    values = {}
    for each in task.parameters:
        low, high = each.low, each.high
        values[each] = each.rounded(
            trial.suggest_int(each.name, round(low), round(high), log=each.log)
            if each.whole
            else trial.suggest_float(each.name, low, high, log=each.log)
        )
    summary = Summary(
        run_replications(task.case(values), task.seed, task.replications, workers=task.workers)
    )
    scored = _scored(task, trial.number, values, summary)
    for limit, excess in zip(task.limits, scored.excess, strict=True):
        trial.set_constraint(str(limit), excess)
    trial.set_user_attr("excess", list(scored.excess))
    trial.set_user_attr("values", scored.values)
    trial.set_user_attr("objective", list(scored.objective))
    trial.set_user_attr("abandonment", list(scored.abandonment))
    return scored.objective.mean


def _scored(task: Task, number: int, values: Mapping[Parameter, float], summary: Summary) -> Try:
    objective = summary.estimate(task.objective)
    if objective is None:  # nobody met an agent: as bad as can be
        objective = Estimate(-_NEVER if task.more_is_better else _NEVER, None, summary.level, 1)
    return Try(
        number,
        {each.name: value for each, value in values.items()},
        objective,
        summary.abandonment,
        tuple(_excess(limit, summary) for limit in task.limits),
    )


def _excess(limit: Threshold, summary: Summary) -> float:
    verdict = judge(limit, summary)
    if verdict.bound is None or abs(verdict.bound) == inf:
        return _NEVER
    over = verdict.bound - limit.limit
    over = over if limit.sign.startswith("<") else -over
    return over if verdict.ok == (over <= 0) else _NEVER


def _read(trial: Any) -> Try:
    """A try as the database keeps it."""
    kept = trial.user_attrs
    objective = kept["objective"]
    shape: type[Any] = RatioEstimate if len(objective) == len(RatioEstimate._fields) else Estimate
    return Try(
        trial.number,
        kept["values"],
        shape(*objective),
        RatioEstimate(*kept["abandonment"]),
        tuple(kept["excess"]),
    )


def _finals(tuned: Tuned) -> Tuned:
    """Try the best again on days that the search has not seen."""
    task = tuned.task
    fresh: list[Try] = []
    seen: list[dict[str, float]] = []
    for each in tuned.best(len(tuned.tries)):
        if each.values in seen or len(fresh) == FINALISTS:
            continue
        seen.append(each.values)
        values = _by_parameter(task, each.values)
        days = run_replications(
            task.case(values),
            task.seed,
            task.fresh,
            first=task.replications,
            workers=task.workers,
        )
        fresh.append(_scored(task, each.number, values, Summary(days)))
    kept = _ranked(task, [each for each in fresh if each.keeps])
    return Tuned(task, tuned.study, tuned.tries, fresh, kept[0] if kept else None)


def _ranked(task: Task, tries: Sequence[Try]) -> list[Try]:
    sign = -1 if task.more_is_better else 1
    return sorted(tries, key=lambda each: (sign * each.objective.mean, each.number))


def _by_parameter(task: Task, values: Mapping[str, float]) -> dict[Parameter, float]:
    return {each: values[each.name] for each in task.parameters}
