"""What comes next in a flow.

The rule of this module: it only reads. Given where a token is and what is known, it walks over
the nodes that merely decide and stops at the first that needs something done, and says what; the
Campaign does it for pulses, the Call for calls and contacts.

It runs several times per call, so nodes are told apart by `type(node) is`: pydantic's own way of
answering isinstance costs ten times that.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from dialer.errors import StateError
from dialer.flow.dial_terms import DialTerms
from dialer.flow.graph import Flow
from dialer.flow.hours import next_time_of_day
from dialer.flow.nodes import (
    CallDecision,
    CheckSeizeAgentEvent,
    CheckUndeliveredContacts,
    Dial,
    EndCall,
    Init,
    Node,
    PostAttemptDecision,
    RouteToAgent,
    SeizeAgent,
    Wait,
)
from dialer.message import Message
from dialer.ports import ContactNext

DONE = ContactNext("done")


class AskDue(Message):
    """Find out whether a contact is due, then go on so."""

    node: CheckUndeliveredContacts
    due: "PulseStep"
    none_due: "PulseStep"


class Seize(Message):
    """Strive for the node's target, and go on so for agents who are reserved.

    Of what else may come of it, see `after_seize`. queue, target: of the node, for they are asked
    for at every pulse.
    """

    node: SeizeAgent
    queue: str
    target: int | str
    reserved: "PulseStep"


class Release(Message):
    """Release contacts through Init."""

    node: Init


class PulseEnds(Message):
    """Nothing more to do for this pulse; `reason` says why for the ledger."""

    reason: str


PulseStep = AskDue | Seize | Release | PulseEnds


def pulse_step(flow: Flow, node_id: str, port: str) -> PulseStep:
    """What a pulse that leaves a node by a port comes to."""
    key = (node_id, port)
    step = flow.steps.get(key)
    if step is None:
        step = flow.steps[key] = _pulse_step(flow, node_id, port)
    return step


def _pulse_step(flow: Flow, node_id: str, port: str) -> PulseStep:
    node = flow.leads(node_id, port)
    if node is None:
        return PulseEnds(f"{node_id}.{port} leads nowhere")
    if type(node) is Init:
        return Release(node)
    if type(node) is SeizeAgent:
        reserved = after_seize(flow, node, "agent_reserved")
        return Seize(node, node.queue, node.target, reserved)
    if type(node) is CheckUndeliveredContacts:
        return AskDue(node, pulse_step(flow, node.id, "true"), pulse_step(flow, node.id, "false"))
    # A Check Seize Agent Event without a Seize before it has nothing to tell.
    return PulseEnds(f"{node.id} waits for an event of a Seize Agent node")


def after_seize(flow: Flow, seize: SeizeAgent, event: str) -> PulseStep:
    """What a Seize outcome (a port of Check Seize Agent Event) comes to.

    Without that node the pulse goes on for reserved agents only.
    """
    node = flow.leads(seize.id, "pulse")
    if type(node) is CheckSeizeAgentEvent:
        return pulse_step(flow, node.id, event)
    if event == "agent_reserved":
        return pulse_step(flow, seize.id, "pulse")
    return PulseEnds(f"{seize.id}: {event}")


CallStep = RouteToAgent | EndCall | Node
"""The node at which a live call must be dealt with."""


def call_step(flow: Flow, dial_id: str, *, human: bool) -> CallStep:
    """Where a live call that has been judged goes: a Route to Agent or an End Call node."""
    key = (dial_id, "human" if human else "machine")
    step: CallStep | None = flow.steps.get(key)
    if step is None:
        step = flow.steps[key] = _call_step(flow, dial_id, human=human)
    return step


def _call_step(flow: Flow, dial_id: str, *, human: bool) -> CallStep:
    node = flow.leads(dial_id, "live_call")
    while type(node) is CallDecision:
        is_true = human if node.decision == "human" else not human
        node = flow.leads(node.id, "true" if is_true else "false")
    if node is None:
        raise StateError(f"flow {flow.title!r}: a live call from {dial_id} leads nowhere")
    return node


def contact_step(flow: Flow, exits: Sequence[tuple[str, str]], facts: "Facts") -> ContactNext:
    """What becomes of a contact after an attempt.

    exits: (node id, port) in order of preference: where the call's path ended, then the Dial
    node's delivery. The first that is connected carries the token; an attempt gives one token.
    """
    for node_id, port in exits:
        node = flow.leads(node_id, port)
        if node is not None:
            return _rest(flow, node, facts)
    return DONE


class Facts(Message):
    """What a decision about a contact may rest on.

    attempts: those that count, the last included. now: epoch seconds. clocks: the contact's time
    zones, where the flow goes by them.
    """

    outcome: str
    attempts: int
    now: float
    clocks: tuple[str, ...] = ()


def _rest(flow: Flow, node: Node | None, facts: Facts) -> ContactNext:
    due_at = facts.now
    while node is not None:
        if type(node) is PostAttemptDecision:
            capped = node.max_attempts is not None and facts.attempts >= node.max_attempts
            holds = facts.outcome in node.outcomes and not capped
            node = flow.leads(node.id, "true" if holds else "false")
        elif type(node) is Wait:
            if node.delay_s is not None:
                due_at += node.delay_s
            elif node.until is not None:
                zones = [ZoneInfo(name) for name in facts.clocks] or [flow.zone]
                # Where it is not sure which clock they go by, all of them have come so far.
                due_at = max(next_time_of_day(due_at, zone, node.until) for zone in zones)
            node = flow.leads(node.id, "contact")
        elif type(node) is Dial:
            if node.max_attempts is not None and facts.attempts >= node.max_attempts:
                return DONE
            # Re-entering a Dial always goes by way of Init, which has the agent for it.
            return ContactNext("waiting", due_at, node.id)
        else:
            raise StateError(f"flow {flow.title!r}: a contact cannot wait at {node.id}")
    return DONE


def entry(
    flow: Flow, resume_node: str, now: float, clocks: tuple[str, ...] = ()
) -> DialTerms | ContactNext:
    """Where a released contact goes: the Dial to place, or the wait it has to sit out first."""
    # A first attempt goes in at Init, and so does one whose node is gone in a newer version.
    dial = flow.dials.get(resume_node, flow.first_dial)
    return dial if dial is not None else _rest(flow, flow.first, Facts("", 0, now, clocks))
