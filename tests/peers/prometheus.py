"""Starts a real Prometheus that scrapes one target, and asks it questions.

The rule of this module: its own port, its own data folder, a scrape each second; it ends with
the test.
"""

import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.peers.sipp import free_port

_STEP_S = 0.05
_CONFIG = """\
global:
  scrape_interval: {interval_ms}ms
  scrape_timeout: {interval_ms}ms
scrape_configs:
  - job_name: {job}
    metrics_path: {path}
    static_configs:
      - targets: ["{target}"]
"""


class Prometheus:
    """A Prometheus server on loopback.

        with Prometheus(tmp_path, "127.0.0.1:9464") as prometheus:
            prometheus.wait_for('dialer_call_attempts_total{campaign="spring"} > 0')

    target: host:port whose `path` it scrapes every `interval_s`, as `job`; "" scrapes nothing.
    recorded: samples in OpenMetrics' text form that it is to have from the start, of any time.
    """

    def __init__(
        self,
        folder: Path,
        target: str = "",
        *,
        recorded: str = "",
        path: str = "/metrics",
        job: str = "foredial",
        interval_s: float = 1.0,
    ) -> None:
        self._folder = folder
        self._config = _CONFIG.format(
            interval_ms=round(interval_s * 1000), job=job, path=path, target=target
        )
        if not target:
            self._config = self._config.split("scrape_configs")[0]
        self._recorded = recorded
        self.port = free_port("127.0.0.1", socket.SOCK_STREAM)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Raises RuntimeError, with what it printed, when it does not come up."""
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "prometheus.yml"
        config.write_text(self._config, encoding="ascii")
        if self._recorded:
            self.record()
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 20
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"Prometheus does not come up: {self.log()[-800:]}")
            time.sleep(_STEP_S)
        return self

    def record(self) -> None:
        """Write the recorded samples as blocks, as the server keeps them; `start` does it too."""
        self._folder.mkdir(parents=True, exist_ok=True)
        samples = self._folder / "samples.om"
        samples.write_text(self._recorded, encoding="utf-8")
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics"]
        made = subprocess.run(
            [*command, str(samples), str(self._folder / "data")],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(f"promtool makes no blocks: {(made.stdout + made.stderr)[-800:]}")

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def log(self) -> str:
        """What Prometheus printed."""
        path = self._folder / "prometheus.log"
        return path.read_text(encoding="utf-8", errors="replace")

    def ask(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of its HTTP API, such as "query" or "targets"."""
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def version(self) -> str:
        return str(self.ask("status/buildinfo")["version"])

    def query(
        self, promql: str, at: float | None = None
    ) -> dict[tuple[tuple[str, str], ...], float]:
        """An instant query: the labels of each series, sorted, and its value.

        at: seconds since the epoch, now when None. A scalar has no labels. Raises
        urllib.error.HTTPError when the expression is wrong.
        """
        more = {} if at is None else {"time": repr(at)}
        data = self.ask("query", query=promql, **more)
        if data["resultType"] == "scalar":
            return {(): float(data["result"][1])}
        return {
            tuple(sorted(series["metric"].items())): float(series["value"][1])
            for series in data["result"]
        }

    def value(self, promql: str, at: float | None = None) -> float | None:
        """The value of a query that gives one series; None when it gives nothing."""
        found = list(self.query(promql, at).values())
        if len(found) > 1:
            raise ValueError(f"{promql} gives {len(found)} series")
        return found[0] if found else None

    def wait_for(self, promql: str, within_s: float = 10.0) -> float:
        """The first value of the query as soon as it gives one (write a comparison to wait for).

        Raises TimeoutError with the state of the scrape.
        """
        deadline = time.monotonic() + within_s
        while not (found := self.query(promql)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {promql} in {within_s} s; {self._scrapes()}")
            time.sleep(_STEP_S)
        return next(iter(found.values()))

    def _scrapes(self) -> str:
        targets = self.ask("targets")["activeTargets"]
        return ", ".join(f"{t['scrapeUrl']} {t['health']} {t['lastError']}" for t in targets)
