"""Dials spread evenly under a trunk's calls per second.

The rule of this module: a burst is laid out over time, one dial a slot, and no slot is used
twice; a trunk without a limit has no slots.
"""

from math import floor

_EPSILON = 1e-9  # a slot that begins exactly at the end of the time asked for is in it


class Spread:
    """Hands out slots of 1 / calls_per_second; 0 means no limit."""

    def __init__(self, calls_per_second: float) -> None:
        self._slot_s = 1.0 / calls_per_second if calls_per_second > 0 else 0.0
        self._next_at = 0.0

    def next_slot(self, now: float) -> float:
        """Seconds from `now` until this dial may leave."""
        if not self._slot_s:
            return 0.0
        at = max(now, self._next_at)
        self._next_at = at + self._slot_s
        return at - now

    def slots(self, now: float, within_s: float) -> int | None:
        """How many dials may still be given a slot in that time; None means no limit."""
        if not self._slot_s:
            return None
        left_s = now + within_s - max(now, self._next_at)
        return max(0, floor(left_s / self._slot_s + _EPSILON) + 1)
