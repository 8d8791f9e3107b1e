"""A flow as a graph: the campaign file's schema, and the check that it makes sense.

The rule of this module: a flow that passes can run to its end. Every live call is routed or ended
on every path, every node is reachable, and no loop can dial for ever; what does not pass is told
by node, with the mend.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dialer.callbacks import CallbackPolicy
from dialer.compliance.preset import Preset
from dialer.dispositions import Dispositions
from dialer.documents import Document, problems
from dialer.errors import FlowError
from dialer.flow.dial_terms import terms_of
from dialer.flow.nodes import (
    Baseline,
    CheckSeizeAgentEvent,
    Dial,
    EndCall,
    Init,
    Kind,
    Lookahead,
    Node,
    NodeBase,
    PlainMessage,
    Play,
    PostAttemptDecision,
    Preview,
    RouteToAgent,
    SeizeAgent,
    Start,
    Wait,
)
from dialer.ports import ContactNext
from dialer.score.model import ScoreModel


class ComplianceChoice(BaseModel):
    """Which preset rules the campaign, and which of its numbers are overridden."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: str = "us_ftc"
    overrides: dict[str, Any] = Field(default_factory=dict)


class FlowDefinition(BaseModel):
    """A campaign's file: its title, its law, and its nodes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=120)
    description: str = ""
    time_zone: str = Field(
        "UTC",
        description="of the Start node's windows, and of Wait until where a contact's is not known",
    )
    compliance: ComplianceChoice = ComplianceChoice()
    priority: int = Field(5, ge=1, le=10, description="weight where campaigns share agents")
    share: float = Field(1.0, gt=0, le=1, description="the most it may have of a queue's agents")
    dispositions: Dispositions | None = Field(None, description="what agents say of a call")
    callbacks: CallbackPolicy = CallbackPolicy()
    nodes: tuple[Node, ...] = Field(min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"no time zone {name!r}; write one as 'America/New_York'")
        return name


class Flow:
    """A checked flow, ready to be interpreted.

    start and init are its compulsory nodes; `leads(node_id, port)` is the node behind a port, or
    None where the port leads nowhere. goes_by_clocks: a Wait node looks at contacts' own clocks.
    dials: the terms of its Dial nodes by id. first: the node behind Init; first_dial: its terms,
    if it is a Dial node. steps: what the interpreter found out once. rests: what becomes of
    contacts, found out once, too. score: tells who is likely to answer, if it is to.
    """

    def __init__(self, definition: FlowDefinition, score: ScoreModel | None = None) -> None:
        self.definition = definition
        self.score = score
        self.title = definition.title
        self.zone = ZoneInfo(definition.time_zone)
        self.nodes: dict[str, Node] = {node.id: node for node in definition.nodes}
        self.dials = {n.id: terms_of(n) for n in definition.nodes if isinstance(n, Dial)}
        self._leads = {
            (node.id, port): self.nodes[target]
            for node in definition.nodes
            for port, target in node.next.items()
        }
        self.steps: dict[tuple[str, str], Any] = {}
        self.rests: dict[tuple[str, str, str, int], ContactNext] = {}
        self.start = next(n for n in definition.nodes if isinstance(n, Start))
        self.init = next(n for n in definition.nodes if isinstance(n, Init))
        self.first = self.leads(self.init.id, "contact")
        self.first_dial = self.dials.get(self.first.id) if self.first is not None else None
        self.goes_by_clocks = any(
            isinstance(n, Wait) and n.until is not None for n in definition.nodes
        )

    def leads(self, node_id: str, port: str) -> Node | None:
        return self._leads.get((node_id, port))

    def gateways(self) -> dict[str, str]:
        """Gateways that the flow cannot do without -> the first node that needs each."""
        needed: dict[str, str] = {}
        for node in self.definition.nodes:
            for gateway in sorted(node.gateways()):
                needed.setdefault(gateway, node.id)
        return needed


def load_flow(text: str, name: str) -> Flow:
    """A checked flow from a campaign file's text; `name` is what errors call it.

    Raises:
        FlowError: the first problem, with its file and line.
    """
    found, flow = read_flow(text, name)
    if found:
        raise found[0]
    assert flow is not None
    return flow


def read_flow(text: str, name: str) -> tuple[list[FlowError], Flow | None]:
    """All problems of a campaign file, and its flow when there is none."""
    document = Document.load(text, name)
    try:
        definition = FlowDefinition.model_validate(document.data)
    except ValidationError as error:
        return [p for p in problems(error, document, FlowError) if isinstance(p, FlowError)], None
    lines = {node.id: document.line_of(("nodes", i)) for i, node in enumerate(definition.nodes)}
    found = [
        FlowError(f"{name}:{lines[node_id]}: node {node_id}" if node_id else name, what, mend)
        for node_id, what, mend in faults(definition)
    ]
    return found, None if found else Flow(definition)


def refuse_missing_gateways(flow: Flow, available: frozenset[str]) -> None:
    """Raise FlowError where a node needs a gateway that this daemon does not have."""
    for gateway, node_id in flow.gateways().items():
        if gateway not in available:
            raise FlowError(
                f"{flow.title}: node {node_id}",
                f"needs the gateway {gateway!r}, which is not available here",
                "remove the node or configure the gateway",
            )


def check_compliance(flow: Flow, preset: Preset) -> Iterator[tuple[str, str, str]]:
    """Faults of a flow under its preset: (node id, what, mend)."""
    for node in flow.definition.nodes:
        if isinstance(node, Dial) and node.ring_timeout_s < preset.ring_minimum_s:
            yield (
                node.id,
                f"ring_timeout_s {node.ring_timeout_s:g} is under the {preset.ring_minimum_s:g} s "
                f"that {preset.name} demands",
                f"set ring_timeout_s to {preset.ring_minimum_s:g} or more",
            )
        law = preset.abandonment
        if isinstance(node, RouteToAgent) and law and node.patience_s > law.threshold_s:
            yield (
                node.id,
                f"patience_s {node.patience_s:g} is over the {law.threshold_s:g} s after which "
                f"{preset.name} calls it abandoned",
                f"set patience_s to {law.threshold_s:g} or less",
            )


def faults(definition: FlowDefinition) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a flow's graph: (node id, what, mend)."""
    nodes: dict[str, NodeBase] = {}
    for node in definition.nodes:
        if node.id in nodes:
            yield node.id, "another node has the same id", "give each node an id of its own"
        nodes[node.id] = node
    yield from _compulsory_faults(definition)
    wired = list(_edge_faults(nodes))
    yield from wired
    if not wired:
        yield from _reach_faults(nodes)
        yield from _pulse_faults(nodes)
        yield from _call_faults(nodes)
        yield from _loop_faults(nodes)
        yield from _circle_faults(nodes)
        yield from _wait_faults(nodes)
        yield from _preview_faults(nodes)
        yield from _lookahead_faults(nodes)


