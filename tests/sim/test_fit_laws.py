"""Laws are found again from samples of them, with what was cut short and what could not be seen."""

import numpy as np
import pytest

from sim.fit.dayparts import share_parts, value_parts
from sim.fit.durations import candidates, chosen, constant_of, misfit
from sim.fit.outcome_mix import as_scenario, burst_of, censoring_weights
from sim.fit.records import CallRecord
from sim.fit.samples import Sample
from sim.laws import Gamma, Law, Lognormal, Mixture, Weibull
from sim.written import distribution

LAWS: dict[str, Law] = {
    "exponential": Gamma(1.0, 90.0),
    "gamma": Gamma.of_mean(10.0, 0.5),
    "weibull": Weibull.of_mean(30.0, 0.4),
    "lognormal": Lognormal.of_mean(120.0, 1.0),
    "mixture": Mixture([Lognormal.of_mean(5.0, 0.4), Lognormal.of_mean(150.0, 0.8)], [0.3, 0.7]),
}


def cut_at_random(law: Law, size: int, seed: int) -> Sample:
    """Durations of which some are cut short, by something that knows nothing of them."""
    generator = np.random.default_rng(seed)
    whole = law.draw(generator, size)
    limit = generator.exponential(2 * law.mean, size)
    return Sample.of(whole[whole <= limit], limit[whole > limit])


@pytest.mark.parametrize("name", list(LAWS))
def test_a_law_is_found_again_though_a_third_of_it_was_cut_short(name: str) -> None:
    law = LAWS[name]
    sample = cut_at_random(law, 3000, 7)
    assert len(sample.cut) > 0.2 * 3000
    best = chosen(candidates(sample))
    assert best.law.mean == pytest.approx(law.mean, rel=0.08)
    for quantile in (0.5, 1.0, 2.0):
        x = quantile * law.mean
        assert best.law.cdf(x) == pytest.approx(law.cdf(x), abs=0.03)
    # The one that ignores the cutting is far off, so the test can fail.
    naive = Sample.of(np.concatenate([sample.seen, sample.cut]))
    assert chosen(candidates(naive)).law.mean < 0.85 * law.mean


@pytest.mark.parametrize("name", ["gamma", "lognormal", "weibull", "exponential"])
def test_a_large_sample_names_its_own_family(name: str) -> None:
    drawn = LAWS[name].draw(np.random.default_rng(3), 5000)
    sample = Sample.of(drawn)
    best = chosen(candidates(sample))
    assert best.name == name
    assert misfit(sample, best.law) < 0.02


def test_ringing_that_outlasts_the_limit_is_known_to_be_missing() -> None:
    law = Gamma.of_mean(10.0, 0.5)
    drawn = law.draw(np.random.default_rng(5), 6000)
    limit_s = 12.0
    best = chosen(candidates(Sample.of(drawn[drawn <= limit_s], limit_s=limit_s)))
    assert best.law.cdf(limit_s) == pytest.approx(law.cdf(limit_s), abs=0.06)
    blind = chosen(candidates(Sample.of(drawn[drawn <= limit_s])))
    assert blind.law.cdf(limit_s) > 0.95 > law.cdf(limit_s) + 0.2


def test_a_constant_is_a_constant_and_what_no_law_fits_is_kept_as_it_was_seen() -> None:
    assert constant_of(Sample.of([2.0, 2.001, 1.999] * 20)) == pytest.approx(2.0, abs=0.01)
    generator = np.random.default_rng(1)
    odd = np.concatenate([np.full(400, 5.0), generator.uniform(60, 61, 800)])
    best = chosen(candidates(Sample.of(odd)))
    assert best.law.mean == pytest.approx(odd.mean(), rel=0.02)
    assert distribution(best.written).law.cv == pytest.approx(odd.std() / odd.mean(), rel=0.05)


