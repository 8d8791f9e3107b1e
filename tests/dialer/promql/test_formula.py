"""A formula as its users see it: compile, evaluate, explain, and what it reads."""

import re
from pathlib import Path

import pytest

from dialer.errors import FormulaBudgetError, FormulaEvaluationError, FormulaUnsupportedError
from dialer.promql import Limits, SeriesStore, compile_formula, result_text, semantics_of

STAMPS_S = range(61)


def seconds(**metrics: float) -> SeriesStore:
    """Each metric rises by its number every second for a minute, in campaigns `a` and `b`."""
    store = SeriesStore()
    for second in STAMPS_S:
        for name, step in metrics.items():
            for campaign in "ab":
                store.append({"__name__": name, "campaign": campaign}, second * 1000, second * step)
    return store


def test_the_documentation_s_example_gives_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[3] / "docs" / "formulas.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    exec(compile(code, "docs/formulas.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(
        r"^print\(.*\)  # (.*)$", code, re.MULTILINE
    )


def test_a_number_is_the_campaign_s_own() -> None:
    store = seconds(x_total=2)
    formula = compile_formula("sum by (campaign) (rate(x_total[30s]))")
    assert formula.number(store, 60.0, "a") == (2.0, "used", "")
    assert formula.number(store, 60.0).result == "failed"
    assert formula.number(store, 60.0, "c").result == "empty"
    of_a = compile_formula('rate(x_total{campaign="a"}[30s])')
    assert of_a.number(store, 60.0, "c").result == "empty"
    assert compile_formula("sum(x_total)").number(store, 60.0, "c").value == 240


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("nothing", "empty"),
        ("sum(x_total) / 0", "not_finite"),
        ("0 / 0", "not_finite"),
        ("x_total[5m]", "failed"),
        ("x_total * on() x_total", "failed"),
        ('"text"', "failed"),
        ("scalar(x_total)", "not_finite"),
        ("sum(x_total)", "used"),
    ],
)
def test_a_number_that_is_none_says_why(text: str, result: str) -> None:
    number = compile_formula(text).number(seconds(x_total=1), 60.0)
    assert number.result == result
    assert (number.value is None) == (result != "used") == bool(number.reason)


def test_explain_shows_every_sub_expression_with_its_value() -> None:
    formula = compile_formula("sum(rate(x_total[30s])) / (sum(y) - 3)")
    top = formula.explain(seconds(x_total=1, y=1), 60.0)
    assert top.result is not None
    assert result_text(top.result) == "{} 0.017094017094017096"
    assert [part.text for part in top.parts] == ["sum(rate(x_total[30s]))", "sum(y) - 3"]
    window = top.parts[0].parts[0].parts[0]
    assert window.kind == "matrix"
    assert window.result is not None
    assert "30 samples" in result_text(window.result)


def test_explain_goes_on_where_a_part_fails() -> None:
    top = compile_formula("1 + (x_total * on() x_total)").explain(seconds(x_total=1), 60.0)
    assert "both match" in top.error
    assert top.parts[1].parts[0].error == ""


def test_reads_tell_what_to_keep_and_how_long() -> None:
    reads = compile_formula(
        'max_over_time(sum by (campaign) (rate(x_total{state=~"a|b"}[5m] offset 1m))[10m:1m])'
        " / on (queue) y"
    ).reads
    assert reads.metrics == {"x_total", "y"}
    assert reads.label_names == {"state", "campaign", "queue"}
    assert reads.reach_ms == 16 * 60_000
    assert reads.wants((("__name__", "x_total"), ("state", "a")))
    assert not reads.wants((("__name__", "x_total"), ("state", "c")))
    assert compile_formula("x_total @ 10").reads.reach_ms is None
    assert compile_formula("x_total @ end()").reads.reach_ms == 300_000


def test_what_is_costly_is_refused_by_count_and_not_by_time() -> None:
    store = seconds(x_total=1)
    text = "max_over_time(x_total[1m:1ms])"
    with pytest.raises(FormulaBudgetError, match="60,000 steps"):
        compile_formula(text).at(store, 60_000)
    small = compile_formula("stddev_over_time(x_total[1m])", limits=Limits(operations=100))
    with pytest.raises(FormulaBudgetError, match="more than 100 operations"):
        small.at(store, 60_000)


def test_what_does_not_fit_the_series_says_which() -> None:
    with pytest.raises(FormulaEvaluationError, match=r'x_total\{campaign="b"\}'):
        compile_formula("x_total * on() x_total").at(seconds(x_total=1), 60_000)


@pytest.mark.parametrize(
    "text", ["histogram_avg(x)", "limitk(1, x)", "info(x)", '{a="b" or c="d"}', '"\\xff"']
)
def test_what_is_not_evaluated_here_is_refused_when_compiled(text: str) -> None:
    with pytest.raises(FormulaUnsupportedError):
        compile_formula(text)


def test_semantics_follow_a_server_s_version() -> None:
    assert semantics_of("2.42.0+ds") == "2"
    assert semantics_of("3.5.0") == "3"
    store = seconds(x=1)
    text = "count_over_time(x{campaign='a'}[10s])"
    assert compile_formula(text, "3").number(store, 60.0).value == 10
    assert compile_formula(text, "2").number(store, 60.0).value == 11
