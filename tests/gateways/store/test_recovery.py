"""After a crash every attempt is settled once and every contact is let go."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import StoreError
from dialer.ports import (
    AttemptDraft,
    Callback,
    ClaimedContact,
    ClaimRequest,
    ContactNext,
    Settlement,
)
from gateways.store import NewContact, Store, open_store
from tests.ports.contact_store_beds import SCHEMA, Replies


def fill(store: Store, count: int) -> int:
    store.contacts.import_batch(
        [NewContact(f"p{n}", {"id": f"p{n}", "phone": (f"+1617555{n:04d}",)}) for n in range(count)]
    )
    return store.campaigns.create("crash", "nodes: []").campaign_id


def claim(store: Store, campaign_id: int, limit: int, now: float = 0.0) -> tuple[Any, ...]:
    replies = Replies()
    store.port.claim(ClaimRequest(1, campaign_id, "", "fifo", limit, now), replies)
    contacts: tuple[Any, ...] = replies.take().contacts
    return contacts


def commit(store: Store, campaign_id: int, contacts: tuple[ClaimedContact, ...]) -> tuple[int, ...]:
    replies = Replies()
    drafts = [
        AttemptDraft(c.contact_id, campaign_id, 3, "dial", c.attributes["phone"][0], "t", 1.0)  # type: ignore[index,arg-type]
        for c in contacts
    ]
    store.port.commit_attempts(2, drafts, replies)
    ids: tuple[int, ...] = replies.take().attempt_ids
    return ids


def test_a_call_back_that_nobody_made_is_still_owed_after_a_crash(url: str) -> None:
    with open_store(url, SCHEMA) as store:
        campaign = fill(store, 3)
        for contact_id in (1, 2, 3):
            store.callbacks.add(campaign, contact_id, Callback(10.0, "amy"))
        contacts = claim(store, campaign, 3, now=10.0)
        sent, _ = commit(store, campaign, contacts[:2])
        crash(store)
    with open_store(url, SCHEMA) as store:
        store.port.recover({sent}, now=500.0)
        again = claim(store, campaign, 9, now=500.0)
    owed = Callback(10.0, "amy")
    assert [(c.contact_id, c.callback) for c in again] == [(2, owed), (3, owed)]


def crash(store: Store) -> None:
    """What a kill leaves: everything committed, nothing put in order."""
    store.close()


def test_open_attempts_are_settled_by_whether_their_invite_had_left(url: str) -> None:
    with open_store(url, SCHEMA) as store:
        campaign = fill(store, 5)
        contacts = claim(store, campaign, 4)
        sent, unsent, settled = commit(store, campaign, contacts[:3])
        done = Settlement(
            settled,
            contacts[2].contact_id,
            campaign,
            "user_busy",
            ContactNext("done"),
            1,
            0,
            0,
            0,
            2,
        )
        store.port.settle(done)
        crash(store)
    with open_store(url, SCHEMA) as store:
        report = store.port.recover({sent, settled}, now=500.0)
        (interrupted,) = report.interrupted
        assert interrupted == (sent, contacts[0].contact_id, campaign, 3, "dial", "+16175550000", 1)
        assert report.never_dialed == (unsent,)
        assert report.released == 1
        assert report.unknown == ()
        assert [store.attempts.get(a).outcome for a in (sent, unsent, settled)] == [
            "interrupted",
            "never_dialed",
            "user_busy",
        ]
        assert store.attempts.get(sent).settled_at == 500.0
        assert store.attempts.in_flight() == ()
        # The unsent and the merely claimed are due again, then come the untouched.
        again = claim(store, campaign, 9, now=500.0)
        assert [(c.contact_id, c.attempts) for c in again] == [
            (contacts[1].contact_id, 0),
            (contacts[3].contact_id, 0),
            (contacts[3].contact_id + 1, 0),
        ]


def test_recovery_is_done_once(url: str) -> None:
    with open_store(url, SCHEMA) as store:
        campaign = fill(store, 2)
        attempts = commit(store, campaign, claim(store, campaign, 2))
    with open_store(url, SCHEMA) as store:
        assert len(store.port.recover({attempts[0]}, 5.0).interrupted) == 1
        assert store.port.recover({attempts[0]}, 6.0) == ((), (), 0, ())
        assert store.attempts.get(attempts[0]).settled_at == 5.0


def test_recovery_is_refused_once_contacts_are_claimed(store: Store) -> None:
    claim(store, fill(store, 1), 1)
    with pytest.raises(StoreError, match="being dialed"):
        store.port.recover((), 1.0)


def test_the_flow_decides_what_becomes_of_an_interrupted_contact_once(url: str) -> None:
    with open_store(url, SCHEMA) as store:
        campaign = fill(store, 1)
        (attempt,) = commit(store, campaign, claim(store, campaign, 1))
    with open_store(url, SCHEMA) as store:
        store.port.recover({attempt}, 5.0)
        assert not store.port.decide_interrupted(attempt + 1, ContactNext("waiting", 7.0))
        assert store.port.decide_interrupted(attempt, ContactNext("waiting", 7.0, "retry"))
        assert not store.port.decide_interrupted(attempt, ContactNext("done"))
        (contact,) = claim(store, campaign, 1, now=7.0)
        assert (contact.resume_node, contact.attempts) == ("retry", 1)


def test_a_late_settlement_of_a_recovered_attempt_is_ignored(url: str) -> None:
    with open_store(url, SCHEMA) as store:
        campaign = fill(store, 1)
        (contact,) = claim(store, campaign, 1)
        (attempt,) = commit(store, campaign, (contact,))
    with open_store(url, SCHEMA) as store:
        store.port.recover({attempt}, 5.0)
        late = ContactNext("waiting", 0.0)
        store.port.settle(
            Settlement(attempt, contact.contact_id, campaign, "user_busy", late, 1, 0, 0, 0, 2)
        )
        store.port.flush()
        assert store.port.figures.second_settlements == 1
        assert store.attempts.get(attempt).outcome == "interrupted"
        assert claim(store, campaign, 1, now=9.0) == ()


def test_attempts_that_only_the_trunk_remembers_are_told(store: Store) -> None:
    assert store.port.recover({41, 7}, 1.0).unknown == (7, 41)


def test_one_daemon_owns_a_database(url: str) -> None:
    with open_store(url, SCHEMA, own=True):
        with pytest.raises(StoreError, match=f"process {os.getpid()} already dials"):
            open_store(url, SCHEMA, own=True)
        open_store(url, SCHEMA).close()
    open_store(url, SCHEMA, own=True).close()


DAEMON = Path(__file__).with_name("dialing_daemon.py")


def run_until_killed(url: str, pulses: int, dials: int) -> None:
    """Start the daemon, give it pulses, and kill it when it has dialed so often."""
    command = [sys.executable, str(DAEMON), url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdin is not None
        assert daemon.stdout is not None
        daemon.stdin.write(b"." * pulses)
        daemon.stdin.flush()
        for _ in range(dials):
            assert daemon.stdout.readline() == b"dialed\n"
        daemon.send_signal(signal.SIGKILL)
        assert daemon.wait(20) == -signal.SIGKILL


def test_killed_at_any_moment_no_attempt_is_dialed_twice_and_none_is_lost(url: str) -> None:
    with open_store(url, SCHEMA) as store:
        campaign = fill(store, 3000)
    for pulses, dials in ((10, 5), (40, 60), (100, 301)):
        run_until_killed(url, pulses, dials)
    sent_log = Path(url.removeprefix("sqlite:///")).with_suffix(".sent")
    dialed = Counter(int(line) for line in sent_log.read_text().split())
    assert dialed.total() >= 5 + 60 + 301
    with open_store(url, SCHEMA, own=True) as store:
        report = store.port.recover(dialed, 1e9)
        assert report.unknown == (), "a dial that left no trace"
        assert max(dialed.values()) == 1, "an attempt id was used twice"
        page = store.attempts.of_campaign(campaign, limit=3000)
        made = {attempt.attempt_id: attempt for attempt in page.items}
        assert len(made) == page.total
        assert set(dialed) <= set(made)
        assert all(attempt.settled_at for attempt in made.values())
        per_contact = Counter(made[attempt].contact_id for attempt in dialed)
        assert max(per_contact.values()) == 1, "a contact was dialed twice"
        for attempt in made.values():
            never = attempt.outcome == "never_dialed"
            assert never == (attempt.attempt_id not in dialed)
        assert store.port.recover(dialed, 1e9) == ((), (), 0, ())
        # None is lost: whoever was not dialed can still be claimed.
        rest = {contact.contact_id for contact in claim(store, campaign, 5000, now=2e9)}
        assert len(rest) == 3000 - len(per_contact)
        assert rest.isdisjoint(per_contact)
