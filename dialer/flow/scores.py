"""The answer score that a flow dials by.

The rule of this module: a flow names a file, whoever runs it reads that, and from then on the flow
carries the model itself.
"""

from collections.abc import Callable

from dialer.errors import FlowError, InputError
from dialer.flow.graph import Flow, FlowDefinition
from dialer.flow.nodes import Init, Lookahead
from dialer.score.model import ScoreModel

ReadScore = Callable[[str], ScoreModel]
"""Reads a model by the name that a flow gives it."""


def no_scores(name: str) -> ScoreModel:
    """Where there are none."""
    raise InputError(name, "there are no answer scores here", "remove score")


def score_named(flow: FlowDefinition) -> tuple[str, str]:
    """The id of the Init node and the score it names; two empty words where there is none."""
    for node in flow.nodes:
        if isinstance(node, Init) and isinstance(node.dialing, Lookahead) and node.dialing.score:
            return node.id, node.dialing.score
    return "", ""


def with_score(flow: Flow, read: ReadScore, name: str) -> Flow:
    """The flow with its model; the same where it names none. name: what errors call the flow.

    Raises:
        FlowError: the model cannot be read, or is none.
    """
    node, file = score_named(flow.definition)
    if not file:
        return flow
    try:
        return Flow(flow.definition, read(file))
    except InputError as error:
        where = f"{name}: node {node}: dialing.score"
        raise FlowError(where, f"{error.where}: {error.what}", error.mend) from None
