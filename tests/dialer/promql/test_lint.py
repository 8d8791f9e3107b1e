"""What is wrong with a formula is told before it dials, and the mended one is better."""

import math
import random

import pytest

from dialer.promql import SeriesStore, compile_formula
from dialer.promql.facts import Facts
from dialer.promql.judgement import Judge
from dialer.promql.known import known_metrics
from dialer.promql.labels import get
from dialer.promql.lint import lint, mend
from dialer.promql.syntax import parse
from dialer.promql.written import Written

BY = "sum by (campaign)"
CALLS = "dialer_call_results_total"
ANSWERED = f'{CALLS}{{result="customer_answered"}}'
GOOD = (
    f"clamp({BY} (rate({CALLS}[5m])) / ({BY} (rate({ANSWERED}[5m])) > 0), 1, 3)"
    f" or on (campaign) {BY} (dialer_campaign_info)"
)


def test_nothing_is_found_in_a_good_formula() -> None:
    assert lint(GOOD) == []
    assert mend(GOOD) == GOOD


WRONG = [
    ("syntax", "rate(", ""),
    ("syntax", "x[5m]", ""),
    (
        "unknown_metric",
        f"{BY} (dialer_agent)",
        "sum by (campaign) (dialer_agents)",
    ),
    (
        "unknown_label",
        f'{BY} (dialer_agents{{stat="ready"}})',
        'sum by (campaign) (dialer_agents{state="ready"})',
    ),
    ("unknown_label", "sum by (campain) (dialer_agents)", "sum by (campaign) (dialer_agents)"),
    (
        "unknown_value",
        f'{BY} (dialer_agents{{state="wrapup"}})',
        'sum by (campaign) (dialer_agents{state="wrap_up"})',
    ),
    (
        "unknown_value",
        f'{BY} (dialer_agents{{state=~"ready|reservd"}})',
        'sum by (campaign) (dialer_agents{state=~"ready|reserved"})',
    ),
    (
        "missing_sum_by",
        'dialer_agents{state="ready"} + dialer_agents{state="wrap_up"}',
        'sum by (campaign) (dialer_agents{state="ready"})'
        ' + sum by (campaign) (dialer_agents{state="wrap_up"})',
    ),
    (
        "missing_sum_by",
        f"{BY} (dialer_agents) * dialer_campaign_info",
        "sum by (campaign) (dialer_agents) * sum by (campaign) (dialer_campaign_info)",
    ),
    (
        "missing_sum_by",
        "dialer_agents",
        "sum by (campaign) (dialer_agents)",
    ),
    (
        "missing_sum_by",
        f"{BY} (dialer_agents) * on (campaign) dialer_calls_in_progress",
        "sum by (campaign) (dialer_agents) * on (campaign) "
        "sum by (campaign) (dialer_calls_in_progress)",
    ),
    ("missing_sum_by", "sum(dialer_agents)", "sum by (campaign) (dialer_agents)"),
    (
        "hard_coded_campaign",
        f'{BY} (dialer_agents{{campaign="spring", state="ready"}})',
        'sum by (campaign) (dialer_agents{state="ready"})',
    ),
    (
        "short_window",
        f"{BY} (rate({CALLS}[3s])) or {BY} (dialer_campaign_info)",
        f"sum by (campaign) (rate({CALLS}[4s])) or sum by (campaign) (dialer_campaign_info)",
    ),
    (
        "zero_denominator",
        f"clamp({BY} (dialer_agents) / {BY} (dialer_calls_in_progress), 1, 3)",
        f"clamp({BY} (dialer_agents) / ({BY} (dialer_calls_in_progress) > 0), 1, 3)",
    ),
    ("zero_denominator", f"{BY} (dialer_agents) / 0", ""),
    (
        "nan",
        f"sqrt({BY} (dialer_agents) - 3)",
        f"(sqrt({BY} (dialer_agents) - 3) >= 0)",
    ),
    ("nan", "scalar(dialer_agents) + 1", ""),
    (
        "missing_clamp",
        f"{BY} (dialer_agents) / ({BY} (dialer_calls_in_progress) > 0)",
        f"clamp({BY} (dialer_agents) / ({BY} (dialer_calls_in_progress) > 0), 1, 3)",
    ),
    (
        "cold_start",
        f"clamp({BY} (dialer_agents) / ({BY} (dialer_calls_in_progress) > 0), 1, 3)",
        f"(clamp({BY} (dialer_agents) / ({BY} (dialer_calls_in_progress) > 0), 1, 3) > 0)"
        f" or on (campaign) {BY} (dialer_campaign_info)",
    ),
]


@pytest.mark.parametrize(("rule", "text", "mended"), WRONG)
def test_each_rule_finds_and_mends(rule: str, text: str, mended: str) -> None:
    found = [finding for finding in lint(text) if finding.rule == rule]
    assert found
    assert found[0].mended == mended
    assert found[0].mend
    if mended:
        again = [finding for finding in lint(mended) if finding.rule == rule]
        assert again == []


