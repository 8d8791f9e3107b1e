"""The contract of the contact store: every adapter of the port passes it."""

import threading
from collections import Counter
from typing import Any

import pytest

from dialer.ports import (
    AttemptDraft,
    AttemptsCommitted,
    ClaimedContact,
    ClaimRequest,
    ContactNext,
    ContactsClaimed,
    Deferral,
    Settlement,
    StoreFailed,
)
from tests.ports.contact_store_beds import Replies, StoreBed

BOSTON = "{attribute: city, operator: equals, value: Boston}"


def people(count: int, start: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"p{n}", "phone": (f"+1617555{n:04d}",), "city": "Boston", **more}
        for n in range(start, start + count)
    ]


def claim(
    bed: StoreBed,
    campaign_id: int,
    limit: int = 10,
    order: str = "fifo",
    now: float = 1000.0,
    filter_name: str = "",
) -> ContactsClaimed:
    replies = Replies()
    bed.port.claim(ClaimRequest(7, campaign_id, filter_name, order, limit, now), replies)
    answer = replies.take()
    assert isinstance(answer, ContactsClaimed), answer
    assert answer.request_id == 7
    return answer


def ids(answer: ContactsClaimed) -> list[int]:
    return [contact.contact_id for contact in answer.contacts]


def draft(contact: ClaimedContact, campaign_id: int, number: str = "") -> AttemptDraft:
    phones = contact.attributes["phone"]
    assert isinstance(phones, tuple)
    return AttemptDraft(
        contact.contact_id, campaign_id, 1, "dial", number or phones[0], "trunk", 1000.0
    )


def commit(bed: StoreBed, *drafts: AttemptDraft) -> tuple[int, ...]:
    replies = Replies()
    bed.port.commit_attempts(8, drafts, replies)
    answer = replies.take()
    assert isinstance(answer, AttemptsCommitted), answer
    assert answer.request_id == 8
    return answer.attempt_ids


def settlement(
    attempt_id: int,
    contact_id: int,
    campaign_id: int,
    following: ContactNext,
    outcome: str = "user_busy",
) -> Settlement:
    times = (1001.0, 1002.0, 0.0, 0.0, 1003.0)
    return Settlement(attempt_id, contact_id, campaign_id, outcome, following, *times)


def dial_one(
    bed: StoreBed,
    campaign_id: int,
    following: ContactNext,
    now: float = 1000.0,
    outcome: str = "user_busy",
) -> ClaimedContact:
    """Claim, commit and settle one contact."""
    (contact,) = claim(bed, campaign_id, 1, now=now).contacts
    (attempt_id,) = commit(bed, draft(contact, campaign_id))
    bed.port.settle(settlement(attempt_id, contact.contact_id, campaign_id, following, outcome))
    return contact


def test_fifo_takes_the_oldest_contacts_first_and_each_once(bed: StoreBed) -> None:
    made = bed.put_contacts(people(5))
    campaign = bed.add_campaign()
    assert ids(claim(bed, campaign, 3)) == made[:3]
    assert ids(claim(bed, campaign, 3)) == made[3:]
    assert claim(bed, campaign, 3) == ContactsClaimed(7, (), 0.0)


def test_lifo_takes_the_newest_contacts_first_also_those_that_come_later(bed: StoreBed) -> None:
    made = bed.put_contacts(people(4))
    campaign = bed.add_campaign()
    assert ids(claim(bed, campaign, 2, "lifo")) == [made[3], made[2]]
    later = bed.put_contacts(people(3, start=10))
    assert ids(claim(bed, campaign, 2, "lifo")) == [later[2], later[1]]
    latest = bed.put_contacts(people(1, start=20))
    assert ids(claim(bed, campaign, 9, "lifo")) == [latest[0], later[0], made[1], made[0]]


def test_a_claimed_contact_brings_its_attributes(bed: StoreBed) -> None:
    row = {"id": "x", "age": 41, "due": "2025-01-31", "phone": ("+16175550100", "+16175550101")}
    (contact_id,) = bed.put_contacts([row])
    assert claim(bed, bed.add_campaign()).contacts == (ClaimedContact(contact_id, row, "", 0),)


