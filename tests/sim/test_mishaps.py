"""Faults strike when they should, and the actors lose nothing by them."""

from pathlib import Path

import pytest

from dialer import journal
from dialer.errors import ScenarioError
from sim.population import Population
from sim.replication import Day, Replication, run_replication
from sim.scenario import Scenario, load_scenario
from tests.sim.world_plans import plan, records_of

FAULTS = Path(__file__).parents[2] / "config" / "scenarios" / "faults.yaml"
QUICK = "calls: {talk_s: 40, wrap_up_s: 10, outcomes: {live: 0.5, busy: 0.5}, refused_after_s: 1}\n"


def scenario(faults: str) -> Scenario:
    return load_scenario(f"{QUICK}faults:\n  - {{{faults}}}\n", "world.yaml")


def ran(world: Scenario, hours: float = 1.0, agents: int = 6, seed: int = 3) -> Replication:
    people = Population(world, agents)
    day = Day(hours=hours, start_at=world.start_at, jitter_s=0.005)
    particulars = {"callees": people, "habits": people, "faults": world.faults}
    return run_replication(plan(agents, 2.0, **particulars), day, seed)


def records(world: Scenario, seconds: float, agents: int = 6) -> list[tuple[object, ...]]:
    people = Population(world, agents)
    particulars = {"callees": people, "habits": people, "faults": world.faults}
    return records_of(plan(agents, 2.0, **particulars), world.start_at, seconds, seed=3)


def broken(replication: Replication) -> dict[str, int]:
    return {name: count for name, count in replication.violations.items() if count}


def test_the_day_of_faults_breaks_no_promise() -> None:
    world = load_scenario(FAULTS.read_text(encoding="utf-8"), FAULTS.name)
    found = ran(world, hours=7.0)
    assert broken(found) == {}
    assert found.crashes == 4
    assert found.calls > 2000


def test_a_trunk_that_is_down_carries_no_new_call_until_it_is_back() -> None:
    world = scenario("fault: trunk_down, at_s: 600, lasts_s: 300")
    ringing = [
        record.at - world.start_at
        for record in records(world, 1800)
        if isinstance(record, journal.CallMoved) and record.state == "ringing"
    ]
    assert not [at for at in ringing if 603 < at < 900]
    assert [at for at in ringing if at < 600]
    assert [at for at in ringing if at > 1000]


def test_agents_who_leave_come_back() -> None:
    world = scenario("fault: agents_leave, at_s: 600, lasts_s: 300, share: 0.5")
    moved = [
        (record.at - world.start_at, record.agent_id, record.to_state)
        for record in records(world, 1200)
        if isinstance(record, journal.AgentMoved)
    ]
    left = {agent for at, agent, state in moved if at == 600 and state == "logged_out"}
    assert 0 < len(left) < 6
    back = {agent for at, agent, state in moved if at == 900 and state == "ready"}
    assert back == left


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_lost_events_cost_calls_but_no_contact(share: float) -> None:
    hurt = ran(scenario(f"fault: lost_messages, at_s: 600, lasts_s: 600, share: {share}"))
    assert broken(hurt) == {}
    well = ran(load_scenario(QUICK, "world.yaml"))
    assert hurt.journal_sha256 != well.journal_sha256
    assert hurt.figures.occupancy < well.figures.occupancy


def test_late_events_do_no_harm() -> None:
    hurt = ran(scenario("fault: late_messages, at_s: 600, lasts_s: 600, share: 0.5, delay_s: 0.8"))
    assert broken(hurt) == {}
    assert hurt.figures.outcomes["customer_answered"] > 100


@pytest.mark.parametrize("actor", ["feeder/1", "campaign/1", "desk", "carrier/simulated"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_actor_that_crashes_leaves_nothing_unsettled(actor: str, seed: int) -> None:
    found = ran(scenario(f"fault: actor_crash, at_s: 900, actor: {actor}"), 0.5, seed=seed)
    assert found.crashes == 1
    assert broken(found) == {}


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (
            "fault: actor_crash, at_s: 9, actor: fedder/1",
            "faults: no such actor: 'fedder/1'; did you mean 'feeder/1'?",
        ),
        (
            "fault: trunk_down, at_s: 9, lasts_s: 9, trunk: simulatd",
            "faults: no such trunk: 'simulatd'; did you mean 'simulated'?",
        ),
    ],
)
def test_a_fault_of_what_is_not_there_is_refused(fault: str, line: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        records(scenario(fault), 1.0)
    assert str(refused.value) == line
