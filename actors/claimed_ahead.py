"""Contacts that a campaign holds before it needs them.

The rule of this module: one claim is under way at a time, and beside it one look for hot leads;
an answer to anything else comes from what is no more.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from dialer.flow.graph import Flow
from dialer.ports import ClaimedContact, ClaimRequest, ContactsClaimed, ContactStore, Sink

HOT_LOOK_S = 3.0
"""How often the store is asked for hot leads while others are held ahead of them."""

HOT_AT_ONCE = 10
"""Hot leads claimed by one look."""


class Picked(NamedTuple):
    """How a contact came to be dialed: its score, and whether it was the best of those held."""

    score: float
    best: bool


class ClaimedAhead:
    """Claims a little more than is asked for.

    ahead: how many to hold. answers: where the store answers.
    contacts: those claimed, the next one to dial first. held: how many are held in all.
    low: so many are few, half of what should be held being used up.
    claiming, looking: the claim and the look for hot leads under way, 0 for none.
    exhausted: the last claim brought nobody. next_due_at: when a waiting contact comes due, 0 if
    none waits. scores: those held are scored, for which the past of each is claimed, too.
    """

    def __init__(
        self, campaign_id: int, store: ContactStore, ahead: int, scores: bool = False
    ) -> None:
        self.contacts: deque[ClaimedContact] = deque()
        self.held = 0
        self.low = ahead // 2
        self.claiming = 0
        self.looking = 0
        self.exhausted = False
        self.scores = scores
        self.next_due_at = 0.0
        self._campaign_id = campaign_id
        self._store = store
        self._ahead = ahead
        self._retries_carried = 0.0

    def take(self, now: float, best: bool) -> ClaimedContact:  # noqa: ARG002 - all are alike
        """The one to dial next. best: the likeliest to answer, where they are scored."""
        self.held -= 1
        return self.contacts.popleft()

    def put_first(self, contacts: Sequence[ClaimedContact]) -> None:
        """They go before all that are held."""
        self.held += len(contacts)
        self.contacts.extendleft(reversed(contacts))

    def picked(self, contact_id: int) -> Picked | None:  # noqa: ARG002
        """How one that was taken had been scored, if it was; it is told once."""
        return None

    def classes(self, now: float) -> tuple[int, ...]:  # noqa: ARG002
        """Score classes of those who may be taken next, ascending; none where none is scored."""
        return ()

    def claim(self, flow: Flow, needed: int, now: float, request_id: int, answers: Sink) -> None:
        """Ask the store for what is needed and some ahead, unless it was asked already."""
        wanted = needed + self._ahead - self.held
        if self.claiming or wanted <= 0:
            return
        self.claiming = request_id
        init = flow.init
        retries = self._retries_of(wanted, init.retry_share)
        request = ClaimRequest(
            request_id,
            self._campaign_id,
            init.filter,
            init.order,
            wanted,
            now,
            retries=retries,
            past=self.scores,
        )
        self._store.claim(request, answers)

    def look_for_hot(self, flow: Flow, now: float, request_id: int, answers: Sink) -> None:
        """Ask the store for hot leads, unless it was asked already."""
        if self.looking:
            return
        self.looking = request_id
        init = flow.init
        request = ClaimRequest(
            request_id, self._campaign_id, init.filter, init.order, HOT_AT_ONCE, now, True
        )
        self._store.claim(request, answers)

    def claimed(self, answer: ContactsClaimed) -> None:
        """What the claim under way brought goes last."""
        self.claiming = 0
        self.held += len(answer.contacts)
        self.contacts.extend(answer.contacts)
        self.next_due_at = answer.next_due_at
        self.exhausted = not answer.contacts

    def let_go(self) -> tuple[ClaimedContact, ...]:
        """Hold nobody any more, and know the answers to come as those of what is no more."""
        self.claiming = self.looking = self.held = 0
        contacts = tuple(self.contacts)
        self.contacts.clear()
        return contacts

    def _retries_of(self, wanted: int, share: float | None) -> int | None:
        """How many of them should be due again; the fraction is carried to the next claim."""
        if share is None:
            return None
        exact = self._retries_carried + share * wanted
        whole = int(exact + 1e-9)
        self._retries_carried = exact - whole
        return whole