def _compulsory_faults(definition: FlowDefinition) -> Iterator[tuple[str, str, str]]:
    for cls, name in ((Start, "start"), (Init, "init")):
        found = [node for node in definition.nodes if isinstance(node, cls)]
        if not found:
            yield "", f"there is no {name} node", f"add one node of type {name}"
        for extra in found[1:]:
            yield extra.id, f"a flow has one {name} node, and this is another", "remove it"


def _edge_faults(nodes: Mapping[str, NodeBase]) -> Iterator[tuple[str, str, str]]:
    for node in nodes.values():
        ports = node.ports()
        for port, target in node.next.items():
            if port not in ports:
                there = ", ".join(ports) or "none"
                yield node.id, f"has no port {port!r}", f"its ports are: {there}"
            elif target not in nodes:
                yield node.id, f"port {port} leads to {target!r}, which is no node", "mend the id"
            elif ports[port] not in nodes[target].takes:
                takes = " or ".join(sorted(nodes[target].takes)) or "nothing"
                yield (
                    node.id,
                    f"port {port} gives a {ports[port]} token, but {target} takes {takes}",
                    f"connect it to a node that takes a {ports[port]} token",
                )


def _reachable(nodes: Mapping[str, NodeBase], first: str) -> set[str]:
    seen: set[str] = set()
    todo = [first]
    while todo:
        node_id = todo.pop()
        if node_id not in seen:
            seen.add(node_id)
            todo.extend(nodes[node_id].next.values())
    return seen


def _reach_faults(nodes: Mapping[str, NodeBase]) -> Iterator[tuple[str, str, str]]:
    start = next((node.id for node in nodes.values() if isinstance(node, Start)), None)
    if start is None:
        return
    seen = _reachable(nodes, start)
    for node_id in nodes:
        if node_id not in seen:
            yield node_id, "no path from start leads here", "connect it, or remove it"


def _pulse_faults(nodes: Mapping[str, NodeBase]) -> Iterator[tuple[str, str, str]]:
    """A Check Seize Agent Event tells what came of a Seize, and reserved agents are for Init."""
    for node in nodes.values():
        for port, target in node.next.items():
            after_seize = isinstance(nodes[target], CheckSeizeAgentEvent)
            if after_seize and not isinstance(node, SeizeAgent):
                yield (
                    target,
                    f"{node.id}.{port} leads here, but only a Seize Agent node has events to check",
                    "lead a Seize Agent node's pulse here",
                )
        needed = {SeizeAgent: "pulse", CheckSeizeAgentEvent: "agent_reserved"}.get(type(node))
        if needed is not None and needed not in node.next:
            yield (
                node.id,
                f"port {needed} leads nowhere, and reserved agents would wait for ever",
                "lead it on to the Init node",
            )


