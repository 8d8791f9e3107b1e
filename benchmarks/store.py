"""What the store costs: CPU per attempt, and a claim among 200,000 contacts.

    python -m benchmarks.store [--contacts 200000] [--attempts 5000]

Prints one line a figure. CPU is that of the whole process, which here is the store and nothing
else.
"""

import argparse
import queue
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from dialer.contacts import AttributeSpec, AttributeType, Schema
from dialer.filter_tree import load_filter
from dialer.ports import AttemptDraft, ClaimRequest, ContactNext, Deferral, Settlement
from gateways.store import NewContact, Store, open_store

SCHEMA = Schema(
    [
        AttributeSpec(name="city"),
        AttributeSpec(name="balance", type=AttributeType.DECIMAL),
        AttributeSpec(name="phone", type=AttributeType.PHONE),
    ]
)


LISTS = 5


class Replies:
    """A sink that a benchmark can wait on."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def tell(self, message: Any, /) -> None:
        self._queue.put(message)

    def get(self) -> Any:
        return self._queue.get(timeout=60)


def rows(count: int) -> Iterator[NewContact]:
    for number in range(count):
        yield NewContact(
            f"k{number}",
            {
                "city": "Boston" if number % 2 else "Albany",
                "balance": number / 7,
                "phone": (f"+1{2_000_000_000 + number}",),
            },
        )


def claim(store: Store, replies: Replies, campaign_id: int, limit: int, name: str = "") -> Any:
    store.port.claim(ClaimRequest(1, campaign_id, name, "fifo", limit, 1e9), replies)
    return replies.get()


def attempts(store: Store, campaign_id: int, count: int, at_once: int) -> None:
    """Claim, commit and settle, `at_once` contacts a pulse."""
    replies = Replies()
    cpu, began, transactions = time.process_time(), time.perf_counter(), store.port.figures[0]
    made = 0
    while made < count:
        contacts = claim(store, replies, campaign_id, at_once).contacts
        drafts = [
            AttemptDraft(c.contact_id, campaign_id, 1, "dial", c.attributes["phone"][0], "t", 1.0)
            for c in contacts
        ]
        store.port.commit_attempts(2, drafts, replies)
        for draft, attempt_id in zip(drafts, replies.get().attempt_ids, strict=True):
            end = Settlement(
                attempt_id,
                draft.contact_id,
                campaign_id,
                "user_busy",
                ContactNext("done"),
                1.0,
                2.0,
                0.0,
                0.0,
                3.0,
            )
            store.port.settle(end)
        made += len(drafts)
    store.port.flush()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    print(
        f"{at_once:3d} a pulse: {1000 * cpu / made:.3f} CPU ms an attempt, "
        f"{made / wall:,.0f} attempts/s, "
        f"{made / (store.port.figures[0] - transactions):.1f} attempts a transaction"
    )


def claims(store: Store, campaign_id: int, name: str, limit: int = 50) -> None:
    replies = Replies()
    spent, cpu = [], []
    for _ in range(20):
        began, cpu_began = time.perf_counter(), time.process_time()
        claim(store, replies, campaign_id, limit, name)
        spent.append(time.perf_counter() - began)
        cpu.append(time.process_time() - cpu_began)
    print(
        f"claim of {limit}, filter {name or 'none'}: first {1000 * spent[0]:.1f} ms, "
        f"then {1000 * median(spent[1:]):.2f} ms (worst {1000 * max(spent[1:]):.2f}), "
        f"{1000 * median(cpu[1:]):.2f} CPU ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--contacts", type=int, default=200_000)
    parser.add_argument("--attempts", type=int, default=5_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        store = open_store(url, SCHEMA)
        began, cpu = time.perf_counter(), time.process_time()
        for _counts in store.contacts.import_all(rows(options.contacts)):
            pass
        spent, cpu = time.perf_counter() - began, time.process_time() - cpu
        print(f"import of {options.contacts:,} contacts: {spent:.1f} s, {cpu:.1f} CPU s")
        first = store.campaigns.create("first", "").campaign_id
        for at_once in (1, 10, 50):
            attempts(store, first, options.attempts, at_once)
        store.filters.save(
            "boston", load_filter("{attribute: city, operator: equals, value: boston}", "boston")
        )
        store.filters.save(
            "nobody", load_filter("{attribute: balance, operator: less_than, value: 0}", "nobody")
        )
        done = store.campaigns.create("second", "").campaign_id
        replies = Replies()
        for _ in range(3 * options.contacts // 4 // 1000):
            claim(store, replies, done, 1000)
        store.close()
        with open_store(url, SCHEMA) as store:
            for name in ("", "boston", "nobody"):
                claims(store, done, name)
            mixed = store.campaigns.create("third", "").campaign_id
            for part in range(LISTS):
                in_part = islice(rows(options.contacts), part, options.contacts, LISTS)
                for _counts in store.contacts.import_all(in_part, to_list=f"list {part}"):
                    pass
            print(f"{LISTS} lists of {options.contacts // LISTS:,}:")
            claims(store, mixed, "")
            waiting = claim(store, replies, mixed, options.contacts // 4).contacts
            again = [Deferral(c.contact_id, mixed, "waiting", 1.0, "") for c in waiting]
            store.port.defer(again)
            store.port.flush()
            store.lists.pause("list 0", True)
            print(f"{len(again):,} due again, of one list in {LISTS} that is paused:")
            claims(store, mixed, "")


if __name__ == "__main__":
    main()
