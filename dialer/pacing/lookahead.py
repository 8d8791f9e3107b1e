"""Look-ahead: as many new calls as keep the risk of the next one under what may be spent.

The rule of this module: each second, place the largest n with

    risk = sum over tau of w(tau) P[A(tau) + B(tau) > free - waiting + R(tau + patience)] <= kappa,

where A are the answers by tau of the calls in flight, B those of n new calls, R the agents
released by then, and w the time at which a new call is answered, given that it is. Where it
is known when agents will be done, the risk that waiting for three seconds would spare counts once
more: a call whose risk soon falls can wait, one whose risk only grows cannot.

A and R are sums of independent events whose probabilities come from hazards by age, learned while
dialing (hazards.py); kappa comes from what was abandoned so far (budget.py); the law of the sum is
in risk.py. Sources: Samuelson, Interfaces 29(5), 1999; Korolev, Anisimov and Ristock, SpringSim
2008; Bhulai and Koole, IEEE Transactions on Automatic Control 48(8), 2003.
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
    LEAST_JUDGED,
    Choice,
    ExactShortfall,
    NewCalls,
    NormalShortfall,
    Shortfall,
    largest,
)

HORIZONS_S = tuple(range(1, 31))
"""Each second: where an agent's end is known, a second decides whether a caller meets them."""
_WAIT_S, _WAIT_WORTH = 3, 1.0
"""What waiting so long would spare of a call's risk counts so many times on top of it."""
_FEW_MEMBERS = 150
"""Calls in flight and busy agents up to which the exact law is cheap."""
_NEXT_SECOND, _MIDDLE = 0, 12
"""Which of the horizons is the next second, and which the 13th."""


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
    """Probabilities by age at each horizon, as tables of which the ages present are summed.

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
    """Means beside variances, so that one sum gives both."""
    return np.hstack((probabilities, probabilities * (1 - probabilities)))


def _new_call(answered_within: Counts) -> NewCalls:
    """Weights: each horizon stands for the answers that are nearest to it."""
    horizons = np.array(HORIZONS_S, dtype=float)
    borders = np.concatenate(([0.0], (horizons[1:] + horizons[:-1]) / 2, [float(LOOK_S)]))
    mass = np.diff(np.interp(borders, np.arange(LOOK_S + 1), answered_within))
    total = mass.sum()
    weight = mass / total if total > 0 else np.full(len(horizons), 1 / len(horizons))
    return NewCalls(answered_within[np.array(HORIZONS_S)], weight)


def _or_later(new: NewCalls) -> NewCalls:
    """Weights that give a call's risk, and on top of it what waiting would spare.

    A call that is placed later meets at each horizon those who answer so much sooner.
    """
    later = np.concatenate((np.zeros(_WAIT_S), new.weight[:-_WAIT_S]))
    return new._replace(weight=new.weight + _WAIT_WORTH * (new.weight - later))


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
        self._ends_known = False

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
        if seen.known_wrap_ups:
            self._ends_known = True
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
            choice = Choice(most, 0.0, 0.0, 0.0)
            if seen.buffered:
                picks = (False,) * min(most, len(seen.buffered))
                choice = choice._replace(calls=len(picks))
        elif seen.buffered:
            choice, picks = self._choose_records(seen, shortfall, spare, spending.kappa, most)
        else:
            # Where nobody has told whom we may pick, the likeliest may be among them.
            new = self._both if self._ends_known else self._new[-1]
            choice = largest(shortfall, spare, new, spending.kappa, most)
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
        if choice.judged != choice.risk:
            figures["risk_judged"] = choice.judged
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
        unlikeliest = seen.buffered[0]
        new = self._judged if self._ends_known else self._new
        risk = risk_of_none = shortfall.risk(spare, self._new[unlikeliest])
        judged = max(shortfall.risk(spare, new[unlikeliest]), LEAST_JUDGED * risk)
        while len(picks) < most and lowest <= highest:
            best = risk < self.tuning.best_below * kappa
            record_class = seen.buffered[highest if best else lowest]
            placed = shortfall.plus(self._new[record_class])
            risk_then = placed.risk(spare, self._new[record_class])
            then = max(placed.risk(spare, new[record_class]), LEAST_JUDGED * risk_then)
            if then > kappa:
                break
            picks.append(best)
            highest -= best
            lowest += not best
            shortfall, risk, judged = placed, risk_then, then
        return Choice(len(picks), risk, judged, risk_of_none), tuple(picks)

    def _to_cancel(self, seen: Snapshot, shortfall: Shortfall, spare: float) -> int:
        """Calls to give up: all that rang long enough, if one answered now would meet no agent."""
        nobody_there = shortfall.exceeds(spare - 1)[_NEXT_SECOND]
        return seen.may_cancel if nobody_there > self.tuning.cancel_above else 0

    def _shortfall(self, seen: Snapshot) -> tuple[Shortfall, dict[str, float]]:
        """Answers minus agents released, and the two expected at the middle horizon."""
        tables = self._tables
        calls = seen.calls.present.ravel()
        talks, wrap_ups = seen.talks.present[0], seen.wrap_ups.present[0]
        few = seen.calls.size + seen.talks.size + seen.wrap_ups.size <= _FEW_MEMBERS
        shortfall: Shortfall
        if few and self._usual_agents <= self.tuning.exact_up_to:
            happen = _each(tables.calls, calls)
            free = [_each(tables.talks, talks)]
            if seen.wrap_ups.size:
                free.append(_each(tables.wrap_ups, wrap_ups))
            if seen.known_wrap_ups:
                free.append(_each(self._known, seen.known_wrap_ups.left))
            released = np.concatenate(free)
            answers, releases = happen[:, _MIDDLE].sum(), released[:, _MIDDLE].sum()
            shortfall = ExactShortfall(happen, released)
        else:
            coming = _total(tables.call_moments, calls)
            going = _total(tables.talk_moments, talks)
            if seen.wrap_ups.size:
                going += _total(tables.wrap_up_moments, wrap_ups)
            horizons = len(HORIZONS_S)
            if seen.known_wrap_ups:
                going[:horizons] += np.cumsum(seen.known_wrap_ups.left)[self._coming]
            answers, releases = coming[_MIDDLE], going[_MIDDLE]
            shortfall = NormalShortfall(
                coming[:horizons] - going[:horizons], coming[horizons:] + going[horizons:]
            )
        expected = {
            "expected_answers": float(answers),
            "expected_free": float(releases) + seen.ready - seen.waiting,
        }
        return shortfall, expected

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
        self._judged = [_or_later(new) for new in self._new]
        new, judged = self._new[-1], self._judged[-1]
        self._both = new._replace(weight=np.vstack((new.weight, judged.weight)))

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
    ages = present.nonzero()[0]
    rows: Counts = table[np.repeat(ages, present[ages].astype(int))]
    return rows


def _total(table: Counts, present: Counts) -> Counts:
    """The sum of these rows; few ages are present of many."""
    ages = present.nonzero()[0]
    total: Counts = present[ages] @ table[ages]
    return total
