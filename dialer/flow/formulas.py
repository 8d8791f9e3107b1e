"""The formulas of a flow: where they stand, and the names that stand for shipped ones.

The rule of this module: a formula is PromQL, or the name of one that ships; names are replaced by
their texts before a flow runs, so that the actors and the ledger know texts only.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from dialer.errors import FormulaError
from dialer.flow.graph import Flow, FlowDefinition
from dialer.flow.nodes import Init, Node, Predictive, SeizeAgent
from dialer.promql import compile_formula


def formulas_in(flow: FlowDefinition) -> Iterator[tuple[str, str, str]]:
    """Each formula as (node id, setting, text or name)."""
    for node in flow.nodes:
        if isinstance(node, SeizeAgent) and isinstance(node.target, str):
            yield node.id, "target", node.target
        if isinstance(node, Init):
            if isinstance(node.dialing, Predictive):
                yield node.id, "dialing.formula", node.dialing.formula
            if node.shadow:
                yield node.id, "shadow", node.shadow


def formulas_of(flow: FlowDefinition) -> tuple[str, ...]:
    """The formulas of a flow, each once."""
    return tuple(dict.fromkeys(text for _, _, text in formulas_in(flow)))


def formula_faults(flow: FlowDefinition) -> Iterator[tuple[str, str, str]]:
    """What is wrong with its formulas, names replaced before: (node id, what, mend)."""
    for node_id, setting, text in formulas_in(flow):
        try:
            formula = compile_formula(text)
        except FormulaError as error:
            where = f"{error.where}: " if error.where else ""
            yield node_id, f"{setting}: {where}{error.what}", error.mend
            continue
        if formula.kind not in ("scalar", "vector"):
            what = f"{setting}: the formula gives a {formula.kind}, not a number"
            yield node_id, what, "aggregate it, as in sum by (campaign) (rate(...[5m]))"
        elif re.fullmatch(r"\s*[a-z_]+\s*", text) and not text.strip().startswith("dialer_"):
            what = f"{setting}: there is no formula {text.strip()!r}, nor a metric of that name"
            yield node_id, what, "name one of config/formulas, or write PromQL"


def with_texts(flow: Flow, texts: Mapping[str, str]) -> Flow:
    """The flow with the texts of formulas in place of their names; the same where it has none."""
    if not any(text.strip() in texts for text in formulas_of(flow.definition)):
        return flow

    def text_of(given: str) -> str:
        return texts.get(given.strip(), given)

    nodes = tuple(_changed(node, text_of) for node in flow.definition.nodes)
    return Flow(flow.definition.model_copy(update={"nodes": nodes}))


def _changed(node: Node, text_of: Callable[[str], str]) -> Node:
    if isinstance(node, SeizeAgent) and isinstance(node.target, str):
        return node.model_copy(update={"target": text_of(node.target)})
    if isinstance(node, Init):
        changes: dict[str, object] = {"shadow": text_of(node.shadow)}
        if isinstance(node.dialing, Predictive):
            formula = text_of(node.dialing.formula)
            changes["dialing"] = node.dialing.model_copy(update={"formula": formula})
        return node.model_copy(update=changes)
    return node
