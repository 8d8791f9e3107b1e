"""The cells of `dialer.metrics` as Prometheus metrics.

The rule of this module: it renders, it never counts. A scrape copies the cells on its own thread
and never disturbs their writers; the registry is our own, so nothing of the process's global one
gets in.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from dialer.metrics import Family, Histogram, Metrics


class CellCollector(Collector):
    """Gives the children of every metric, in the order of the catalogue."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[PrometheusMetric]:
        for family in self._metrics.families():
            yield _rendered(family)

    def describe(self) -> Iterator[PrometheusMetric]:
        """As `collect`: the registry asks for it to find names that clash."""
        return self.collect()


def registry_of(metrics: Metrics) -> CollectorRegistry:
    """A registry that holds these cells and nothing else."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CellCollector(metrics))
    return registry


def _rendered(family: Family) -> PrometheusMetric:
    metric, children = family
    labels = metric.label_names
    rendered: GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily
    if metric.kind == "histogram":
        rendered = HistogramMetricFamily(metric.name, metric.help, labels=labels)
        bounds = [*map(floatToGoString, metric.buckets), "+Inf"]
        for values, cell in children.items():
            if isinstance(cell, Histogram):
                total, cumulative = cell.total, cell.cumulative()
                rendered.add_metric(values, list(zip(bounds, cumulative, strict=True)), total)
        return rendered
    if metric.kind == "counter":
        rendered = CounterMetricFamily(metric.name, metric.help, labels=labels)
    else:
        rendered = GaugeMetricFamily(metric.name, metric.help, labels=labels)
    for values, cell in children.items():
        if not isinstance(cell, Histogram):
            rendered.add_metric(values, cell.value)
    return rendered
