"""What a wrong answer score costs, and that it costs no compliance.

    python -m benchmarks.wrong_scores --agents 10,50 --days 8

Days of the pacing lab in which records are dialed by a score: a true one, one shuffled among the
records, one that is overconfident (its log odds are three times as far from the mean as is true),
one turned upside down, and one that is true for some three thousand records and upside down for as
many, in turns. Look-ahead is told what the score says, as a campaign would be, and
must keep its promise all the same.
"""

import argparse
import json
import sys
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.special import expit, logit

from benchmarks.pacing_lab.day import NO_LEVERS, Day, DayFigures
from benchmarks.pacing_lab.scored_list import scores
from benchmarks.pacing_lab.world import WORLDS, World
from dialer.pacing.answer_buffer import AnswerBuffer, class_edges
from dialer.pacing.lookahead import TUNED, Lookahead
from sim.statistics import mean_of, ratio_of, wilson

LIMIT = 0.03
CLASSES = 8
_BLOCK, _SAMPLE = 1024, 20_000
_TOO_SURE = 3.0

Numbers = NDArray[np.float64]
Said = Callable[[Numbers, np.random.Generator, int], Numbers]
"""From what is true of a block of records, a source of chance and the block's number to what the
score says of them."""


def _overconfident(truth: Numbers, _: np.random.Generator, __: int) -> Numbers:
    middle = logit(truth.mean())
    said: Numbers = expit(middle + _TOO_SURE * (logit(truth) - middle))
    return said


def _inverted(truth: Numbers) -> Numbers:
    return np.sort(truth)[::-1][np.argsort(np.argsort(truth))]


KINDS: dict[str, Said] = {
    "true": lambda truth, _, __: truth,
    "shuffled": lambda truth, luck, _: luck.permutation(truth),
    "overconfident": _overconfident,
    "upside down": lambda truth, _, __: _inverted(truth),
    "turning": lambda truth, _, block: _inverted(truth) if block // 3 % 2 else truth,
}


class SaidList:
    """An endless list of which a score says something; it is dialed through the buffer."""

    def __init__(self, world: World, kind: str, seed: int) -> None:
        self._world, self._said = world, KINDS[kind]
        self._generator = np.random.default_rng([seed, 1])
        sample = np.random.default_rng(0)
        truth = np.array(scores(world, sample, _SAMPLE))
        said = self._said(truth, sample, 0)
        self._edges = class_edges(said.tolist(), CLASSES)
        place = np.searchsorted(self._edges, said, side="right")
        self.means = tuple(float(said[place == c].mean()) for c in range(len(self._edges) + 1))
        self._block: list[tuple[float, float]] = []
        self._blocks = 0
        self._buffer: AnswerBuffer[float] = AnswerBuffer()
        self._fill()

    def classes(self) -> list[int]:
        return [bisect_right(self._edges, score) for score in self._buffer.scores()]

    def take(self, *, best: bool) -> tuple[int, float]:
        """The record's class by what is said, and P(a person answers) in truth."""
        said = self._buffer.take(best=best)
        self._fill()
        return bisect_right(self._edges, said.score), said.record

    def _fill(self) -> None:
        for _ in range(self._buffer.missing):
            if not self._block:
                truth = np.array(scores(self._world, self._generator, _BLOCK))
                said = self._said(truth, self._generator, self._blocks)
                self._blocks += 1
                self._block = list(zip(said.tolist(), truth.tolist(), strict=True))
            self._buffer.put(*reversed(self._block.pop()))


class ScoredDay(Day):
    """A day whose list is dialed by what a score says."""

    def __init__(self, world: World, agents: int, seed: int, hours: float, kind: str) -> None:
        records = SaidList(world, kind, seed)
        tuning = TUNED.with_patience(world.patience_s - world.cpa_delay_s)
        pacer = Lookahead(LIMIT, tuning=tuning, class_rates=records.means)
        levers = NO_LEVERS._replace(score_classes=len(records.means))
        super().__init__(world, pacer, agents, seed, hours, levers=levers)
        self._records = records  # type: ignore[assignment]


def day(kind: str, agents: int, seed: int, hours: float, auc: float) -> DayFigures:
    """One day; kind "none" has no score."""
    base = WORLDS["base"]
    if kind == "none":
        return Day(base, Lookahead(LIMIT), agents, seed, hours).run()
    return ScoredDay(replace(base, auc=auc), agents, seed, hours, kind).run()


class Row(NamedTuple):
    """Figures of a kind of score, with standard errors; over_*: days over 3 %, 95 % interval."""

    score: str
    agents: int
    days: int
    occupancy: float
    occupancy_se: float | None
    abandonment: float
    abandonment_se: float | None
    over: int
    over_low: float
    over_high: float


def row(kind: str, agents: int, days: list[DayFigures]) -> Row:
    one_se = 0.6827
    occupancy = mean_of([d.occupancy for d in days], one_se)
    abandonment = ratio_of([d.abandoned for d in days], [d.answers for d in days], one_se)
    over = sum(d.abandonment > LIMIT for d in days)
    return Row(
        kind,
        agents,
        len(days),
        occupancy.mean,
        occupancy.half_width,
        abandonment.mean,
        abandonment.half_width,
        over,
        *wilson(over, len(days)),
    )


def _show(rows: list[Row]) -> None:
    table = Table("score", "agents", "occupancy", "abandonment", "days over 3 % (95 %)")
    for r in rows:
        table.add_row(
            r.score,
            str(r.agents),
            f"{r.occupancy:.3f} ± {r.occupancy_se or 0:.3f}",
            f"{r.abandonment:.4f} ± {r.abandonment_se or 0:.4f}",
            f"{r.over} of {r.days} ({r.over_low:.2f} to {r.over_high:.2f})",
        )
    Console().print(table)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scores", default=",".join(("none", *KINDS)))
    parser.add_argument("--agents", default="10,50")
    parser.add_argument("--days", type=int, default=8)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--auc", type=float, default=0.85, help="of the true score")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    rows = []
    for agents in map(int, args.agents.split(",")):
        for kind in args.scores.split(","):
            if kind != "none" and kind not in KINDS:
                print(f"--scores: no score {kind!r}; use none, {', '.join(KINDS)}", file=sys.stderr)
                raise SystemExit(2)
            seeds = range(args.first_seed, args.first_seed + args.days)
            days = [day(kind, agents, seed, args.hours, args.auc) for seed in seeds]
            rows.append(row(kind, agents, days))
            if not args.json:
                print(f"{kind}, {agents} agents: done", file=sys.stderr)
    answer: Any = {"rows": [each._asdict() for each in rows]}
    if args.json:
        print(json.dumps(answer))
    else:
        _show(rows)


if __name__ == "__main__":
    main()
