"""A scenario's people, met by the real pool, calls and flow on the simulated clock."""

from pathlib import Path

import pytest

from dialer import journal
from sim.ledger import Ledger
from sim.population import Population
from sim.replication import Day, Replication, run_replication
from sim.runtime import SimRuntime
from sim.scenario import Scenario, load_scenario
from sim.world import World
from tests.sim.world_plans import plan

FOLDER = Path(__file__).parents[2] / "config" / "scenarios"


class _Heard:
    """Keeps the ledger's records."""

    def __init__(self) -> None:
        self.records: list[tuple[object, ...]] = []

    def extend(self, records: list[tuple[object, ...]]) -> None:
        self.records.extend(records)


def scenario(text: str) -> Scenario:
    return load_scenario(text, "world.yaml")


def ran(world: Scenario, agents: int = 4, ratio: float = 1.0, hours: float = 0.5) -> Replication:
    people = Population(world, agents)
    day = Day(hours=hours, start_at=world.start_at)
    return run_replication(plan(agents, ratio, callees=people, habits=people), day, 5)


def heard(world: Scenario, agents: int, hours: float, ratio: float = 1.0) -> list[object]:
    people = Population(world, agents)
    runtime = SimRuntime(5, epoch=world.start_at)
    book = _Heard()
    ledger = Ledger(book)  # type: ignore[arg-type]
    campaign = World(runtime, plan(agents, ratio, callees=people, habits=people), ledger)
    campaign.start()
    runtime.advance(hours * 3600)
    ledger.flush()
    runtime.stop()
    return list(book.records)


def moves(records: list[object], agent_id: str) -> list[tuple[float, str, str]]:
    return [
        (record.at, record.from_state, record.to_state)
        for record in records
        if isinstance(record, journal.AgentMoved) and record.agent_id == agent_id
    ]


def settled(records: list[object]) -> dict[int, str]:
    return {
        record.attempt_id: record.detail
        for record in records
        if isinstance(record, journal.CallMoved) and record.state == "settled"
    }


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_scenario_runs_and_breaks_no_promise(path: Path) -> None:
    world = load_scenario(path.read_text(encoding="utf-8"), path.name, FOLDER)
    found = ran(world, ratio=2.0)
    assert found.calls > 50
    assert {name: count for name, count in found.violations.items() if count} == {}
    assert found.figures.outcomes["customer_answered"] > 10


def test_two_pacers_meet_the_same_customers() -> None:
    world = scenario("")
    slow = settled(heard(world, 4, 1.0))
    fast = settled(heard(world, 4, 1.0, ratio=3.0))
    both = slow.keys() & fast.keys()
    assert len(both) > 100
    # A person whom no agent met was live all the same; and people lost patience, not machines.
    live = {"customer_answered", "abandoned"}
    assert all((slow[n] in live) == (fast[n] in live) for n in both)
    assert {fast[n] for n in both if slow[n] != fast[n]} <= live


def test_a_run_leaves_nothing_behind_for_the_next() -> None:
    world = scenario("contacts: {size: 300, live_decay: 2, ends: false}")
    people = Population(world, 4)
    day = Day(hours=0.5, start_at=world.start_at)
    shared = plan(4, 2.0, callees=people, habits=people)
    first = run_replication(shared, day, 1)
    run_replication(shared, day, 2)
    assert run_replication(shared, day, 1).journal_sha256 == first.journal_sha256


def test_agents_come_late_and_leave_at_the_end_of_their_shift() -> None:
    world = scenario(
        "agents: {log_in_s: 60, shifts: [{share: 1, from_s: 300, until_s: 1200}]}\n"
        "calls: {talk_s: 20, wrap_up_s: 5}"
    )
    found = moves(heard(world, 1, 0.5), "agent-1")
    start = world.start_at
    assert found[0] == (start + 360, "logged_out", "not_ready")
    leaving = next(move for move in found if move[2] in ("pending_logout", "logged_out"))
    assert leaving[0] == start + 1200
    assert found[-1][2] == "logged_out"
    assert found[-1][0] < start + 1300


@pytest.mark.parametrize("announced", [True, False])
def test_a_break_is_taken_after_the_call_in_hand(announced: bool) -> None:
    world = scenario(
        "calls: {outcomes: {live: 1}, talk_s: 400, wrap_up_s: 50, ring_s: 1}\n"
        f"agents: {{breaks: [{{at_s: 300, lasts_s: 600, announced: {str(announced).lower()}}}]}}"
    )
    found = moves(heard(world, 1, 0.5), "agent-1")
    start = world.start_at
    talking = next(at for at, _, state in found if state == "talking")
    assert talking < start + 10
    asked = [at for at, _, state in found if state == "pending_not_ready"]
    assert asked == ([start + 300] if announced else [])
    gone = next(at for at, _, state in found if at > start + 300 and state == "not_ready")
    back = next(at for at, before, _ in found if at > gone and before == "not_ready")
    # An agent who is not ready still writes up the call, which the pool cannot tell from the break.
    assert gone - talking == pytest.approx(400 if announced else 450)
    assert back - gone == pytest.approx(650 if announced else 600)


def test_wrong_verdicts_hang_up_on_people_and_hand_agents_machines() -> None:
    world = scenario("cpa: {human_as_machine: 1, machine_as_human: 1}\ncalls: {machine_talk_s: 9}")
    figures = ran(world).figures
    assert figures.outcomes["customer_answered"] > 50
    assert figures.talk_s / figures.outcomes["customer_answered"] == pytest.approx(9, abs=0.5)
    assert figures.outcomes["answering_machine"] > 50


def test_a_small_trunk_never_carries_more_calls_than_it_has_lines() -> None:
    in_progress, most = 0, 0
    for record in heard(scenario("trunk: {channels: 3}"), 4, 0.25, ratio=4.0):
        if isinstance(record, journal.CallMoved):
            if record.state == "dialing":
                in_progress += 1
                most = max(most, in_progress)
            elif record.state == "settled":
                in_progress -= 1
    assert most == 3


def test_a_list_that_ends_is_dialed_once_and_no_more() -> None:
    world = scenario("contacts: {size: 130}\ncalls: {outcomes: {live: 0.2, machine: 0.8}}")
    people = Population(world, 4)
    shared = plan(4, 2.0, callees=people, habits=people, store=people.contacts)
    found = run_replication(shared, Day(hours=2.0, start_at=world.start_at), 5)
    again = found.figures.outcomes.get("no_user_response", 0)
    assert 130 <= found.calls <= 130 + 2 * again
    assert found.violations["attempt_cap"] == 0
