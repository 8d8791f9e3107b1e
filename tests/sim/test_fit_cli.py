"""fit, as typed."""

import json
from pathlib import Path

import pytest

from config.composition.laboratory import LIBRARY
from sim.fit.journal_records import traffic_of
from sim.replication import run_replication
from tests.sim.page_rules import assert_self_contained
from tests.sim.test_cli import refused, run
from tests.sim.test_fit_traffic import Kept, write_csv


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A morning of eight agents."""
    case = LIBRARY.case("everyday", "power:2", agents=8, hours=1.0)
    kept = Kept()
    run_replication(case.plan(), case.day, 5, [kept])
    folder = tmp_path_factory.mktemp("recording")
    calls, agents = folder / "calls.csv", folder / "agents.csv"
    write_csv(traffic_of(kept.records, "a morning"), calls, agents)
    return calls, agents


def test_fit_writes_a_scenario_that_simulate_takes(
    recording: tuple[Path, Path], tmp_path: Path
) -> None:
    calls, agents = recording
    written, folder = tmp_path / "mine.yaml", tmp_path / "report"
    words = ("fit", str(calls), "--agent-events", str(agents), "-o", str(written))
    result = run(*words, "--report", str(folder), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    # Of the eight, the late shift has not come yet.
    assert (told["days"], told["agents"], told["scenario"]) == (1, 6, str(written))
    assert {"calls.talk_s", "calls.outcomes", "agents.log_in_s"} <= set(told["fitted"])
    assert "calls.machine_talk_s" in told["guessed"]
    talk = next(each for each in told["traits"] if each["name"] == "talk_s")
    assert talk["seen"] > 100
    assert talk["misfit"][0] < 0.1
    assert "# `fitted` lists what comes from there" in written.read_text()
    simulated = run("simulate", str(written), "--agents", "2", "--hours", "0.05", "--json")
    assert simulated.exit_code == 0, simulated.output
    assumed = {each["name"]: each["fitted"] for each in json.loads(simulated.stdout)["assumptions"]}
    assert assumed["calls.talk_s"]
    assert not assumed["calls.machine_talk_s"]

    page = (folder / "index.html").read_text()
    assert "talk_s: " in page
    assert_self_contained(page, 1 + sum(len(each["misfit"]) for each in told["traits"]))
    # The same again is the same, byte for byte.
    other = tmp_path / "again" / "report"
    shown = run(*words[:-1], str(tmp_path / "again" / "mine.yaml"), "--report", str(other))
    assert shown.exit_code == 1, "the folder of -o is not made"
    (tmp_path / "again").mkdir()
    shown = run(*words[:-1], str(tmp_path / "again" / "mine.yaml"), "--report", str(other))
    assert shown.exit_code == 0, shown.output
    assert (other / "index.html").read_text() == page
    assert "Guessed: " in shown.stdout
    assert "Note: people taken for machines count as" in shown.stdout


def test_bad_input_to_fit_is_one_line(recording: tuple[Path, Path], tmp_path: Path) -> None:
    calls, agents = recording
    out = ("-o", str(tmp_path / "mine.yaml"))
    assert "no column 'dialed_at'" in refused("fit", str(agents), *out)
    assert "no column 'at'" in refused("fit", str(calls), "--agent-events", str(calls), *out)
    assert "--zone 'Mars': no time zone" in refused("fit", str(calls), "--zone", "Mars", *out)
    assert "did you mean 'bic'?" in refused("fit", str(calls), "--criterion", "bik", *out)
    assert "cannot be read" in refused("fit", str(tmp_path / "none.csv"), *out)
    assert not (tmp_path / "mine.yaml").exists()
