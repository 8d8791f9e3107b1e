"""A campaign's contacts that agents look at before they are dialed.

The rule of this module: a ticket stands for one agent and one contact from the moment the agent
is free for it until the contact is dialed or let go, and the feeder keeps the contact meanwhile.
"""

from collections.abc import Iterator

from actors.agent_messages import (
    PreviewDecided,
    PreviewFound,
    PreviewOver,
    ShowPreview,
    WithdrawPreview,
)
from actors.campaign_cells import CampaignCells
from actors.messages import NeedContacts
from actors.pacers import DeafPacer, Inputs, Paced, ToArm
from actors.tickets import Tickets
from dialer.flow.graph import Flow
from dialer.flow.nodes import Preview
from dialer.pacing.reservations import Reservations
from dialer.ports import PreviewCard, Sink


class PreviewBoard(DeafPacer):
    """Finds contacts for agents to look at, and knows who looks at what.

    It is the pacer of a flow that dials by previews, too.
    book: the campaign's reservations. title: the campaign's, for the agent to see.
    """

    is_steady = True

    def __init__(
        self,
        campaign_id: int,
        title: str,
        book: Reservations,
        cells: CampaignCells,
        tickets: Tickets,
        to_arm: ToArm,
        *,
        pool: Sink,
        feeder: Sink,
    ) -> None:
        self._campaign_id = campaign_id
        self._title = title
        self._book = book
        self._cells = cells
        self._tickets = tickets
        self._to_arm = to_arm
        self._pool = pool
        self._feeder = feeder
        self._settings = Preview(mode="preview")
        self._agents: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._agents)

    def follow(self, flow: Flow) -> bool:
        dialing = flow.init.dialing
        if isinstance(dialing, Preview):
            self._settings = dialing
            return True
        return False

    def pace(self, now: float, seen: Inputs, pulse: bool, seized: bool) -> Paced:  # noqa: ARG002
        """Ask for a contact for every agent who has none to look at or to talk to."""
        wanted = self._tickets.draw(self._to_arm())
        if not wanted:
            return Paced(0.0, 0, seen, self._book.quota, reason="every agent has a contact")
        for ticket, agent_id in wanted.items():
            self._book.bind(ticket, agent_id)
        self._agents |= wanted
        self._feeder.tell(NeedContacts(self._tickets.request(), tuple(wanted), preview=True))
        found = f"looked for {len(wanted)} contacts to preview"
        return Paced(0.0, 0, seen, self._book.quota, reason=found)

    def show(self, found: PreviewFound, now: float) -> None:
        """A contact has come for a ticket."""
        agent_id = self._agents.get(found.ticket)
        if agent_id is None:
            self._feeder.tell(PreviewOver(found.ticket, "", "withdrawn"))
            return
        timeout_s = self._settings.accept_timeout_s
        card = PreviewCard(
            found.ticket,
            self._title,
            found.contact.contact_id,
            found.number,
            found.contact.attributes,
            found.contact.attempts,
            now + timeout_s,
        )
        then = self._settings.on_timeout
        self._pool.tell(ShowPreview(self._campaign_id, agent_id, card, timeout_s, then))

    def decided(self, decided: PreviewDecided) -> bool:
        """Take a verdict in; whether the contact is to be dialed now."""
        agent_id = self._agents.get(decided.ticket)
        if agent_id is None:
            return False
        self._cells.preview(decided.verdict)
        accepted = decided.verdict == "accepted"
        del self._agents[decided.ticket]
        if not accepted:
            self._book.ended(decided.ticket)
        self._feeder.tell(PreviewOver(decided.ticket, agent_id, decided.verdict))
        return accepted

    def not_found(self, tickets: tuple[int, ...]) -> None:
        """There is no contact for these, and the campaign knows that they ended."""
        for ticket in tickets:
            self._agents.pop(ticket, None)

    def withdraw(self) -> None:
        """Nothing may be dialed: agents need not look any more, and contacts go back."""
        for ticket, agent_id in self._drained():
            self._pool.tell(WithdrawPreview(agent_id, ticket))
            self._feeder.tell(PreviewOver(ticket, agent_id, "withdrawn"))

    def feeder_lost(self) -> None:
        """The feeder was made anew and keeps none of the contacts."""
        for ticket, agent_id in self._drained():
            self._pool.tell(WithdrawPreview(agent_id, ticket))

    def _drained(self) -> Iterator[tuple[int, str]]:
        for ticket, agent_id in [*self._agents.items()]:
            del self._agents[ticket]
            self._book.ended(ticket)
            yield ticket, agent_id
