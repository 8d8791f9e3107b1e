"""Intervals hold the truth as often as they promise, and stopping rules stop where they should."""

from collections.abc import Sequence
from math import inf, sqrt

import numpy as np
import pytest
from numpy.random import Generator

from sim.statistics import (
    Estimate,
    each_level,
    holm,
    mean_of,
    mean_with_controls,
    more_replications,
    mser5,
    p_value,
    paired,
    paired_ratio,
    prediction,
    ratio_of,
    run_until,
    wilson,
)

EXPERIMENTS = 2000


@pytest.fixture
def chance() -> Generator:
    return np.random.default_rng(20260302)


def days(
    chance: Generator, n: int, share: float = 0.03, answers: int = 1500
) -> tuple[list[float], list[float]]:
    """Abandoned and answered calls of n days, whose abandonment differs more than by chance."""
    occasions = chance.poisson(answers * chance.gamma(100, 0.01, n))
    events = chance.binomial(occasions, chance.beta(share * 300, (1 - share) * 300, n))
    return events.tolist(), occasions.tolist()


def test_a_t_interval_holds_the_mean_as_often_as_its_level(chance: Generator) -> None:
    for level, n in ((0.9, 3), (0.95, 5), (0.99, 20)):
        held = sum(
            mean_of(chance.normal(7, 2, n).tolist(), level).holds(7) for _ in range(EXPERIMENTS)
        )
        assert held / EXPERIMENTS == pytest.approx(level, abs=0.02)


def test_known_values_of_the_t_interval() -> None:
    estimate = mean_of([1.0, 2.0, 3.0, 4.0, 5.0], 0.95)
    assert estimate.mean == 3
    assert estimate.half_width == pytest.approx(2.7764451 * sqrt(2.5 / 5))
    assert estimate.upper == pytest.approx(4.9632432)


def test_one_replication_has_no_interval() -> None:
    assert mean_of([3.0]) == Estimate(3.0, None, 0.95, 1)
    assert mean_of([3.0]).upper == inf
    one = ratio_of([30.0], [1000.0])
    assert one.half_width is None
    assert one.upper == pytest.approx(wilson(30, 1000)[1])
    with pytest.raises(ValueError, match="no replications"):
        mean_of([])


@pytest.mark.parametrize("n", [5, 10, 30])
def test_the_ratios_interval_and_upper_bound_hold_the_true_share(chance: Generator, n: int) -> None:
    held = below = 0
    for _ in range(EXPERIMENTS):
        estimate = ratio_of(*days(chance, n))
        assert estimate.half_width is not None
        held += abs(estimate.mean - 0.03) <= estimate.half_width
        below += estimate.upper >= 0.03
    assert held / EXPERIMENTS == pytest.approx(0.95, abs=0.025)
    assert below / EXPERIMENTS > 0.945


def test_a_pooled_binomial_interval_would_not_hold_it(chance: Generator) -> None:
    """Why replications and not calls are counted: calls of one day are not independent."""
    held = 0
    for _ in range(500):
        events, occasions = days(chance, 10)
        low, high = wilson(sum(events), sum(occasions))
        held += low <= 0.03 <= high
    assert held / 500 < 0.75


def test_the_ratio_is_of_the_sums_and_agrees_with_fieller(chance: Generator) -> None:
    events, occasions = days(chance, 10)
    estimate = ratio_of(events, occasions)
    assert estimate.mean == sum(events) / sum(occasions)
    low, high = fieller(events, occasions)
    assert estimate.half_width == pytest.approx((high - low) / 2, rel=0.02)
    assert estimate.mean == pytest.approx((high + low) / 2, abs=estimate.half_width * 0.1)


def fieller(events: Sequence[float], occasions: Sequence[float]) -> tuple[float, float]:
    """The shares r for which events - r x occasions has a mean within t errors of zero."""
    t2 = 2.2621572**2 / len(events)  # for ten replications at 95 %
    x, y = np.mean(events), np.mean(occasions)
    cov = np.cov(events, occasions)
    a, b, c = y * y - t2 * cov[1, 1], x * y - t2 * cov[0, 1], x * x - t2 * cov[0, 0]
    root = np.sqrt(b * b - a * c)
    return float((b - root) / a), float((b + root) / a)


def test_no_event_at_all_is_no_proof_of_none() -> None:
    estimate = ratio_of([0.0, 0.0, 0.0], [50.0, 60.0, 40.0])
    assert (estimate.mean, estimate.half_width) == (0, 0)
    assert 0.02 < estimate.upper < 0.03
    assert not estimate.keeps(0.02)
    assert estimate.keeps(0.03)


def test_nobody_answered_and_nothing_is_known() -> None:
    estimate = ratio_of([0.0, 0.0], [0.0, 0.0])
    assert (estimate.mean, estimate.half_width, estimate.upper) == (0, None, 1)


def test_a_limit_is_judged_by_the_upper_bound() -> None:
    estimate = ratio_of([28.0, 30.0, 25.0, 33.0], [1000.0] * 4)
    assert estimate.mean < 0.03
    assert not estimate.keeps(0.03)
    assert estimate.lower < 0.03


def test_wilson_at_its_published_values() -> None:
    assert wilson(0, 10) == (0.0, pytest.approx(0.2775, abs=1e-4))
    assert wilson(5, 10) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))
    assert wilson(0, 0) == (0, 1)


def test_pairing_sees_a_difference_that_two_intervals_do_not(chance: Generator) -> None:
    day = chance.normal(0.85, 0.03, 10)
    ours = (day + 0.01 + chance.normal(0, 0.003, 10)).tolist()
    theirs = day.tolist()
    assert paired(ours, theirs).lower > 0
    a, b = mean_of(ours), mean_of(theirs)
    assert a.lower < b.upper
    with pytest.raises(ValueError, match="zip"):
        paired(ours, theirs[:-1])


