"""Contacts and attempts in memory: the ContactStore port for simulations and tests.

The rule of this module: it answers as the database does, by the same contract test, and keeps
nothing that a simulation does not read.
"""

import heapq
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from dialer.outcomes import OUTCOMES
from dialer.ports import (
    AttemptDraft,
    AttemptsCommitted,
    AttributeValue,
    ClaimedContact,
    ClaimRequest,
    ContactsClaimed,
    Deferral,
    Settlement,
    Sink,
)

Predicate = Callable[[Mapping[str, AttributeValue]], bool]


class _InCampaign:
    """What one campaign knows of its contacts."""

    def __init__(self, contact_ids: Iterable[int]) -> None:
        self.fresh: deque[int] = deque(contact_ids)
        self.waiting: list[tuple[float, int]] = []
        self.state: dict[int, str] = {}
        self.resume: dict[int, str] = {}
        self.attempts: Counter[int] = Counter()


class MemoryStore:
    """A ContactStore whose every answer is told before the call returns.

    filters: saved filters by name, as predicates.
    """

    def __init__(
        self,
        contacts: Mapping[int, Mapping[str, AttributeValue]],
        filters: Mapping[str, Predicate] | None = None,
    ) -> None:
        self._contacts = dict(contacts)
        self._filters = dict(filters or {})
        self._campaigns: dict[tuple[int, str], _InCampaign] = {}
        self._open: dict[int, AttemptDraft] = {}
        self._numbers: set[str] = set()
        self._attempt_id = 0
        self._lock = threading.RLock()
        self.settlements: list[Settlement] = []
        self.ignored_settlements = 0

    def add(self, contact_id: int, attributes: Mapping[str, AttributeValue]) -> None:
        """A contact that comes later is eligible in every campaign whose filter it meets."""
        with self._lock:
            self._contacts[contact_id] = attributes
            for (_, filter_name), campaign in self._campaigns.items():
                if self._matches(contact_id, filter_name):
                    campaign.fresh.append(contact_id)

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

    def _claim(self, request: ClaimRequest, reply_to: Sink) -> None:
        campaign = self._campaign(request.campaign_id, request.filter_name)
        chosen: list[ClaimedContact] = []
        while (
            campaign.waiting
            and campaign.waiting[0][0] <= request.now
            and len(chosen) < request.limit
        ):
            _, contact_id = heapq.heappop(campaign.waiting)
            chosen.append(self._claimed(campaign, contact_id))
        take = campaign.fresh.popleft if request.order == "fifo" else campaign.fresh.pop
        while campaign.fresh and len(chosen) < request.limit:
            chosen.append(self._claimed(campaign, take()))
        next_due_at = campaign.waiting[0][0] if campaign.waiting else 0.0
        reply_to.tell(ContactsClaimed(request.request_id, tuple(chosen), next_due_at))

    def _commit_attempts(
        self, request_id: int, drafts: Sequence[AttemptDraft], reply_to: Sink
    ) -> None:
        ids: list[int] = []
        for draft in drafts:
            if draft.number in self._numbers:
                ids.append(0)
                continue
            self._attempt_id += 1
            self._open[self._attempt_id] = draft
            self._numbers.add(draft.number)
            ids.append(self._attempt_id)
        reply_to.tell(AttemptsCommitted(request_id, tuple(ids)))

    def _settle(self, settlement: Settlement) -> None:
        draft = self._open.pop(settlement.attempt_id, None)
        if draft is None:
            self.ignored_settlements += 1
            return
        self._numbers.discard(draft.number)
        self.settlements.append(settlement)
        campaign = self._holder(settlement.campaign_id, settlement.contact_id)
        if OUTCOMES[settlement.outcome].counts:
            campaign.attempts[settlement.contact_id] += 1
        what_next = settlement.next
        self._put(campaign, settlement.contact_id, what_next.state, what_next.due_at)
        campaign.resume[settlement.contact_id] = what_next.resume_node

    def _defer(self, deferrals: Sequence[Deferral]) -> None:
        for deferral in deferrals:
            campaign = self._holder(deferral.campaign_id, deferral.contact_id)
            if deferral.resume_node:
                campaign.resume[deferral.contact_id] = deferral.resume_node
            if deferral.state == "due" and not campaign.attempts[deferral.contact_id]:
                campaign.state[deferral.contact_id] = "due"
                campaign.fresh.appendleft(deferral.contact_id)
            else:
                self._put(campaign, deferral.contact_id, deferral.state, deferral.due_at)

    def states(self, campaign_id: int) -> dict[int, str]:
        """The state of each contact that a campaign has touched."""
        return {
            contact_id: state
            for (its_id, _), campaign in self._campaigns.items()
            if its_id == campaign_id
            for contact_id, state in campaign.state.items()
        }

    @property
    def open_attempts(self) -> Mapping[int, AttemptDraft]:
        """Attempts that are not settled."""
        return self._open

    def _campaign(self, campaign_id: int, filter_name: str) -> _InCampaign:
        key = (campaign_id, filter_name)
        if key not in self._campaigns:
            eligible = (c for c in self._contacts if self._matches(c, filter_name))
            self._campaigns[key] = _InCampaign(eligible)
        return self._campaigns[key]

    def _holder(self, campaign_id: int, contact_id: int) -> _InCampaign:
        for (its_id, _), campaign in self._campaigns.items():
            if its_id == campaign_id and contact_id in campaign.state:
                return campaign
        raise KeyError(contact_id)

    def _matches(self, contact_id: int, filter_name: str) -> bool:
        return not filter_name or self._filters[filter_name](self._contacts[contact_id])

    def _claimed(self, campaign: _InCampaign, contact_id: int) -> ClaimedContact:
        campaign.state[contact_id] = "claimed"
        return ClaimedContact(
            contact_id,
            self._contacts[contact_id],
            campaign.resume.get(contact_id, ""),
            campaign.attempts[contact_id],
        )

    def _put(self, campaign: _InCampaign, contact_id: int, state: str, due_at: float) -> None:
        campaign.state[contact_id] = "waiting" if state == "due" else state
        if state in ("waiting", "due"):
            heapq.heappush(campaign.waiting, (due_at, contact_id))
