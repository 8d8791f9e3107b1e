"""Why: a contact, a pulse, a campaign."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dialer.errors import InputError, NotFoundError
from dialer.journal import ContactSkipped, Pulse, Record
from dialer.ports import AttemptDraft, ClaimRequest, ContactNext, Deferral, Settlement
from gateways.control.commands import Commands
from gateways.control.contact_import import import_contacts
from gateways.control.site import Site
from gateways.journal import JournalConfig, JournalWriter
from gateways.store import Store
from tests.gateways.control.place import CSV, FLOW, NOW, FakeLive, report
from tests.ports.contact_store_beds import Replies

Write = Callable[[Sequence[Record]], None]


@pytest.fixture
def journal(site: Site) -> Write:
    """Writes records to the journal, in a segment of their own."""

    def write(records: Sequence[Record]) -> None:
        writer = JournalWriter(JournalConfig(site.journal_dir))
        writer.start()
        for record in records:
            writer.append(record)
        writer.close()

    return write


@pytest.fixture
def published(online: Commands, store: Store, site: Site, live: FakeLive) -> Commands:
    """A published campaign with contacts that dials."""
    import_contacts(store, site.schema, CSV.encode().splitlines(keepends=True), "c.csv")
    online.campaigns.create(FLOW, "spring.yaml")
    online.campaigns.publish("1")
    live.reports[1] = report()
    return online


def _attempt(store: Store) -> int:
    """The first contact is dialed and answered; its attempt's id."""
    replies = Replies()
    store.port.claim(ClaimRequest(1, 1, "", "fifo", 1, NOW), replies)
    contact = replies.take().contacts[0]
    draft = AttemptDraft(contact.contact_id, 1, 1, "dial", "+12125550101", "carrier", NOW)
    store.port.commit_attempts(2, [draft], replies)
    attempt_id: int = replies.take().attempt_ids[0]
    store.port.settle(
        Settlement(
            attempt_id,
            contact.contact_id,
            1,
            "customer_answered",
            ContactNext("done"),
            NOW,
            NOW + 1,
            NOW + 5,
            NOW + 6,
            NOW + 66,
            "amy",
            200,
        )
    )
    store.port.flush()
    return attempt_id


# --- contacts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["a-1", "+12125550101", "212-555-0101", "1"])
def test_a_contact_is_explained_by_key_number_or_id(
    published: Commands, store: Store, journal: Write, who: str
) -> None:
    attempt_id = _attempt(store)
    journal([ContactSkipped(1, 1, NOW - 60, "calling_hours: closed in America/New_York")])

    (found,) = published.record.contact(who)["contacts"]

    assert found["contact"]["key"] == "a-1"
    assert found["standings"][0]["state"] == "done"
    (attempt,) = found["attempts"]
    assert attempt["attempt_id"] == attempt_id
    assert attempt["meaning"] == "a person answered and spoke to an agent"
    assert (attempt["ring_s"], attempt["wait_s"], attempt["talk_s"]) == (4.0, 1.0, 60.0)
    assert [skip["reason"] for skip in found["skips"]] == [
        "calling_hours: closed in America/New_York"
    ]


def test_skips_are_of_the_contact_and_of_the_days_asked_for(
    published: Commands, journal: Write
) -> None:
    journal(
        [
            ContactSkipped(1, 1, NOW - 9 * 86400, "old"),
            ContactSkipped(1, 1, NOW - 86400, "new"),
            ContactSkipped(2, 1, NOW - 86400, "another's"),
        ]
    )

    def reasons(days: int) -> list[str]:
        (found,) = published.record.contact("a-1", days)["contacts"]
        return [skip["reason"] for skip in found["skips"]]

    assert reasons(7) == ["new"]
    assert reasons(30) == ["old", "new"]


def test_a_contact_that_is_not_there_is_told(published: Commands) -> None:
    with pytest.raises(NotFoundError, match="contact 'zz': there is none; give an id, a key"):
        published.record.contact("zz")


# --- pulses ------------------------------------------------------------------------------------


def _pulse(at: float, **changes: Any) -> Pulse:
    pulse = Pulse(1, at, (("reserved", 3.0), ("in_flight", 1.0)), 1.0, (), 2, "released contacts")
    return pulse._replace(**changes)


