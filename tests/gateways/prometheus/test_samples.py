"""Recorded samples, in each form that Prometheus' tools write."""

import pytest

from dialer.errors import InputError
from dialer.promql import SeriesStore
from gateways.prometheus.samples import read_samples

OPEN_METRICS = """\
# TYPE dialer_agents gauge
dialer_agents{campaign="spring",state="ready"} 3 1700000000.250
dialer_agents{campaign="spring",state="ready"} 4 1700000001 # {id="x"} 1
up 1 1700000000
# EOF
"""
DUMP = """\
{__name__="dialer_agents", campaign="spring", state="ready"} 3 1700000000250
{__name__="dialer_agents", campaign="spring", state="ready"} 4 1700000001000
{__name__="up"} 1 1700000000000
"""


def samples(store: SeriesStore) -> dict[str, list[tuple[int, float]]]:
    return {str(one): list(zip(one.stamps_ms, one.values, strict=True)) for one in store}


@pytest.mark.parametrize("text", [OPEN_METRICS, DUMP], ids=["openmetrics", "promtool dump"])
def test_each_form_gives_the_same_series(text: str) -> None:
    assert samples(read_samples(text, "x")) == {
        'dialer_agents{campaign="spring", state="ready"}': [
            (1700000000250, 3.0),
            (1700000001000, 4.0),
        ],
        "up": [(1700000000000, 1.0)],
    }


def test_lines_may_come_in_any_order_and_hold_any_value() -> None:
    text = 'x{a="q\\"\\n\\\\ }, b"} NaN 3000\nx{a="z"} +Inf 2\ny -1e-3 5\ny 7 4\ny 8 5\n'
    store = read_samples(text, "x")
    assert next(one.labels for one in store) == (("__name__", "x"), ("a", 'q"\n\\ }, b'))
    assert samples(store)["y"] == [(4, 7.0), (5, 8.0)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x 1\n", "f:1: `x 1` is no sample with its time"),
        ("# only a comment\n", "f: it holds no samples"),
        ("x 1 1\nx one 2\n", "f:2: its value or time is no number"),
        ("x{a} 1 1\n", "f:1: `a` is no label"),
    ],
)
def test_what_is_no_sample_is_told_by_its_line(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_samples(text, "f")
    assert str(caught.value).startswith(says)
