"""What a campaign makes of an answer score, and of the same score spoiled in three ways.

    python -m benchmarks.scored_campaigns people.json week --agents 6 --days 4

Days of the actor simulator in the scenario `people`, by the look-ahead blueprint: without a score,
by the model, and by the model with its points dealt anew until they tell nothing, too sure, and
turned upside down. What each says of the recorded attempts is put into it as if it had been trained
so: the campaign believes it until answers tell otherwise. All meet the same people.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import msgspec
import numpy as np

from config.composition.laboratory import LIBRARY
from dialer.errors import InputError
from dialer.pacing.answer_buffer import class_edges
from dialer.score.model import (
    Classes,
    Form,
    Scorecard,
    ScoreModel,
    Shares,
    Tree,
    load_model,
)
from sim.experiment import run_case
from sim.replication import Replication
from sim.score.judging import area_under
from sim.score.reading import read_attempts
from sim.score.table import Table, table_of
from sim.score.training import SCORE_CLASSES
from sim.statistics import mean_of, ratio_of, wilson

LOOKAHEAD = Path(__file__).resolve().parents[1] / "config" / "campaigns" / "lookahead.yaml"
LIMIT = 0.03

TOO_SURE = 3.0
_DEALS, _LOOKED_AT = 20, 3000


def spoiled(model: ScoreModel, table: Table) -> dict[str, ScoreModel]:
    """The model with its points dealt anew until they tell nothing, too sure, and turned round."""
    line = model.calibration
    base = model.trained.base_rate
    middle = float(np.log(base / (1 - base)))

    def about_the_mean(slope: float) -> ScoreModel:
        intercept = middle + slope * (line.intercept - middle)
        turned = msgspec.structs.replace(line, slope=slope * line.slope, intercept=intercept)
        return msgspec.structs.replace(model, calibration=turned)

    def off_by(dealt: ScoreModel) -> float:
        scores = np.array([dealt.probability(row) for row in table.rows])
        return abs(area_under(scores, table.answered, table.who).value - 0.5)

    dealt = [
        msgspec.structs.replace(model, form=_dealt_anew(model.form, seed)) for seed in range(_DEALS)
    ]
    return {
        "shuffled": min(dealt, key=off_by),
        "overconfident": about_the_mean(TOO_SURE),
        "upside down": about_the_mean(-1.0),
    }


def _dealt_anew(form: Form, seed: int) -> Form:
    luck = np.random.default_rng(seed)
    if isinstance(form, Scorecard):
        points = [p for column in form.columns for p in column.points]
        dealt = iter(luck.permutation(points).tolist())
        columns = tuple(
            msgspec.structs.replace(column, points=tuple(next(dealt) for _ in column.points))
            for column in form.columns
        )
        return msgspec.structs.replace(form, columns=columns)
    values = [
        v for tree in form.trees for v, c in zip(tree.value, tree.column, strict=True) if c < 0
    ]
    dealt = iter(luck.permutation(values).tolist())

    def changed(tree: Tree) -> Tree:
        new = tuple(next(dealt) if column < 0 else 0.0 for column in tree.column)
        return msgspec.structs.replace(tree, value=new)

    return msgspec.structs.replace(form, trees=tuple(changed(tree) for tree in form.trees))


def _scores(model: ScoreModel, table: Table) -> np.ndarray:
    return np.array([model.probability(row) for row in table.rows])


def as_trained(model: ScoreModel, table: Table) -> tuple[ScoreModel, np.ndarray]:
    """With the scores that it gives these attempts in its file; and the scores."""
    scores = _scores(model, table)
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, 11)[1:-1]))
    bins = np.bincount(np.searchsorted(edges, scores, side="right"), minlength=len(edges) + 1)
    borders = class_edges(scores.tolist(), SCORE_CLASSES)[1:] or (0.5,)
    place = np.searchsorted(np.array(borders), scores, side="right")
    rates = tuple(float(scores[place == c].mean()) for c in range(len(borders) + 1))
    return msgspec.structs.replace(
        model,
        reference=Shares(tuple(map(float, edges)), tuple(map(float, bins / bins.sum()))),
        classes=Classes(borders, rates),
    ), scores


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("calls", type=Path, help="a journal or a CSV: attempts to spoil it on")
    parser.add_argument("--scores", default="none,trained,shuffled,overconfident,upside down")
    parser.add_argument("--agents", type=int, default=6)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--zone", default="America/New_York")
    args = parser.parse_args(argv)
    try:
        model = load_model(args.model.read_bytes(), str(args.model))
        table = table_of(read_attempts(args.calls, args.zone))
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    recent = table.part(max(0, len(table) - _LOOKED_AT), len(table))
    models: dict[str, ScoreModel | None] = {"none": None, "trained": model}
    models |= spoiled(model, recent)
    case = LIBRARY.case("people", campaign=LOOKAHEAD, agents=args.agents, hours=args.hours)
    print("score, AUC on records: occupancy, abandonment, days over 3 % (95 %), promises broken")
    for name in args.scores.split(","):
        told, area = models[name], ""
        if told is not None:
            told, scores = (
                (told, _scores(told, table)) if told is model else as_trained(told, table)
            )
            area = f", {area_under(scores, table.answered, table.who).value:.3f}"
        scored = dataclasses.replace(case, score=told)
        days = [run_case(scored, args.first_seed + n) for n in range(args.days)]
        print(f"{name}{area}: {_figures(days)}", flush=True)


def _figures(days: list[Replication]) -> str:
    one_se = 0.6827
    figures = [day.figures for day in days]
    occupancy = mean_of([f.occupancy for f in figures], one_se)
    abandoned, answered = [f.abandoned for f in figures], [f.answered for f in figures]
    abandonment = ratio_of(abandoned, answered, one_se)
    over = sum(f.abandonment > LIMIT for f in figures)
    low, high = wilson(over, len(days))
    broken = sum(sum(day.violations.values()) for day in days)
    return (
        f"{occupancy.mean:.3f} ± {occupancy.half_width or 0:.3f}, "
        f"{abandonment.mean:.4f} ± {abandonment.half_width or 0:.4f}, "
        f"{over} of {len(days)} ({low:.2f} to {high:.2f}), {broken}"
    )


if __name__ == "__main__":
    main()
