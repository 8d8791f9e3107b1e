"""The picture of occupancy against abandonment: drawn from stored days, or told what is missing."""

from pathlib import Path

import pytest

from benchmarks.pacing_lab.case import Case
from benchmarks.pacing_lab.curves import draw, main, rows_of
from benchmarks.pacing_lab.day import DayFigures
from benchmarks.pacing_lab.ledger import Ledger

LOGGED_S = 10 * 28_800.0


def store(path: Path, pacers: dict[str, tuple[float, int]]) -> Ledger:
    """Two days of each pacer: its occupancy, and how many of 1000 answers were abandoned."""
    ledger = Ledger(path)
    for pacer, (occupancy, abandoned) in pacers.items():
        for seed in (1, 2):
            busy_s = (occupancy + 0.01 * (seed - 1.5)) * LOGGED_S
            day = DayFigures(busy_s, LOGGED_S, 4000, 1000, abandoned, 0, 0.0, 0.1)
            ledger.add(Case("base", pacer, 10, 8.0), seed, day)
    return ledger


def test_each_pacer_stands_where_its_days_put_it(tmp_path: Path) -> None:
    days = {
        "progressive": (0.65, 0),
        "power:2.24": (0.81, 30),
        "vicidial": (0.66, 32),
        "hitrate": (0.88, 140),
        "lookahead:0.03": (0.83, 29),
    }
    rows = rows_of(store(tmp_path / "days.jsonl", days))
    assert rows["lookahead:0.03", "", 10].occupancy == pytest.approx(0.83)
    assert rows["lookahead:0.03", "", 10].abandonment == pytest.approx(0.029)
    picture = tmp_path / "curves.svg"
    draw(rows, [10], picture)
    drawn = picture.read_text()
    for label in ("look-ahead", "fixed ratios", "vicidial", "optimum of the exponential model"):
        assert f"<!-- {label} -->" in drawn
    assert "<!-- hitrate -->" not in drawn, "far outside"


def test_days_that_are_missing_are_told_with_the_command_that_makes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "days.jsonl"
    store(path, {"progressive": (0.65, 0)})
    arguments = ["curves", str(tmp_path / "c.svg"), "--store", str(path), "--agents", "10"]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "no days of lookahead:0.03, 10 agents; run python -m" in capsys.readouterr().err
