"""Campaigns keep every version that ran, and do only what their status allows."""

from collections.abc import Iterator

import pytest

from dialer.agents import AgentProfile
from dialer.errors import FlowError, LifecycleError, NotFoundError
from dialer.filter_tree import load_filter
from dialer.metrics import Metrics
from dialer.ports import AttemptDraft, Callback, ClaimRequest, ContactNext, Deferral, Settlement
from dialer.score.past import Attempt
from gateways.store import CampaignRecord, NewContact, Store, open_store
from gateways.store.contact_gauges import count_contacts
from tests.ports.contact_store_beds import SCHEMA, Replies


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    with open_store(url, SCHEMA, clock=clock) as opened:
        yield opened


def dial(store: Store, campaign_id: int, outcome: str = "") -> int:
    """Claim and commit one contact; settle it where an outcome is given."""
    replies = Replies()
    store.port.claim(ClaimRequest(1, campaign_id, "", "fifo", 1, 1e9), replies)
    (contact,) = replies.take().contacts
    number = f"+1617555{contact.contact_id:04d}"
    draft = AttemptDraft(contact.contact_id, campaign_id, 1, "dial", number, "t", 1.0)
    store.port.commit_attempts(2, [draft], replies)
    (attempt_id,) = replies.take().attempt_ids
    if outcome:
        settle(store, attempt_id, outcome)
    return int(attempt_id)


def settle(store: Store, attempt_id: int, outcome: str = "user_busy") -> None:
    times = (1.0, 2.0, 3.0, 4.0, 5.0)
    store.port.settle(
        Settlement(attempt_id, 0, 0, outcome, ContactNext("done"), *times, "ann", 486, 17, "busy")
    )
    store.port.flush()


def test_a_new_campaign_is_a_draft(store: Store) -> None:
    store.contacts.import_batch([NewContact("a", {}), NewContact("b", {})])
    made = store.campaigns.create("  Spring   sale ", "nodes: []", description="soon")
    assert made == CampaignRecord(
        made.campaign_id, "Spring sale", "soon", "unpublished", 1, "", 100.0, 100.0, 2
    )
    assert store.campaigns.version(made.campaign_id).flow == "nodes: []"
    with pytest.raises(FlowError, match="no title"):
        store.campaigns.create(" ", "")


def test_a_draft_is_rewritten_and_a_published_version_never(store: Store, clock: Clock) -> None:
    campaign = store.campaigns.create("one", "v1 draft").campaign_id
    clock.now = 200.0
    assert store.campaigns.edit(campaign, flow="v1").version == 1
    clock.now = 300.0
    assert store.campaigns.move(campaign, "publish").status == "published"
    assert store.campaigns.edit(campaign, title="One").version == 1
    assert store.campaigns.edit(campaign, flow="v2").version == 2
    store.campaigns.move(campaign, "unpublish")
    assert store.campaigns.edit(campaign, flow="v3 draft").version == 3
    assert store.campaigns.edit(campaign, flow="v3").version == 3
    versions = store.campaigns.versions(campaign)
    assert [(v.version, v.flow, v.published_at) for v in versions] == [
        (1, "v1", 300.0),
        (2, "v2", 300.0),
        (3, "v3", 0.0),
    ]
    assert store.campaigns.version(campaign, 2) == versions[1]
    with pytest.raises(NotFoundError, match="no version 9"):
        store.campaigns.version(campaign, 9)
    record = store.campaigns.get(campaign)
    assert (record.title, record.created_at, record.modified_at) == ("One", 100.0, 300.0)


def test_a_stopped_campaign_is_final_and_its_clone_is_a_draft(store: Store) -> None:
    campaign = store.campaigns.create("one", "flow", description="d").campaign_id
    store.campaigns.move(campaign, "stop")
    for attempt in (
        lambda: store.campaigns.move(campaign, "publish"),
        lambda: store.campaigns.edit(campaign, title="x"),
        lambda: store.campaigns.reset(campaign),
    ):
        with pytest.raises(LifecycleError, match="clone it"):
            attempt()
    clone = store.campaigns.clone(campaign)
    assert (clone.title, clone.description, clone.status) == ("one (copy)", "d", "unpublished")
    assert store.campaigns.version(clone.campaign_id).flow == "flow"


def test_lists_page_and_search_by_the_words_of_a_title(store: Store) -> None:
    for title in ("Spring Sale", "Autumn sale", "SPRING café 100%", "Winter"):
        store.campaigns.create(title, "")
    store.campaigns.move(1, "publish")

    def found(words: str = "", status: str = "") -> list[str]:
        return [campaign.title for campaign in store.campaigns.list(words, status).items]

    assert found("sale spring") == ["Spring Sale"]
    assert found("spring") == ["SPRING café 100%", "Spring Sale"]
    assert found("CAFÉ") == found("100%") == ["SPRING café 100%"]
    assert found("%%") == found("_") == []
    assert found(status="published") == ["Spring Sale"]
    page = store.campaigns.list(offset=1, limit=2)
    assert (page.total, [c.title for c in page.items]) == (4, ["SPRING café 100%", "Autumn sale"])


