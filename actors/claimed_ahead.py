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
    contacts: those claimed, the next one to dial first. exhausted: the last claim brought nobody.
    next_due_at: when a waiting contact comes due, 0 if none waits. wants_past: see `ClaimRequest`.
    """

    wants_past = False

    def __init__(self, campaign_id: int, store: ContactStore, ahead: int) -> None:
        self.contacts: deque[ClaimedContact] = deque()
        self.exhausted = False
        self.next_due_at = 0.0
        self._campaign_id = campaign_id
        self._store = store
        self._ahead = ahead
        self._claiming = 0
        self._looking = 0
        self._retries_carried = 0.0

    def __len__(self) -> int:
        """How many are held."""
        return len(self.contacts)

    @property
    def is_low(self) -> bool:
        """Half of what should be held is used up, and there may be more."""
        return not self.exhausted and len(self) <= self._ahead // 2

    def take(self, now: float, *, best: bool) -> ClaimedContact:  # noqa: ARG002 - all are alike
        """The one to dial next. best: the likeliest to answer, where they are scored."""
        return self.contacts.popleft()

    def put_back(self, contacts: Sequence[ClaimedContact]) -> None:
        """They were taken and not dialed, and go first again."""
        self.contacts.extendleft(reversed(contacts))

    def picked(self, contact_id: int) -> Picked | None:  # noqa: ARG002
        """How one that was taken had been scored, if it was; it is told once."""
        return None

    def classes(self, now: float) -> tuple[int, ...]:  # noqa: ARG002
        """Score classes of those who may be taken next, ascending; none where none is scored."""
        return ()

    def claim(self, flow: Flow, needed: int, now: float, request_id: int, answers: Sink) -> None:
        """Ask the store for what is needed and some ahead, unless it was asked already."""
        wanted = needed + self._ahead - len(self)
        if self._claiming or wanted <= 0:
            return
        self._claiming = request_id
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
            past=self.wants_past,
        )
        self._store.claim(request, answers)

    def look_for_hot(self, flow: Flow, now: float, request_id: int, answers: Sink) -> None:
        """While nobody is held, every claim brings hot leads first anyway."""
        if self._looking or not len(self):
            return
        self._looking = request_id
        init = flow.init
        request = ClaimRequest(
            request_id, self._campaign_id, init.filter, init.order, HOT_AT_ONCE, now, True
        )
        self._store.claim(request, answers)

    def is_hot(self, request_id: int) -> bool:
        """Whether this was the look for hot leads."""
        return request_id == self._looking

    def is_claim(self, request_id: int) -> bool:
        """Whether this was the claim under way."""
        return request_id == self._claiming

    def claimed(self, answer: ContactsClaimed) -> None:
        """The answer to the claim or the look under way."""
        if self.is_hot(answer.request_id):
            self._looking = 0
            self.contacts.extendleft(reversed(answer.contacts))
            return
        self._claiming = 0
        self.contacts.extend(answer.contacts)
        self.next_due_at = answer.next_due_at
        self.exhausted = not answer.contacts

    def failed(self, request_id: int) -> None:
        """The claim or the look under way brings nothing."""
        if self.is_hot(request_id):
            self._looking = 0
        else:
            self._claiming = 0

    def let_go(self) -> tuple[ClaimedContact, ...]:
        """Hold nobody any more, and know the answers to come as those of what is no more."""
        self._claiming = self._looking = 0
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
