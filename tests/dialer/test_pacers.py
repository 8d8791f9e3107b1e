"""Any pacer, any snapshot: a finite number within the caps, and free agents never cost a dial."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from math import isfinite
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.errors import ConfigError
from dialer.pacing.catalogue import pacer_of
from dialer.pacing.floor import Floor
from dialer.pacing.lookahead import Lookahead
from dialer.pacing.pacer import Pacer

PACERS = (
    "progressive",
    "power:2.5",
    "constant:0.7",
    "hitrate",
    "guard:0.03",
    "soonfree:0.5",
    "vicidial",
    "vicidial_average",
    "vicidial_tapered",
    "lookahead:0.03",
    "lookahead_even:0.03",
)
DAY_S = 28_800.0
CLASS_RATES = (0.05, 0.2, 0.6)


class Rough:
    """A floor on which steps of all kinds happen by chance, with its pacer told each second."""

    def __init__(self, seed: int, pacer: Pacer | None = None, classes: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.floor = Floor(0.0, DAY_S, classes)
        self.floor.ready = int(self.rng.integers(0, 30))
        self.dials_at_most = int(self.rng.integers(0, 4))
        self.talks_end = float(self.rng.uniform(0.01, 0.1))
        self.pacer = pacer
        self.classes = classes
        self.calls: list[tuple[int, int]] = []
        self.talks: list[int] = []
        self.wraps: list[int] = []
        self.now = 0.0

    def live(self, seconds: int) -> "Rough":
        for _ in range(seconds):
            self.now += 1.0
            self.floor.advance(self.now)
            self.step()
            if self.pacer is not None:
                self.pacer.decide(self.floor.snapshot(self.now, None))
        return self

    def some(self, members: Iterable[Any], share: float) -> list[Any]:
        return [m for m in list(members) if self.rng.random() < share]

    def step(self) -> None:
        floor = self.floor
        for _ in range(int(self.rng.integers(0, self.dials_at_most + 1))):
            of_class = int(self.rng.integers(0, self.classes))
            self.calls.append((floor.dialed(1, of_class), of_class))
        for call in self.some(self.calls, 0.08):
            self.calls.remove(call)
            step = self.rng.choice([floor.answered, floor.reached_nobody, floor.cancelled])
            step(*call)
        for _ in range(min(floor.ready, floor.waiting)):
            self.talks.append(floor.connected())
        for _ in self.some(range(floor.waiting), 0.5):
            floor.gave_up_waiting()
        for talk in self.some(self.talks, self.talks_end):
            self.talks.remove(talk)
            self.wraps.append(floor.talk_ended(talk))
        for wrap in self.some(self.wraps, 0.1):
            self.wraps.remove(wrap)
            floor.wrap_up_ended(wrap)


@given(
    st.sampled_from(PACERS),
    st.integers(0, 2**32 - 1),
    st.integers(0, 150),
    st.none() | st.integers(0, 40),
)
@settings(deadline=None)
def test_any_floor_gives_a_finite_number_of_dials_within_the_room(
    name: str, seed: int, seconds: int, room: int | None
) -> None:
    pacer = pacer_of(name)
    rough = Rough(seed, pacer).live(seconds)
    decision = pacer.decide(rough.floor.snapshot(rough.now + 1, room))
    assert isinstance(decision.dials, int)
    assert 0 <= decision.dials < 10_000
    assert room is None or decision.dials <= room
    assert decision.reason
    assert all(isfinite(value) for value in decision.figures.values())


@pytest.mark.parametrize("name", PACERS)
@given(
    seed=st.integers(0, 2**32 - 1),
    seconds=st.integers(0, 60),
    more=st.integers(1, 20),
    room=st.none() | st.integers(0, 40),
)
@settings(deadline=None, max_examples=40)
def test_more_free_agents_never_mean_fewer_dials(
    name: str, seed: int, seconds: int, more: int, room: int | None
) -> None:
    pacer = pacer_of(name)
    rough = Rough(seed, pacer).live(seconds)
    other = deepcopy(pacer)
    few = pacer.decide(rough.floor.snapshot(rough.now + 1, room)).dials
    rough.floor.ready += more
    many = other.decide(rough.floor.snapshot(rough.now + 1, room)).dials
    assert many >= few


@given(st.integers(0, 2**32 - 1), st.integers(0, 100), st.lists(st.integers(0, 2), max_size=20))
@settings(deadline=None)
def test_scored_records_are_picked_one_for_each_dial(
    seed: int, seconds: int, classes: list[int]
) -> None:
    # With scores, more free agents may mean better records rather than more of them, so the rule
    # above does not hold for the number of dials.
    pacer = Lookahead(class_rates=CLASS_RATES)
    rough = Rough(seed, pacer, classes=3).live(seconds)
    decision = pacer.decide(rough.floor.snapshot(rough.now + 1, None, buffered=sorted(classes)))
    if classes:
        assert len(decision.picks) == decision.dials <= len(classes)


@pytest.mark.parametrize("name", PACERS)
def test_a_pacer_goes_on_after_a_restart_as_if_nothing_had_happened(name: str) -> None:
    pacer = pacer_of(name)
    rough = Rough(3, pacer).live(130)
    again = pacer_of(name)
    again.restore(msgpack.unpackb(msgpack.packb(pacer.state())))
    restored = again.state()
    assert restored == pacer.state()
    if "lookahead" in name:
        seen = rough.floor.snapshot(rough.now + 1, None)
        pacer.restore(pacer.state())
        assert again.decide(seen) == pacer.decide(seen)


def test_look_ahead_waits_for_agents_whose_end_is_known() -> None:
    def dials(left_s: float) -> int:
        floor = Floor(0.0, DAY_S)
        for agent in range(20):
            floor.known_wrap_ups.put(agent, left_s)
        return Lookahead().decide(floor.snapshot(0.0, None)).dials

    assert dials(left_s=55.0) == 0
    assert dials(left_s=3.0) > 10


@pytest.mark.parametrize("agents", [5, 30])
def test_a_call_whose_risk_soon_falls_counts_for_more_and_one_that_cannot_wait_for_less(
    agents: int,
) -> None:
    def figures(left_s: float) -> Mapping[str, float]:
        floor = Floor(0.0, DAY_S)
        for agent in range(agents):
            floor.known_wrap_ups.put(agent, left_s)
        return Lookahead().decide(floor.snapshot(0.0, None)).figures

    soon, now = figures(left_s=7.0), figures(left_s=3.0)
    assert soon["risk"] < soon["risk_judged"] <= soon["kappa"]
    assert now["risk"] / 5 <= now["risk_judged"] < now["risk"]


def test_look_ahead_cannot_abandon_anybody_once_the_days_budget_is_used_up() -> None:
    def dials(abandoned: int) -> int:
        floor = Floor(0.0, DAY_S)
        floor.advance(DAY_S - 60.0)
        floor.ready, floor.answers, floor.abandoned = 12, 1000, abandoned
        floor.dialed(5)
        return Lookahead().decide(floor.snapshot(DAY_S - 60.0, None)).dials

    assert dials(abandoned=30) == 12 - 5
    assert dials(abandoned=20) > 12


def test_look_ahead_gives_up_long_ringing_calls_only_when_nobody_would_be_there() -> None:
    def cancelled(ready: int) -> int:
        floor = Floor(0.0, DAY_S)
        floor.ready = ready
        for _ in range(10):
            floor.talks.enter()
        floor.dialed(8)
        floor.advance(18.0)
        return Lookahead().decide(floor.snapshot(18.0, None, may_cancel=8)).cancel

    assert cancelled(ready=0) == 8
    assert cancelled(ready=9) == 0


def test_look_ahead_dials_good_records_while_agents_are_idle_and_bad_ones_when_not() -> None:
    def picks(ready: int, calls: int) -> tuple[bool, ...]:
        floor = Floor(0.0, DAY_S, score_classes=3)
        floor.ready = ready
        for _ in range(20):
            floor.talks.enter()
        floor.dialed(calls, 1)
        buffered = [0] * 20 + [1] * 10 + [2] * 20
        pacer = Lookahead(class_rates=CLASS_RATES)
        return pacer.decide(floor.snapshot(0.0, None, buffered=buffered)).picks

    assert all(picks(ready=10, calls=0)[:3])
    assert not any(picks(ready=5, calls=16))


def test_a_wrong_pacer_is_told_with_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="no such pacer; use progressive, power"):
        pacer_of("magic")
    with pytest.raises(ConfigError, match="calls per free agent"):
        pacer_of("power")
    with pytest.raises(ConfigError):
        pacer_of("power:many")
