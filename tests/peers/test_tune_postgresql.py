"""Several processes share one search through a real PostgreSQL server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.peers.postgresql import PostgreSQL

pytestmark = pytest.mark.peer

ROOT = Path(__file__).resolve().parents[2]


def _tune(url: str, output: Path, trials: int) -> "subprocess.Popen[str]":
    words = ["tune", "base", "--campaign", "power", "--param", "init.dialing.ratio=1:2"]
    words += ["--agents", "3", "--hours", "0.05", "--limit", "abandonment<=1", "--trials"]
    words += [str(trials), "--replications", "2", "--fresh", "2", "--workers", "1"]
    words += ["--storage", url, "-o", str(output), "--json"]
    return subprocess.Popen(
        [sys.executable, "run.py", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, told = process.communicate(timeout=180)
    assert process.returncode == 0, told
    answer: dict[str, Any] = json.loads(out)
    return answer


def test_two_processes_share_one_search(tmp_path: Path) -> None:
    with PostgreSQL() as server:
        both = [_tune(server.url, tmp_path / f"{name}.yaml", 8) for name in ("one", "two")]
        one, two = (_answer(process) for process in both)
        assert one["study"] == two["study"]
        # Each stops when there are enough, and the other may have one under way.
        numbers = [[each["trial"] for each in answer["trials"]] for answer in (one, two)]
        assert all(8 <= len(each) <= 9 for each in numbers)
        assert set(numbers[0]) & set(numbers[1])
        assert all(len(set(each)) == len(each) for each in numbers)
        # A third process finds the work done, and adds none.
        third = _answer(_tune(server.url, tmp_path / "three.yaml", 8))
        longest = max(numbers, key=len)
        assert [each["trial"] for each in third["trials"]] == longest
        assert (tmp_path / "three.yaml").read_text().startswith("# Power")
