"""A pacer by agents who are soon free, as textbooks on Erlang's formulas have it.

The rule of this module: an agent counts as coming free when that is likely within the time that a
call rings, given how long they have been busy (the residual time). Some dialers take the share of
all talks that are shorter than the talk so far; that is another number, and a wrong one.
"""

from collections.abc import Mapping
from typing import Any

from dialer.pacing.hazards import CallHazards, PhaseHazard, talk_hazard, wrap_up_hazard
from dialer.pacing.pacer import Decision, Snapshot, within

_REFRESH_S = 60.0


class SoonFree:
    """n = (free + agents whose P(free within the ring time) >= likely) / answer rate - in flight.

    likely: from 0 to 1; lower dials more.
    """

    def __init__(self, likely: float) -> None:
        self.likely = likely
        self._calls = CallHazards()
        self._talk = talk_hazard()
        self._wrap_up = wrap_up_hazard()
        self._fresh_until = float("-inf")

    def decide(self, seen: Snapshot) -> Decision:
        if seen.now >= self._fresh_until:
            self._refresh(seen)
        free = max(0, seen.ready - seen.waiting)
        soon = float(seen.talks.present[0] @ self._talk_soon)
        soon += float(seen.wrap_ups.present[0] @ self._wrap_soon)
        soon += float(seen.known_wrap_ups.left[: round(self._ring_s)].sum())
        wanted = (free + soon) / self._answer_rate
        figures = {"free": free, "soon": soon, "answer_rate": self._answer_rate, "wanted": wanted}
        dials = within(seen.room, wanted - seen.unanswered)
        return Decision(dials, "agents free and soon free over the answer rate", figures)

    def _refresh(self, seen: Snapshot) -> None:
        self._fresh_until = seen.now + _REFRESH_S
        self._calls.learn(seen.calls, memory=float("inf"))
        self._talk.learn(seen.talks, memory=float("inf"))
        self._wrap_up.learn(seen.wrap_ups, memory=float("inf"))
        self._answer_rate, self._ring_s = self._calls.answer_rate(), self._calls.mean_ring_s()
        within_s = round(self._ring_s)
        done = self._wrap_up.done_within(within_s)
        through = self._talk.then_done_within(done[0])
        self._talk_soon = (through[:, within_s] >= self.likely).astype(float)
        self._wrap_soon = (done[:, within_s] >= self.likely).astype(float)

    def _parts(self) -> dict[str, CallHazards | PhaseHazard]:
        return {"calls": self._calls, "talk": self._talk, "wrap_up": self._wrap_up}

    def state(self) -> dict[str, Any]:
        return {name: part.state() for name, part in self._parts().items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        for name, part in self._parts().items():
            part.restore(state[name])

    def new_day(self) -> None:
        """All days are one to it."""
