"""A flow that passes the check can run to its end; one that does not is told where and how."""

from pathlib import Path

import pytest

from dialer.compliance.preset import load_preset
from dialer.errors import FlowError
from dialer.flow.graph import check_compliance, load_flow, read_flow, refuse_missing_gateways
from dialer.flow.nodes import NODE_TYPES, Lookahead, Predictive, Wait

CONFIG = Path(__file__).parents[2] / "config"
CAMPAIGNS = sorted((CONFIG / "campaigns").glob("*.yaml"))

START = "{id: start, type: start, next: {pulse: init}}"
INIT = "{id: init, type: init, next: {contact: dial}}"
DIAL = "{id: dial, type: dial, channel: carrier, next: {live_call: route}}"
ROUTE = "{id: route, type: route_to_agent}"


def flow(*nodes: str, more: str = "") -> str:
    return f"title: Test\n{more}nodes:\n" + "".join(f"  - {node}\n" for node in nodes)


def faults(text: str) -> list[str]:
    return [str(fault) for fault in read_flow(text, "test.yaml")[0]]


def test_the_smallest_voice_flow_passes() -> None:
    assert faults(flow(START, INIT, DIAL, ROUTE)) == []


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_shipped_campaigns_pass_with_their_law(path: Path) -> None:
    checked = load_flow(path.read_text("utf-8"), path.name)
    name = checked.definition.compliance.preset
    preset = load_preset((CONFIG / "regulations" / f"{name}.yaml").read_bytes(), name)
    preset = preset.overridden(checked.definition.compliance.overrides)
    assert list(check_compliance(checked, preset)) == []


def test_there_are_shipped_campaigns() -> None:
    assert CAMPAIGNS


EVERY_NODE = flow(
    '{id: start, type: start, interval_s: 2.5, days: [mon, tue], windows: [{from: "09:00", '
    'to: "24:00"}], next: {pulse: due}}',
    '{id: due, type: check_undelivered_contacts, next: {"true": seize}}',
    "{id: seize, type: seize_agent, queue: sales, mrd: voice, request_ttl_s: 20, "
    'target: "sum(dialer_agents)", next: {pulse: seized}}',
    "{id: seized, type: check_seize_agent_event, next: {agent_reserved: init}}",
    "{id: init, type: init, filter: vip, order: LEFO, dialing: {mode: power, ratio: 2.5}, "
    "next: {contact: dial}}",
    "{id: dial, type: dial, channel: carrier, identifier: phone, index: 1, campaign_type: ivr, "
    'caller_id: "+12125550100", ring_timeout_s: 20, max_attempts: 4, '
    "next: {live_call: human, delivery: busy}}",
    '{id: human, type: call_decision, decision: answering_machine, next: {"true": hang_up, '
    '"false": menu}}',
    '{id: menu, type: play, prompt: welcome, digits: [1, "*"], next: {"1": route, "*": text, '
    "done: hang_up}}",
    "{id: route, type: route_to_agent, queue: sales, patience_s: 1.5, abandon_message: sorry, "
    "next: {completed: text}}",
    "{id: hang_up, type: end_call, next: {contact: busy}}",
    "{id: busy, type: post_attempt_decision, outcomes: [user_busy, fax], "
    'next: {"true": later, "false": tonight}}',
    '{id: text, type: plain_message, channel: sms, text: "Hello {{name}}"}',
    "{id: later, type: wait, delay_s: 60, next: {contact: dial}}",
    '{id: tonight, type: wait, until: "18:30", next: {contact: dial}}',
    more="time_zone: America/New_York\n",
)


def test_every_node_type_with_every_setting_parses() -> None:
    assert faults(EVERY_NODE) == []
    checked = load_flow(EVERY_NODE, "test.yaml")
    assert {type(node) for node in checked.nodes.values()} == set(NODE_TYPES)
    assert checked.init.order == "lifo"
    tonight = checked.nodes["tonight"]
    assert isinstance(tonight, Wait)
    assert tonight.until is not None


