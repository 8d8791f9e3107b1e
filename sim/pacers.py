"""Pacers by name, as the command line and the studies take them.

The rule of this module: a pacer is a word, or a word and its parameter (`power:3.2`), and stands
for a shipped blueprint with that dialing in its Init node.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError

from dialer.documents import Document, problems, suggestion
from dialer.errors import InputError
from dialer.flow.nodes import Baseline, BaselinePacer, Lookahead, Power, Predictive, Progressive
from dialer.formulas import ShippedFormula


class Pacer(NamedTuple):
    """name: as it was given. blueprint: the campaign it is put into. dialing: of its Init node.

    target: of its Seize Agent node; None for all agents.
    """

    name: str
    blueprint: str
    dialing: Any
    target: str | None = None


def _progressive(parameter: str) -> Any:
    if parameter:
        raise ValueError("it takes no parameter; write progressive")
    return Progressive()


def _power(parameter: str) -> Any:
    try:
        ratio = float(parameter)
    except ValueError:
        raise ValueError("no ratio; write one as power:3.2") from None
    return Power(mode="power", ratio=ratio)


def _lookahead(parameter: str) -> Any:
    text, _, lever = parameter.partition(":")
    try:
        target = float(text) if text else Lookahead(mode="lookahead").target
    except ValueError:
        raise ValueError("no abandonment target; write one as lookahead:0.03") from None
    if lever not in ("", GIVE_UP):
        raise ValueError(f"no lever {lever!r}; write lookahead:0.03:{GIVE_UP}")
    return Lookahead(mode="lookahead", target=target, give_up_long_rings=lever == GIVE_UP)


def _baseline(name: str) -> Callable[[str], Any]:
    def made(parameter: str) -> Any:
        try:
            number = float(parameter) if parameter else None
        except ValueError:
            raise ValueError(f"its parameter is no number; write {name} or {name}:0.5") from None
        return Baseline(mode="baseline", pacer=name, number=number)

    return made


GIVE_UP = "give_up"
"""The lever that a look-ahead pacer may be named with: calls that ring long are given up."""

PACERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "progressive": ("progressive", _progressive),
    "power": ("power", _power),
    "lookahead": ("lookahead", _lookahead),
    **{name: ("lookahead", _baseline(name)) for name in get_args(BaselinePacer)},
}
"""By its word: the blueprint, and what makes the dialing of what follows the colon."""


FORMULA = "formula"
"""The word of those that are named by a shipped formula: formula:compliance_guard."""


def _formula(text: str, name: str, formulas: Mapping[str, ShippedFormula]) -> Pacer:
    """A formula that ships, in the blueprint that suits what it gives."""
    if name not in formulas:
        raise InputError(f"pacer {text!r}", "no such formula", suggestion(name, formulas))
    formula = formulas[name]
    if formula.gives == "agents_to_reserve":
        return Pacer(text, "progressive", Progressive(), formula.formula)
    blueprint = "predictive_absolute" if formula.per == "absolute" else "predictive"
    dialing = Predictive(mode="predictive", formula=formula.formula, per=formula.per)
    return Pacer(text, blueprint, dialing)


def parse_pacer(text: str, formulas: Mapping[str, ShippedFormula] = MappingProxyType({})) -> Pacer:
    """A pacer as a person writes it. formulas: those that ship, by name.

    Raises:
        InputError: there is none of that name, or its parameter cannot be.
    """
    word, _, parameter = text.partition(":")
    where = f"pacer {text!r}"
    if word == FORMULA:
        return _formula(text, parameter, formulas)
    if word not in PACERS:
        raise InputError(where, "no such pacer", suggestion(word, [*PACERS, FORMULA]))
    blueprint, made = PACERS[word]
    try:
        return Pacer(text, blueprint, made(parameter))
    except ValidationError as error:  # a ValueError, too, so it stands first
        raise problems(error, Document.of({}, where), InputError)[0] from None
    except ValueError as error:
        what, _, mend = str(error).partition("; ")
        raise InputError(where, what, mend) from None
