"""Pacers by name, as the command line and benchmarks write them.

The rule of this module: one spelling for each pacer, NAME or NAME:NUMBER, and a wrong one is told
with those that exist.
"""

from collections.abc import Callable
from typing import NamedTuple

from dialer.errors import ConfigError
from dialer.pacing.adaptive import Adaptive, Method
from dialer.pacing.budget import EvenBudget
from dialer.pacing.hit_rate import ComplianceGuard, InverseHitRate
from dialer.pacing.lookahead import Lookahead
from dialer.pacing.pacer import Pacer
from dialer.pacing.ratios import ConstantRate, PowerPacer
from dialer.pacing.soon_free import SoonFree


class _Entry(NamedTuple):
    """make: takes the number. default: the number where none is given; None means it must be."""

    make: Callable[[float], Pacer]
    default: float | None
    number: str


def _adaptive(method: Method) -> Callable[[float], Pacer]:
    return lambda max_level: Adaptive(method, max_level=max_level)


_PACERS: dict[str, _Entry] = {
    "progressive": _Entry(lambda _: PowerPacer(1.0), 1.0, "nothing"),
    "power": _Entry(PowerPacer, None, "calls per free agent"),
    "constant": _Entry(ConstantRate, None, "calls per second"),
    "hitrate": _Entry(lambda _: InverseHitRate(), 0.0, "nothing"),
    "guard": _Entry(ComplianceGuard, 0.03, "abandonment limit"),
    "soonfree": _Entry(SoonFree, 0.5, "least probability of coming free"),
    "vicidial": _Entry(_adaptive(Method.HARD_LIMIT), 3.0, "highest level"),
    "vicidial_average": _Entry(_adaptive(Method.AVERAGE), 3.0, "highest level"),
    "vicidial_tapered": _Entry(_adaptive(Method.TAPERED), 3.0, "highest level"),
    "lookahead": _Entry(Lookahead, 0.03, "abandonment target"),
    "lookahead_even": _Entry(
        lambda target: Lookahead(target, budget=EvenBudget(target)), 0.03, "abandonment target"
    ),
}


def pacer_of(spec: str) -> Pacer:
    """A new pacer.

    Raises:
        ConfigError: no such pacer, or a number that is none.
    """
    name, _, number = spec.partition(":")
    entry = _PACERS.get(name)
    if entry is None:
        raise ConfigError(f"pacer {spec!r}", "no such pacer", f"use {', '.join(_PACERS)}")
    try:
        value = float(number) if number else entry.default
    except ValueError:
        value = None
    if value is None or value < 0:
        raise ConfigError(f"pacer {spec!r}", "its number is missing", f"add :{entry.number}")
    return entry.make(value)
