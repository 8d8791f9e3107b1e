"""Label matchers: which series a selector means.

The rule of this module: a regular expression is compiled once, by RE2, whose time is linear in the
text, so that no formula can stall a pulse by its expressions. It has to match the whole value.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import re2

from dialer.errors import FormulaError
from dialer.promql.labels import Labels, get

OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
"""As the parser calls them, and as they are written."""


class Matcher(NamedTuple):
    """One matcher. op: "=", "!=", "=~" or "!~". A label that a series lacks is ""."""

    name: str
    op: str
    value: str
    test: Callable[[str], bool]

    @property
    def is_equal(self) -> bool:
        return self.op == "="

    def accepts(self, labels: Labels) -> bool:
        return self.test(get(labels, self.name))


def make(name: str, op: str, value: str) -> Matcher:
    """Raises FormulaError for a bad regular expression."""
    match op:
        case "=":
            return Matcher(name, op, value, lambda text: text == value)
        case "!=":
            return Matcher(name, op, value, lambda text: text != value)
    pattern = regex(value)
    if op == "=~":
        return Matcher(name, op, value, lambda text: pattern.fullmatch(text) is not None)
    return Matcher(name, op, value, lambda text: pattern.fullmatch(text) is None)


def regex(pattern: str) -> Any:
    """A compiled expression in which a dot matches a line's end too, as in Prometheus."""
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise FormulaError(
            "", f'the regular expression "{pattern[:80]}" is wrong: {said}', "see RE2's syntax"
        ) from None
