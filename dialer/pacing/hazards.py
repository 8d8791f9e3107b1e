"""How likely it is that a call is answered, or an agent done, in the next second: learned by age.

The rule of this module: h = (events + prior events) / (exposure + prior exposure), by age. The
prior never decays, the data do, so that a cold start is cautious and an old truth is forgotten.
All who are present count as exposed, so that calls still ringing and talks still going on (they
are censored) bias nothing. Sources: Kaplan and Meier, JASA 53, 1958 (product limit); Brown et al.,
JASA 100, 2005 (hazards of call-centre service and patience times).

Shapes: a table by age has one row per second of age; column s is "within s seconds from now".
"""

from collections.abc import Mapping
from math import exp, inf
from typing import Any, NamedTuple

import numpy as np

from dialer.pacing.cohorts import Cohort, Counts
from dialer.pacing.pacer import (
    ANSWERED,
    CALL_SPAN_S,
    ENDED,
    OTHERWISE,
    TALK_SPAN_S,
    WRAP_UP_SPAN_S,
)

LOOK_S = 32
"""How far ahead tables reach: the longest horizon and the patience of who waits."""

_OVERNIGHT = 0.1
"""What a count is worth the next morning."""


class CallPrior(NamedTuple):
    """What is believed of calls before any was placed.

    calls: how many calls this belief is worth. answered: their share. ring_mean_s, ring_shape: the
    gamma law from dial to answer. others_from_s, others_to_s: when the rest end, evenly.
    """

    calls: float = 40.0
    answered: float = 0.40
    ring_mean_s: float = 9.0
    ring_shape: float = 4.0
    others_from_s: float = 10.0
    others_to_s: float = 30.0


COLD = CallPrior()


