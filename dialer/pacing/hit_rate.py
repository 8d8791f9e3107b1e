"""Pacers by hit rate: as many calls per free agent as it takes to reach one person.

The rule of this module: the formulas stand as contact-centre manuals give them (Expertflow CX
documentation, Init node: inverse hit rate; compliance guard), weaknesses and all, because they are
what others are measured against.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from dialer.pacing.pacer import Decision, Snapshot, within

FEWEST_CALLS = 30
"""Below so many calls a hit rate says nothing, and one call per agent is dialed."""
MOST_PER_AGENT = 10.0
"""Cap of calls per agent: a hit rate near zero must not flood a trunk."""


class _Count(NamedTuple):
    at: float
    dials: int
    answers: int
    abandoned: int


class InverseHitRate:
    """X = 1 / hit rate calls for each free agent, the hit rate over all calls of the day."""

    def ratio(self, seen: Snapshot) -> tuple[float, str]:
        """Calls per free agent, and why."""
        ended = seen.dials - seen.calls.size
        if ended < FEWEST_CALLS or not seen.answers:
            return 1.0, "too few calls to know a hit rate"
        return min(MOST_PER_AGENT, ended / seen.answers), "one over the hit rate"

    def decide(self, seen: Snapshot) -> Decision:
        ratio, reason = self.ratio(seen)
        wanted = ratio * max(0, seen.ready - seen.waiting)
        return Decision(within(seen.room, wanted - seen.unanswered), reason, {"ratio": ratio})

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Its counters are the snapshot's."""

    def new_day(self) -> None:
        """Its counters are the snapshot's."""


class ComplianceGuard(InverseHitRate):
    """X = (1 / hit rate)(1 - abandonment / limit), both over the last two hours."""

    WINDOW_S = 7200.0
    SAMPLE_S = 30.0

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._counts: deque[_Count] = deque()

    def ratio(self, seen: Snapshot) -> tuple[float, str]:
        ended = _Count(seen.now, seen.dials - seen.calls.size, seen.answers, seen.abandoned)
        counts = self._counts
        if not counts:
            counts.append(_Count(seen.now, 0, 0, 0))
        if ended.at - counts[-1].at >= self.SAMPLE_S:
            counts.append(ended)
        while len(counts) > 1 and ended.at - counts[1].at >= self.WINDOW_S:
            counts.popleft()
        dials = ended.dials - counts[0].dials
        answers = ended.answers - counts[0].answers
        if dials < FEWEST_CALLS or not answers:
            return 1.0, "too few calls to know a hit rate"
        abandonment = (ended.abandoned - counts[0].abandoned) / answers
        guard = 1.0 - abandonment / self.limit
        ratio = min(MOST_PER_AGENT, max(1.0, dials / answers * guard))
        return ratio, "one over the hit rate, less the abandonment used up"

    def state(self) -> dict[str, Any]:
        return {"counts": [list(count) for count in self._counts]}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._counts = deque(_Count(*count) for count in state["counts"])

    def new_day(self) -> None:
        self._counts.clear()
