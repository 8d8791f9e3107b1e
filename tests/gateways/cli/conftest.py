"""The command line on a host that holds a place in a temporary folder."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dialer.errors import ConfigError, InputError, ScenarioError
from gateways.cli import DemoOptions, Place, build_app
from gateways.cli.host import Proof, ProofOptions, Told
from gateways.control.commands import Commands
from gateways.control.server import ControlServer
from gateways.store import open_store
from tests.gateways.control.place import NOW, FakeLive, make_site


class TestHost:
    """A composition root that starts nothing."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[tuple[Any, ...]] = []
        self.proven = True
        self.place = Place(
            make_site(folder),
            folder / "control.sock",
            lambda: open_store(f"sqlite:///{folder / 'foredial.db'}", self.place.site.schema),
        )

    def site(self, config: Path) -> Place:
        problems = self.check(config)
        if problems:
            raise problems[0]
        return self.place

    def serve(self, config: Path, ready_file: Path | None) -> None:
        self.told.append(("serve", config, ready_file))

    def demo(self, options: DemoOptions) -> None:
        self.told.append(("demo", options))

    def prove(self, flow: str, name: str, options: ProofOptions, told: Told) -> Proof:
        self.told.append(("prove", flow, name, options))
        told(1, 1)
        return Proof(self.proven, ("abandonment <= 0.03: judged",), {"abandonment": 0.02})

    def scenario_problems(self, text: str, file: Path) -> Sequence[InputError]:
        return [ScenarioError(f"{file}:3", "impossible", "mend it")] if "wrong" in text else []

    def check(self, config: Path) -> Sequence[InputError]:
        if not config.exists():
            return [ConfigError(str(config), "cannot be read: No such file", "check its path")]
        if "wrong" in config.read_text():
            return [ConfigError(f"{config.name}:{n}", "unknown key", "remove it") for n in (1, 2)]
        return []


class CommandLine:
    """Runs commands as a shell would."""

    def __init__(self, host: TestHost) -> None:
        self._app = build_app(host)
        self._runner = CliRunner()

    def __call__(self, *words: str, given: str | None = None) -> Result:
        return self._runner.invoke(self._app, list(words), input=given)

    def good(self, *words: str, given: str | None = None) -> str:
        """The standard output of a command that succeeds."""
        result = self(*words, given=given)
        assert result.exit_code == 0, result.output
        return result.stdout

    def data(self, *words: str) -> Any:
        """The one JSON document of a command that succeeds."""
        return json.loads(self.good(*words, "--json"))

    def refused(self, *words: str, code: int = 2) -> str:
        """The one line on standard error of a command that fails."""
        result = self(*words)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr.rstrip("\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a settings file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FOREDIAL_CONFIG", raising=False)
    (tmp_path / "foredial.yaml").write_text("live: false\n")
    return tmp_path


@pytest.fixture
def host(folder: Path) -> TestHost:
    return TestHost(folder)


@pytest.fixture
def run(host: TestHost) -> CommandLine:
    return CommandLine(host)


@pytest.fixture
def live() -> FakeLive:
    return FakeLive()


@pytest.fixture
def daemon(host: TestHost, live: FakeLive) -> Iterator[FakeLive]:
    """A daemon behind a real control socket, its actors pretended."""
    with host.place.open_store() as store:
        commands = Commands(store, host.place.site, live, clock=lambda: NOW)
        server = ControlServer(host.place.control_socket, commands.call)
        server.start()
        yield live
        server.stop()


@pytest.fixture
def write(folder: Path) -> Callable[[str, str], str]:
    """Writes a file into the working folder; gives its name."""

    def put(name: str, text: str) -> str:
        (folder / name).write_text(text)
        return name

    return put
