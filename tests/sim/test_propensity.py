"""People who differ in how likely they answer: the same each day, and on the whole as told."""

from pathlib import Path

import pytest

from config.composition.laboratory import LIBRARY
from sim.customers import Customers
from sim.propensity import People, Propensity
from sim.recording import record_case
from sim.scenario import load_scenario
from sim.score.reading import of_journal, truths_of

WISH = Propensity(spread=1.5, people=3, past_days=5)
WORLD = "contacts: {propensity: {spread: 1.5, people: 3}}\ncalls: {no_answer_after_s: 200}"


@pytest.mark.parametrize("share", [0.05, 0.25, 0.7])
def test_as_many_answer_as_the_scenario_says(share: float) -> None:
    people = People(WISH, 1)
    found = [people.live(share, contact) for contact in range(20_000)]
    assert sum(found) / len(found) == pytest.approx(share, abs=0.006)
    assert max(found) > 2 * min(share, 0.4) > 0.2 * min(found)


def test_a_person_is_the_same_in_every_run_and_another_in_each_without_a_seed_of_their_own() -> (
    None
):
    first, second = People(WISH, 1), People(WISH, 2)
    assert [first.live(0.25, n) for n in range(50)] == [second.live(0.25, n) for n in range(50)]
    strangers = Propensity(spread=1.5)
    assert People(strangers, 1).live(0.25, 7) != People(strangers, 2).live(0.25, 7)


def test_the_past_tells_who_answers() -> None:
    people = People(WISH, 1)
    pasts = [people.past(contact, 1e9) for contact in range(4000)]
    assert all(past.attempts == 5 and past.imported_at == 1e9 - 5 * 86_400 for past in pasts)
    often = [people.live(0.25, n) for n, past in enumerate(pasts) if past.answers >= 3]
    never = [people.live(0.25, n) for n, past in enumerate(pasts) if not past.answers]
    assert sum(often) / len(often) > 2 * sum(never) / len(never)


def test_calls_go_as_the_people_are() -> None:
    customers = Customers(load_scenario(WORLD, "world"), 1, agents=1)
    by_share = sorted(range(3000), key=lambda n: customers.live_share(0.0, 0, "", n))

    def answered(contacts: list[int]) -> float:
        return sum(customers.fate(n, 0.0, contact=n).is_live for n in contacts) / len(contacts)

    assert answered(by_share[:1000]) < 0.12
    assert answered(by_share[2000:]) > 0.4


def test_a_recorded_day_can_be_looked_behind(tmp_path: Path) -> None:
    case = LIBRARY.case("people", "power:2", agents=3, hours=0.5)
    record_case(case, 4, tmp_path, {})
    attempts, truths = of_journal(tmp_path, "America/New_York"), truths_of(tmp_path)
    assert len(attempts) > 50
    told = [truths[attempt.dialed_at, attempt.contact] for attempt in attempts]
    assert 0.1 < sum(told) / len(told) < 0.4
    assert max(told) > 0.7
