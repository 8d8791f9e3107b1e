"""How good a score is: what it tells apart, and whether its numbers are true.

The rule of this module: figures come with their certainty, and attempts of one contact are not
taken for independent ones.

Sources: Brier, Monthly Weather Review 78, 1950; DeLong et al. and Obuchowski, Biometrics 44, 1988
and 53, 1997 (area under the ROC curve, and with clusters); Cox, Biometrika 45, 1958 (calibration
line).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialer.score.drift import stability
from dialer.score.model import Shares
from sim.statistics import LEVEL, wilson

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LEAST = 1e-6


class Area(NamedTuple):
    """Area under the ROC curve: P(who answers has a higher score than who does not)."""

    value: float
    low: float
    high: float


class Bin(NamedTuple):
    """Attempts of a range of scores, or of an hour: their mean score, and the share answered with
    its interval."""

    start: float
    end: float
    attempts: int
    mean_score: float
    answered: float
    low: float
    high: float


class Judgement(NamedTuple):
    """All that is said of a score.

    brier, base_brier: mean squared error, and that of saying the base rate each time.
    log_loss, base_log_loss: likewise, in nats. slope, intercept: of the line through log odds that
    would make the score true; 1 and 0 where it is, a slope under 1 where it is overconfident.
    best: the area of a score that knew the people, where they were simulated.
    """

    attempts: int
    answers: int
    area: Area
    brier: float
    base_brier: float
    log_loss: float
    base_log_loss: float
    slope: float
    intercept: float
    bins: tuple[Bin, ...]
    hours: tuple[Bin, ...]
    drift: float
    best: Area | None = None

    @property
    def base_rate(self) -> float:
        return self.answers / self.attempts


def area_under(scores: Numbers, answered: Flags, who: Sequence[str], level: float = LEVEL) -> Area:
    """The area with its interval. who: whose attempt each is; one of nobody's stands alone."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    positives, negatives = int(answered.sum()), int((~answered).sum())
    ranks = rankdata(scores)
    placement = np.empty(len(scores))
    placement[answered] = (ranks[answered] - rankdata(scores[answered])) / negatives
    placement[~answered] = 1 - (ranks[~answered] - rankdata(scores[~answered])) / positives
    area = float(placement[answered].mean())
    own = [name or f"\0{place}" for place, name in enumerate(who)]
    _, cluster = np.unique(own, return_inverse=True)
    excess = placement - area
    above = np.bincount(cluster, excess * answered)
    below = np.bincount(cluster, excess * ~answered)
    clusters = len(above)
    spread = above / positives + below / negatives
    variance = float(spread @ spread) * clusters / max(1, clusters - 1)
    half = float(ndtri((1 + level) / 2)) * variance**0.5
    return Area(area, max(0.0, area - half), min(1.0, area + half))


def log_losses(scores: Numbers, answered: Flags) -> Numbers:
    """The log loss of each attempt, in nats."""
    sure = np.clip(scores, _LEAST, 1 - _LEAST)
    losses: Numbers = -np.where(answered, np.log(sure), np.log1p(-sure))
    return losses


def judge(
    scores: Numbers,
    answered: Flags,
    who: Sequence[str],
    hours: Sequence[float | None],
    reference: Shares,
) -> Judgement:
    """Judge scores of attempts of which some were answered and some not.

    hours: on each callee's clock. reference: scores in training.
    """
    base = np.full(len(scores), answered.mean())
    slope, intercept = calibration_line(scores, answered)
    counts = [0] * len(reference.shares)
    for score in scores.tolist():
        counts[reference.place(score)] += 1
    return Judgement(
        len(scores),
        int(answered.sum()),
        area_under(scores, answered, who),
        float(np.mean((scores - answered) ** 2)),
        float(np.mean((base - answered) ** 2)),
        float(log_losses(scores, answered).mean()),
        float(log_losses(base, answered).mean()),
        slope,
        intercept,
        tuple(_tenths(scores, answered)),
        tuple(_by_hour(scores, answered, hours)),
        stability(reference.shares, counts),
    )


def calibration_line(scores: Numbers, answered: Flags) -> tuple[float, float]:
    """Slope and intercept of the log odds of an answer on those of the score (Newton's method)."""
    x = np.log(np.clip(scores, _LEAST, 1 - _LEAST))
    x = x - np.log1p(-np.clip(scores, _LEAST, 1 - _LEAST))
    if np.ptp(x) < 1e-9:
        share = float(answered.mean())
        return 0.0, float(np.log(share / (1 - share)))
    design = np.column_stack([np.ones(len(x)), x])
    share = float(answered.mean())
    line = np.array([np.log(share / (1 - share)), 0.0])
    loss = _line_loss(design @ line, answered)
    for _ in range(100):
        expected = 1 / (1 + np.exp(-np.clip(design @ line, -30, 30)))
        weight = np.maximum(expected * (1 - expected), 1e-9)
        # A trace of ridge keeps what is perfectly told apart from running away.
        curvature = design.T @ (design * weight[:, None]) + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (answered - expected))
        while (ahead := _line_loss(design @ (line + step), answered)) > loss:
            step = step / 2
            if float(np.abs(step).max()) < 1e-9:
                return float(line[1]), float(line[0])
        line, gained, loss = line + step, loss - ahead, ahead
        if gained < 1e-10 * len(x):
            break
    return float(line[1]), float(line[0])


def _line_loss(odds: Numbers, answered: Flags) -> float:
    return float(np.sum(np.logaddexp(0, odds) - odds * answered))


def _tenths(scores: Numbers, answered: Flags) -> list[Bin]:
    """Bins of as many attempts each; fewer where scores repeat."""
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, 11)))
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, max(0, len(edges) - 2))
    ends = edges[1:] if len(edges) > 1 else edges
    return [
        _bin(float(edges[b]), float(ends[b]), scores[place == b], answered[place == b])
        for b in range(len(ends))
        if (place == b).any()
    ]


def _by_hour(scores: Numbers, answered: Flags, hours: Sequence[float | None]) -> list[Bin]:
    of_hour = np.array([-1 if hour is None else int(hour) for hour in hours])
    return [
        _bin(float(hour), float(hour + 1), scores[of_hour == hour], answered[of_hour == hour])
        for hour in sorted({*of_hour.tolist()} - {-1})
    ]


def _bin(start: float, end: float, scores: Numbers, answered: Flags) -> Bin:
    answers, attempts = int(answered.sum()), len(answered)
    low, high = wilson(answers, attempts)
    return Bin(start, end, attempts, float(scores.mean()), answers / attempts, low, high)
