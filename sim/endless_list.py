"""Contacts without end.

The rule of this module: contacts come into being when they are claimed, so a simulated day never
runs out of them and costs no more than those it calls. Numbers are made by counting up, for every
contact others; they are dialed in simulation only.
"""

from collections.abc import Callable, Mapping
from math import inf

from dialer.ports import AttributeValue, ClaimRequest
from dialer.score.past import NO_PAST, Past
from sim.campaign_contacts import InCampaign
from sim.memory_store import MemoryStore

_AT_ONCE = 64
_SPAN = 1_000_000_000
_FIRST = 120_000_000
_BASE = 2 * _SPAN + _FIRST

MOST_WAITING = 100_000
"""Contacts who are due later, at once. Where nobody may be called at this hour, each one that is
made is put off, and a list without end would go on making them."""

Person = Callable[[int], Mapping[str, AttributeValue]]
"""From a contact's number on the list, from 1, to its attributes."""


def number_of(contact: int, place: int = 0) -> str:
    """The telephone number that a contact has at a place among its numbers, up to 7."""
    return f"+1{_BASE + place * _SPAN + contact}"


def contact_of(number: str) -> int:
    """The contact that has a number."""
    return int(number[2:]) % _SPAN - _FIRST


def _with_a_phone(contact: int) -> Mapping[str, AttributeValue]:
    return {"phone": (f"+1{_BASE + contact}",)}  # as `number_of` makes it


class EndlessList(MemoryStore):
    """A store that always has a contact who was never called.

    at_most: contacts there are after all; None for no end. person: what each is like. past: what
    is known of them before the day.
    """

    def __init__(
        self,
        at_most: int | None = None,
        person: Person = _with_a_phone,
        past: Callable[[int], Past] = lambda _: NO_PAST,
    ) -> None:
        super().__init__({}, first_past=past)
        self._made = 0
        self._at_most = inf if at_most is None else at_most
        self._person = person

    def _supply(self, campaign: InCampaign, request: ClaimRequest) -> None:
        room = self._at_most if len(campaign.waiting) < MOST_WAITING else 0
        while len(campaign.fresh) < request.limit and self._made < room:
            made = min(self._made + _AT_ONCE, self._at_most)
            first, self._made = self._made + 1, int(made)
            self.add_new(range(first, self._made + 1), self._person)