def test_the_paired_ratios_interval_holds_the_true_difference(chance: Generator) -> None:
    held = 0
    for _ in range(EXPERIMENTS):
        shares = chance.beta(9, 291, 10)
        occasions = chance.poisson(1500, (2, 10))
        events = chance.binomial(occasions, np.array([shares + 0.005, shares]))
        ours, theirs = ((events[k].tolist(), occasions[k].tolist()) for k in (0, 1))
        held += paired_ratio(ours, theirs).holds(0.005)
    assert held / EXPERIMENTS == pytest.approx(0.95, abs=0.025)


def test_controls_of_known_means_narrow_the_interval_and_keep_its_level(chance: Generator) -> None:
    held, ratio = 0, 0.0
    for _ in range(EXPERIMENTS):
        arrivals = chance.normal(0.05, 0.001, 20)
        service_s = chance.normal(150, 4, 20)
        occupancy = 0.7 + 14 * (arrivals - 0.05) + 0.004 * (service_s - 150)
        values = (occupancy + chance.normal(0, 0.003, 20)).tolist()
        controls = list(zip(arrivals.tolist(), service_s.tolist(), strict=True))
        estimate = mean_with_controls(values, controls, (0.05, 150.0))
        held += estimate.holds(0.7)
        ratio += (estimate.half_width or 0) / (mean_of(values).half_width or 1) / EXPERIMENTS
    assert held / EXPERIMENTS == pytest.approx(0.95, abs=0.02)
    assert ratio < 0.3
    with pytest.raises(ValueError, match="3 replications for 2 controls; run 4 at least"):
        mean_with_controls([1.0, 2.0, 3.0], [(1.0, 1.0)] * 3, (1.0, 1.0))


def test_a_prediction_holds_the_next_day(chance: Generator) -> None:
    held = 0
    for _ in range(EXPERIMENTS):
        *seen, next_one = chance.normal(0.8, 0.02, 9).tolist()
        held += prediction(seen, 0.99).holds(next_one)
    assert held / EXPERIMENTS == pytest.approx(0.99, abs=0.008)


# --- warm-up ----------------------------------------------------------------------------------


def test_warm_up_is_cut_where_the_start_has_worn_off(chance: Generator) -> None:
    noise = chance.normal(0, 0.05, 2000)
    start = np.maximum(0.0, 1 - np.arange(2000) / 200)
    warm_up = mser5((0.8 - start + noise).tolist())
    assert warm_up.settled
    assert 120 <= warm_up.samples <= 300


def test_a_series_without_a_start_keeps_nearly_all(chance: Generator) -> None:
    cuts = [mser5(chance.normal(1e6, 1, 1000).tolist()) for _ in range(50)]
    assert sum(cut.samples <= 200 for cut in cuts) > 35


def test_a_series_that_still_climbs_is_not_settled() -> None:
    assert not mser5([float(k) for k in range(500)]).settled
    assert not mser5([1.0] * 20).settled


# --- how many ---------------------------------------------------------------------------------


def test_sequential_stopping_reaches_the_width_and_keeps_the_level(chance: Generator) -> None:
    held, sizes = 0, []
    for _ in range(1500):
        found = run_until(
            lambda numbers: chance.normal(5, 1, len(numbers)).tolist(), mean_of, half_width=0.4
        )
        estimate = mean_of(found)
        assert estimate.half_width is not None
        assert estimate.half_width <= 0.4
        held += estimate.holds(5)
        sizes.append(len(found))
    assert held / 1500 > 0.915
    assert np.mean(sizes) == pytest.approx((1.96 / 0.4) ** 2, rel=0.25)


def test_sequential_stopping_numbers_replications_once_and_gives_up_at_its_limit() -> None:
    asked: list[int] = []

    def run(numbers: range) -> list[float]:
        asked.extend(numbers)
        return [float(n % 2) for n in numbers]

    found = run_until(run, mean_of, half_width=1e-9, at_least=4, at_most=50)
    assert asked == list(range(50))
    assert len(found) == 50


def test_more_replications_fill_the_cores_and_never_more_than_double() -> None:
    wide = Estimate(1.0, 0.5, 0.95, 10)
    assert more_replications(wide, 0.5, 100) == 0
    assert more_replications(wide, 0.01, 1000) == 10
    assert more_replications(wide, 0.49, 1000, at_once=4) == 4
    assert more_replications(wide, 0.01, 13) == 3
    assert more_replications(Estimate(1.0, None, 0.95, 1), 0.1, 10) == 1


# --- families ---------------------------------------------------------------------------------


def test_intervals_of_a_family_hold_together(chance: Generator) -> None:
    level = each_level(0.95, 10)
    together = 0
    for _ in range(EXPERIMENTS // 2):
        rows = chance.normal(0, 1, (10, 8)).tolist()
        together += all(mean_of(row, level).holds(0) for row in rows)
    assert together / (EXPERIMENTS // 2) == pytest.approx(0.95, abs=0.02)


def test_p_values_are_the_intervals_turned_round() -> None:
    estimate = mean_of([1.0, 2.0, 3.0, 4.0, 5.0], 0.95)
    assert p_value(estimate, estimate.upper) == pytest.approx(0.05)
    assert p_value(estimate, 3.0) == pytest.approx(1)
    assert p_value(Estimate(3.0, 0.0, 0.95, 5), 3.1) == 0
    assert p_value(Estimate(3.0, None, 0.95, 1), 3.1) == 1


def test_holm_at_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]
