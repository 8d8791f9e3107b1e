"""Feeds a campaign with contacts that may be dialed now.

The rule of this module: a contact becomes an attempt only after it was claimed, every rule said
yes, and the attempt stands in the store; what cannot be checked is not dialed. The campaign hears
with every answer whether there are more, and asks only where there are none.
"""

from collections.abc import Sequence

from actors.claiming_feeder import ClaimingFeeder, Pending
from actors.contact_judge import Chosen
from actors.messages import (
    AttemptsReady,
    NeedContacts,
    ReadyAttempt,
)
from actors.runtime import handles
from dialer import journal
from dialer.ports import (
    LIST_PAUSED,
    AttemptDraft,
    AttemptsCommitted,
    ClaimedContact,
    Deferral,
)

NUMBER_BUSY_S = 15.0
"""A contact whose number is on another call comes due again after this time."""


class ListFeeder(ClaimingFeeder):
    """Claims, checks and commits. See `ContactFeeder` for those who are kept for certain agents.

    may_dial: the dial policy and the law in one.
    ahead: contacts kept claimed in advance. callers: the numbers that callees may see.
    """

    @handles(NeedContacts)
    def _on_need(self, need: NeedContacts) -> None:
        if self._quiet:
            self._short(need, self._quiet)
            return
        self._needs.append(need)
        self._ahead.exhausted = False
        self._serve()

    # --- serving --------------------------------------------------------------------------------

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
            if len(chosen) < len(need.tickets):
                self._needs.appendleft(need.only(need.tickets[len(chosen) :]))
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

    # --- committing -----------------------------------------------------------------------------

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
        self._commits[self._request_id] = Pending(need, self._flow, chosen)
        self._store.commit_attempts(self._request_id, drafts, self._answers)

    def _on_committed(self, answer: AttemptsCommitted) -> None:
        pending = self._commits.pop(answer.request_id)
        now = self.runtime.now()
        ready: list[ReadyAttempt] = []
        short: list[int] = []
        lost: list[int] = []
        busy: list[Deferral] = []
        agent_of = self._kept.agent_of
        rows = zip(pending.need.tickets, pending.chosen, answer.attempt_ids, strict=True)
        for ticket, choice, attempt_id in rows:
            contact, caller = choice.contact, choice.caller
            agent_id = agent_of.pop(ticket, "")
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

    def _not_now(self, contact: ClaimedContact, answer: int, now: float) -> Deferral:
        """What becomes of a contact of which the store made no attempt."""
        if answer == LIST_PAUSED:
            return self._judge.defer(contact, "due", now, "its list is paused")
        reason = "its number is on another call"
        return self._judge.defer(contact, "waiting", now + NUMBER_BUSY_S, reason)

    # --- for certain agents ---------------------------------------------------------------------

    def _find_previews(self, tickets: tuple[int, ...], chosen: list[Chosen]) -> None:
        """Have agents look at these contacts first."""
        raise NotImplementedError
