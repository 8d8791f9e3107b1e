"""What a scenario has in store for each call.

The rule of this module: a call's fate is looked up by its number, never drawn in turn, so two runs
of one seed meet the same call n whatever they did before it (common random numbers). Each variate
has its own stream; which outcome a call comes to and how long it then takes are independent.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, time, timedelta
from itertools import accumulate
from math import ceil, exp
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sim.fates import CallFate
from sim.laws import Constant, Gamma, Law
from sim.propensity import People
from sim.scenario import Change, Scenario, Segment, with_traits
from sim.traits import OUTCOMES, Outcomes
from sim.variates import Keyed, Seed, keyed, uniforms

_MOST_LIVE = 0.95
"""No burst makes more of the dials live than this."""


_MACHINE_RECORDS_S = 60.0
"""A machine has patience until its tape is full."""

_ONLY_NO_ANSWER = list(accumulate(float(name == "no_answer") for name in OUTCOMES[1:]))


class _Regime(NamedTuple):
    """The traits that hold at one time, made ready to draw from."""

    live: float
    others: tuple[float, ...]
    """Running sums of the other outcomes' proportions, up to 1."""
    post_dial_delay: Keyed
    ring: Keyed
    machine_ring: Keyed
    no_answer_after_s: float
    refused_after: Keyed
    talk: Keyed
    wrap_up: Keyed
    patience: Keyed
    machine_talk: Keyed
    machine_wrap_up: Keyed
    false_answers: float


class _Timetable(NamedTuple):
    """A segment's regimes, by time and then by penetration."""

    times: tuple[float, ...]
    regimes: tuple[tuple[_Regime, ...], ...]


def segments_of(scenario: Scenario, seed: Seed) -> Callable[[int], Segment | None]:
    """From a contact's number on the list to the segment it is in, None where it is in none."""
    segments = scenario.segments
    ends = tuple(accumulate(segment.share for segment in segments))
    luck = keyed(seed, "segment", uniforms)

    def segment_of(contact: int) -> Segment | None:
        place = bisect_right(ends, luck(contact))
        return segments[place] if place < len(segments) else None

    return segment_of if segments else lambda _: None


