"""Contacts and attempts in memory: the ContactStore port for simulations and tests.

The rule of this module: it answers as the database does, by the same contract test, and keeps
nothing that a simulation does not read.
"""

import heapq
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
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
from sim.campaign_contacts import InCampaign, Standing
from sim.contact_lists import ContactLists
from sim.contact_pasts import ContactPasts

SavedFilter = Callable[[Mapping[str, AttributeValue], float], bool]
"""(attributes, epoch seconds of the claim) -> whether the contact is one of them"""

_Held = tuple[AttemptDraft, InCampaign, Standing]
"""The draft of an attempt, whose it is, and where its contact stands."""


class MemoryStore:
    """A ContactStore whose every answer is told before the call returns.

    campaigns: those that there are; None: any. filters: saved filters by name. first_past: what is
    known of a contact who has not been dialed from here.
    """

    def __init__(
        self,
        contacts: Mapping[int, Mapping[str, AttributeValue]],
        filters: Mapping[str, SavedFilter] | None = None,
        campaigns: Container[int] | None = None,
        first_past: Callable[[int], Past] = lambda _: NO_PAST,
    ) -> None:
        self._contacts = dict(contacts)
        self._filters = filters if filters is not None else {}
        self._known = campaigns
        self._campaigns: defaultdict[int, InCampaign] = defaultdict(
            partial(InCampaign, self._contacts)
        )
        self._open: dict[int, _Held] = {}
        self._numbers: set[str] = set()
        self._attempt_id = 0
        self._lists = ContactLists()
        self._lock = threading.RLock()
        self.settlements: list[Settlement] = []
        self.ignored_settlements = 0
        self._pasts = ContactPasts(first_past)
        self.dispositions: dict[int, str] = {}
        self._learned: dict[int, bytes] = {}

    def set_list(self, list_id: int, weight: int, paused: bool = False) -> None:
        """Make a list of contacts, weight it, pause it or resume it."""
        with self._lock:
            self._lists.set(list_id, weight, paused)

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
                self._lists.put(contact_id, list_id)
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
            campaign = self._campaigns[campaign_id]
            standing = campaign.touched[contact_id]
            untried = not standing.tried and not standing.resume_node
            if standing.state in ("", "waiting") and untried:
                standing.state = "waiting"
                campaign.hot[contact_id] = now
                if contact_id in campaign.fresh:
                    campaign.fresh.remove(contact_id)

    def add_callback(self, campaign_id: int, contact_id: int, callback: Callback) -> bool:
        """Have a campaign call a contact back; False where it is held or on the line now."""
        with self._lock:
            campaign = self._campaigns[campaign_id]
            if campaign.touched[contact_id].state in ("claimed", "in_flight"):
                return False
            campaign.owe(contact_id, callback)
            return True

    # --- the port -----------------------------------------------------------------------------

    def claim(self, request: ClaimRequest, reply_to: Sink) -> None:
        self._lock.acquire()
        try:
            reason = self._nonsense(request)
            if reason:
                reply_to.tell(StoreFailed(request.request_id, reason))
                return
            campaign = self._campaigns[request.campaign_id]
            if not request.hot_only:
                reply_to.tell(self._claim(campaign, request))
            elif campaign.hot or campaign.callback_due:
                first = tuple(self._claim_first(campaign, request))
                reply_to.tell(ContactsClaimed(request.request_id, first))
            else:
                reply_to.tell(ContactsClaimed(request.request_id, ()))
        finally:
            self._lock.release()

    def commit_attempts(
        self, request_id: int, drafts: Sequence[AttemptDraft], reply_to: Sink
    ) -> None:
        # By hand, as in `settle`.
        self._lock.acquire()
        try:
            held: list[_Held] = []
            campaigns = self._campaigns
            for draft in drafts:
                campaign = campaigns[draft.campaign_id]
                standing = campaign.touched[draft.contact_id]
                if standing.state != "claimed":
                    who = f"campaign {draft.campaign_id} does not hold contact {draft.contact_id}"
                    reply_to.tell(StoreFailed(request_id, who))
                    return
                held.append((draft, campaign, standing))
            ids: list[int] = []
            paused, numbers, opened = self._lists.paused, self._numbers, self._open
            for attempt in held:
                draft, campaign, standing = attempt
                number = draft.number
                if paused and self._lists.pauses(draft.contact_id):
                    ids.append(LIST_PAUSED)
                elif number in numbers:
                    ids.append(NUMBER_BUSY)
                else:
                    attempt_id = self._attempt_id = self._attempt_id + 1
                    ids.append(attempt_id)
                    opened[attempt_id] = attempt
                    numbers.add(number)
                    standing.state = "in_flight"
                    if campaign.hot:
                        campaign.hot.pop(draft.contact_id, None)
            reply_to.tell(AttemptsCommitted(request_id, tuple(ids)))
        finally:
            self._lock.release()

    def settle(self, settlement: Settlement) -> None:
        # By hand, as each call comes here: `with` takes a lock at twice the cost.
        self._lock.acquire()
        try:
            attempt = self._open.pop(settlement.attempt_id, None)
            if attempt is None:
                self.ignored_settlements += 1
                return
            draft, campaign, standing = attempt
            number, what_next = draft.number, settlement.next
            self._numbers.discard(number)
            self.settlements.append(settlement)
            if self._pasts.kept_up:
                self._pasts.add(settlement)
            if OUTCOMES[settlement.outcome].counts:
                standing.tried += (number,)
                if campaign.callbacks:
                    campaign.made_good(draft.contact_id)
            state = standing.state = what_next.state
            standing.resume_node = what_next.resume_node
            if campaign.hot or campaign.callbacks:
                campaign.waits(draft.contact_id, state, what_next.due_at)
            elif state == "waiting":
                heapq.heappush(campaign.waiting, (what_next.due_at, draft.contact_id))
        finally:
            self._lock.release()

    def defer(self, deferrals: Sequence[Deferral]) -> None:
        with self._lock:
            for deferral in deferrals:
                campaign, contact_id = self._campaigns[deferral.campaign_id], deferral.contact_id
                standing = campaign.touched[contact_id]
                if standing.state != "claimed":
                    continue
                if deferral.resume_node:
                    standing.resume_node = deferral.resume_node
                state = "waiting" if deferral.state == "due" else deferral.state
                if state != "waiting":
                    campaign.made_good(contact_id)
                standing.state = state
                campaign.waits(contact_id, state, deferral.due_at)

    def dispose(self, disposal: Disposal) -> None:
        with self._lock:
            self.dispositions[disposal.attempt_id] = disposal.disposition
            campaign, contact_id = self._campaigns[disposal.campaign_id], disposal.contact_id
            standing = campaign.touched[contact_id]
            settled = standing.state in ("waiting", "done", "refused")
            if not settled or len(standing.tried) != disposal.attempts:
                return
            campaign.forget(contact_id)
            standing.resume_node = disposal.next.resume_node
            if disposal.callback is not None:
                campaign.owe(contact_id, disposal.callback)
            else:
                state = standing.state = disposal.next.state
                campaign.waits(contact_id, state, disposal.next.due_at)

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
        with self._lock:
            return {attempt_id: draft for attempt_id, (draft, _, _) in self._open.items()}

    def held(self, campaign_id: int) -> int:
        """How many contacts a campaign has claimed, and neither dialed nor let go of."""
        touched = self._campaigns[campaign_id].touched
        return [each.state for each in touched.values()].count("claimed")

    # --- claims -------------------------------------------------------------------------------

    def _claim(self, campaign: InCampaign, request: ClaimRequest) -> ContactsClaimed:
        self._supply(campaign, request)
        any_first = campaign.hot or campaign.callback_due
        chosen = self._claim_first(campaign, request) if any_first else []
        running = self._lists.running()
        take_due = partial(self._due, campaign, request)
        take_fresh = partial(self._untouched, campaign, request)
        left = request.limit - len(chosen)
        due_first = left if request.retries is None else min(left, request.retries)
        due = campaign.turns_of_due.share(running, due_first, take_due)
        if due:
            chosen += self._claimed(campaign, due, request.past)
        left = request.limit - len(chosen)
        untouched = campaign.turns_of_fresh.share(running, left, take_fresh)
        if request.past:
            chosen += self._claimed(campaign, untouched, request.past)
        else:
            chosen += campaign.claim_new(untouched, self._contacts)
        if request.retries is not None:
            due = campaign.turns_of_due.share(running, request.limit - len(chosen), take_due)
            chosen += self._claimed(campaign, due, request.past)
        return ContactsClaimed(request.request_id, tuple(chosen), campaign.next_due_at(self._lists))

    def _supply(self, campaign: InCampaign, request: ClaimRequest) -> None:
        """Make contacts for a claim, in stores that do."""

    def _claim_first(self, campaign: InCampaign, request: ClaimRequest) -> list[ClaimedContact]:
        """Those who go first in every claim: hot leads, then call-backs, that are due."""
        first = self._ahead(campaign, campaign.hot, request, request.limit)
        left = request.limit - len(first)
        first += self._ahead(campaign, campaign.callback_due, request, left)
        return self._claimed(campaign, first, request.past)

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
            and not self._lists.pauses(contact_id)
            and self._fits(contact_id, request)
        )
        return [contact_id for _, contact_id in due[: max(0, most)]]

    def _due(
        self, campaign: InCampaign, request: ClaimRequest, list_id: int, limit: int
    ) -> list[int]:
        """Contacts of a list whose time has come, first come first."""
        found: list[int] = []
        passed_over: list[tuple[float, int]] = []
        waiting = campaign.waiting
        while waiting and waiting[0][0] <= request.now and len(found) < limit:
            entry = heapq.heappop(waiting)
            if campaign.hot and entry[1] in campaign.hot:
                continue  # it was marked while it waited, and is not found this way any more
            if self._lists.of(entry[1]) == list_id and self._fits(entry[1], request):
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
        self, campaign: InCampaign, request: ClaimRequest, list_id: int, limit: int
    ) -> list[int]:
        """Contacts of a list that the campaign never had, in the order asked for."""
        fifo = request.order == "fifo"
        if request.filter_name or len(self._lists.weights) > 1:
            # Contacts, filters and lists may change, so each claim looks at all that are left.
            left = campaign.fresh if fifo else reversed(campaign.fresh)
            mine = (c for c in left if self._lists.of(c) == list_id and self._fits(c, request))
            found = list(islice(mine, limit))
            taken = set(found)
            campaign.fresh = deque(c for c in campaign.fresh if c not in taken)
            return found
        take = campaign.fresh.popleft if fifo else campaign.fresh.pop
        return [take() for _ in range(min(limit, len(campaign.fresh)))]

    def _claimed(
        self, campaign: InCampaign, contact_ids: Sequence[int], past_wanted: bool
    ) -> list[ClaimedContact]:
        """Contacts that the campaign holds from now on, as it gets them."""
        pasts = self._pasts
        if past_wanted:
            pasts.begin(self.settlements)
        contacts, touched = self._contacts, campaign.touched
        hot, callbacks = campaign.hot, campaign.callbacks
        claimed: list[ClaimedContact] = []
        for contact_id in contact_ids:
            standing = touched[contact_id]
            standing.state = "claimed"
            contact = ClaimedContact(
                contact_id,
                contacts[contact_id],
                standing.resume_node,
                len(standing.tried),
                standing.tried,
                callbacks.get(contact_id) if callbacks else None,
                contact_id in hot,
                pasts.of(contact_id) if past_wanted else None,
            )
            claimed.append(contact)
        return claimed
