"""Whatever the text, there is an answer or a FormulaError, and soon."""

from tests.dialer.promql.fuzz import fuzz


def test_no_formula_crashes_or_hangs() -> None:
    """`python -m tests.dialer.promql.fuzz` tries a hundred thousand."""
    tally = fuzz(1500, seed=2026)
    assert tally.faults == []
    assert tally.counts["right: answer"] > 500
    assert tally.counts["damaged: FormulaSyntaxError"] > 100
