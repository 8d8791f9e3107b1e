"""Drives `run.py serve` as an operator does: a settings file, verbs, signals and HTTP.

The daemon is a process of its own; verbs reach it over its socket from the test's process, where
they need not be loaded anew each time.
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from typer.testing import CliRunner

from run import command_line

ROOT = Path(__file__).resolve().parent.parent
VERBS = command_line()
RUN = [sys.executable, str(ROOT / "run.py")]


class VerbError(Exception):
    """A verb that ended with another exit code than 0."""

    def __init__(self, code: int, stderr: str) -> None:
        super().__init__(f"exit code {code}: {stderr}")
        self.code = code
        self.stderr = stderr


class Dialer:
    """A daemon with its settings file.

    with Dialer(tmp_path, settings) as dialer:
        dialer.verb("contacts", "import", "list.csv")
    """

    program: Sequence[str] = RUN
    """What runs the daemon, before the arguments."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.folder = folder
        self.config = folder / "foredial.yaml"
        self.config.write_text(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    @classmethod
    def of(cls, config: Path) -> Self:
        """A daemon that somebody else has started."""
        dialer = cls.__new__(cls)
        dialer.folder, dialer.config = config.parent, config
        dialer._process = None
        return dialer

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What every start of the daemon has printed."""
        files = sorted(self.folder.glob("serve-*.log"))
        return "".join(file.read_text(errors="replace") for file in files)

    def start(self, within_s: float = 30.0) -> Self:
        self._starts += 1
        path = self.folder / f"serve-{self._starts:03d}.log"
        with path.open("wb") as log:
            command = [*self.program, "--config", str(self.config), "serve"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        try:
            self.wait_for(self._answers, within_s, "the daemon to come up")
        except BaseException:
            self.kill()
            raise
        return self

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the daemon ended with {self._process.returncode}:\n{self.log()}")
        try:
            self.verb("status")
        except VerbError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL: no goodbye of any kind."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self, within_s: float = 30.0) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.terminate()
        try:
            code = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        self._process = None
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.stop()

    def verb(self, *arguments: str) -> Any:
        """Run a verb with --json; what it answers.

        Raises:
            VerbError: it ended with another exit code than 0.
        """
        words = ["--config", str(self.config), *arguments, "--json"]
        done = CliRunner().invoke(VERBS, words)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        if done.exit_code != 0:
            raise VerbError(done.exit_code, done.stderr.strip())
        return json.loads(done.stdout)

    def metrics_url(self) -> str:
        url: str = self.verb("status")["metrics"]
        return url.rstrip("/")

    def get(self, path: str) -> str:
        """A page of the daemon's HTTP server."""
        try:
            with urllib.request.urlopen(self.metrics_url() + path, timeout=10) as response:
                body: bytes = response.read()
        except urllib.error.HTTPError as refused:
            with refused:
                body = refused.read()
        return body.decode()

    def figure(self, name: str, **labels: str) -> float:
        """The value of one series of /metrics, 0.0 where there is none."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in self.get("/metrics").splitlines():
            if line.startswith((f"{name}{{", f"{name} ")):
                series, _, value = line.rpartition(" ")
                inside = series.partition("{")[2].rstrip("}")
                if wanted == set(inside.split(",")) - {""}:
                    return float(value)
        return 0.0

    @staticmethod
    def wait_for(ready: Callable[[], Any], within_s: float, what: str) -> Any:
        """Poll until `ready` gives something true; that. Raises TimeoutError."""
        deadline = time.monotonic() + within_s
        while True:
            result = ready()
            if result:
                return result
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {within_s:g} s for {what}")
            time.sleep(0.2)
