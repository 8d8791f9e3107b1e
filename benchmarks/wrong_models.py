"""Spoils an answer score in three ways, to see what a campaign makes of it.

    python -m benchmarks.wrong_models people.json week

writes people-shuffled.json, people-overconfident.json and people-upside-down.json beside it. What
each says of the recorded attempts is put into its file as if it had been trained so: a campaign
believes it until answers tell otherwise. docs/scores.md has what came of them.
"""

import argparse
import sys
from pathlib import Path

import msgspec
import numpy as np

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
    model_text,
)
from sim.score.judging import area_under
from sim.score.reading import read_attempts
from sim.score.table import Table, table_of
from sim.score.training import SCORE_CLASSES

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
        "upside-down": about_the_mean(-1.0),
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


def as_trained(model: ScoreModel, table: Table) -> tuple[ScoreModel, np.ndarray]:
    """With the scores that it gives these attempts in its file; and the scores."""
    scores = np.array([model.probability(row) for row in table.rows])
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
    parser.add_argument("calls", type=Path)
    parser.add_argument("--zone", default="America/New_York")
    args = parser.parse_args(argv)
    try:
        model = load_model(args.model.read_bytes(), str(args.model))
        table = table_of(read_attempts(args.calls, args.zone))
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    for name, wrong in spoiled(model, table.part(len(table) - _LOOKED_AT, len(table))).items():
        file = args.model.with_name(f"{args.model.stem}-{name}.json")
        written, scores = as_trained(wrong, table)
        file.write_bytes(model_text(written))
        area = area_under(scores, table.answered, table.who)
        print(f"{file}: AUC {area.value:.3f}, mean score {scores.mean():.3f}")


if __name__ == "__main__":
    main()
