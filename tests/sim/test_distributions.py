"""Distributions are what they are written as, and are refused when they cannot be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.laws import Constant, Empirical, Gamma, Law, Lognormal, Mixture, Uniform, Weibull
from sim.variates import keyed
from sim.written import distribution

LAWS: dict[str, Law] = {
    "constant": Constant(12.0),
    "uniform": Uniform(3.0, 9.0),
    "exponential": Gamma(1.0, 40.0),
    "gamma": Gamma(4.0, 2.5),
    "gamma of small shape": Gamma.of_mean(10.0, 2.0),
    "lognormal": Lognormal.of_mean(120.0, 1.0),
    "weibull": Weibull.of_mean(50.0, 0.7),
    "empirical": Empirical([3.0, 1.0, 20.0], [2.0, 1.0, 1.0]),
    "mixture": Mixture([Uniform(1.0, 8.0), Lognormal.of_mean(100.0, 0.5)], [1.0, 3.0]),
}


@pytest.fixture(params=LAWS)
def law(request: pytest.FixtureRequest) -> Law:
    return LAWS[request.param]


def draws(law: Law, size: int = 200_000) -> np.ndarray[Any, np.dtype[np.float64]]:
    return law.draw(np.random.default_rng(7), size)


def test_draws_have_the_mean_and_cv_that_the_law_says(law: Law) -> None:
    drawn = draws(law)
    error = law.mean * law.cv / len(drawn) ** 0.5
    assert drawn.mean() == pytest.approx(law.mean, abs=4 * error + 1e-9)
    assert drawn.std() / law.mean == pytest.approx(law.cv, rel=0.05, abs=1e-9)
    assert drawn.min() >= 0


def test_draws_fall_below_a_value_as_often_as_the_law_says(law: Law) -> None:
    drawn = draws(law)
    for x in np.quantile(drawn, [0.1, 0.5, 0.9, 0.99]) + 1e-9:
        assert (drawn <= x).mean() == pytest.approx(law.cdf(x), abs=0.005)
        assert np.where(drawn <= x, drawn, 0).mean() == pytest.approx(
            law.partial_mean(x), rel=0.03, abs=0.01
        )
    assert law.cdf(-1.0) == 0
    assert law.cdf(1e9) == pytest.approx(1)
    assert law.partial_mean(1e9) == pytest.approx(law.mean)
    assert law.partial_mean(-1.0) == 0


@pytest.mark.parametrize(
    ("written", "mean", "cv"),
    [
        (30, 30, 0),
        ({"distribution": "constant", "value": 0}, 0, 0),
        ({"distribution": "uniform", "low": 0, "high": 10}, 5, 3**-0.5),
        ({"distribution": "uniform", "mean": 5, "cv": 0.2}, 5, 0.2),
        ({"distribution": "exponential", "mean": 4}, 4, 1),
        ({"distribution": "exponential", "rate": 0.25}, 4, 1),
        ({"distribution": "gamma", "mean": 10, "cv": 0.5}, 10, 0.5),
        ({"distribution": "gamma", "mean": 10, "shape": 4}, 10, 0.5),
        ({"distribution": "gamma", "shape": 4, "scale": 2.5}, 10, 0.5),
        ({"distribution": "lognormal", "mean": 120, "cv": 2}, 120, 2),
        ({"distribution": "lognormal", "median": 1, "sigma": 1}, np.exp(0.5), (np.e - 1) ** 0.5),
        ({"distribution": "lognormal", "mu": 0, "sigma": 1}, np.exp(0.5), (np.e - 1) ** 0.5),
        ({"distribution": "weibull", "mean": 10, "cv": 1}, 10, 1),
        ({"distribution": "weibull", "mean": 10, "shape": 1}, 10, 1),
        ({"distribution": "weibull", "shape": 1, "scale": 10}, 10, 1),
        ({"distribution": "weibull", "mean": 10, "cv": 0.05}, 10, 0.05),
        ({"distribution": "weibull", "mean": 10, "cv": 8}, 10, 8),
        ({"distribution": "empirical", "values": [1, 3]}, 2, 0.5),
        ({"distribution": "empirical", "values": [1, 3], "weights": [3, 1]}, 1.5, 3**-0.5),
        (
            {"distribution": "mixture", "parts": [{"weight": 1, "of": 1}, {"weight": 1, "of": 3}]},
            2,
            0.5,
        ),
    ],
)
def test_each_way_of_writing_a_distribution_means_what_it_says(
    written: Any, mean: float, cv: float
) -> None:
    law = distribution(written).law
    assert law.mean == pytest.approx(mean)
    assert law.cv == pytest.approx(cv, abs=1e-12)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("fast", "no distribution"),
        (True, "no distribution"),
        (-1, "greater than or equal to 0"),
        (float("nan"), "finite"),
        ({"distribution": "normal", "mean": 3}, "expected tags"),
        ({"distribution": "gamma", "mean": 3}, "gamma with mean; give mean and cv, or"),
        ({"distribution": "gamma"}, "gamma with no parameters"),
        ({"distribution": "gamma", "mean": 3, "cv": 1, "shape": 1}, "cv and mean and shape"),
        ({"distribution": "lognormal", "mean": 3, "cv": 0}, "greater than 0"),
        ({"distribution": "lognormal", "mean": 0, "cv": 1}, "greater than 0"),
        ({"distribution": "lognormal", "mu": 20, "sigma": 5}, "its mean is"),
        ({"distribution": "uniform", "low": 9, "high": 3}, "low 9 is not below high 3"),
        ({"distribution": "uniform", "mean": 9, "cv": 0.7}, "goes below 0"),
        ({"distribution": "weibull", "mean": 9, "cv": 1e6}, "less than or equal"),
        ({"distribution": "exponential", "rate": 0}, "greater than or equal"),
        ({"distribution": "empirical", "values": []}, "no values"),
        ({"distribution": "empirical", "values": [1, -2]}, "greater than or equal to 0"),
        ({"distribution": "empirical", "values": [1], "weights": [1, 2]}, "2 weights for 1"),
        ({"distribution": "empirical", "values": [1], "weights": [0]}, "all weights are 0"),
        ({"distribution": "empirical", "file": "no-such-file"}, "cannot be read"),
        ({"distribution": "mixture", "parts": []}, "no parts"),
        ({"distribution": "mixture", "parts": [{"weight": 0, "of": 3}]}, "all weights are 0"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(written: Any, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        distribution(written)
    assert reason in str(refused.value)


def test_a_file_gives_its_values_by_line_or_by_column(tmp_path: Path) -> None:
    from pydantic import TypeAdapter

    from sim.distributions import Distribution

    adapter: TypeAdapter[Any] = TypeAdapter(Distribution)
    (tmp_path / "plain.txt").write_text("10\n20\n\n30\n")
    (tmp_path / "calls.csv").write_text("call,talk_s\n1,5\n2,15\n3,\n")
    (tmp_path / "odd.csv").write_text("talk_s\n5\nlong\n")

    def law(**written: str) -> Law:
        given = {"distribution": "empirical", **written}
        made: Law = adapter.validate_python(given, context={"folder": tmp_path}).law
        return made

    assert law(file="plain.txt").mean == 20
    assert law(file="calls.csv", column="talk_s").mean == 10
    with pytest.raises(ValidationError, match=r"odd\.csv line 3: 'long' is no duration"):
        law(file="odd.csv", column="talk_s")
    with pytest.raises(ValidationError, match="has no column 'wrap'; it has call, talk_s"):
        law(file="calls.csv", column="wrap")
    with pytest.raises(ValidationError, match="'call' is no duration"):
        law(file="calls.csv")


def test_a_draw_belongs_to_its_number_whatever_was_drawn_before(law: Law) -> None:
    forward = keyed((1, 0), "talk_s", law.draw)
    backward = keyed((1, 0), "talk_s", law.draw)
    numbers = [0, 1, 1023, 1024, 5000, 300_000, 2**40]
    assert [forward(n) for n in numbers] == [backward(n) for n in reversed(numbers)][::-1]


def test_another_seed_name_or_block_gives_other_draws() -> None:
    law = Gamma(2.0, 1.0)
    streams = [
        keyed((1, 0), "a", law.draw),
        keyed((1, 1), "a", law.draw),
        keyed((2, 0), "a", law.draw),
        keyed((1, 0), "b", law.draw),
    ]
    drawn = np.array([[stream(n) for n in range(2000)] for stream in streams])
    together = np.corrcoef(np.vstack([drawn[:, :976], drawn[:, 1024:]]))
    assert np.abs(together - np.eye(8)).max() < 0.15


def test_a_changed_mean_moves_every_draw_by_the_same_factor() -> None:
    short = keyed(1, "talk_s", Lognormal.of_mean(60.0, 1.0).draw)
    long = keyed(1, "talk_s", Lognormal.of_mean(180.0, 1.0).draw)
    assert [long(n) / short(n) for n in range(100)] == pytest.approx([3.0] * 100)


def test_old_blocks_are_forgotten_and_come_back_the_same() -> None:
    stream = keyed(1, "ring_s", Gamma(4.0, 2.5).draw)
    first = stream(5)
    for block in range(300):
        stream(block * 1024)
    assert stream(5) == first
