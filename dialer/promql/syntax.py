"""From text to a syntax tree, or to one line that says where it is wrong and what was expected.

The rule of this module: nothing of the parser gets out but a tree of a size that can be walked.
The parser is a library in Rust: on some formulas it panics, which Python sees as an exception
outside Exception, and chains of thousands of terms exhaust its stack, so length, operators and
depth are bounded first.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import promql_parser

from dialer.errors import FormulaSyntaxError, FormulaUnsupportedError
from dialer.promql import tokens

MAX_BYTES = 4096
MAX_OPERATORS = 400
"""Operators, calls and brackets; the parser's time grows with their square."""
MAX_DEPTH = 60
"""Of brackets."""

_BYTE_ESCAPE = re.compile(r"\\x[89a-fA-F][0-9a-fA-F]|\\[23][0-7]{2}")
_NAMED = re.compile(r"'(\w+)'")
_MENDS = {
    "comparisons between scalars": "write bool behind the operator, as in 1 < bool 2",
    "set operator": "make vectors of the numbers: vector(1)",
    "vector selector must contain": "name a metric, or a label with a value",
    "duration must be greater": "give it a length, such as 1m",
}
_RENAMED = {"holt_winters": "double_exponential_smoothing"}


def parse(text: str) -> Any:
    """The syntax tree. Raises FormulaSyntaxError, or FormulaUnsupportedError."""
    _bound(text)
    with guarded():
        try:
            return promql_parser.parse(text)
        except ValueError as error:
            _explain(text, str(error))


@contextmanager
def guarded() -> Iterator[None]:
    """What the library cannot express, in its tree too, becomes a FormulaSyntaxError."""
    try:
        yield
    except (OverflowError, ValueError) as error:
        if isinstance(error, ValueError) and "too large" not in str(error):
            raise
        raise FormulaSyntaxError("a time or duration is too long") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise FormulaSyntaxError(f"the parser cannot take it: {error}") from None


def _bound(text: str) -> None:
    if not text.strip():
        raise FormulaSyntaxError("the formula is empty", 0, "an expression")
    try:
        length = len(text.encode())
    except UnicodeEncodeError as error:
        raise FormulaSyntaxError(
            "a character that is no Unicode", error.start, mend="remove it"
        ) from None
    if length > MAX_BYTES:
        raise FormulaSyntaxError(
            f"the formula has {length:,} bytes", mend=f"{MAX_BYTES:,} are allowed"
        )
    operators, depth = tokens.size(text)
    if operators > MAX_OPERATORS:
        raise FormulaSyntaxError(
            f"the formula has {operators} operators and calls", mend=f"{MAX_OPERATORS} are allowed"
        )
    if depth > MAX_DEPTH:
        raise FormulaSyntaxError(
            f"the formula's brackets are {depth} deep", mend=f"{MAX_DEPTH} are allowed"
        )
    escape = next(
        (
            match
            for token in tokens.tokens(text)
            if token.kind == "string" and token.text[0] != "`"
            for match in [_BYTE_ESCAPE.search(token.text)]
            if match
        ),
        None,
    )
    if escape:
        raise FormulaUnsupportedError(
            "",
            f"the escape {escape.group()} for a single byte is not supported",
            "write the character itself, or \\u and its four hexadecimal digits",
        )


def _explain(text: str, said: str) -> NoReturn:
    named = _NAMED.search(said)
    word = named.group(1) if named else ""
    place = tokens.place_of(text, word) if word else None
    if said.startswith("unknown function"):
        mend = f"Prometheus 3 calls it {_RENAMED[word]}" if word in _RENAMED else ""
        raise FormulaSyntaxError(f"there is no function {word}", place, mend=mend)
    if said.startswith("expected type matrix"):
        raise FormulaSyntaxError(
            f"{word} works on a window of samples", place, f"a range such as {word}(metric[5m])"
        )
    fault = tokens.find_fault(text)
    if fault is None:
        mend = next((mend for start, mend in _MENDS.items() if said.startswith(start)), "")
        raise FormulaSyntaxError(said, place, mend=mend)
    found = f"found `{fault.found[:40]}`" if fault.found else "the formula ends"
    raise FormulaSyntaxError(found, fault.position, fault.expected)
