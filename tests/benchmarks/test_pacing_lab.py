"""The second simulator: its figures agree with theory, and its days can be stored and resumed."""

import json
from pathlib import Path

import pytest

from benchmarks.pacing_lab.__main__ import main
from benchmarks.pacing_lab.day import Day, Levers
from benchmarks.pacing_lab.world import WORLDS, World
from dialer.pacing.lookahead import Lookahead
from dialer.pacing.ratios import ConstantRate, PowerPacer
from sim.theory import fixed_patience

BASE = WORLDS["base"]


def test_progressive_comes_to_what_renewal_theory_says() -> None:
    # .653 where a dial follows at once; looking once a second costs .6 % of the time.
    days = [Day(BASE, PowerPacer(1.0), 30, seed).run() for seed in range(3)]
    assert sum(day.abandoned for day in days) == 0
    assert sum(day.occupancy for day in days) / 3 == pytest.approx(0.65, abs=0.01)


def test_callers_by_chance_come_to_the_exact_figures_of_a_queue() -> None:
    rate = 16 / 150
    days = [Day(WORLDS["erlang"], ConstantRate(rate), 20, seed).run() for seed in range(4)]
    queue = fixed_patience(20, rate, 150.0, 2.0)
    occupancy = sum(day.occupancy for day in days) / 4
    answers = sum(day.answers for day in days)
    assert occupancy == pytest.approx(queue.occupancy, abs=0.02)
    abandoned = sum(day.abandoned for day in days) / answers
    assert abandoned == pytest.approx(queue.abandons, abs=0.015)


@pytest.mark.parametrize("name", ["churn", "cpa", "trunk", "decay", "shift"])
def test_every_world_runs_and_no_call_is_lost(name: str) -> None:
    world: World = WORLDS[name]
    day = Day(world, Lookahead(), 12, 5, hours=0.5)
    figures = day.run()
    floor = day.floor
    assert floor.answers <= floor.dials == figures.dials
    assert 0 <= figures.abandoned <= figures.answers
    assert 0 < figures.occupancy < 1
    in_hand = floor.ready + floor.talks.size + floor.wrap_ups.size
    assert in_hand <= 12
    if world.lines_per_agent:
        assert floor.calls.size + floor.closing + floor.waiting + floor.talks.size <= 13


def test_the_same_seed_gives_the_same_day() -> None:
    one, two = (Day(BASE, Lookahead(), 10, 4, hours=0.5).run() for _ in range(2))
    assert one._replace(decide_ms=0) == two._replace(decide_ms=0)


def test_levers_are_pulled() -> None:
    day = Day(BASE, Lookahead(), 20, 4, hours=1, levers=Levers(True, 15.0)).run()
    assert day.cancelled > 0


def test_days_are_stored_and_not_simulated_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "days.jsonl"
    command = ["--agents", "5", "--hours", "0.2", "--store", str(store), "--json"]
    main([*command, "--days", "2", "--pacers", "progressive"])
    main([*command, "--days", "3", "--pacers", "progressive"])
    assert len(store.read_text().splitlines()) == 3
    (row,) = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert row["days"] == 3
    assert 0 < row["occupancy"] < 1


def test_a_wrong_world_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--worlds", "moon"])
    assert stopped.value.code == 2
    assert "no world 'moon'; use base" in capsys.readouterr().err
