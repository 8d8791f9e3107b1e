"""A model from recorded attempts.

The rule of this module: time orders everything. The forms are fitted on the first part of the
attempts, calibrated on the next and judged on the last; the winner is then fitted once more, on
all but the last part, and calibrated on that. The simple form wins unless the other is better by
more than chance.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dialer.errors import InputError
from dialer.pacing.answer_buffer import class_edges
from dialer.score.model import (
    Calibration,
    Classes,
    Column,
    Form,
    ScoreModel,
    Shares,
    Trained,
)
from sim.score.forms import SCORECARD, TREES, fit_scorecard, fit_trees, log_odds
from sim.score.judging import (
    Area,
    Flags,
    Numbers,
    area_under,
    calibration_line,
    log_losses,
)
from sim.score.table import Table, columns_of, matrix_of

FEWEST_ATTEMPTS = 500
FEWEST_OF_A_KIND = 30
"""Attempts that were answered, and that were not."""
SCORE_CLASSES = 8
FORMS = (SCORECARD, TREES)

_FITTED, _CALIBRATED = 0.6, 0.8
_BINS = 10
_LOOKED_AT = 2000
_SURELY = 2.0
"""Standard errors by which the trees must be better."""


class Tried(NamedTuple):
    """A form on the hold-out. log_loss: in nats. better: log loss under the base rate's, and its
    standard error."""

    name: str
    area: Area
    log_loss: float
    better: float
    better_se: float


class Training(NamedTuple):
    """A model and how it came about.

    held_out: attempts on which the forms were compared. matters: by feature, how much of the area
    under the curve is lost on them when it is shuffled. notes: what a person should know.
    """

    model: ScoreModel
    form: str
    tried: tuple[Tried, ...]
    held_out: int
    matters: dict[str, float]
    notes: tuple[str, ...]


def train(table: Table, source: str, form: str = "") -> Training:
    """Train on attempts. form: of FORMS; "" lets the better one win.

    Raises:
        InputError: there are too few attempts, or too few of them were (or were not) answered.
    """
    _enough(table, source)
    first, second = int(_FITTED * len(table)), int(_CALIBRATED * len(table))
    fitted, later, last = (
        table.part(0, first),
        table.part(first, second),
        table.part(second, len(table)),
    )
    for part in (fitted, later, last):
        if part.answered.all() or not part.answered.any():
            raise InputError(source, "answers lie in one part of the time only", "give more days")
    columns = columns_of(fitted)
    if not columns:
        raise InputError(source, "all attempts look alike", "give numbers, contacts or zones")
    base = float(np.concatenate([fitted.answered, later.answered]).mean())
    base_losses = log_losses(np.full(len(last), base), last.answered)
    tried, losses = [], {}
    for name in FORMS if not form else (form,):
        made = _fit(name, columns, fitted)
        calibration = _calibrated(made, columns, later)
        scores = _scores(made, calibration, columns, last)
        losses[name] = log_losses(scores, last.answered)
        gain = base_losses - losses[name]
        tried.append(
            Tried(
                name,
                area_under(scores, last.answered, last.who),
                float(losses[name].mean()),
                float(gain.mean()),
                _se(gain),
            )
        )
    chosen = form or _chosen(losses)
    winner = next(each for each in tried if each.name == chosen)
    model = _whole(chosen, table, second, source)
    matters = _matters(model, last)
    return Training(
        model, chosen, tuple(tried), len(last), matters, tuple(_notes(model, winner, table))
    )


def _enough(table: Table, source: str) -> None:
    answers = int(table.answered.sum()) if len(table) else 0
    others = len(table) - answers
    if not len(table):
        raise InputError(source, "no attempt tells whether a person answers", "give other attempts")
    if not answers or not others:
        which = "was answered by a person" if not answers else "failed to reach a person"
        raise InputError(source, f"none of {len(table):,} attempts {which}", "give other attempts")
    if len(table) < FEWEST_ATTEMPTS or min(answers, others) < FEWEST_OF_A_KIND:
        raise InputError(
            source,
            f"{len(table):,} attempts with {answers:,} answers are too few",
            f"give {FEWEST_ATTEMPTS}, with {FEWEST_OF_A_KIND} answered and as many not",
        )


def _fit(name: str, columns: Sequence[Column], table: Table) -> Form:
    matrix = matrix_of(columns, table.rows)
    if name == SCORECARD:
        return fit_scorecard(columns, matrix, table.answered)
    return fit_trees(matrix, table.answered)


def _calibrated(form: Form, columns: Sequence[Column], table: Table) -> Calibration:
    """Platt's line on later attempts; a form that is worse than none is made to say nothing."""
    odds = log_odds(form, matrix_of(columns, table.rows))
    slope, intercept = calibration_line(_probability(odds), table.answered)
    if slope <= 0:
        share = float(table.answered.mean())
        return Calibration(0.0, float(np.log(share / (1 - share))))
    return Calibration(slope, intercept)


