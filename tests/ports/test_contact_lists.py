"""Lists of contacts: every adapter of the store weights them and holds them back alike."""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.ports import LIST_PAUSED, Callback, ContactNext, Deferral
from tests.ports.contact_store_beds import StoreBed
from tests.ports.test_contact_store import (
    BOSTON,
    LEAD,
    claim,
    commit,
    dial_one,
    draft,
    ids,
    look,
    mixed,
    people,
)


def two_lists(bed: StoreBed, count: int, weight: int = 1) -> tuple[list[int], list[int]]:
    """A heavy list and a light one, each with so many contacts."""
    heavy = bed.put_contacts(people(count, start=0), "heavy")
    light = bed.put_contacts(people(count, start=1000), "light")
    bed.set_list("heavy", weight)
    return heavy, light


def test_lists_take_turns_by_weight_and_each_gives_its_oldest_first(bed: StoreBed) -> None:
    heavy, light = two_lists(bed, 6, weight=2)
    claimed = ids(claim(bed, bed.add_campaign(), 6))
    assert [c for c in claimed if c in heavy] == heavy[:4]
    assert [c for c in claimed if c in light] == light[:2]


def test_turns_are_evenly_mixed_and_go_on_over_claims(bed: StoreBed) -> None:
    heavy, _ = two_lists(bed, 6, weight=2)
    campaign = bed.add_campaign()
    claimed = [ids(claim(bed, campaign, 1))[0] in heavy for _ in range(9)]
    assert claimed == [True, False, True] * 3


def test_a_list_that_runs_out_leaves_its_turns_to_the_others(bed: StoreBed) -> None:
    heavy, light = two_lists(bed, 8, weight=3)
    few = bed.put_contacts(people(1, start=2000), "few")
    campaign = bed.add_campaign()
    assert set(ids(claim(bed, campaign, 30))) == {*heavy, *light, *few}


def test_lifo_gives_the_newest_of_each_list(bed: StoreBed) -> None:
    heavy, light = two_lists(bed, 5, weight=2)
    claimed = ids(claim(bed, bed.add_campaign(), 3, "lifo"))
    assert claimed == [heavy[4], light[4], heavy[3]]


def test_those_that_are_due_again_come_by_weight_too(bed: StoreBed) -> None:
    heavy, light = two_lists(bed, 6, weight=2)
    campaign = bed.add_campaign()
    everybody = ids(claim(bed, campaign, 12))
    bed.port.defer([Deferral(c, campaign, "waiting", 900.0, "") for c in everybody])
    claimed = ids(claim(bed, campaign, 6))
    assert Counter(c in heavy for c in claimed) == {True: 4, False: 2}
    assert set(claimed) == {*heavy[:4], *light[:2]}


def test_due_and_untouched_contacts_are_weighted_each_for_themselves(bed: StoreBed) -> None:
    heavy, _ = two_lists(bed, 9, weight=1)
    campaign = bed.add_campaign()
    first = ids(claim(bed, campaign, 6))
    bed.port.defer([Deferral(c, campaign, "waiting", 900.0, "") for c in first])
    claimed = [mixed(bed, campaign, limit=2, retries=1) for _ in range(4)]
    assert Counter(again in heavy for again, _ in claimed) == {True: 2, False: 2}
    assert Counter(fresh in heavy for _, fresh in claimed) == {True: 2, False: 2}


def test_a_new_weight_counts_at_the_next_claim(bed: StoreBed) -> None:
    heavy, _ = two_lists(bed, 20, weight=1)
    campaign = bed.add_campaign()
    assert Counter(c in heavy for c in ids(claim(bed, campaign, 4))) == {True: 2, False: 2}
    bed.set_list("heavy", 4)
    assert Counter(c in heavy for c in ids(claim(bed, campaign, 5))) == {True: 4, False: 1}


def test_none_of_a_paused_list_is_claimed_whatever_it_is_due_for(bed: StoreBed) -> None:
    heavy, light = two_lists(bed, 3)
    campaign = bed.add_campaign()
    again = dial_one(bed, campaign, ContactNext("waiting", 900.0, "again")).contact_id
    assert again == heavy[0]
    bed.add_hot(campaign, people(3)[2], now=900.0)
    bed.set_list("heavy", paused=True)
    assert look(bed, campaign) == []
    answer = claim(bed, campaign, 10)
    assert ids(answer) == light
    assert answer.next_due_at == 0.0
    bed.set_list("heavy")
    assert ids(claim(bed, campaign, 10)) == [heavy[2], heavy[0], heavy[1]]


