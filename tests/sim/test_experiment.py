"""A case is a function of its seed in any process, and its figures say how sure they are."""

import json
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from dialer.errors import InputError
from dialer.flow.graph import Flow
from dialer.journal import AgentMoved
from sim.experiment import FIGURES, Case, Summary, run_case, run_replications
from sim.replication import Replication
from tests.sim.library import LIBRARY

ROOT = Path(__file__).resolve().parents[2]


def case(scenario: str = "base", pacer: str = "power:2", **more: object) -> Case:
    return LIBRARY.case(scenario, pacer, **{"agents": 4, "hours": 0.2, **more})  # type: ignore[arg-type]


def summary(count: int = 2, workers: int = 1, **more: object) -> Summary:
    return Summary(run_replications(case(**more), 1, count, workers=workers))  # type: ignore[arg-type]


def test_workers_give_what_one_process_gives_and_tell_how_far_they_are() -> None:
    heard: list[tuple[int, int]] = []
    there = run_replications(case(), 5, 3, workers=2, told=lambda *so_far: heard.append(so_far))
    here = run_replications(case(), 5, 3, workers=1)
    assert [r.journal_sha256 for r in there] == [r.journal_sha256 for r in here]
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert [r.seed for r in there] == [5, 6, 7]
    assert run_case(case(), 6).journal_sha256 == there[1].journal_sha256