class _Learned:
    """Counts that grow with what a cohort has lived through, and decay with what is new."""

    def __init__(self, shape: tuple[int, int], events: tuple[str, ...]) -> None:
        self._names = ("at_risk", *events)
        self.counts: dict[str, Counts] = {name: np.zeros(shape) for name in self._names}
        self._seen: dict[str, Counts] = {name: np.zeros(shape) for name in self._names}

    def learn(self, cohort: Cohort, memory: float) -> None:
        total = {"at_risk": cohort.at_risk, **cohort.happened}
        fresh = {name: total[name] - self._seen[name] for name in self._names}
        events = sum(float(fresh[name].sum()) for name in self._names[1:])
        kept = exp(-events / memory)
        for name in self._names:
            self.counts[name] *= kept
            self.counts[name] += fresh[name]
            self._seen[name] += fresh[name]

    def fade(self) -> None:
        for name in self._names:
            self.counts[name] *= _OVERNIGHT

    def state(self) -> dict[str, Any]:
        return {name: counts.tolist() for name, counts in self.counts.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        for name in self._names:
            self.counts[name] = np.asarray(state[name], dtype=float)
            self._seen[name][:] = 0.0  # a floor that was made anew counts from nothing


class _Hazard:
    """What is learned of one kind of cohort. `_estimate` makes of the counts what is asked for."""

    _learned: _Learned

    def learn(self, cohort: Cohort, memory: float = inf) -> None:
        """Take in what is new. memory: so many new events leave 1/e of the old counts."""
        self._learned.learn(cohort, memory)
        self._estimate()

    def _estimate(self) -> None:
        raise NotImplementedError

    def fade(self) -> None:
        """A night has passed."""
        self._learned.fade()
        self._estimate()

    def state(self) -> dict[str, Any]:
        return self._learned.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        self._learned.restore(state)
        self._estimate()


class CallHazards(_Hazard):
    """Answers and other ends of calls by seconds since the dial.

    class_rates: for calls told apart by an answer score, the mean score of each class; none means
    that all calls are alike.
    """

    _CLASS_PRIOR_CALLS = 50.0
    """How many calls a class's own score is worth against the answers that it then gets."""

    def __init__(self, prior: CallPrior = COLD, class_rates: tuple[float, ...] = ()) -> None:
        from scipy.special import gammainc  # only look-ahead pays for loading it

        ages = np.arange(CALL_SPAN_S + 1, dtype=float)
        by_age = gammainc(prior.ring_shape, ages * prior.ring_shape / prior.ring_mean_s)
        spread_s = prior.others_to_s - prior.others_from_s
        others = np.clip((ages - prior.others_from_s) / spread_s, 0.0, 1.0)
        answered, otherwise = prior.calls * prior.answered, prior.calls * (1 - prior.answered)
        self._prior_answers = answered * np.diff(by_age)
        self._prior_others = otherwise * np.diff(others)
        self._prior_at_risk = answered * (1 - by_age[:-1]) + otherwise * (1 - others[:-1])
        self._class_rates = np.asarray(class_rates or (prior.answered,))
        self._scored = bool(class_rates)
        classes = len(self._class_rates)
        self._learned = _Learned((classes, CALL_SPAN_S), (ANSWERED, OTHERWISE))
        self._estimate()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what was learned; of calls that were told apart otherwise, nothing."""
        classes, ages = np.shape(state["at_risk"])
        if ages == CALL_SPAN_S and classes != len(self._class_rates):
            return
        super().restore(state)

    def _estimate(self) -> None:
        """The sub-densities of answers and of other ends by age, of a call just dialed."""
        counts = {name: table.sum(axis=0) for name, table in self._learned.counts.items()}
        at_risk = np.maximum(counts["at_risk"] + self._prior_at_risk, 1e-9)
        answer = (counts[ANSWERED] + self._prior_answers) / at_risk
        other = (counts[OTHERWISE] + self._prior_others) / at_risk
        stays = np.clip(1 - answer - other, 0.0, 1.0)
        alive = np.concatenate(([1.0], np.cumprod(stays)))
        self._answers_by = np.concatenate(([0.0], np.cumsum(alive[:-1] * answer)))
        self._others_by = np.concatenate(([0.0], np.cumsum(alive[:-1] * other)))

    def answer_rate(self) -> float:
        """Share of calls that a person answers."""
        return float(self._answers_by[-1])

    def mean_ring_s(self) -> float:
        """From the dial to the answer, of those who answer."""
        answers = np.diff(self._answers_by)
        return float((answers * np.arange(0.5, CALL_SPAN_S)).sum() / answers.sum())

    def rates(self) -> Counts:
        """Share answered by class, shape (classes,): its score, corrected by what came of it."""
        rate = self.answer_rate()
        if not self._scored:
            return np.array([rate])
        answers = self._learned.counts[ANSWERED].sum(axis=1)
        ends = answers + self._learned.counts[OTHERWISE].sum(axis=1)
        believed = self._CLASS_PRIOR_CALLS
        corrected: Counts = (answers + believed * self._class_rates) / (ends + believed)
        return corrected

    def answered_within(self) -> Counts:
        """P(answered within s seconds), shape (classes, CALL_SPAN_S, LOOK_S + 1).

        A call of class c is answered with its class's rate; when, given that it is, does not
        depend on the class. Of one that has rung for `age` seconds in vain, Bayes' rule says
        P = r (F(age + s) - F(age)) / (r (1 - F(age)) + (1 - r)(1 - G(age))), where F and G are the
        laws of the time to an answer and to another end.
        """
        ages, ahead = np.arange(CALL_SPAN_S), np.arange(LOOK_S + 1)
        answered = self._answers_by / max(self._answers_by[-1], 1e-12)
        others = self._others_by / max(self._others_by[-1], 1e-12)
        then = np.minimum(ages[:, None] + ahead[None, :], CALL_SPAN_S)
        soon = answered[then] - answered[ages][:, None]
        rate = self.rates()[:, None]
        rings = rate * (1 - answered[ages]) + (1 - rate) * (1 - others[ages])
        table: Counts = rate[:, :, None] * soon / np.maximum(rings, 1e-12)[:, :, None]
        return np.clip(table, 0.0, 1.0)


class PhaseHazard(_Hazard):
    """How likely a phase of an agent's work ends in the next second, by its age.

    edges_s: bins of age, each with one hazard. prior: so many exponential phases of mean_s.
    """

    def __init__(self, edges_s: Counts, span_s: int, prior: float, mean_s: float) -> None:
        self._edges = edges_s.astype(int)
        self._widths = np.diff(np.append(self._edges, span_s))
        stays = np.exp(-np.append(edges_s, np.inf) / mean_s)
        self._prior_exposure = prior * mean_s * -np.diff(stays)
        self._prior_events = self._prior_exposure / mean_s
        self._learned = _Learned((1, span_s), (ENDED,))
        self._estimate()

    def _estimate(self) -> None:
        exposure = np.add.reduceat(self._learned.counts["at_risk"][0], self._edges)
        events = np.add.reduceat(self._learned.counts[ENDED][0], self._edges)
        hazard = (events + self._prior_events) / (exposure + self._prior_exposure)
        by_second = np.repeat(np.clip(hazard, 0.0, 1.0), self._widths)
        # The oldest age holds all who are older, so its hazard goes on.
        self.hazard = np.append(by_second, np.full(LOOK_S, by_second[-1]))

    def done_within(self, most_s: int = LOOK_S) -> Counts:
        """P(over within s seconds), shape (span_s, most_s + 1)."""
        stays = np.append(0.0, np.cumsum(np.log1p(-np.minimum(self.hazard, 1 - 1e-12))))
        ages = np.arange(len(self.hazard) - LOOK_S)
        table: Counts = -np.expm1(stays[ages[:, None] + np.arange(most_s + 1)] - stays[ages, None])
        return table

    def then_done_within(self, next_done: Counts) -> Counts:
        """P(this phase and the next are over within s seconds), shape (span_s, len(next_done)).

        next_done: P(the next phase is over s seconds after its start), s = 0, 1, ...
        """
        steps = len(next_done)
        ends = np.diff(self.done_within(steps - 1), axis=1)
        # Column s sums over the second u in which this phase ends: the next one has s - u left.
        lag = np.arange(steps)[None, :] - np.arange(steps - 1)[:, None]
        through = np.where(lag > 0, next_done[np.maximum(lag, 0)], 0.0)
        table: Counts = ends @ through
        return table


def talk_hazard() -> PhaseHazard:
    """Talk: bins of 10 s up to 200 s, then wider; before any, ten exponential ones of 240 s."""
    fine, wide = np.arange(0, 200, 10), np.array([200, 220, 250, 300, 360, 450, 600])
    return PhaseHazard(np.concatenate((fine, wide)).astype(float), TALK_SPAN_S, 10.0, 240.0)


def wrap_up_hazard() -> PhaseHazard:
    """Wrap-up: bins of 3 s up to 60 s, then wider; before any, five exponential ones of 60 s."""
    fine, wide = np.arange(0, 60, 3), np.array([60, 70, 90, 120])
    return PhaseHazard(np.concatenate((fine, wide)).astype(float), WRAP_UP_SPAN_S, 5.0, 60.0)
