"""The baselines follow their published arithmetic, worked out by hand."""

import pytest

from dialer.pacing.adaptive import Adaptive, Method
from dialer.pacing.floor import Floor
from dialer.pacing.hit_rate import ComplianceGuard, InverseHitRate
from dialer.pacing.ratios import ConstantRate, PowerPacer
from dialer.pacing.soon_free import SoonFree

DAY_S = 28_800.0


def floor_of(ready: int = 0, talking: int = 0) -> Floor:
    floor = Floor(0.0, DAY_S)
    floor.ready = ready
    for _ in range(talking):
        floor.talks.enter()
    return floor


def reach(floor: Floor, answers: int, others: int) -> None:
    """Calls that came to an end; their callers are served and gone."""
    for _ in range(answers):
        floor.answered(floor.dialed())
    for _ in range(others):
        floor.reached_nobody(floor.dialed())
    floor.waiting = 0


def test_progressive_places_one_call_per_free_agent() -> None:
    floor = floor_of(ready=5, talking=3)
    floor.dialed(2)
    floor.closing = 1
    assert PowerPacer(1.0).decide(floor.snapshot(0.0, None)).dials == 2


def test_a_fraction_of_a_ratio_is_carried_to_the_next_agent() -> None:
    assert PowerPacer(1.5).decide(floor_of(ready=4).snapshot(0.0, None)).dials == 6
    assert PowerPacer(1.25).decide(floor_of(ready=8).snapshot(0.0, None)).dials == 10


def test_a_constant_rate_owes_fractions() -> None:
    pacer, floor = ConstantRate(0.4), floor_of(ready=1)
    dials = [pacer.decide(floor.snapshot(float(now), None)).dials for now in range(11)]
    assert sum(dials) == 4
    assert max(dials) == 1


def test_inverse_hit_rate_dials_one_over_the_hit_rate_for_each_free_agent() -> None:
    floor = floor_of(ready=6)
    reach(floor, answers=10, others=10)
    assert InverseHitRate().decide(floor.snapshot(0.0, None)).dials == 6, "too few calls to know"
    reach(floor, answers=0, others=20)
    assert InverseHitRate().decide(floor.snapshot(0.0, None)).dials == 24


def test_the_compliance_guard_takes_abandonment_off_the_ratio() -> None:
    pacer, floor = ComplianceGuard(0.10), floor_of(ready=10)
    pacer.decide(floor.snapshot(0.0, None))
    reach(floor, answers=20, others=60)
    floor.abandoned = 1
    # (80 / 20) x (1 - .05 / .10) = 2 for each of ten agents
    assert pacer.decide(floor.snapshot(60.0, None)).dials == 20
    floor.abandoned = 5
    assert pacer.decide(floor.snapshot(90.0, None)).dials == 10, "never less than one each"


def test_the_compliance_guard_forgets_what_is_two_hours_old() -> None:
    pacer, floor = ComplianceGuard(0.10), floor_of(ready=10)
    pacer.decide(floor.snapshot(0.0, None))
    reach(floor, answers=20, others=60)
    floor.abandoned = 5
    pacer.decide(floor.snapshot(60.0, None))
    reach(floor, answers=40, others=40)
    assert pacer.decide(floor.snapshot(7300.0, None)).dials == 20


def level_after(pacer: Adaptive, floor: Floor, seconds: int, start: int = 0) -> float:
    for now in range(start, start + seconds):
        pacer.decide(floor.snapshot(float(now), None))
    return pacer.level


def test_the_adaptive_level_rises_by_the_share_of_agents_who_are_ready() -> None:
    pacer = Adaptive(Method.HARD_LIMIT)
    # Two adaptations, at 0 s and at 15 s, each by 1 + 5 / 20.
    assert level_after(pacer, floor_of(ready=5, talking=15), 16) == pytest.approx(1.25**2)


def test_the_adaptive_level_stays_under_its_maximum() -> None:
    assert level_after(Adaptive(Method.HARD_LIMIT), floor_of(ready=15, talking=5), 200) == 3.0


@pytest.mark.parametrize(
    ("method", "level"),
    # 3.0 is what the level would be; a day of 8 hours has just begun.
    [(Method.HARD_LIMIT, 1.0), (Method.AVERAGE, 1.5), (Method.TAPERED, 3.0 * 0.8)],
)
def test_over_the_limit_each_method_does_its_own(method: Method, level: float) -> None:
    pacer, floor = Adaptive(method), floor_of(ready=15, talking=5)
    reach(floor, answers=100, others=0)
    floor.abandoned = 4
    pacer.level = 3.0
    assert level_after(pacer, floor, 1) == pytest.approx(level, abs=0.01)


def test_the_adaptive_dialer_fills_lines_every_two_and_a_half_seconds() -> None:
    pacer, floor = Adaptive(Method.HARD_LIMIT, max_level=1.0), floor_of(ready=4, talking=6)
    dialed_at = []
    for now in range(11):
        decision = pacer.decide(floor.snapshot(float(now), None))
        if decision.dials:
            assert decision.dials == 4
            dialed_at.append(now)
    assert dialed_at == [0, 3, 5, 8, 10]


def test_soon_free_counts_agents_by_the_time_that_is_left_to_them() -> None:
    pacer = SoonFree(0.5)
    assert pacer.decide(floor_of(ready=4).snapshot(0.0, None)).dials == 10, "4 free over .40"
    floor = floor_of(ready=0, talking=4)
    assert SoonFree(0.5).decide(floor.snapshot(0.0, None)).dials == 0, "talks of 240 s"
    assert SoonFree(0.0).decide(floor.snapshot(0.0, None)).dials == 10
