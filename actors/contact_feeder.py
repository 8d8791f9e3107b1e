"""Feeds a campaign with contacts that may be dialed now.

The rule of this module: a contact becomes an attempt only after it was claimed, every rule said
yes, and the attempt stands in the store; what cannot be checked is not dialed. Contacts are
claimed a little ahead, so that an agent never waits for the database.
"""

from collections import deque
from typing import Any, NamedTuple

from actors.messages import (
    AttemptsReady,
    CheckDue,
    DueAnswer,
    FlowChanged,
    NeedContacts,
    Quiesce,
    ReadyAttempt,
    Report,
    TrunkNews,
)
from actors.runtime import Behaviour, handles
from dialer import journal
from dialer.compliance.permission import Rule
from dialer.flow.graph import Flow
from dialer.flow.interpreter import entry
from dialer.flow.nodes import Dial
from dialer.ports import (
    AttemptDraft,
    AttemptsCommitted,
    ClaimedContact,
    ClaimRequest,
    ContactNext,
    ContactsClaimed,
    ContactStore,
    Deferral,
    Sink,
    StoreFailed,
)

NUMBER_BUSY_S = 15.0
"""A contact whose number is on another call comes due again after this time."""

TRUNK_DOWN_S = 5.0
"""A contact whose trunk is down comes due again after this time."""


class _Pending(NamedTuple):
    """Attempts that wait for their commit."""

    need: NeedContacts
    tickets: tuple[int, ...]
    contacts: tuple[ClaimedContact, ...]
    drafts: tuple[AttemptDraft, ...]


