"""Pacers compared: on the same days, once each, going on where it was interrupted."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from config.composition.laboratory import LIBRARY
from sim import benchmark, days
from sim.benchmark import Comparison, Matrix, front, run_matrix
from sim.experiment import Case, run_case
from sim.replication import Replication
from sim.shelf import Shelf, case_digest
from sim.statistics import mean_of
from tests.sim.page_rules import assert_self_contained
from tests.sim.test_cli import refused, run

MATRIX = Matrix(("base",), ("progressive", "power:3"), (4,), hours=0.2, replications=3, seed=1)
VERSIONS = {"foredial": "test"}


def timeless(document: dict[str, Any]) -> dict[str, Any]:
    """Without what the machine's speed decides."""
    for row in document["rows"]:
        row["cpu_seconds"] = row["calls_per_cpu_second"] = 0
    return document


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return run_matrix(MATRIX, LIBRARY, workers=1)


def test_a_row_holds_all_that_simulate_says_and_the_days_over_the_limit(
    comparison: Comparison,
) -> None:
    first, second = comparison.document()["rows"]
    assert (first["scenario"], first["pacer"], first["agents"]) == ("base", "progressive", 4)
    assert {"occupancy", "abandonment", "calls", "journal_sha256", "invariants"} <= set(second)
    assert first["days_over_limit"] == 0
    cell = comparison.cells[1]
    over = sum(share > 0.03 for share in cell.daily_abandonment)
    assert second["days_over_limit"] == over / 3
    alone = run_case(cell.case, 2)
    assert alone.journal_sha256 == cell.summary.replications[1].journal_sha256


def test_the_slices_of_a_day_add_up_to_the_day() -> None:
    case = LIBRARY.case("everyday", "power:2.5", agents=6, hours=0.6)
    found = days.series_case(case, 3)
    figures = found.figures
    assert len(found.series) == 3
    for name, whole in (
        ("dialed", figures.dialed),
        ("answered", figures.answered),
        ("abandoned", figures.abandoned),
        ("met", figures.outcomes["customer_answered"]),
        ("busy_s", figures.talk_s + figures.wrap_up_s),
        ("at_work_s", figures.at_work_s),
    ):
        assert sum(getattr(each, name) for each in found.series) == pytest.approx(whole), name
    assert found.series[0].at_work_s < 6 * 900


def test_pacers_are_compared_on_the_same_days() -> None:
    """So a difference is surer than the figures that it is the difference of."""
    matrix = Matrix(("base",), ("power:1.5", "power:1.6"), (6,), 0.5, 6, 1)
    found = run_matrix(matrix, LIBRARY, workers=1)
    (difference,) = found.differences()
    assert (difference.pacer, difference.baseline) == ("power:1.6", "power:1.5")
    first, second = (
        [each.figures.occupancy for each in cell.summary.replications] for cell in found.cells
    )
    assert difference.occupancy.mean == pytest.approx((sum(second) - sum(first)) / 6)
    unpaired = math.hypot(*(mean_of(each).half_width or 0 for each in (first, second)))
    assert (difference.occupancy.half_width or 1) < 0.75 * unpaired


def test_an_interrupted_benchmark_goes_on_where_it_was(
    tmp_path: Path, comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []

    def counted(case: Case, seed: int) -> Replication:
        ran.append(seed)
        return days.series_case(case, seed)

    def interrupted(done: int, total: int) -> None:
        assert total == 6
        if done == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "series_case", counted)
    shelf = Shelf(tmp_path, VERSIONS)
    with pytest.raises(KeyboardInterrupt):
        run_matrix(MATRIX, LIBRARY, shelf, 1, interrupted)
    assert ran == [1, 1, 2, 2]
    # One of the kept days is torn, as by a full disk; that one is run again.
    torn = max(tmp_path.rglob("2.json"))
    torn.write_text(torn.read_text()[:-100])
    again = run_matrix(MATRIX, LIBRARY, Shelf(tmp_path, VERSIONS), 1)
    assert ran[4:] == [2, 3, 3]
    assert timeless(again.document()) == timeless(comparison.document())
    assert not list(tmp_path.rglob("*.tmp"))
    run_matrix(MATRIX, LIBRARY, Shelf(tmp_path, VERSIONS, blind=True), 1)
    assert len(ran) == 13


