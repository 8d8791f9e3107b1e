"""Whether a flow can run here: its graph, its law, and the names it uses.

The rule of this module: whatever a flow names (trunk, queue, attribute, filter, preset) must be
there before it is published. All that is missing is told at once, by file, line and node.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dialer.contacts import AttributeType
from dialer.documents import Document, suggestion
from dialer.errors import ConfigError, FlowError, InputError
from dialer.flow.formulas import formula_faults, formulas_in, with_texts
from dialer.flow.graph import Flow, check_compliance, read_flow
from dialer.flow.nodes import Dial, Lookahead, PlainMessage, RouteToAgent, SeizeAgent
from dialer.flow.scores import with_score
from dialer.promql.lint import WARNING, lint
from dialer.templates import Template
from gateways.control.site import Site

PREDICTIVE_FROM_AGENTS = 10
"""In smaller teams too few people answer at a time for a forecast of their number."""

Fault = tuple[str, str, str]
"""Node id ("" for the flow as a whole), what, mend."""


@dataclass(frozen=True)
class CheckedFlow:
    """What a check found. flow: None where it cannot even be drawn. unsaved: what is wrong with
    its filter, which a draft may be ahead of. warnings: what can run and is likely to go wrong.
    """

    flow: Flow | None
    faults: tuple[InputError, ...]
    unsaved: InputError | None = None
    warnings: tuple[InputError, ...] = ()


def check_flow(
    text: str,
    name: str,
    site: Site | None = None,
    filter_fault: Callable[[str], InputError | None] | None = None,
) -> CheckedFlow:
    """Check a campaign file's text.

    Args:
        name: what errors call the file.
        site: None to look at the flow alone.
        filter_fault: what is wrong with a saved filter of that name, if anything.
    """
    try:
        found, flow = read_flow(text, name)
    except InputError as error:
        return CheckedFlow(None, (error,))
    if flow is None:
        return CheckedFlow(None, tuple(found))
    lines = _lines(text, name)

    def told(node_id: str, what: str, mend: str) -> FlowError:
        where = f"{name}:{lines[node_id]}: node {node_id}" if node_id else name
        return FlowError(where, what, mend)

    unsaved = None
    if filter_fault is not None and flow.init.filter:
        wrong = filter_fault(flow.init.filter)
        if wrong is not None:
            unsaved = told(flow.init.id, f"{wrong.where}: {wrong.what}", wrong.mend)
    found_here = site_faults(flow, site) if site is not None else ()
    in_order = sorted(found_here, key=lambda fault: lines.get(fault[0], 0))
    doubts = flow_doubts(flow, site) if site is not None else ()
    return CheckedFlow(
        flow,
        tuple(told(*fault) for fault in in_order),
        unsaved,
        tuple(told(*doubt) for doubt in doubts),
    )


def flow_doubts(flow: Flow, site: Site) -> Iterator[Fault]:
    """What can run and is likely to go wrong."""
    agents = [n.target for n in flow.definition.nodes if isinstance(n, SeizeAgent)]
    fixed = [target for target in agents if isinstance(target, int)]
    if flow.init.dialing.mode == "predictive" and fixed and max(fixed) < PREDICTIVE_FROM_AGENTS:
        what = f"dialing: predictive for {max(fixed)} agents; chance is too strong for it below "
        what += str(PREDICTIVE_FROM_AGENTS)
        yield flow.init.id, what, "set mode: power or lookahead, or seize more agents"
    yield from _ring_doubts(flow, site)
    for node_id, setting, text in formulas_in(with_texts(flow, site.formulas()).definition):
        for finding in lint(text):
            if finding.level == WARNING:
                what = f"{setting}: {finding.rule}: {finding.part[:120]}: {finding.what}"
                yield node_id, what, finding.mend


def _ring_doubts(flow: Flow, site: Site) -> Iterator[Fault]:
    """Calls are given up only after the law's least time of ringing."""
    dialing = flow.init.dialing
    if not isinstance(dialing, Lookahead) or not dialing.give_up_long_rings:
        return
    choice = flow.definition.compliance
    try:
        preset = site.presets(choice.preset).overridden(choice.overrides)
    except ConfigError:
        return  # told as a fault
    longest_s = max(n.ring_timeout_s for n in flow.definition.nodes if isinstance(n, Dial))
    if longest_s <= preset.least_ring_s:
        what = "dialing: give_up_long_rings does nothing: calls ring for "
        what += f"{longest_s:g} s and may be given up after {preset.least_ring_s:g} s"
        yield flow.init.id, what, "set a longer ring_timeout_s, or remove it"


