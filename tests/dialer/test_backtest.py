"""A formula on recorded series, beside what ran."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.backtest import backtest, outcome_of
from dialer.errors import InputError
from dialer.metrics import Metrics
from dialer.promql import SeriesStore, compile_formula
from dialer.series_log import SeriesLog, read_series

START = 1_767_225_600


@given(st.integers(0, 60), st.floats(0.0, 1.0).map(lambda p: round(p, 3)), st.integers(0, 30))
def test_people_and_agents_who_miss_each_other_are_those_of_the_binomial(
    calls: int, hit_rate: float, agents: int
) -> None:
    """Planted and seen to fail: agents times the chance of fewer people instead of more."""
    chances = [
        comb(calls, k) * hit_rate**k * (1 - hit_rate) ** (calls - k) for k in range(calls + 1)
    ]
    lost, idle = outcome_of(calls, hit_rate, agents)
    assert lost == pytest.approx(
        sum(max(0, k - agents) * c for k, c in enumerate(chances)), abs=1e-9
    )
    assert idle == pytest.approx(
        sum(max(0, agents - k) * c for k, c in enumerate(chances)), abs=1e-9
    )


def test_half_a_call_is_half_of_what_one_more_does() -> None:
    two, three = outcome_of(2, 0.5, 1)[0], outcome_of(3, 0.5, 1)[0]
    assert outcome_of(2.5, 0.5, 1)[0] == pytest.approx((two + three) / 2)


def recorded(seconds: int = 300) -> SeriesStore:
    """Ten agents reserved, two calls for each, every fourth call meets a person."""
    metrics = Metrics()
    metrics.open_campaign("spring")
    log, records, label = SeriesLog(metrics), [], {"campaign": "spring"}
    metrics.members("dialer_agents", **label).update(dict.fromkeys(range(10), "reserved"))
    metrics.gauge("dialer_pacing_target_calls", **label).set(20)
    results = metrics.counters("dialer_call_results_total", **label)
    for second in range(seconds):
        metrics.counter("dialer_call_attempts_total", **label).inc(4)
        results["customer_answered"].inc()
        results["no_user_response"].inc(3)
        record = log.record(START + second)
        assert record is not None
        records.append(record)
    return read_series(records)


def test_the_candidate_stands_beside_what_ran() -> None:
    found = backtest(recorded(), compile_formula("vector(4)"), "spring", per="reserved_agent")
    assert found.live.calls == 20
    assert found.candidate.calls == 40
    assert found.candidate.dials == pytest.approx(2 * found.live.dials)
    assert found.live.dials == pytest.approx(4 * 290)
    assert found.candidate.abandonment > found.live.abandonment > 0
    assert found.candidate.idle_agents < found.live.idle_agents
    assert found.agents_idle == 10
    assert found.results == {"used": 30}


def test_the_same_figure_gives_the_same_judgement() -> None:
    found = backtest(recorded(), compile_formula("vector(2)"), "spring", per="reserved_agent")
    assert found.candidate == found.live


def test_an_absolute_candidate_counts_calls() -> None:
    found = backtest(recorded(), compile_formula("vector(12)"), "spring", per="absolute")
    assert found.candidate.calls == 12


def test_a_candidate_without_a_number_is_progressive() -> None:
    found = backtest(recorded(), compile_formula("vector(1) / 0"), "spring", per="reserved_agent")
    assert found.candidate.calls == 10
    assert found.results == {"not_finite": 30}
    assert found.candidate.abandonment == 0


def test_a_campaign_of_which_nothing_is_recorded_is_bad_input() -> None:
    with pytest.raises(InputError, match="recorded are: spring"):
        backtest(recorded(5), compile_formula("vector(2)"), "winter", per="reserved_agent")
