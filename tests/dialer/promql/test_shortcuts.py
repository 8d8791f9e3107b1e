"""The ways in which an evaluation is made short change no answer."""

import pytest

from dialer.promql import SeriesStore, compile_formula


def put(store: SeriesStore, name: str, campaign: str, *samples: tuple[int, float]) -> None:
    for t_s, value in samples:
        store.append({"__name__": name, "campaign": campaign}, t_s * 1000, value)


def test_what_stands_twice_is_evaluated_anew_at_each_instant() -> None:
    store = SeriesStore()
    put(store, "x", "a", (0, 1), (10, 2), (20, 3))
    formula = compile_formula("sum(x) + sum(x)")
    assert formula.over(store, 0, 20_000, 10_000).series[0].values == (2, 4, 6)
    inside = compile_formula("sum_over_time((sum(x) * sum(x))[30s:10s])")
    assert inside.number(store, 20.0).value == 1 + 4 + 9


def test_elements_match_by_labels_in_whatever_order_they_come() -> None:
    store = SeriesStore()
    put(store, "x", "a", (0, 1))
    put(store, "x", "b", (0, 2))
    put(store, "y", "b", (0, 20))
    put(store, "y", "a", (0, 10))
    for op, expected in (("+", (11, 22)), ("-", (-9, -18)), ("*", (10, 40)), ("/", (0.1, 0.1))):
        formula = compile_formula(f"x {op} y")
        found = tuple(formula.number(store, 0.0, campaign).value for campaign in "ab")
        assert found == expected


def test_each_series_has_a_window_of_its_own() -> None:
    """Places of samples are guessed from the series before; here each guess is wrong."""
    store = SeriesStore()
    put(store, "x", "late", *((t, t) for t in range(50, 61)))
    put(store, "x", "whole", *((t, t) for t in range(61)))
    put(store, "x", "half", *((t, t) for t in range(20, 61)))
    put(store, "x", "sparse", *((t, t) for t in range(0, 61, 10)))
    put(store, "x", "whole again", *((t, t) for t in range(61)))
    for text, expected in (
        (
            "count_over_time(x[30s])",
            {"late": 11, "whole": 30, "half": 30, "sparse": 3, "whole again": 30},
        ),
        ("delta(x[30s])", {"late": 10.5, "whole": 30, "half": 30, "sparse": 30, "whole again": 30}),
    ):
        formula = compile_formula(text)
        found = {campaign: formula.number(store, 60.0, campaign).value for campaign in expected}
        assert found == pytest.approx(expected)
