"""From recorded traffic to a scenario.

The rule of this module: the scenario says of each part whether it was fitted; what the recording
does not show stays as in the base scenario and is listed as guessed.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialer.errors import InputError
from sim.fit.calendar import Clock, Workdays, workdays
from sim.fit.durations import FEWEST
from sim.fit.outcome_mix import Burst, Mix, as_scenario, burst_of, censoring_weights, mix_of
from sim.fit.records import CallRecord, Traffic
from sim.fit.samples import Numbers, rounded
from sim.fit.staff import StaffFit, staff_of
from sim.fit.traits_fit import (
    RULES,
    Look,
    Rule,
    TraitFit,
    false_answers,
    fit_trait,
    no_answer_after_s,
    verdict_delay_s,
)

_SEGMENT_FEWEST = 300
_SURE = 0.001

Progress = Callable[[int, int, str], None]
"""Is told of how many steps are done, of how many, and what comes next."""


class Group(NamedTuple):
    """Calls to one segment, or to all. rows: their places among all calls."""

    name: str
    zone: str
    rows: NDArray[np.int_]


@dataclass
class Fit:
    """What was made of a recording.

    written: the scenario as data. fitted: its parts that were. notes: what a reader should know.
    mixes: by group. live: of each group and part, the scenario's share of live answers.
    """

    written: dict[str, Any]
    traits: list[TraitFit]
    mixes: dict[str, Mix]
    live: dict[str, tuple[float, ...]]
    burst: Burst | None
    days: Workdays
    calls: int
    agents: int
    fitted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def fit_traffic(
    traffic: Traffic,
    zone: str,
    criterion: str = "bic",
    progress: Progress = lambda *_: None,
) -> Fit:
    """A scenario from recorded traffic.

    zone: of the place where agents work.

    Raises:
        InputError: there is too little to fit anything.
    """
    fitting = _Fitting(traffic, zone, criterion, progress)
    return fitting.run()


class _Fitting:
    def __init__(self, traffic: Traffic, zone: str, criterion: str, progress: Progress) -> None:
        self.calls = traffic.calls
        self.traffic = traffic
        self.zone = zone
        self._clock = Clock(zone)
        self._clocks = {zone: self._clock}
        self.weights = censoring_weights(self.calls)
        self._criterion = criterion
        self._progress = progress
        self._steps = len(RULES) + 3
        self._done = 0
        self._written_calls: dict[str, Any] = {}
        self._segments: dict[str, dict[str, Any]] = {}
        self._changes: dict[tuple[int, str], dict[str, Any]] = {}
        self._fitted: list[str] = []
        self._notes: list[str] = []

    def run(self) -> Fit:
        live = sum(record.kind == "live" for record in self.calls)
        if live < FEWEST:
            what = f"{live} calls answered by a person"
            raise InputError(self.traffic.source, what, f"record {FEWEST} at least")
        self.days = workdays(self.traffic, self._clock)
        self._groups = self._grouped()
        self._day = np.asarray([self._clock.day(record.dialed_at) for record in self.calls])
        self._day -= self._day.min()
        self._second = np.asarray(
            [
                self._clocks[record.zone or self.zone].second_of_day(record.dialed_at)
                for record in self.calls
            ]
        )
        traits = self._traits()
        self._step("the outcome mix")
        mixes, shares = self._mixes(traits)
        self._step("bursts of answers")
        burst = self._burst(mixes)
        self._step("agents")
        wrap_up = next(trait for trait in traits if trait.name == "wrap_up_s")
        mean_s = wrap_up.laws[0].mean if wrap_up.values else 0.0
        staff = staff_of(self.traffic.agent_events, self._clock, self.days, mean_s)
        self._step("")
        self._note_the_rest()
        return Fit(
            self._whole(burst, staff),
            traits,
            mixes,
            shares,
            burst,
            self.days,
            len(self.calls),
            self._agents(),
            self._fitted,
            self._notes,
        )

    # --- parts --------------------------------------------------------------------------------

    def _grouped(self) -> list[Group]:
        """Segments that are large enough; everyone where there are none."""
        everyone = Group("", self.zone, np.arange(len(self.calls)))
        for record in self.calls:
            if record.zone and record.zone not in self._clocks:
                self._clocks[record.zone] = Clock(record.zone)
        several_zones = len({record.zone for record in self.calls if record.zone}) > 1
        names = [record.segment or (record.zone if several_zones else "") for record in self.calls]
        counted = Counter(name for name in names if name)
        large = [name for name, count in counted.items() if count >= _SEGMENT_FEWEST]
        small = sorted(set(counted) - set(large))
        if small:
            self._notes.append(f"too few calls to be segments of their own: {', '.join(small)}")
        if not large:
            return [everyone]
        groups = []
        for name in sorted(large):
            rows = np.flatnonzero([each == name for each in names])
            zones = Counter(self.calls[row].zone for row in rows)
            zone = zones.most_common(1)[0][0] or self.zone
            groups.append(Group(name, zone, rows))
            self._segments[name] = {"name": name, "share": rounded(len(rows) / len(self.calls))}
            if zone != self.zone:
                self._segments[name]["zone"] = zone
        rest = np.flatnonzero([each not in large for each in names])
        if len(rest):
            groups.append(Group("", self.zone, rest))
        self._fitted.append("segments")
        return groups

    def _traits(self) -> list[TraitFit]:
        calls = self.calls
        limit_s = no_answer_after_s(calls)
        false = false_answers(calls)
        self._false = false or 0.0
        for name, value in (("no_answer_after_s", limit_s), ("false_answers", false)):
            if value is not None:
                self._write("calls", name, value)
        self._limit_s = limit_s
        found = []
        for rule in RULES:
            self._step(rule.name)
            for group in self._apart(rule):
                trait = self._fit(rule, group)
                found.append(trait)
                self._take(trait)
        self._cpa = {
            name: delay
            for name, kind in (("human_delay_s", "live"), ("machine_delay_s", "machine"))
            if (delay := verdict_delay_s(calls, kind)) is not None
        }
        self._fitted += [f"cpa.{name}" for name in self._cpa]
        return found

    def _fit(self, rule: Rule, group: Group) -> TraitFit:
        calls = [self.calls[row] for row in group.rows]
        look = Look(
            self._criterion, self.traffic.resolution_s, self._limit_s, self.weights[group.rows]
        )
        return fit_trait(rule, group.name, calls, self._second[group.rows], look)

    def _apart(self, rule: Rule) -> list[Group]:
        """The groups in which a trait differs; all calls as one where it does not."""
        from scipy.stats import kruskal

        everyone = Group("", self.zone, np.arange(len(self.calls)))
        samples = [
            [
                value
                for row in group.rows
                if (value := rule.value(self.calls[row])) is not None
                and not rule.cut(self.calls[row])
            ]
            for group in self._groups
        ]
        if len(samples) < 2 or min(map(len, samples)) < FEWEST:
            return [everyone]
        if len({value for sample in samples for value in sample}) < 2:
            return [everyone]
        return self._groups if kruskal(*samples).pvalue < _SURE else [everyone]

    def _mixes(
        self, traits: Sequence[TraitFit]
    ) -> tuple[dict[str, Mix], dict[str, tuple[float, ...]]]:
        mixes: dict[str, Mix] = {}
        live: dict[str, tuple[float, ...]] = {}
        for group in self._groups:
            rows = group.rows
            calls = [self.calls[row] for row in rows]
            mix = mix_of(calls, self.weights[rows], self._second[rows], self._day[rows])
            whole = [
                as_scenario(shares, self._within_limit(traits, group.name, start), self._false)
                for start, shares in zip(mix.parts.starts, mix.shares, strict=True)
            ]
            mixes[group.name], live[group.name] = mix, tuple(one["live"] for one in whole)
            self._mix_of_group(group.name, mix, whole)
        if "calls.outcomes" not in self._fitted:
            self._fitted.append("calls.outcomes")
        return mixes, live

    def _mix_of_group(self, name: str, mix: Mix, shares: Sequence[dict[str, float]]) -> None:
        first = mix.parts.part_of(self.days.starts_s)
        outcomes = _whole_shares(shares[first])
        home = self._segments[name] if name else self._written_calls
        home["outcomes"] = outcomes
        if name and "outcomes" not in self._written_calls:
            self._written_calls["outcomes"] = outcomes
        if mix.parts.changes:
            for start, part in zip(mix.parts.starts, shares, strict=True):
                self._change(start, name)["live"] = rounded(part["live"])

    def _within_limit(self, traits: Sequence[TraitFit], group: str, second: float) -> float:
        """The part of live answers that come within the ringing time."""
        for trait in traits:
            if trait.name == "ring_s" and trait.group in (group, "") and trait.values:
                law = trait.laws[trait.parts.part_of(second)]
                return law.cdf(self._limit_s) if self._limit_s is not None else 1.0
        return 1.0

    def _burst(self, mixes: dict[str, Mix]) -> Burst | None:
        expected = np.zeros(len(self.calls))
        for group in self._groups:
            mix = mixes[group.name]
            for row in group.rows:
                expected[row] = mix.shares[mix.parts.part_of(self._second[row])]["live"]
        known = np.asarray([bool(record.kind) for record in self.calls])
        live = np.asarray([record.kind == "live" for record in self.calls], dtype=float)
        since_s: Numbers = (
            np.asarray([self._clock.local(record.dialed_at) for record in self.calls])
            - self.days.starts_s
        )
        burst = burst_of(since_s[known], live[known], expected[known])
        if burst is not None:
            self._fitted.append("bursts")
        return burst

    # --- writing ------------------------------------------------------------------------------

    def _take(self, trait: TraitFit) -> None:
        if not trait.is_fitted:
            self._notes.append(f"calls.{trait.name} is guessed: {trait.note}")
            return
        first = trait.parts.part_of(self.days.starts_s)
        if trait.group:
            self._segments[trait.group][trait.name] = trait.values[first]
            self._written_calls.setdefault(trait.name, trait.values[first])
            self._mark(f"calls.{trait.name}")
        else:
            self._write("calls", trait.name, trait.values[first])
        if trait.parts.changes:
            for start, value in zip(trait.parts.starts, trait.values, strict=True):
                self._change(start, trait.group)[trait.name] = value

    def _write(self, section: str, name: str, value: Any) -> None:
        self._written_calls[name] = value
        self._mark(f"{section}.{name}")

    def _mark(self, name: str) -> None:
        if name not in self._fitted:
            self._fitted.append(name)

    def _change(self, start: int, segment: str) -> dict[str, Any]:
        return self._changes.setdefault((start, segment), {})

    def _whole(self, burst: Burst | None, staff: StaffFit) -> dict[str, Any]:
        self._fitted += staff.fitted
        self._notes += staff.notes
        changes = []
        for (start, segment), traits in sorted(self._changes.items()):
            when = f"{start // 3600:02d}:{start % 3600 // 60:02d}"
            where = {"segment": segment} if segment else {}
            changes.append({"from_time": when, **where, **traits})
        if changes:
            self._fitted.append("changes")
        parts: dict[str, Any] = {
            "start": f"{self.days.start:%Y-%m-%d %H:%M}",
            "zone": self.zone,
            "hours": self.days.hours,
            "calls": self._written_calls,
            "cpa": self._cpa,
            "agents": staff.written,
            "segments": list(self._segments.values()),
            "changes": changes,
            "bursts": {"every_s": burst.every_s, "cv": rounded(burst.cv)} if burst else None,
            "fitted": self._fitted,
        }
        return {name: value for name, value in parts.items() if value}

    def _agents(self) -> int:
        """How many there were, on the day with the most."""
        if self.traffic.agent_events:
            pairs = {
                (event.agent, self._clock.day(event.at)) for event in self.traffic.agent_events
            }
        else:
            pairs = {
                (record.agent, self._clock.day(record.dialed_at))
                for record in self.calls
                if record.agent
            }
        return max(Counter(day for _, day in pairs).values(), default=0)

    def _note_the_rest(self) -> None:
        if self.traffic.left_out:
            told = ", ".join(f"{count} {name}" for name, count in self.traffic.left_out.items())
            self._notes.append(f"left out, as they say nothing of the callees: {told}")
        undecided = sum(not record.kind for record in self.calls)
        if undecided:
            self._notes.append(
                f"{undecided} calls were cut off before their outcome; others speak for them"
            )
        if "calls.patience_s" in self._fitted:
            self._notes.append(
                "calls.patience_s beyond the limit of the recorded campaign is extrapolated"
            )
        self._notes.append(
            "people taken for machines count as machines, and machines passed on as people: "
            "a record does not tell them apart"
        )

    def _step(self, what: str) -> None:
        self._progress(self._done, self._steps, what)
        self._done += 1


def _whole_shares(shares: dict[str, float]) -> dict[str, float]:
    """To five digits, and still 1 in sum."""
    found = {name: round(share, 5) for name, share in shares.items() if round(share, 5) > 0}
    most = max(found, key=found.__getitem__)
    found[most] = round(1 - sum(share for name, share in found.items() if name != most), 5)
    return found


def calls_shown(records: Sequence[CallRecord]) -> dict[str, int]:
    """How many calls came to what, in the scenario's words."""
    return dict(Counter(record.kind or "cut off" for record in records))
