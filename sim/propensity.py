"""People who are not all as likely to answer.

The rule of this module: who somebody is depends on the contact alone, not on the run: with a seed
of their own (`people`) the same people are met on every day that is simulated, so that one day's
record tells something of the next. The mean over people is the share of live answers that the
scenario says.
"""

from bisect import bisect_left
from math import exp
from typing import Annotated

import numpy as np
from pydantic import Field

from dialer.score.past import NO_PAST, Past
from sim.variates import Seed, keyed, uniforms
from sim.written import Share, Written

_DAY_S = 86_400.0
_NODES = 64
_ODDS = np.linspace(-14.0, 14.0, 1401)
_MOST_DAYS = 64


class Propensity(Written):
    """How unlike each other people are: the log odds of a live answer are normal among them.

    spread: its standard deviation. people: a seed of their own, so that every day meets the same;
        else each run has others. past_days: days before the first on which each was called once
        (the campaign knows what came of it). past_live: share of those calls that were live.
    """

    spread: Annotated[float, Field(gt=0, le=5)]
    people: Annotated[int, Field(ge=0)] | None = None
    past_days: Annotated[int, Field(ge=0, le=60)] = 0
    past_live: Share = 0.25

    @property
    def told(self) -> str:
        return f"log odds of an answer with a standard deviation of {self.spread:g}"


class People:
    """The contacts of a run. seed: of the run, for people who have none of their own."""

    def __init__(self, wish: Propensity, seed: Seed) -> None:
        own = wish.people if wish.people is not None else seed
        spread = wish.spread
        self._past_days = wish.past_days
        self._past_live = wish.past_live
        self._odds = keyed(own, "propensity", lambda g, size: spread * g.standard_normal(size))
        self._past_luck = keyed(own, "past", uniforms)
        self._means, self._middles = _table(spread)

    def live(self, share: float, contact: int) -> float:
        """P(this contact answers) where the share of all is `share`."""
        if not 0 < share < 1:
            return share
        return 1 / (1 + exp(-(self._middle(share) + self._odds(contact))))

    def past(self, contact: int, start_at: float) -> Past:
        """One call on each day before the first; nobody else answers it than the person."""
        past = NO_PAST
        days = self._past_days
        if not days:
            return past
        first_at = start_at - days * _DAY_S
        chance = self.live(self._past_live, contact)
        for day in range(days):
            answered = self._past_luck(contact * _MOST_DAYS + day) < chance
            outcome = "customer_answered" if answered else "no_user_response"
            past = past.after(outcome, first_at + day * _DAY_S)
        return past._replace(imported_at=first_at)

    def _middle(self, share: float) -> float:
        """The log odds of the middle person, by the table."""
        means, middles = self._means, self._middles
        place = min(len(means) - 1, max(1, bisect_left(means, share)))
        low, high = means[place - 1], means[place]
        part = (share - low) / (high - low)
        return middles[place - 1] + part * (middles[place] - middles[place - 1])


def _table(spread: float) -> tuple[list[float], list[float]]:
    """Mean shares of answers by the middle's log odds (Gauss-Hermite), ascending."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / weights.sum()
    means = (1 / (1 + np.exp(-(_ODDS[:, None] + spread * nodes[None, :])))) @ weights
    return means.tolist(), _ODDS.tolist()
