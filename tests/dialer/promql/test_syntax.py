"""A formula that makes no sense: where it stops doing so, and what should stand there."""

import pytest

from dialer.errors import FormulaError, FormulaSyntaxError
from dialer.promql import SeriesStore, compile_formula


@pytest.mark.parametrize(
    ("text", "character", "says"),
    [
        ("foo bar", 5, "found `bar`, expected an operator or the end"),
        ("sum(x", 6, "the formula ends, expected `)`"),
        ("x[5m", 5, "the formula ends, expected `]`"),
        ("x[five]", 3, "found `five`, expected a duration such as 5m"),
        ("x[5m:ten]", 5, "found `:ten`"),
        ("x{a='b'", 8, "the formula ends, expected `,` or `}`"),
        ("x{a=}", 5, "found `}`, expected a value in quotes"),
        ("x{a b}", 5, "found `b`, expected `=`, `!=`, `=~` or `!~`"),
        ("1 +", 4, "the formula ends, expected a value"),
        ("* 2", 1, "found `*`, expected a value"),
        ("clamp(x, 1 2)", 12, "found `2`, expected an operator, `,` or `)`"),
        ("(x y)", 4, "found `y`, expected an operator or `)`"),
        ("sum by (a b) (x)", 11, "found `b`, expected `,` or `)`"),
        ("x offset", 9, "the formula ends, expected a duration"),
        ("x @ later", 5, "found `later`, expected a time in seconds"),
        ("a / on b", 8, "found `b`, expected `(`"),
        ("rate(x)", 1, "expected a range such as rate(metric[5m])"),
        ("rat(x[5m])", 1, "there is no function rat"),
        ("1 + rat(x)", 5, "there is no function rat"),
        ("holt_winters(x[5m], 0.1, 0.1)", 1, "Prometheus 3 calls it double_exponential_smoothing"),
        ("", 1, "the formula is empty"),
        ("x # a comment\n +", 17, "the formula ends, expected a value"),
    ],
)
def test_an_error_names_the_place_and_what_was_expected(
    text: str, character: int, says: str
) -> None:
    with pytest.raises(FormulaSyntaxError) as caught:
        compile_formula(text)
    assert caught.value.position == character - 1
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x + " * 1100 + "x", "4,096 are allowed"),
        ("é" * 3000, "4,096 are allowed"),
        ("+".join("x" * 1000), "400 are allowed"),
        ("(" * 61 + "x" + ")" * 61, "60 are allowed"),
        ("+".join("x" * 200), "nested more than 120 deep"),
        ("\ud800", "no Unicode"),
        ("x{a=~'('}", "regex"),
        ("1 == 2", "bool"),
        ("x and 1", "set operator"),
        ("sum(x[5m])", "matrix"),
        ("{}", "non-empty matcher"),
        ("x offset 1e30", "parser cannot take it"),  # it panics
        ("x offset 1e15", "too long"),
        ("x[1000000000000000]", "too long"),
        ("(x)[5m:1e15]", "too long"),
    ],
)
def test_other_faults_are_told_in_one_line(text: str, says: str) -> None:
    with pytest.raises(FormulaError, match=says):
        compile_formula(text)


def test_an_error_is_one_line_whatever_it_quotes() -> None:
    with pytest.raises(FormulaSyntaxError) as caught:
        compile_formula("x `a\nb\x07`")
    assert str(caught.value) == "character 3: found ``a b ``, expected an operator or the end"


@pytest.mark.parametrize(
    "text",
    [
        "x @ -5",  # the library panics when it is asked for a time before 1970
        'x{a="@ 7.000"} @ 5',
        "sum_over_time(x[5m:1m] @ -7 offset 3m)",
        '{__name__=~"x|y"}',
        '{"dotted.name"}',
        "x{a='b',}",
        "sum(x) by (a)",
        "- - -x",
        "x[5m:]",
        "((((((x))))))",
        "x # comment",
        "1m30s + x",
    ],
)
def test_what_is_right_is_taken(text: str) -> None:
    compile_formula(text).at(SeriesStore(), 0)


def test_a_pinned_time_is_read_from_its_own_place() -> None:
    store = SeriesStore()
    for t in range(11):
        store.append({"__name__": "x", "a": "@ 7.000"}, t * 1000, t)
    assert compile_formula('x{a="@ 7.000"} @ 5').number(store, 10.0).value == 5
    assert compile_formula('x{a="@ 7.000"}').number(store, 10.0).value == 10
    nested = "sum_over_time((x @ 2)[2s:1s] @ 4)"
    assert compile_formula(nested).number(store, 10.0).value == 4