def test_a_list_counts_the_contacts_of_each_filter(store: Store) -> None:
    store.contacts.import_batch([NewContact(f"{n}", {"age": n}) for n in range(5)])
    store.filters.save(
        "old", load_filter("{attribute: age, operator: greater_than, value: 2}", "o")
    )
    store.campaigns.create("all", "")
    store.campaigns.create("old", "", filter_name="old")
    store.campaigns.create("yet to come", "", filter_name="missing")
    assert [c.contacts for c in store.campaigns.list().items] == [0, 2, 5]


def test_a_campaign_with_calls_under_way_or_published_is_not_deleted(store: Store) -> None:
    store.contacts.import_batch([NewContact("a", {})])
    campaign = store.campaigns.create("one", "flow").campaign_id
    store.campaigns.move(campaign, "publish")
    with pytest.raises(LifecycleError, match="unpublish it first"):
        store.campaigns.delete(campaign)
    attempt = dial(store, campaign)
    store.campaigns.move(campaign, "unpublish")
    with pytest.raises(LifecycleError, match="1 calls under way"):
        store.campaigns.delete(campaign)
    settle(store, attempt)
    store.campaigns.delete(campaign)
    assert store.campaigns.list().total == 0
    for ask in (store.campaigns.get, store.campaigns.delete, store.campaigns.version):
        with pytest.raises(NotFoundError, match=f"campaign {campaign}"):
            ask(campaign)
    assert store.attempts.get(attempt).outcome == "user_busy"
    assert [version.flow for version in store.campaigns.versions(campaign)] == ["flow"]


def test_a_reset_gives_contacts_back_that_nobody_holds(store: Store) -> None:
    store.contacts.import_batch([NewContact(f"{n}", {}) for n in range(3)])
    campaign = store.campaigns.create("one", "").campaign_id
    first = dial(store, campaign, "customer_answered")
    flying = dial(store, campaign)
    store.campaigns.move(campaign, "publish")
    with pytest.raises(LifecycleError, match="unpublish it first"):
        store.campaigns.reset(campaign)
    store.campaigns.move(campaign, "unpublish")
    assert store.campaigns.reset(campaign) == 1
    replies = Replies()
    store.port.claim(ClaimRequest(1, campaign, "", "fifo", 9, 0.0), replies)
    claimed = [contact.contact_id for contact in replies.take().contacts]
    assert claimed == [store.attempts.get(first).contact_id, 3]
    assert store.attempts.get(flying).contact_id == 2


def test_a_reset_keeps_the_promise_of_a_call_back(store: Store) -> None:
    store.contacts.import_batch([NewContact(f"{n}", {}) for n in range(2)])
    campaign = store.campaigns.create("one", "").campaign_id
    attempt = dial(store, campaign, "customer_answered")
    store.callbacks.add(campaign, 1, Callback(50.0, "amy"))
    assert store.campaigns.reset(campaign) == 1
    replies = Replies()
    store.port.claim(ClaimRequest(1, campaign, "", "fifo", 9, 49.0), replies)
    assert [contact.contact_id for contact in replies.take().contacts] == [2]
    store.port.claim(ClaimRequest(1, campaign, "", "fifo", 9, 50.0), replies)
    (contact,) = replies.take().contacts
    assert (contact.contact_id, contact.attempts, contact.callback) == (1, 0, Callback(50.0, "amy"))
    assert store.callbacks.owed(campaign, 50.0) == {"due": 1, "waiting": 0}
    assert store.attempts.get(attempt).contact_id == 1


def test_what_became_of_a_contact_can_be_told(store: Store) -> None:
    store.contacts.import_batch([NewContact("a", {}), NewContact("b", {})])
    first = store.campaigns.create("one", "").campaign_id
    second = store.campaigns.create("two", "").campaign_id
    attempt = dial(store, first, "user_busy")
    replies = Replies()
    store.port.claim(ClaimRequest(1, second, "", "fifo", 1, 0.0), replies)
    replies.take()
    store.port.defer([Deferral(1, second, "refused", 0.0, "emergency number")])
    store.port.flush()
    one, two = store.attempts.standings(1)
    assert (one.title, one.state, one.attempts, one.last_outcome) == ("one", "done", 1, "user_busy")
    assert (two.title, two.state, two.reason) == ("two", "refused", "emergency number")
    (told,) = store.attempts.of_contact(1)
    assert told == store.attempts.get(attempt)
    assert (told.number, told.outcome, told.agent_id, told.sip_status, told.q850, told.detail) == (
        ("+16175550001", "user_busy", "ann", 486, 17, "busy")
    )
    assert (told.committed_at, told.dialed_at, told.ended_at, told.settled_at) == (1, 1, 5, 100)
    with pytest.raises(NotFoundError, match="attempt 77"):
        store.attempts.get(77)


