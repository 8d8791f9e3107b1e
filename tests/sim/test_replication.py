"""One simulated day: the same for the same seed, true to theory, and watched."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.dispositions import Dispositions
from dialer.flow.graph import Flow, load_flow
from sim.model import DeskModel
from sim.replication import Day, adapted, run_replication
from tests.sim import planted_race
from tests.sim.world_plans import CONFIG, FLOW, hasty, plan

SHORT = Day(hours=0.05)
ROOT = Path(__file__).resolve().parents[2]


def test_the_same_seed_gives_the_same_ledger_in_another_process() -> None:
    script = (
        "from sim.replication import run_replication\n"
        "from tests.sim.test_replication import SHORT\n"
        "from tests.sim.world_plans import hasty\n"
        "print(run_replication(hasty(), SHORT, 7).journal_sha256)\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    here = run_replication(hasty(), SHORT, 7)
    assert other.stdout.strip() == here.journal_sha256
    assert here.journal_records > 100
    assert run_replication(hasty(), SHORT, 8).journal_sha256 != here.journal_sha256


def test_jitter_changes_the_ledger_and_is_replayed_by_its_seed() -> None:
    day = Day(hours=0.05, jitter_s=0.005)
    one, two = run_replication(hasty(), day, 7), run_replication(hasty(), day, 7)
    assert one.journal_sha256 == two.journal_sha256
    assert one.journal_sha256 != run_replication(hasty(), SHORT, 7).journal_sha256


def test_every_promise_holds_under_jitter_over_two_hundred_seeds() -> None:
    day = Day(hours=0.02, jitter_s=0.01)
    calls = 0
    for seed in range(200):
        replication = run_replication(hasty(), day, seed)
        broken = {name: count for name, count in replication.violations.items() if count}
        assert not broken, f"seed {seed}: {replication.told}"
        calls += replication.calls
    assert calls > 200 * 20


def test_the_preview_blueprint_keeps_every_promise_under_jitter() -> None:
    text = (CONFIG / "campaigns/preview.yaml").read_text()
    flow = adapted(load_flow(text, "preview.yaml"), pulse_s=1.0, target=4)
    habits = DeskModel(
        wrap_up_mean_s=2.0, preview_s=3.0, preview_skip=0.2, preview_timeout=0.05, away_s=10.0
    )
    previewed = replace(hasty(), flow=flow, habits=habits)
    day = Day(hours=0.1, jitter_s=0.01)
    digests = set()
    for seed in range(20):
        replication = run_replication(previewed, day, seed)
        broken = {name: count for name, count in replication.violations.items() if count}
        assert not broken, f"seed {seed}: {replication.told}"
        assert replication.figures.abandoned == 0
        assert replication.calls > 20
        digests.add(replication.journal_sha256)
    assert len(digests) == 20
    assert run_replication(previewed, day, 0).journal_sha256 in digests


def test_agents_who_must_say_what_came_of_calls_do_and_go_on() -> None:
    said = Dispositions.model_validate(
        {
            "mandatory": True,
            "choices": [
                {"name": "sale"},
                {"name": "later", "means": "retry", "delay_s": 30},
                {"name": "call_back", "means": "call_back"},
                {"name": "stop", "means": "do_not_call"},
            ],
        }
    )
    base = hasty()
    flow = Flow(base.flow.definition.model_copy(update={"dispositions": said}))
    habits = DeskModel(wrap_up_mean_s=2.0, callback_after_s=20.0, dispositions={"call_back": 1.0})
    day = Day(hours=0.05, jitter_s=0.01)
    free = run_replication(base, day, 1).figures
    for seed in range(1, 6):
        replication = run_replication(replace(base, flow=flow, habits=habits), day, seed)
        assert not any(replication.violations.values()), f"seed {seed}: {replication.told}"
        # Nobody waits for a disposition that is never given.
        assert replication.figures.occupancy > 0.8 * free.occupancy


def test_an_agent_assigned_to_a_call_that_had_ended_is_found_and_replayed() -> None:
    with planted_race.planted():
        assert not planted_race.hunt(20, jitter_s=0.0)  # it shows only where messages cross
        found = planted_race.hunt(150, jitter_s=0.01)
        assert found
        first = found[0]
        again = planted_race.run(first.seed, jitter_s=0.01)
    assert (again.told, again.journal_sha256) == (first.told, first.journal_sha256)
    assert first.told[0].startswith("agent_without_call at ")


def test_progressive_dialing_comes_to_what_renewal_theory_says() -> None:
    """A cycle is talk and wrap-up, 150 s, and the dials up to a live answer, 79.7 s on average.

    Per dial: .2474 live within the 25 s (11.7 s), .30 machines (23 s), .3526 unanswered (27 s),
    .10 busy (4 s): 19.7 s, so 79.7 s per live answer, and an occupancy of .653.
    """
    replication = run_replication(plan(20), Day(hours=4.0, warm_up_s=600.0), 3)
    figures = replication.figures
    assert figures.occupancy == pytest.approx(0.653, abs=0.02)
    assert figures.abandoned == 0
    assert set(replication.violations.values()) == {0}
    live = figures.outcomes["customer_answered"] / sum(figures.outcomes.values())
    assert live == pytest.approx(0.2474, abs=0.02)
    assert sum(figures.agent_wait_s) / len(figures.agent_wait_s) == pytest.approx(79.7, rel=0.1)


def test_a_higher_ratio_keeps_agents_busier_and_abandons_more() -> None:
    day = Day(hours=1.0, warm_up_s=600.0)
    low = run_replication(plan(10, 1.5), day, 1).figures
    high = run_replication(plan(10, 4.0), day, 1).figures
    assert low.occupancy < high.occupancy
    assert low.abandonment < 0.03 < high.abandonment


def test_a_flow_is_adapted_only_where_it_is_asked() -> None:
    flow = adapted(FLOW, pulse_s=1.0, target=33)
    assert (flow.start.interval_s, flow.init) == (1.0, FLOW.init)
    assert flow.nodes["seize"].model_dump()["target"] == 33
    assert adapted(FLOW).definition == FLOW.definition
