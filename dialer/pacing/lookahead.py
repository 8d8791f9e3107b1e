"""Look-ahead: as many new calls as keep the risk of the next one under what may be spent.

The rule of this module: each second, place the largest n with

    sum over tau of w(tau) P[A(tau) + B(tau) > free - waiting + R(tau + patience)] <= kappa,

where A are the answers by tau of the calls in flight, B those of n new calls, R the agents
released by then, and w the time at which a new call is answered, given that it is. A and R are
sums of independent events whose probabilities come from hazards by age, learned while dialing
(hazards.py); kappa comes from what was abandoned so far (budget.py); the law of the sum is in
risk.py. Sources: Samuelson, Interfaces 29(5), 1999; Korolev, Anisimov and Ristock, SpringSim 2008;
Bhulai and Koole, IEEE Transactions on Automatic Control 48(8), 2003.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dialer.pacing.budget import Account, Budget, ClosingBudget
from dialer.pacing.cohorts import Counts
from dialer.pacing.hazards import LOOK_S, CallHazards, talk_hazard, wrap_up_hazard
from dialer.pacing.pacer import KNOWN_END_SPAN_S, Decision, Snapshot
from dialer.pacing.risk import (
    Choice,
    ExactShortfall,
    NewCalls,
    NormalShortfall,
    Shortfall,
    largest,
)

HORIZONS_S = (1, 4, 7, 10, 13, 17, 22, 27)
_FEW_MEMBERS = 150
"""Calls in flight and busy agents up to which the exact law is cheap."""
_NEXT_SECOND = 0
"""Which of the horizons is the next second."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """Numbers chosen by experiment (docs/pacing.md says by which).

    patience_s: how long a caller may wait for an agent. call_memory, call_memory_per_agent: so many
    ended calls leave 1/e of what was learned of calls; phase_memory likewise for talk and wrap-up.
    exact_up_to: agents at work, up to whom the risk is computed exactly. most_per_agent: calls in
    flight, a cap for when estimates go mad. cancel_above: P(no agent) above which calls that rang
    long enough are given up. best_below: share of kappa below which the best record is dialed.
    """

    patience_s: float = 2.0
    call_memory: float = 500.0
    call_memory_per_agent: float = 25.0
    phase_memory: float = 150.0
    phase_memory_per_agent: float = 10.0
    exact_up_to: int = 12
    most_per_agent: float = 15.0
    cancel_above: float = 0.5
    best_below: float = 0.1
    refresh_s: float = 20.0
    settled_after_s: float = 1200.0
    settled_refresh_s: float = 60.0

    def with_patience(self, patience_s: float) -> "Tuning":
        return replace(self, patience_s=patience_s)


TUNED = Tuning()


class _Forecast:
    """Probabilities by age at each horizon, as tables that counts by age are multiplied with.

    Each of calls, talks and wrap_ups has shape (classes x ages, horizons).
    """

    def __init__(self, answered: Counts, talk: Counts, wrap_up: Counts, patience_s: float) -> None:
        horizons = np.array(HORIZONS_S)
        self.calls = answered[:, :, horizons].reshape(-1, len(horizons))
        self.talks = _columns(talk, horizons + patience_s)
        self.wrap_ups = _columns(wrap_up, horizons + patience_s)
        self.call_moments = _moments(self.calls)
        self.talk_moments = _moments(self.talks)
        self.wrap_up_moments = _moments(self.wrap_ups)
        self.new_by_class = [_new_call(answered[c, 0]) for c in range(answered.shape[0])]


def _columns(table: Counts, at_s: Counts) -> Counts:
    """The table at times between whole seconds, one column per time."""
    low = np.minimum(at_s.astype(int), table.shape[1] - 2)
    part = np.minimum(1.0, at_s - low)
    columns: Counts = table[:, low] * (1 - part) + table[:, low + 1] * part
    return columns


def _moments(probabilities: Counts) -> Counts:
    """Means above variances, so that one product gives both."""
    return np.vstack((probabilities.T, (probabilities * (1 - probabilities)).T))


def _new_call(answered_within: Counts) -> NewCalls:
    """Weights: each horizon stands for the answers that are nearest to it."""
    horizons = np.array(HORIZONS_S, dtype=float)
    borders = np.concatenate(([0.0], (horizons[1:] + horizons[:-1]) / 2, [float(LOOK_S)]))
    mass = np.diff(np.interp(borders, np.arange(LOOK_S + 1), answered_within))
    total = mass.sum()
    weight = mass / total if total > 0 else np.full(len(horizons), 1 / len(horizons))
    return NewCalls(answered_within[np.array(HORIZONS_S)], weight)


class Lookahead:
    """Our own pacer. target: abandoned over answered calls, held over the snapshot's window.

    class_rates: mean answer score by class of calls; none means that calls are not scored.
    """

    def __init__(
        self,
        target: float = 0.03,
        *,
        budget: Budget | None = None,
        tuning: Tuning = TUNED,
        class_rates: tuple[float, ...] = (),
    ) -> None:
        self.budget = budget or ClosingBudget(target)
        self.aim(target, tuning)
        self._calls = CallHazards(class_rates=class_rates)
        self._talk = talk_hazard()
        self._wrap_up = wrap_up_hazard()
        self._usual_agents = 0

    def aim(self, target: float, tuning: Tuning) -> None:
        """Hold another target, or other callers' patience, from now on; what was learned stays."""
        self.target = self.budget.target = target
        self.tuning = tuning
        self._fresh_until = float("-inf")
        self._coming = np.array(HORIZONS_S) + int(tuning.patience_s)
        # P(free) of agents by the seconds left to them, which are known: 0 or 1.
        left_s = np.arange(KNOWN_END_SPAN_S)
        self._known = (left_s[:, None] <= self._coming[None, :]).astype(float)

    def decide(self, seen: Snapshot) -> Decision:
        if seen.now >= self._fresh_until:
            self._refresh(seen)
        agents = seen.agents
        if not agents:
            return Decision(0, "no agent is at work", {})
        # The budget goes by the agents at the last refresh, so that nothing but the risk depends
        # on who is free at this moment, and another free agent never means fewer calls.
        account = Account(
            seen.answers, seen.abandoned, seen.elapsed_s, seen.left_s, self._usual_agents
        )
        spending = self.budget.spend(account)
        shortfall, expected = self._shortfall(seen)
        spare = seen.ready - seen.waiting
        cap = max(0, int(self.tuning.most_per_agent * agents) - seen.calls.size)
        most = cap if seen.room is None else min(cap, max(0, seen.room))
        picks: tuple[bool, ...] = ()
        if not spending.kappa:
            # Nobody can be abandoned where each call in flight has a free agent of its own.
            most = min(most, max(0, spare - seen.calls.size))
            choice = Choice(most, 0.0, 0.0)
            if seen.buffered:
                picks = (False,) * min(most, len(seen.buffered))
                choice = choice._replace(calls=len(picks))
        elif seen.buffered:
            choice, picks = self._choose_records(seen, shortfall, spare, spending.kappa, most)
        else:
            choice = largest(shortfall, spare, self._new[0], spending.kappa, most)
        reason = spending.word
        if spending.kappa and choice.calls == most:
            reason = "the cap on calls in flight" if most == cap else "no more lines"
        cancel = self._to_cancel(seen, shortfall, spare) if seen.may_cancel else 0
        figures = {
            **expected,
            "spare": spare,
            "risk": choice.risk,
            "kappa": spending.kappa,
            "debt": spending.debt,
        }
        return Decision(choice.calls, reason, figures, cancel, picks)

    def _choose_records(
        self, seen: Snapshot, shortfall: Shortfall, spare: float, kappa: float, most: int
    ) -> tuple[Choice, tuple[bool, ...]]:
        """One record after the other: the best while there is plenty of risk left, else the worst.

        A good record is dialed when agents are idle, a bad one when a call would rather not be
        answered; over the day the list's mix is dialed (answer_buffer.py).
        """
        lowest, highest = 0, len(seen.buffered) - 1
        picks: list[bool] = []
        risk = risk_of_none = shortfall.risk(spare, self._new[seen.buffered[0]])
        last = risk
        while len(picks) < most and lowest <= highest:
            best = risk < self.tuning.best_below * kappa
            record = self._new[seen.buffered[highest if best else lowest]]
            placed = shortfall.plus(record)
            risk = placed.risk(spare, record)
            if risk > kappa:
                break
            picks.append(best)
            highest -= best
            lowest += not best
            shortfall, last = placed, risk
        return Choice(len(picks), last, risk_of_none), tuple(picks)

    def _to_cancel(self, seen: Snapshot, shortfall: Shortfall, spare: float) -> int:
        """Calls to give up: all that rang long enough, if one answered now would meet no agent."""
        nobody_there = shortfall.exceeds(spare - 1)[_NEXT_SECOND]
        return seen.may_cancel if nobody_there > self.tuning.cancel_above else 0

    def _shortfall(self, seen: Snapshot) -> tuple[Shortfall, dict[str, float]]:
        """Answers minus agents released, and the two expected at the middle horizon."""
        tables = self._tables
        horizons = len(HORIZONS_S)
        calls = seen.calls.present.ravel()
        talks, wrap_ups = seen.talks.present[0], seen.wrap_ups.present[0]
        answers = tables.call_moments @ calls
        releases = tables.talk_moments @ talks
        if seen.wrap_ups.size:
            releases += tables.wrap_up_moments @ wrap_ups
        sure: Counts | float = 0.0
        if seen.known_wrap_ups:
            sure = np.cumsum(seen.known_wrap_ups.left)[self._coming]
            releases[:horizons] += sure
        middle = horizons // 2
        expected = {
            "expected_answers": float(answers[middle]),
            "expected_free": float(releases[middle]) + seen.ready - seen.waiting,
        }
        few = seen.calls.size + seen.talks.size + seen.wrap_ups.size <= _FEW_MEMBERS
        if few and self._usual_agents <= self.tuning.exact_up_to:
            happen = _each(tables.calls, calls)
            free = [_each(tables.talks, talks)]
            if seen.wrap_ups.size:
                free.append(_each(tables.wrap_ups, wrap_ups))
            if seen.known_wrap_ups:
                free.append(_each(self._known, seen.known_wrap_ups.left))
            return ExactShortfall(happen, np.concatenate(free)), expected
        moments = (
            answers[:horizons] - releases[:horizons],
            answers[horizons:] + releases[horizons:],
        )
        return NormalShortfall(*moments), expected

    def _refresh(self, seen: Snapshot) -> None:
        tuning = self.tuning
        settled = seen.elapsed_s >= tuning.settled_after_s
        self._fresh_until = seen.now + (tuning.settled_refresh_s if settled else tuning.refresh_s)
        agents = self._usual_agents = seen.agents
        self._calls.learn(seen.calls, tuning.call_memory + tuning.call_memory_per_agent * agents)
        phase_memory = tuning.phase_memory + tuning.phase_memory_per_agent * agents
        self._talk.learn(seen.talks, phase_memory)
        self._wrap_up.learn(seen.wrap_ups, phase_memory)
        wrapped = self._wrap_up.done_within()
        talk = self._talk.then_done_within(wrapped[0])
        self._tables = _Forecast(self._calls.answered_within(), talk, wrapped, tuning.patience_s)
        self._new = self._tables.new_by_class

    # --- what it has learned ------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {
            "calls": self._calls.state(),
            "talk": self._talk.state(),
            "wrap_up": self._wrap_up.state(),
            "budget": self.budget.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._calls.restore(state["calls"])
        self._talk.restore(state["talk"])
        self._wrap_up.restore(state["wrap_up"])
        self.budget.restore(state["budget"])
        self._fresh_until = float("-inf")

    def new_day(self) -> None:
        for learned in (self._calls, self._talk, self._wrap_up):
            learned.fade()
        self._fresh_until = float("-inf")


def _each(table: Counts, present: Counts) -> Counts:
    """A row for each member present, shape (members, horizons). table: (ages, horizons)."""
    ages = np.flatnonzero(present)
    rows: Counts = table[np.repeat(ages, present[ages].astype(int))]
    return rows
