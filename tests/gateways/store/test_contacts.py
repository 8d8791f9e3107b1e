"""Contacts are imported once, changed when they change, and found again."""

import json
import threading

import pytest

from dialer.errors import FilterError, NotFoundError
from dialer.filter_tree import load_filter
from dialer.ports import ClaimRequest
from gateways.store import ImportCounts, NewContact, Store, as_json
from tests.ports.contact_store_beds import Replies


def person(key: str, **attributes: object) -> NewContact:
    return NewContact(key, attributes)  # type: ignore[arg-type]


def test_importing_again_updates_only_what_changed(store: Store) -> None:
    rows = [person("a", city="Boston", age=40), person("b", city="Albany")]
    assert store.contacts.import_batch(rows) == ImportCounts(added=2)
    before = store.contacts.find("b")
    rows[0] = person("a", city="Boston", age=41)
    assert store.contacts.import_batch(rows) == ImportCounts(updated=1, unchanged=1)
    assert store.contacts.find("b") == before
    assert store.contacts.find("a")[0].attributes == {"city": "Boston", "age": 41}


def test_a_row_lies_over_what_was_known(store: Store) -> None:
    store.contacts.import_batch([person("a", city="Boston", age=40, phone=("+16175550100",))])
    store.contacts.import_batch([person("a", age=None, phone=("+16175550101", "+16175550102"))])
    (contact,) = store.contacts.find("a")
    assert contact.attributes == {"city": "Boston", "phone": ("+16175550101", "+16175550102")}
    assert store.contacts.find("+16175550100") == ()
    assert store.contacts.find("+16175550102") == (contact,)


def test_values_that_are_equal_but_of_another_type_are_a_change(store: Store) -> None:
    store.contacts.import_batch([person("a", age=1)])
    assert store.contacts.import_batch([person("a", age=True)]) == ImportCounts(updated=1)
    assert store.contacts.find("a")[0].attributes["age"] is True


def test_a_key_that_comes_twice_in_a_batch_is_one_contact(store: Store) -> None:
    rows = [person("a", city="Boston", age=1), person("a", age=2)]
    assert store.contacts.import_batch(rows) == ImportCounts(added=1)
    assert store.contacts.find("a")[0].attributes == {"city": "Boston", "age": 2}


def test_contacts_without_a_key_are_always_added(store: Store) -> None:
    rows = [person("", city="Boston"), person("", city="Boston")]
    assert store.contacts.import_batch(rows) == ImportCounts(added=2)
    assert store.contacts.import_batch(rows) == ImportCounts(added=2)
    assert [contact.key for contact in store.contacts.list().items] == [""] * 4


def test_a_contact_is_found_by_key_number_or_id(store: Store) -> None:
    store.contacts.import_batch([person("7", phone=("+16175550100",)), person("x")])
    seven, other = store.contacts.list().items
    assert store.contacts.find("7") == (seven,)
    assert store.contacts.find("+16175550100") == (seven,)
    assert store.contacts.find(str(other.contact_id)) == (other,)
    assert store.contacts.find("nobody") == store.contacts.find("9" * 40) == ()
    assert store.contacts.get(other.contact_id) == other
    with pytest.raises(NotFoundError, match="contact 999"):
        store.contacts.get(999)


def test_lists_have_pages_and_filters(store: Store) -> None:
    store.contacts.import_batch(
        [person(f"{n}", city=("Boston", "Albany")[n % 2]) for n in range(25)]
    )
    page = store.contacts.list(offset=20, limit=10)
    assert (page.total, page.offset) == (25, 20)
    assert [c.key for c in page.items] == ["20", "21", "22", "23", "24"]
    store.filters.save(
        "boston", load_filter("{attribute: city, operator: equals, value: BOSTON}", "b")
    )
    assert store.contacts.list("boston", limit=5).total == store.contacts.count("boston") == 13
    assert [c.key for c in store.contacts.each("boston", batch=4)] == [
        str(n) for n in range(0, 25, 2)
    ]
    assert store.contacts.count() == 25
    with pytest.raises(NotFoundError, match="filter 'nowhere'"):
        store.contacts.list("nowhere")


def test_records_are_plain_enough_for_json(store: Store) -> None:
    store.contacts.import_batch([person("a", city="Zürich", phone=("+16175550100",))])
    data = json.loads(json.dumps(as_json(store.contacts.list())))
    assert data["total"] == 1
    assert data["items"][0]["attributes"] == {"city": "Zürich", "phone": ["+16175550100"]}


def test_claims_go_on_while_contacts_are_imported(store: Store) -> None:
    """Claims that are asked for during an import are answered between its batches."""
    campaign = store.campaigns.create("busy", "").campaign_id
    replies = Replies()
    claimed_during: list[int] = []
    imported = 0
    for counts in store.contacts.import_all((person(f"{n}") for n in range(5000)), batch=500):
        imported += counts.added
        store.port.claim(ClaimRequest(imported, campaign, "", "lifo", 10, 0.0), replies)
        claimed_during.append(len(replies.take().contacts))
    assert imported == 5000
    assert claimed_during == [10] * 10


def test_two_imports_at_once_make_no_doubles(store: Store) -> None:
    def import_them() -> None:
        for _ in store.contacts.import_all((person(f"{n}", age=n) for n in range(900)), batch=100):
            pass

    threads = [threading.Thread(target=import_them) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.contacts.count() == 900


def test_filters_are_saved_listed_previewed_and_deleted(store: Store) -> None:
    store.contacts.import_batch([person(f"{n}", age=n) for n in range(30)])
    tree = load_filter("{attribute: age, operator: less_than, value: 12}", "young")
    saved = store.filters.save("young", tree)
    assert store.filters.get("young") == saved
    assert saved.tree == {"attribute": "age", "operator": "less_than", "value": 12}
    preview = store.filters.preview_saved("young", sample=2)
    assert preview == store.filters.preview(tree, sample=2)
    assert (preview.count, [c.key for c in preview.sample]) == (12, ["0", "1"])
    again = store.filters.save(
        "young", load_filter("{attribute: age, operator: equals, value: 3}", "y")
    )
    assert again.created_at == saved.created_at
    assert again.revision > saved.revision
    assert [record.name for record in store.filters.list().items] == ["young"]
    store.filters.delete("young")
    for ask in (store.filters.get, store.filters.delete, store.filters.preview_saved):
        with pytest.raises(NotFoundError, match="filter 'young'"):
            ask("young")
    assert store.filters.save("young", tree).revision > again.revision


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        (" ", "{attribute: age, operator: is_empty}", "no name"),
        ("f", "{attribute: aeg, operator: is_empty}", "no attribute 'aeg'"),
        ("f", "{attribute: age, operator: contains, value: x}", "no operator contains"),
    ],
)
def test_a_filter_that_cannot_work_is_not_saved(
    store: Store, name: str, text: str, what: str
) -> None:
    with pytest.raises(FilterError, match=what):
        store.filters.save(name, load_filter(text, "f"))
    assert store.filters.list().total == 0


def test_a_filter_that_a_campaign_names_is_not_deleted(store: Store) -> None:
    store.filters.save("all", load_filter("{attribute: age, operator: is_empty}", "all"))
    campaign = store.campaigns.create("spring", "", filter_name="all")
    with pytest.raises(FilterError, match="campaign 'spring' uses it"):
        store.filters.delete("all")
    store.campaigns.move(campaign.campaign_id, "stop")
    store.filters.delete("all")
