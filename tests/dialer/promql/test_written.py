"""A formula's parts as text: what is put back where it stood means the same."""

import random

import pytest

from dialer.errors import FormulaError
from dialer.promql import compile_formula
from dialer.promql.syntax import parse
from dialer.promql.written import Written
from tests.dialer.promql.fuzz import T_MS, Grammar, world


def parts(of: Written) -> list[Written]:
    return [of, *(part for one in of.parts for part in parts(one))]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_written_again_gives_the_same_answer(seed: int) -> None:
    grammar, store = Grammar(random.Random(seed)), world()
    compared = 0
    for _ in range(150):
        text = grammar.formula()
        try:
            before = repr(compile_formula(text).at(store, T_MS))
        except FormulaError:
            continue
        again = Written(parse(text)).text()
        assert repr(compile_formula(again).at(store, T_MS)) == before, (text, again)
        compared += 1
    assert compared > 60


def test_a_part_can_be_written_in_another_s_place() -> None:
    whole = Written(parse("sum by(a)(rate(x[5m]))/on(a)group_left(b)(y>bool 3)"))
    assert whole.text() == "sum by (a) (rate(x[5m])) / on (a) group_left (b) (y > bool 3)"
    rate = next(part for part in parts(whole) if part.text() == "rate(x[5m])")
    assert "sum by (a) (delta(z[1m])) /" in whole.text({rate: "delta(z[1m])"})
    long = "sum by (a) (" + " + ".join(["metric_with_a_long_name"] * 20) + ")"
    assert "\n" not in Written(parse(long)).text()
