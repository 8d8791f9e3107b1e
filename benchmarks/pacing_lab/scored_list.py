"""A list whose records carry a calibrated answer score.

The rule of this module: a score is P(a person answers) given what is known of the record, so the
record's fate is drawn from the score itself; how far scores spread is set by their AUC. Features
of answerers and others are two normals of variance 1, d apart: AUC = Phi(d / sqrt 2), and by Bayes'
rule the log odds of a record with feature x are logit(live) + d x - d^2 / 2.
"""

from bisect import bisect_right
from math import sqrt

import numpy as np
from scipy.special import expit, logit, ndtri

from benchmarks.pacing_lab.world import World
from dialer.pacing.answer_buffer import AnswerBuffer, class_edges

_SAMPLE = 20_000
_BLOCK = 1024


def scores(world: World, generator: np.random.Generator, size: int) -> list[float]:
    """Scores of the list's next records."""
    live = world.mixes[0].live
    distance = float(ndtri(world.auc)) * sqrt(2)
    answers = generator.random(size) < live
    feature = generator.standard_normal(size) + distance * answers
    drawn: list[float] = expit(logit(live) + distance * feature - distance**2 / 2).tolist()
    return drawn


def classes_of(world: World, classes: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Borders of score classes of equal size, and the mean score of each class."""
    sample = scores(world, np.random.default_rng(0), _SAMPLE)
    edges = class_edges(sample, classes)
    place = np.searchsorted(edges, sample, side="right")
    means = [float(np.mean(np.asarray(sample)[place == c])) for c in range(len(edges) + 1)]
    return edges, tuple(means)


class ScoredList:
    """An endless list, dialed through a buffer of records."""

    def __init__(self, world: World, classes: int, seed: int) -> None:
        self._world = world
        self._generator = np.random.default_rng([seed, 1])
        self._edges, self.means = classes_of(world, classes)
        self._block: list[float] = []
        self._buffer: AnswerBuffer[None] = AnswerBuffer()
        self._fill()

    def classes(self) -> list[int]:
        """Score classes of what is buffered, ascending."""
        return [bisect_right(self._edges, score) for score in self._buffer.scores()]

    def take(self, *, best: bool) -> tuple[int, float]:
        """The record to dial: its class and P(a person answers)."""
        score = self._buffer.take(best=best).score
        self._fill()
        return bisect_right(self._edges, score), score

    def _fill(self) -> None:
        for _ in range(self._buffer.missing):
            if not self._block:
                self._block = scores(self._world, self._generator, _BLOCK)
            self._buffer.put(None, self._block.pop())