def _probability(odds: Numbers) -> Numbers:
    probability: Numbers = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return probability


def _scores(
    form: Form, calibration: Calibration, columns: Sequence[Column], table: Table
) -> Numbers:
    odds = log_odds(form, matrix_of(columns, table.rows))
    return _probability(calibration.intercept + calibration.slope * odds)


def _chosen(losses: dict[str, Numbers]) -> str:
    gain = losses[SCORECARD] - losses[TREES]
    return TREES if float(gain.mean()) > _SURELY * _se(gain) else SCORECARD


def _se(values: Numbers) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5)


def _whole(name: str, table: Table, second: int, source: str) -> ScoreModel:
    """The model to keep, of all attempts but the last part, which calibrates it."""
    early, late = table.part(0, second), table.part(second, len(table))
    columns = columns_of(early)
    form = _fit(name, columns, early)
    calibration = _calibrated(form, columns, late)
    recent = _scores(form, calibration, columns, late)
    edges = np.unique(np.quantile(recent, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.bincount(np.searchsorted(edges, recent, side="right"), minlength=len(edges) + 1)
    borders = class_edges(recent.tolist(), SCORE_CLASSES)
    place = np.searchsorted(np.array(borders), recent, side="right")
    kept = [c for c in range(len(borders) + 1) if (place == c).any()]
    rates = tuple(float(recent[place == c].mean()) for c in kept)
    # A border that no score lies under parts nothing.
    borders = tuple(borders[c - 1] for c in kept[1:])
    return ScoreModel(
        "foredial-answer-score",
        1,
        columns,
        form,
        calibration,
        Shares(tuple(map(float, edges)), tuple(map(float, bins / bins.sum()))),
        Classes(borders, rates),
        Trained(
            len(table),
            int(table.answered.sum()),
            float(table.at[0]),
            float(table.at[-1]),
            source,
        ),
    )


def _matters(model: ScoreModel, table: Table) -> dict[str, float]:
    """What the area under the curve loses when one column is shuffled among attempts."""
    columns, luck = model.columns, np.random.default_rng(0)
    matrix = matrix_of(columns, table.rows)[-_LOOKED_AT:]
    answered, who = table.answered[-_LOOKED_AT:], table.who[-_LOOKED_AT:]
    if answered.all() or not answered.any():
        return {}
    whole = _area(model.form, matrix, answered, who)
    lost = {}
    for j, column in enumerate(columns):
        mixed = matrix.copy()
        mixed[:, j] = luck.permutation(mixed[:, j])
        lost[column.name] = whole - _area(model.form, mixed, answered, who)
    return dict(sorted(lost.items(), key=lambda each: -each[1]))


def _area(form: Form, matrix: Numbers, answered: Flags, who: Sequence[str]) -> float:
    return area_under(log_odds(form, matrix), answered, who).value


def _notes(model: ScoreModel, winner: Tried, table: Table) -> list[str]:
    notes = []
    if winner.better <= _SURELY * winner.better_se:
        notes.append("no better than the base rate on later attempts: do not dial by it")
    if not any(table.who):
        notes.append("no contact or number is known, so nothing is known of the past of any")
    missing = [
        name
        for name, unknown in (
            ("the hour", all(row["hour"] is None for row in table.rows)),
            ("the kind of number", all(row["kind"] is None for row in table.rows)),
            ("the age of the list", all(row["list_age_days"] is None for row in table.rows)),
        )
        if unknown
    ]
    if missing:
        notes.append(f"not recorded: {', '.join(missing)}")
    if model.calibration.slope == 0:
        notes.append("on later attempts its order was wrong: it says the base rate to all")
    return notes