class Customers:
    """The customers of a scenario for one seed.

    agents: how many there are; it sizes the list of a scenario that counts per agent.
    """

    def __init__(self, scenario: Scenario, seed: Seed, agents: int) -> None:
        self._scenario = scenario
        self._seed = seed
        self._draws: dict[tuple[str, int], Keyed] = {}
        self._laws: list[Law] = []
        self._built: dict[tuple[Any, ...], _Regime] = {}
        self._kept: list[dict[str, Any]] = []
        self._cpa = scenario.cpa
        self._mix = keyed(seed, "outcome", uniforms)
        self._cpa_luck = keyed(seed, "cpa", uniforms)
        self._false_luck = keyed(seed, "false answer", uniforms)
        size = scenario.list_size(agents)
        self._per_dial = 1 / size if size else 0.0
        self._decay = scenario.contacts.live_decay
        wish = scenario.contacts.propensity
        self._people = People(wish, seed) if wish is not None else None
        bursts = scenario.bursts
        self._burst_s = bursts.every_s if bursts else 0.0
        cv = bursts.cv if bursts else 1.0
        self._burst = keyed(seed, "burst", Gamma.of_mean(1.0, cv).draw)
        by_penetration = (change.from_penetration for change in scenario.changes)
        self._penetrations = sorted({at for at in by_penetration if at is not None})
        self._tables = {"": self._timetable(None)}
        for segment in scenario.segments:
            self._tables[segment.name] = self._timetable(segment)

    def fate(
        self, call: int, at_s: float, dialed: int = 0, segment: str = "", contact: int = 0
    ) -> CallFate:
        """What comes of call number `call`.

        at_s: when it is dialed, from the start. dialed: calls dialed before it. contact: who is
        called, by their number on the list.
        """
        regime, live = self._standing(at_s, dialed, segment, contact)
        draw = self._mix(call)
        delay_s = regime.post_dial_delay(call)
        if draw < live:
            ring_s = regime.ring(call)
            if ring_s <= regime.no_answer_after_s:
                return self._answered("live", call, regime, delay_s, ring_s)
            outcome = "no_answer"
        else:
            # One uniform decides it all; live is at its low end, so a call that is live at a low
            # share is live at every higher one.
            outcome = OUTCOMES[1 + bisect_right(regime.others, (draw - live) / (1 - live))]
        if outcome in ("machine", "fax"):
            return self._answered(outcome, call, regime, delay_s, regime.machine_ring(call))
        if outcome == "no_answer":
            if regime.false_answers and self._false_luck(call) < regime.false_answers:
                return self._answered("machine", call, regime, delay_s, regime.no_answer_after_s)
            return CallFate(outcome, delay_s, ring_s=regime.no_answer_after_s)
        return CallFate(outcome, regime.refused_after(call))

    def live_share(self, at_s: float, dialed: int, segment: str, contact: int) -> float:
        """P(a person answers such a call), before it is known how long it must ring."""
        return self._standing(at_s, dialed, segment, contact)[1]

    def _standing(
        self, at_s: float, dialed: int, segment: str, contact: int
    ) -> tuple[_Regime, float]:
        """The traits that hold, and the share of live answers among such people."""
        times, regimes = self._tables[segment]
        row = regimes[bisect_right(times, at_s)] if times else regimes[0]
        penetration = dialed * self._per_dial
        regime = row[bisect_right(self._penetrations, penetration)] if len(row) > 1 else row[0]
        live = regime.live
        if self._decay:
            live *= exp(-self._decay * penetration)
        if self._burst_s:
            live = min(live * self._burst(int(at_s // self._burst_s)), max(live, _MOST_LIVE))
        if self._people is not None:
            live = self._people.live(live, contact)
        return regime, live

    def _answered(
        self, outcome: str, call: int, regime: _Regime, delay_s: float, ring_s: float
    ) -> CallFate:
        cpa = self._cpa
        false = bool(regime.false_answers) and self._false_luck(call) < regime.false_answers
        answer_s, picked_up_s = (0.0, ring_s) if false else (ring_s, 0.0)
        verdict = "human"
        if outcome == "live":
            if cpa.human_as_machine and self._cpa_luck(call) < cpa.human_as_machine:
                verdict = "answering_machine"
            talk_s, wrap_up_s = regime.talk(call), regime.wrap_up(call)
        else:
            if not cpa.machine_as_human or self._cpa_luck(call) >= cpa.machine_as_human:
                verdict = "fax" if outcome == "fax" else "answering_machine"
            talk_s, wrap_up_s = regime.machine_talk(call), regime.machine_wrap_up(call)
        wait_s = picked_up_s
        wait_s += cpa.human_delay_s if verdict == "human" else cpa.machine_delay_s
        patience_s = regime.patience(call) if outcome == "live" else _MACHINE_RECORDS_S
        patience_s += picked_up_s
        return CallFate(
            outcome,
            delay_s,
            answer_s,
            0.0,
            verdict,
            wait_s,
            talk_s,
            wrap_up_s,
            patience_s,
            false,
            picked_up_s,
        )

    # --- making ready -------------------------------------------------------------------------

    def _timetable(self, segment: Segment | None) -> _Timetable:
        scenario = self._scenario
        base = scenario.traits()
        if segment is not None:
            base = with_traits(base, segment)
        name = segment.name if segment is not None else ""
        mine = [change for change in scenario.changes if change.segment in ("", name)]
        zone = ZoneInfo((segment and segment.zone) or scenario.zone)
        by_time = sorted(self._times(mine, zone), key=lambda found: found[0])
        starts = sorted({at for at, _ in by_time if at > 0})
        rows = []
        for start in (0.0, *starts):
            traits = base
            for at, change in by_time:
                if at <= start:
                    traits = with_traits(traits, change)
            rows.append(tuple(self._by_penetration(traits, mine)))
        return _Timetable(tuple(starts), tuple(rows))

    def _times(self, changes: Iterable[Change], zone: ZoneInfo) -> Iterable[tuple[float, Change]]:
        """When, in seconds from the start, each change of a time takes hold."""
        scenario = self._scenario
        first = datetime.fromtimestamp(scenario.start_at, zone).date()
        days = ceil(scenario.hours / 24) + 1
        for change in changes:
            if change.from_s is not None:
                yield change.from_s, change
            elif change.from_time is not None:
                # From the day before, so that what took hold last night holds this morning.
                for day in range(-1, days + 1):
                    at = _local(first + timedelta(days=day), change.from_time, zone)
                    yield at - scenario.start_at, change

    def _by_penetration(
        self, traits: dict[str, Any], changes: Sequence[Change]
    ) -> Iterable[_Regime]:
        yield self._regime(traits)
        due = [change for change in changes if change.from_penetration is not None]
        due.sort(key=lambda change: change.from_penetration or 0.0)
        for penetration in self._penetrations:
            for change in due:
                if change.from_penetration == penetration:
                    traits = with_traits(traits, change)
            yield self._regime(traits)

    def _regime(self, traits: dict[str, Any]) -> _Regime:
        key = tuple(id(value) for value in traits.values())
        if key not in self._built:
            self._kept.append(traits)  # or the ids of its values could be given to others
            self._built[key] = self._made(traits)
        return self._built[key]

    def _made(self, traits: dict[str, Any]) -> _Regime:
        outcomes: Outcomes = traits["outcomes"]
        live, *others = outcomes.shares()
        total = sum(others)
        running = [share / total for share in accumulate(others)] if total else _ONLY_NO_ANSWER
        return _Regime(
            live,
            _closed(running),
            self._keyed("post_dial_delay_s", traits),
            self._keyed("ring_s", traits),
            self._keyed("machine_ring_s", traits),
            traits["no_answer_after_s"],
            self._keyed("refused_after_s", traits),
            self._keyed("talk_s", traits),
            self._keyed("wrap_up_s", traits),
            self._keyed("patience_s", traits),
            self._keyed("machine_talk_s", traits),
            self._keyed("machine_wrap_up_s", traits),
            traits["false_answers"],
        )

    def _keyed(self, name: str, traits: dict[str, Any]) -> Keyed:
        law: Law = traits[name].law
        if isinstance(law, Constant):
            return _always(law.value)
        key = (name, id(law))
        if key not in self._draws:
            self._laws.append(law)
            self._draws[key] = keyed(self._seed, name, law.draw)
        return self._draws[key]


def _closed(running: Sequence[float]) -> tuple[float, ...]:
    """Running sums whose last outcome of any share takes all that is left.

    Rounding may leave a sum just under 1; what is above it must not fall to an outcome that the
    scenario does not have.
    """
    places = range(len(running))
    last = max(place for place in places if running[place] > (running[place - 1] if place else 0))
    return tuple(total if place < last else 2.0 for place, total in enumerate(running))


def _always(value: float) -> Callable[[int], float]:
    return lambda _: value


def _local(day: Any, moment: time, zone: ZoneInfo) -> float:
    return datetime.combine(day, moment, zone).timestamp()
