"""Contacts that a feeder keeps for certain agents, until they are dialed or let go.

The rule of this module: a contact is in one place only; whoever takes it out settles what becomes
of it, so none is lost and none is dialed unseen.
"""

from collections.abc import Iterable
from typing import NamedTuple

from dialer.flow.graph import Flow
from dialer.ports import ClaimedContact

_A_MOMENT_S = 0.01


class Kept(NamedTuple):
    """A contact that an agent looks at. flow: the version in which it was found."""

    contact: ClaimedContact
    number: str
    flow: Flow


class Promised(NamedTuple):
    """A contact that waits for the agent who promised it a call, until `until`."""

    contact: ClaimedContact
    agent_id: str
    until: float


class KeptContacts:
    """By ticket, those whom agents look at; by contact, those whom agents promised a call.

    agent_of: for whom a ticket is dialed then; whoever reads an entry takes it out.
    """

    def __init__(self) -> None:
        self._previewed: dict[int, Kept] = {}
        self._promised: dict[int, Promised] = {}
        self.agent_of: dict[int, str] = {}

    def keep(self, ticket: int, contact: ClaimedContact, number: str, flow: Flow) -> None:
        self._previewed[ticket] = Kept(contact, number, flow)

    def take(self, ticket: int) -> Kept | None:
        return self._previewed.pop(ticket, None)

    def take_previewed(self) -> list[ClaimedContact]:
        kept = [each.contact for each in self._previewed.values()]
        self._previewed.clear()
        return kept

    def promise(self, contact: ClaimedContact, agent_id: str, until: float) -> None:
        self._promised[contact.contact_id] = Promised(contact, agent_id, until)

    def promised(self) -> Iterable[Promised]:
        return self._promised.values()

    def take_promised(self, contact_id: int) -> Promised | None:
        return self._promised.pop(contact_id, None)

    def overdue(self, contact_id: int, now: float) -> Promised | None:
        """Take one out whose agent has not come in time."""
        promised = self._promised.get(contact_id)
        if promised is None or now < promised.until - _A_MOMENT_S:
            return None  # dialed meanwhile, or promised anew
        return self._promised.pop(contact_id)

    def take_all(self) -> list[ClaimedContact]:
        kept = self.take_previewed() + [each.contact for each in self._promised.values()]
        self._promised.clear()
        return kept

    def dial_for(self, ticket: int, agent_id: str) -> None:
        """From now on the ticket is dialed for this agent."""
        self.agent_of[ticket] = agent_id
