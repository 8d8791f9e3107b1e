"""Contacts and attempts in memory: the ContactStore port for simulations and tests.

The rule of this module: it answers as the database does, by the same contract test, and keeps
nothing that a simulation does not read.
"""

import heapq
import threading
from collections import deque
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import islice

from dialer.outcomes import OUTCOMES
from dialer.ports import (
    LIST_PAUSED,
    NUMBER_BUSY,
    AttemptDraft,
    AttemptsCommitted,
    AttributeValue,
    Callback,
    ClaimedContact,
    ClaimRequest,
    ContactsClaimed,
    Deferral,
    Disposal,
    Recalled,
    Settlement,
    Sink,
    StoreFailed,
)
from dialer.score.past import NO_PAST, Past
from sim.campaign_contacts import InCampaign

SavedFilter = Callable[[Mapping[str, AttributeValue], float], bool]
"""(attributes, epoch seconds of the claim) -> whether the contact is one of them"""


_DEFAULT_LIST = 1


class MemoryStore:
    """A ContactStore whose every answer is told before the call returns.

    campaigns: those that there are; None: any. filters: saved filters by name.
    """

    def __init__(
        self,
        contacts: Mapping[int, Mapping[str, AttributeValue]],
        filters: Mapping[str, SavedFilter] | None = None,
        campaigns: Container[int] | None = None,
    ) -> None:
        self._contacts = dict(contacts)
        self._filters = filters if filters is not None else {}
        self._known = campaigns
        self._campaigns: dict[int, InCampaign] = {}
        self._open: dict[int, AttemptDraft] = {}
        self._numbers: set[str] = set()
        self._attempt_id = 0
        self._weights = {_DEFAULT_LIST: 1}
        self._paused: set[int] = set()
        self._list_of: dict[int, int] = {}
        self._lock = threading.RLock()
        self.settlements: list[Settlement] = []
        self.ignored_settlements = 0
        self._pasts: dict[int, Past] | None = None
        self.dispositions: dict[int, str] = {}
        self._learned: dict[int, bytes] = {}

    def set_list(self, list_id: int, weight: int, paused: bool = False) -> None:
        """Make a list of contacts, weight it, pause it or resume it."""
        with self._lock:
            self._weights[list_id] = weight
            (self._paused.add if paused else self._paused.discard)(list_id)

    def add(
        self,
        contact_id: int,
        attributes: Mapping[str, AttributeValue],
        list_id: int | None = None,
    ) -> None:
        """Put in a contact, or its new attributes; it is eligible in every campaign.

        list_id: its list from now on; None leaves it where it is.
        """
        with self._lock:
            if list_id is not None:
                self._list_of[contact_id] = list_id
            if contact_id not in self._contacts:
                for campaign in self._campaigns.values():
                    campaign.fresh.append(contact_id)
            self._contacts[contact_id] = attributes

    def add_new(
        self, contact_ids: range, person: Callable[[int], Mapping[str, AttributeValue]]
    ) -> None:
        """Put in contacts who were not there, each with the attributes that `person` gives."""
        with self._lock:
            self._contacts.update(zip(contact_ids, map(person, contact_ids), strict=True))
            for campaign in self._campaigns.values():
                campaign.fresh.extend(contact_ids)

    def add_hot(self, campaign_id: int, contact_id: int, now: float) -> None:
        """Have a campaign dial a contact next, unless it has been dialed or refused before."""
        with self._lock:
            campaign = self._campaign(campaign_id)
            standing = campaign.touched[contact_id]
            untried = not standing.attempts and not standing.resume_node
            if standing.state in ("", "waiting") and untried:
                standing.state = "waiting"
                campaign.hot[contact_id] = now
                if contact_id in campaign.fresh:
                    campaign.fresh.remove(contact_id)

    def add_callback(self, campaign_id: int, contact_id: int, callback: Callback) -> bool:
        """Have a campaign call a contact back; False where it is held or on the line now."""
        with self._lock:
            campaign = self._campaign(campaign_id)
            if campaign.touched[contact_id].state in ("claimed", "in_flight"):
                return False
            campaign.owe(contact_id, callback)
            return True

    # --- the port -----------------------------------------------------------------------------

    def claim(self, request: ClaimRequest, reply_to: Sink) -> None:
        with self._lock:
            self._claim(request, reply_to)

    def commit_attempts(
        self, request_id: int, drafts: Sequence[AttemptDraft], reply_to: Sink
    ) -> None:
        with self._lock:
            self._commit_attempts(request_id, drafts, reply_to)

    def settle(self, settlement: Settlement) -> None:
        with self._lock:
            self._settle(settlement)

    def defer(self, deferrals: Sequence[Deferral]) -> None:
        with self._lock:
            self._defer(deferrals)

    def dispose(self, disposal: Disposal) -> None:
        with self._lock:
            self._dispose(disposal)

    def remember(self, campaign_id: int, document: bytes) -> None:
        with self._lock:
            self._learned[campaign_id] = document

    def recall(self, request_id: int, campaign_id: int, reply_to: Sink) -> None:
        with self._lock:
            document = self._learned.get(campaign_id, b"")
        reply_to.tell(Recalled(request_id, document))

    # --- what a test or a simulation reads ----------------------------------------------------

    def states(self, campaign_id: int) -> dict[int, str]:
        """The state of each contact that a campaign has touched."""
        campaign = self._campaigns.get(campaign_id)
        if campaign is None:
            return {}
        return {contact: each.state for contact, each in campaign.touched.items() if each.state}

    def attributes(self, contact_id: int) -> Mapping[str, AttributeValue]:
        """What is known of a contact."""
        return self._contacts[contact_id]

    @property
    def open_attempts(self) -> Mapping[int, AttemptDraft]:
        """Attempts that are not settled."""
        return self._open

    # --- claims -------------------------------------------------------------------------------

    def _claim(self, request: ClaimRequest, reply_to: Sink) -> None:
        reason = self._nonsense(request)
        if reason:
            reply_to.tell(StoreFailed(request.request_id, reason))
            return
        campaign = self._campaign(request.campaign_id)
        if request.hot_only and not campaign.hot and not campaign.callback_due:
            reply_to.tell(ContactsClaimed(request.request_id, ()))
            return
        ahead = self._ahead(campaign, campaign.hot, request, request.limit)
        left = request.limit - len(ahead)
        ahead += self._ahead(campaign, campaign.callback_due, request, left)
        pasts = self._known_pasts() if request.past else None
        chosen = [self._claimed(campaign, c, pasts) for c in ahead]
        if request.hot_only:
            reply_to.tell(ContactsClaimed(request.request_id, tuple(chosen)))
            return
        running = {n: weight for n, weight in self._weights.items() if n not in self._paused}

        def take_due(list_id: int, most: int) -> list[int]:
            return self._due(campaign, request, most, list_id)

        def take_fresh(list_id: int, most: int) -> list[int]:
            return self._untouched(campaign, request, most, list_id)

        left = request.limit - len(chosen)
        due_first = left if request.retries is None else min(left, request.retries)
        due = campaign.turns_of_due.share(running, due_first, take_due)
        chosen += [self._claimed(campaign, c, pasts) for c in due]
        left = request.limit - len(chosen)
        untouched = campaign.turns_of_fresh.share(running, left, take_fresh)
        chosen += [self._claimed(campaign, contact_id, pasts) for contact_id in untouched]
        if request.retries is not None:
            due = campaign.turns_of_due.share(running, request.limit - len(chosen), take_due)
            chosen += [self._claimed(campaign, c, pasts) for c in due]
        next_due_at = self._next_due_at(campaign)
        reply_to.tell(ContactsClaimed(request.request_id, tuple(chosen), next_due_at))

    def _next_due_at(self, campaign: InCampaign) -> float:
        if not self._paused:
            return campaign.next_due_at()
        waiting = [*campaign.waiting, *((at, c) for c, at in campaign.callback_due.items())]
        return min((at for at, c in waiting if not self._is_paused(c)), default=0.0)

    def _is_paused(self, contact_id: int) -> bool:
        return bool(self._paused) and self._list(contact_id) in self._paused

    def _list(self, contact_id: int) -> int:
        return self._list_of.get(contact_id, _DEFAULT_LIST)

    def _nonsense(self, request: ClaimRequest) -> str:
        if self._known is not None and request.campaign_id not in self._known:
            return f"there is no campaign {request.campaign_id}"
        if request.filter_name and request.filter_name not in self._filters:
            return f"there is no filter {request.filter_name!r}"
        if request.order not in ("fifo", "lifo"):
            return f"there is no order {request.order!r}"
        return ""

    def _ahead(
        self, campaign: InCampaign, due_at: dict[int, float], request: ClaimRequest, most: int
    ) -> list[int]:
        """Those who go first and whose time has come, the longest due first."""
        if not due_at:
            return []
        due = sorted(
            (at, contact_id)
            for contact_id, at in due_at.items()
            if at <= request.now
            and campaign.touched[contact_id].state == "waiting"
            and not self._is_paused(contact_id)
            and self._fits(contact_id, request)
        )
        return [contact_id for _, contact_id in due[: max(0, most)]]

    def _due(
        self, campaign: InCampaign, request: ClaimRequest, limit: int, list_id: int
    ) -> list[int]:
        """Contacts of a list whose time has come, first come first."""
        found: list[int] = []
        passed_over: list[tuple[float, int]] = []
        waiting = campaign.waiting
        while waiting and waiting[0][0] <= request.now and len(found) < limit:
            entry = heapq.heappop(waiting)
            if campaign.hot and entry[1] in campaign.hot:
                continue  # it was marked while it waited, and is not found this way any more
            if self._list(entry[1]) == list_id and self._fits(entry[1], request):
                found.append(entry[1])
            else:
                passed_over.append(entry)
        for entry in passed_over:
            heapq.heappush(waiting, entry)
        return found

    def _fits(self, contact_id: int, request: ClaimRequest) -> bool:
        name = request.filter_name
        return not name or self._filters[name](self._contacts[contact_id], request.now)

    def _untouched(
        self, campaign: InCampaign, request: ClaimRequest, limit: int, list_id: int
    ) -> list[int]:
        """Contacts of a list that the campaign never had, in the order asked for."""
        fifo = request.order == "fifo"
        if request.filter_name or len(self._weights) > 1:
            # Contacts, filters and lists may change, so each claim looks at all that are left.
            left = campaign.fresh if fifo else reversed(campaign.fresh)
            mine = (c for c in left if self._list(c) == list_id and self._fits(c, request))
            found = list(islice(mine, limit))
            taken = set(found)
            campaign.fresh = deque(c for c in campaign.fresh if c not in taken)
            return found
        take = campaign.fresh.popleft if fifo else campaign.fresh.pop
        return [take() for _ in range(min(limit, len(campaign.fresh)))]

    def _known_pasts(self) -> dict[int, Past]:
        """What came of each contact's attempts; kept up from the first time that it is asked."""
        if self._pasts is None:
            self._pasts = {}
            for settlement in self.settlements:
                self._add_to_past(self._pasts, settlement)
        return self._pasts

    def _add_to_past(self, pasts: dict[int, Past], settlement: Settlement) -> None:
        contact_id = settlement.contact_id
        past = pasts.get(contact_id) or self.first_past(contact_id)
        pasts[contact_id] = past.after(settlement.outcome, settlement.dialed_at)

    def first_past(self, contact_id: int) -> Past:  # noqa: ARG002 - for stores that know more
        """What is known of a contact that has not been dialed from here."""
        return NO_PAST

    def _claimed(
        self, campaign: InCampaign, contact_id: int, pasts: dict[int, Past] | None
    ) -> ClaimedContact:
        past = None
        if pasts is not None:
            past = pasts.get(contact_id) or self.first_past(contact_id)
        standing = campaign.touched[contact_id]
        standing.state = "claimed"
        return ClaimedContact(
            contact_id,
            self._contacts[contact_id],
            standing.resume_node,
            standing.attempts,
            standing.tried,
            campaign.callbacks.get(contact_id) if campaign.callbacks else None,
            contact_id in campaign.hot,
            past,
        )

    # --- attempts -----------------------------------------------------------------------------

    def _commit_attempts(
        self, request_id: int, drafts: Sequence[AttemptDraft], reply_to: Sink
    ) -> None:
        for draft in drafts:
            if self._state(draft.campaign_id, draft.contact_id) != "claimed":
                reason = f"campaign {draft.campaign_id} does not hold contact {draft.contact_id}"
                reply_to.tell(StoreFailed(request_id, reason))
                return
        reply_to.tell(AttemptsCommitted(request_id, tuple([self._commit(d) for d in drafts])))

    def _commit(self, draft: AttemptDraft) -> int:
        """The id of the attempt, or why there is none."""
        contact_id, number = draft.contact_id, draft.number
        if self._paused and self._is_paused(contact_id):
            return LIST_PAUSED
        if number in self._numbers:
            return NUMBER_BUSY
        self._attempt_id += 1
        self._open[self._attempt_id] = draft
        self._numbers.add(number)
        campaign = self._campaigns[draft.campaign_id]
        campaign.touched[contact_id].state = "in_flight"
        if campaign.hot:
            campaign.hot.pop(contact_id, None)
        return self._attempt_id

    def _settle(self, settlement: Settlement) -> None:
        draft = self._open.pop(settlement.attempt_id, None)
        if draft is None:
            self.ignored_settlements += 1
            return
        campaign = self._campaign(draft.campaign_id)
        contact_id, number, what_next = draft.contact_id, draft.number, settlement.next
        self._numbers.discard(number)
        self.settlements.append(settlement)
        if self._pasts is not None:
            self._add_to_past(self._pasts, settlement)
        standing = campaign.touched[contact_id]
        if OUTCOMES[settlement.outcome].counts:
            standing.attempts += 1
            standing.tried = (*standing.tried, number)
            if campaign.callbacks:
                campaign.made_good(contact_id)
        standing.resume_node = what_next.resume_node
        self._put(campaign, contact_id, what_next.state, what_next.due_at)

    def _defer(self, deferrals: Sequence[Deferral]) -> None:
        for deferral in deferrals:
            if self._state(deferral.campaign_id, deferral.contact_id) != "claimed":
                continue
            campaign = self._campaign(deferral.campaign_id)
            if deferral.resume_node:
                campaign.touched[deferral.contact_id].resume_node = deferral.resume_node
            state = "waiting" if deferral.state == "due" else deferral.state
            if state != "waiting":
                campaign.made_good(deferral.contact_id)
            self._put(campaign, deferral.contact_id, state, deferral.due_at)

    def _dispose(self, disposal: Disposal) -> None:
        self.dispositions[disposal.attempt_id] = disposal.disposition
        campaign, contact_id = self._campaign(disposal.campaign_id), disposal.contact_id
        standing = campaign.touched[contact_id]
        settled = standing.state in ("waiting", "done", "refused")
        if not settled or standing.attempts != disposal.attempts:
            return
        campaign.forget(contact_id)
        standing.resume_node = disposal.next.resume_node
        if disposal.callback is not None:
            campaign.owe(contact_id, disposal.callback)
        else:
            self._put(campaign, contact_id, disposal.next.state, disposal.next.due_at)

    def _put(self, campaign: InCampaign, contact_id: int, state: str, due_at: float) -> None:
        campaign.touched[contact_id].state = state
        if contact_id in campaign.hot:
            campaign.hot[contact_id] = due_at
        elif contact_id in campaign.callbacks:
            campaign.callback_due[contact_id] = due_at
        elif state == "waiting":
            heapq.heappush(campaign.waiting, (due_at, contact_id))

    def _state(self, campaign_id: int, contact_id: int) -> str:
        campaign = self._campaigns.get(campaign_id)
        return campaign.touched[contact_id].state if campaign is not None else ""

    def _campaign(self, campaign_id: int) -> InCampaign:
        campaign = self._campaigns.get(campaign_id)
        if campaign is None:
            campaign = self._campaigns[campaign_id] = InCampaign(self._contacts)
        return campaign