def test_a_pulse_is_found_by_its_id_and_put_into_words(published: Commands, journal: Write) -> None:
    pulse = _pulse(NOW + 0.1234)
    journal([_pulse(NOW), pulse, _pulse(NOW + 1), pulse._replace(campaign_id=2)])

    (found,) = published.record.pulse(pulse.pulse_id)["pulses"]

    assert found["pulse_id"] == pulse.pulse_id
    assert found["inputs"] == {"reserved": 3.0, "in_flight": 1.0}
    assert found["words"] == (
        "Saw reserved 3, in flight 1; the pacing figure was 1; released 2 contacts."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inputs": (), "reason": "no contact is due"}, "Dialed nobody: no contact is due."),
        (
            {"dials": 0, "clamps": ("trunk",), "reason": "trunk carrier is down: why"},
            "Saw reserved 3, in flight 1; the pacing figure was 1, cut by trunk; released none: "
            "trunk carrier is down: why.",
        ),
    ],
)
def test_a_pulse_that_dialed_nobody_says_why(
    published: Commands, journal: Write, changes: dict[str, Any], words: str
) -> None:
    journal([_pulse(NOW, **changes)])

    assert published.record.pulse(campaign="1")["pulses"][0]["words"] == words


def test_the_last_pulses_come_from_the_newest_segments(published: Commands, journal: Write) -> None:
    for segment in range(3):
        journal([_pulse(NOW + 10 * segment + n) for n in range(4)])
    journal([_pulse(NOW + 99, campaign_id=2)])

    found = published.record.pulse(campaign="Spring offer", last=6)["pulses"]

    assert [pulse["at"] - NOW for pulse in found] == [12, 13, 20, 21, 22, 23]


def test_a_pulse_that_is_none_is_told(published: Commands) -> None:
    with pytest.raises(InputError, match="not a pulse id; write it as"):
        published.record.pulse("yesterday")
    with pytest.raises(NotFoundError, match="the journal has none"):
        published.record.pulse("1-5")
    with pytest.raises(InputError, match="not said which"):
        published.record.pulse()


# --- campaigns ---------------------------------------------------------------------------------


def _cause(commands: Commands) -> tuple[str, str]:
    told = commands.explain_campaign.campaign("1")
    assert told["dialing"] is (not told["cause"])
    return told["cause"], told["why"]


def test_a_campaign_that_dials_says_so(published: Commands) -> None:
    assert _cause(published) == ("", "dialing: 1 call in progress; released contacts")


def test_the_status_comes_first(published: Commands, live: FakeLive) -> None:
    live.up = False
    published.campaigns.unpublish("1")
    assert _cause(published) == (
        "status",
        "it is unpublished; publish it with campaign publish",
    )
    published.campaigns.stop("1")
    assert _cause(published)[0] == "status"


def test_no_daemon_is_a_cause(offline: Commands) -> None:
    offline.campaigns.create(FLOW, "spring.yaml")
    offline.campaigns.publish("1")

    assert _cause(offline) == ("daemon", "no daemon runs; start one with serve")


def test_a_daemon_that_does_not_run_it_is_a_cause(published: Commands, live: FakeLive) -> None:
    live.reports[1] = {}

    assert _cause(published) == (
        "daemon",
        "the daemon does not run it; see its log, then unpublish and publish it",
    )


def test_a_panic_stop_is_a_cause(published: Commands) -> None:
    published.daemon.panic(True)

    assert _cause(published) == ("panic", "a panic stop is in force; lift it with stop --lift")


def test_closed_hours_are_a_cause_with_the_next_opening(
    published: Commands, live: FakeLive
) -> None:
    published.campaigns.edit(
        "1",
        FLOW.replace(
            "interval_s: 1,", 'days: [mon, wed], windows: [{from: "09:00", to: "12:00"}],'
        ),
        "new.yaml",
    )

    assert _cause(published) == (
        "window",
        "outside the days and windows of the Start node; opens Wed 2025-06-18 09:00 "
        "(America/New_York)",
    )


def test_no_contacts_are_a_cause(online: Commands, live: FakeLive) -> None:
    online.campaigns.create(FLOW, "spring.yaml")
    online.campaigns.publish("1")
    live.reports[1] = report()

    assert _cause(online) == (
        "contacts",
        "there are no contacts; bring some in with contacts import",
    )


def test_a_filter_that_finds_nobody_is_a_cause(
    online: Commands, store: Store, live: FakeLive
) -> None:
    online.contacts.save_filter("none", "{attribute: city, operator: equals, value: x}", "f")
    online.campaigns.create(FLOW.replace("type: init,", "type: init, filter: none,"), "s.yaml")
    online.campaigns.publish("1")
    live.reports[1] = report()

    assert _cause(online) == ("contacts", "filter 'none' finds no contact; see filter preview")


_IDLE = {"calls_in_progress": 0, "in_flight": 0}
_NONE_DUE = {"claimed_ahead": 0, "exhausted": True}


def test_contacts_that_are_all_done_are_a_cause(
    published: Commands, store: Store, live: FakeLive
) -> None:
    replies = Replies()
    store.port.claim(ClaimRequest(1, 1, "", "fifo", 9, NOW), replies)
    for contact in replies.take().contacts:
        draft = AttemptDraft(
            contact.contact_id, 1, 1, "dial", contact.attributes["phone"][0], "carrier", NOW
        )
        store.port.commit_attempts(2, [draft], replies)
        attempt_id = replies.take().attempt_ids[0]
        store.port.settle(
            Settlement(
                attempt_id,
                contact.contact_id,
                1,
                "user_busy",
                ContactNext("done"),
                NOW,
                0.0,
                0.0,
                0.0,
                NOW,
            )
        )
    store.port.flush()
    live.reports[1] = report(**_IDLE, feeder=_NONE_DUE)

    assert _cause(published) == ("contacts", "nobody is left to dial: 3 done")


