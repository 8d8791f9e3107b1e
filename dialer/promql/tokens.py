"""A formula as tokens: its size before it is parsed, and the place where it stops making sense.

The rule of this module: it judges no formula. The parser does, but says neither where nor what it
expected; this walk over the tokens finds the first one that cannot stand where it does.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|\#[^\n]*)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    | (?P<number>0[xX][0-9a-fA-F]+
        | (?:\d+(?:ms|[smhdwy]))+
        | (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<word>[A-Za-z_:][\w:]*)
    | (?P<sign>==|!=|=~|!~|<=|>=|[-+*/%^<>=(){}\[\],@])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_STEP = re.compile(r":(?:\d+(?:ms|[smhdwy])?)+")
_BINARY_SIGNS = {"+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">="}
_BINARY_WORDS = {"and", "or", "unless", "atan2"}
_LABEL_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_AGGREGATIONS = {
    *("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "quantile"),
    *("topk", "bottomk", "count_values", "limitk", "limit_ratio"),
}
_CLOSING = {"(": ")", "{": "}", "[": "]"}
_VALUE = "a value: a number, a metric, a function or ("
_BETWEEN = "an operator or the end"


class Token(NamedTuple):
    kind: str
    text: str
    position: int


class Fault(NamedTuple):
    """The first token that does not fit: its place from 0, its text, "" at the end."""

    position: int
    found: str
    expected: str


def tokens(text: str) -> Iterator[Token]:
    """All but space and comments."""
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind != "space":
            yield Token(kind, match.group(), match.start())


def size(text: str) -> tuple[int, int]:
    """How many operators and calls a formula has, and how deep its brackets go."""
    operators = depth = deepest = 0
    for token in tokens(text):
        if token.text in {"(", "["}:
            depth += 1
            operators += 1
            deepest = max(deepest, depth)
        elif token.text in {")", "]"}:
            depth -= 1
        elif token.text in _BINARY_SIGNS or token.text.lower() in _BINARY_WORDS:
            operators += 1
    return operators, deepest


def place_of(text: str, word: str) -> int | None:
    """Where a word stands as a token of its own, None when it does not."""
    return next((token.position for token in tokens(text) if token.text == word), None)


def find_fault(text: str) -> Fault | None:
    """The first token that cannot stand where it does; None when the walk sees none."""
    walk = _Walk(list(tokens(text)), len(text.rstrip()))
    try:
        walk.expression()
    except _FoundError as found:
        return found.fault
    return None


class _FoundError(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


class _Walk:
    """Alternates between "a value must come" and "an operator may come"."""

    def __init__(self, found: list[Token], end: int) -> None:
        self._tokens = found
        self._next = 0
        self._end = Token("end", "", end)
        self._open: list[tuple[str, bool]] = []  # each open bracket, and whether it is a call's

    def _peek(self) -> Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else self._end

    def _take(self) -> Token:
        token = self._peek()
        self._next += 1
        return token

    def _fail(self, token: Token, expected: str) -> None:
        raise _FoundError(Fault(token.position, token.text, expected))

    def _demand(self, sign: str) -> None:
        token = self._take()
        if token.text != sign:
            self._fail(token, f"`{sign}`")

    def expression(self) -> None:
        while True:
            self._value()
            if self._after_value():
                return

    def _value(self) -> None:
        """Signs, opening brackets and one value."""
        while True:
            token = self._take()
            if token.text in {"+", "-"}:
                continue
            if token.text == "(":
                self._open.append(("(", False))
                continue
            if token.text == "{":
                self._matchers()
                return
            if token.kind in {"number", "string"}:
                return
            if token.kind != "word" or token.text.lower() in _BINARY_WORDS | {"bool", "offset"}:
                self._fail(token, _VALUE)
            if token.text.lower() in _AGGREGATIONS and self._peek().text.lower() in _LABEL_LISTS:
                self._take()
                self._label_list()
            if self._peek().text == "(":
                self._take()
                self._open.append(("(", True))
                if self._peek().text == ")":
                    self._take()
                    self._open.pop()
                    return
                continue
            if self._peek().text == "{":
                self._take()
                self._matchers()
            return

    def _after_value(self) -> bool:
        """What may follow a value, up to an operator or comma (False) or the end (True)."""
        while True:
            token = self._take()
            word = token.text.lower()
            if token.kind == "end":
                if self._open:
                    self._fail(token, f"`{_CLOSING[self._open[-1][0]]}`")
                return True
            if token.text == ")" and self._open:
                _, is_call = self._open.pop()
                if is_call and self._peek().text.lower() in {"by", "without"}:
                    self._take()
                    self._label_list()
            elif token.text == "," and self._open and self._open[-1][1]:
                return False
            elif token.text == "[":
                self._window()
            elif word == "offset":
                if self._peek().text in {"+", "-"}:
                    self._take()
                self._duration()
            elif token.text == "@":
                self._instant()
            elif token.text in _BINARY_SIGNS or word in _BINARY_WORDS:
                self._modifiers()
                return False
            else:
                inside = bool(self._open)
                is_call = inside and self._open[-1][1]
                expected = "an operator, `,` or `)`" if is_call else "an operator or `)`"
                self._fail(token, expected if inside else _BETWEEN)

    def _modifiers(self) -> None:
        if self._peek().text.lower() == "bool":
            self._take()
        while self._peek().text.lower() in _LABEL_LISTS:
            word = self._take().text.lower()
            if not word.startswith("group_") or self._peek().text == "(":
                self._label_list()

    def _label_list(self) -> None:
        self._demand("(")
        while self._peek().text != ")":
            token = self._take()
            if token.kind not in {"word", "string"}:
                self._fail(token, "a label")
            if self._peek().text == ",":
                self._take()
            elif self._peek().text != ")":
                self._fail(self._peek(), "`,` or `)`")
        self._take()

    def _matchers(self) -> None:
        while self._peek().text != "}":
            token = self._take()
            if token.kind not in {"word", "string"}:
                self._fail(token, "a label or `}`")
            if token.kind == "word" or self._peek().text not in {",", "}"}:
                token = self._take()
                if token.text not in {"=", "!=", "=~", "!~"}:
                    self._fail(token, "`=`, `!=`, `=~` or `!~`")
                token = self._take()
                if token.kind != "string":
                    self._fail(token, "a value in quotes")
            if self._peek().text == "," or self._peek().text.lower() == "or":
                self._take()
            elif self._peek().text != "}":
                self._fail(self._peek(), "`,` or `}`")
        self._take()

    def _window(self) -> None:
        self._duration()
        # A colon may open a word in the lexer's eyes: `[5m:1m]` is number, word ":1m".
        if self._peek().text.startswith(":"):
            colon = self._take()
            if colon.text != ":" and not _STEP.fullmatch(colon.text):
                self._fail(colon, "`:` and a duration such as :1m")
            if colon.text == ":" and self._peek().text != "]":
                self._duration()
        self._demand("]")

    def _duration(self) -> None:
        token = self._take()
        if token.kind != "number":
            self._fail(token, "a duration such as 5m")

    def _instant(self) -> None:
        if self._peek().text in {"+", "-"}:
            self._take()
        token = self._take()
        if token.text in {"start", "end"}:
            self._demand("(")
            self._demand(")")
        elif token.kind != "number":
            self._fail(token, "a time in seconds, start() or end()")
