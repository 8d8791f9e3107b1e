"""A flow as a graph: the campaign file's schema, and the check that it makes sense.

The rule of this module: a flow that passes can run to its end (`dialer.flow.node_faults` says what
that takes); what does not pass is told by node, with the mend.
"""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dialer.callbacks import CallbackPolicy
from dialer.compliance.preset import Preset
from dialer.dispositions import Dispositions
from dialer.documents import Document, problems
from dialer.errors import FlowError
from dialer.flow.dial_terms import terms_of
from dialer.flow.node_faults import node_faults
from dialer.flow.nodes import (
    Dial,
    Init,
    Node,
    NodeBase,
    RouteToAgent,
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
    yield from node_faults(nodes)


def _compulsory_faults(definition: FlowDefinition) -> Iterator[tuple[str, str, str]]:
    for cls, name in ((Start, "start"), (Init, "init")):
        found = [node for node in definition.nodes if isinstance(node, cls)]
        if not found:
            yield "", f"there is no {name} node", f"add one node of type {name}"
        for extra in found[1:]:
            yield extra.id, f"a flow has one {name} node, and this is another", "remove it"
