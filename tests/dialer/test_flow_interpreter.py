"""What comes next in a flow; and a flow that passed its check never leaves that unsaid."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dialer.flow.dial_terms import DialTerms
from dialer.flow.graph import Flow, FlowDefinition, faults, load_flow
from dialer.flow.interpreter import (
    DONE,
    AskDue,
    Facts,
    PulseEnds,
    Release,
    Seize,
    after_seize,
    call_step,
    contact_step,
    entry,
    pulse_step,
)
from dialer.flow.nodes import CheckUndeliveredContacts, Dial, EndCall, RouteToAgent, SeizeAgent
from dialer.outcomes import NAMES
from dialer.ports import ContactNext

NOON = datetime(2026, 1, 6, 12, 0, tzinfo=ZoneInfo("America/New_York")).timestamp()
HOUR = 3600.0

TEXT = """
title: Test
time_zone: America/New_York
nodes:
  - {id: start, type: start, next: {pulse: due}}
  - {id: due, type: check_undelivered_contacts, next: {"true": seize}}
  - {id: seize, type: seize_agent, next: {pulse: seized}}
  - {id: seized, type: check_seize_agent_event, next: {agent_reserved: init}}
  - {id: init, type: init, next: {contact: dial}}
  - {id: dial, type: dial, channel: carrier, max_attempts: 3,
     next: {live_call: human, delivery: busy}}
  - {id: human, type: call_decision, next: {"true": route, "false": hang_up}}
  - {id: route, type: route_to_agent, next: {abandoned: tonight}}
  - {id: hang_up, type: end_call}
  - {id: busy, type: post_attempt_decision, outcomes: [user_busy, customer_answered],
     next: {"true": soon, "false": again}}
  - {id: soon, type: wait, delay_s: 60, next: {contact: dial}}
  - {id: again, type: post_attempt_decision, outcomes: [no_user_response],
     next: {"true": other}}
  - {id: other, type: dial, channel: carrier, index: 1, next: {live_call: route}}
  - {id: tonight, type: wait, until: "18:30", next: {contact: dial}}
