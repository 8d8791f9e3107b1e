"""Claims contacts for a campaign, and lets go of them.

The rule of this module: contacts are claimed a little ahead, so that an agent never waits for the
database; hot leads are looked for meanwhile and overtake what was claimed ahead. What is claimed
and not dialed is given back, with why, whatever ends this actor.
"""

from collections import deque
from collections.abc import Iterable
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
    AttemptsCommitted,
    ClaimedContact,
    ContactsClaimed,
    ContactStore,
    Deferral,
    Sink,
    StoreFailed,
)


class Pending(Message):
    """Attempts that wait for their commit, one for each ticket of the need.

    flow: the version that they belong to.
    """

    need: NeedContacts
    flow: Flow
    chosen: list[Chosen]

    @property
    def contacts(self) -> list[ClaimedContact]:
        return [choice.contact for choice in self.chosen]


class ClaimingFeeder(Behaviour):
    """Holds claimed contacts. See `ListFeeder`, which has them dialed, for what it is given."""

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
        self._commits: dict[int, Pending] = {}
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
        answers, handlers = self._answers, self.handlers
        kept = answers.kept
        answers.attended = True
        reply = handlers[type(message)](self, message)
        while True:
            while kept:
                answer = kept.popleft()
                handlers[type(answer)](self, answer)
            answers.attended = False
            if not kept:
                return reply
            answers.attended = True

    # --- what the campaign asks -----------------------------------------------------------------

    @handles(CheckDue)
    def _on_check(self, check: CheckDue) -> None:
        if self._ahead.held or self._quiet:
            self._tell_due(check)
        else:
            self._checks.append(check)
            self._claim()

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
        self._campaign.tell(DueAnswer(check.pulse, ahead.held > 0, ahead.next_due_at))

    def _short(self, need: NeedContacts, reason: str) -> None:
        more, classes = self._ahead.held > 0, self._ahead.classes(self.runtime.now())
        answer = AttemptsReady(need.request_id, (), need.tickets, reason, self._flow, more, classes)
        self._campaign.tell(answer)

    # --- what the store answers -----------------------------------------------------------------

    @handles(StoreAnswered)
    def _on_store_answered(self, _: StoreAnswered) -> None:
        """Every message ends with a look at the answers, and so does this one."""

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

    @handles(StoreFailed)
    def _on_failed(self, failure: StoreFailed) -> None:
        self._trouble = f"the store failed: {failure.reason}"
        request_id, ahead = failure.request_id, self._ahead
        if request_id == ahead.claiming:
            ahead.claiming = 0
            self._answer_all(self._trouble)
            return
        if request_id == ahead.looking:
            ahead.looking = 0
            return
        pending = self._commits.pop(request_id, None)
        if pending is not None:
            agent_of = self._kept.agent_of
            kept = [ticket for ticket in pending.need.tickets if agent_of.pop(ticket, "")]
            if self._quiet or kept:
                # Not into the list: whom an agent is kept for is found, and kept, anew.
                self._defer_due(pending.contacts, self._quiet or self._trouble)
            else:
                ahead.put_first(pending.contacts)
            self._short(pending.need, self._trouble)

    # --- claiming -------------------------------------------------------------------------------

    def _claim(self) -> None:
        if not self._quiet:
            request_id = self._request_id = self._request_id + 1
            needed = 0
            for need in self._needs:
                needed += len(need.tickets)
            now = self.runtime.now()
            self._ahead.claim(self._flow, needed, now, request_id, self._answers)

    def _look_later(self) -> None:
        self._hot_timer = self.runtime.after(HOT_LOOK_S, self.ref, LookForHot())

    @handles(LookForHot)
    def _on_look(self, look: LookForHot) -> None:
        runtime, ahead = self.runtime, self._ahead
        # While nobody is held, every claim brings hot leads first anyway.
        if ahead.held and not self._quiet:
            request_id = self._request_id = self._request_id + 1
            ahead.look_for_hot(self._flow, runtime.now(), request_id, self._answers)
        self._hot_timer = runtime.after(HOT_LOOK_S, self.ref, look)

    @handles(ContactsClaimed)
    def _on_claimed(self, answer: ContactsClaimed) -> None:
        request_id, ahead = answer.request_id, self._ahead
        if request_id == ahead.looking:
            ahead.looking = 0
            if not answer.contacts:
                return
            ahead.put_first(self._others(answer).contacts)
        elif request_id == ahead.claiming:
            self._trouble = ""
            ahead.claimed(self._others(answer))
            for check in self._checks:
                self._tell_due(check)
            self._checks.clear()
        else:
            self._defer_due(answer.contacts, "claimed for what is no more")
            return
        self._serve()

    def _others(self, answer: ContactsClaimed) -> ContactsClaimed:
        """The answer without those who must wait for a certain agent, who are kept."""
        for contact in answer.contacts:
            if contact.callback is not None:
                return self._set_aside(answer)
        return answer

    # --- contacts let go ------------------------------------------------------------------------

    def _defer_due(self, contacts: Iterable[ClaimedContact], reason: str) -> None:
        now = self.runtime.now()
        deferrals = [self._judge.defer(contact, "due", now, reason) for contact in contacts]
        if deferrals:
            self._store.defer(deferrals)

    def _note(self, deferral: Deferral) -> None:
        """Count and record why a contact is not dialed."""
        reason = deferral.reason
        self._skipped[reason] = self._skipped.get(reason, 0) + 1
        skipped = journal.ContactSkipped(
            deferral.contact_id, self._campaign_id, self.runtime.now(), reason
        )
        self._recorder.tell(skipped)

    def _skip(self, deferral: Deferral) -> None:
        """Let one contact go, with why."""
        self._note(deferral)
        self._store.defer([deferral])

    @handles(Report)
    def _on_report(self, _: Report) -> dict[str, Any]:
        return {
            "claimed_ahead": self._ahead.held,
            "exhausted": self._ahead.exhausted,
            "next_due_at": self._ahead.next_due_at,
            "skipped": dict(self._skipped),
            "trouble": self._trouble,
        }

    # --- for those who have them dialed --------------------------------------------------------

    def _serve(self) -> None:
        """Answer what is asked for, as far as contacts are held."""
        raise NotImplementedError

    def _on_committed(self, answer: AttemptsCommitted) -> None:
        """Attempts stand in the store."""
        raise NotImplementedError

    def _set_aside(self, answer: ContactsClaimed) -> ContactsClaimed:
        """Keep those who must wait for a certain agent; the others."""
        raise NotImplementedError
