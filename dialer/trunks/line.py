"""What one trunk may carry now: its channels, its calls per second, its breaker.

The rule of this module: the limits hold over all campaigns together. A campaign says how many
calls it has in preparation, asks for room before it releases contacts, and takes a channel when a
call leaves; so a full trunk costs no attempt.
"""

from collections.abc import Sized
from dataclasses import dataclass, field

from dialer.events import EndCause
from dialer.message import Message
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


class Room(Message):
    """How many calls may be released, and what keeps it from being more.

    dials: no limit where it is None. clamp: the name of the limit in the ledger.
    """

    dials: int | None
    clamp: str = ""
    reason: str = ""


NO_LIMIT = Room(None)


class Planned:
    """What one campaign has on its way to a trunk; others may ask how many they are at any time.

    preparing: calls without a slot yet; waiting: calls that wait for the slot they have. Both are
    what the campaign itself keeps of them.
    """

    __slots__ = ("preparing", "waiting")

    def __init__(self) -> None:
        self.preparing: Sized = ()
        self.waiting: Sized = ()


class Line:
    """One trunk, over all campaigns. Not thread-safe: its keeper sees to that.

    calls: attempts that hold a channel. has_slots: it has a limit of calls per second.
    is_unlimited: nothing but its breaker ever limits it.
    """

    def __init__(self, name: str, limits: LineLimits | None = None) -> None:
        self.name = name
        self.limits = limits or LineLimits()
        self.breaker = Breaker(self.limits.breaker)
        self._spread = Spread(self.limits.calls_per_second)
        self.calls: set[int] = set()
        self._planned: dict[int, Planned] = {}
        self.has_slots = self.limits.calls_per_second > 0
        self._channels = self.limits.channels
        self.is_unlimited = not self._channels and not self.has_slots
        # As `Spread.next_slot`: seconds until the next call may leave; the slot is used up.
        self.next_slot = self._spread.next_slot
        # As `Breaker.heard`: it rings or is answered; whether the breaker changed.
        self.heard = self.breaker.heard

    @property
    def in_use(self) -> int:
        """Channels that calls hold."""
        return len(self.calls)

    def planned(self, campaign_id: int) -> Planned:
        """Where a campaign keeps what it has on its way."""
        planned = self._planned.get(campaign_id)
        if planned is None:
            planned = self._planned[campaign_id] = Planned()
        return planned

    def room(self, now: float, within_s: float) -> Room:
        """How many more calls may be released, to leave within `within_s` seconds."""
        refusal = self.breaker.refusal()
        if refusal:
            return Room(0, "breaker", f"trunk {self.name}: {refusal}")
        if self.is_unlimited and self.breaker.state == "closed":
            return NO_LIMIT
        preparing = sum(len(planned.preparing) for planned in self._planned.values())
        waiting = sum(len(planned.waiting) for planned in self._planned.values())
        if self.breaker.state == "half_open":
            left = max(0, 1 - preparing - waiting)
            return Room(left, "breaker", f"trunk {self.name}: one call tries it out")
        room = NO_LIMIT
        slots = self._spread.slots(now, within_s)
        if slots is not None:
            room = Room(max(0, slots - preparing), "calls_per_second", TOO_FAST)
        if self._channels:
            free = max(0, self._channels - self.in_use - preparing - waiting)
            if room.dials is None or free < room.dials:
                room = Room(free, "trunk_channels", CHANNELS_FULL)
        return room

    def take(self, attempt_id: int) -> str:
        """Take a channel for a call that leaves now; else why not."""
        breaker = self.breaker
        is_closed = breaker.state == "closed"
        if not is_closed:
            refusal = breaker.refusal()
            if refusal:
                return f"trunk {self.name}: {refusal}"
        if self._channels and len(self.calls) >= self._channels:
            return CHANNELS_FULL
        self.calls.add(attempt_id)
        if not is_closed:
            breaker.dialed(attempt_id)
        return ""

    def ended(self, attempt_id: int, cause: EndCause, answered: bool, now: float) -> bool | None:
        """Give the channel back; whether the breaker changed. A second time does nothing: None."""
        try:
            self.calls.remove(attempt_id)
        except KeyError:
            return None
        return self.breaker.ended(attempt_id, cause, answered, now)
