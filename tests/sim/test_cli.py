"""simulate and validate, as typed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateways.cli.host import ProofOptions
from run import Here, command_line
from sim.experiment import FIGURES
from tests.sim.page_rules import assert_self_contained
from tests.sim.world_plans import CONFIG

SHORT = ("--agents", "4", "--hours", "0.1", "--workers", "1")
SCENARIOS = sorted(path.stem for path in (CONFIG / "scenarios").glob("*.yaml"))


def run(*words: str) -> Result:
    return CliRunner().invoke(command_line(), list(words))


def simulated(*words: str, code: int = 0) -> Any:
    result = run("simulate", *SHORT, *words, "--json")
    assert result.exit_code == code, result.output
    assert result.stderr == ""
    return json.loads(result.stdout)


def refused(*words: str) -> str:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.count("\n") == 1
    return result.stderr.rstrip("\n")


def test_simulate_gives_every_figure_of_the_contract() -> None:
    told = simulated("base", "--pacer", "power:2", "--replications", "2")
    assert set(FIGURES) < set(told)
    assert {"upper", "mean", "half_width", "level", "n"} <= set(told["abandonment"])
    assert {"calls", "cpu_seconds", "calls_per_cpu_second", "journal_sha256"} < set(told)
    assert (told["pacer"], told["agents"], told["hours"]) == ("power:2", 4, 0.1)
    assert not any(told["invariants"].values())
    guessed = {each["name"]: each["fitted"] for each in told["assumptions"]}
    assert guessed["calls.talk_s"] is False
    assert told == simulated("base", "--pacer", "power:2", "--replications", "2") | {
        name: told[name] for name in ("cpu_seconds", "calls_per_cpu_second")
    }


def test_people_see_intervals_assumptions_the_formula_and_the_invariants() -> None:
    shown = run("simulate", "base", "--replications", "2", *SHORT).stdout
    assert "95% interval" in shown
    assert "(talking + wrap-up) / (logged in - not ready)" in shown
    assert "lognormal, mean 120 s, cv 1" in shown
    assert "guessed" in shown
    assert "All 11 invariants hold." in shown


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_that_ships_runs_and_keeps_every_promise(scenario: str) -> None:
    pacer = "progressive" if scenario == "phones" else "power:2"
    told = simulated(scenario, "--pacer", pacer, "--replications", "1", "--jitter", "5")
    assert told["calls"] > 10
    assert not any(told["invariants"].values()), told["violations"]


@pytest.mark.parametrize("campaign", sorted((CONFIG / "campaigns").glob("*.yaml")))
def test_every_campaign_that_ships_can_be_simulated(campaign: Path) -> None:
    told = simulated("base", "--campaign", str(campaign), "--replications", "1")
    assert told["calls"] > 10
    assert not any(told["invariants"].values()), told["violations"]


def test_a_limit_is_judged_by_the_bound_that_is_against_us() -> None:
    words = ("base", "--pacer", "power:2", "--replications", "2")
    mean = simulated(*words)["occupancy"]
    inside = f"occupancy>={mean['mean'] - mean['half_width'] / 2}"
    (missed,) = simulated(*words, "--threshold", inside, code=3)["thresholds"]
    assert missed["ok"] is False
    assert missed["bound"] == pytest.approx(mean["mean"] - mean["half_width"])
    outside = f"occupancy>={mean['mean'] - mean['half_width'] * 2}"
    (kept,) = simulated(*words, "--threshold", outside)["thresholds"]
    assert kept["ok"] is True


def test_having_seen_nobody_abandoned_in_a_few_calls_proves_no_limit() -> None:
    told = simulated("base", "--replications", "2", "--threshold", "abandonment<=0.03", code=3)
    assert told["abandonment"]["mean"] == 0
    assert told["abandonment"]["upper"] > 0.03


def test_one_day_proves_nothing_about_a_mean() -> None:
    told = simulated("base", "--replications", "1", "--threshold", "occupancy>=0", code=3)
    assert "one replication proves nothing" in told["thresholds"][0]["words"]


def test_days_are_added_until_the_figure_is_as_sure_as_wanted() -> None:
    told = simulated("base", "--replications", "2", "--precision", "occupancy=0.05")
    assert told["occupancy"]["half_width"] <= 0.05
    assert told["replications"] > 2
    seeds = told["seeds"]
    assert seeds == list(range(1, 1 + told["replications"]))


def test_a_campaign_that_dials_nobody_says_why() -> None:
    shown = run("simulate", "base", "--set", "start=2026-03-02 22:00", *SHORT).stdout
    assert "Note: nobody was called: outside the time windows of the Start node." in shown


def test_what_a_reader_should_know_of_a_flow_is_noted() -> None:
    flow = str(CONFIG / "campaigns" / "power.yaml")
    words = ("--campaign", flow, "--set", "campaign.init.filter=vips", "--set", "trunk.channels=9")
    told = simulated("base", *words, "--replications", "1", "--agents", "12")
    assert told["notes"] == [
        "the flow seizes 10 of the 12 agents at the most",
        "the filter 'vips' is taken to find everybody on the list",
    ]
    assert told["calls"] > 10


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--threshold", "abandonmet<=0.03"), "no such figure: 'abandonmet'; did you mean"),
        (("--threshold", "abandonment=0.03"), "no threshold; write FIGURE<=NUMBER"),
        (("--precision", "calls=3"), "no such figure: 'calls'; there are abandonment,"),
        (("--precision", "occupancy=no"), "no half-width; write FIGURE=HALF_WIDTH"),
        (("--set", "calls.talk_s={distribution: uniform, low: 9, high: 1}"), "raise high"),
        (("--set", "contacts.size=0"), "contacts.size: input should be greater than or equal to 1"),
        (("--pacer", "turbo"), "pacer 'turbo': no such pacer; there are"),
        (("--campaign", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
        (("--agents", "0"), "Invalid value for '--agents'"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(words: Sequence[str], line: str) -> None:
    assert line in refused("simulate", "base", *words)


def test_a_flow_is_proven_against_the_limit_of_its_law_with_the_agents_it_seizes() -> None:
    flow = (CONFIG / "campaigns" / "power.yaml").read_text()
    heard: list[tuple[int, int]] = []
    told = lambda *so_far: heard.append(so_far)  # noqa: E731
    options = ProofOptions("base", hours=0.1, replications=2)
    shown = Here().prove(flow, "campaign Power", options, told)
    assert shown.document["agents"] == 10
    assert [each["threshold"] for each in shown.document["thresholds"]] == ["abandonment <= 0.03"]
    assert heard == [(1, 2), (2, 2)]
    assert shown.good is False  # six minutes prove nothing
    easy = replace(options, thresholds=("abandonment<=1",))
    assert Here().prove(flow, "campaign Power", easy, told).good is True


def test_validate_gives_a_row_for_each_claim() -> None:
    words = ("--replications", "4", "--callers", "200", "--seed", "3", "--workers", "1")
    result = run("validate", *words, "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert len(rows) > 10
    assert {tuple(row) for row in rows} == {("name", "theory", "estimate", "half_width", "ok")}
    shown = run("validate", *words).stdout
    assert f"{len(rows)} of {len(rows)} hold" in shown


def test_a_claim_that_fails_is_exit_code_three(monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.cli import validate

    wrong = validate.Row("claim", 1.0, 2.0, 0.1, False)
    monkeypatch.setattr(validate, "validate", lambda *given: [wrong])
    result = run("validate")
    assert result.exit_code == 3
    assert "WRONG" in result.stdout


def test_simulate_writes_a_page_that_opens_offline_beside_its_figures(tmp_path: Path) -> None:
    folder = tmp_path / "page"
    words = ("simulate", "everyday", "--pacer", "power:2", "--replications", "2", *SHORT)
    both = ("--report", str(folder), "--journal", str(tmp_path / "journal"))
    shown = run(*words, "--threshold", "abandonment<=1", *both)
    assert shown.exit_code == 0, shown.output
    assert f"Report: {folder / 'index.html'}" in shown.stdout
    page = (folder / "index.html").read_text()
    assert_self_contained(page, pictures=4)
    for told in ("Power in everyday", "Threshold abandonment", "guessed", "journal_sha256"):
        assert told in page, told
    assert "run.py simulate everyday --pacer power:2 --agents 4 --hours 0.1" in page
    figures = json.loads((folder / "simulate.json").read_text())
    plain = simulated("everyday", "--pacer", "power:2", "--replications", "2")
    assert figures["journal_sha256"] == plain["journal_sha256"]
    assert len(list((tmp_path / "journal").iterdir())) == 2
