"""Texts with a contact's attributes in them: Dear {{first_name|customer}}, ...

The rule of this module: a text is checked against the declared attributes before it is ever sent,
so that rendering cannot fail. Only attributes are put in: there are no expressions.

A value that is missing leaves its default, else nothing. A phone attribute gives its first number.
Booleans are "yes" and "no", and a decimal has no needless zeros. What is put in is never read as a
template again, whatever a contact's attributes say.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from dialer.contacts import Schema
from dialer.documents import suggestion
from dialer.errors import FlowError
from dialer.ports import AttributeValue

_OPEN, _CLOSE = "{{", "}}"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class _Slot(NamedTuple):
    attribute: str
    default: str


class Template:
    """A checked text.

    Args:
        text: with {{attribute}} or {{attribute|default}} where values go.
        where: what errors call it, say the node.

    Raises:
        FlowError: a brace that is not closed, or a name that is none or of no attribute.
    """

    def __init__(self, text: str, schema: Schema, where: str = "") -> None:
        self.text = text
        self._where = where
        self._parts: list[str | _Slot] = []
        rest = text
        while True:
            plain, opened, rest = rest.partition(_OPEN)
            if _CLOSE in plain:
                raise FlowError(where, f"{_CLOSE} without {_OPEN} before it", "remove it")
            if plain:
                self._parts.append(plain)
            if not opened:
                return
            inner, closed, rest = rest.partition(_CLOSE)
            if not closed or _OPEN in inner:
                raise FlowError(where, f"{_OPEN}{inner[:20]} is not closed", f"add {_CLOSE}")
            self._parts.append(self._slot(inner, schema))

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes it uses, each once, in order."""
        return tuple(
            dict.fromkeys(part.attribute for part in self._parts if isinstance(part, _Slot))
        )

    def render(self, attributes: Mapping[str, AttributeValue]) -> str:
        """The text for one contact."""
        return "".join(
            part if isinstance(part, str) else _shown(attributes.get(part.attribute), part.default)
            for part in self._parts
        )

    def _slot(self, inner: str, schema: Schema) -> _Slot:
        name, _, default = inner.partition("|")
        name = name.strip()
        if not _NAME.fullmatch(name):
            mend = "write {{name}} or {{name|default}}"
            raise FlowError(self._where, f"{_OPEN}{inner}{_CLOSE} names no attribute", mend)
        if name not in schema:
            names = [spec.name for spec in schema.specs]
            what = f"{_OPEN}{inner}{_CLOSE}: there is no attribute {name!r}"
            raise FlowError(self._where, what, suggestion(name, names))
        return _Slot(name, default.strip())


def _shown(value: AttributeValue, default: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format(value, ".15g") if abs(value) < 1e15 else str(value)
    if isinstance(value, (str, int)):
        return str(value)
    return value[0] if value else default
