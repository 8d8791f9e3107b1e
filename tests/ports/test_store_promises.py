"""The contract of the contact store, continued: call-backs and dispositions."""

from typing import Any

import pytest

from dialer.ports import Callback, ContactNext, Deferral, Disposal
from sim.memory_store import MemoryStore
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
    people,
    settlement,
)

DONE = ContactNext("done")


def test_a_call_back_comes_due_after_hot_leads_and_ahead_of_the_list(bed: StoreBed) -> None:
    made = bed.put_contacts(people(4))
    campaign = bed.add_campaign()
    claim(bed, campaign, limit=1)
    bed.port.defer([Deferral(made[0], campaign, "due", 500.0, "")])
    assert bed.add_callback(campaign, made[3], Callback(950.0, "amy"))
    lead = bed.add_hot(campaign, LEAD, now=900.0)
    early = claim(bed, campaign, limit=0, now=949.0)
    assert ids(early) == []
    answer = claim(bed, campaign, now=950.0)
    assert ids(answer) == [lead, made[3], made[0], made[1], made[2]]
    assert [c.callback for c in answer.contacts[:3]] == [None, Callback(950.0, "amy"), None]


def test_a_contact_with_a_call_back_is_not_dialed_before_its_time(bed: StoreBed) -> None:
    made = bed.put_contacts(people(2))
    campaign = bed.add_campaign()
    bed.add_callback(campaign, made[0], Callback(2000.0))
    answer = claim(bed, campaign)
    assert ids(answer) == [made[1]]
    assert answer.next_due_at == 2000.0
    assert look(bed, campaign, now=1999.0) == []
    assert look(bed, campaign, now=2000.0) == [made[0]]


def test_a_later_promise_takes_the_place_of_an_earlier_wait(bed: StoreBed) -> None:
    made = bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    dial_one(bed, campaign, ContactNext("waiting", 1500.0, "again"))
    bed.add_callback(campaign, made[0], Callback(3000.0, "amy"))
    bed.add_callback(campaign, made[0], Callback(2500.0))
    assert ids(claim(bed, campaign, now=2499.0)) == []
    (contact,) = claim(bed, campaign, now=2500.0).contacts
    assert contact.callback == Callback(2500.0)
    assert (contact.resume_node, contact.attempts) == ("again", 1)


def test_a_contact_that_is_done_can_be_called_back(bed: StoreBed) -> None:
    made = bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    dial_one(bed, campaign, DONE)
    assert bed.add_callback(campaign, made[0], Callback(2000.0))
    assert ids(claim(bed, campaign, now=2000.0)) == made


def test_a_contact_that_is_held_or_on_the_line_is_left_alone(bed: StoreBed) -> None:
    made = bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    (contact,) = claim(bed, campaign).contacts
    assert not bed.add_callback(campaign, made[0], Callback(2000.0))
    (attempt_id,) = commit(bed, draft(contact, campaign))
    assert not bed.add_callback(campaign, made[0], Callback(2000.0))
    bed.port.settle(settlement(attempt_id, made[0], campaign, DONE))
    assert ids(claim(bed, campaign, now=9000.0)) == []


@pytest.mark.parametrize(
    ("outcome", "kept"), [("user_busy", False), ("never_dialed", True), ("congestion", True)]
)
def test_a_promise_is_kept_only_by_a_call_that_was_made(
    bed: StoreBed, outcome: str, kept: bool
) -> None:
    made = bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    bed.add_callback(campaign, made[0], Callback(900.0, "amy"))
    dial_one(bed, campaign, ContactNext("waiting", 2000.0, "again"), outcome=outcome)
    assert look(bed, campaign, now=1999.0) == []
    (contact,) = claim(bed, campaign, now=2000.0).contacts
    assert contact.callback == (Callback(900.0, "amy") if kept else None)


def test_a_promise_outlives_a_wait_and_not_a_refusal(bed: StoreBed) -> None:
    made = bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    bed.add_callback(campaign, made[0], Callback(900.0, "amy"))
    claim(bed, campaign)
    bed.port.defer([Deferral(made[0], campaign, "waiting", 1500.0, "calling hours")])
    assert look(bed, campaign, now=1499.0) == []
    (contact,) = claim(bed, campaign, now=1500.0).contacts
    assert contact.callback == Callback(900.0, "amy")
    bed.port.defer([Deferral(made[0], campaign, "refused", 0.0, "suppressed")])
    assert look(bed, campaign, now=9000.0) == []