class ContactFeeder(Behaviour):
    """Claims, checks and commits.

    may_dial: the dial policy and the law in one.
    ahead: contacts kept claimed in advance.
    """

    def __init__(
        self,
        campaign_id: int,
        version: int,
        flow: Flow,
        store: ContactStore,
        campaign: Sink,
        recorder: Sink,
        may_dial: Rule,
        ahead: int = 20,
    ) -> None:
        self._campaign_id = campaign_id
        self._version = version
        self._flow = flow
        self._store = store
        self._campaign = campaign
        self._recorder = recorder
        self._may_dial = may_dial
        self._ahead = ahead
        self._buffer: deque[ClaimedContact] = deque()
        self._needs: deque[NeedContacts] = deque()
        self._checks: list[CheckDue] = []
        self._commits: dict[int, _Pending] = {}
        self._request_id = 0
        self._claiming = 0
        self._exhausted = False
        self._next_due_at = 0.0
        self._down: dict[str, str] = {}
        self._skipped: dict[str, int] = {}
        self._trouble = ""

    def on_start(self) -> None:
        self._claim()

    # --- what the campaign asks ---------------------------------------------------------------

    @handles(CheckDue)
    def _on_check(self, check: CheckDue) -> None:
        if self._buffer:
            self._campaign.tell(DueAnswer(check.pulse, True, self._next_due_at))
        else:
            self._checks.append(check)
            self._claim()

    @handles(NeedContacts)
    def _on_need(self, need: NeedContacts) -> None:
        self._needs.append(need)
        self._exhausted = False
        self._serve()

    @handles(Quiesce)
    def _on_quiesce(self, message: Quiesce) -> None:
        self._give_back(message.reason)

    @handles(FlowChanged)
    def _on_flow(self, message: FlowChanged) -> None:
        self._version = message.version
        self._flow = message.flow
        self._give_back("a new version of the flow")

    @handles(TrunkNews)
    def _on_trunk(self, news: TrunkNews) -> None:
        if news.up:
            self._down.pop(news.trunk, None)
        else:
            self._down[news.trunk] = news.reason

    def on_stop(self) -> None:
        self._give_back("the campaign ended")

    def post_mortem(self, error: BaseException) -> None:
        self._give_back(f"the feeder's actor failed: {error!r}"[:200])

    def _give_back(self, reason: str) -> None:
        if self._buffer:
            now = self.runtime.now()
            self._store.defer(
                [
                    Deferral(c.contact_id, self._campaign_id, "due", now, reason)
                    for c in self._buffer
                ]
            )
            self._buffer.clear()
        for need in self._needs:
            self._campaign.tell(AttemptsReady(need.request_id, (), need.tickets, reason))
        self._needs.clear()

    # --- claiming -----------------------------------------------------------------------------

    def _claim(self) -> None:
        wanted = sum(len(need.tickets) for need in self._needs) + self._ahead - len(self._buffer)
        if self._claiming or wanted <= 0:
            return
        self._request_id += 1
        self._claiming = self._request_id
        init = self._flow.init
        request = ClaimRequest(
            self._request_id,
            self._campaign_id,
            init.filter,
            init.order,
            wanted,
            self.runtime.now(),
        )
        self._store.claim(request, self.ref)

    @handles(ContactsClaimed)
    def _on_claimed(self, answer: ContactsClaimed) -> None:
        if answer.request_id != self._claiming:
            return
        self._claiming = 0
        self._trouble = ""
        self._buffer.extend(answer.contacts)
        self._next_due_at = answer.next_due_at
        self._exhausted = not answer.contacts
        due = bool(self._buffer)
        for check in self._checks:
            self._campaign.tell(DueAnswer(check.pulse, due, answer.next_due_at))
        self._checks.clear()
        self._serve()

    @handles(StoreFailed)
    def _on_failed(self, failure: StoreFailed) -> None:
        self._trouble = f"the store failed: {failure.reason}"
        if failure.request_id == self._claiming:
            self._claiming = 0
            for check in self._checks:
                self._campaign.tell(DueAnswer(check.pulse, False, self._next_due_at))
            self._checks.clear()
            for need in self._needs:
                answer = AttemptsReady(need.request_id, (), need.tickets, self._trouble)
                self._campaign.tell(answer)
            self._needs.clear()
            return
        pending = self._commits.pop(failure.request_id, None)
        if pending is not None:
            self._buffer.extendleft(reversed(pending.contacts))
            answer = AttemptsReady(pending.need.request_id, (), pending.tickets, self._trouble)
            self._campaign.tell(answer)

    # --- serving ------------------------------------------------------------------------------

    def _serve(self) -> None:
        while self._needs:
            need = self._needs[0]
            chosen = self._choose(len(need.tickets))
            if not chosen:
                if not self._exhausted:
                    break
                self._needs.popleft()
                reason = "no contact is due"
                self._campaign.tell(AttemptsReady(need.request_id, (), need.tickets, reason))
                continue
            self._needs.popleft()
            served, left = need.tickets[: len(chosen)], need.tickets[len(chosen) :]
            self._commit(need._replace(tickets=served), chosen)
            if left:
                self._needs.appendleft(need._replace(tickets=left))
        if not self._exhausted or self._needs:
            self._claim()

    def _choose(self, wanted: int) -> list[tuple[ClaimedContact, Dial, str]]:
        """Contacts of the buffer that may be dialed now; the others are deferred, with why."""
        now = self.runtime.now()
        chosen: list[tuple[ClaimedContact, Dial, str]] = []
        deferrals: list[Deferral] = []
        while self._buffer and len(chosen) < wanted:
            contact = self._buffer.popleft()
            verdict = self._judge(contact, now)
            if isinstance(verdict, Deferral):
                deferrals.append(verdict)
                self._skipped[verdict.reason] = self._skipped.get(verdict.reason, 0) + 1
                self._recorder.tell(
                    journal.ContactSkipped(
                        contact.contact_id, self._campaign_id, now, verdict.reason
                    )
                )
            else:
                chosen.append((contact, *verdict))
        if deferrals:
            self._store.defer(deferrals)
        return chosen

    def _judge(self, contact: ClaimedContact, now: float) -> Deferral | tuple[Dial, str]:
        dial = entry(self._flow, contact.resume_node, now)
        if isinstance(dial, ContactNext):
            state = "refused" if dial.state == "done" else dial.state
            return self._defer(contact, state, dial.due_at, "the flow lets it wait")
        if dial.channel in self._down:
            reason = f"trunk {dial.channel} is down"
            return self._defer(contact, "waiting", now + TRUNK_DOWN_S, reason)
        numbers = contact.attributes.get(dial.identifier)
        if not isinstance(numbers, (list, tuple)) or len(numbers) <= dial.index:
            reason = f"no number {dial.index} in attribute {dial.identifier}"
            return self._defer(contact, "refused", 0.0, reason)
        number = numbers[dial.index]
        verdict = self._may_dial(number, contact, now)
        if verdict.allowed:
            return dial, number
        if verdict.next_at:
            return self._defer(contact, "waiting", verdict.next_at, verdict.reason)
        return self._defer(contact, "refused", 0.0, verdict.reason)

    def _defer(self, contact: ClaimedContact, state: str, due_at: float, reason: str) -> Deferral:
        return Deferral(contact.contact_id, self._campaign_id, state, due_at, reason)

    def _commit(self, need: NeedContacts, chosen: list[tuple[ClaimedContact, Dial, str]]) -> None:
        now = self.runtime.now()
        self._request_id += 1
        drafts = tuple(
            AttemptDraft(
                contact.contact_id,
                self._campaign_id,
                self._version,
                dial.id,
                number,
                dial.channel,
                now,
            )
            for contact, dial, number in chosen
        )
        contacts = tuple(contact for contact, _, _ in chosen)
        self._commits[self._request_id] = _Pending(need, need.tickets, contacts, drafts)
        self._store.commit_attempts(self._request_id, drafts, self.ref)

    @handles(AttemptsCommitted)
    def _on_committed(self, answer: AttemptsCommitted) -> None:
        pending = self._commits.pop(answer.request_id)
        now = self.runtime.now()
        ready: list[ReadyAttempt] = []
        short: list[int] = []
        busy: list[Deferral] = []
        rows = zip(
            pending.tickets, pending.contacts, pending.drafts, answer.attempt_ids, strict=True
        )
        for ticket, contact, draft, attempt_id in rows:
            if attempt_id:
                ready.append(ReadyAttempt(ticket, attempt_id, draft.node_id, draft.number, contact))
            else:
                short.append(ticket)
                reason = "its number is on another call"
                busy.append(self._defer(contact, "waiting", now + NUMBER_BUSY_S, reason))
        if busy:
            self._store.defer(busy)
        self._campaign.tell(AttemptsReady(pending.need.request_id, tuple(ready), (), ""))
        if short:
            # Another contact may do for each of these tickets.
            self._needs.append(pending.need._replace(tickets=tuple(short)))
            self._serve()

    @handles(Report)
    def _on_report(self, _: Report) -> dict[str, Any]:
        return {
            "claimed_ahead": len(self._buffer),
            "exhausted": self._exhausted,
            "next_due_at": self._next_due_at,
            "skipped": dict(self._skipped),
            "trouble": self._trouble,
        }
