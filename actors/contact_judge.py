"""Whether a contact may be dialed now, and as what.

The rule of this module: it says yes only where the flow, a trunk, the law and a caller ID all do;
else it says what becomes of the contact, and why. What cannot be checked is not dialed.
"""

from typing import final

from actors.caller_book import CallerBook
from actors.trunk_watch import TrunkWatch
from dialer.caller_ids import Caller, NoCaller
from dialer.compliance.permission import Rule
from dialer.compliance.window import callee_clocks
from dialer.flow.dial_terms import DialTerms
from dialer.flow.graph import Flow
from dialer.flow.interpreter import entry
from dialer.flow.next_number import NoNumber, number_to_dial
from dialer.message import Message
from dialer.ports import AttemptDraft, ClaimedContact, Deferral

TRUNK_DOWN_S = 5.0
"""A contact whose trunks are down comes due again after this time."""

NO_CALLER_S = 60.0
"""A contact to whom no number of ours may be shown comes due again after this time."""


@final
class Chosen(Message):
    """A contact that may be dialed now, and how. draft: of its attempt."""

    contact: ClaimedContact
    draft: AttemptDraft
    caller: Caller


class ContactJudge:
    """Judges the contacts of one campaign. trunks: which are down, as its owner hears it."""

    def __init__(
        self, campaign_id: int, may_dial: Rule, callers: CallerBook, trunks: TrunkWatch
    ) -> None:
        self._campaign_id = campaign_id
        self._may_dial = may_dial
        self._callers = callers
        self._down = trunks.down

    def judge(
        self, flow: Flow, version: int, contact: ClaimedContact, now: float
    ) -> Deferral | Chosen:
        """A caller ID that is chosen counts as shown: give it back if the call is not made.

        version: of the flow.
        """
        dial = flow.dials.get(contact.resume_node, flow.first_dial)
        if dial is None or (
            dial.max_attempts is not None and contact.attempts >= dial.max_attempts
        ):
            return self._held_back(flow, contact, now)
        trunks = dial.channels
        if self._down:
            trunks = self._up(trunks)
            if not trunks:
                reason = f"trunk {', '.join(dial.channels)} is down"
                return self.defer(contact, "waiting", now + TRUNK_DOWN_S, reason)
        number = number_to_dial(dial, contact)
        if type(number) is NoNumber:
            return self.defer(contact, number.state, 0.0, number.reason)
        may_dial = self._may_dial
        permission = may_dial(number, contact, now)
        if not permission.allowed:
            state = "waiting" if permission.next_at else "refused"
            return self.defer(contact, state, permission.next_at, permission.reason)
        caller = self._callers.choose(dial.caller_id, trunks, number, now)
        if type(caller) is NoCaller:
            due_at = caller.next_at or now + NO_CALLER_S
            return self.defer(contact, "waiting", due_at, caller.reason)
        draft = AttemptDraft(
            contact.contact_id,
            self._campaign_id,
            version,
            dial.id,
            number,
            caller.trunks[0],
            now,
            caller.number,
        )
        return Chosen(contact, draft, caller)

    def _up(self, trunks: tuple[str, ...]) -> tuple[str, ...]:
        """Those that are not down."""
        return tuple(name for name in trunks if name not in self._down)

    def _held_back(self, flow: Flow, contact: ClaimedContact, now: float) -> Deferral:
        """The flow says no: it lets the contact wait, or its attempts are used up."""
        clocks = callee_clocks("", contact.attributes) if flow.goes_by_clocks else ()
        dial = entry(flow, contact.resume_node, now, clocks)
        if isinstance(dial, DialTerms):
            # The flow leads nobody here beyond the cap; a disposition or a promise may.
            reason = f"it has had its {dial.max_attempts} attempts"
            return self.defer(contact, "refused", 0.0, reason)
        state = "refused" if dial.state == "done" else dial.state
        reason = "the flow lets it wait"
        return self.defer(contact, state, dial.due_at, reason, dial.resume_node)

    def defer(
        self,
        contact: ClaimedContact,
        state: str,
        due_at: float,
        reason: str,
        resume_node: str = "",
    ) -> Deferral:
        """What becomes of a contact that is not dialed now."""
        return Deferral(contact.contact_id, self._campaign_id, state, due_at, reason, resume_node)
