"""A trained answer score: the form in which it is kept, and how it is applied.

The rule of this module: a model's file is JSON that holds numbers and names, is checked whole
before it is used, and cannot make the reader run anything or go round in circles.

Two forms give the log odds of an answer: a scorecard, which adds points for the bin that each
feature falls into, and boosted trees. A calibration (Platt: a line through the log odds, fitted on
later attempts than the form) makes a probability of them.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from math import exp, isfinite
from typing import Literal

import msgspec

from dialer.errors import InputError
from dialer.score.features import FEATURES, MEASURED, Value, features
from dialer.score.past import Past

_MOST_LOG_ODDS = 30.0
_MOST_TREES, _MOST_NODES = 2000, 4095
_CERTAIN = 1e-4
"""No score says never or always."""

Vector = Sequence[float | None]
"""The features of a dial in the order of the model's columns; None where one is not known."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Any part of a model's file."""


class Column(Part, frozen=True):
    """One feature. levels: of a word, those that are told apart, the least answered first; the
    place among them is its number."""

    name: str
    levels: tuple[str, ...] = ()


class Points(Part, frozen=True):
    """What a column adds to the log odds. points: one for each bin between edges, so one more than
    edges. unknown: where the feature is not known."""

    edges: tuple[float, ...]
    points: tuple[float, ...]
    unknown: float


class Scorecard(Part, frozen=True, tag="scorecard", tag_field="form"):
    """A logistic regression on bins. columns: in the order of the model's."""

    intercept: float
    columns: tuple[Points, ...]

    def log_odds(self, vector: Vector) -> float:
        total = self.intercept
        for value, points in zip(vector, self.columns, strict=True):
            if value is None:
                total += points.unknown
            else:
                total += points.points[bisect_right(points.edges, value)]
        return total

    def faults(self, columns: int) -> Iterator[str]:
        if len(self.columns) != columns:
            yield f"{len(self.columns)} lists of points for {columns} columns"
        for points in self.columns:
            if len(points.points) != len(points.edges) + 1:
                yield "a column needs one point more than it has edges"
            if list(points.edges) != sorted(set(points.edges)):
                yield "edges do not rise"


class Tree(Part, frozen=True):
    """Nodes in lists, the root first. column: which one a node asks about, -1 for a leaf. A value
    that is not above the threshold goes left. left, right: places of the nodes below, each after
    its parent's own. unknown_left: where it goes if it is not known. value: of a leaf."""

    column: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    unknown_left: tuple[bool, ...]
    value: tuple[float, ...]

    def leaf(self, vector: Vector) -> float:
        node = 0
        while (column := self.column[node]) >= 0:
            value = vector[column]
            goes_left = self.unknown_left[node] if value is None else value <= self.threshold[node]
            node = self.left[node] if goes_left else self.right[node]
        return self.value[node]

    def faults(self, columns: int) -> Iterator[str]:
        size = len(self.column)
        lists = (self.threshold, self.left, self.right, self.unknown_left, self.value)
        if not 0 < size <= _MOST_NODES or any(len(each) != size for each in lists):
            yield f"a tree's lists must be as long as each other, 1 to {_MOST_NODES}"
            return
        for node, column in enumerate(self.column):
            if not -1 <= column < columns:
                yield f"a tree asks about column {column}"
            below = (self.left[node], self.right[node])
            if column >= 0 and not all(node < each < size for each in below):
                yield "a tree's node does not lead down"


class Trees(Part, frozen=True, tag="trees", tag_field="form"):
    """A sum of trees."""

    intercept: float
    trees: tuple[Tree, ...]

    def log_odds(self, vector: Vector) -> float:
        return self.intercept + sum([tree.leaf(vector) for tree in self.trees])

    def faults(self, columns: int) -> Iterator[str]:
        if len(self.trees) > _MOST_TREES:
            yield f"more than {_MOST_TREES} trees"
        for tree in self.trees:
            yield from tree.faults(columns)


Form = Scorecard | Trees


class Calibration(Part, frozen=True):
    """Log odds of an answer = intercept + slope x what the form says."""

    slope: float = 1.0
    intercept: float = 0.0


