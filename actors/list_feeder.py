"""Feeds a campaign with contacts that may be dialed now.

The rule of this module: a contact becomes an attempt only after it was claimed, every rule said
yes, and the attempt stands in the store; what cannot be checked is not dialed. Contacts are
claimed a little ahead, so that an agent never waits for the database; hot leads are looked for
meanwhile and overtake what was claimed ahead. The campaign hears with every answer whether there
are more, and asks only where there are none.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from actors.caller_book import CallerBook
from actors.claimed_ahead import HOT_LOOK_S, ClaimedAhead
from actors.contact_judge import Chosen, ContactJudge
from actors.kept_contacts import KeptContacts
from actors.messages import (
    AttemptsReady,
    CheckDue,
    DueAnswer,
    FeederStarted,
    FlowChanged,
    LookForHot,
    NeedContacts,
    Quiesce,
    ReadyAttempt,
    Report,
    StoreAnswered,
    TrunkNews,
)
from actors.runtime import Behaviour, Timer, handles
from actors.scored_ahead import ScoredAhead
from actors.store_answers import StoreAnswers
from actors.trunk_watch import TrunkWatch
from actors.unplaced import never_dialed
from dialer import journal
from dialer.compliance.permission import Rule
from dialer.flow.graph import Flow
from dialer.message import Message
from dialer.ports import (
    LIST_PAUSED,
    AttemptDraft,
    AttemptsCommitted,
    ClaimedContact,
    ContactsClaimed,
    ContactStore,
    Deferral,
    Sink,
    StoreFailed,
)

NUMBER_BUSY_S = 15.0
"""A contact whose number is on another call comes due again after this time."""


class _Pending(Message):
    """Attempts that wait for their commit, one for each ticket of the need.

    flow: the version that they belong to.
    """

    need: NeedContacts
    flow: Flow
    chosen: list[Chosen]

    @property
    def contacts(self) -> list[ClaimedContact]:
        return [choice.contact for choice in self.chosen]


class ListFeeder(Behaviour):
    """Claims, checks and commits. See `ContactFeeder` for those who are kept for certain agents.

    may_dial: the dial policy and the law in one.
    ahead: contacts kept claimed in advance. callers: the numbers that callees may see.
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
        callers: CallerBook | None = None,
    ) -> None:
        self._campaign_id = campaign_id
        self._version = version
        self._flow = flow
        self._store = store
        self._campaign = campaign
        self._recorder = recorder
        self._trunks = TrunkWatch()
        self._callers = callers or CallerBook()
        self._judge = ContactJudge(campaign_id, may_dial, self._callers, self._trunks)
        self._held_ahead = ahead
        self._ahead = self._new_ahead()
        self._needs: deque[NeedContacts] = deque()
        self._kept = KeptContacts()
        self._checks: list[CheckDue] = []
        self._commits: dict[int, _Pending] = {}
        self._request_id = 0
        self._hot_timer: Timer | None = None
        self._quiet = ""
        self._skipped: dict[str, int] = {}
        self._trouble = ""

    def _new_ahead(self) -> ClaimedAhead:
        """Scored ones wait in a buffer."""
        model = self._flow.score
        if model is None:
            return ClaimedAhead(self._campaign_id, self._store, self._held_ahead)
        return ScoredAhead(self._campaign_id, self._store, self._held_ahead, self._flow, model)

    def on_start(self) -> None:
        self._answers = StoreAnswers(self.ref, self._undo)
        self._campaign.tell(FeederStarted())
        self._claim()
        self._look_later()

    def on_stop(self) -> None:
        self._end("the campaign was taken down")

    def post_mortem(self, error: BaseException) -> None:
        self._end(f"the feeder failed: {error!r}"[:200])

    def _end(self, reason: str) -> None:
        if self._hot_timer is not None:
            self._hot_timer.cancel()
        self._give_back(reason)
        self._answers.close()

    def receive(self, message: Any) -> Any:
        """What the store answers at once is dealt with at once."""
        answers = self._answers
        answers.attend()
        reply = self.handlers[type(message)](self, message)
        while (answer := answers.take()) is not None:
            self._on_answer(answer)
        return reply

    # --- what the campaign asks ---------------------------------------------------------------

    @handles(CheckDue)
    def _on_check(self, check: CheckDue) -> None:
        if len(self._ahead) or self._quiet:
            self._tell_due(check)
        else:
            self._checks.append(check)
            self._claim()

    @handles(NeedContacts)
    def _on_need(self, need: NeedContacts) -> None:
        if self._quiet:
            self._short(need, self._quiet)
            return
        self._needs.append(need)
        self._ahead.exhausted = False
        self._serve()

    @handles(Quiesce)
    def _on_quiesce(self, message: Quiesce) -> None:
        self._quiet = message.reason
        self._give_back(message.reason)

    @handles(FlowChanged)
    def _on_flow(self, message: FlowChanged) -> None:
        self._quiet = ""
        self._version = message.version
        self._flow = message.flow
        self._give_back("a new version of the flow")
        self._ahead = self._new_ahead()

    @handles(TrunkNews)
    def _on_trunk(self, news: TrunkNews) -> None:
        self._trunks.hear(news)

    def _give_back(self, reason: str) -> None:
        """Let go of all that is not committed; what is still to come is let go when it comes."""
        self._defer_due([*self._ahead.let_go(), *self._kept.take_all()], reason)
        self._answer_all(reason)

    def _answer_all(self, reason: str) -> None:
        """Nobody can be had: answer every question that is open."""
        for check in self._checks:
            self._tell_due(check)
        self._checks.clear()
        for need in self._needs:
            self._short(need, reason)
        self._needs.clear()

    def _tell_due(self, check: CheckDue) -> None:
        ahead = self._ahead
        self._campaign.tell(DueAnswer(check.pulse, len(ahead) > 0, ahead.next_due_at))

    def _short(self, need: NeedContacts, reason: str) -> None:
        more = len(self._ahead) > 0
        classes = self._ahead.classes(self.runtime.now())
        answer = AttemptsReady(need.request_id, (), need.tickets, reason, self._flow, more, classes)
        self._campaign.tell(answer)

    def _defer_due(self, contacts: Iterable[ClaimedContact], reason: str) -> None:
        now = self.runtime.now()
        deferrals = [self._defer(contact, "due", now, reason) for contact in contacts]
        if deferrals:
            self._store.defer(deferrals)

    # --- what the store answers ---------------------------------------------------------------

    @handles(StoreAnswered)
    def _on_store_answered(self, _: StoreAnswered) -> None:
        """Every message ends with a look at the answers, and so does this one."""

    def _on_answer(self, answer: ContactsClaimed | AttemptsCommitted | StoreFailed) -> None:
        if type(answer) is AttemptsCommitted:
            self._on_committed(answer)
        elif type(answer) is ContactsClaimed:
            self._on_claimed(answer)
        elif type(answer) is StoreFailed:
            self._on_failed(answer)

    def _undo(self, answer: Any) -> None:
        """Make an answer of the store undone that came when this feeder was no more."""
        reason = "the campaign was taken down"
        if isinstance(answer, ContactsClaimed):
            self._defer_due(answer.contacts, reason)
            return
        pending = self._commits.pop(answer.request_id, None)
        if pending is None:
            return
        ids = answer.attempt_ids if isinstance(answer, AttemptsCommitted) else ()
        now = self.runtime.now()
        for place, contact in enumerate(pending.contacts):
            attempt_id = ids[place] if ids else 0
            if attempt_id > 0:
                settlement = never_dialed(attempt_id, contact, self._campaign_id, now, reason)
                self._store.settle(settlement)
            else:
                self._defer_due((contact,), reason)
        self._short(pending.need, reason)

    # --- claiming -----------------------------------------------------------------------------

    def _claim(self) -> None:
        if not self._quiet:
            self._request_id += 1
            needed = sum(len(need.tickets) for need in self._needs)
            now = self.runtime.now()
            self._ahead.claim(self._flow, needed, now, self._request_id, self._answers)

    def _look_later(self) -> None:
        self._hot_timer = self.runtime.after(HOT_LOOK_S, self.ref, LookForHot())

    @handles(LookForHot)
    def _on_look(self, _: LookForHot) -> None:
        if not self._quiet:
            self._request_id += 1
            now = self.runtime.now()
            self._ahead.look_for_hot(self._flow, now, self._request_id, self._answers)
        self._look_later()

    def _on_claimed(self, answer: ContactsClaimed) -> None:
        request_id, ahead = answer.request_id, self._ahead
        ours = ahead.is_claim(request_id) or ahead.is_hot(request_id)
        if ours and any(contact.callback for contact in answer.contacts):
            answer = self._set_aside(answer)
        if ahead.is_claim(request_id):
            self._trouble = ""
            ahead.claimed(answer)
            for check in self._checks:
                self._tell_due(check)
            self._checks.clear()
        elif ahead.is_hot(request_id):
            ahead.claimed(answer)
        else:
            self._defer_due(answer.contacts, "claimed for what is no more")
            return
        self._serve()

    def _on_failed(self, failure: StoreFailed) -> None:
        self._trouble = f"the store failed: {failure.reason}"
        request_id, ahead = failure.request_id, self._ahead
        if ahead.is_claim(request_id):
            ahead.failed(request_id)
            self._answer_all(self._trouble)
            return
        if ahead.is_hot(request_id):
            ahead.failed(request_id)
            return
        pending = self._commits.pop(request_id, None)
        if pending is not None:
            kept = [ticket for ticket in pending.need.tickets if self._kept.agent(ticket)]
            if self._quiet or kept:
                # Not into the list: whom an agent is kept for is found, and kept, anew.
                self._defer_due(pending.contacts, self._quiet or self._trouble)
            else:
                ahead.put_back(pending.contacts)
            self._short(pending.need, self._trouble)

    # --- serving ------------------------------------------------------------------------------

    def _serve(self) -> None:
        while self._needs:
            need = self._needs[0]
            chosen = self._choose(len(need.tickets), need.picks)
            if not chosen:
                if not self._ahead.exhausted:
                    break
                self._needs.popleft()
                self._short(need, "no contact is due")
                continue
            self._needs.popleft()
            left = need.tickets[len(chosen) :]
            if left:
                self._needs.appendleft(need.only(left))
                need = need.only(need.tickets[: len(chosen)])
            if need.preview:
                self._find_previews(need.tickets, chosen)
            else:
                self._commit(need, chosen)
        # Not after every dial: the store is asked when half of what is kept ahead is used up.
        if self._needs or self._ahead.is_low:
            self._claim()

    def _choose(self, wanted: int, picks: Sequence[bool]) -> list[Chosen]:
        """Contacts held that may be dialed now; the others are deferred, with why."""
        now = self.runtime.now()
        chosen: list[Chosen] = []
        deferrals: list[Deferral] = []
        ahead = self._ahead
        while len(ahead) and len(chosen) < wanted:
            contact = ahead.take(now, best=len(chosen) < len(picks) and picks[len(chosen)])
            verdict = self._judge.judge(self._flow, contact, now)
            if isinstance(verdict, Deferral):
                deferrals.append(verdict)
                ahead.picked(contact.contact_id)
                self._note(verdict)
            else:
                chosen.append(verdict)
        if deferrals:
            self._store.defer(deferrals)
        return chosen

    def _note(self, deferral: Deferral) -> None:
        """Count and record why a contact is not dialed."""
        reason = deferral.reason
        self._skipped[reason] = self._skipped.get(reason, 0) + 1
        skipped = journal.ContactSkipped(
            deferral.contact_id, self._campaign_id, self.runtime.now(), reason
        )
        self._recorder.tell(skipped)

    def _defer(
        self,
        contact: ClaimedContact,
        state: str,
        due_at: float,
        reason: str,
        resume_node: str = "",
    ) -> Deferral:
        return Deferral(contact.contact_id, self._campaign_id, state, due_at, reason, resume_node)

    def _not_now(self, contact: ClaimedContact, answer: int, now: float) -> Deferral:
        """What becomes of a contact of which the store made no attempt."""
        if answer == LIST_PAUSED:
            return self._defer(contact, "due", now, "its list is paused")
        reason = "its number is on another call"
        return self._defer(contact, "waiting", now + NUMBER_BUSY_S, reason)

    def _commit(self, need: NeedContacts, chosen: list[Chosen]) -> None:
        now = self.runtime.now()
        self._request_id += 1
        drafts = [
            AttemptDraft(
                choice.contact.contact_id,
                self._campaign_id,
                self._version,
                choice.dial.id,
                choice.number,
                choice.caller.trunks[0],
                now,
                choice.caller.number,
            )
            for choice in chosen
        ]
        self._commits[self._request_id] = _Pending(need, self._flow, chosen)
        self._store.commit_attempts(self._request_id, drafts, self._answers)

    def _on_committed(self, answer: AttemptsCommitted) -> None:
        pending = self._commits.pop(answer.request_id)
        now = self.runtime.now()
        ready: list[ReadyAttempt] = []
        short: list[int] = []
        lost: list[int] = []
        busy: list[Deferral] = []
        rows = zip(pending.need.tickets, pending.chosen, answer.attempt_ids, strict=True)
        for ticket, choice, attempt_id in rows:
            contact, caller = choice.contact, choice.caller
            agent_id = self._kept.agent(ticket)
            if attempt_id > 0:
                dial_id, number = choice.dial.id, choice.number
                score = self._scored(attempt_id, contact, now)
                ready.append(
                    ReadyAttempt(
                        ticket, attempt_id, dial_id, number, contact, caller, agent_id, score
                    )
                )
            else:
                (lost if agent_id else short).append(ticket)
                self._callers.unused(caller.number, now)
                busy.append(self._not_now(contact, attempt_id, now))
        if busy:
            self._store.defer(busy)
        if ready:
            more, classes = len(self._ahead) > 0, self._ahead.classes(now)
            request_id, flow = pending.need.request_id, pending.flow
            told = AttemptsReady(request_id, tuple(ready), (), "", flow, more, classes)
            self._campaign.tell(told)
        if lost:
            # Their agents wait for these contacts and no others.
            self._short(pending.need.only(lost), busy[-1].reason)
        if short:
            # Another contact may do for each of these tickets.
            self._on_need(pending.need.only(short))

    def _scored(self, attempt_id: int, contact: ClaimedContact, now: float) -> float:
        """The score that an attempt was picked by, written down; -1 where it has none."""
        picked = self._ahead.picked(contact.contact_id)
        if picked is None:
            return -1.0
        self._recorder.tell(
            journal.CallScored(
                attempt_id, contact.contact_id, self._campaign_id, now, picked.score, picked.best
            )
        )
        return picked.score

    def _find_previews(self, tickets: tuple[int, ...], chosen: list[Chosen]) -> None:
        """Have agents look at these contacts first."""
        raise NotImplementedError

    def _set_aside(self, answer: ContactsClaimed) -> ContactsClaimed:
        """Keep those who must wait for a certain agent; the others."""
        raise NotImplementedError

    def _skip(self, deferral: Deferral) -> None:
        """Let one contact go, with why."""
        self._note(deferral)
        self._store.defer([deferral])

    @handles(Report)
    def _on_report(self, _: Report) -> dict[str, Any]:
        return {
            "claimed_ahead": len(self._ahead),
            "exhausted": self._ahead.exhausted,
            "next_due_at": self._ahead.next_due_at,
            "skipped": dict(self._skipped),
            "trouble": self._trouble,
        }