@pytest.mark.parametrize(
    "text",
    [
        # Guards that people write.
        f"clamp({BY} (dialer_agents) / {BY} (dialer_calls_in_progress), 1, 3)"
        f" and on (campaign) {BY} (dialer_calls_in_progress) > 10",
        f"{BY} (dialer_agents) / clamp_min({BY} (dialer_calls_in_progress), 1)",
        f"{BY} (dialer_agents) / ({BY} (dialer_calls_in_progress) + 1)",
        f"{BY} (dialer_agents) / ({BY} (dialer_calls_in_progress) != 0)",
        f"{BY} (dialer_agents) / 60",
        f"{BY} (dialer_agents) / count by (campaign) (dialer_agents)",
    ],
)
def test_a_guarded_denominator_is_none_of_its_business(text: str) -> None:
    assert "zero_denominator" not in {finding.rule for finding in lint(text)}


def test_a_bounded_part_of_a_ratio_needs_no_clamp() -> None:
    share = f"1 - exp(-{BY} (dialer_agents) / ({BY} (dialer_calls_in_progress) > 0))"
    assert "missing_clamp" not in {f.rule for f in lint(f"{BY} (dialer_agents) * ({share})")}


def test_a_window_is_short_by_the_interval_of_the_samples() -> None:
    text = f"{BY} (rate({CALLS}[30s]))"
    assert [f.rule for f in lint(text)] == ["cold_start"]
    found = lint(text, interval_s=15)[0]
    assert (found.rule, "[60s]" in found.mended) == ("short_window", True)


def test_mending_goes_on_until_nothing_is_left_to_mend() -> None:
    mended = mend('dialer_agents{state="redy", campaign="spring"} / dialer_calls_in_progress')
    assert mended == (
        'clamp(sum by (campaign) (dialer_agents{state="ready"})'
        " / (sum by (campaign) (dialer_calls_in_progress) > 0), 1, 3)"
    )
    assert [finding.level for finding in lint(mended)] == ["note"]


STATES = ("ready", "reserved", "talking")


class Formulas:
    """Formulas of one number per campaign over the catalogue's metrics."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def vector(self, depth: int) -> str:
        draw = self._draw
        if depth == 0:
            return draw.choice(
                (
                    f'{BY} (dialer_agents{{state="{draw.choice(STATES)}"}})',
                    f"{BY} (dialer_agents)",
                    f"{BY} (rate(dialer_call_attempts_total[30s]))",
                    f"{BY} (dialer_campaign_info)",
                    "avg by (campaign) (avg_over_time(dialer_agents[20s]))",
                    "max by (campaign) (dialer_campaign_abandonment_target_ratio)",
                    "count by (campaign) (dialer_agents)",
                    f"{BY} (increase(dialer_call_attempts_total[40s]))",
                )
            )
        one, other = self.vector(depth - 1), self.vector(depth - 1)
        a, b = sorted((draw.choice((-2, -1, 0, 0.5, 1, 3)), draw.choice((0, 1, 2.5, 4))))
        return draw.choice(
            (
                f"({one} {draw.choice('+-*/')} {other})",
                f"({one} {draw.choice('+-*/')} {a})",
                f"({b} {draw.choice('+-*/')} {one})",
                f"clamp({one}, {a}, {b})",
                f"clamp_min({one}, {a})",
                f"clamp_max({one}, {b})",
                f"{draw.choice(('abs', 'ceil', 'floor', 'round', 'exp', 'sgn', 'sqrt'))}({one})",
                f"({one} {draw.choice(('>', '<', '>=', '<=', '==', '!='))} {a})",
                f"({b} {draw.choice(('>', '<', '>=', '<=', '==', '!='))} {one})",
                f"({one} {draw.choice(('>', '<', '>=', '!='))} bool {other})",
                f"({one} or {other})",
                f"({one} unless {other})",
                f"-({one})",
            )
        )


def world(draw: random.Random) -> SeriesStore:
    store = SeriesStore()
    total = {"a": 0.0, "b": 0.0}
    for second in range(12):
        for campaign in ("a", "b"):
            labels = {"campaign": campaign, "job": "foredial", "instance": "i"}
            total[campaign] += draw.choice((0, 0, 0, 1))
            rows = [
                ("dialer_call_attempts_total", {}, total[campaign]),
                ("dialer_campaign_info", {}, 1),
                ("dialer_campaign_abandonment_target_ratio", {}, 0.03),
                *(("dialer_agents", {"state": s}, draw.choice((0, 0, 1, 2, 7))) for s in STATES),
            ]
            for name, more, value in rows:
                store.append({"__name__": name, **labels, **more}, second * 1000, value)
    return store


@pytest.mark.parametrize("seed", range(12))
def test_no_value_lies_outside_what_is_said_to_be_possible(seed: int) -> None:
    """On random formulas and samples: interval, NaN, emptiness and labels are what was foretold."""
    draw = random.Random(seed)
    formulas, judge = Formulas(draw), Judge(known_metrics())
    bounded = 0
    for _ in range(150):
        text = formulas.vector(draw.choice((1, 2, 3, 4)))
        facts: Facts = judge.facts(Written(parse(text)))
        result = compile_formula(text).at(world(draw) if draw.random() < 0.1 else _WORLD, 59_000)
        samples = result.samples  # type: ignore[union-attr]
        for sample in samples:
            if math.isnan(sample.value):
                assert facts.nan, text
            else:
                assert facts.low <= sample.value <= facts.high, (text, facts, sample)
            assert {name for name, _ in sample.labels} <= (facts.labels or {"campaign"})
        if not facts.empty:
            assert {get(sample.labels, "campaign") for sample in samples} == {"a", "b"}, text
        bounded += math.isfinite(facts.high) or facts.low >= 0
    assert bounded > 40


_WORLD = world(random.Random(1))
