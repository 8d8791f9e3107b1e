"""The adaptive dial methods of VICIdial, as its scripts compute them.

The rule of this module: the arithmetic is that of AST_VDadapt.pl (the level, every 15 s) and of
AST_VDauto_dial.pl (the lines, every 2.5 s) as published, described here in our own words; it is a
baseline, so it is not improved.
"""

from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from math import inf
from statistics import fmean
from typing import Any, NamedTuple

from dialer.pacing.pacer import Decision, Snapshot, within

_SAMPLES = 15
_ADAPT_EVERY_S = 15.0
_DIAL_EVERY_S = 2.5
_MINUTE_S = 60.0
_FEWEST_OF_A_MINUTE = 20
_WORST_OF_A_MINUTE = 0.5
_FEWEST_OF_A_DAY = 50
_TAPER_HOURS = 10.0


class Method(StrEnum):
    """What happens when the day's drops exceed the limit."""

    HARD_LIMIT = "HARD_LIMIT"
    AVERAGE = "AVERAGE"
    TAPERED = "TAPERED"


class _Sample(NamedTuple):
    ready: int
    waiting: int
    agents: int


class Adaptive:
    """A dial level L that follows the difference between agents and callers who wait.

    limit: drops over human answers. intensity: per cent. difference: agents to keep ready.
    available_only: levels count READY agents only, not those in calls.
    """

    def __init__(
        self,
        method: Method,
        limit: float = 0.03,
        *,
        intensity: float = 0.0,
        difference: float = 0.0,
        max_level: float = 3.0,
        available_only: bool = False,
    ) -> None:
        self.method = method
        self.limit = limit
        self.intensity = intensity
        self.difference = difference
        self.max_level = max_level
        self.available_only = available_only
        self.level = 1.0
        self._samples: deque[_Sample] = deque(maxlen=_SAMPLES)
        # (time, human answers, drops) over the last minute.
        self._minute: deque[tuple[float, int, int]] = deque()
        self._adapt_at = self._dial_at = -inf

    def decide(self, seen: Snapshot) -> Decision:
        now = seen.now
        self._samples.append(_Sample(seen.ready, seen.waiting, seen.agents))
        self._minute.append((now, seen.answers, seen.abandoned))
        while now - self._minute[0][0] > _MINUTE_S:
            self._minute.popleft()
        if now >= self._adapt_at:
            self._adapt_at = now + _ADAPT_EVERY_S
            self._adapt(seen)
        figures = {"level": self.level}
        if now < self._dial_at:
            return Decision(0, "not yet time to dial", figures)
        if self._dial_at == -inf:
            self._dial_at = now
        while self._dial_at <= now:
            self._dial_at += _DIAL_EVERY_S
        counted = seen.ready if self.available_only else seen.ready + seen.talking
        lines = seen.in_progress + seen.talking
        dials = within(seen.room, round(self.level * counted) - lines)
        return Decision(dials, f"{self.method} level times agents, less lines in use", figures)

    def _adapt(self, seen: Snapshot) -> None:
        agents = fmean(s.agents for s in self._samples)
        if not agents:
            return
        spare = fmean(s.ready for s in self._samples) - fmean(s.waiting for s in self._samples)
        difference = spare + self.difference
        factor = self.intensity / 100
        scale = 1 + factor if difference > 0 else abs(1 - factor)
        level = self._clamped(self.level * (1 + difference / agents * scale))
        _, answers_before, drops_before = self._minute[0]
        answers, drops = seen.answers - answers_before, seen.abandoned - drops_before
        if answers > _FEWEST_OF_A_MINUTE and drops > _WORST_OF_A_MINUTE * answers:
            level = level / 2
        if seen.answers > _FEWEST_OF_A_DAY and seen.abandoned > self.limit * seen.answers:
            if self.method is Method.HARD_LIMIT:
                level = 1.0
            elif self.method is Method.AVERAGE:
                level = level / 2
            else:
                level *= min(1.0, seen.left_s / 3600 / _TAPER_HOURS)
        self.level = self._clamped(level)

    def _clamped(self, level: float) -> float:
        return min(self.max_level, max(1.0, level))

    def state(self) -> dict[str, Any]:
        return {"level": self.level}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.level = float(state["level"])

    def new_day(self) -> None:
        self._minute.clear()
