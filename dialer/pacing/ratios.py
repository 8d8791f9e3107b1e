"""Pacers that know nothing but numbers of agents.

The rule of this module: a ratio is set by hand and never learns; what it abandons is for whoever
set it to answer for.
"""

from collections import deque
from math import floor

from dialer.pacing.pacer import Decision, Forgetful, Snapshot, within

_EPSILON = 1e-9  # 0.1 * 30 must not lose a call to rounding


class PowerPacer(Forgetful):
    """A fixed number of calls in flight for each free agent; 1 is progressive dialing.

    Each agent who comes free gets a whole number of calls, and the fraction is carried over to the
    next one: with 1.5, every other agent gets two. (To round the sum instead would dial as with 2.)
    """

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio
        self._quotas: deque[int] = deque()
        self._carry = 0.0

    def decide(self, seen: Snapshot) -> Decision:
        free = max(0, seen.ready - seen.waiting)
        while len(self._quotas) > free:
            self._quotas.popleft()
        while len(self._quotas) < free:
            wanted = self.ratio + self._carry
            self._quotas.append(floor(wanted + _EPSILON))
            self._carry = wanted - self._quotas[-1]
        wanted = sum(self._quotas)
        dials = within(seen.room, wanted - seen.unanswered)
        return Decision(dials, "calls in flight per free agent", {"free": free, "wanted": wanted})


class ConstantRate(Forgetful):
    """So many calls a second, whoever is free: what a campaign without agents does."""

    def __init__(self, calls_per_second: float) -> None:
        self.calls_per_second = calls_per_second
        self._last: float | None = None
        self._owed = 0.0

    def decide(self, seen: Snapshot) -> Decision:
        since_s = 0.0 if self._last is None else seen.now - self._last
        self._last = seen.now
        self._owed += self.calls_per_second * since_s
        whole = floor(self._owed)
        self._owed -= whole
        return Decision(within(seen.room, whole), "a constant rate", {"owed": self._owed})
