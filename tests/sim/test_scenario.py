"""Scenarios say a world, or say by file and line why it cannot be."""

import json
import pickle
from collections import Counter
from pathlib import Path

import pytest

from dialer.errors import ScenarioError
from sim.customers import CallFate, Customers, segments_of
from sim.scenario import Scenario, load_scenario, scenario_problems, scenario_schema
from sim.workforce import Workforce

FOLDER = Path(__file__).parents[2] / "config" / "scenarios"
SUITE = ("base", "hard", "easy", "shift", "churn", "decay", "cpa", "heavy", "trunk")


def shipped(name: str) -> Scenario:
    path = FOLDER / f"{name}.yaml"
    return load_scenario(path.read_text(encoding="utf-8"), path.name, FOLDER)


def scenario(text: str) -> Scenario:
    return load_scenario(text, "world.yaml")


def fates(
    world: Scenario, calls: int = 20_000, at_s: float = 0.0, **where: object
) -> list[CallFate]:
    customers = Customers(world, (3, 0), agents=10)
    return [customers.fate(n, at_s, **where) for n in range(calls)]  # type: ignore[arg-type]


def share(found: list[CallFate], outcome: str) -> float:
    return sum(fate.outcome == outcome for fate in found) / len(found)


# --- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_scenario_is_sound_and_survives_the_way_to_a_worker(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert scenario_problems(text, path.name, FOLDER) == []
    world = load_scenario(text, path.name, FOLDER)
    assert world.name == path.stem
    assert world.about
    there = pickle.loads(pickle.dumps(world))
    assert fates(there, 200) == fates(world, 200)


