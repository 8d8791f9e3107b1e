"""What the end of an attempt means: its outcome, and what becomes of its contact.

The rule of this module: the flow has the word, but where nobody was reached its word is not the
last: whom a fault or our own doing kept from an answer is due again.
"""

from dialer.compliance.window import callee_clocks
from dialer.events import EndCause
from dialer.flow.dial_terms import DialTerms
from dialer.flow.graph import Flow
from dialer.flow.interpreter import after_attempt
from dialer.outcomes import OUTCOMES
from dialer.ports import ClaimedContact, ContactNext
from dialer.trunks.faults import fault_of

CANCELLED_S = 300.0
"""A contact whose ringing call we ended ourselves comes due again after this time."""

TRUNK_FAULT_S = 5.0
"""A contact whose call the trunk could not place comes due again after this time."""

FORBIDDEN_S = 60.0
"""A contact whose call the carrier forbade on its own account comes due again after this time."""


def next_of(
    flow: Flow,
    dial: DialTerms,
    route_id: str,
    contact: ClaimedContact,
    number: str,
    outcome: str,
    cause: EndCause,
    *,
    answered: bool,
    ended_at: float,
) -> ContactNext:
    """What becomes of a contact. route_id: the Route to Agent node that had the call, "" for none.

    answered: somebody picked up.
    """
    meaning = OUTCOMES[outcome]
    clocks = callee_clocks(number, contact.attributes) if flow.goes_by_clocks else ()
    attempts = contact.attempts + meaning.counts
    what_next = after_attempt(flow, dial.id, route_id, outcome, attempts, ended_at, clocks)
    if meaning.trunk_fault and what_next.state == "waiting":
        # No cap ends what does not count, so it must not turn round without a rest.
        what_next = what_next._replace(due_at=max(what_next.due_at, ended_at + TRUNK_FAULT_S))
    if not answered and what_next.state == "done":
        again_s = _comes_again_after(dial, outcome, cause, attempts)
        if again_s:
            return ContactNext("waiting", ended_at + again_s, dial.id)
    return what_next


def _comes_again_after(dial: DialTerms, outcome: str, cause: EndCause, attempts: int) -> float:
    """Seconds after which a contact whom nobody reached is due again; 0: it is not."""
    if cause.by == "trunk" and cause.sip_status != 488:
        return TRUNK_FAULT_S
    if fault_of(cause) in ("unpaid", "forbidden"):
        return FORBIDDEN_S
    capped = dial.max_attempts is not None and attempts >= dial.max_attempts
    # A 488 of ours is an answer with a codec that we lack: somebody was disturbed.
    disturbed = outcome in ("cancelled", "given_up") or cause.by == "trunk"
    return CANCELLED_S if disturbed and not capped else 0.0