def _call_faults(nodes: Mapping[str, NodeBase]) -> Iterator[tuple[str, str, str]]:
    """A live call must be routed or ended on every path."""
    for node in nodes.values():
        for port, kind in node.ports().items():
            if kind is Kind.CALL and port not in node.next:
                yield (
                    node.id,
                    f"port {port} leads nowhere, and a live call would be left open",
                    "connect it to a Route to Agent or an End Call node",
                )
    for node in nodes.values():
        if Kind.CALL in node.takes and not isinstance(node, (RouteToAgent, EndCall, PlainMessage)):
            seen = _reachable_calls(nodes, node.id)
            ends = (RouteToAgent, EndCall, PlainMessage)
            if not any(isinstance(nodes[other], ends) for other in seen):
                yield (
                    node.id,
                    "a live call that comes here is neither routed nor ended",
                    "lead the loop out to a Route to Agent or an End Call node",
                )


def _reachable_calls(nodes: Mapping[str, NodeBase], first: str) -> set[str]:
    seen: set[str] = set()
    todo = [first]
    while todo:
        node_id = todo.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        node = nodes[node_id]
        ports = node.ports()
        todo += [target for port, target in node.next.items() if ports[port] is Kind.CALL]
    return seen


def _loop_faults(nodes: Mapping[str, NodeBase]) -> Iterator[tuple[str, str, str]]:
    """A loop back into a Dial or a message needs a wait or a cap, or it would never rest."""
    restful = {
        node.id
        for node in nodes.values()
        if isinstance(node, Wait) or (isinstance(node, Dial) and node.max_attempts is not None)
    }
    for node in nodes.values():
        if not isinstance(node, (Dial, PlainMessage)) or node.id in restful:
            continue
        seen: set[str] = set()
        todo = list(node.next.values())
        while todo:
            node_id = todo.pop()
            if node_id == node.id:
                yield (
                    node.id,
                    "a loop leads back here with neither a wait nor an attempt cap",
                    "put a Wait node into the loop, or set max_attempts",
                )
                break
            if node_id not in seen and node_id not in restful:
                seen.add(node_id)
                todo.extend(nodes[node_id].next.values())


def _circle_faults(nodes: Mapping[str, NodeBase]) -> Iterator[tuple[str, str, str]]:
    """Nodes that only decide or wait, in a circle, would turn a token round for ever."""
    for node in nodes.values():
        if isinstance(node, (Dial, PlainMessage)):
            continue
        seen: set[str] = set()
        todo: list[tuple[str, tuple[str, ...]]] = [(target, ()) for target in _passed_on(node)]
        while todo:
            node_id, way = todo.pop()
            if node_id == node.id:
                yield (
                    node.id,
                    f"the token can come back here by way of {', '.join(way) or 'itself'} "
                    "with nothing done on the way",
                    "lead the circle out of one of them",
                )
                return  # the other nodes of the circle would say the same
            if node_id not in seen and not isinstance(nodes[node_id], (Dial, PlainMessage)):
                seen.add(node_id)
                todo += [(target, (*way, node_id)) for target in _passed_on(nodes[node_id])]


def _passed_on(node: NodeBase) -> list[str]:
    """Where a token goes that nothing is done for: all but what an IVR's keys may repeat."""
    return [] if isinstance(node, Play) else list(node.next.values())


def _wait_faults(nodes: Mapping[str, NodeBase]) -> Iterator[tuple[str, str, str]]:
    """What comes after a wait, or straight after Init, has no outcome to judge yet."""
    for node in nodes.values():
        if isinstance(node, (Wait, Init)):
            target = node.next.get("contact")
            if target is None:
                yield node.id, "leads nowhere", "connect it to a Dial or a Plain Message node"
            elif isinstance(nodes[target], PostAttemptDecision):
                yield (
                    node.id,
                    f"leads to {target}, which judges an attempt, but none has just been made",
                    "connect it to a Dial or a Plain Message node",
                )


def _lookahead_faults(nodes: Mapping[str, NodeBase]) -> Iterator[tuple[str, str, str]]:
    """These count on all who are free; agents whom the campaign reserves are not."""
    init = next((node for node in nodes.values() if isinstance(node, Init)), None)
    seize = next((node for node in nodes.values() if isinstance(node, SeizeAgent)), None)
    if init is None or seize is None or not isinstance(init.dialing, (Lookahead, Baseline)):
        return
    yield (
        init.id,
        f"looks ahead over all agents, but node {seize.id} reserves them one by one",
        "lead the pulse to it without a Seize Agent node",
    )


def _preview_faults(nodes: Mapping[str, NodeBase]) -> Iterator[tuple[str, str, str]]:
    """A preview needs an agent who looks, and whom a skipped contact is not shown again at once."""
    init = next((node for node in nodes.values() if isinstance(node, Init)), None)
    if init is None or not isinstance(init.dialing, Preview):
        return
    if not any(isinstance(node, SeizeAgent) for node in nodes.values()):
        yield (
            init.id,
            "previews contacts, but no Seize Agent node reserves agents to look at them",
            "put a Seize Agent node before it",
        )
    target = init.next.get("skipped")
    if target is not None and not isinstance(nodes[target], Wait):
        yield (
            init.id,
            f"port skipped leads to {target}, so a skipped contact would be shown again at once",
            "lead it to a Wait node, or leave it out to be done with the contact",
        )