@pytest.mark.parametrize(
    "dialing",
    [
        "{mode: progressive}",
        "{mode: power, ratio: 2.5}",
        '{mode: predictive, formula: "1.5"}',
        '{mode: predictive, formula: "20", per: absolute}',
        "{mode: preview, accept_timeout_s: 30}",
    ],
)
def test_every_dialing_mode_parses(dialing: str) -> None:
    init = INIT.replace("next", f"dialing: {dialing}, next")
    start = START.replace("pulse: init", "pulse: seize")
    seize = "{id: seize, type: seize_agent, next: {pulse: init}}"
    checked = load_flow(flow(start, seize, init, DIAL, ROUTE), "test.yaml")
    assert checked.init.dialing.mode in dialing
    if "absolute" in dialing:
        assert isinstance(checked.init.dialing, Predictive)
        assert checked.init.dialing.per == "absolute"


def test_a_node_whose_gateway_is_not_there_cannot_be_published() -> None:
    checked = load_flow(EVERY_NODE, "test.yaml")
    everything = frozenset({"trunk", "formula", "ivr", "messaging"})
    refuse_missing_gateways(checked, everything)
    for gateway, node_id in (
        ("trunk", "dial"),
        ("formula", "seize"),
        ("ivr", "menu"),
        ("messaging", "text"),
    ):
        with pytest.raises(FlowError, match=f"node {node_id}.*needs the gateway '{gateway}'"):
            refuse_missing_gateways(checked, everything - {gateway})


_PREVIEW = INIT.replace("next: {", "dialing: {mode: preview}, next: {skipped: dial, ")


def test_look_ahead_parses_without_a_seize_node() -> None:
    init = INIT.replace("next", "dialing: {mode: lookahead, target: 0.02}, next")
    dialing = load_flow(flow(START, init, DIAL, ROUTE), "test.yaml").init.dialing
    assert isinstance(dialing, Lookahead)
    assert dialing.target == 0.02


