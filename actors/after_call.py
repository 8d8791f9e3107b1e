"""What the end of an attempt means: its outcome, and what becomes of its contact.

The rule of this module: the flow has the word, but where nobody was reached its word is not the
last: whom a fault or our own doing kept from an answer is due again.
"""

from dialer.compliance.window import callee_clocks
from dialer.events import EndCause
from dialer.flow.dial_terms import DialTerms
from dialer.flow.graph import Flow
from dialer.flow.interpreter import Facts, contact_step
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
    answered_at: float,
    ended_at: float,
) -> ContactNext:
    """What becomes of a contact. route_id: the Route to Agent node that had the call, "" for none.

    answered_at: when somebody picked up, 0 for never.
    """
    before = contact.attempts
    if flow.goes_by_clocks:
        clocks = callee_clocks(number, contact.attributes)
        what_next = _by_flow(flow, dial.id, route_id, outcome, before, ended_at, clocks)
    else:
        # Of each way, outcome and number of attempts the flow says the same at any time.
        key = (dial.id, route_id, outcome, before)
        known = flow.rests.get(key)
        if known is None:
            known = flow.rests[key] = _by_flow(flow, *key, 0.0)
        what_next = known
        if known.state == "waiting":
            what_next = ContactNext("waiting", ended_at + known.due_at, known.resume_node)
    if what_next.state == "done" and not answered_at:
        again_s = _comes_again_after(dial, outcome, cause, before + OUTCOMES[outcome].counts)
        if again_s:
            return ContactNext("waiting", ended_at + again_s, dial.id)
    return what_next


def _by_flow(
    flow: Flow,
    dial_id: str,
    route_id: str,
    outcome: str,
    before: int,
    ended_at: float,
    clocks: tuple[str, ...] = (),
) -> ContactNext:
    """What the flow says. before: the attempts that counted before this one."""
    exits: tuple[tuple[str, str], ...] = ((dial_id, "delivery"),)
    if route_id and outcome in ("customer_answered", "abandoned"):
        port = "completed" if outcome == "customer_answered" else "abandoned"
        exits = ((route_id, port), *exits)
    meaning = OUTCOMES[outcome]
    facts = Facts(outcome, before + meaning.counts, ended_at, clocks)
    what_next = contact_step(flow, exits, facts)
    if meaning.trunk_fault and what_next.state == "waiting":
        # No cap ends what does not count, so it must not turn round without a rest.
        return what_next._replace(due_at=max(what_next.due_at, ended_at + TRUNK_FAULT_S))
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
