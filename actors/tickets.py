"""A campaign's contacts from the moment they are asked for until they are calls.

The rule of this module: each has a number, its ticket, by which it counts as a call in flight from
the decision on; and other campaigns always know how many of ours are on their way to the trunk.
"""

from collections.abc import Sequence

from actors.call_board import CallBoard
from actors.messages import NeedContacts
from actors.pacers import Pacer
from actors.trunk_share import TrunkShare
from dialer.pacing.reservations import Reservations
from dialer.ports import Sink


class Tickets:
    """Draws tickets and knows those that are being made ready.

    pacer: hears of them; it is set before the first is drawn. preparing: those that are being made
    ready.
    """

    pacer: Pacer

    def __init__(
        self, book: Reservations, calls: CallBoard, share: TrunkShare, feeder: Sink
    ) -> None:
        self._book = book
        self._waiting = calls.waiting
        self._share = share
        self._feeder = feeder
        self._last = 0
        self._request_id = 0
        self.preparing: set[int] = set()

    def start(self, number: int) -> None:
        """Count from here, so that no answer to a former campaign is taken for one to this."""
        self._last = self._request_id = number
        planned = self._share.planned
        planned.preparing, planned.waiting = self.preparing, self._waiting

    def request(self) -> int:
        """The number of a question to the feeder."""
        self._request_id += 1
        return self._request_id

    def draw(self, agent_ids: Sequence[str]) -> dict[int, str]:
        """A ticket for each agent, none of them being made ready yet."""
        first = self._last + 1
        self._last += len(agent_ids)
        return dict(enumerate(agent_ids, first))

    def prepare_one(self) -> int:
        """A ticket that is being made ready; whoever draws it asks for its contact."""
        self._last += 1
        self.preparing.add(self._last)
        return self._last

    def need(self, dials: int, now: float, picks: tuple[bool, ...] = ()) -> None:
        """Ask for so many contacts (one or more), to be dialed at once.

        picks: see `NeedContacts`.
        """
        first = self._last + 1
        self._last += dials
        tickets = tuple(range(first, first + dials))
        self.preparing.update(tickets)
        book = self._book
        for ticket in tickets:
            book.placed(ticket)
        self.pacer.placed(tickets, now)
        self._request_id += 1
        tell = self._feeder.tell  # by way of the attribute it would be looked up in the class
        tell(NeedContacts(self._request_id, tickets, False, picks))

    def prepare(self, ticket: int) -> None:
        """It is being made ready from now on."""
        self.preparing.add(ticket)

    def never_placed(self, ticket: int, now: float) -> None:
        """It came to no call."""
        self._book.ended(ticket)
        self.pacer.not_placed(ticket, now)

    def lost(self, now: float) -> None:
        """The feeder was made anew: what it was asked will never be answered."""
        for ticket in self.preparing:
            self.never_placed(ticket, now)
        self.forget()

    def forget(self) -> None:
        """The campaign is taken down."""
        self.preparing.clear()
