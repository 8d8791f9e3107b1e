"""Feeds a campaign with contacts that may be dialed now, and keeps some for certain agents.

The rule of this module: whom an agent looks at first, or promised a call, is kept out of the list
until that agent has come or the wait is over; then every rule is asked again.
"""

from actors.agent_messages import PreviewFound, PreviewOver
from actors.contact_judge import Chosen
from actors.list_feeder import ListFeeder
from actors.messages import (
    CallbackGone,
    CallbackOverdue,
    CallbackWaits,
    CampaignStarted,
    NeedCallback,
    NeedContacts,
)
from actors.runtime import handles
from dialer.ports import (
    ClaimedContact,
    ContactsClaimed,
)
from dialer.previews import after_preview


class ContactFeeder(ListFeeder):
    """A `ListFeeder` that also keeps contacts for agents."""

    # --- previews -----------------------------------------------------------------------------

    def _find_previews(self, tickets: tuple[int, ...], chosen: list[Chosen]) -> None:
        now = self.runtime.now()
        for ticket, choice in zip(tickets, chosen, strict=True):
            # Nothing is shown to the callee yet, and the rules are asked anew before the dial.
            self._callers.unused(choice.caller.number, now)
            number = choice.draft.number
            self._kept.keep(ticket, choice.contact, number, self._flow)
            self._campaign.tell(PreviewFound(ticket, choice.contact, number))

    @handles(PreviewOver)
    def _on_preview_over(self, message: PreviewOver) -> None:
        ticket, agent_id = message.ticket, message.agent_id
        kept = self._kept.take(ticket)
        now = self.runtime.now()
        if message.verdict == "accepted":
            self._dial_kept(ticket, agent_id, kept.contact if kept is not None else None)
        elif kept is not None:
            contact = kept.contact
            self._skip(
                after_preview(
                    kept.flow,
                    contact,
                    kept.number,
                    self._campaign_id,
                    message.verdict,
                    agent_id,
                    now,
                )
            )

    def _dial_kept(self, ticket: int, agent_id: str, contact: ClaimedContact | None) -> None:
        """Dial a contact for the agent it was kept for, if every rule still says yes."""
        need = NeedContacts(0, (ticket,))
        if contact is None:
            self._short(need, "the contact is not kept for the agent any more")
            return
        verdict = self._judge.judge(self._flow, self._version, contact, self.runtime.now())
        if isinstance(verdict, Chosen):
            self._kept.dial_for(ticket, agent_id)
            self._commit(need, [verdict], [verdict.draft])
        else:
            self._skip(verdict)
            self._short(need, verdict.reason)

    # --- call-backs ---------------------------------------------------------------------------

    def _set_aside(self, answer: ContactsClaimed) -> ContactsClaimed:
        """Call-backs that an agent promised wait for them; others are dialed as they come."""
        others = []
        wait_s = self._flow.definition.callbacks.wait_s
        until = self.runtime.now() + wait_s
        for contact in answer.contacts:
            agent_id = contact.callback.agent_id if contact.callback is not None else ""
            if agent_id:
                contact_id = contact.contact_id
                self._kept.promise(contact, agent_id, until)
                self._campaign.tell(CallbackWaits(contact_id, agent_id))
                self.runtime.after(wait_s, self.ref, CallbackOverdue(contact_id))
            else:
                others.append(contact)
        return answer._replace(contacts=tuple(others))

    @handles(NeedCallback)
    def _on_need_callback(self, need: NeedCallback) -> None:
        promised = self._kept.take_promised(need.contact_id)
        contact = promised.contact if promised is not None else None
        self._dial_kept(need.ticket, need.agent_id, contact)

    @handles(CallbackOverdue)
    def _on_callback_overdue(self, message: CallbackOverdue) -> None:
        now = self.runtime.now()
        promised = self._kept.overdue(message.contact_id, now)
        if promised is None:
            return
        self._campaign.tell(CallbackGone(message.contact_id, promised.agent_id))
        policy = self._flow.definition.callbacks
        why = f"agent {promised.agent_id} did not come for the call-back in {policy.wait_s:g} s"
        if policy.then == "drop":
            self._skip(self._judge.defer(promised.contact, "done", 0.0, f"{why}, so it is dropped"))
            return
        self._note(self._judge.defer(promised.contact, "due", now, f"{why}, so any agent makes it"))
        self._ahead.put_first((promised.contact,))
        self._serve()

    @handles(CampaignStarted)
    def _on_campaign_started(self, _: CampaignStarted) -> None:
        self._defer_due(self._kept.take_previewed(), "the campaign was made anew")
        for promised in self._kept.promised():
            self._campaign.tell(CallbackWaits(promised.contact.contact_id, promised.agent_id))