def site_faults(flow: Flow, site: Site) -> Iterator[Fault]:
    """What keeps a well-drawn flow from running at this place."""
    yield from _law_faults(flow, site)
    yield from formula_faults(with_texts(flow, site.formulas()).definition)
    try:
        with_score(flow, site.scores, "")
    except FlowError as error:
        yield flow.init.id, f"dialing.score: {error.what}", error.mend
    dialing = flow.init.dialing
    if not site.kept_up and dialing.mode not in ("progressive", "preview"):
        what = f"dialing: {dialing.mode} with phones that ring per call lets live callers wait"
        yield flow.init.id, what, "set mode: progressive, or keep the phones up in the settings"
    for node in flow.definition.nodes:
        match node:
            case Dial():
                yield from _dial_faults(node, site)
            case SeizeAgent() | RouteToAgent():
                yield from _queue_faults(node, site)
            case PlainMessage():
                yield from _attribute_faults(node.id, node.identifier, site)
                yield from _text_faults(node, site)


def _text_faults(node: PlainMessage, site: Site) -> Iterator[Fault]:
    try:
        Template(node.text, site.schema)
    except FlowError as error:
        yield node.id, f"text: {error.what}", error.mend


def _law_faults(flow: Flow, site: Site) -> Iterator[Fault]:
    choice = flow.definition.compliance
    try:
        preset = site.presets(choice.preset).overridden(choice.overrides, "compliance")
    except ConfigError as error:
        yield "", f"{error.where}: {error.what}" if error.where else error.what, error.mend
        return
    yield from check_compliance(flow, preset)


def _dial_faults(node: Dial, site: Site) -> Iterator[Fault]:
    for key, name in (("channel", node.channel), *(("failover", name) for name in node.failover)):
        if name not in site.trunk_names:
            mend = suggestion(name, site.trunk_names)
            if not site.trunk_names:
                mend = "add one under trunks in the settings"
            yield node.id, f"{key}: there is no trunk {name!r}", mend
    if not site.caller_ids.knows(node.caller_id):
        what = f"caller_id: {node.caller_id!r} is not one of our numbers"
        yield node.id, what, "add it under caller_ids in the settings"
    yield from _attribute_faults(node.id, node.identifier, site)


def _attribute_faults(node_id: str, identifier: str, site: Site) -> Iterator[Fault]:
    phones = site.schema.phones()
    if identifier in phones:
        return
    if identifier in site.schema:
        kind = site.schema.spec(identifier).type
        what = f"identifier: attribute {identifier!r} is a {kind}, not a {AttributeType.PHONE}"
    else:
        what = f"identifier: there is no attribute {identifier!r}"
    yield node_id, what, suggestion(identifier, phones)


def _queue_faults(node: SeizeAgent | RouteToAgent, site: Site) -> Iterator[Fault]:
    if node.queue not in site.queue_names:
        yield (
            node.id,
            f"queue: there is no queue {node.queue!r}",
            suggestion(node.queue, site.queue_names),
        )
        return
    mrd = next(queue["mrd"] for queue in site.queues if queue["name"] == node.queue)
    if isinstance(node, SeizeAgent) and node.mrd != mrd:
        what = f"mrd: queue {node.queue!r} is of {mrd!r}, not {node.mrd!r}"
        yield node.id, what, f"set mrd to {mrd}"


def _lines(text: str, name: str) -> dict[str, int]:
    """The line of each node of a flow that was read."""
    document = Document.load(text, name)
    return {
        node["id"]: document.line_of(("nodes", index))
        for index, node in enumerate(document.data["nodes"])
    }