def test_a_call_back_must_pass_the_filter(bed: StoreBed) -> None:
    bed.save_filter("boston", BOSTON)
    (contact_id,) = bed.put_contacts([{**people(1)[0], "city": "Albany"}])
    campaign = bed.add_campaign()
    bed.add_callback(campaign, contact_id, Callback(900.0))
    assert look(bed, campaign, name="boston") == []
    assert look(bed, campaign) == [contact_id]


# --- dispositions -----------------------------------------------------------------------------


def disposal(attempt_id: int, contact_id: int, campaign_id: int, **changes: Any) -> Disposal:
    plain = Disposal(attempt_id, contact_id, campaign_id, 1, "sale", "", DONE)
    return plain._replace(**changes)


def talk(bed: StoreBed, campaign: int, following: ContactNext = DONE) -> tuple[int, int]:
    """One answered call: its attempt and its contact."""
    (contact,) = claim(bed, campaign, 1).contacts
    (attempt_id,) = commit(bed, draft(contact, campaign))
    end = settlement(attempt_id, contact.contact_id, campaign, following, "customer_answered")
    bed.port.settle(end)
    return attempt_id, contact.contact_id


def test_a_disposition_is_recorded_and_a_second_one_corrects_it(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    attempt_id, contact_id = talk(bed, campaign)
    bed.port.dispose(disposal(attempt_id, contact_id, campaign))
    assert bed.disposition(attempt_id) == "sale"
    bed.port.dispose(disposal(attempt_id, contact_id, campaign, disposition="no_sale"))
    assert bed.disposition(attempt_id) == "no_sale"
    assert ids(claim(bed, campaign, now=9000.0)) == []


def test_a_disposition_says_when_the_contact_is_dialed_again(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    attempt_id, contact_id = talk(bed, campaign)
    again = ContactNext("waiting", 5000.0, "dial")
    bed.port.dispose(disposal(attempt_id, contact_id, campaign, next=again))
    assert ids(claim(bed, campaign, now=4999.0)) == []
    (contact,) = claim(bed, campaign, now=5000.0).contacts
    assert (contact.resume_node, contact.attempts, contact.callback) == ("dial", 1, None)


def test_a_disposition_may_stop_a_retry_of_the_flow(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    attempt_id, contact_id = talk(bed, campaign, ContactNext("waiting", 2000.0, "dial"))
    refused = ContactNext("refused")
    bed.port.dispose(disposal(attempt_id, contact_id, campaign, next=refused))
    assert ids(claim(bed, campaign, now=9000.0)) == []


def test_a_disposition_may_promise_a_call_back(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    attempt_id, contact_id = talk(bed, campaign)
    promised = Callback(5000.0, "amy")
    again = ContactNext("waiting", 5000.0, "dial")
    bed.port.dispose(disposal(attempt_id, contact_id, campaign, next=again, callback=promised))
    assert look(bed, campaign, now=4999.0) == []
    (contact,) = claim(bed, campaign, now=5000.0).contacts
    assert (contact.callback, contact.resume_node) == (promised, "dial")


def test_a_late_disposition_does_not_move_a_contact_that_was_dialed_since(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    attempt_id, contact_id = talk(bed, campaign, ContactNext("waiting", 900.0, "dial"))
    again = ContactNext("waiting", 950.0, "dial")
    late = disposal(attempt_id, contact_id, campaign)
    (contact,) = claim(bed, campaign).contacts
    bed.port.dispose(late)  # held
    (second,) = commit(bed, draft(contact, campaign))
    bed.port.dispose(late)  # on the line
    bed.port.settle(settlement(second, contact_id, campaign, again))
    bed.port.dispose(late)  # dialed since
    assert bed.disposition(attempt_id) == "sale"
    assert ids(claim(bed, campaign, now=1000.0)) == [contact_id]


# --- planted bugs -----------------------------------------------------------------------------


def test_a_store_that_forgets_a_promise_with_the_attempt_is_noticed(
    bed: StoreBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: every settlement counts as a call that was made."""
    if not isinstance(bed.port, MemoryStore):
        pytest.skip("planted in the simulated store alone")
    settle = MemoryStore.settle

    def forgetful(self: MemoryStore, ended: Any) -> None:
        self._campaigns[ended.campaign_id].made_good(ended.contact_id)
        settle(self, ended)

    monkeypatch.setattr(MemoryStore, "settle", forgetful)
    with pytest.raises(AssertionError):
        test_a_promise_is_kept_only_by_a_call_that_was_made(bed, "never_dialed", kept=True)
