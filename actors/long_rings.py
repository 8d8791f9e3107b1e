"""Calls that ring, by how long.

The rule of this module: a call counts as one that may be given up when it has rung, since the
first ring that was heard, for as long as the law wants; never since the dial.
"""

from itertools import islice, takewhile


class LongRings:
    """Of one campaign. least_s: how long a call must have rung."""

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self._since: dict[int, float] = {}

    def ring(self, ticket: int, at: float) -> None:
        """A call rings."""
        self._since.setdefault(ticket, at)

    def over(self, ticket: int) -> None:
        """A call rings no more."""
        self._since.pop(ticket, None)

    def long(self, now: float) -> list[int]:
        """Those that rang long enough, the longest first; tickets come as they began to ring."""
        least_s, since = self._least_s, self._since
        return list(takewhile(lambda ticket: now - since[ticket] >= least_s, since))

    def take(self, now: float, calls: int) -> tuple[int, ...]:
        """So many of them, which ring no more."""
        taken = tuple(islice(self.long(now), calls))
        for ticket in taken:
            del self._since[ticket]
        return taken
