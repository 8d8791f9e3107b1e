"""Wrong scores are as wrong as their names say."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.pacing_lab.world import WORLDS
from benchmarks.wrong_scores import KINDS, SaidList, day

WORLD = replace(WORLDS["base"], auc=0.85)


def truth_by_class(kind: str) -> tuple[SaidList, list[float]]:
    records = SaidList(WORLD, kind, 3)
    rng = np.random.default_rng(1)
    taken = [records.take(best=bool(rng.random() < 0.5)) for _ in range(6000)]
    classes = range(len(records.means))
    return records, [float(np.mean([t for c, t in taken if c == k])) for k in classes]


def test_a_true_score_says_what_is_so() -> None:
    records, truth = truth_by_class("true")
    assert truth == pytest.approx(records.means, abs=0.02)


def test_a_shuffled_score_says_nothing() -> None:
    _, truth = truth_by_class("shuffled")
    assert truth == pytest.approx([0.25] * len(truth), abs=0.04)


def test_an_overconfident_score_says_too_much_and_an_inverted_one_the_opposite() -> None:
    records, truth = truth_by_class("overconfident")
    assert records.means[0] < 0.3 * truth[0]
    assert records.means[-1] > 1.2 * truth[-1]
    _, inverted = truth_by_class("upside down")
    assert inverted[0] > 0.6
    assert inverted[-1] < 0.02


@pytest.mark.parametrize("kind", ["none", *KINDS])
def test_a_day_can_be_dialed_by_each(kind: str) -> None:
    assert 0 < day(kind, 4, 1, 0.1, 0.85).occupancy < 1