BROKEN = {
    "look-ahead over agents whom the campaign reserves": (
        flow(
            START.replace("pulse: init", "pulse: seize"),
            "{id: seize, type: seize_agent, next: {pulse: init}}",
            INIT.replace("next", "dialing: {mode: lookahead}, next"),
            DIAL,
            ROUTE,
        ),
        "node init: looks ahead over all agents, but node seize reserves them one by one; "
        "lead the pulse to it without a Seize Agent node",
    ),
    "a preview without agents": (
        flow(START, _PREVIEW.replace("skipped: dial, ", ""), DIAL, ROUTE),
        "node init: previews contacts, but no Seize Agent node reserves agents to look at them; "
        "put a Seize Agent node before it",
    ),
    "a skipped contact that is shown again at once": (
        flow(
            START.replace("pulse: init", "pulse: seize"),
            "{id: seize, type: seize_agent, next: {pulse: init}}",
            _PREVIEW,
            DIAL,
            ROUTE,
        ),
        "node init: port skipped leads to dial, so a skipped contact would be shown again at "
        "once; lead it to a Wait node, or leave it out to be done with the contact",
    ),
    "a skipped port without previews": (
        flow(START, INIT.replace("next: {", "next: {skipped: dial, "), DIAL, ROUTE),
        "has no port 'skipped'",
    ),
    "no start": (flow(INIT, DIAL, ROUTE), "there is no start node; add one node of type start"),
    "two inits": (
        flow(START, INIT, INIT.replace("id: init", "id: init2"), DIAL, ROUTE),
        "node init2: a flow has one init node, and this is another; remove it",
    ),
    "two nodes of one id": (
        flow(START, INIT, DIAL, ROUTE, ROUTE),
        "node route: another node has the same id; give each node an id of its own",
    ),
    "an id that is none": (flow(START, INIT, DIAL, ROUTE.replace("id: route", "id: 7 up")), "id"),
    "an unknown type": (flow(START, INIT, DIAL, "{id: route, type: teleport}"), "teleport"),
    "an unknown setting": (flow(START, INIT, DIAL, "{id: x, type: end_call, bell: 1}"), "bell"),
    "an unknown port": (
        flow(START, INIT, DIAL.replace("live_call", "answer"), ROUTE),
        "node dial: has no port 'answer'; its ports are: live_call, delivery",
    ),
    "an edge to nowhere": (
        flow(START, INIT, DIAL.replace("route}", "rout}"), ROUTE),
        "node dial: port live_call leads to 'rout', which is no node; mend the id",
    ),
    "a token of the wrong kind": (
        flow(START.replace("init}", "dial}"), INIT, DIAL, ROUTE),
        "node start: port pulse gives a pulse token, but dial takes contact",
    ),
    "a node that takes nothing": (
        flow(START, INIT.replace("contact: dial", "contact: start"), DIAL, ROUTE),
        "start takes nothing",
    ),
    "an unreachable node": (
        flow(START, INIT, DIAL, ROUTE, "{id: hang_up, type: end_call}"),
        "node hang_up: no path from start leads here; connect it, or remove it",
    ),
    "a live call left open": (
        flow(START, INIT, "{id: dial, type: dial, channel: carrier}"),
        "node dial: port live_call leads nowhere, and a live call would be left open; "
        "connect it to a Route to Agent or an End Call node",
    ),
    "a decision with one side open": (
        flow(
            START,
            INIT,
            DIAL.replace("route}", "human}"),
            '{id: human, type: call_decision, next: {"true": route}}',
            ROUTE,
        ),
        "node human: port false leads nowhere, and a live call would be left open",
    ),
    "a live call in a circle": (
        flow(
            START,
            INIT,
            DIAL.replace("route}", "a}"),
            '{id: a, type: call_decision, next: {"true": b, "false": hang_up}}',
            '{id: b, type: call_decision, next: {"true": a, "false": hang_up}}',
            "{id: hang_up, type: end_call}",
        ),
        "node a: the token can come back here by way of b with nothing done on the way; "
        "lead the circle out",
    ),
    "an endless menu": (
        flow(
            START,
            INIT,
            DIAL.replace("route}", "menu}"),
            "{id: menu, type: play, prompt: hello, next: {done: menu}}",
        ),
        "node menu: a live call that comes here is neither routed nor ended",
    ),
    "a retry without rest": (
        flow(START, INIT, DIAL.replace("route}", "route, delivery: dial}"), ROUTE),
        "node dial: a loop leads back here with neither a wait nor an attempt cap; "
        "put a Wait node into the loop, or set max_attempts",
    ),
    "decisions in a circle": (
        flow(
            START,
            INIT,
            DIAL.replace("route}", "route, delivery: p}"),
            '{id: p, type: post_attempt_decision, outcomes: [fax], next: {"false": q}}',
            '{id: q, type: post_attempt_decision, outcomes: [fax], next: {"false": p}}',
            ROUTE,
        ),
        "node p: the token can come back here by way of q",
    ),
    "a wait for a wait": (
        flow(
            START,
            INIT,
            DIAL.replace("route}", "route, delivery: w}"),
            "{id: w, type: wait, delay_s: 1, next: {contact: w}}",
            ROUTE,
        ),
        "node w: the token can come back here by way of itself",
    ),
    "a wait that leads nowhere": (
        flow(
            START,
            INIT,
            DIAL.replace("route}", "route, delivery: w}"),
            "{id: w, type: wait, delay_s: 1}",
            ROUTE,
        ),
        "node w: leads nowhere; connect it to a Dial or a Plain Message node",
    ),
    "a judgement before any attempt": (
        flow(
            START,
            INIT.replace("dial}", "p}"),
            '{id: p, type: post_attempt_decision, outcomes: [fax], next: {"false": dial}}',
            DIAL,
            ROUTE,
        ),
        "node init: leads to p, which judges an attempt, but none has just been made",
    ),
    "a pulse in a circle": (
        flow(
            START.replace("init}", "due}"),
            '{id: due, type: check_undelivered_contacts, next: {"true": init, "false": due}}',
            INIT,
            DIAL,
            ROUTE,
        ),
        "node due: the token can come back here by way of itself",
    ),
    "a seize that tries again without end": (
        flow(
            START.replace("init}", "seize}"),
            "{id: seize, type: seize_agent, next: {pulse: seized}}",
            "{id: seized, type: check_seize_agent_event, "
            "next: {agent_reserved: init, no_agent_available: seize}}",
            INIT,
            DIAL,
            ROUTE,
        ),
        "node seize: the token can come back here by way of seized",
    ),
    "an event of no seize": (
        flow(
            START.replace("init}", "seized}"),
            "{id: seized, type: check_seize_agent_event, next: {agent_reserved: init}}",
            INIT,
            DIAL,
            ROUTE,
        ),
        "node seized: start.pulse leads here, but only a Seize Agent node has events to check",
    ),
    "agents reserved for nothing": (
        flow(
            START.replace("init}", "seize}"),
            "{id: seize, type: seize_agent, next: {pulse: seized}}",
            "{id: seized, type: check_seize_agent_event, next: {rona: init}}",
            INIT,
            DIAL,
            ROUTE,
        ),
        "node seized: port agent_reserved leads nowhere, and reserved agents would wait for ever",
    ),
    "an outcome that is none": (
        flow(
            START,
            INIT,
            DIAL.replace("route}", "route, delivery: p}"),
            "{id: p, type: post_attempt_decision, outcomes: [bored]}",
            ROUTE,
        ),
        "no outcome 'bored'; there are customer_answered,",
    ),
    "a wait of two kinds": (
        flow(START, INIT, DIAL, ROUTE, '{id: w, type: wait, delay_s: 1, until: "10:00"}'),
        "give either delay_s or until",
    ),
    "a key that no telephone has": (
        flow(START, INIT, DIAL, ROUTE, "{id: m, type: play, prompt: x, digits: [A]}"),
        "'A' is no key of a telephone",
    ),
    "a window that ends before it starts": (
        flow(
            START.replace("next", 'windows: [{from: "21:00", to: "08:00"}], next'),
            INIT,
            DIAL,
            ROUTE,
        ),
        "a window ends after it starts; split one over midnight in two",
    ),
    "a day that is none": (
        flow(START.replace("next", "days: [funday], next"), INIT, DIAL, ROUTE),
        "'funday' is no day; there are mon, tue,",
    ),
    "a time zone that is none": (
        flow(START, INIT, DIAL, ROUTE, more="time_zone: New York\n"),
        "no time zone 'New York'; write one as 'America/New_York'",
    ),
    "a target of nobody": (
        flow(
            START.replace("init}", "seize}"),
            "{id: seize, type: seize_agent, target: 0, next: {pulse: init}}",
            INIT,
            DIAL,
            ROUTE,
        ),
        "a fixed target is a number of agents from 1 to 10000",
    ),
    "a ratio below one": (
        flow(START, INIT.replace("next", "dialing: {mode: power, ratio: 0.5}, next"), DIAL, ROUTE),
        "ratio",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_flow_is_told_by_file_node_and_mend(name: str) -> None:
    text, message = BROKEN[name]
    found = faults(text)
    assert any(message in fault for fault in found), found
    assert all(fault.startswith("test.yaml") and "\n" not in fault for fault in found)
    with pytest.raises(FlowError):
        load_flow(text, "test.yaml")


def test_a_fault_names_the_line_of_its_node() -> None:
    found = faults(flow(START, INIT, DIAL, ROUTE, "{id: hang_up, type: end_call}"))
    assert found[0].startswith("test.yaml:7: node hang_up:")


def test_all_faults_are_told_at_once() -> None:
    found = faults(flow(START, INIT, DIAL, ROUTE, "{id: a, type: end_call}", DIAL))
    assert len(found) == 2, found
    assert "node a: no path" in found[1]


# --- the law ----------------------------------------------------------------------------------

US = load_preset((CONFIG / "regulations" / "us_ftc.yaml").read_bytes(), "us_ftc")


def compliance_faults(text: str) -> list[tuple[str, str, str]]:
    return list(check_compliance(load_flow(text, "test.yaml"), US))


def test_a_ring_shorter_than_the_law_demands_is_told() -> None:
    dial = DIAL.replace("next", "ring_timeout_s: 12, next")
    assert compliance_faults(flow(START, INIT, dial, ROUTE)) == [
        (
            "dial",
            "ring_timeout_s 12 is under the 15 s that us_ftc demands",
            "set ring_timeout_s to 15 or more",
        )
    ]


def test_a_patience_longer_than_the_law_allows_is_told() -> None:
    route = ROUTE.replace("}", ", patience_s: 3}")
    assert compliance_faults(flow(START, INIT, DIAL, route)) == [
        (
            "route",
            "patience_s 3 is over the 2 s after which us_ftc calls it abandoned",
            "set patience_s to 2 or less",
        )
    ]


def test_a_lawful_flow_has_no_compliance_fault() -> None:
    assert compliance_faults(flow(START, INIT, DIAL, ROUTE)) == []