class Shares(Part, frozen=True):
    """Scores in training: borders of bins, and the share of attempts in each (one more)."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    def place(self, score: float) -> int:
        """The bin of a score."""
        return bisect_right(self.edges, score)


class Classes(Part, frozen=True):
    """Classes of scores that a pacer tells apart: borders, and the mean score in each."""

    edges: tuple[float, ...]
    rates: tuple[float, ...]

    def of(self, score: float) -> int:
        return bisect_right(self.edges, score)


class Trained(Part, frozen=True):
    """What it was trained on. from_at, until_at: the first and the last dial, epoch seconds."""

    attempts: int
    answers: int
    from_at: float
    until_at: float
    source: str = ""

    @property
    def base_rate(self) -> float:
        return self.answers / self.attempts if self.attempts else 0.0


class ScoreModel(Part, frozen=True):
    """A model, as its file holds it."""

    format: Literal["foredial-answer-score"]
    version: Literal[1]
    columns: tuple[Column, ...]
    form: Form
    calibration: Calibration
    reference: Shares
    classes: Classes
    trained: Trained

    def vector(self, known: Mapping[str, Value]) -> list[float | None]:
        """Features as numbers, in the order of the columns."""
        found: list[float | None] = []
        for column in self.columns:
            value = known.get(column.name)
            if isinstance(value, str):
                # A word that training had not, or too seldom, tells nothing.
                levels = column.levels
                found.append(float(levels.index(value)) if value in levels else None)
            else:
                found.append(value)
        return found

    def probability(self, known: Mapping[str, Value]) -> float:
        """P(a person answers), never quite 0 or 1."""
        log_odds = self.form.log_odds(self.vector(known))
        line = self.calibration.intercept + self.calibration.slope * log_odds
        line = min(_MOST_LOG_ODDS, max(-_MOST_LOG_ODDS, line))
        return min(1 - _CERTAIN, max(_CERTAIN, 1 / (1 + exp(-line))))

    def score(self, at: float, number: str, zone: str, past: Past) -> float:
        """P(a person answers a dial). See `features` for the arguments."""
        return self.probability(features(at, number, zone, past))


def load_model(data: bytes, name: str) -> ScoreModel:
    """Read a model's file. name: what errors call it.

    Raises:
        InputError: it is none, is of a later version, or does not hold together.
    """
    mend = "make one with: run.py score train CALLS -o FILE"
    try:
        model = msgspec.json.decode(data, type=ScoreModel)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(name, f"it is no answer score: {error}", mend) from None
    for fault in _faults(model):
        raise InputError(name, f"it is no answer score: {fault}", mend)
    return model


def model_text(model: ScoreModel) -> bytes:
    """The model's file: JSON, a line for each entry of its lists but the innermost."""
    return msgspec.json.format(msgspec.json.encode(model), indent=1) + b"\n"


def _faults(model: ScoreModel) -> Iterator[str]:
    names = [column.name for column in model.columns]
    for column in model.columns:
        if column.name not in FEATURES:
            yield f"there is no feature {column.name!r}"
        if column.name in MEASURED and column.levels:
            yield f"{column.name} is a number and has no levels"
    if len(set(names)) < len(names):
        yield "a feature stands there twice"
    yield from model.form.faults(len(model.columns))
    for what, edges, values in (
        ("reference", model.reference.edges, model.reference.shares),
        ("classes", model.classes.edges, model.classes.rates),
    ):
        if len(values) != len(edges) + 1 or list(edges) != sorted(edges):
            yield f"{what}: edges must rise, with one value more than there are edges"
        if not all(0 <= value <= 1 for value in values):
            yield f"{what}: shares and rates are from 0 to 1"
    # JSON has no infinity, but 1e999 reads as one.
    if not all(isfinite(number) for number in _numbers(msgspec.to_builtins(model))):
        yield "a number in it is infinite"


def _numbers(held: object) -> Iterator[float]:
    if isinstance(held, float):
        yield held
    elif isinstance(held, dict):
        for value in held.values():
            yield from _numbers(value)
    elif isinstance(held, (list, tuple)):
        for value in held:
            yield from _numbers(value)