def test_a_claim_of_nothing_takes_nothing(bed: StoreBed) -> None:
    made = bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    assert ids(claim(bed, campaign, 0)) == []
    assert ids(claim(bed, campaign, 1)) == made


def test_each_campaign_has_its_own_pass_over_the_contacts(bed: StoreBed) -> None:
    made = bed.put_contacts(people(2))
    first, second = bed.add_campaign(), bed.add_campaign()
    assert ids(claim(bed, first)) == made
    assert ids(claim(bed, second)) == made


def test_only_contacts_of_the_filter_are_claimed(bed: StoreBed) -> None:
    made = bed.put_contacts([*people(2), {"id": "a", "city": "Albany"}, *people(1, start=5)])
    bed.save_filter("boston", BOSTON)
    campaign = bed.add_campaign()
    assert ids(claim(bed, campaign, filter_name="boston")) == [made[0], made[1], made[3]]


@pytest.mark.parametrize("order", ["fifo", "lifo"])
def test_a_contact_that_was_passed_over_is_found_once_it_fits(bed: StoreBed, order: str) -> None:
    made = bed.put_contacts([{"id": f"c{n}", "city": "Albany"} for n in range(3)] + people(3))
    bed.save_filter("boston", BOSTON)
    campaign = bed.add_campaign()
    assert len(claim(bed, campaign, 9, order, filter_name="boston").contacts) == 3
    bed.put_contacts([{"id": "c1", "city": "boston"}])
    assert ids(claim(bed, campaign, 9, order, filter_name="boston")) == [made[1]]
    assert ids(claim(bed, campaign, 9, order, filter_name="boston")) == []


def test_a_filter_that_is_saved_anew_counts_at_once(bed: StoreBed) -> None:
    made = bed.put_contacts([{"id": "a", "city": "Albany"}, *people(1)])
    bed.save_filter("some", BOSTON)
    campaign = bed.add_campaign()
    assert ids(claim(bed, campaign, filter_name="some")) == [made[1]]
    bed.save_filter("some", "{attribute: city, operator: in, value: [Boston, Albany]}")
    assert ids(claim(bed, campaign, filter_name="some")) == [made[0]]


def test_a_filter_may_speak_of_today(bed: StoreBed) -> None:
    day = 86_400.0
    made = bed.put_contacts(
        [{"id": "a", "due": "2025-03-10"}, {"id": "b", "due": "2025-03-20"}, {"id": "c"}]
    )
    bed.save_filter("overdue", "{attribute: due, operator: before, value: today}")
    campaign = bed.add_campaign()
    noon_of_15th = 1_742_040_000.0
    assert ids(claim(bed, campaign, now=noon_of_15th, filter_name="overdue")) == [made[0]]
    later = noon_of_15th + 10 * day
    assert ids(claim(bed, campaign, now=later, filter_name="overdue")) == [made[1]]


@pytest.mark.parametrize(
    "request_",
    [
        ClaimRequest(3, 999, "", "fifo", 1, 0.0),
        ClaimRequest(3, 1, "nowhere", "fifo", 1, 0.0),
        ClaimRequest(3, 1, "", "random", 1, 0.0),
    ],
)
def test_a_claim_that_makes_no_sense_fails_with_a_reason(
    bed: StoreBed, request_: ClaimRequest
) -> None:
    bed.put_contacts(people(1))
    assert bed.add_campaign() == 1
    replies = Replies()
    bed.port.claim(request_, replies)
    answer = replies.take()
    assert isinstance(answer, StoreFailed)
    assert answer.request_id == 3
    assert "there is no" in answer.reason


