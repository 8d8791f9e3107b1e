"""What the catalogue says of a series: its labels, their values, and what its numbers can be.

The rule of this module: it knows the names that Prometheus sees: a histogram is its buckets, sum
and count, and every series has the `job` and `instance` of the daemon that it is of.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from dialer.metric_catalogue import CATALOGUE, Metric

TARGET = frozenset({"job", "instance"})
"""Labels that every series has, and that an aggregation drops."""

_PARTS = ("_bucket", "_sum", "_count")
_IS_A_STATE = ("_alarm", "_up", "_breaker")


class Known(NamedTuple):
    """One metric as formulas see it.

    kind: "counter" or "gauge". values: of each label whose values are enumerated. low, high: what
        its numbers can be.
    """

    kind: str
    labels: frozenset[str]
    values: Mapping[str, tuple[str, ...]]
    low: float
    high: float


def _known(metric: Metric) -> dict[str, Known]:
    labels = frozenset(metric.label_names) | TARGET
    values = dict(metric.labels)
    if metric.kind == "histogram":
        return {
            metric.name + part: Known(
                "counter", labels | {"le"} if part == "_bucket" else labels, values, 0.0, math.inf
            )
            for part in _PARTS
        }
    high = math.inf
    if metric.unit == "ratio" or metric.name.endswith(_IS_A_STATE):
        high = 1.0
    low = 0.0
    if metric.name.endswith("_info"):
        low = high = 1.0
    return {metric.name: Known(metric.kind, labels, values, low, high)}


def known_metrics(catalogue: tuple[Metric, ...] = CATALOGUE) -> dict[str, Known]:
    """Every name of a series that formulas can read."""
    found = {"up": Known("gauge", TARGET, {}, 0.0, 1.0)}
    for metric in catalogue:
        found.update(_known(metric))
    return found
