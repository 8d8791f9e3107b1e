"""Prometheus' own evaluation tests give here what they give there."""

from collections import Counter

import pytest

from tests.dialer.promql import corpus

pytestmark = pytest.mark.skipif(
    not corpus.FOLDER.is_dir(),
    reason=f"no PromQL corpus at {corpus.FOLDER}: say where it is with PROMQL_CORPUS",
)

# Of each file: evaluations that pass, and those whose answer depends on native histograms.
EXPECTED = {
    "aggregators.test": (122, 34),
    "at_modifier.test": (45, 0),
    "collision.test": (2, 0),
    "functions.test": (313, 49),
    "histograms.test": (56, 60),
    "literals.test": (20, 0),
    "name_label_dropping.test": (20, 0),
    "operators.test": (136, 69),
    "range_queries.test": (8, 0),
    "selectors.test": (31, 0),
    "staleness.test": (17, 0),
    "subquery.test": (32, 2),
    "trig_functions.test": (19, 0),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_evaluation_gives_what_prometheus_3_gives(name: str) -> None:
    """With the option that a name is dropped at the end, under which Prometheus runs them."""
    outcomes = corpus.run(corpus.FOLDER / name)
    wrong = [
        (o.evaluation.line, o.evaluation.text, o.said) for o in outcomes if o.verdict == "fail"
    ]
    assert wrong == []
    counts = Counter(o.verdict for o in outcomes)
    passed, native = EXPECTED[name]
    assert (counts["pass"], counts[corpus.NATIVE]) == (passed, native)


def test_without_that_option_only_its_own_evaluations_differ() -> None:
    wrong = {
        (name, outcome.evaluation.line)
        for name in EXPECTED
        for outcome in corpus.run(corpus.FOLDER / name, delayed_name_removal=False)
        if outcome.verdict == "fail"
    }
    assert wrong == {("name_label_dropping.test", line) for line in (51, 56, 61, 66, 80)}
