"""What series keep for windows is what a loop over the samples would find."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import DialerError
from dialer.promql import Series, SeriesStore, compile_formula
from dialer.promql.arithmetic import total_of

# Repeated, because what happens to long series is of interest and drawing long lists is slow.
VALUES = st.builds(
    lambda values, times: values * times,
    st.lists(
        st.one_of(
            st.integers(-5, 20).map(float),
            st.floats(-1e6, 1e6),
            st.sampled_from([math.nan, math.inf, -math.inf, 1e300, 1e-300, 0.0]),
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 10),
)


def series_of(values: list[float]) -> Series:
    series = Series((("__name__", "x"),))
    for number, value in enumerate(values):
        series.append(number * 1000, value)
    return series


@given(VALUES, st.data())
def test_a_running_sum_is_the_sum_of_the_window(values: list[float], data: st.DataObject) -> None:
    series = series_of(values)
    high = data.draw(st.integers(1, len(values)))
    low = data.draw(st.integers(0, high - 1))
    window = values[low:high]
    running = series.sum_of(low, high)
    if running is None:
        return
    assert running == pytest.approx(math.fsum(window), rel=1e-12, abs=1e-300)
    assert running == pytest.approx(total_of(window), rel=1e-12, abs=1e-9)


def test_a_running_sum_is_had_for_what_dialers_count() -> None:
    """Not always None: that would agree with everything."""
    series = series_of([float(n % 7) for n in range(3600)])
    assert series.sum_of(3300, 3600) == sum(n % 7 for n in range(3300, 3600))
    assert series_of([0.0, 5.0, 0.0, 0.0]).sum_of(2, 4) == 0.0


def test_a_window_of_small_values_after_large_ones_is_summed_by_itself() -> None:
    series = series_of([*([1e11] * 1000), *([1e-9] * 10)])
    assert series.sum_of(1000, 1010) is None
    store = SeriesStore()
    for number, value in enumerate(series.values):
        store.append({"__name__": "x"}, number * 1000, value)
    sum_of_ten = compile_formula("sum_over_time(x[10s])").number(store, 1009.0)
    assert sum_of_ten.value == pytest.approx(1e-8, rel=1e-12)


@given(VALUES, st.data())
def test_resets_are_the_falls_inside_the_window(values: list[float], data: st.DataObject) -> None:
    series = series_of(values)
    series.drop_before(data.draw(st.integers(0, len(values) - 1)) * 1000)
    left = series.values
    high = data.draw(st.integers(1, len(left)))
    low = data.draw(st.integers(0, high - 1))
    falls = [n for n in range(low + 1, high) if left[n] < left[n - 1]]
    assert series.resets(low, high) == falls


FORMULAS = [
    compile_formula(text)
    for text in (
        *("rate(x[60s])", "increase(x[35s])", "avg_over_time(x[50s])", "sum_over_time(x[20s])"),
        *("resets(x[60s])", "max_over_time(x[60s])", "x", "x offset 30s", "delta(x[90s])"),
    )
]


@pytest.mark.parametrize("seed", range(6))
def test_forgetting_what_is_older_changes_no_answer(seed: int) -> None:
    """Evaluated at each step, as pulses do, while an old end is dropped now and then."""
    draw = random.Random(seed)
    every = draw.choice((1, 10, 150))
    kept, forgetful = SeriesStore(), SeriesStore()
    value = 0.0
    for number in range(600):
        t = number * 1000
        value = 0.0 if draw.random() < 0.05 else value + draw.choice((0.0, 1.0, 2.5))
        sample = value if draw.random() < 0.99 else math.inf
        for store in (kept, forgetful):
            store.append({"__name__": "x"}, t, sample)
        if number % every == 0:
            forgetful.drop_before(t - 90_000)
        for formula in FORMULAS if number % 5 == 0 else ():
            a, b = formula.number(kept, t / 1000), formula.number(forgetful, t / 1000)
            assert a.result == b.result
            if a.value is not None:
                assert a.value == pytest.approx(b.value, rel=1e-12), (formula.text, number)
    assert len(next(iter(forgetful)).values) < 300


def test_what_is_dropped_goes_and_a_series_without_samples_with_it() -> None:
    store = SeriesStore()
    for t in range(1000):
        store.append({"__name__": "x"}, t * 1000, t)
    store.append({"__name__": "y"}, 0, 1)
    before = store.version
    store.drop_before(900_000)
    assert [len(series.values) for series in store] == [100]
    assert store.version is not before
    assert store.select([]) == list(store)


def test_a_series_is_absent_from_its_marker_to_its_next_sample() -> None:
    store = SeriesStore()
    series = store.append({"__name__": "x"}, 1000, 1)
    series.mark_stale(2000)
    formula = compile_formula("x")
    assert formula.number(store, 1.9).value == 1
    assert formula.number(store, 2.0).result == "empty"
    series.append(3000, 5)
    assert formula.number(store, 3.0).value == 5
    assert formula.number(store, 2.5).result == "empty"
    assert compile_formula("sum_over_time(x[5s])").number(store, 3.0).value == 6


@pytest.mark.parametrize("t_ms", [1000, 999])
def test_samples_come_in_rising_time(t_ms: int) -> None:
    series = series_of([1.0, 2.0])
    with pytest.raises(DialerError, match="after one at 1000 ms"):
        series.append(t_ms, 3.0)


def test_a_formula_sees_series_that_come_later() -> None:
    store = SeriesStore()
    formula = compile_formula("sum(x) or vector(0)")
    assert formula.number(store, 0.0).value == 0
    store.append({"__name__": "x", "campaign": "a"}, 1000, 3)
    assert formula.number(store, 1.0).value == 3
    store.append({"__name__": "x", "campaign": "b"}, 1000, 4)
    assert formula.number(store, 1.0).value == 7


def test_one_formula_serves_several_stores_in_turn() -> None:
    stores = [SeriesStore(), SeriesStore()]
    formula = compile_formula("sum by (campaign) (x)")
    for number, store in enumerate(stores):
        store.append({"__name__": "x", "campaign": f"c{number}"}, 0, number)
    for number in (0, 1, 0, 1):
        answer = formula.at(stores[number], 0)
        assert repr(answer).count(f"c{number}") == 1
