"""Whether a scenario fitted to one week predicts the hours of the next.

    python -m benchmarks.fit_week [--scenario everyday] [--agents 10] [--ratio 1.6] [--days 5]

A world that the fit never sees (by default `everyday`: hours, time zones, segments, early hang-ups,
bursts, false answers, breaks) makes a week's ledger. `sim.fit` makes a scenario of that ledger, and
days simulated on it give an interval for each figure of each hour. Then the unseen world makes the
next week. Printed are the share of hours inside their intervals, beside what the unseen world
itself would have reached as a forecaster, and every miss. Another pacer in the second week
(`--next-ratio`) asks the fit for more than it has seen.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from joblib import Parallel, delayed

from config.presets import preset_named
from dialer.message import Message
from gateways.cli.files import read_text
from sim.experiment import Case
from sim.fit.fitting import fit_traffic
from sim.fit.journal_records import traffic_of
from sim.fit.prediction import FIGURES, Judged, hours_of, judge, predict
from sim.fit.writing import checked, scenario_text
from sim.library import Library
from sim.replication import run_replication
from sim.scenario import Scenario

CONFIG = Path(__file__).resolve().parent.parent / "config"
LIBRARY = Library(CONFIG / "scenarios", CONFIG / "campaigns", preset_named, read_text)
Hours = list[dict[str, float]]


class Kept:
    """A ledger's reader that keeps all."""

    def __init__(self) -> None:
        self.records: list[Message] = []

    def extend(self, records: Sequence[Message]) -> None:
        self.records.extend(records)


def case_of(scenario: Scenario, agents: int, ratio: float) -> Case:
    return replace(LIBRARY.case("base", f"power:{ratio}", agents=agents), scenario=scenario)


def on_day(scenario: Scenario, number: int) -> Scenario:
    return scenario.model_copy(update={"start": scenario.start + timedelta(days=number)})


def record(scenario: Scenario, agents: int, ratio: float, days: int, seed: int) -> Kept:
    """The ledger of some days, as a daemon would have written it."""
    ledger = Kept()
    for number in range(days):
        case = case_of(on_day(scenario, number), agents, ratio)
        run_replication(case.plan(), case.day, seed + number, [ledger])
    return ledger


def hours(scenario: Scenario, agents: int, ratio: float, seed: int) -> Hours:
    case = case_of(scenario, agents, ratio)
    return hours_of(case.plan(), case.day, seed)


def many(scenario: Scenario, agents: int, ratio: float, seeds: range) -> list[Hours]:
    days = Parallel(n_jobs=-1)(delayed(hours)(scenario, agents, ratio, seed) for seed in seeds)
    return list(days)


def told(name: str, judged: list[Judged]) -> None:
    by_figure = Counter(each.interval.figure for each in judged if each.kept)
    each = len(judged) / len(FIGURES)
    cells = "  ".join(f"{figure} {by_figure[figure] / each:.3f}" for figure in FIGURES)
    share = sum(one.kept for one in judged) / len(judged)
    print(f"{name:18} {share:.3f} of {len(judged)}   {cells}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", default="everyday")
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--ratio", type=float, default=1.6)
    parser.add_argument("--next-ratio", type=float, default=None)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--replications", type=int, default=40)
    parser.add_argument("--level", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    name, agents, seed = given.scenario, given.agents, given.seed
    next_ratio = given.next_ratio or given.ratio
    unseen = LIBRARY.scenario(name)

    week = record(unseen, agents, given.ratio, given.days, seed * 1000)
    fit = fit_traffic(traffic_of(week.records, "the recorded week"), unseen.zone)
    fitted = checked(scenario_text(fit, "fitted", "the recorded week"), "fitted.yaml")

    coming = [
        hours(on_day(unseen, 7 + day), agents, next_ratio, seed * 1000 + 500 + day)
        for day in range(given.days)
    ]
    seeds = range(seed * 1000 + 600, seed * 1000 + 600 + given.replications)
    intervals = predict(many(fitted, agents, next_ratio, seeds), given.level, given.days)
    judged = judge(intervals, coming)
    oracle = judge(predict(many(unseen, agents, next_ratio, seeds), given.level, 10**9), coming)
    print(
        f"{name}, {agents} agents, power {given.ratio:g} then {next_ratio:g}: {fit.calls:,} calls "
        f"in {given.days} recorded days, {given.level:.0%} intervals of {given.days} days to come"
    )
    told("fitted scenario", judged)
    told("the unseen world", oracle)
    print("misses of the fitted scenario:")
    for miss in judged:
        if not miss.kept:
            interval = miss.interval
            at = unseen.start + timedelta(days=7 + miss.day, hours=interval.hour)
            print(
                f"  {at:%a %H:%M} {interval.figure:12} {miss.value:8.3f} not in "
                f"{interval.lower:.3f} to {interval.upper:.3f}"
            )


if __name__ == "__main__":
    main()