"""
FLOW = load_flow(TEXT, "test.yaml")
DELIVERY = (("dial", "delivery"),)


def after(outcome: str, attempts: int = 1, exits: Any = DELIVERY) -> ContactNext:
    return contact_step(FLOW, exits, Facts(outcome, attempts, NOON))


def test_a_pulse_goes_from_start_to_init() -> None:
    first = pulse_step(FLOW, "start", "pulse")
    assert isinstance(first, AskDue)
    second = pulse_step(FLOW, "due", "true")
    assert isinstance(second, Seize)
    third = after_seize(FLOW, second.node, "agent_reserved")
    assert isinstance(third, Release)
    assert third.node is FLOW.init


def test_a_port_that_leads_nowhere_ends_the_pulse_and_says_which() -> None:
    assert pulse_step(FLOW, "due", "false") == PulseEnds("due.false leads nowhere")
    seize = FLOW.nodes["seize"]
    assert isinstance(seize, SeizeAgent)
    assert after_seize(FLOW, seize, "rona") == PulseEnds("seized.rona leads nowhere")


def test_without_a_check_node_only_reserved_agents_go_on() -> None:
    text = TEXT.replace("next: {pulse: seized}", "next: {pulse: init}")
    text = "\n".join(line for line in text.splitlines() if "id: seized" not in line)
    flow = load_flow(text, "test.yaml")
    seize = flow.nodes["seize"]
    assert isinstance(seize, SeizeAgent)
    assert isinstance(after_seize(flow, seize, "agent_reserved"), Release)
    assert after_seize(flow, seize, "rona") == PulseEnds("seize: rona")


def test_a_human_is_routed_and_a_machine_is_not() -> None:
    assert isinstance(call_step(FLOW, "dial", human=True), RouteToAgent)
    assert isinstance(call_step(FLOW, "dial", human=False), EndCall)
    turned = TEXT.replace("type: call_decision", "type: call_decision, decision: answering_machine")
    flow = load_flow(turned, "test.yaml")
    assert isinstance(call_step(flow, "dial", human=True), EndCall)
    assert isinstance(call_step(flow, "dial", human=False), RouteToAgent)


def test_a_busy_number_waits_and_is_dialed_again() -> None:
    assert after("user_busy") == ContactNext("waiting", NOON + 60, "dial")


def test_another_number_is_dialed_without_a_wait() -> None:
    assert after("no_user_response") == ContactNext("waiting", NOON, "other")


def test_after_the_last_attempt_of_a_dial_the_contact_is_done() -> None:
    assert after("user_busy", attempts=2).state == "waiting"
    assert after("user_busy", attempts=3) == DONE


def test_an_outcome_that_leads_nowhere_is_done() -> None:
    assert after("rejected") == DONE


def test_the_first_exit_that_is_connected_carries_the_token() -> None:
    assert after("abandoned", exits=(("route", "abandoned"), *DELIVERY)) == ContactNext(
        "waiting", NOON + 6.5 * HOUR, "dial"
    )
    assert after("customer_answered", exits=(("route", "completed"), *DELIVERY)) == ContactNext(
        "waiting", NOON + 60, "dial"
    )


def test_a_first_attempt_enters_at_init_and_a_retry_where_it_waited() -> None:
    first, retry = entry(FLOW, "", NOON), entry(FLOW, "other", NOON)
    assert isinstance(first, DialTerms)
    assert isinstance(retry, DialTerms)
    assert (first.id, retry.id) == ("dial", "other")


def test_a_contact_that_waited_at_a_node_that_is_gone_enters_at_init() -> None:
    for gone in ("no_such_node", "route"):
        node = entry(FLOW, gone, NOON)
        assert isinstance(node, DialTerms)
        assert node.id == "dial"


def test_a_wait_before_the_first_dial_ends_at_the_dial() -> None:
    text = TEXT.replace("type: init, next: {contact: dial}", "type: init, next: {contact: soon}")
    flow = load_flow(text, "test.yaml")
    assert entry(flow, "", NOON) == ContactNext("waiting", NOON + 60, "dial")


# --- any flow that passes ---------------------------------------------------------------------


@st.composite
def drawings(draw: st.DrawFn) -> FlowDefinition:
    """Flows of voice nodes wired at random, most of them sound."""
    dials = [f"dial{n}" for n in range(draw(st.integers(1, 3)))]
    judges = [f"judge{n}" for n in range(draw(st.integers(0, 3)))]
    waits = [f"wait{n}" for n in range(draw(st.integers(0, 3)))]
    humans = [f"human{n}" for n in range(draw(st.integers(0, 3)))]
    ends = ["route0", "end0"]
    contact_takers, call_takers = [*dials, *judges, *waits], [*humans, *ends]
    to_contact = st.sampled_from([None, *contact_takers])
    to_call = st.sampled_from(call_takers)
    outcomes = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)
    nodes: list[dict[str, Any]] = [
        {"id": "start", "type": "start", "next": {"pulse": draw(st.sampled_from(PULSE_NODES))}},
        {
            "id": "due",
            "type": "check_undelivered_contacts",
            "next": {
                "true": draw(st.sampled_from(PULSE_NODES)),
                "false": draw(st.sampled_from([None, *PULSE_NODES])),
            },
        },
        {
            "id": "seize",
            "type": "seize_agent",
            "next": {"pulse": draw(st.sampled_from([*PULSE_NODES, "seized"]))},
        },
        {
            "id": "seized",
            "type": "check_seize_agent_event",
            "next": {
                "agent_reserved": draw(st.sampled_from(PULSE_NODES)),
                "rona": draw(st.sampled_from([None, *PULSE_NODES])),
            },
        },
        {
            "id": "init",
            "type": "init",
            "next": {"contact": draw(st.sampled_from([*dials, *waits]))},
        },
    ]
    nodes += [
        {
            "id": name,
            "type": "dial",
            "channel": "carrier",
            "max_attempts": draw(st.sampled_from([None, 1, 3])),
            "next": {"live_call": draw(to_call), "delivery": draw(to_contact)},
        }
        for name in dials
    ]
    for name in judges:
        nexts = {"true": draw(to_contact), "false": draw(to_contact)}
        nodes.append(
            {
                "id": name,
                "type": "post_attempt_decision",
                "outcomes": draw(outcomes),
                "next": nexts,
            }
        )
    for name in waits:
        when: dict[str, Any] = draw(st.sampled_from([{"delay_s": 9}, {"until": "09:00"}]))
        target = draw(st.sampled_from([*dials, *waits]))
        nodes.append({"id": name, "type": "wait", **when, "next": {"contact": target}})
    for name in humans:
        decision = draw(st.sampled_from(["human", "answering_machine"]))
        nexts = {"true": draw(to_call), "false": draw(to_call)}
        nodes.append({"id": name, "type": "call_decision", "decision": decision, "next": nexts})
    nodes.append(
        {
            "id": "route0",
            "type": "route_to_agent",
            "next": {"completed": draw(to_contact), "abandoned": draw(to_contact)},
        }
    )
    nodes.append({"id": "end0", "type": "end_call", "next": {"contact": draw(to_contact)}})
    for node in nodes:
        node["next"] = {port: target for port, target in node["next"].items() if target}
    data = {"title": "Random", "time_zone": "America/New_York", "nodes": _reached(nodes)}
    return FlowDefinition.model_validate(data)


PULSE_NODES = ["due", "seize", "init"]


def _reached(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_id = {node["id"]: node for node in nodes}
    seen: set[str] = set()
    todo = ["start"]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(by_id[name]["next"].values())
    return [node for node in nodes if node["id"] in seen]


def walk_pulses(flow: Flow) -> None:
    """Take every way that a pulse may go; fails where one does not end."""
    todo = [pulse_step(flow, "start", "pulse")]
    for _ in range(1000):
        if not todo:
            return
        match todo.pop():
            case AskDue(node):
                assert isinstance(node, CheckUndeliveredContacts)
                todo += [pulse_step(flow, node.id, port) for port in ("true", "false")]
            case Seize(node):
                todo += [
                    after_seize(flow, node, event)
                    for event in ("agent_reserved", "rona", "no_agent_available")
                ]
            case Release(node):
                assert node is flow.init
    raise AssertionError("a pulse goes round and round")


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(drawings())
def test_a_flow_that_passes_says_what_comes_next_for_everything(definition: FlowDefinition) -> None:
    assume(not list(faults(definition)))
    flow = Flow(definition)
    walk_pulses(flow)
    for node in flow.nodes.values():
        if not isinstance(node, Dial):
            continue
        for human in (True, False):
            assert isinstance(call_step(flow, node.id, human=human), (RouteToAgent, EndCall))
        for outcome in NAMES:
            for exits in (((node.id, "delivery"),), (("route0", "abandoned"), (node.id, "x"))):
                following = contact_step(flow, exits, Facts(outcome, 1, NOON))
                assert following == DONE or following.due_at >= NOON
                if following != DONE:
                    assert isinstance(entry(flow, following.resume_node, NOON), DialTerms)
    first = entry(flow, "", NOON)
    assert isinstance(first, DialTerms) or first.state == "waiting"


def test_a_wait_by_the_clock_goes_by_the_contacts_own() -> None:
    """Half past six in the evening in Los Angeles is three hours later than in New York."""
    exits = (("route", "abandoned"),)
    evening = NOON + 6.5 * HOUR
    for clocks, due_at in (
        ((), evening),
        (("America/New_York",), evening),
        (("America/Los_Angeles",), evening + 3 * HOUR),
        (("America/New_York", "America/Chicago"), evening + HOUR),
        (("Europe/London",), evening - 5 * HOUR),
    ):
        facts = Facts("abandoned", 1, NOON, clocks)
        assert contact_step(FLOW, exits, facts) == ContactNext("waiting", due_at, "dial")
    assert FLOW.goes_by_clocks
    assert not load_flow(TEXT.replace('until: "18:30"', "delay_s: 60"), "test.yaml").goes_by_clocks