def test_a_day_is_kept_under_all_that_it_depends_on() -> None:
    case = LIBRARY.case("base", "power:2", agents=4, hours=0.2)
    same = LIBRARY.case("base", "power:2", agents=4, hours=0.2)
    digest = case_digest(case, VERSIONS)
    assert case_digest(same, VERSIONS) == digest
    others = [
        case_digest(LIBRARY.case("base", "power:2.1", agents=4, hours=0.2), VERSIONS),
        case_digest(LIBRARY.case("base", "power:2", agents=5, hours=0.2), VERSIONS),
        case_digest(LIBRARY.case("base", "power:2", agents=4, hours=0.3), VERSIONS),
        case_digest(LIBRARY.case("hard", "power:2", agents=4, hours=0.2), VERSIONS),
        case_digest(
            LIBRARY.case("base", "power:2", agents=4, hours=0.2, settings=["calls.talk_s.mean=9"]),
            VERSIONS,
        ),
        case_digest(case, {"foredial": "another"}),
    ]
    assert digest not in others
    assert len(set(others)) == len(others)


@pytest.mark.filterwarnings("ignore")  # what the cluster's own threads warn of is not ours
def test_a_cluster_of_dask_workers_gives_the_same(comparison: Comparison) -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    )
    with cluster:
        address = cluster.scheduler_address
        found = run_matrix(MATRIX, LIBRARY, cluster=address)
    assert timeless(found.document()) == timeless(comparison.document())


def test_the_front_holds_those_that_no_other_beats() -> None:
    points = [(0.03, 0.8), (0.0, 0.65), (0.05, 0.79), (0.02, 0.8), (0.02, 0.7), (0.1, 0.9)]
    assert front(points) == [1, 3, 5]


def test_the_report_opens_offline_and_is_the_same_each_time(
    comparison: Comparison, tmp_path: Path
) -> None:
    from sim.report.benchmark_report import write_benchmark_report

    pages = []
    for folder in ("one", "two"):
        path = write_benchmark_report(comparison, "run.py benchmark", VERSIONS, tmp_path / folder)
        pages.append(path.read_text())
    assert pages[0] == pages[1]
    assert_self_contained(pages[0], pictures=5)
    for told in ("power:3", "limit 3%", "of 3 days over", "run.py benchmark", "guessed", "± "):
        assert told in pages[0], told


def test_benchmark_as_typed(tmp_path: Path) -> None:
    words = ("--scenario", "base,hard", "--pacers", "progressive,power:2", "--agents", "3")
    options = ("--hours", "0.05", "--replications", "2", "--workers", "1")
    kept = ("--results", str(tmp_path / "kept"))
    result = run("benchmark", *words, *options, *kept, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [(row["scenario"], row["pacer"]) for row in told["rows"]] == [
        ("base", "progressive"),
        ("base", "power:2"),
        ("hard", "progressive"),
        ("hard", "power:2"),
    ]
    assert [each["scenario"] for each in told["differences"]] == ["base", "hard"]
    shown = run("benchmark", *words, *options, *kept, "--report", str(tmp_path / "page"))
    assert "power:2 - progressive" in shown.stdout
    assert "All invariants hold." in shown.stdout
    assert (tmp_path / "page" / "index.html").exists()
    assert len(list((tmp_path / "kept").rglob("*.json"))) == 8


def test_bad_input_to_benchmark_is_one_line(tmp_path: Path) -> None:
    kept = ("--results", str(tmp_path))
    assert "did you mean 'hard'" in refused("benchmark", "--scenario", "hart", *kept)
    assert "no such pacer" in refused("benchmark", "--pacers", "progresive", *kept)
    assert "'x' is no number of agents" in refused("benchmark", "--agents", "5,x", *kept)
    assert "nothing is named" in refused("benchmark", "--agents", ",", *kept)
    assert "base twice" in refused("benchmark", "--scenario", "base,base", *kept)
    assert "no cluster answers" in refused("benchmark", "--dask", "nowhere", *kept)
    assert not list(tmp_path.iterdir())
