"""A Prometheus that is slow, gone, wrong or behind holds nobody up."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qs

import pytest

from dialer.formula_port import Evaluate, Evaluated
from dialer.ports import Sink
from gateways.prometheus.source import FRESHNESS, PrometheusConfig, PrometheusSource
from tests.peers.sipp import free_port

FORMULA = "sum by (campaign) (dialer_agents)"


class Own:
    """The dialer's own series, which know one number."""

    name = "in_process"

    def __init__(self) -> None:
        self.semantics = "3"
        self.watched: dict[str, tuple[str, ...]] = {}

    def watch(self, owner: str, formulas: Sequence[str]) -> None:
        self.watched[owner] = tuple(formulas)

    def evaluate(self, request: Evaluate, reply_to: Sink) -> None:
        reply_to.tell(Evaluated(request.request_id, 1.5, "used", self.name))


class Server:
    """An HTTP server that answers queries as the test says."""

    def __init__(self) -> None:
        self.version = "2.42.0"
        self.queries: list[str] = []
        self.values: dict[str, list[tuple[dict[str, str], float]]] = {}
        self.age_s = 1.0
        self.waits = threading.Event()
        self.waits.set()
        self.body: str | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say({"status": "success", "data": {"version": outer.version}})

            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                asked = parse_qs(self.rfile.read(size).decode())
                query = asked["query"][0]
                outer.queries.append(query)
                outer.waits.wait(5)
                found = outer.values.get(query)
                if query == FRESHNESS:
                    stamp = float(asked["time"][0]) - outer.age_s
                    found = [({"campaign": name}, stamp) for name in ("spring", "autumn")]
                if found is None:
                    self._say({"status": "error", "error": "no such thing"}, 400)
                    return
                result = [{"metric": m, "value": [0, str(value)]} for m, value in found]
                data = {"resultType": "vector", "result": result}
                self._say({"status": "success", "data": data})

            def _say(self, document: Any, status: int = 200) -> None:
                text = outer.body if outer.body is not None else json.dumps(document)
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text.encode())
                except OSError:
                    pass  # who asked has gone

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.waits.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.values[FORMULA] = [({"campaign": "spring"}, 7.0), ({"campaign": "autumn"}, 3.0)]
    yield made
    made.close()


Ask = Callable[..., list[Evaluated]]


@pytest.fixture
def ask() -> Iterator[Ask]:
    sources: list[PrometheusSource] = []

    def ask_all(
        url: str, *campaigns: str, own: Own | None = None, formula: str = FORMULA
    ) -> list[Evaluated]:
        config = PrometheusConfig(url, timeout_s=0.3, max_age_s=20.0, reuse_s=5.0)
        source = PrometheusSource(config, own or Own())
        sources.append(source)
        source.start()
        told: SimpleQueue[Evaluated] = SimpleQueue()

        class Inbox:
            def tell(self, message: Evaluated, /) -> None:
                told.put(message)

        for number, campaign in enumerate(campaigns):
            source.evaluate(Evaluate(number, campaign, formula, time.time()), Inbox())
        return [told.get(timeout=10) for _ in campaigns]

    yield ask_all
    for source in sources:
        source.stop()


def test_one_query_serves_all_campaigns_of_a_formula(server: Server, ask: Ask) -> None:
    answers = ask(server.url, "spring", "autumn", "spring")
    assert [a.value for a in answers] == [7.0, 3.0, 7.0]
    assert {a.source for a in answers} == {"prometheus"}
    assert sorted(server.queries) == sorted([FORMULA, FRESHNESS])


def test_it_tells_how_old_the_samples_are(server: Server, ask: Ask) -> None:
    server.age_s = 8.0
    (answer,) = ask(server.url, "spring")
    assert 7.5 < time.time() - answer.sampled_at < 12


def test_old_samples_do_not_count(server: Server, ask: Ask) -> None:
    server.age_s = 60.0
    (answer,) = ask(server.url, "spring")
    assert (answer.value, answer.source, answer.missed) == (1.5, "in_process", "stale")
    assert "60 s old" in answer.reason


def test_a_campaign_that_the_server_has_never_seen_is_stale(server: Server, ask: Ask) -> None:
    (answer,) = ask(server.url, "winter")
    assert answer.missed == "stale"


def test_a_slow_server_is_left_alone(server: Server, ask: Ask) -> None:
    server.waits.clear()
    answers = ask(server.url, "spring", "autumn")
    assert [(a.value, a.source, a.missed) for a in answers] == [(1.5, "in_process", "slow")] * 2
    assert "no answer within 0.3 s" in answers[0].reason


def test_a_server_that_is_gone_is_stood_in_for(ask: Ask) -> None:
    (answer,) = ask(f"http://127.0.0.1:{free_port('127.0.0.1')}", "spring")
    assert (answer.value, answer.missed) == (1.5, "failed")


@pytest.mark.parametrize("body", ["<html>", "[]", '{"status": "success"}', '{"status": 3}'])
def test_what_is_no_prometheus_is_stood_in_for(server: Server, ask: Ask, body: str) -> None:
    server.body = body
    (answer,) = ask(server.url, "spring")
    assert (answer.value, answer.missed) == (1.5, "failed")
    assert answer.reason


def test_what_stands_in_speaks_as_the_server_does(server: Server, ask: Ask) -> None:
    own = Own()
    ask(server.url, "spring", own=own)
    assert own.semantics == "2"
    server.version = "3.1.0"
    ask(server.url, "spring", own=own)
    assert own.semantics == "3"


def test_the_own_series_watch_what_the_server_evaluates() -> None:
    own = Own()
    source = PrometheusSource(PrometheusConfig("http://127.0.0.1:1"), own)
    source.watch("spring", (FORMULA,))
    assert own.watched == {"spring": (FORMULA,)}
