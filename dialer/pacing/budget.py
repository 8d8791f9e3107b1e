"""How much risk a new call may carry, from what was abandoned so far.

The rule of this module: the law counts abandoned calls over a window, so there is a budget, and
kappa, the risk allowed per call, falls as debt D = abandoned - theta x answers rises. theta is a
little under the target: what is left of it pays for the last drops of the window.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import exp, log, sqrt
from typing import NamedTuple, Protocol

import numpy as np

_TARGET = 0.03
"""The share that the numbers below were chosen at; other targets scale them."""
_ANSWERS_PER_AGENT_HOUR = 22.0
_DAY_HOURS = 8.0
_LOWEST, _HIGHEST = 1 / 30, 3.0
"""kappa stays between these multiples of its middle."""

NO_RISK = "the window's budget is used up: one call per free agent"

_AGENTS = (5, 10, 20, 50, 100, 300)
_THETAS = (0.0285, 0.0285, 0.029, 0.029, 0.0292, 0.0293)


@lru_cache
def _theta(agents: int) -> float:
    return float(np.interp(agents, _AGENTS, _THETAS))


class Spending(NamedTuple):
    """kappa: risk allowed, 0 for none at all. debt: D. word: what decided."""

    kappa: float
    debt: float
    word: str


class Account(NamedTuple):
    """What was seen in the window: calls answered by a person, those abandoned, its times."""

    answers: int
    abandoned: int
    elapsed_s: float
    left_s: float
    agents: int

    @property
    def drops_of_a_day(self) -> float:
        """How many drops a day's budget comes to, by agents."""
        return _TARGET * _ANSWERS_PER_AGENT_HOUR * _DAY_HOURS * max(1, self.agents)


class Budget(Protocol):
    """Says what may be spent. target: abandoned over answered calls."""

    target: float

    def spend(self, account: Account) -> Spending:
        """kappa for now."""

    def state(self) -> dict[str, float]:
        """What it has learned."""

    def restore(self, state: Mapping[str, float]) -> None:
        """Take up what `state` wrote down."""


class EvenBudget:
    """The same tightness all day (F1): it may end a little over, as often as under."""

    def __init__(self, target: float) -> None:
        self.target = target

    @property
    def middle(self) -> float:
        return 0.025 * self.target / _TARGET

    def spend(self, account: Account) -> Spending:
        theta = 0.0275 * self.target / _TARGET
        debt = account.abandoned - theta * account.answers
        softness = max(1.5, 0.3 * sqrt(account.drops_of_a_day))
        return _spending(self.middle, debt, softness)

    def state(self) -> dict[str, float]:
        return {}

    def restore(self, state: Mapping[str, float]) -> None:
        """It learns nothing."""


class ClosingBudget:
    """Tighter as the window closes (F2), so that it ends under the target.

    The middle of kappa is learned, too: what risk per call comes to the target differs by a factor
    of ten between campaigns (with levers, one call's risk falls on others). A debt that lasts
    for an hour moves the middle by as much as kappa; without this, a standing debt of several
    drops is needed to hold kappa down, and the window ends over the target.

    A guard holds back nearly all risk when one more drop would exceed what the answers of the
    whole window, as they come so far, will allow; those still to come count at a discount. In the
    last quarter of an hour, and after the window's length is over, there is nothing to come: where
    one more drop would be one too many by what was answered so far, no risk at all is left.
    """

    _GUARDED_AFTER_S = 600.0
    _LAST_S = 900.0
    _GUARD_KAPPA = 2e-4
    _COMING_COUNTS = 0.85
    _SOFTNESS = 0.7
    _SOFT_AT_START, _SOFT_AT_END = 1.0, 0.8
    _LEARNED_IN_S = 3600.0
    _LEARNED_RANGE = (log(1 / 100), log(3.0))

    def __init__(self, target: float) -> None:
        self.target = target
        self._learned = 0.0
        self._elapsed_s = 0.0

    def spend(self, account: Account) -> Spending:
        scale = self.target / _TARGET
        agents = account.agents
        theta = _theta(agents) * scale
        debt = account.abandoned - theta * account.answers
        elapsed_s, left_s = account.elapsed_s, account.left_s
        since_s = max(0.0, elapsed_s - self._elapsed_s)
        self._elapsed_s = elapsed_s
        if elapsed_s > self._GUARDED_AFTER_S:
            spent, earned = account.abandoned + 1, self.target * account.answers
            if spent > earned and left_s <= self._LAST_S:
                return Spending(0.0, debt, NO_RISK)
            if spent > earned * (1 + self._COMING_COUNTS * left_s / elapsed_s):
                return Spending(self._GUARD_KAPPA, debt, "the window's budget is used up")
        day = max(self._SOFT_AT_START, self._SOFTNESS * sqrt(account.drops_of_a_day))
        lowest, highest = self._LEARNED_RANGE
        learned = self._learned - debt / day * since_s / self._LEARNED_IN_S
        self._learned = min(highest, max(lowest, learned))
        first = 0.02 + 0.005 * min(1.0, max(0.0, (agents - 5) / 5))
        middle = first * scale * exp(self._learned)
        left = sqrt(left_s / (elapsed_s + left_s)) if left_s > 0 else 0.0
        return _spending(middle, debt, max(self._SOFT_AT_END, day * left))

    def state(self) -> dict[str, float]:
        return {"learned": self._learned, "elapsed_s": self._elapsed_s}

    def restore(self, state: Mapping[str, float]) -> None:
        self._learned, self._elapsed_s = state["learned"], state["elapsed_s"]


def _spending(middle: float, debt: float, softness: float) -> Spending:
    power = min(50.0, max(-50.0, -debt / softness))
    wanted = exp(power)
    factor = min(_HIGHEST, max(_LOWEST, wanted))
    allowed = "as many as kappa allows"
    word = allowed if factor == wanted else f"{allowed}, which is at its bound"
    return Spending(middle * factor, debt, word)
