"""A formula's parts as they are written, each able to stand in another's place.

The rule of this module: the text of a part, put back where it stood, means the same. So a part can
be shown by itself, and a mended one can be written into the whole.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dialer.errors import FormulaSyntaxError

MAX_NESTING = 120
"""Sub-expressions within sub-expressions: each is a call within a call."""

_NONE: Mapping["Written", str] = MappingProxyType({})


class Written:
    """One sub-expression: its syntax tree, its parts in order of writing, and its text.

    Raises FormulaSyntaxError when parts are nested too deep.
    """

    __slots__ = ("_depth", "_pieces", "kind", "parts", "tree")

    def __init__(self, tree: Any, depth: int = 1) -> None:
        if depth > MAX_NESTING:
            raise FormulaSyntaxError(
                f"the formula is nested more than {MAX_NESTING} deep",
                mend="put brackets around parts of a long chain, or write it in two formulas",
            )
        self._depth = depth
        self.tree = tree
        self.kind = type(tree).__name__
        self.parts: tuple[Written, ...] = ()
        self._pieces: tuple[str | int, ...] = ()
        self._take_apart()

    def text(self, instead: Mapping["Written", str] = _NONE) -> str:
        """In one line. instead: what is written in place of some parts."""
        if self in instead:
            return instead[self]
        return "".join(
            piece if isinstance(piece, str) else self.parts[piece].text(instead)
            for piece in self._pieces
        )

    def _take_apart(self) -> None:
        tree = self.tree
        match self.kind:
            case "ParenExpr":
                self._are(["(", 0, ")"], tree.expr)
            case "UnaryExpr":
                self._are(["-", 0], tree.expr)
            case "SubqueryExpr":
                self._are([0, _behind(tree)], tree.expr)
            case "Call":
                pieces: list[str | int] = [f"{tree.func.name}("]
                for number in range(len(tree.args)):
                    pieces += [", ", number] if number else [number]
                self._are([*pieces, ")"], *tree.args)
            case "AggregateExpr":
                head = f"{tree.op}{_grouping(tree.modifier)}("
                if tree.param is None:
                    self._are([head, 0, ")"], tree.expr)
                else:
                    self._are([head, 1, ", ", 0, ")"], tree.expr, tree.param)
            case "BinaryExpr":
                between = f" {tree.op}{_matching(tree.modifier)} "
                self._are([0, between, 1], tree.lhs, tree.rhs)
            case _:
                self._are([tree.prettify()])

    def _are(self, pieces: list[str | int], *parts: Any) -> None:
        self._pieces = tuple(pieces)
        self.parts = tuple([Written(part, self._depth + 1) for part in parts])


def _behind(tree: Any) -> str:
    """The range and what follows it, of a subquery: the library writes it after the inner one."""
    inner, whole = tree.expr.prettify(), tree.prettify()
    if whole.startswith(inner):
        return str(whole[len(inner) :])
    return str(whole[whole.rindex("[") :])


def _grouping(modifier: Any) -> str:
    if modifier is None:
        return ""
    word = str(modifier.type).rsplit(".", 1)[-1].lower()
    return f" {word} ({', '.join(modifier.labels)}) "


def _matching(modifier: Any) -> str:
    if modifier is None:
        return ""
    text = " bool" if modifier.return_bool else ""
    if modifier.matching is not None:
        on = str(modifier.matching.type).rsplit(".", 1)[-1] == "Include"
        labels = ", ".join(modifier.matching.labels)
        if on or labels or modifier.group_labels is not None:
            text += f" {'on' if on else 'ignoring'} ({labels})"
    side = {"ManyToOne": "left", "OneToMany": "right"}.get(str(modifier.card).rsplit(".", 1)[-1])
    if side:
        text += f" group_{side} ({', '.join(modifier.group_labels or ())})"
    return text
