"""What is wrong with the way in which a flow's nodes are connected.

The rule of this module: a flow that passes can run to its end. Every live call is routed or ended
on every path, every node is reachable, and no loop can dial for ever; what does not pass is told
by node, with the mend.
"""

from collections.abc import Iterator, Mapping

from dialer.flow.nodes import (
    Baseline,
    CheckSeizeAgentEvent,
    Dial,
    EndCall,
    Init,
    Kind,
    Lookahead,
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


def node_faults(nodes: Mapping[str, NodeBase]) -> Iterator[tuple[str, str, str]]:
    """All of it: (node id, what, mend)."""
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