def test_base_is_what_is_left_out() -> None:
    written, default = shipped("base"), scenario("")
    assert fates(written) == fates(default)
    assert written.start_at == default.start_at
    assert written.assumptions() == default.assumptions()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "calls:\n  talk_s: {distribution: lognorm, mean: 120}",
            "world.yaml:2: calls.talk_s: no such distribution: 'lognorm'; "
            "did you mean 'lognormal'?",
        ),
        (
            "hours: 8\ncalls:\n  talk_s: {distribution: gamma, mean: 120, cv: -1}",
            "world.yaml:3: calls.talk_s.cv: input should be greater than 0, not -1",
        ),
        (
            "calls:\n  outcomes: {live: 0.5, machine: 0.6}",
            "world.yaml:2: calls.outcomes: the shares sum to 1.1; make them 1",
        ),
        (
            "calls:\n  talks_s: 3",
            "world.yaml:2: calls.talks_s: unknown key; did you mean 'talk_s'?",
        ),
        (
            "changes:\n- {live: 0.3}",
            "world.yaml:2: changes[0]: when?; give one of from_s, from_time and from_penetration",
        ),
        (
            "changes:\n- {from_s: 3}",
            "world.yaml:2: changes[0]: nothing changes; give a trait, such as talk_s",
        ),
        (
            "segments:\n- {name: east, share: 1}\nchanges:\n- {from_s: 3, live: 1, segment: eats}",
            "world.yaml:4: changes[0].segment: no such segment: 'eats'; did you mean 'east'?",
        ),
        (
            "segments:\n- {name: a, share: 0.7}\n- {name: b, share: 0.7}",
            "world.yaml:1: segments: the shares sum to 1.4; keep them up to 1",
        ),
        (
            "segments:\n- {name: a, share: 0.1}\n- {name: a, share: 0.1}",
            "world.yaml:3: segments[1].name: 'a' twice; give each its own name",
        ),
        (
            "changes:\n- {from_penetration: 0.5, live: 0.1}",
            "world.yaml:2: changes[0].from_penetration: the list has no size; "
            "give contacts a size or a size_per_agent",
        ),
        (
            "contacts: {live_decay: 1}",
            "world.yaml:1: contacts: live_decay without a size; give size or size_per_agent",
        ),
        (
            "contacts:\n  size: 0",
            "world.yaml:2: contacts.size: input should be greater than or equal to 1, not 0",
        ),
        ("zone: Mars", "world.yaml:1: zone: no time zone 'Mars'; write one as America/New_York"),
        (
            "start: soon",
            "world.yaml:1: start: no start; "
            "write local day and time without a zone, as 2026-03-02 09:00",
        ),
        (
            "agents: {shifts: [{share: 1, from_s: 9, until_s: 3}]}",
            "world.yaml:1: agents.shifts[0]: the shift ends before it starts; raise until_s",
        ),
        (
            "fitted: [calls.talk]",
            "world.yaml:1: fitted[0]: no such part: 'calls.talk'; did you mean 'calls.talk_s'?",
        ),
        (
            "trunk: {channels: 3, channels_per_agent: 1}",
            "world.yaml:1: trunk: both channels and channels_per_agent; give one",
        ),
        ("- 1", "world.yaml: not a mapping; write it as in docs/simulation.md"),
    ],
)
def test_an_impossible_world_is_refused_in_one_line(text: str, line: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario(text)
    assert str(refused.value) == line


def test_all_problems_are_told_in_the_order_of_their_lines() -> None:
    text = "zone: Mars\nhours: 0\ncalls:\n  talk_s: -3\n"
    found = [str(problem) for problem in scenario_problems(text, "world.yaml")]
    assert [line.split(":")[1] for line in found] == ["1", "2", "4"]


def test_the_editors_schema_knows_every_key() -> None:
    committed = json.loads((FOLDER / "scenario.schema.json").read_text(encoding="utf-8"))

    def keys(schema: dict[str, object]) -> dict[str, set[str]]:
        parts = {"": schema, **schema["$defs"]}  # type: ignore[dict-item]
        return {name: set(part.get("properties", ())) for name, part in parts.items()}  # type: ignore[attr-defined]

    assert keys(committed) == keys(scenario_schema())


def test_assumptions_say_what_was_fitted() -> None:
    world = scenario("calls: {talk_s: 90}\nfitted: [calls.talk_s, cpa]")
    told = {each.name: each for each in world.assumptions()}
    assert told["calls.talk_s"].value == "90 s"
    assert told["calls.ring_s"].value == "gamma, mean 10 s, cv 0.5"
    fitted = {name.split("_")[0] for name, each in told.items() if each.fitted}
    assert fitted == {"calls.talk", "cpa.human", "cpa.machine"}


# --- calls ------------------------------------------------------------------------------------


def test_calls_come_to_their_outcomes_in_the_scenarios_shares() -> None:
    found = fates(shipped("base"))
    in_time = 0.98966  # of a gamma of shape 4 and mean 10: the share within 25 s
    assert share(found, "live") == pytest.approx(0.25 * in_time, abs=0.012)
    assert share(found, "machine") == pytest.approx(0.30, abs=0.012)
    assert share(found, "no_answer") == pytest.approx(0.35 + 0.25 * (1 - in_time), abs=0.012)
    assert share(found, "busy") == pytest.approx(0.10, abs=0.01)
    for fate in found:
        if fate.outcome == "live":
            assert fate.answer_s <= 25
            assert (fate.verdict, fate.verdict_after_s) == ("human", 0)
            assert fate.talk_s > 0
            assert fate.wrap_up_s > 0
        elif fate.outcome == "machine":
            assert 12 <= fate.answer_s <= 24
            assert (fate.verdict, fate.verdict_after_s) == ("answering_machine", 3)
        elif fate.outcome == "no_answer":
            assert (fate.post_dial_delay_s, fate.ring_s, fate.verdict) == (2, 25, "")
        else:
            assert fate.post_dial_delay_s == 4


def test_a_call_is_the_same_call_under_every_pacer() -> None:
    first, second = (Customers(shipped("base"), (5, 1), agents=10) for _ in range(2))
    slow = [first.fate(n, at_s=30.0 * n, dialed=n) for n in range(300)]
    fast = [second.fate(n, at_s=2.0 * n, dialed=7 * n) for n in reversed(range(300))]
    assert slow == fast[::-1]


def test_a_call_that_is_live_stays_live_where_more_are() -> None:
    few, many = (fates(scenario(f"calls: {{live: {live}}}"), 3000) for live in (0.1, 0.3))
    both = list(zip(few, many, strict=True))
    assert all(more.is_live for less, more in both if less.is_live)
    assert [a.talk_s for a, b in both if a.is_live] == [b.talk_s for a, b in both if a.is_live]


def test_the_suite_is_exactly_the_nine() -> None:
    def traits(name: str) -> tuple[tuple[float, ...], float, float, float, float]:
        given = shipped(name).traits()
        talk, wrap_up = given["talk_s"].law, given["wrap_up_s"].law
        shares = [round(each, 9) for each in given["outcomes"].shares()]
        mix = tuple(shares[place] for place in (0, 1, 3, 4))
        return mix, round(talk.mean, 9), round(talk.cv, 9), round(wrap_up.mean, 9), wrap_up.cv

    seven = pytest.approx(0.7)
    assert traits("base") == ((0.25, 0.30, 0.35, 0.10), 120, 1, 30, seven)
    assert traits("hard") == ((0.10, 0.40, 0.40, 0.10), 60, 1, 15, seven)
    assert traits("easy") == ((0.40, 0.20, 0.30, 0.10), 240, 1, 30, seven)
    assert traits("shift") == ((0.35, 0.25, 0.30, 0.10), 90, 1, 30, seven)
    assert traits("decay") == ((0.36, 0.25, 0.30, 0.09), 120, 1, 30, seven)
    assert traits("heavy") == ((0.25, 0.30, 0.35, 0.10), 120, 2, 30, seven)
    for name in ("churn", "cpa", "trunk"):
        assert traits(name) == traits("base")
    assert [shipped("trunk").channels(n) for n in (10, 20, 50, 200)] == [11, 23, 57, 230]
    assert shipped("base").channels(10) == 0
    assert all(shipped(name).hours == 8 for name in SUITE)


def test_shift_changes_at_its_two_times() -> None:
    world = shipped("shift")
    for at_s, live, talk_s in ((9599.9, 0.35, 90), (9600.0, 0.15, 180), (19200.0, 0.30, 120)):
        found = fates(world, at_s=at_s)
        talks = [fate.talk_s for fate in found if fate.is_live]
        assert share(found, "live") == pytest.approx(live * 0.98966, abs=0.012)
        assert sum(talks) / len(talks) == pytest.approx(talk_s, rel=0.06)


def test_decay_follows_the_list_and_rescales_the_rest() -> None:
    world = shipped("decay")
    worn = fates(world, dialed=7000)
    live = 0.36 * 2.718281828**-1.1
    assert share(worn, "live") == pytest.approx(live * 0.98966, abs=0.01)
    assert share(worn, "busy") == pytest.approx(0.09 * (1 - live) / 0.64, abs=0.01)
    assert world.contact_count(10) is None
    assert world.list_size(10) == 7000


def test_imperfect_analysis_errs_both_ways() -> None:
    found = fates(shipped("cpa"))
    people = [fate for fate in found if fate.outcome == "live"]
    machines = [fate for fate in found if fate.outcome == "machine"]
    lost = [fate for fate in people if fate.verdict == "answering_machine"]
    passed = [fate for fate in machines if fate.verdict == "human"]
    assert len(lost) / len(people) == pytest.approx(0.05, abs=0.012)
    assert len(passed) / len(machines) == pytest.approx(0.10, abs=0.015)
    assert {fate.verdict_after_s for fate in people} == {1.5, 3.0}
    assert sum(fate.talk_s for fate in passed) / len(passed) == pytest.approx(10, rel=0.1)
    assert {fate.wrap_up_s for fate in passed} == {5}


def test_hours_are_on_the_clock_of_the_people_called() -> None:
    world = scenario(
        """
        start: 2026-03-06 15:00   # a Friday; New York's clocks go forward on Sunday
        zone: America/New_York
        hours: 72
        segments: [{name: west, share: 0.5, zone: America/Los_Angeles}]
        changes:
          - {from_time: "08:00", live: 0}
          - {from_time: "17:00", live: 1}
        """
    )

    def live(hours: float, segment: str = "") -> bool:
        customers = Customers(world, 1, agents=1)
        return any(customers.fate(n, hours * 3600, segment=segment).is_live for n in range(50))

    assert not live(0)
    assert live(2)
    assert not live(2, "west")
    assert live(5, "west")
    assert live(16.9)
    assert not live(17)
    # After the night that lost an hour, eight o'clock comes an hour sooner.
    assert live(39.9)
    assert not live(40)


def test_penetration_changes_come_after_so_many_dials() -> None:
    world = scenario(
        "contacts: {size: 1000}\n"
        "changes:\n- {from_penetration: 0.5, live: 0}\n- {from_penetration: 0.9, live: 1}\n"
    )
    for dialed, live in ((499, 0.25), (500, 0), (899, 0), (900, 1)):
        assert share(fates(world, 2000, dialed=dialed), "live") == pytest.approx(live, abs=0.04)
    assert world.contact_count(10) == 1000


def test_segments_have_their_share_and_their_own_traits() -> None:
    world = scenario(
        "segments:\n- {name: a, share: 0.2, live: 1}\n- {name: b, share: 0.3, live: 0}"
    )
    segment_of = segments_of(world, 1)
    count = Counter(found.name for n in range(20_000) if (found := segment_of(n)) is not None)
    assert count["a"] / 20_000 == pytest.approx(0.2, abs=0.01)
    assert count["b"] / 20_000 == pytest.approx(0.3, abs=0.01)
    assert share(fates(world, 1000, segment="a"), "live") > 0.97
    assert share(fates(world, 1000, segment="b"), "live") == 0


def test_an_outcome_without_a_share_never_happens() -> None:
    world = scenario("calls: {outcomes: {live: 0.1, machine: 0.2, busy: 0.7}}")
    assert {fate.outcome for fate in fates(world)} <= {"live", "machine", "busy", "no_answer"}
    nobody = scenario("calls: {outcomes: {live: 1}}\ncontacts: {size: 100, live_decay: 5}")
    assert {fate.outcome for fate in fates(nobody, dialed=100)} == {"live", "no_answer"}


def test_bursts_move_all_calls_of_a_period_together_and_keep_the_mean() -> None:
    world = scenario("bursts: {every_s: 60, cv: 0.5}")
    customers = Customers(world, 1, agents=1)
    lives = [
        sum(customers.fate(60 * k + n, 60.0 * k).is_live for n in range(60)) for k in range(1000)
    ]
    mean = sum(lives) / len(lives)
    variance = sum((live - mean) ** 2 for live in lives) / len(lives)
    assert mean / 60 == pytest.approx(0.2474, abs=0.015)
    assert variance > 3 * 60 * 0.25 * 0.75


def test_a_false_answer_waits_for_its_verdict() -> None:
    found = fates(scenario("calls: {false_answers: 0.5}"))
    false = [fate for fate in found if fate.false_answer]
    assert len(false) / len(found) == pytest.approx(0.45, abs=0.02)
    for fate in false:
        assert fate.answer_s == 0
        assert fate.verdict_after_s > 0
        assert fate.patience_s >= 60


# --- agents -----------------------------------------------------------------------------------


def test_churn_brings_agents_late_and_sends_them_on_break_in_three_groups() -> None:
    world = shipped("churn")
    start = world.start_at
    days = [Workforce(world, (1, 0), agents=30).day(agent) for agent in range(30)]
    assert all(0 <= day.log_in_at - start <= 900 for day in days)
    assert max(day.log_in_at for day in days) - start > 600
    for agent, day in enumerate(days):
        (rest,) = day.breaks
        assert 0 <= rest.at - start - 7200 * (1 + agent % 3) <= 300
        assert (rest.lasts_s, rest.announced) == (1800, False)


def test_shifts_are_dealt_by_share() -> None:
    world = scenario(
        "agents: {shifts: [{share: 0.25, until_s: 14400}, {share: 0.75, from_s: 3600}]}"
    )
    days = [Workforce(world, 1, agents=8).day(agent) for agent in range(8)]
    start = world.start_at
    assert [day.log_in_at - start for day in days] == [0] * 2 + [3600] * 6
    assert [day.log_out_at - start for day in days][:3] == [14400, 14400, float("inf")]


def test_missed_offers_come_in_their_share() -> None:
    workforce = Workforce(scenario("agents: {rona: 0.1}"), 1, agents=8)
    assert sum(workforce.misses(n) for n in range(10_000)) == pytest.approx(1000, abs=120)
    assert not any(Workforce(scenario(""), 1, agents=8).misses(n) for n in range(1000))


def test_the_scenario_of_the_documentation_is_sound_and_says_every_part() -> None:
    page = (FOLDER.parents[1] / "docs" / "simulation.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    assert scenario_problems(example, "simulation.md") == []
    world = scenario(example)
    unsaid = set(Scenario.model_fields) - world.model_fields_set - {"about"}
    assert unsaid == set()
    assert fates(world, 100)