def test_what_changed_in_a_paused_list_is_found_when_it_goes_on(bed: StoreBed) -> None:
    bed.save_filter("boston", BOSTON)
    made = bed.put_contacts([{"id": "a", "city": "Albany"}, {"id": "b", "city": "Boston"}], "one")
    campaign = bed.add_campaign()
    assert ids(claim(bed, campaign, filter_name="boston")) == [made[1]]
    bed.set_list("one", paused=True)
    bed.put_contacts([{"id": "a", "city": "Boston"}], "one")
    later = bed.put_contacts([{"id": "c", "city": "Boston"}], "one")
    assert ids(claim(bed, campaign, filter_name="boston")) == []
    bed.set_list("one")
    assert set(ids(claim(bed, campaign, filter_name="boston"))) == {made[0], *later}


def test_a_contact_of_a_list_that_was_paused_since_it_was_claimed_is_not_dialed(
    bed: StoreBed,
) -> None:
    two_lists(bed, 1)
    campaign = bed.add_campaign()
    held, free = claim(bed, campaign).contacts
    bed.set_list("heavy", paused=True)
    refused, made = commit(bed, draft(held, campaign), draft(free, campaign))
    assert refused == LIST_PAUSED
    assert made > 0
    bed.port.defer([Deferral(held.contact_id, campaign, "due", 1000.0, "its list is paused")])
    assert ids(claim(bed, campaign)) == []
    bed.set_list("heavy")
    assert ids(claim(bed, campaign)) == [held.contact_id]


def test_weights_do_not_hold_back_a_hot_lead(bed: StoreBed) -> None:
    two_lists(bed, 5, weight=100)
    campaign = bed.add_campaign()
    claim(bed, campaign, 2)
    lead = bed.add_hot(campaign, {**LEAD, "id": "p1004"}, now=900.0)
    assert ids(claim(bed, campaign, 3))[0] == lead


def test_a_callback_is_held_back_by_no_weight_but_by_a_pause(bed: StoreBed) -> None:
    _, light = two_lists(bed, 5, weight=100)
    campaign = bed.add_campaign()
    assert bed.add_callback(campaign, light[4], Callback(900.0))
    bed.set_list("light", paused=True)
    assert light[4] not in ids(claim(bed, campaign, 2))
    bed.set_list("light")
    assert ids(claim(bed, campaign, 2))[0] == light[4]


def test_a_contact_that_moves_to_another_list_goes_by_that_one(bed: StoreBed) -> None:
    heavy, light = two_lists(bed, 3)
    campaign = bed.add_campaign()
    again = dial_one(bed, campaign, ContactNext("waiting", 900.0, "again")).contact_id
    bed.set_list("heavy", paused=True)
    assert bed.put_contacts(people(2), "light") == heavy[:2]
    assert set(ids(claim(bed, campaign))) == {again, heavy[1], *light}


@dataclass
class _Runs:
    """One bed serves all examples: each has lists and campaigns of its own."""

    number: int = 0


RUNS = _Runs()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    weights=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    limits=st.lists(st.integers(1, 5), min_size=5, max_size=16),
    order=st.sampled_from(["fifo", "lifo"]),
)
def test_at_every_moment_each_list_has_given_its_share_to_within_one_turn(
    bed: StoreBed, weights: list[int], limits: list[int], order: str
) -> None:
    RUNS.number += 1
    run = RUNS.number
    bed.save_filter("mine", f"{{attribute: age, operator: equals, value: {run}}}")
    lists: dict[int, int] = {}
    for place, weight in enumerate(weights):
        rows = [
            {"id": f"r{run}-{place}-{n}", "age": run, "city": "Boston"}
            for n in range(sum(limits) + 1)
        ]
        for contact_id in bed.put_contacts(rows, f"run {run} list {place}"):
            lists[contact_id] = place
        bed.set_list(f"run {run} list {place}", weight)
    campaign = bed.add_campaign()
    given_by, total = Counter[int](), 0
    for limit in limits:
        for contact_id in ids(claim(bed, campaign, limit, order, filter_name="mine")):
            given_by[lists[contact_id]] += 1
            total += 1
            for place, weight in enumerate(weights):
                due = total * weight / sum(weights)
                assert given_by[place] == pytest.approx(due, abs=1.5)
    assert total == sum(limits)
