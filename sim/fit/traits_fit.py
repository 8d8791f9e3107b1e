"""The traits of calls, from the calls of one group of callees.

The rule of this module: each trait is fitted from the calls that show it, by itself; one that too
few calls show is not fitted, and says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.fit.dayparts import Dayparts, value_parts
from sim.fit.durations import (
    FEWEST,
    Candidate,
    candidates,
    constant_of,
    misfit,
)
from sim.fit.records import CallRecord
from sim.fit.samples import Numbers, Sample, rounded
from sim.laws import Law
from sim.written import distribution

_FALSE_RING_S = 0.1
_PLAINLY_WRONG = 0.03
_PART_FEWEST = 100
"""A part of the day with fewer durations than this takes the whole day's law."""


class Rule(NamedTuple):
    """How a duration is read off a record.

    value: seconds, or None where this call does not show it. cut: whether it was longer than that.
    by_day: whether it is looked at over the day. limited: by the ringing time.
    """

    name: str
    value: Callable[[CallRecord], float | None]
    cut: Callable[[CallRecord], bool]
    by_day: bool = True
    limited: bool = False


class PartFit(NamedTuple):
    """The law of one part of the day. sample: what it was fitted to."""

    sample: Sample
    tried: tuple[Candidate, ...]
    law: Candidate
    misfit: float


@dataclass(frozen=True)
class TraitFit:
    """How a duration was fitted.

    group: of callees, "" for all. shown: calls that show it whole. cut: that cut it short.
    values: what to write, by part of the day; a number is a constant.
    """

    name: str
    group: str
    shown: int
    cut: int
    parts: Dayparts
    values: tuple[Any, ...]
    fits: tuple[PartFit, ...] = ()
    note: str = ""

    @property
    def is_fitted(self) -> bool:
        return bool(self.values)

    @property
    def laws(self) -> tuple[Law, ...]:
        return tuple(distribution(value).law for value in self.values)


def _gap(first: str, last: str) -> Callable[[CallRecord], float | None]:
    def seconds(record: CallRecord) -> float | None:
        since, until = getattr(record, first), getattr(record, last)
        return None if since is None or until is None else float(until - since)

    return seconds


def _only(kinds: Sequence[str], first: str, last: str) -> Callable[[CallRecord], float | None]:
    seconds = _gap(first, last)
    return lambda record: seconds(record) if record.kind in kinds else None


def _ring(kind: str) -> Callable[[CallRecord], float | None]:
    seconds = _only((kind,), "ringing_at", "answered_at")

    def ring(record: CallRecord) -> float | None:
        value = seconds(record)
        return None if value is None or value < _FALSE_RING_S else value

    return ring


def _talk(record: CallRecord) -> float | None:
    # A call that the recording ends in was talked in for so long at least.
    if record.outcome == "customer_answered" or not record.outcome:
        return _gap("connected_at", "ended_at")(record)
    return None


def _wrap_up(record: CallRecord) -> float | None:
    if record.connected_at is None:
        return None
    whole = _gap("ended_at", "wrap_up_ended_at")(record)
    return whole if whole is not None else _gap("ended_at", "wrap_up_cut_at")(record)


def _patience(record: CallRecord) -> float | None:
    if record.kind != "live" or record.answered_at is None:
        return None
    until = record.connected_at or record.ended_at
    return None if until is None else until - record.answered_at


def _never(_: CallRecord) -> bool:
    return False


RULES = (
    Rule("post_dial_delay_s", _gap("dialed_at", "ringing_at"), _never),
    Rule("ring_s", _ring("live"), _never, limited=True),
    Rule("machine_ring_s", _ring("machine"), _never),
    Rule(
        "refused_after_s",
        _only(("busy", "rejected", "invalid", "congestion"), "dialed_at", "ended_at"),
        _never,
        by_day=False,
    ),
    Rule("talk_s", _talk, lambda record: not record.outcome),
    Rule("wrap_up_s", _wrap_up, lambda record: record.wrap_up_ended_at is None),
    Rule("patience_s", _patience, lambda record: record.outcome != "hung_up_waiting", by_day=False),
)
"""What is fitted of a call. Patience ends at the agent or at our limit, so it is mostly cut."""


@dataclass
class Look:
    """How to fit. criterion: see `durations.CRITERIA`."""

    criterion: str = "bic"
    resolution_s: float = 0.0
    limit_s: float | None = None
    weights: Numbers = field(default_factory=lambda: np.ones(0))


