"""A command loads what it needs and no more: looked at by name, not by the clock."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sim.cli
from gateways.cli.app import VERBS
from gateways.control.server import ControlServer
from run import command_line
from tests.daemon import ROOT

SIMULATOR = {"simpy", "numpy", "scipy", "pykka", "matplotlib", "optuna", "joblib"}
DAEMON = {"pykka", "zmq", "pyVoIP", "structlog", "httpx", "prometheus_client"}
STORE = {"sqlalchemy", "alembic"}
SETTINGS = """\
data_dir: {folder}
trunks: [{{name: simulated, kind: simulated}}]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "foredial.yaml"
    file.write_text(SETTINGS.format(folder=tmp_path))
    return file


def loaded(*words: str) -> set[str]:
    """The packages that a command has imported, by their first names."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "run.py", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line]
    assert "typer" in names
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("words", [("--help",), ("campaign", "--help")])
def test_help_loads_nothing_of_what_verbs_do(words: tuple[str, ...]) -> None:
    assert not loaded(*words) & (SIMULATOR | DAEMON | STORE | {"phonenumbers", "actors"})


@pytest.mark.parametrize(("name", "line"), [*(verb[:2] for verb in VERBS), *sim.cli.VERBS.items()])
def test_the_list_of_verbs_says_what_the_verb_says(name: str, line: str) -> None:
    shown = CliRunner().invoke(command_line(), [name, "--help"], env={"COLUMNS": "200"}).stdout
    usage, said = (text.strip() for text in shown.strip().splitlines()[:3:2])
    assert usage.startswith("Usage: ")
    assert said.startswith(line)


def test_a_check_loads_neither_daemon_nor_store_nor_simulator(settings: Path) -> None:
    files = (str(settings), "config/campaigns/progressive.yaml")
    there = loaded("--config", str(settings), "check", *files)
    assert "phonenumbers" in there
    assert not there & (SIMULATOR | DAEMON | STORE | {"actors"})


def test_a_verb_without_a_daemon_loads_the_store_and_migrates_once(settings: Path) -> None:
    words = ("--config", str(settings), "campaign", "list")
    first, second = loaded(*words), loaded(*words)
    assert first >= STORE
    assert first - second >= {"alembic"}
    assert "sqlalchemy" in second
    assert not second & (SIMULATOR | DAEMON | {"actors"})


def test_a_verb_that_a_daemon_carries_out_loads_no_store(settings: Path) -> None:
    asked = []

    def answer(verb: str, _arguments: object) -> dict[str, object]:
        asked.append(verb)
        return {"items": [], "total": 0}

    server = ControlServer(settings.parent / "control.sock", answer)
    server.start()
    try:
        there = loaded("--config", str(settings), "campaign", "list")
    finally:
        server.stop()
    assert asked == ["campaign list"]
    assert not there & (SIMULATOR | DAEMON | STORE | {"actors"})


def test_a_simulation_draws_and_searches_nothing_that_nobody_asked_for() -> None:
    words = ("simulate", "base", "--hours", "0.05", "--agents", "2", "--replications", "1")
    there = loaded(*words, "--workers", "1")
    assert {"simpy", "numpy"} <= there
    assert not there & (STORE | {"matplotlib", "optuna", "httpx", "zmq", "pyVoIP"})
