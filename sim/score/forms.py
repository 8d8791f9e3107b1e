"""The forms that compete to be a score, each fitted by scikit-learn and written down plainly.

The rule of this module: what is written down gives what scikit-learn gave, and that is checked on
every fit, since a tree's nodes are read from where scikit-learn keeps them for itself.
"""

from collections.abc import Sequence
from math import isnan
from typing import Any

import numpy as np

from dialer.score.model import Column, Form, Points, Scorecard, Tree, Trees, Vector
from sim.score.judging import Flags, Numbers
from sim.score.table import edges_of

SCORECARD, TREES = "scorecard", "trees"

_FIRM = 1.0
"""How far points may stray: their variance under the ridge's prior."""
_TREES, _LEAVES, _FEWEST_OF_A_LEAF = 60, 8, 60
_HIGHEST = 1e300
"""In place of a threshold that nothing is above; JSON has no infinity."""
_CHECKED = 300


def fit_scorecard(columns: Sequence[Column], matrix: Numbers, answered: Flags) -> Form:
    """A logistic regression on the bins of each column, with a ridge."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    edges = [np.array(edges_of(c, matrix[:, j])) for j, c in enumerate(columns)]
    bins = [len(each) + 2 for each in edges]
    starts = np.concatenate(([0], np.cumsum(bins)))
    place = np.empty(matrix.shape, dtype=np.int64)
    for j, each in enumerate(edges):
        known = ~np.isnan(matrix[:, j])
        place[:, j] = starts[j + 1] - 1  # of what is not known
        place[known, j] = starts[j] + np.searchsorted(each, matrix[known, j], side="right")
    rows, columns_of = matrix.shape
    ones = csr_matrix(
        (np.ones(place.size), place.ravel(), np.arange(0, place.size + 1, max(1, columns_of))),
        shape=(rows, int(starts[-1])),
    )
    fitted = LogisticRegression(C=_FIRM, max_iter=500).fit(ones, answered)
    points = fitted.coef_[0]
    card = Scorecard(
        float(fitted.intercept_[0]),
        tuple(
            Points(
                tuple(map(float, edges[j])),
                tuple(map(float, points[starts[j] : starts[j + 1] - 1])),
                float(points[starts[j + 1] - 1]),
            )
            for j in range(columns_of)
        ),
    )
    _same(card, matrix, fitted.decision_function(ones[:_CHECKED]))
    return card


def fit_trees(matrix: Numbers, answered: Flags) -> Form:
    """Gradient boosting of small trees."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    booster = HistGradientBoostingClassifier(
        max_iter=_TREES,
        learning_rate=0.15,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=_FEWEST_OF_A_LEAF,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=0,
    )
    # Trees this small are done before a second thread has begun.
    with threadpool_limits(1):
        fitted = booster.fit(matrix, answered)
    intercept = float(np.asarray(fitted._baseline_prediction).ravel()[0])
    trees = tuple(_tree(stage[0].nodes) for stage in fitted._predictors)
    form = Trees(intercept, trees)
    _same(form, matrix, fitted.decision_function(matrix[:_CHECKED]))
    return form


def _tree(nodes: Any) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    column = np.where(leaf, -1, nodes["feature_idx"].astype(int))
    return Tree(
        tuple(column.tolist()),
        tuple(np.clip(np.where(leaf, 0.0, nodes["num_threshold"]), -_HIGHEST, _HIGHEST).tolist()),
        tuple(nodes["left"].astype(int).tolist()),
        tuple(nodes["right"].astype(int).tolist()),
        tuple(nodes["missing_go_to_left"].astype(bool).tolist()),
        tuple(np.where(leaf, nodes["value"], 0.0).tolist()),
    )


def vectors(matrix: Numbers) -> list[Vector]:
    """Rows as a form reads them."""
    return [[None if isnan(x) else x for x in row] for row in matrix.tolist()]


def log_odds(form: Form, matrix: Numbers) -> Numbers:
    return np.array([form.log_odds(vector) for vector in vectors(matrix)])


def _same(form: Form, matrix: Numbers, expected: Numbers) -> None:
    ours = log_odds(form, matrix[:_CHECKED])
    if not np.allclose(ours, expected, atol=1e-6):
        raise RuntimeError("a score written down is not the score that was fitted: a bug of ours")
