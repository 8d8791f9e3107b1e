"""Numbers of a campaign that may be tried out: which, and between what.

The rule of this module: a number is named as it stands in the campaign's file, and is changed
there, so that what was tried is a campaign that a person could have written.

    init.dialing.ratio=1:5              a setting of a node
    seize.target=5:40:int               a whole number
    init.dialing.formula#2=0.01:1:log   the second number in a formula, on a log scale
"""

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from dialer.documents import Document
from dialer.documents import Path as Place
from dialer.errors import FlowError, InputError
from sim.library import place_in_flow, set_in_flow

_NUMBER = re.compile(r"(?<![\w.:])\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])")
"""A number of a formula; the 5 of [5m] and of a name is none."""

_DIGITS = 4
"""That count: more would be noise of the search, and hard to read in a file."""


class Parameter(NamedTuple):
    """name: as given. place: in the flow, by node. nth: number in a formula, from 1; 0 is all."""

    name: str
    place: Place
    nth: int
    low: float
    high: float
    log: bool
    whole: bool

    def rounded(self, value: float) -> float | int:
        """As it is written."""
        if self.whole:
            return round(value)
        return min(self.high, max(self.low, float(f"{value:.{_DIGITS}g}")))


def parse_parameter(text: str) -> Parameter:
    """NODE.KEY=LOW:HIGH, and :log or :int behind it.

    Raises:
        InputError: it is not that.
    """
    where = f"--param {text!r}"
    key, equals, span = text.partition("=")
    path, _, nth = key.strip().partition("#")
    parts = path.split(".")
    low, high, *marks = [*span.split(":"), ""][: max(2, span.count(":") + 1)]
    if not equals or len(parts) < 2 or not all(parts) or not (not nth or nth.isdecimal()):
        mend = "write NODE.KEY=LOW:HIGH: init.dialing.ratio=1:5"
        raise InputError(where, "no parameter", mend)
    unknown = [mark for mark in marks if mark not in ("log", "int")]
    if unknown:
        raise InputError(where, f"what is {unknown[0]!r}?", "behind LOW:HIGH stand log or int")
    try:
        bounds = float(low), float(high)
    except ValueError:
        raise InputError(where, "no range", "write LOW:HIGH, as 1:5") from None
    if not (all(map(isfinite, bounds)) and bounds[0] < bounds[1]):
        raise InputError(where, "the range is empty", "give LOW below HIGH")
    if "log" in marks and bounds[0] <= 0:
        raise InputError(where, "a log scale has no 0", "raise LOW")
    place = tuple(int(part) if part.isdecimal() else part for part in parts)
    return Parameter(key.strip(), place, int(nth or 0), *bounds, "log" in marks, "int" in marks)


def value_of(document: Document, parameter: Parameter) -> float | None:
    """What the campaign has there now; None where it says nothing.

    Raises:
        FlowError: there is no such node, or no such number in the formula.
    """
    found = _there(document, parameter)
    if parameter.nth:
        return float(_numbers(found, parameter)[parameter.nth - 1].group())
    return float(found) if isinstance(found, (int, float)) else None


def with_values(text: str, name: str, values: Mapping[Parameter, float]) -> str:
    """The campaign's text with these values, its comments kept.

    Raises:
        FlowError: it cannot be read, or has no such place.
    """
    document = Document.load(text, name, FlowError)
    for parameter, value in values.items():
        written: object = parameter.rounded(value)
        if parameter.nth:
            found = _numbers(_there(document, parameter), parameter)[parameter.nth - 1]
            formula = found.string
            written = f"{formula[: found.start()]}{written:g}{formula[found.end() :]}"
        set_in_flow(document, parameter.place, written)
    return document.dump()


def parse_parameters(texts: Sequence[str]) -> tuple[Parameter, ...]:
    """Those of a command line.

    Raises:
        InputError: there is none, or one twice, or of `parse_parameter`.
    """
    found = tuple(map(parse_parameter, texts))
    if not found:
        mend = "give one or more: --param init.dialing.ratio=1:5"
        raise InputError("--param", "nothing to tune", mend)
    names = [parameter.name for parameter in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--param {name}", "given twice", "give each once")
    return found


def _there(document: Document, parameter: Parameter) -> object:
    holder: object = document.data
    for part in place_in_flow(document, parameter.place):
        if isinstance(holder, dict):
            holder = holder.get(part)
        elif isinstance(holder, list) and isinstance(part, int) and part < len(holder):
            holder = holder[part]
        else:
            return None
    return holder


def _numbers(formula: object, parameter: Parameter) -> list[re.Match[str]]:
    where = f"--param {parameter.name}"
    if not isinstance(formula, str):
        raise FlowError(where, "there is no formula", "leave out # and the number behind it")
    found = list(_NUMBER.finditer(formula))
    if not 1 <= parameter.nth <= len(found):
        counted = ", ".join(each.group() for each in found) or "none"
        raise FlowError(where, f"no such number; the formula has {counted}", "count from 1")
    return found