def test_a_campaigns_outcomes_and_contacts_are_counted(store: Store) -> None:
    store.contacts.import_batch([NewContact(f"{n}", {}) for n in range(5)])
    campaign = store.campaigns.create("one", "").campaign_id
    for outcome in ("user_busy", "user_busy", "customer_answered"):
        dial(store, campaign, outcome)
    flying = dial(store, campaign)
    assert store.attempts.outcomes(campaign) == {"": 1, "customer_answered": 1, "user_busy": 2}
    assert store.campaigns.contact_states(campaign) == {"done": 3, "in_flight": 1}
    assert [attempt.attempt_id for attempt in store.attempts.in_flight()] == [flying]
    page = store.attempts.of_campaign(campaign, offset=1, limit=2)
    assert (page.total, len(page.items)) == (4, 2)
    assert page.items[0].attempt_id == flying - 1


def test_agents_are_added_changed_listed_and_removed(store: Store) -> None:
    ann = AgentProfile("ann", "Ann", "sip:ann@127.0.0.1", ("sales", "support"), 30.0)
    assert store.agents.add(ann)
    assert store.agents.add(AgentProfile("bob"))
    changed = AgentProfile("ann", "Ann B.", "sip:ann@127.0.0.2")
    assert not store.agents.add(changed)
    assert store.agents.get("ann") == changed
    assert store.agents.list().items == (changed, AgentProfile("bob"))
    store.agents.remove("ann")
    for ask in (store.agents.get, store.agents.remove):
        with pytest.raises(NotFoundError, match="agent 'ann'"):
            ask("ann")
    assert store.agents.list(offset=1).items == ()


def test_what_callees_saw_is_counted_and_what_never_left_is_not(store: Store) -> None:
    rows = [NewContact(str(n), {"phone": [f"+1617555{n:04d}"]}) for n in range(1, 5)]
    store.contacts.import_batch(rows)
    campaign = store.campaigns.create("one", "nodes: []").campaign_id
    replies = Replies()
    store.port.claim(ClaimRequest(1, campaign, "", "fifo", 4, 1e9), replies)
    shown = [(10.0, "+1"), (20.0, "+1"), (20.0, "+2"), (20.0, "")]
    drafts = [
        AttemptDraft(c.contact_id, campaign, 1, "n", f"+1617555000{n}", "t", *shown[n])
        for n, c in enumerate(replies.take().contacts)
    ]
    store.port.commit_attempts(2, drafts, replies)
    ids = replies.take().attempt_ids
    assert store.attempts.get(ids[2]).caller_id == "+2"
    assert store.attempts.shown_since(0.0) == {"+1": 2, "+2": 1}
    assert store.attempts.shown_since(15.0) == {"+1": 1, "+2": 1}
    settle(store, ids[1], "never_dialed")
    assert store.attempts.shown_since(15.0) == {"+2": 1}


def test_a_trunk_that_took_over_is_the_one_that_carried_the_call(store: Store) -> None:
    store.contacts.import_batch([NewContact("a", {}), NewContact("b", {})])
    campaign = store.campaigns.create("one", "nodes: []").campaign_id
    stayed, moved = dial(store, campaign), dial(store, campaign)
    settle(store, stayed)
    times = (1.0, 2.0, 3.0, 4.0, 5.0)
    ended = Settlement(moved, 0, 0, "user_busy", ContactNext("done"), *times, trunk="second")
    store.port.settle(ended)
    store.port.flush()
    assert [store.attempts.get(i).trunk for i in (stayed, moved)] == ["t", "second"]


def test_what_a_campaign_owes_and_has_is_counted(store: Store) -> None:
    store.contacts.import_batch([NewContact(f"{n}", {}) for n in range(4)])
    campaign = store.campaigns.create("one", "").campaign_id
    dial(store, campaign, "customer_answered")
    store.callbacks.add(campaign, 2, Callback(50.0))
    store.callbacks.add(campaign, 3, Callback(500.0, "amy"))
    metrics = Metrics()
    metrics.open_campaign("one")
    count_contacts(store, metrics, {campaign: "one"}, now=100.0)

    def counted(name: str) -> dict[str, float]:
        cells = metrics.gauges(name, campaign="one")
        return {state: cell.value for state, cell in cells.items() if cell.value}

    assert counted("dialer_callbacks") == {"due": 1, "waiting": 1}
    assert counted("dialer_campaign_contacts") == {"done": 1, "waiting": 2, "due": 1}


def test_settled_attempts_teach_a_score_with_what_their_contacts_say(
    store: Store, clock: Clock
) -> None:
    rows = [NewContact("a", {"time_zone": "America/Chicago"}), NewContact("b", {})]
    store.contacts.import_batch(rows)
    campaign = store.campaigns.create("one", "").campaign_id
    dial(store, campaign, "customer_answered")
    dial(store, campaign, "user_busy")
    store.contacts.import_batch([NewContact("c", {})])
    dial(store, campaign)  # under way, so nobody knows
    first, second = store.attempts.for_scores()
    assert first == Attempt(
        1.0, "customer_answered", "+16175550001", "1", "America/Chicago", clock.now
    )
    assert (second.contact, second.outcome, second.zone) == ("2", "user_busy", "")