def test_one_seed_has_one_digest_in_two_processes_and_another_has_another() -> None:
    script = (
        "from tests.sim.test_experiment import summary\n"
        "print(summary(scenario='everyday').journal_sha256)\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    here = summary(scenario="everyday")
    assert other.stdout.strip() == here.journal_sha256
    again = Summary(run_replications(case("everyday"), 3, 2, workers=1))
    assert again.journal_sha256 != here.journal_sha256


def test_a_summary_has_every_figure_of_the_contract() -> None:
    told = json.loads(json.dumps(summary(3).document()))
    for name in FIGURES:
        assert {"mean", "half_width", "level", "n"} <= set(told[name])
        assert told[name]["n"] == 3
    assert told["abandonment"]["upper"] >= told["abandonment"]["mean"]
    assert 0 < told["occupancy"]["mean"] < 1
    assert told["calls"] == pytest.approx(sum(told["outcomes"].values()), abs=3 * 30)
    assert told["calls_per_cpu_second"] == told["calls"] / told["cpu_seconds"]
    assert not any(told["invariants"].values())


def test_one_replication_has_no_interval() -> None:
    told = summary(1).document()
    assert told["occupancy"]["half_width"] is None
    assert told["abandonment"]["half_width"] is None
    assert told["abandonment"]["upper"] > told["abandonment"]["mean"]


def test_a_day_on_which_nobody_answers_has_no_wait_rather_than_a_wait_of_nothing() -> None:
    told = summary(settings=["calls.live=0"]).document()
    assert told["answer_to_agent_seconds"]["mean"] is None
    assert told["answer_to_agent_seconds"]["n"] == 0
    assert told["occupancy"]["mean"] == 0


def perfect(replication: Replication) -> tuple[int, int]:
    return replication.figures.abandoned, replication.figures.answered


def true(replication: Replication) -> tuple[int, int]:
    return replication.figures.unserved, replication.figures.people


def test_with_perfect_analysis_people_suffer_what_the_dialer_measures() -> None:
    found = run_case(case(pacer="power:4", hours=1.0, agents=6), 1)
    assert found.figures.abandoned > 3
    assert true(found) == perfect(found)


def test_people_taken_for_machines_are_abandoned_though_the_dialer_does_not_know() -> None:
    settings = ["cpa.human_as_machine=0.2"]
    found = run_case(case(pacer="progressive", hours=1.0, agents=6, settings=settings), 1)
    assert found.figures.abandoned == 0
    assert found.figures.true_abandonment == pytest.approx(0.2, abs=0.08)


def test_machines_taken_for_people_are_nobody_who_could_be_abandoned() -> None:
    settings = ["cpa.machine_as_human=1", "calls.live=0"]
    found = run_case(case(pacer="power:4", hours=1.0, agents=6, settings=settings), 1)
    assert found.figures.abandoned > 0
    assert true(found) == (0, 0)


def test_a_wait_counts_from_when_a_person_picks_up_not_from_a_false_answer() -> None:
    # All carriers answer at once; people pick up ten seconds later, and are known a second later.
    settings = ["calls.false_answers=1", "cpa.human_delay_s=1", "calls.ring_s=10"]
    found = run_case(case(pacer="progressive", hours=1.0, agents=6, settings=settings), 1)
    assert found.figures.people > 20
    assert found.figures.true_abandonment == 0


class Moves:
    """A reader that counts where agents went, and why."""

    def __init__(self) -> None:
        self.count: Counter[tuple[str, str, str]] = Counter()

    def extend(self, records: Sequence[tuple[object, ...]]) -> None:
        moves = [record for record in records if isinstance(record, AgentMoved)]
        self.count.update((move.from_state, move.to_state, move.reason) for move in moves)


def test_phones_that_ring_per_call_are_answered_late_and_now_and_then_missed() -> None:
    moves = Moves()
    settings = ["agents.rona=0.2"]
    given = case("phones", "progressive", hours=1.0, settings=settings)
    found = run_case(given, 1, [moves])
    missed = moves.count["ringing", "not_ready", "rona"]
    accepted = moves.count["ringing", "reserved", ""]
    assert missed / (missed + accepted) == pytest.approx(0.2, abs=0.1)
    assert missed > 5
    assert not any(found.violations.values())
    kept_up = Moves()
    run_case(case("base", "progressive", settings=settings), 1, [kept_up])
    assert not any("ringing" in move for move in kept_up.count)


def test_power_dialing_is_not_tried_with_phones_that_ring_per_call() -> None:
    with pytest.raises(InputError, match="power dialing with phones that ring per call in phones"):
        case("phones", "power:2")


def test_every_part_of_a_world_is_among_what_is_assumed() -> None:
    told = {each.name: each.value for each in case("everyday").scenario.assumptions()}
    assert told["bursts"] == "periods of 600 s, cv 0.15"
    assert told["segments"] == "2 of them"
    assert told["changes"] == "6 of them"
    assert told["agents.kept_up"] == "yes"
    assert told["contacts.numbers"] == "1"


def test_a_day_that_does_not_end_says_who_is_left() -> None:
    found = run_case(case(hours=0.05, settings=["calls.talk_s=1e6"]), 1)
    assert found.violations["attempt_unsettled"] > 0
    assert found.told[0].startswith("stalled: call/")
    assert found.told[0].endswith("nobody waits to handle anything")


# --- what cases are put together from --------------------------------------------------------


def test_a_case_can_be_sent_to_another_process() -> None:
    made = case("everyday")
    there = pickle.loads(pickle.dumps(made))
    assert run_case(there, 3).journal_sha256 == run_case(made, 3).journal_sha256


def test_a_blueprint_pulses_each_second_and_seizes_all_agents() -> None:
    nodes = {node.id: node for node in case("base", "power:3.2", agents=33).flow.nodes}
    assert nodes["start"].interval_s == 1
    assert nodes["seize"].target == 33
    assert nodes["init"].dialing.ratio == 3.2


def test_a_campaign_of_ones_own_runs_as_it_is() -> None:
    flow = ROOT / "config" / "campaigns" / "power.yaml"
    nodes = {node.id: node for node in case(campaign=flow, agents=33).flow.nodes}
    assert (nodes["start"].interval_s, nodes["seize"].target) == (5, 10)
    assert nodes["init"].dialing.ratio == 1.5


@pytest.mark.parametrize(
    ("setting", "read", "value"),
    [
        ("calls.talk_s.mean=90", lambda c: c.scenario.traits()["talk_s"].law.mean, 90),
        ("calls.live=0.5", lambda c: c.scenario.traits()["outcomes"].no_answer, 0.35 / 1.5),
        ("calls.talk_s=90", lambda c: c.scenario.traits()["talk_s"].law.cv, 0),
        ("agents.rona=0.1", lambda c: c.scenario.agents.rona, 0.1),
        ("contacts.size=500", lambda c: c.scenario.contacts.size, 500),
        ("zone=America/Chicago", lambda c: c.scenario.zone, "America/Chicago"),
        ("changes=[{from_s: 60, live: 0.5}]", lambda c: len(c.scenario.changes), 1),
        ("campaign.route.patience_s=1.5", lambda c: Flow(c.flow).nodes["route"].patience_s, 1.5),
        ("campaign.compliance.overrides.ring_minimum_s=10", lambda c: c.preset.ring_minimum_s, 10),
        ("campaign.priority=7", lambda c: c.flow.priority, 7),
    ],
)
def test_a_setting_is_read_as_if_it_stood_in_the_file(setting, read, value) -> None:  # type: ignore[no-untyped-def]
    assert read(case(settings=[setting])) == pytest.approx(value)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"scenario": "bse"},
            "scenario 'bse': neither a file nor one that ships; did you mean 'base'?",
        ),
        ({"pacer": "progresive"}, "pacer 'progresive': no such pacer; did you mean 'progressive'?"),
        ({"pacer": "power"}, "pacer 'power': no ratio; write one as power:3.2"),
        ({"pacer": "lookahead:low"}, "no abandonment target; write one as lookahead:0.03"),
        ({"pacer": "lookahead:0.03:up"}, "no lever 'up'; write lookahead:0.03:give_up"),
        ({"pacer": "power:0.5"}, "pacer 'power:0.5': input should be greater than or equal"),
        ({"settings": ["talk"]}, "--set talk: no setting; write KEY=VALUE: calls.talk_s.mean=90"),
        ({"settings": ["calls.talk_s.mean=-3"]}, "calls.talk_s.mean: input should be"),
        ({"settings": ["calls.tolk_s=3"]}, "calls.tolk_s: unknown key; did you mean 'talk_s'?"),
        ({"settings": ["changes.4.live=1"]}, "--set changes.4.live: changes holds nothing"),
        ({"settings": ["contacts.size=0"]}, "contacts.size: input should be greater than or equal"),
        (
            {"settings": ["campaign.rute.patience_s=1"]},
            "--set campaign.rute: no such node; did you mean 'route'?",
        ),
        ({"settings": ["campaign.route.patience_s=9"]}, "patience_s 9 is over the 2 s after which"),
        ({"campaign": Path("missing.yaml")}, "missing.yaml: cannot be read: No such file"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_one_line(given: dict[str, object], line: str) -> None:
    with pytest.raises(InputError) as refused:
        case(**given)  # type: ignore[arg-type]
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_error_of_a_worker_arrives_as_it_was() -> None:
    faulty = case(settings=["faults=[{fault: actor_crash, at_s: 9, actor: fedder/1}]"])
    with pytest.raises(InputError, match="no such actor: 'fedder/1'; did you mean 'feeder/1'"):
        run_replications(faulty, 1, 2, workers=2)