def day_of_shares(
    shares: list[float], seed: int, days: int = 5, burst_cv: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Calls of a day whose half hours from nine have these shares of hits."""
    generator = np.random.default_rng(seed)
    seconds, number, hits = [], [], []
    for day in range(days):
        for place, share in enumerate(shares):
            for period in range(3):
                factor = generator.gamma(burst_cv**-2, burst_cv**2) if burst_cv else 1.0
                at = 32400 + place * 1800 + period * 600 + generator.uniform(0, 600, 100)
                seconds.append(np.sort(at))
                number.append(np.full(100, day))
                hits.append(generator.random(100) < share * factor)
    return np.concatenate(seconds), np.concatenate(number), np.concatenate(hits).astype(float)


def test_a_day_that_does_not_change_is_not_cut_even_where_answers_come_in_bursts() -> None:
    cut = 0
    spread = 0.0
    for seed in range(40):
        seconds, days, hits = day_of_shares([0.2] * 12, seed, burst_cv=0.2)
        parts, dispersion = share_parts(seconds, days, hits, np.ones(len(hits)))
        cut += parts.changes
        spread += dispersion / 40
    assert cut <= 2
    # A burst adds n p cv^2 / (1 - p) to the variance, in units of the binomial one.
    assert spread == pytest.approx(1 + 100 * 0.2 * 0.2**2 / 0.8, rel=0.15)


def test_a_day_is_cut_where_it_changes() -> None:
    seconds, days, hits = day_of_shares([0.15] * 4 + [0.25] * 5 + [0.18] * 3, 2, burst_cv=0.1)
    parts, _ = share_parts(seconds, days, hits, np.ones(len(hits)))
    assert parts.starts == (32400, 32400 + 4 * 1800, 32400 + 9 * 1800)
    assert parts.part_of(0) == 2  # the night is as the evening was
    talks = np.where(
        seconds < 32400 + 6 * 1800,
        np.random.default_rng(1).lognormal(4.5, 1, len(seconds)),
        np.random.default_rng(2).lognormal(4.8, 1, len(seconds)),
    )
    assert value_parts(seconds, talks).starts == (32400, 32400 + 6 * 1800)
    assert not value_parts(seconds, np.random.default_rng(3).permutation(talks)).changes


def test_bursts_are_found_with_their_period_and_strength_and_only_where_they_are() -> None:
    def since(seconds: np.ndarray, days: np.ndarray) -> np.ndarray:
        return days * 86400.0 + seconds - 32400

    seconds, days, hits = day_of_shares([0.2] * 16, 4, burst_cv=0.3)
    burst = burst_of(since(seconds, days), hits, np.full(len(hits), 0.2))
    assert burst is not None
    assert burst.every_s == 600
    assert burst.cv == pytest.approx(0.3, abs=0.06)
    found = 0
    for seed in range(40):
        seconds, days, hits = day_of_shares([0.2] * 8, seed)
        found += burst_of(since(seconds, days), hits, np.full(len(hits), 0.2)) is not None
    assert found <= 2


def test_calls_that_we_cancelled_are_spoken_for_by_those_that_rang_as_long() -> None:
    """Half of what rings for 15 s is cancelled; most of that would not have been answered."""
    generator = np.random.default_rng(6)
    calls, true_live = [], 0
    for _ in range(20_000):
        live = generator.random() < 0.3
        after_s = generator.gamma(4, 2.5) if live else 25.0
        if after_s > 25:
            live, after_s = False, 25.0
        true_live += live
        if after_s > 15 and generator.random() < 0.5:
            calls.append(CallRecord(0.0, 0.0, ended_at=15.0, outcome="cancelled"))
        elif live:
            calls.append(CallRecord(0.0, 0.0, after_s, ended_at=60.0, outcome="customer_answered"))
        else:
            calls.append(CallRecord(0.0, 0.0, ended_at=after_s, outcome="no_user_response"))
    weights = censoring_weights(calls)
    kinds = np.asarray([record.kind for record in calls])
    share = weights[kinds == "live"].sum() / weights.sum()
    assert share == pytest.approx(true_live / 20_000, abs=0.004)
    kept = kinds != ""
    assert (kinds[kept] == "live").mean() > true_live / 20_000 + 0.05


def test_recorded_shares_become_the_scenarios() -> None:
    limit = Gamma.of_mean(10.0, 0.5).cdf(12.0)
    true = {"live": 0.3, "machine": 0.2, "no_answer": 0.4, "busy": 0.1}
    recorded = {
        "live": 0.3 * limit,
        "machine": 0.2,
        "no_answer": 0.4 + 0.3 * (1 - limit),
        "busy": 0.1,
    }
    assert as_scenario(recorded, limit, 0.0) == pytest.approx(true)
    assert as_scenario({**true, "machine": 0.24, "no_answer": 0.36}, 1.0, 0.1) == pytest.approx(
        true
    )
