"""A campaign that dials by a score: the list's mix stays, promises hold, scores are recorded."""

from pathlib import Path

import pytest

from config.composition.laboratory import LIBRARY
from dialer.flow.graph import FlowDefinition
from dialer.journal import CallMoved, CallScored, Pulse
from dialer.score.model import model_text
from sim.experiment import Case, run_case
from sim.propensity import People
from sim.recording import case_of, case_text, record_case
from sim.replay import replay_simulation
from sim.replication import Replication
from sim.score.reading import of_journal
from tests.score_models import MODEL
from tests.sim.test_fit_traffic import Kept

LOOKAHEAD = Path(__file__).parents[2] / "config" / "campaigns" / "lookahead.yaml"
HELD = 50 + 20


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    file = tmp_path_factory.mktemp("scores") / "answers.json"
    file.write_bytes(model_text(MODEL))
    return LIBRARY.case(
        "people",
        campaign=LOOKAHEAD,
        agents=5,
        hours=1.5,
        settings=[f"campaign.init.dialing.score={file}"],
    )


@pytest.fixture(scope="module")
def day(case: Case) -> tuple[Replication, Kept]:
    kept = Kept()
    return run_case(case, 3, [kept]), kept


def dialed(kept: Kept) -> list[int]:
    return [r.contact_id for r in kept.records if type(r) is CallMoved and r.state == "dialing"]


def test_all_of_the_list_is_dialed_in_turn_but_for_those_that_are_held(
    day: tuple[Replication, Kept], case: Case
) -> None:
    contacts = list(dict.fromkeys(dialed(day[1])))
    assert len(contacts) > 400
    reached = sorted(contacts)
    passed_over = set(range(1, reached[-1] + 1)) - set(reached)
    assert len(passed_over) <= HELD
    wish = case.scenario.contacts.propensity
    assert wish is not None
    people = People(wish, 3)
    chances = [people.live(0.25, contact) for contact in contacts]
    of_list = [people.live(0.25, contact) for contact in range(1, reached[-1] + 1)]
    mean, whole = sum(chances) / len(chances), sum(of_list) / len(of_list)
    assert abs(mean - whole) < HELD / len(of_list), "the mix is the list's"
    assert contacts != reached, "and yet not its order"


def test_every_promise_holds_and_each_call_has_its_score(day: tuple[Replication, Kept]) -> None:
    result, kept = day
    assert not any(result.violations.values()), result.told
    scored = {r.attempt_id: r for r in kept.records if type(r) is CallScored}
    assert len(scored) >= len(dialed(kept))
    assert {record.best for record in scored.values()} == {True, False}
    best = [r.score for r in scored.values() if r.best]
    rest = [r.score for r in scored.values() if not r.best]
    assert sum(best) / len(best) > sum(rest) / len(rest) + 0.1
    saw = dict([r for r in kept.records if type(r) is Pulse and r.dials][-1].inputs)
    assert saw["scored_at_hand"] > 0


def test_a_recorded_day_with_a_score_is_done_again_the_same(case: Case, tmp_path: Path) -> None:
    assert case_of(case_text(case), "day") == case
    plain = Case(case.scenario, FlowDefinition.model_validate(case.flow), case.preset, "p", 5)
    assert "score" not in case_text(plain)[:200]
    short = case_of(case_text(case), "day")
    short = Case(short.scenario, short.flow, short.preset, "p", 5, 0.2, score=short.score)
    record_case(short, 4, tmp_path, {})
    (file,) = tmp_path.iterdir()
    again = replay_simulation(file, {})
    assert again.difference is None
    assert all(attempt.score >= 0 for attempt in of_journal(tmp_path, "America/New_York"))
