"""Writes docs/flow.md from the nodes' own schema: `python -m dialer.flow.reference > docs/flow.md`.

The rule of this module: it describes what stands in the schema and adds nothing, so the document
cannot say what the loader does not do.
"""

import sys
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from dialer.callbacks import CallbackPolicy
from dialer.dispositions import Disposition, Dispositions
from dialer.flow.nodes import NODE_TYPES, Dialing, Init, NodeBase, Play

_OF_EVERY_NODE = frozenset({"id", "next", "type"})

_OPENING = """\
# The nodes of a flow

Made from the schema by `python -m dialer.flow.reference`; do not edit it by hand.

A campaign's file has a `title`, a `description`, a `time_zone`, its `compliance` (a preset, and
what overrides it) and a list of `nodes`. Where campaigns want the same agents, the one with the
fewest for its `priority` (1 to 10, else 5) gets the next, and none has more than its `share` of a
queue's agents (above 0 to 1, else 1). Its `dispositions` are what agents may say of a call, and its
`callbacks` say how long a call that an agent promised waits for them. Every
node has an `id` that is unique in the flow, a `type`, its own settings, and `next`, which says for
each of its ports to which node the token goes. A token is a **pulse** before Init, a **contact**
after it, and a **call** where the contact has a live call. A port that is left out ends the token
there; a live call must be led on.
"""


def reference() -> str:
    """The document."""
    parts = [_OPENING]
    for node in NODE_TYPES:
        parts.append(_section(node))
        if any(name == "dialing" for name in node.model_fields):
            parts += [_modes()]
    parts += [_part("dispositions", Dispositions), _part("dispositions.choices", Disposition)]
    parts += [_part("callbacks", CallbackPolicy)]
    return "\n".join(parts)


def _section(node: type[NodeBase]) -> str:
    (name,) = get_args(node.model_fields["type"].annotation)
    lines = [f"## {name}", "", (node.__doc__ or "").strip(), ""]
    takes = " or ".join(sorted(node.takes)) or "nothing: a flow begins here"
    lines.append(f"- takes: {takes}")
    gives = ", ".join(f"`{port}` ({kind})" for port, kind in node.gives.items())
    if issubclass(node, Play):
        gives = "one port for each of its digits, and `done` (call)"
    elif issubclass(node, Init):
        gives += ", in preview mode also `skipped` (contact)"
    lines.append(f"- ports: {gives}")
    if node.needs:
        lines.append(f"- needs the gateway: {', '.join(sorted(node.needs))}")
    return "\n".join([*lines, "", *_settings(node, _OF_EVERY_NODE)])


def _modes() -> str:
    union = get_args(Dialing)[0]
    parts = ["### Modes of `dialing`", ""]
    for mode in get_args(union):
        (name,) = get_args(mode.model_fields["mode"].annotation)
        parts += [f"**{name}**: {(mode.__doc__ or '').strip()}", ""]
        parts += _settings(mode, frozenset({"mode"}))
    return "\n".join(parts)


def _part(name: str, model: type[BaseModel]) -> str:
    """A part of the file that is no node."""
    lines = [f"## The campaign's {name}", "", (model.__doc__ or "").strip(), ""]
    return "\n".join([*lines, *_settings(model, frozenset())])


def _settings(model: type[BaseModel], without: frozenset[str]) -> list[str]:
    fields = {n: f for n, f in model.model_fields.items() if n not in without}
    if not fields:
        return []
    rows = ["| setting | value | default | |", "|---|---|---|---|"]
    for name, field in fields.items():
        cells = (f"`{name}`", _value(field), _default(field), field.description or "")
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*rows, ""]


def _value(field: FieldInfo) -> str:
    text = _type(field.annotation)
    bounds = []
    for constraint in field.metadata:
        for attribute, words in (
            ("ge", "from {}"),
            ("gt", "above {}"),
            ("le", "to {}"),
            ("lt", "below {}"),
            ("min_length", "at least {} long"),
            ("max_length", "at most {} long"),
        ):
            bound = getattr(constraint, attribute, None)
            if bound is not None:
                bounds.append(words.format(f"{bound:.10g}"))
    return f"{text}, {' '.join(bounds)}" if bounds else text


_NAMES = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "time": "time of day as '09:30'",
    "TimeWindow": "{from, to}",
    "Disposition": "{name, means, ...}",
}


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin in (Union, types.UnionType):
        kinds = [kind for kind in arguments if kind is not type(None)]
        if all(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds):
            return "{mode, ...}, see below"
        return " or ".join(_type(kind) for kind in kinds)
    name = getattr(annotation, "__name__", str(annotation))
    return _NAMES.get(name, name)


def _default(field: FieldInfo) -> str:
    default = field.default
    if default is PydanticUndefined:
        return "compulsory" if field.default_factory is None else "empty"
    if isinstance(default, BaseModel):
        return f"{{mode: {default.model_dump()['mode']}}}"
    if default is None or default in ("", ()):
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


if __name__ == "__main__":
    sys.stdout.write(reference())
