"""Cells become series."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.metrics import Metrics
from dialer.promql import Vector, compile_formula
from dialer.promql import labels as label_sets
from dialer.sampler import LONGEST_KEPT_MS, Sampler, series_of

START = 1_767_225_600


def sampler_for(*formulas: str, metrics: Metrics | None = None) -> tuple[Metrics, Sampler]:
    metrics = metrics or Metrics()
    metrics.open_campaign("spring")
    sampler = Sampler(metrics, "127.0.0.1:9464")
    sampler.keep([compile_formula(text).reads for text in formulas])
    return metrics, sampler


def value(sampler: Sampler, formula: str, at: float) -> float | None:
    return compile_formula(formula).number(sampler.store, at).value


def names(sampler: Sampler) -> set[str]:
    return {label_sets.get(series.labels, "__name__") for series in sampler.store}


def test_only_what_a_formula_reads_is_sampled():
    _, sampler = sampler_for(
        'dialer_agents{state="ready"}', "sum(rate(dialer_call_attempts_total[1m]))"
    )
    sampler.tick(START)
    assert names(sampler) == {"dialer_agents", "dialer_call_attempts_total"}
    assert len(sampler.store) == 2


def test_without_a_formula_nothing_is_sampled():
    _, sampler = sampler_for()
    sampler.tick(START)
    assert len(sampler.store) == 0


def test_stamps_are_whole_milliseconds_and_labels_are_those_of_a_scrape():
    metrics, sampler = sampler_for("dialer_call_attempts_total or up")
    metrics.counter("dialer_call_attempts_total", campaign="spring").inc(3)
    sampler.tick(START + 0.0004)
    sampler.tick(START + 1.0006)
    found = {label_sets.text(s.labels): (s.stamps_ms, s.values) for s in sampler.store}
    own = 'instance="127.0.0.1:9464", job="foredial"'
    stamps = [START * 1000, START * 1000 + 1001]
    assert found == {
        f'dialer_call_attempts_total{{campaign="spring", {own}}}': (stamps, [3.0, 3.0]),
        f"up{{{own}}}": (stamps, [1.0, 1.0]),
    }


def test_what_is_read_from_now_on_has_its_first_sample_at_once():
    """Else the first events after a formula is watched would never count."""
    metrics, sampler = sampler_for()
    sampler.tick(START)
    sampler.keep([compile_formula("increase(dialer_call_attempts_total[1m])").reads])
    sampler.begin(START)
    metrics.counter("dialer_call_attempts_total", campaign="spring").inc(10)
    sampler.tick(START + 1)
    assert value(sampler, "sum(increase(dialer_call_attempts_total[1m]))", START + 1) == 10
    sampler.begin(START + 1)
    sampler.tick(START + 2)
    assert [series.values for series in sampler.store] == [[0.0, 10.0, 10.0]]


def test_a_clock_that_stands_still_adds_no_second_sample():
    _, sampler = sampler_for("up")
    sampler.tick(START)
    sampler.tick(START)
    sampler.tick(START + 0.0001)
    assert [series.values for series in sampler.store] == [[1.0]]


def test_a_series_that_is_gone_is_absent_at_once():
    metrics, sampler = sampler_for("count(dialer_agents)")
    sampler.tick(START)
    assert value(sampler, "count(dialer_agents)", START) is not None
    metrics.close_campaign("spring")
    sampler.tick(START + 1)
    assert value(sampler, "count(dialer_agents)", START + 1) is None
    metrics.open_campaign("spring")
    sampler.tick(START + 2)
    assert value(sampler, "count(dialer_agents)", START + 2) is not None


def test_a_campaign_that_opens_is_sampled_from_the_next_tick():
    metrics, sampler = sampler_for("sum by (campaign) (dialer_agents)")
    sampler.tick(START)
    metrics.open_campaign("autumn")
    metrics.members("dialer_agents", campaign="autumn").update(dict.fromkeys("abcd", "ready"))
    sampler.tick(START + 1)
    formula = compile_formula("sum by (campaign) (dialer_agents)")
    assert formula.number(sampler.store, START + 1, "autumn").value == 4


def test_histograms_are_cumulative_buckets_a_sum_and_a_count():
    metrics, sampler = sampler_for(
        "histogram_quantile(0.5, sum by (le) (dialer_call_talk_duration_seconds_bucket))",
        "dialer_call_talk_duration_seconds_sum",
        "dialer_call_talk_duration_seconds_count",
    )
    talk = metrics.histogram("dialer_call_talk_duration_seconds", campaign="spring")
    for seconds in (3.0, 7.0, 7.0, 9000.0):
        talk.observe(seconds)
    sampler.tick(START)
    bucket = "sum(dialer_call_talk_duration_seconds_bucket{le='%s'})"
    assert value(sampler, bucket % "5.0", START) == 1
    assert value(sampler, bucket % "10.0", START) == 3
    assert value(sampler, bucket % "3600.0", START) == 3
    assert value(sampler, bucket % "+Inf", START) == 4
    assert value(sampler, "dialer_call_talk_duration_seconds_sum", START) == 9017
    assert value(sampler, "dialer_call_talk_duration_seconds_count", START) == 4


def test_samples_are_kept_as_long_as_a_formula_looks_back_and_hardly_longer():
    _, sampler = sampler_for("sum(rate(dialer_call_attempts_total[2m]))")
    for second in range(3600):
        sampler.tick(START + second)
    (series,) = sampler.store
    assert series.stamps_ms[-1] - series.stamps_ms[0] >= 120_000
    assert len(series.stamps_ms) < 120 + 2 + 60 + 64


def test_a_formula_that_reaches_further_keeps_more():
    _, sampler = sampler_for("up offset 10m", "up")
    for second in range(2000):
        sampler.tick(START + second)
    assert value(sampler, "up offset 10m", START + 1999) == 1


def test_a_pinned_time_keeps_no_more_than_a_day():
    _, sampler = sampler_for("up @ 0")
    assert sampler._kept_ms <= LONGEST_KEPT_MS + 10_000


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["open a", "open b", "close a", "close b", "tick"]), max_size=40))
def test_whatever_comes_and_goes_what_is_seen_is_what_is_there(steps: list[str]):
    """Planted and seen to fail: no staleness marker; a plan that keeps the cells of a campaign
    which was closed and opened again."""
    metrics, sampler = sampler_for("dialer_call_attempts_total")
    metrics.close_campaign("spring")
    formula, at = compile_formula("dialer_call_attempts_total"), START
    for step in [*steps, "tick"]:
        action, _, title = step.partition(" ")
        if action == "open":
            metrics.open_campaign(title)
            metrics.counter("dialer_call_attempts_total", campaign=title).inc()
        elif action == "close":
            metrics.close_campaign(title)
        else:
            at += 1
            sampler.tick(at)
            seen = formula.at(sampler.store, at * 1000)
            assert isinstance(seen, Vector)
            there = {
                label_sets.get(labels, "campaign"): read()
                for labels, read in series_of(metrics)
                if label_sets.get(labels, "__name__") == "dialer_call_attempts_total"
            }
            assert {label_sets.get(s.labels, "campaign"): s.value for s in seen.samples} == there


@pytest.mark.parametrize("formula", ["dialer_agents", "dialer_call_ring_duration_seconds_bucket"])
def test_every_series_has_its_own_cell(formula: str):
    _, sampler = sampler_for(formula)
    sampler.tick(START)
    assert len({series.labels for series in sampler.store}) == len(sampler.store) > 5
