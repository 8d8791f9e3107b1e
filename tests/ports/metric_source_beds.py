"""Every adapter of `MetricSource`, over the same cells.

The rule of this module: a bed is used as a campaign uses its source: it asks, and is told.
"""

import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from actors.handle import Handle
from actors.live import LiveRuntime
from actors.series_desk import InProcessSource, SeriesDesk
from dialer.formula_port import Evaluate, Evaluated, MetricSource
from dialer.metrics import Metrics
from gateways.prometheus import HealthServer, Pages, registry_of
from gateways.prometheus.source import PrometheusConfig, PrometheusSource
from sim.runtime import SimRuntime
from tests.peers import require
from tests.peers.prometheus import Prometheus

CAMPAIGNS = ("spring", "autumn")


def cells() -> Metrics:
    """Two campaigns: 7 and 3 agents are ready."""
    metrics = Metrics()
    for title, ready in zip(CAMPAIGNS, (7, 3), strict=True):
        metrics.open_campaign(title)
        metrics.gauge("dialer_campaign_info", campaign=title).set(1)
        agents = metrics.members("dialer_agents", campaign=title)
        agents.update(dict.fromkeys(range(ready), "ready"))
    return metrics


class Inbox:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.got: queue.SimpleQueue[Evaluated] = queue.SimpleQueue()

    def tell(self, message: Evaluated, /) -> None:
        self.got.put(message)


class SourceBed(Protocol):
    source: MetricSource
    usual: str

    def ask(self, *requests: tuple[str, str]) -> list[Evaluated]:
        """Answers to (formula, campaign), in the order of the requests."""

    def close(self) -> None: ...


class _Bed:
    source: MetricSource
    usual = "in_process"

    def now(self) -> float:
        raise NotImplementedError

    def settle(self, until: Callable[[], bool]) -> None:
        raise NotImplementedError

    def ask(self, *requests: tuple[str, str]) -> list[Evaluated]:
        inbox = Inbox()
        for number, (formula, campaign) in enumerate(requests):
            self.source.evaluate(Evaluate(number, campaign, formula, self.now()), inbox)
        self.settle(lambda: inbox.got.qsize() >= len(requests))
        answers = [inbox.got.get_nowait() for _ in range(inbox.got.qsize())]
        return sorted(answers, key=lambda answer: answer.request_id)


class LiveBed(_Bed):
    """In the daemon: the desk on a thread."""

    def __init__(self, folder: Path, formulas: tuple[str, ...]) -> None:
        self.runtime = LiveRuntime()
        handle = Handle("series")
        self.source = InProcessSource(handle)
        self.source.watch("spring", formulas)
        handle.point_to(self.runtime.spawn(SeriesDesk(cells(), "daemon:1"), "series"))
        time.sleep(1.2)  # a tick after it was told what to watch

    def now(self) -> float:
        return self.runtime.now()

    def settle(self, until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not until() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.05)  # for an answer too many

    def close(self) -> None:
        self.runtime.stop()


class SimulatedBed(_Bed):
    """In the simulator: the same desk on the virtual clock."""

    def __init__(self, folder: Path, formulas: tuple[str, ...]) -> None:
        self.runtime = SimRuntime(1)
        handle = Handle("series")
        self.source = InProcessSource(handle)
        self.source.watch("spring", formulas)
        handle.point_to(self.runtime.spawn(SeriesDesk(cells(), "simulator:0"), "series"))
        self.runtime.advance(2.0)

    def now(self) -> float:
        return self.runtime.now()

    def settle(self, until: Callable[[], bool]) -> None:
        self.runtime.advance(1.0)

    def close(self) -> None:
        self.runtime.stop()


class PrometheusBed(LiveBed):
    """A real server that scrapes the same cells, with the daemon's own series behind it."""

    usual = "prometheus"

    def __init__(self, folder: Path, formulas: tuple[str, ...]) -> None:
        require("prometheus")
        super().__init__(folder, formulas)
        self._health = HealthServer(Pages(registry_of(cells())), port=0)
        self._health.start()
        target = f"127.0.0.1:{self._health.port}"
        self.server = Prometheus(folder, target, interval_s=0.2).start()
        self.server.wait_for("dialer_campaign_info")
        config = PrometheusConfig(self.server.url, timeout_s=5.0)
        self.prometheus = PrometheusSource(config, InProcessSource(self.source._desk))  # type: ignore[attr-defined]
        self.prometheus.start()
        self.source = self.prometheus

    def now(self) -> float:
        return time.time()

    def close(self) -> None:
        self.prometheus.stop()
        self.server.stop()
        self._health.stop()
        super().close()
