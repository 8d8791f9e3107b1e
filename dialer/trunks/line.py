"""What one trunk may carry now: its channels, its calls per second, its breaker.

The rule of this module: the limits hold over all campaigns together. A campaign says how many
calls it has in preparation, asks for room before it releases contacts, and takes a channel when a
call leaves; so a full trunk costs no attempt.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from dialer.events import EndCause
from dialer.pacing.spread import Spread
from dialer.trunks.breaker import Breaker, BreakerRules

CHANNELS_FULL = "trunk channels full"
TOO_FAST = "the trunk's calls per second are used up"


@dataclass(frozen=True, slots=True)
class LineLimits:
    """channels: calls at once; calls_per_second: new calls. 0 means no limit."""

    channels: int = 0
    calls_per_second: float = 0.0
    breaker: BreakerRules = field(default_factory=BreakerRules)


class Room(NamedTuple):
    """How many calls may be released, and what keeps it from being more.

    dials: no limit where it is None. clamp: the name of the limit in the ledger.
    """

    dials: int | None
    clamp: str = ""
    reason: str = ""


NO_LIMIT = Room(None)


class Line:
    """One trunk, over all campaigns. Not thread-safe: its keeper sees to that."""

    def __init__(self, name: str, limits: LineLimits | None = None) -> None:
        self.name = name
        self.limits = limits or LineLimits()
        self.breaker = Breaker(self.limits.breaker)
        self._spread = Spread(self.limits.calls_per_second)
        self._in_use: set[int] = set()
        self._planned: dict[int, tuple[int, int]] = {}

    @property
    def _is_free(self) -> bool:
        limits = self.limits
        unlimited = not limits.channels and not limits.calls_per_second
        return unlimited and self.breaker.state == "closed"

    @property
    def in_use(self) -> int:
        """Channels that calls hold."""
        return len(self._in_use)

    def plan(self, campaign_id: int, preparing: int, waiting: int) -> None:
        """What a campaign has on its way: without a slot yet, and waiting for the slot it has."""
        if preparing or waiting:
            self._planned[campaign_id] = (preparing, waiting)
        else:
            self._planned.pop(campaign_id, None)

    def room(self, now: float, within_s: float) -> Room:
        """How many more calls may be released, to leave within `within_s` seconds."""
        refusal = self.breaker.refusal()
        if refusal:
            return Room(0, "breaker", f"trunk {self.name}: {refusal}")
        if self._is_free:
            return NO_LIMIT
        preparing = sum(planned[0] for planned in self._planned.values())
        waiting = sum(planned[1] for planned in self._planned.values())
        if self.breaker.state == "half_open":
            left = max(0, 1 - preparing - waiting)
            return Room(left, "breaker", f"trunk {self.name}: one call tries it out")
        room = NO_LIMIT
        slots = self._spread.slots(now, within_s)
        if slots is not None:
            room = Room(max(0, slots - preparing), "calls_per_second", TOO_FAST)
        if self.limits.channels:
            free = max(0, self.limits.channels - self.in_use - preparing - waiting)
            if room.dials is None or free < room.dials:
                room = Room(free, "trunk_channels", CHANNELS_FULL)
        return room

    def next_slot(self, now: float) -> float:
        """Seconds until the next call may leave; the slot is used up."""
        return self._spread.next_slot(now)

    def take(self, attempt_id: int) -> str:
        """Take a channel for a call that leaves now; else why not."""
        refusal = self.breaker.refusal()
        if refusal:
            return f"trunk {self.name}: {refusal}"
        if self.limits.channels and len(self._in_use) >= self.limits.channels:
            return CHANNELS_FULL
        self._in_use.add(attempt_id)
        self.breaker.dialed(attempt_id)
        return ""

    def heard(self, attempt_id: int) -> bool:
        """It rings or is answered; whether the breaker changed."""
        return self.breaker.heard(attempt_id)

    def carries(self, attempt_id: int) -> bool:
        """Whether a call holds a channel."""
        return attempt_id in self._in_use

    def ended(self, attempt_id: int, cause: EndCause, answered: bool, now: float) -> bool:
        """Give the channel back; whether the breaker changed. A second time does nothing."""
        if attempt_id not in self._in_use:
            return False
        self._in_use.discard(attempt_id)
        return self.breaker.ended(attempt_id, cause, answered, now)
