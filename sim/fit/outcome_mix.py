"""What dials come to: shares of outcomes, over the day, and how answers bunch.

The rule of this module: a call that we cancelled might have come to anything, so those that went
on as long speak for it (inverse-probability-of-censoring weights); a share of live answers in the
records is what answered within the ringing time, and is turned back into the scenario's.

Sources: Robins and Rotnitzky 1992 (weights); Griffiths, Biometrics 29, 1973 (beta-binomial).
"""

from collections.abc import Sequence
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.fit.dayparts import Dayparts, share_parts
from sim.fit.records import CallRecord
from sim.fit.samples import Numbers
from sim.traits import OUTCOMES

PERIODS_S = (300, 600, 900, 1200, 1800, 3600)
"""Bursts are looked for at these lengths."""

_SURE = 0.01
_HEAVIEST = 20.0


class Mix(NamedTuple):
    """Shares of outcomes as recorded, for each part of the day. dispersion: of live answers."""

    parts: Dayparts
    shares: tuple[dict[str, float], ...]
    dispersion: float


class Burst(NamedTuple):
    """Answers bunch in periods of every_s with this cv. p_value: of there being no bursts."""

    every_s: int
    cv: float
    p_value: float


def censoring_weights(calls: Sequence[CallRecord]) -> Numbers:
    """One weight a call: 0 where its outcome was cut off, more than 1 where others' were."""
    kinds = np.asarray([bool(record.kind) for record in calls])
    if kinds.all():
        return np.ones(len(calls))
    decided_s = np.asarray([_decided_s(record) for record in calls])
    order = np.lexsort((~kinds, decided_s))
    at_risk = np.arange(len(calls), 0, -1, dtype=float)
    cut_here = ~kinds[order]
    # Kaplan-Meier of the cutting; a call is weighted by the chance of not having been cut before.
    stay = np.cumprod(np.where(cut_here, 1 - 1 / at_risk, 1.0))
    before = np.concatenate([[1.0], stay[:-1]])
    weights = np.zeros(len(calls))
    weights[order] = np.where(cut_here, 0.0, np.minimum(1 / np.maximum(before, 1e-9), _HEAVIEST))
    return weights


def _decided_s(record: CallRecord) -> float:
    at = record.answered_at or record.ended_at or record.dialed_at
    return at - record.dialed_at


def mix_of(
    calls: Sequence[CallRecord], weights: Numbers, seconds: Numbers, days: NDArray[np.int_]
) -> Mix:
    """The outcome mix of the day, cut where the share of live answers changes."""
    index = {name: place for place, name in enumerate(OUTCOMES)}
    kinds = np.asarray([index.get(record.kind, -1) for record in calls])
    live = weights * (kinds == 0)
    parts, dispersion = share_parts(seconds, days, live, weights)
    part = np.asarray([parts.part_of(second) for second in seconds])
    table = np.zeros((len(parts.starts), len(OUTCOMES)))
    known = kinds >= 0
    np.add.at(table, (part[known], kinds[known]), weights[known])
    # The others keep their proportions over the day, which the whole day tells best.
    others = table[:, 1:].sum(axis=0)
    proportion = others / others.sum() if others.sum() else np.zeros(len(others))
    shares = []
    for row in table:
        answered = float(row[0] / row.sum()) if row.sum() else 0.0
        rest = [(1 - answered) * float(share) for share in proportion]
        shares.append(dict(zip(OUTCOMES, [answered, *rest], strict=True)))
    return Mix(parts, tuple(shares), dispersion)


def as_scenario(
    shares: dict[str, float], within_limit: float, false_answers: float
) -> dict[str, float]:
    """Shares as a scenario means them, from shares as recorded.

    within_limit: part of the live answers that come within the ringing time; the carrier's
    records hold the others as no answer. false_answers: see `Traits`; those of nobody's calls are
    recorded as machines.
    """
    found = dict(shares)
    nobody = found["no_answer"] / (1 - false_answers) if false_answers < 1 else 0.0
    moved = min(nobody - found["no_answer"], found["machine"])
    found["machine"] -= moved
    found["no_answer"] += moved
    late = min(found["live"] / within_limit - found["live"], found["no_answer"])
    found["live"] += late
    found["no_answer"] -= late
    total = sum(found.values())
    return {name: share / total for name, share in found.items()}


def burst_of(since_s: Numbers, live: Numbers, expected: Numbers) -> Burst | None:
    """Whether answers come in bursts, over which period and how strongly.

    For each call: seconds since the start of its day (with days set apart by whole periods),
    whether a person answered, and the share that was expected.
    """
    from scipy.stats import chi2

    best: Burst | None = None
    most = 0.0
    for every_s in PERIODS_S:
        _, period = np.unique(since_s // every_s, return_inverse=True)
        n = np.bincount(period).astype(float)
        x = np.bincount(period, live).astype(float)
        p = np.bincount(period, expected) / n
        cv, gain = _strongest(x, n, p)
        if gain > most:
            most = gain
            # At no bursts the cv is at its border, where chance gives half of its likelihood.
            best = Burst(every_s, cv, float(chi2.sf(2 * gain, 1)) / 2)
    return best if best is not None and best.p_value < _SURE else None


def _strongest(x: Numbers, n: Numbers, p: Numbers) -> tuple[float, float]:
    """The likeliest cv of the periods' shares, and what it gains over none."""
    from scipy.optimize import minimize_scalar
    from scipy.special import betaln

    p = np.clip(p, 1e-6, 1 - 1e-6)
    plain = float(np.sum(x * np.log(p) + (n - x) * np.log1p(-p)))

    def cost(log_cv: float) -> float:
        cv = np.exp(log_cv)
        # The beta law of mean p and this cv.
        strength = np.maximum((1 - p) / (p * cv * cv) - 1, 1e-6)
        a, b = p * strength, (1 - p) * strength
        return -float(np.sum(betaln(x + a, n - x + b) - betaln(a, b)))

    found = minimize_scalar(cost, bounds=(log(0.01), log(1.0)), method="bounded")
    return float(np.exp(found.x)), -float(found.fun) - plain
