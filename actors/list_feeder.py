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
        needs, ahead = self._needs, self._ahead
        ahead.exhausted = False
        if not needs:
            # Nobody has waited longer, so it need not wait either.
            left = self._meet(need)
            if left is None:
                if ahead.held <= ahead.low:
                    self._claim()
                return
            need = left
        needs.append(need)
        self._serve()

    # --- serving --------------------------------------------------------------------------------

    def _serve(self) -> None:
        needs, ahead = self._needs, self._ahead
        while needs:
            need = needs.popleft()
            left = self._meet(need)
            if left is None:
                continue
            if left is need and ahead.exhausted:
                self._short(need, "no contact is due")
                continue
            needs.appendleft(left)
            if left is need:
                break
        # Not after every dial: the store is asked when half of what is kept ahead is used up.
        if needs or (ahead.held <= ahead.low and not ahead.exhausted):
            self._claim()

    def _meet(self, need: NeedContacts) -> NeedContacts | None:
        """Take contacts held that may be dialed now, as far as they go; the others are deferred.

        What is left of the need: itself where nobody was found, None where nothing is.
        """
        now = self.runtime.now()
        flow, version = self._flow, self._version
        ahead, judge = self._ahead, self._judge
        tickets, picks = need.tickets, need.picks
        wanted, found = len(tickets), 0
        chosen: list[Chosen] = []
        drafts: list[AttemptDraft] = []
        deferrals: list[Deferral] = []
        while found < wanted and ahead.held:
            best = picks[found] if picks and found < len(picks) else False
            contact = ahead.take(now, best)
            verdict = judge.judge(flow, version, contact, now)
            if type(verdict) is Chosen:
                found += 1
                chosen.append(verdict)
                drafts.append(verdict.draft)
            else:
                deferrals.append(verdict)
                ahead.picked(contact.contact_id)
                self._note(verdict)
        if deferrals:
            self._store.defer(deferrals)
        if not found:
            return need
        left = None
        if found < wanted:
            left = need.only(tickets[found:])
            need = need.only(tickets[:found])
        if need.preview:
            self._find_previews(need.tickets, chosen)
        else:
            self._commit(need, chosen, drafts)
        return left

    # --- committing -----------------------------------------------------------------------------

    def _commit(
        self, need: NeedContacts, chosen: list[Chosen], drafts: Sequence[AttemptDraft]
    ) -> None:
        request_id = self._request_id = self._request_id + 1
        self._commits[request_id] = Pending(need, self._flow, chosen)
        self._store.commit_attempts(request_id, drafts, self._answers)

    @handles(AttemptsCommitted)
    def _on_committed(self, answer: AttemptsCommitted) -> None:
        pending = self._commits.pop(answer.request_id)
        need, ahead, agent_of = pending.need, self._ahead, self._kept.agent_of
        scores = ahead.scores
        ready: list[ReadyAttempt] = []
        refused: list[tuple[int, Chosen, int, str]] = []
        for ticket, choice, attempt_id in zip(
            need.tickets, pending.chosen, answer.attempt_ids, strict=True
        ):
            agent_id = agent_of.pop(ticket, "") if agent_of else ""
            if attempt_id <= 0:
                refused.append((ticket, choice, attempt_id, agent_id))
                continue
            contact, draft = choice.contact, choice.draft
            attempt = ReadyAttempt(
                ticket,
                attempt_id,
                draft.node_id,
                draft.number,
                contact,
                choice.caller,
                agent_id,
                self._scored(attempt_id, contact) if scores else -1.0,
            )
            ready.append(attempt)
        if ready:
            tell = self._campaign.tell
            tell(
                AttemptsReady(
                    need.request_id,
                    tuple(ready),
                    (),
                    "",
                    pending.flow,
                    ahead.held > 0,
                    ahead.classes(self.runtime.now()) if scores else (),
                )
            )
        if refused:
            self._on_refused(need, refused)

    def _on_refused(
        self, need: NeedContacts, refused: Sequence[tuple[int, Chosen, int, str]]
    ) -> None:
        """The store made no attempt of these.

        refused: tickets, their contacts, what it answered, and the agents who wait for them.
        """
        now = self.runtime.now()
        short: list[int] = []
        lost: list[int] = []
        busy: list[Deferral] = []
        for ticket, choice, answer, agent_id in refused:
            (lost if agent_id else short).append(ticket)
            self._callers.unused(choice.caller.number, now)
            busy.append(self._not_now(choice.contact, answer, now))
        self._store.defer(busy)
        if lost:
            # Their agents wait for these contacts and no others.
            self._short(need.only(lost), busy[-1].reason)
        if short:
            # Another contact may do for each of these tickets.
            self._on_need(need.only(short))

    def _scored(self, attempt_id: int, contact: ClaimedContact) -> float:
        """The score that an attempt was picked by, written down; -1 where it has none."""
        picked = self._ahead.picked(contact.contact_id)
        if picked is None:
            return -1.0
        now = self.runtime.now()
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
