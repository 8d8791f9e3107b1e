"""A real Prometheus scrapes a target and answers for it."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server

from tests.peers import require
from tests.peers.prometheus import Prometheus
from tests.peers.sipp import free_port

pytestmark = pytest.mark.peer


@pytest.fixture(autouse=True)
def _prometheus() -> None:
    require("prometheus")


def test_it_scrapes_a_counter_and_follows_it(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    dials = Counter("dials", "Dials.", ["campaign"], registry=registry)
    dials.labels("spring").inc(3)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        target = f"127.0.0.1:{server.server_port}"
        with Prometheus(tmp_path, target, interval_s=0.2) as prometheus:
            assert prometheus.wait_for("dials_total") == 3
            dials.labels("spring").inc()
            assert prometheus.wait_for("dials_total > 3") == 4
            assert prometheus.value('up{job="foredial"}') == 1
            assert prometheus.value("no_such_series") is None
            assert prometheus.query("dials_total * 0 + scalar(vector(7))") == {
                (("campaign", "spring"), ("instance", target), ("job", "foredial")): 7.0
            }
            assert prometheus.version()[0] in "23"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_target_that_is_down_is_seen_as_down(tmp_path: Path) -> None:
    nobody = f"127.0.0.1:{free_port('127.0.0.1')}"
    with Prometheus(tmp_path, nobody, interval_s=0.2) as prometheus:
        assert prometheus.wait_for("up") == 0
        with pytest.raises(TimeoutError, match="connection refused"):
            prometheus.wait_for("dials_total", within_s=0.2)
