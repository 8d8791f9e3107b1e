"""What a contact store is tested on: each adapter of the port brings a bed of its own.

A bed makes contacts, filters and campaigns in its adapter's way; everything else in the contract
goes through the port alone.
"""

import queue
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from dialer.contacts import AttributeSpec, AttributeType, Schema
from dialer.filter_tree import load_filter
from dialer.filters import compile_filter
from dialer.list_turns import DEFAULT_LIST
from dialer.ports import AttributeValue, Callback, ContactStore
from gateways.store import NewContact, open_store
from sim.memory_store import MemoryStore, SavedFilter

SCHEMA = Schema(
    [
        AttributeSpec(name="id", key=True),
        AttributeSpec(name="city"),
        AttributeSpec(name="age", type=AttributeType.INTEGER),
        AttributeSpec(name="due", type=AttributeType.DATE),
        AttributeSpec(name="phone", type=AttributeType.PHONE),
    ]
)


class Replies:
    """A sink whose messages are taken one by one."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def tell(self, message: Any, /) -> None:
        self._queue.put(message)

    def take(self) -> Any:
        """The next message; fails where none comes."""
        return self._queue.get(timeout=20)

    def empty(self) -> bool:
        return self._queue.empty()


class StoreBed(Protocol):
    """An adapter with what the contract needs around it."""

    port: ContactStore

    def put_contacts(
        self, rows: Sequence[Mapping[str, AttributeValue]], to_list: str = ""
    ) -> list[int]:
        """Import contacts, told apart by their `id`; their contact ids, which grow."""

    def set_list(self, name: str, weight: int = 1, paused: bool = False) -> None:
        """Weight, pause or resume a list that has contacts."""

    def save_filter(self, name: str, text: str) -> None: ...

    def add_campaign(self) -> int: ...

    def add_hot(self, campaign_id: int, row: Mapping[str, AttributeValue], now: float) -> int:
        """Put in a hot lead of a campaign; its contact id."""

    def add_callback(self, campaign_id: int, contact_id: int, callback: Callback) -> bool:
        """Promise a contact a call-back; False where it is held or on the line."""

    def disposition(self, attempt_id: int) -> str:
        """What was recorded of an attempt."""

    def second_settlements(self) -> int:
        """How many settlements of settled attempts were ignored."""

    def close(self) -> None: ...


class MemoryBed:
    """The store of simulations, in memory."""

    def __init__(self, folder: Path) -> None:
        self._filters: dict[str, SavedFilter] = {}
        self._by_key: dict[str, int] = {}
        self._campaigns: set[int] = set()
        self._lists = {"": 0}
        self.store = MemoryStore({}, self._filters, self._campaigns)
        self.port: ContactStore = self.store

    def put_contacts(
        self, rows: Sequence[Mapping[str, AttributeValue]], to_list: str = ""
    ) -> list[int]:
        made = []
        if to_list not in self._lists:
            self._lists[to_list] = len(self._lists) + 1
            self.store.set_list(self._lists[to_list], 1)
        for row in rows:
            contact_id = self._by_key.setdefault(SCHEMA.key_of(row), len(self._by_key) + 1)
            self.store.add(contact_id, row, self._lists[to_list] or None)
            made.append(contact_id)
        return made

    def set_list(self, name: str, weight: int = 1, paused: bool = False) -> None:
        self.store.set_list(self._lists[name], weight, paused)

    def save_filter(self, name: str, text: str) -> None:
        tree = load_filter(text, name)

        def fits(attributes: Mapping[str, AttributeValue], now: float) -> bool:
            today = datetime.fromtimestamp(now, UTC).date()
            return compile_filter(tree, SCHEMA, today)(attributes)

        self._filters[name] = fits

    def add_campaign(self) -> int:
        self._campaigns.add(len(self._campaigns) + 1)
        return len(self._campaigns)

    def add_hot(self, campaign_id: int, row: Mapping[str, AttributeValue], now: float) -> int:
        (contact_id,) = self.put_contacts([row])
        self.store.add_hot(campaign_id, contact_id, now)
        return contact_id

    def add_callback(self, campaign_id: int, contact_id: int, callback: Callback) -> bool:
        return self.store.add_callback(campaign_id, contact_id, callback)

    def disposition(self, attempt_id: int) -> str:
        return self.store.dispositions.get(attempt_id, "")

    def second_settlements(self) -> int:
        return self.store.ignored_settlements

    def close(self) -> None:
        """Nothing is open."""


class SqlBed:
    """The real store, on a file."""

    def __init__(self, folder: Path) -> None:
        self._now = 0.0  # the wall clock's, where a test does not say
        url = f"sqlite:///{folder / 'contract.db'}"
        self.store = open_store(url, SCHEMA, clock=lambda: self._now or time.time())
        self.port: ContactStore = self.store.port

    def put_contacts(
        self, rows: Sequence[Mapping[str, AttributeValue]], to_list: str = ""
    ) -> list[int]:
        self.store.contacts.import_batch(
            [NewContact(SCHEMA.key_of(attributes), attributes) for attributes in rows], to_list
        )
        return [
            self.store.contacts.find(SCHEMA.key_of(attributes))[0].contact_id for attributes in rows
        ]

    def set_list(self, name: str, weight: int = 1, paused: bool = False) -> None:
        name = name or DEFAULT_LIST
        self.store.lists.weight(name, weight)
        self.store.lists.pause(name, paused)

    def save_filter(self, name: str, text: str) -> None:
        self.store.filters.save(name, load_filter(text, name))

    def add_campaign(self) -> int:
        return self.store.campaigns.create("contract", "nodes: []").campaign_id

    def add_hot(self, campaign_id: int, row: Mapping[str, AttributeValue], now: float) -> int:
        self._now = now
        lead = self.store.hot_leads.add(campaign_id, NewContact(SCHEMA.key_of(row), row))
        self._now = 0.0
        return lead.contact_id

    def add_callback(self, campaign_id: int, contact_id: int, callback: Callback) -> bool:
        return self.store.callbacks.add(campaign_id, contact_id, callback).placed

    def disposition(self, attempt_id: int) -> str:
        self.store.port.flush()
        return self.store.attempts.get(attempt_id).disposition

    def second_settlements(self) -> int:
        self.store.port.flush()
        return self.store.port.figures.second_settlements

    def close(self) -> None:
        self.store.close()
