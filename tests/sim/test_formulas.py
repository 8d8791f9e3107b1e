"""Campaigns paced by formulas, simulated; and formulas tried on what was simulated."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import run
from config.formulas_shipped import shipped_formulas
from dialer.journal import Pulse
from sim.collected import Collected
from sim.experiment import run_case
from tests.sim.library import LIBRARY

FORMULAS = shipped_formulas()


@pytest.mark.parametrize("name", FORMULAS)
def test_a_campaign_with_each_shipped_formula_runs_and_keeps_every_promise(name: str) -> None:
    pulses = Collected(Pulse)
    case = LIBRARY.case("base", f"formula:{name}", agents=10, hours=0.5)
    day = run_case(case, 1, [pulses])
    assert {promise: n for promise, n in day.violations.items() if n} == {}
    assert day.figures.occupancy > 0.3
    followed = [p for p in pulses.records if "formula" in dict(p.inputs)]
    assert len(followed) > 0.9 * len([p for p in pulses.records if p.dials])
    if FORMULAS[name].gives != "agents_to_reserve":
        assert {p.value for p in followed} - {1.0}, "it is not progressive all day"


def test_one_seed_has_one_ledger_with_formulas_and_series() -> None:
    def digest(jitter_s: float = 0.0) -> str:
        case = LIBRARY.case(
            "base", "formula:compliance_guard", agents=5, hours=0.2, jitter_s=jitter_s
        )
        return run_case(case, 3).journal_sha256

    assert digest() == digest()
    assert digest(0.01) == digest(0.01)


def test_a_shadow_changes_nothing_of_the_day() -> None:
    """A candidate that is evaluated beside the live dialing places no call more or fewer."""
    plain = LIBRARY.case("base", "power:1.5", agents=5, hours=0.2)
    nodes = tuple(
        node.model_copy(update={"shadow": FORMULAS["tapered"].formula})
        if node.type == "init"
        else node
        for node in plain.flow.nodes
    )
    shadowed = replace(plain, flow=plain.flow.model_copy(update={"nodes": nodes}))
    with_it, without = run_case(shadowed, 2).figures, run_case(plain, 2).figures
    # Each evaluation is recorded, so the last word may be of a pulse that else says nothing.
    assert replace(with_it, last_reason="") == replace(without, last_reason="")


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(run.command_line(), list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_a_formula_is_tried_on_a_simulated_day_and_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "try.svg"
    code, out, err = invoke(
        *("backtest", "vector(3)", "--scenario", "base", "--pacer", "power:1.5"),
        *("--agents", "5", "--hours", "0.3", "--plot", str(picture), "--json"),
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["results"] == {"used": found["moments"]}
    assert found["candidate"]["calls"] > found["live"]["calls"] > 0
    assert found["candidate"]["abandonment"] > found["live"]["abandonment"]
    assert len(found["series"]) == found["moments"] > 100
    assert picture.read_text("utf-8").startswith("<?xml")


def test_people_see_both_beside_each_other() -> None:
    code, out, err = invoke(
        *("backtest", "tapered", "--scenario", "base", "--agents", "3", "--hours", "0.1")
    )
    assert code == 0, err
    assert "what ran" in out
    assert "expected abandonment" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sum("], "formula"),
        (["vector(2)"], "nothing recorded"),
        (["demand_driven", "--scenario", "base"], "agents to reserve"),
        (["vector(2)", "--journal", "nowhere"], "no such file"),
        (["vector(2)", "--prometheus", "http://127.0.0.1:1"], "no beginning"),
        (["vector(2)", "--scenario", "base", "--hours", "0.1", "--plot", "x.gif"], "neither .svg"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], told: str) -> None:
    code, out, err = invoke("backtest", *arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("pacer", "told"),
    [("formula:compliance_gard", "compliance_guard"), ("formla:x", "formula")],
)
def test_a_pacer_that_is_none_is_told_with_what_was_meant(pacer: str, told: str) -> None:
    code, _, err = invoke("simulate", "base", "--pacer", pacer)
    assert code == 2
    assert told in err
