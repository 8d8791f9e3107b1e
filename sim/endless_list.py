"""Contacts without end.

The rule of this module: contacts come into being when they are claimed, so a simulated day never
runs out of them and costs no more than those it calls.
"""

from math import inf

from dialer.ports import ClaimRequest, Sink
from sim.memory_store import MemoryStore

_AT_ONCE = 1000
_FIRST_NUMBER = 2_120_000_000


class EndlessList(MemoryStore):
    """A store that always has a contact who was never called.

    Numbers are made by counting up, for every contact another; they are dialed in simulation only.

    at_most: contacts there are after all; None for no end.
    """

    def __init__(self, at_most: int | None = None) -> None:
        super().__init__({})
        self._made = 0
        self._at_most = inf if at_most is None else at_most

    def claim(self, request: ClaimRequest, reply_to: Sink) -> None:
        fresh = self._campaign(request.campaign_id).fresh
        while len(fresh) < request.limit and self._made < self._at_most and not request.hot_only:
            made = min(self._made + _AT_ONCE, self._at_most)
            first, self._made = self._made + 1, int(made)
            for number in range(first, self._made + 1):
                self.add(number, {"phone": (f"+1{_FIRST_NUMBER + number}",)})
        super().claim(request, reply_to)