def test_claims_from_many_threads_share_the_contacts_without_doubles(bed: StoreBed) -> None:
    made = bed.put_contacts(people(300))
    campaigns = [bed.add_campaign() for _ in range(2)]
    replies = {campaign: Replies() for campaign in campaigns}

    def ask(seed: int) -> None:
        for n in range(20):
            campaign = campaigns[(n + seed) % 2]
            order = ("fifo", "lifo")[seed % 2]
            request = ClaimRequest(n, campaign, "", order, 4, 0.0)
            bed.port.claim(request, replies[campaign])

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for campaign in campaigns:
        claimed = Counter(
            contact.contact_id for _ in range(80) for contact in replies[campaign].take().contacts
        )
        assert claimed == Counter(made)


def test_attempt_ids_are_given_in_the_order_of_the_drafts(bed: StoreBed) -> None:
    bed.put_contacts(people(3))
    campaign = bed.add_campaign()
    contacts = claim(bed, campaign).contacts
    first = commit(bed, *(draft(contact, campaign) for contact in contacts[:2]))
    second = commit(bed, draft(contacts[2], campaign))
    assert 0 < first[0] < first[1] < second[0]
    assert commit(bed) == ()


def test_one_number_has_one_attempt_in_flight_over_all_campaigns(bed: StoreBed) -> None:
    bed.put_contacts(people(2))
    first, second = bed.add_campaign(), bed.add_campaign()
    mine, _ = claim(bed, first).contacts
    other, free = claim(bed, second).contacts
    (attempt_id,) = commit(bed, draft(mine, first))
    refused, taken = commit(bed, draft(other, second), draft(free, second))
    assert refused == 0
    assert taken > attempt_id
    bed.port.settle(settlement(attempt_id, mine.contact_id, first, ContactNext("done")))
    assert commit(bed, draft(other, second))[0] > taken


def test_one_number_twice_in_one_request_is_committed_once(bed: StoreBed) -> None:
    bed.put_contacts(people(2))
    campaign = bed.add_campaign()
    one, two = claim(bed, campaign).contacts
    ids_ = commit(bed, draft(one, campaign), draft(two, campaign, "+16175550000"))
    assert ids_[0] > 0
    assert ids_[1] == 0


def test_attempts_for_a_contact_that_is_not_held_are_refused_altogether(bed: StoreBed) -> None:
    bed.put_contacts(people(2))
    campaign = bed.add_campaign()
    (held,) = claim(bed, campaign, 1).contacts
    replies = Replies()
    stranger = draft(held, campaign)._replace(contact_id=held.contact_id + 1, number="+16175550999")
    bed.port.commit_attempts(4, [draft(held, campaign), stranger], replies)
    answer = replies.take()
    assert isinstance(answer, StoreFailed)
    assert answer.request_id == 4
    assert commit(bed, draft(held, campaign))[0] > 0