def fit_trait(
    rule: Rule, group: str, calls: Sequence[CallRecord], seconds: Numbers, look: Look
) -> TraitFit:
    """One duration, over the day where it changes. seconds: of the day, of each call."""
    rows = [
        (place, value, rule.cut(record))
        for place, record in enumerate(calls)
        if (value := rule.value(record)) is not None
    ]
    if not rows:
        return TraitFit(rule.name, group, 0, 0, Dayparts((0,)), (), note="no call shows it")
    place = np.asarray([row[0] for row in rows])
    values = np.asarray([row[1] for row in rows])
    cut = np.asarray([row[2] for row in rows])
    shown, short = int((~cut).sum()), int(cut.sum())
    whole = Dayparts((0,))
    if shown < FEWEST:
        note = f"{shown} calls show it, fewer than {FEWEST}"
        return TraitFit(rule.name, group, shown, short, whole, (), note=note)
    limit_s = inf
    if rule.limited and look.limit_s is not None:
        limit_s = look.limit_s
        values = np.minimum(values, limit_s)

    def sample_of(chosen_rows: NDArray[np.bool_]) -> Sample:
        ended, ongoing = chosen_rows & ~cut, chosen_rows & cut
        weights = look.weights[place[ended]] if len(look.weights) else None
        return Sample.of(values[ended], values[ongoing], weights, limit_s, look.resolution_s)

    everything = np.ones(len(rows), dtype=bool)
    constant = constant_of(sample_of(everything))
    if constant is not None:
        return TraitFit(rule.name, group, shown, short, whole, (rounded(constant),))
    parts = value_parts(seconds[place[~cut]], values[~cut]) if rule.by_day else whole
    part = np.asarray([parts.part_of(second) for second in seconds[place]])
    samples = [sample_of(part == number) for number in range(len(parts.starts))]
    if min(sample.size for sample in samples) < _PART_FEWEST:
        parts, samples = Dayparts(parts.starts[:1], parts.p_value), [sample_of(everything)]
    fits = _one_family(samples, look.criterion)
    return TraitFit(
        rule.name, group, shown, short, parts, tuple(fit.law.written for fit in fits), fits
    )


def _one_family(samples: Sequence[Sample], criterion: str) -> tuple[PartFit, ...]:
    """A law for each part of the day, all of the family that is best over the whole day.

    Where the best of them is off by more than _PLAINLY_WRONG of the probability somewhere, the
    durations themselves are written.
    """
    tried = [candidates(sample) for sample in samples]
    names = set.intersection(*({each.name for each in one} for one in tried))
    by_name = [{each.name: each for each in one} for one in tried]
    total = {
        name: sum(float(getattr(one[name], criterion)) for one in by_name) for name in sorted(names)
    }
    best = min(total, key=total.__getitem__)
    if "empirical" in names:
        # A criterion only ranks; where the best of the laws is plainly wrong, what was seen is not.
        worst = max(misfit(each, one[best].law) for each, one in zip(samples, by_name, strict=True))
        best = "empirical" if worst > _PLAINLY_WRONG else best
    return tuple(
        PartFit(sample, tuple(one.values()), one[best], misfit(sample, one[best].law))
        for sample, one in zip(samples, by_name, strict=True)
    )


def no_answer_after_s(calls: Sequence[CallRecord]) -> float | None:
    """How long unanswered calls ring; None where too few show it."""
    gap = _only(("no_answer",), "ringing_at", "ended_at")
    rang = [value for record in calls if (value := gap(record)) is not None]
    return rounded(median(rang)) if len(rang) >= FEWEST else None


def false_answers(calls: Sequence[CallRecord]) -> float | None:
    """Share of ringing calls answered in the moment of the first ring: no person does that."""
    gap = _gap("ringing_at", "answered_at")
    rings = [gap(record) for record in calls if record.ringing_at is not None]
    if len(rings) < FEWEST:
        return None
    share = sum(ring is not None and ring < _FALSE_RING_S for ring in rings) / len(rings)
    return rounded(share)


def verdict_delay_s(calls: Sequence[CallRecord], kind: str) -> float | None:
    """Call progress analysis' usual time from the answer to its verdict."""
    gap = _only((kind,), "answered_at", "verdict_at")
    delays = [value for record in calls if (value := gap(record)) is not None]
    return rounded(round(median(delays), 3)) if len(delays) >= FEWEST else None
