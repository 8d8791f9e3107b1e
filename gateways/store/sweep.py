"""Where a campaign is in its pass over the contacts.

The rule of this module: a contact is looked at once, and again only when it is new or has really
changed. So a claim costs the same with 150,000 contacts behind it as with none.

Each list has a pass of its own, so that a paused one is taken up where it was left.

A pass has two parts. The *base* goes over contact ids in the campaign's order and remembers how
far it came. Everything that changes behind its back (a contact it has passed, or in LIFO one
newer than its start) has a `contacts.change` number above those seen so far, and is looked at
first: for FIFO those contacts are older than the base's position, for LIFO newer.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple


class Edition(NamedTuple):
    """What a filter's name stood for: its revision, and the day, for it may speak of today."""

    revision: int
    day: date


@dataclass(slots=True)
class Sweep:
    """One campaign's pass over one list with one filter in one order. It lives in memory: a lost
    one only costs looking at every contact once more.

    position: the base has looked at ids up to it (FIFO) or down to it (LIFO).
    seen: the newest change number that a range covers or the base began with.
    ranges: inclusive ranges of change numbers not looked at yet, oldest first.
    dry: everything was looked at, and nothing has changed since.
    """

    lifo: bool
    edition: Edition
    resets: int
    position: int
    seen: int
    ranges: list[tuple[int, int]] = field(default_factory=list)
    dry: bool = False

    def notice(self, newest_change: int) -> None:
        """Contacts have changed up to this number."""
        if newest_change <= self.seen:
            return
        self.dry = False
        if self.ranges and self.ranges[-1][1] == self.seen:
            self.ranges[-1] = (self.ranges[-1][0], newest_change)
        else:
            self.ranges.append((self.seen + 1, newest_change))
        self.seen = newest_change

    def next_range(self) -> tuple[int, int] | None:
        """The changes to look at now: the newest for LIFO, the oldest for FIFO."""
        if not self.ranges:
            return None
        return self.ranges[-1 if self.lifo else 0]

    def range_done(self, up_to: int | None) -> None:
        """The next range was looked at: as far as change `up_to`, or wholly (None)."""
        place = -1 if self.lifo else 0
        low, high = self.ranges[place]
        if up_to is not None:
            low, high = (low, up_to - 1) if self.lifo else (up_to + 1, high)
        if up_to is None or low > high:
            del self.ranges[place]
        else:
            self.ranges[place] = (low, high)
