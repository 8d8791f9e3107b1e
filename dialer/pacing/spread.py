"""Dials spread evenly under a trunk's calls per second.

The rule of this module: a burst is laid out over time, one dial a slot, and no slot is used
twice; a trunk without a limit has no slots.
"""


class Spread:
    """Hands out slots of 1 / calls_per_second; 0 means no limit."""

    def __init__(self, calls_per_second: float) -> None:
        self._slot_s = 1.0 / calls_per_second if calls_per_second > 0 else 0.0
        self._next_at = 0.0

    def next_slot(self, now: float) -> float:
        """Seconds from `now` until this dial may leave."""
        at = max(now, self._next_at)
        self._next_at = at + self._slot_s
        return at - now
