"""What the sampler stores is what a Prometheus stores that scrapes the same cells."""

from pathlib import Path

import pytest

from dialer.metrics import Metrics
from dialer.promql import compile_formula
from dialer.sampler import Sampler
from gateways.prometheus import HealthServer, Pages, registry_of
from tests.peers import require
from tests.peers.prometheus import Prometheus

pytestmark = pytest.mark.peer

EVERYTHING = '{__name__=~"dialer_.*|up"}'


def test_names_labels_and_values_are_those_of_a_scrape(tmp_path: Path) -> None:
    """Planted and seen to fail: `le` without its decimal; buckets that are not cumulative."""
    require("prometheus")
    metrics = Metrics()
    for title in ("Spring", 'Odd "title" \\ of two\nlines'):
        metrics.open_campaign(title)
        for seconds in (0.5, 3.0, 9.0, 700.0):
            metrics.histogram("dialer_call_talk_duration_seconds", campaign=title).observe(seconds)
        metrics.counter("dialer_call_attempts_total", campaign=title).inc(7)
        metrics.gauge("dialer_campaign_abandonment_target_ratio", campaign=title).set(0.03)
    metrics.open_trunk("carrier")
    metrics.open_actor("agent_pool")
    health = HealthServer(Pages(registry_of(metrics)), port=0)
    health.start()
    try:
        target = f"127.0.0.1:{health.port}"
        sampler = Sampler(metrics, target)
        sampler.keep([compile_formula(EVERYTHING).reads])
        sampler.tick(1_767_225_600)
        ours = {series.labels: series.values[-1] for series in sampler.store}
        with Prometheus(tmp_path, target, interval_s=0.2) as prometheus:
            prometheus.wait_for("dialer_call_attempts_total")
            theirs = prometheus.query(EVERYTHING)
    finally:
        health.stop()
    assert len(ours) > 500
    assert ours == theirs
