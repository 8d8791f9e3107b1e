"""Limits that a simulated campaign must keep.

The rule of this module: a limit is judged by the bound of the interval that is against us, so what
is not proven is not kept; one replication proves nothing about a mean.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dialer.documents import suggestion
from dialer.errors import InputError
from sim.experiment import FIGURES, Summary

_COUNTS: Mapping[str, Callable[[Summary], float]] = {
    "calls": lambda summary: summary.calls,
    "calls_per_cpu_second": lambda summary: summary.calls / (summary.cpu_seconds or 1e-9),
    "invariants": lambda summary: sum(summary.invariants.values()),
}
"""Figures without an interval. invariants: all violations together."""

KNOWN = (*FIGURES, *_COUNTS)

_FORM = re.compile(r"\s*([a-z_0-9]+)\s*(<=|>=|<|>)\s*([-+.0-9eE]+)\s*(%?)\s*")


class Threshold(NamedTuple):
    """figure: one of `KNOWN`. sign: <=, >=, < or >."""

    figure: str
    sign: str
    limit: float

    def __str__(self) -> str:
        return f"{self.figure} {self.sign} {self.limit:g}"


class Verdict(NamedTuple):
    """bound: the value judged, None where there is none; it is then not kept."""

    threshold: Threshold
    bound: float | None
    ok: bool

    def __str__(self) -> str:
        if self.bound is None:
            return f"{self.threshold}: missed, for there is no such figure"
        if not -1e300 < self.bound < 1e300:
            return f"{self.threshold}: missed, for one replication proves nothing; run more"
        kept = "kept" if self.ok else "missed"
        which = "at most" if self.threshold.sign.startswith("<") else "at least"
        return f"{self.threshold}: {kept}, {which} {self.bound:.4g}"


def parse_threshold(text: str) -> Threshold:
    """A threshold as a person writes it: abandonment<=0.03, or 3%.

    Raises:
        InputError: it is none, or of a figure that there is not.
    """
    where = f"--threshold {text!r}"
    found = _FORM.fullmatch(text)
    try:
        assert found is not None
        limit = float(found[3]) / (100 if found[4] else 1)
    except (AssertionError, ValueError):
        mend = "write FIGURE<=NUMBER or FIGURE>=NUMBER: abandonment<=0.03"
        raise InputError(where, "no threshold", mend) from None
    return Threshold(known_figure(where, found[1], KNOWN), found[2], limit)


def known_figure(where: str, name: str, known: tuple[str, ...]) -> str:
    """The name, if it is a figure's.

    Raises:
        InputError: it is not.
    """
    if name not in known:
        raise InputError(where, f"no such figure: {name!r}", suggestion(name, known))
    return name


def judge(threshold: Threshold, summary: Summary) -> Verdict:
    """Whether the figure surely keeps the limit."""
    bound = _bound(threshold, summary)
    if bound is None:
        return Verdict(threshold, None, False)
    limit = threshold.limit
    kept = {
        "<=": bound <= limit,
        "<": bound < limit,
        ">=": bound >= limit,
        ">": bound > limit,
    }
    return Verdict(threshold, bound, kept[threshold.sign])


def _bound(threshold: Threshold, summary: Summary) -> float | None:
    if threshold.figure in _COUNTS:
        return float(_COUNTS[threshold.figure](summary))
    estimate = summary.estimate(threshold.figure)
    if estimate is None:
        return None
    return estimate.upper if threshold.sign.startswith("<") else estimate.lower
