"""The cells over HTTP, as a scraper and an orchestrator see them."""

import socket
import threading

import httpx
import pytest
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from dialer.errors import GatewayError
from dialer.metric_catalogue import CATALOGUE
from dialer.metrics import Metrics
from dialer.promql.known import TARGET, known_metrics
from gateways.prometheus import HealthServer, Pages, registry_of


@pytest.fixture
def metrics():
    metrics = Metrics()
    metrics.open_campaign('sp"ring\n')
    metrics.open_trunk("carrier")
    metrics.open_actor("pool")
    return metrics


def test_the_linter_of_formulas_knows_just_what_is_served(metrics):
    """Names, labels and their values: as a scraper would have stored them."""
    metrics.open_caller_id("main")
    served = {}
    for family in registry_of(metrics).collect():
        for sample in family.samples:
            labels = served.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    known = known_metrics()
    assert known.keys() - {"up"} == served.keys()
    for name, labels in served.items():
        assert known[name].labels - TARGET == labels.keys(), name
        for label, values in known[name].values.items():
            assert labels[label] == set(values), (name, label)


@pytest.fixture
def serve():
    servers = []

    def start(metrics=None, **pages):
        server = HealthServer(Pages(registry_of(metrics or Metrics()), **pages), port=0)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


def samples(text, parse=text_string_to_metric_families):
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in parse(text)
        for s in family.samples
    }


def test_a_scrape_shows_what_the_cells_hold(metrics, serve):
    name = 'sp"ring\n'
    metrics.counter("dialer_call_attempts_total", campaign=name).inc(3)
    metrics.members("dialer_agents", campaign=name).update(a="ready", b="ready")
    metrics.counter("dialer_call_results_total", campaign=name, result="user_busy").inc()
    ring = metrics.histogram("dialer_call_ring_duration_seconds", campaign=name)
    for seconds in (0.5, 1.0, 7.0, 300.0):
        ring.observe(seconds)
    text = httpx.get(f"{serve(metrics).url}metrics").text
    seen = samples(text)
    campaign = ("campaign", name)
    assert seen["dialer_call_attempts_total", (campaign,)] == 3
    assert seen["dialer_agents", (campaign, ("state", "ready"))] == 2
    assert seen["dialer_call_results_total", (campaign, ("result", "user_busy"))] == 1
    # From the start, and at zero: a rate over the first event is right.
    assert seen["dialer_call_results_total", (campaign, ("result", "rejected"))] == 0
    ring_name = "dialer_call_ring_duration_seconds"
    assert seen[f"{ring_name}_bucket", (campaign, ("le", "1.0"))] == 2
    assert seen[f"{ring_name}_bucket", (campaign, ("le", "8.0"))] == 3
    assert seen[f"{ring_name}_bucket", (campaign, ("le", "+Inf"))] == 4
    assert seen[f"{ring_name}_count", (campaign,)] == 4
    assert seen[f"{ring_name}_sum", (campaign,)] == pytest.approx(308.5)


def test_every_metric_of_the_catalogue_is_there_with_its_type_and_nothing_else(metrics, serve):
    text = httpx.get(f"{serve(metrics).url}metrics").text
    families = {f.name: f for f in text_string_to_metric_families(text)}
    assert set(families) == {m.name.removesuffix("_total") for m in CATALOGUE}
    for metric in CATALOGUE:
        family = families[metric.name.removesuffix("_total")]
        assert family.type == metric.kind
        assert family.documentation == metric.help
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.label_names)


def test_openmetrics_is_spoken_to_who_asks_for_it(metrics, serve):
    accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    answer = httpx.get(f"{serve(metrics).url}metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    # The strict parser of the format is the judge.
    assert (
        samples(answer.text, openmetrics_families)["dialer_trunk_up", (("trunk", "carrier"),)] == 0
    )


def test_the_global_registry_stays_untouched(metrics, serve):
    serve(metrics)
    assert not [f.name for f in REGISTRY.collect() if f.name.startswith("dialer_")]


def test_a_scrape_while_campaigns_come_and_go_never_fails(metrics, serve):
    server = serve(metrics)
    stop = threading.Event()

    def churn():
        number = 0
        while not stop.is_set():
            metrics.open_campaign(f"campaign {number}")
            metrics.close_campaign(f"campaign {number - 3}")
            number += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(8):
            answer = httpx.get(f"{server.url}metrics")
            assert answer.status_code == 200
            samples(answer.text)
    finally:
        stop.set()
        thread.join()


def test_alive_says_so(serve):
    answer = httpx.get(f"{serve().url}healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_ready_only_when_every_check_holds_and_the_reasons_are_told(serve):
    state = {"store": (True, ""), "trunk": (False, "trunk carrier does not answer")}
    server = serve(checks={name: lambda name=name: state[name] for name in state})
    answer = httpx.get(f"{server.url}readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": {"store": True, "trunk": False},
        "reasons": {"trunk": "trunk carrier does not answer"},
    }
    state["trunk"] = (True, "")
    answer = httpx.get(f"{server.url}readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


def test_a_check_that_fails_means_not_ready(serve):
    def broken():
        raise ZeroDivisionError

    answer = httpx.get(f"{serve(checks={'store': broken}).url}readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == {"store": "the check failed: ZeroDivisionError"}


def test_the_index_says_what_is_where(serve):
    answer = httpx.get(serve(title="Demo <1>", links={"http://x/?a=1&b=2": "the console"}).url)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for address in ("/metrics", "/healthz", "/readyz", "http://x/?a=1&amp;b=2"):
        assert f'href="{address}"' in answer.text
    assert "Demo &lt;1&gt;" in answer.text


def test_head_gives_the_headers_alone_and_unknown_pages_are_404(serve):
    server = serve()
    head = httpx.head(f"{server.url}metrics")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 0
    assert httpx.get(f"{server.url}nothing").status_code == 404
    assert httpx.post(f"{server.url}metrics").status_code == 501


def test_a_query_does_not_change_the_page(serve):
    assert httpx.get(f"{serve().url}healthz?verbose=1").status_code == 200


def test_a_client_that_says_nothing_holds_up_no_other(serve):
    server = serve()
    with socket.create_connection(("127.0.0.1", server.port)):
        assert httpx.get(f"{server.url}healthz").status_code == 200


def test_an_address_in_use_is_told_in_one_line(serve):
    port = serve().port
    second = HealthServer(Pages(registry_of(Metrics())), port=port)
    with pytest.raises(GatewayError, match=f"cannot listen on 127.0.0.1:{port}: Address already"):
        second.start()
    second.stop()


def test_after_the_stop_the_port_is_free_again(serve):
    first = serve()
    port = first.port
    first.stop()
    again = HealthServer(Pages(registry_of(Metrics())), port=port)
    again.start()
    assert httpx.get(f"{again.url}healthz").status_code == 200
    again.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/healthz")
