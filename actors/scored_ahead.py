"""Contacts held ahead in a buffer by their answer scores, of which the best or the worst goes next.

The rule of this module: a score changes the order in which a list is dialed and nothing else. Hot
leads and call-backs go first, whatever their score; every rule is asked of each contact as it is
taken; and the buffer keeps the list's mix (`dialer.pacing.answer_buffer`).
"""

from collections import deque

from actors.claimed_ahead import ClaimedAhead, Picked
from dialer.compliance.window import TIME_ZONE_ATTRIBUTE, callee_clocks
from dialer.flow.dial_terms import DialTerms
from dialer.flow.graph import Flow
from dialer.flow.interpreter import entry
from dialer.flow.next_number import number_to_dial
from dialer.pacing.answer_buffer import AnswerBuffer
from dialer.ports import ClaimedContact, ContactStore
from dialer.score.model import ScoreModel
from dialer.score.past import NO_PAST


class ScoredAhead(ClaimedAhead):
    """Claims for the buffer, too. model: of the flow."""

    def __init__(
        self, campaign_id: int, store: ContactStore, ahead: int, flow: Flow, model: ScoreModel
    ) -> None:
        self._buffer: AnswerBuffer[ClaimedContact] = AnswerBuffer()
        super().__init__(campaign_id, store, ahead + self._buffer.size, scores=True)
        # The buffer is to be full at every pulse: half of what is held beyond it is used up.
        self.low = self._buffer.size + ahead // 2
        self._flow = flow
        self._model = model
        self._first: deque[ClaimedContact] = deque()
        self._picked: dict[int, Picked] = {}

    def take(self, now: float, best: bool) -> ClaimedContact:
        self._fill(now)
        self.held -= 1
        if self._first:
            first = self._first.popleft()
            self._picked[first.contact_id] = Picked(self._score(first, now), True)
            return first
        scored = self._buffer.take(best=best)
        self._picked[scored.record.contact_id] = Picked(scored.score, best)
        return scored.record

    def picked(self, contact_id: int) -> Picked | None:
        return self._picked.pop(contact_id, None)

    def classes(self, now: float) -> tuple[int, ...]:
        self._fill(now)
        return tuple([self._model.classes.of(score) for score in self._buffer.scores()])

    def let_go(self) -> tuple[ClaimedContact, ...]:
        held = [*self._first, *super().let_go()]
        while len(self._buffer):
            held.append(self._buffer.take(best=False).record)
        self._first.clear()
        self._picked.clear()
        return tuple(held)

    def _fill(self, now: float) -> None:
        contacts = self.contacts
        # All who wait are looked at, for a hot lead may have been put before them.
        while contacts and (self._buffer.missing > 0 or _goes_first(contacts[0])):
            contact = contacts.popleft()
            if _goes_first(contact):
                self._first.append(contact)
            else:
                self._buffer.put(contact, self._score(contact, now))

    def _score(self, contact: ClaimedContact, now: float) -> float:
        flow = self._flow
        zone = contact.attributes.get(TIME_ZONE_ATTRIBUTE)
        clocks = callee_clocks("", contact.attributes) if flow.goes_by_clocks else ()
        dial = entry(flow, contact.resume_node, now, clocks)
        number = number_to_dial(dial, contact) if isinstance(dial, DialTerms) else ""
        return self._model.score(
            now,
            number if isinstance(number, str) else "",
            zone if isinstance(zone, str) else "",
            contact.past or NO_PAST,
        )


def _goes_first(contact: ClaimedContact) -> bool:
    return contact.hot or contact.callback is not None
