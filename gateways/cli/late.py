"""Verbs that are built when they are asked for.

The rule of this module: to list what there is, or to run one verb, costs nothing of what the other
verbs stand on.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class LateVerb(NamedTuple):
    """A verb, or a group of them, of the first level.

    line: what the list of verbs says of it, as its own help begins. add: adds it to an app,
    perhaps with its neighbours.
    """

    name: str
    line: str
    add: Callable[[typer.Typer], None]


def of_module(name: str, line: str, module: str) -> LateVerb:
    """A verb that the `add_to` of a module adds."""

    def add(app: typer.Typer) -> None:
        import_module(module).add_to(app)

    return LateVerb(name, line, add)


class LateGroup(TyperGroup):
    """Shows `verbs` by name and line, and builds the one that runs."""

    verbs: Sequence[LateVerb] = ()

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for verb in self.verbs:
            self.add_command(TyperCommand(verb.name, help=verb.line))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        verb = next(verb for verb in self.verbs if verb.name == name)
        app = typer.Typer()
        verb.add(app)
        return name, get_group(app).commands[verb.name], rest