def test_contacts_that_a_rule_holds_back_are_a_cause(
    published: Commands, store: Store, live: FakeLive
) -> None:
    replies = Replies()
    store.port.claim(ClaimRequest(1, 1, "", "fifo", 9, NOW), replies)
    reason = "calling_hours: closed in America/New_York"
    store.port.defer(
        [
            Deferral(contact.contact_id, 1, "waiting", NOW + 3600, reason)
            for contact in replies.take().contacts
        ]
    )
    store.port.flush()
    live.reports[1] = report(**_IDLE, feeder=_NONE_DUE | {"skipped": {reason: 3}})

    cause, why = _cause(published)

    assert cause == "rules"
    assert why == f"every contact is held back: {reason} (3 times)"


@pytest.mark.parametrize(
    ("changes", "cause", "why"),
    [
        ({"feeder": {"trouble": "the store failed: disk full"}}, "store", "the store failed: disk"),
        ({"agents": {"logged_out": 3}}, "agents", "nobody who serves default is logged in"),
        (
            {**_IDLE, "agents": {"talking": 2, "wrap_up": 1}},
            "agents",
            "nobody who serves default is free: 2 talking, 1 wrap up",
        ),
        (
            {"trunks_down": {"carrier": "no answer to OPTIONS"}},
            "trunk",
            "trunk carrier is down: no answer to OPTIONS",
        ),
    ],
)
def test_what_the_daemon_reports_is_a_cause(
    published: Commands, live: FakeLive, changes: dict[str, Any], cause: str, why: str
) -> None:
    live.reports[1] = report(**changes)

    told = _cause(published)

    assert told[0] == cause
    assert told[1].startswith(why)


def test_a_trunk_that_others_fill_is_a_cause(published: Commands, live: FakeLive) -> None:
    live.channels_in_use = 10
    assert _cause(published)[0] == ""
    live.reports[1] = report(**_IDLE)
    assert _cause(published) == ("caps", "10 of 10 channels of trunk carrier in use")


def test_the_chain_is_shown_whole(published: Commands) -> None:
    told = published.explain_campaign.campaign("Spring offer")

    assert [link["link"] for link in told["chain"]] == [
        *("status", "daemon", "panic", "flow", "window", "contacts", "rules", "store"),
        *("agents", "trunk", "caps", "formula"),
    ]
    assert all(link["ok"] for link in told["chain"])
    assert told["chain"][-1]["says"].startswith("progressive: 1 call for each reserved agent")


def _formula(**changes: object) -> dict[str, object]:
    found = {
        "formula": "x",
        "shadow": False,
        "value": None,
        "result": "",
        "source": "in_process",
        "reason": "",
    }
    return found | changes


@pytest.mark.parametrize(
    ("found", "ok", "says"),
    [
        (_formula(value=2.5, result="used"), True, "the formula gives 2.5"),
        (
            _formula(result="not_finite", reason="it gives NaN"),
            True,
            "the formula is not finite, so progressive: it gives NaN",
        ),
        (_formula(), True, "the formula has not been evaluated yet"),
        (_formula(value=0.0, result="used"), False, "the formula gives 0"),
        (_formula(value=0.0, result="used", shadow=True), True, "the shadow gives 0"),
    ],
)
def test_what_a_formula_came_to_is_a_link_of_the_chain(
    published: Commands, live: FakeLive, found: dict[str, object], ok: bool, says: str
) -> None:
    live.reports[1] = report(formulas=[found], in_flight=0)
    link = published.explain_campaign.campaign("1")["chain"][-1]
    assert (link["link"], link["ok"]) == ("formula", ok)
    assert says in link["says"]


def test_a_campaign_whose_lists_are_paused_says_so(
    published: Commands, store: Store, site: Site, live: FakeLive
) -> None:
    published.lists.pause("default")
    live.reports[1] = report(feeder={"exhausted": True, "claimed_ahead": 0, "skipped": {}})
    told = published.explain_campaign.campaign("1")
    assert told["cause"] == "contacts"
    assert "their list is paused: 3 of list 'default'" in told["why"]

    more = CSV.replace("a-", "b-").replace("555-01", "555-02")
    lines = more.encode().splitlines(keepends=True)
    import_contacts(store, site.schema, lines, "d.csv", to_list="open")
    live.reports[1] = report()
    assert published.explain_campaign.campaign("1")["cause"] == ""