def test_a_contact_that_is_done_is_never_claimed_again(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    dial_one(bed, campaign, ContactNext("done"))
    assert claim(bed, campaign, now=1e9) == ContactsClaimed(7, (), 0.0)


def test_a_waiting_contact_comes_due_with_its_node_and_its_attempts(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    contact = dial_one(bed, campaign, ContactNext("waiting", 2000.0, "retry"))
    assert claim(bed, campaign, now=1999.0) == ContactsClaimed(7, (), 2000.0)
    (again,) = claim(bed, campaign, now=2000.0).contacts
    assert again == contact._replace(resume_node="retry", attempts=1, tried=("+16175550000",))


def test_attempts_of_which_the_trunk_is_at_fault_are_not_counted(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    dial_one(bed, campaign, ContactNext("waiting", 1000.0, "n"), outcome="congestion")
    assert claim(bed, campaign).contacts[0].attempts == 0


@pytest.mark.parametrize("order", ["fifo", "lifo"])
def test_waiting_contacts_that_are_due_go_before_untouched_ones(bed: StoreBed, order: str) -> None:
    made = bed.put_contacts(people(4))
    campaign = bed.add_campaign()
    dial_one(bed, campaign, ContactNext("waiting", 1500.0))
    dial_one(bed, campaign, ContactNext("waiting", 1400.0))
    untouched = made[2:] if order == "fifo" else made[:1:-1]
    assert ids(claim(bed, campaign, 9, order, now=1600.0)) == [made[1], made[0], *untouched]


def test_a_second_settlement_is_ignored_and_counted(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    (contact,) = claim(bed, campaign).contacts
    (attempt_id,) = commit(bed, draft(contact, campaign))
    first = settlement(attempt_id, contact.contact_id, campaign, ContactNext("waiting", 2000.0))
    bed.port.settle(first)
    bed.port.settle(first._replace(next=ContactNext("done"), outcome="customer_answered"))
    (again,) = claim(bed, campaign, now=2000.0).contacts
    assert again.attempts == 1
    assert bed.second_settlements() == 1


def test_a_late_second_settlement_does_not_move_a_contact_that_is_dialed_again(
    bed: StoreBed,
) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    (contact,) = claim(bed, campaign).contacts
    (attempt_id,) = commit(bed, draft(contact, campaign))
    first = settlement(attempt_id, contact.contact_id, campaign, ContactNext("waiting", 1000.0))
    bed.port.settle(first)
    (again,) = claim(bed, campaign).contacts
    bed.port.settle(first)
    assert ids(claim(bed, campaign)) == []
    assert commit(bed, draft(again, campaign))[0] > attempt_id


def test_a_deferred_contact_stays_due_waits_or_is_refused(bed: StoreBed) -> None:
    made = bed.put_contacts(people(3))
    campaign = bed.add_campaign()
    claim(bed, campaign)
    bed.port.defer(
        [
            Deferral(made[0], campaign, "due", 1000.0, "number in flight"),
            Deferral(made[1], campaign, "waiting", 3000.0, "calling hours"),
            Deferral(made[2], campaign, "refused", 0.0, "premium number"),
        ]
    )
    soon = claim(bed, campaign, now=1000.0)
    assert ids(soon) == [made[0]]
    assert soon.next_due_at == 3000.0
    assert soon.contacts[0].attempts == 0
    assert ids(claim(bed, campaign, now=1e9)) == [made[1]]


def test_a_deferral_of_a_contact_that_is_not_held_changes_nothing(bed: StoreBed) -> None:
    made = bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    dial_one(bed, campaign, ContactNext("done"))
    bed.port.defer([Deferral(made[0], campaign, "due", 0.0, "late")])
    assert ids(claim(bed, campaign, now=1e9)) == []


def test_a_deferral_does_not_take_a_contact_out_of_its_attempt(bed: StoreBed) -> None:
    made = bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    (contact,) = claim(bed, campaign).contacts
    (attempt_id,) = commit(bed, draft(contact, campaign))
    bed.port.defer([Deferral(made[0], campaign, "due", 0.0, "late")])
    assert ids(claim(bed, campaign, now=1e9)) == []
    bed.port.settle(
        settlement(attempt_id, made[0], campaign, ContactNext("waiting", 1000.0, "again"))
    )
    assert claim(bed, campaign).contacts[0].resume_node == "again"


def test_requests_are_answered_in_their_order(bed: StoreBed) -> None:
    bed.put_contacts(people(30))
    campaign = bed.add_campaign()
    replies = Replies()
    for n in range(30):
        bed.port.claim(ClaimRequest(n, campaign, "", "fifo", 1, 0.0), replies)
    assert [replies.take().request_id for _ in range(30)] == list(range(30))


# --- pasts ------------------------------------------------------------------------------------


def test_a_claim_tells_of_the_past_in_all_campaigns_where_that_is_asked(bed: StoreBed) -> None:
    (contact_id, other) = bed.put_contacts(people(2))
    first, second = bed.add_campaign(), bed.add_campaign()
    assert dial_one(bed, first, ContactNext("waiting", 1.0, "dial")).past is None
    dial_one(bed, first, ContactNext("done"), outcome="customer_answered")
    (mine,) = claim(bed, second, 1).contacts
    (attempt_id,) = commit(bed, draft(mine, second))
    # The trunk's fault is no past of the callee.
    due = ContactNext("waiting", 1.0, "dial")
    bed.port.settle(settlement(attempt_id, contact_id, second, due, "congestion"))
    replies = Replies()
    bed.port.claim(ClaimRequest(7, second, "", "fifo", 10, 1000.0, past=True), replies)
    told = {contact.contact_id: contact.past for contact in replies.take().contacts}
    dialed, untouched = told[contact_id], told[other]
    assert dialed is not None
    assert untouched is not None
    assert (dialed.attempts, dialed.answers, dialed.last_outcome, dialed.last_at) == (
        (2, 1, "customer_answered", 1001.0)
    )
    assert (untouched.attempts, untouched.answers, untouched.last_outcome) == (0, 0, "")


def test_hot_leads_are_told_as_such(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    lead = bed.add_hot(campaign, LEAD, now=900.0)
    assert [(c.contact_id == lead, c.hot) for c in claim(bed, campaign).contacts] == [
        (True, True),
        (False, False),
    ]


# --- hot leads --------------------------------------------------------------------------------

LEAD = {"id": "lead", "phone": ("+16175559999",), "city": "Boston"}


def look(bed: StoreBed, campaign_id: int, now: float = 1000.0, name: str = "") -> list[int]:
    """The hot leads that a claim for nothing else brings."""
    replies = Replies()
    bed.port.claim(ClaimRequest(7, campaign_id, name, "fifo", 10, now, hot_only=True), replies)
    return ids(replies.take())


def test_a_hot_lead_goes_ahead_of_those_who_are_due_and_of_the_list(bed: StoreBed) -> None:
    made = bed.put_contacts(people(3))
    campaign = bed.add_campaign()
    claim(bed, campaign, limit=1)
    bed.port.defer([Deferral(made[0], campaign, "due", 500.0, "")])
    lead = bed.add_hot(campaign, LEAD, now=900.0)
    assert ids(claim(bed, campaign)) == [lead, made[0], made[1], made[2]]


def test_a_claim_for_hot_leads_leaves_everybody_else(bed: StoreBed) -> None:
    made = bed.put_contacts(people(2))
    campaign, other = bed.add_campaign(), bed.add_campaign()
    assert look(bed, campaign) == []
    lead = bed.add_hot(campaign, LEAD, now=900.0)
    assert look(bed, campaign, now=899.0) == []
    assert look(bed, other) == []
    assert look(bed, campaign) == [lead]
    assert look(bed, campaign) == []
    assert ids(claim(bed, campaign)) == made


def test_a_hot_lead_of_the_list_is_claimed_once(bed: StoreBed) -> None:
    made = bed.put_contacts(people(2))
    campaign = bed.add_campaign()
    assert bed.add_hot(campaign, people(2)[1], now=900.0) == made[1]
    assert ids(claim(bed, campaign)) == [made[1], made[0]]
    assert ids(claim(bed, campaign)) == []


def test_the_same_lead_again_is_not_dialed_again(bed: StoreBed) -> None:
    campaign = bed.add_campaign()
    lead = bed.add_hot(campaign, LEAD, now=900.0)
    assert bed.add_hot(campaign, LEAD, now=901.0) == lead
    (contact,) = claim(bed, campaign).contacts
    (attempt_id,) = commit(bed, draft(contact, campaign))
    bed.add_hot(campaign, LEAD, now=902.0)
    bed.port.settle(settlement(attempt_id, lead, campaign, ContactNext("done")))
    bed.add_hot(campaign, LEAD, now=903.0)
    assert ids(claim(bed, campaign, now=1e9)) == []


def test_a_lead_that_was_dialed_waits_for_its_retry_like_others(bed: StoreBed) -> None:
    campaign = bed.add_campaign()
    lead = bed.add_hot(campaign, LEAD, now=900.0)
    (contact,) = claim(bed, campaign).contacts
    (attempt_id,) = commit(bed, draft(contact, campaign))
    retry = ContactNext("waiting", 2000.0, "again")
    bed.port.settle(settlement(attempt_id, lead, campaign, retry))
    bed.add_hot(campaign, LEAD, now=1001.0)
    assert look(bed, campaign, now=3000.0) == []
    assert ids(claim(bed, campaign, now=1999.0)) == []
    assert ids(claim(bed, campaign, now=2000.0)) == [lead]


def test_a_hot_lead_that_had_to_wait_is_still_hot(bed: StoreBed) -> None:
    bed.put_contacts(people(1))
    campaign = bed.add_campaign()
    lead = bed.add_hot(campaign, LEAD, now=900.0)
    assert look(bed, campaign) == [lead]
    bed.port.defer([Deferral(lead, campaign, "waiting", 1500.0, "calling hours")])
    assert look(bed, campaign, now=1499.0) == []
    assert ids(claim(bed, campaign, now=1500.0, limit=1)) == [lead]


def test_a_hot_lead_must_pass_the_filter(bed: StoreBed) -> None:
    bed.save_filter("boston", BOSTON)
    campaign = bed.add_campaign()
    bed.add_hot(campaign, {**LEAD, "city": "Albany"}, now=900.0)
    assert look(bed, campaign, name="boston") == []
    assert len(look(bed, campaign)) == 1


def test_a_contact_comes_back_with_the_numbers_that_were_tried(bed: StoreBed) -> None:
    (contact_id,) = bed.put_contacts([{"id": "x", "phone": ("+16175550001", "+16175550002")}])
    campaign = bed.add_campaign()
    again = ContactNext("waiting", 1000.0, "again")
    for number, outcome in (
        ("+16175550001", "user_busy"),
        ("+16175550002", "congestion"),  # the trunk's fault: nobody was tried
        ("+16175550002", "no_user_response"),
    ):
        (contact,) = claim(bed, campaign).contacts
        (attempt_id,) = commit(bed, draft(contact, campaign, number))
        bed.port.settle(settlement(attempt_id, contact_id, campaign, again, outcome))
        if outcome == "congestion":
            assert contact.tried == ("+16175550001",)
    (contact,) = claim(bed, campaign).contacts
    assert contact.tried == ("+16175550001", "+16175550002")
    bed.port.defer([Deferral(contact_id, campaign, "done", 0.0, "every number was tried")])
    assert ids(claim(bed, campaign, now=1e9)) == []


# --- the mix of retries and fresh contacts ----------------------------------------------------


def mixed(bed: StoreBed, campaign_id: int, limit: int, retries: int) -> list[int]:
    replies = Replies()
    request = ClaimRequest(7, campaign_id, "", "fifo", limit, 1000.0, retries=retries)
    bed.port.claim(request, replies)
    return ids(replies.take())


def some_due(bed: StoreBed, campaign_id: int, count: int) -> None:
    """The first so many of the list were tried, and are due again."""
    for contact_id in ids(claim(bed, campaign_id, limit=count)):
        bed.port.defer([Deferral(contact_id, campaign_id, "waiting", 900.0, "")])


def test_a_claim_takes_as_many_retries_as_it_was_asked_for(bed: StoreBed) -> None:
    made = bed.put_contacts(people(8))
    campaign = bed.add_campaign()
    some_due(bed, campaign, 4)
    assert mixed(bed, campaign, limit=3, retries=1) == [made[0], made[4], made[5]]
    assert mixed(bed, campaign, limit=2, retries=0) == [made[6], made[7]]


def test_where_one_kind_runs_out_the_other_fills_up(bed: StoreBed) -> None:
    made = bed.put_contacts(people(8))
    campaign = bed.add_campaign()
    some_due(bed, campaign, 4)
    assert mixed(bed, campaign, limit=6, retries=1) == [made[n] for n in (0, 4, 5, 6, 7, 1)]
    more = bed.put_contacts(people(3, start=20))
    assert mixed(bed, campaign, limit=5, retries=4) == [made[2], made[3], *more]
    assert mixed(bed, campaign, limit=5, retries=4) == []
