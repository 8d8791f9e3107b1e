"""Contacts that a feeder keeps for certain agents, until they are dialed or let go.

The rule of this module: a contact is in one place only; whoever takes it out settles what becomes
of it, so none is lost and none is dialed unseen.
"""

from typing import NamedTuple

from dialer.flow.graph import Flow
from dialer.ports import ClaimedContact


class Kept(NamedTuple):
    """A contact that an agent looks at. flow: the version in which it was found."""

    contact: ClaimedContact
    flow: Flow


class KeptContacts:
    """By ticket, the contacts that agents look at; and whom a ticket is dialed for then."""

    def __init__(self) -> None:
        self._previewed: dict[int, Kept] = {}
        self._agents: dict[int, str] = {}

    def keep(self, ticket: int, contact: ClaimedContact, flow: Flow) -> None:
        self._previewed[ticket] = Kept(contact, flow)

    def take(self, ticket: int) -> Kept | None:
        return self._previewed.pop(ticket, None)

    def take_all(self) -> list[ClaimedContact]:
        kept = [each.contact for each in self._previewed.values()]
        self._previewed.clear()
        return kept

    def dial_for(self, ticket: int, agent_id: str) -> None:
        """From now on the ticket is dialed for this agent."""
        self._agents[ticket] = agent_id

    def agent(self, ticket: int) -> str:
        """For whom a ticket is dialed, told once; "" for any agent."""
        return self._agents.pop(ticket, "") if self._agents else ""
