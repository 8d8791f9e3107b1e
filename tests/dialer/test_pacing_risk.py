"""The risk of a new call: the exact law is the law, and the normal one is near it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing.cohorts import Counts
from dialer.pacing.risk import ExactShortfall, NewCalls, NormalShortfall, largest

CHANCES = st.lists(st.floats(0, 1), max_size=9)
ONE_HORIZON = np.ones(1)


def law(chances: list[float]) -> Counts:
    """P(so many of independent events happen), by adding one event after the other."""
    mass = np.ones(1)
    for p in chances:
        mass = np.convolve(mass, [1 - p, p])
    return mass


def exceeds(answers: list[float], releases: list[float], spare: int) -> float:
    """P(answers - releases > spare), by summing over both laws."""
    more = law(answers)
    fewer = law(releases)
    pairs = ((a, r) for a in range(len(more)) for r in range(len(fewer)))
    return float(sum(more[a] * fewer[r] for a, r in pairs if a - r > spare))


def column(chances: list[float]) -> Counts:
    return np.array(chances, dtype=float).reshape(-1, 1)


def new_call(answered: float) -> NewCalls:
    return NewCalls(np.array([answered]), ONE_HORIZON)


@given(CHANCES, CHANCES, st.integers(-4, 6), st.floats(0, 1))
def test_the_exact_law_is_what_adding_event_after_event_gives(
    answers: list[float], releases: list[float], spare: int, p: float
) -> None:
    found = ExactShortfall(column(answers), column(releases)).risks(
        spare, new_call(p), np.arange(4.0)
    )
    for more, risk in enumerate(found):
        assert risk == pytest.approx(exceeds(answers + [p] * more, releases, spare), abs=1e-9)


@given(CHANCES, CHANCES, st.integers(-4, 6), st.floats(0, 1))
def test_one_more_call_at_a_time_comes_to_the_same(
    answers: list[float], releases: list[float], spare: int, p: float
) -> None:
    exact = ExactShortfall(column(answers), column(releases))
    at_once = exact.risks(spare, new_call(p), np.arange(3.0))
    one_by_one = exact.plus(new_call(p)).plus(new_call(p))
    assert exact.risk(spare, new_call(p)) == pytest.approx(at_once[0], abs=1e-9)
    assert one_by_one.risk(spare, new_call(p)) == pytest.approx(at_once[2], abs=1e-9)


def test_the_normal_law_is_near_the_exact_one_for_a_large_pool() -> None:
    rng = np.random.default_rng(1)
    answers, releases = rng.uniform(0, 0.4, (200, 1)), rng.uniform(0, 0.5, (90, 1))
    exact = ExactShortfall(answers, releases)
    mean = answers.sum(axis=0) - releases.sum(axis=0)
    variance = (answers * (1 - answers)).sum(axis=0) + (releases * (1 - releases)).sum(axis=0)
    normal = NormalShortfall(mean, variance)
    counts = np.arange(12.0)
    for spare in range(10, 35, 5):
        ours = normal.risks(spare, new_call(0.25), counts)
        assert ours == pytest.approx(exact.risks(spare, new_call(0.25), counts), abs=0.004)


@given(CHANCES, CHANCES, st.integers(0, 6), st.floats(0.01, 0.9), st.floats(0.001, 0.3))
def test_the_largest_number_is_within_kappa_and_one_more_is_not(
    answers: list[float], releases: list[float], spare: int, p: float, kappa: float
) -> None:
    exact = ExactShortfall(column(answers), column(releases))
    most = 30
    choice = largest(exact, spare, new_call(p), kappa, most)
    risks = exact.risks(spare, new_call(p), np.arange(most + 2.0))
    assert choice.risk_of_none == pytest.approx(risks[0])
    if choice.calls:
        assert risks[choice.calls] <= kappa
    if choice.calls < most:
        assert risks[choice.calls + 1] > kappa
