"""A backtest over what a real Prometheus has recorded tells what one over the ledger tells."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.journal import Sampled
from dialer.series_log import read_series
from sim.collected import Collected
from sim.replication import run_replication
from sim.world import INSTANCE
from tests.peers import promql_samples, require
from tests.peers.prometheus import Prometheus
from tests.peers.test_three_sources import samples
from tests.sim.library import LIBRARY

pytestmark = pytest.mark.peer

ROOT = Path(__file__).resolve().parents[2]
HOURS = 0.5
CASE = ("--agents", "5", "--hours", str(HOURS), "--seed", "3")


def backtest(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "run.py", "backtest", "inverse_hit_rate", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def document(*words: str) -> dict[str, Any]:
    done = backtest(*words, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(autouse=True)
def _there() -> None:
    require("prometheus", "promtool")


def test_a_server_s_range_gives_the_same_backtest_as_the_ledger(tmp_path: Path) -> None:
    case = LIBRARY.case("base", "power:1.5", agents=5, hours=HOURS)
    sampled = Collected(Sampled)
    run_replication(replace(case.plan(), series=True), case.day, 3, [sampled])
    store = read_series(sampled.records, INSTANCE)
    ledger = document("--scenario", "base", "--pacer", "power:1.5", *CASE)
    recorded = promql_samples.open_metrics(samples(store))
    with Prometheus(tmp_path / "prometheus", recorded=recorded) as server:
        # The end of a range belongs to it, its beginning does not.
        whole = ("--start", str(ledger["from"] - 1), "--end", str(ledger["to"]))
        found = document("--prometheus", server.url, *whole)
        night = ("--start", "1000000000", "--end", "1000000600")
        nothing = backtest("--prometheus", server.url, *night)
        backwards = backtest("--prometheus", server.url, "--start", "9", "--end", "5")
    assert found["live"] == pytest.approx(ledger["live"], rel=1e-9)
    assert found["candidate"] == pytest.approx(ledger["candidate"], rel=1e-9)
    assert len(found["series"]) == len(ledger["series"]) > 100
    assert nothing.returncode == 2
    assert "it has recorded nothing of job foredial then" in nothing.stderr
    assert backwards.returncode == 2
    assert "--start, --end" in backwards.stderr
