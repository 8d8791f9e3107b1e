"""Contacts: imported in batches, listed, counted, looked up.

The rule of this module: importing the same contact again updates it, and a contact whose values
did not really change is not touched. Each batch is one short transaction on the writer's thread,
so claims go on between two batches.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from dialer.errors import NotFoundError
from dialer.ports import AttributeValue
from gateways.store.claims import freeze
from gateways.store.database import Database
from gateways.store.filter_book import FilterBook
from gateways.store.lists import follow, list_id
from gateways.store.records import ContactRecord, ImportCounts, NewContact, Page
from gateways.store.tables import (
    CHANGE_COUNTER,
    DEFAULT_LIST_ID,
    contact_numbers,
    contacts,
    counters,
)

IMPORT_BATCH = 250
"""Contacts in one transaction of an import: some 5 ms in which nobody else writes."""

IMPORT_REST_S = 0.004
"""After each transaction of an import, so that whoever dials gets its turn."""

contact_columns = (
    contacts.c.id,
    contacts.c.key,
    contacts.c.attributes,
    contacts.c.created_at,
    contacts.c.updated_at,
)
_known = sa.select(contacts.c.id, contacts.c.key, contacts.c.attributes, contacts.c.list_id).where(
    contacts.c.key.in_(sa.bindparam("keys", expanding=True))
)
_draw = (
    sa.update(counters)
    .where(counters.c.name == CHANGE_COUNTER)
    .values(value=counters.c.value + sa.bindparam("how_many"))
    .returning(counters.c.value)
)
_update = (
    sa.update(contacts)
    .where(contacts.c.id == sa.bindparam("of_contact"))
    .values(
        attributes=sa.bindparam("new_attributes", type_=contacts.c.attributes.type),
        change=sa.bindparam("new_change"),
        list_id=sa.bindparam("new_list"),
        updated_at=sa.bindparam("now"),
    )
)
_insert = sa.insert(contacts).returning(contacts.c.id, sort_by_parameter_order=True)
_drop_numbers = sa.delete(contact_numbers).where(
    contact_numbers.c.contact_id == sa.bindparam("of_contact")
)


class _Change(NamedTuple):
    """A contact to add (contact_id None) or to update. moved: its list is another now."""

    contact_id: int | None
    key: str
    attributes: dict[str, Any]
    list_id: int
    moved: bool = False


class Contacts:
    """The contacts of a database."""

    def __init__(self, database: Database, book: FilterBook) -> None:
        self._database = database
        self._book = book

    def import_all(
        self, rows: Iterable[NewContact], batch: int = IMPORT_BATCH, to_list: str = ""
    ) -> Iterator[ImportCounts]:
        """Import any number of contacts, batch by batch: yields what each batch did.

        A batch that is through stays, whatever becomes of the next one.

        Raises:
            StoreError: the database did not do its part.
        """
        source = iter(rows)
        while part := tuple(islice(source, batch)):
            yield self.import_batch(part, to_list)

    def import_batch(self, rows: Sequence[NewContact], to_list: str = "") -> ImportCounts:
        """Import contacts in one transaction: all of them or none.

        A contact whose key is there is updated: attributes that the row has replace the old ones,
        those it lacks stay, and a value of None removes one. Without a key it is always added.
        to_list: the list that they belong to from now on, made where there is none of that name;
        "": known contacts stay where they are, new ones are of the default list.

        Raises:
            StoreError: the database did not do its part.
        """
        rows = tuple(rows)
        now = self._database.clock()
        counts = self._database.write(
            lambda connection: import_rows(connection, rows, now, to_list), alone=True
        )
        time.sleep(IMPORT_REST_S)
        return counts

    def get(self, contact_id: int) -> ContactRecord:
        """One contact.

        Raises:
            NotFoundError: there is none with that id.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                sa.select(*contact_columns).where(contacts.c.id == contact_id)
            ).one_or_none()
        if row is None:
            raise NotFoundError(
                f"contact {contact_id}", "there is none", "look it up with contacts list"
            )
        return contact_record(row)

    def find(self, text: str) -> tuple[ContactRecord, ...]:
        """Contacts with this key or this number (E.164), else the one with this id."""
        by_number = sa.select(contact_numbers.c.contact_id).where(contact_numbers.c.number == text)
        query = sa.select(*contact_columns).order_by(contacts.c.id).limit(100)
        with self._database.reading() as connection:
            rows = connection.execute(
                query.where(sa.or_(contacts.c.key == text, contacts.c.id.in_(by_number)))
            ).all()
            if not rows and text.isascii() and text.isdigit() and len(text) < 19:
                rows = connection.execute(query.where(contacts.c.id == int(text))).all()
        return tuple(contact_record(row) for row in rows)

    def list(self, filter_name: str = "", offset: int = 0, limit: int = 50) -> Page[ContactRecord]:
        """Contacts that a saved filter ("": all) finds, by id.

        Raises:
            NotFoundError: there is no such filter.
        """
        with self._database.reading() as connection:
            where = self._conditions(connection, filter_name)
            total = connection.scalar(
                sa.select(sa.func.count()).select_from(contacts).where(*where)
            )
            rows = connection.execute(
                sa.select(*contact_columns)
                .where(*where)
                .order_by(contacts.c.id)
                .offset(offset)
                .limit(limit)
            ).all()
        return Page(tuple(contact_record(row) for row in rows), total or 0, offset)

    def each(self, filter_name: str = "", batch: int = IMPORT_BATCH) -> Iterator[ContactRecord]:
        """All contacts that a filter finds, by id, without holding them in memory.

        They are read batch by batch: one that changes meanwhile appears as it is when reached.
        """
        last = 0
        while True:
            with self._database.reading() as connection:
                where = self._conditions(connection, filter_name)
                rows = connection.execute(
                    sa.select(*contact_columns)
                    .where(contacts.c.id > last, *where)
                    .order_by(contacts.c.id)
                    .limit(batch)
                ).all()
            yield from (contact_record(row) for row in rows)
            if len(rows) < batch:
                return
            last = rows[-1].id

    def _conditions(
        self, connection: sa.Connection, filter_name: str
    ) -> Sequence[sa.ColumnElement[bool]]:
        return self._book.conditions(connection, filter_name, self._database.clock())

    def count(self, filter_name: str = "") -> int:
        """How many contacts a saved filter ("": all) finds.

        Raises:
            NotFoundError: there is no such filter.
        """
        with self._database.reading() as connection:
            return count_matching(connection, self._conditions(connection, filter_name))


def count_matching(connection: sa.Connection, where: Sequence[sa.ColumnElement[bool]]) -> int:
    """How many contacts satisfy all conditions."""
    return connection.scalar(sa.select(sa.func.count()).select_from(contacts).where(*where)) or 0


def contact_record(row: Any) -> ContactRecord:
    """A row of `contacts` as a record."""
    return ContactRecord(
        row.id, row.key or "", freeze(row.attributes), row.created_at, row.updated_at
    )


def import_rows(
    connection: sa.Connection, rows: Sequence[NewContact], now: float, to_list: str = ""
) -> ImportCounts:
    """Import contacts inside the connection's transaction, as `Contacts.import_batch` has it."""
    of_list = list_id(connection, to_list, now) if to_list else None
    changes, unchanged = _changes(connection, rows, of_list)
    if not changes:
        return ImportCounts(unchanged=unchanged)
    last = connection.scalars(_draw, {"how_many": len(changes)}).one()
    numbered = list(enumerate(changes, last - len(changes) + 1))
    new = [(number, change) for number, change in numbered if change.contact_id is None]
    old = [(number, change) for number, change in numbered if change.contact_id is not None]
    ids = {number: change.contact_id for number, change in old}
    if new:
        made = connection.scalars(
            _insert,
            [
                {
                    "key": change.key or None,
                    "attributes": change.attributes,
                    "change": number,
                    "list_id": change.list_id,
                    "created_at": now,
                    "updated_at": now,
                }
                for number, change in new
            ],
        )
        ids |= {number: made_id for (number, _), made_id in zip(new, made, strict=True)}
    if old:
        connection.execute(
            _update,
            [
                {
                    "of_contact": change.contact_id,
                    "new_attributes": change.attributes,
                    "new_change": number,
                    "new_list": change.list_id,
                    "now": now,
                }
                for number, change in old
            ],
        )
        connection.execute(_drop_numbers, [{"of_contact": c.contact_id} for _, c in old])
        follow(connection, {c.contact_id: c.list_id for _, c in old if c.contact_id and c.moved})
    numbers = [
        {"contact_id": ids[place], "attribute": name, "position": position, "number": number}
        for place, change in numbered
        for name, values in change.attributes.items()
        if isinstance(values, list)
        for position, number in enumerate(values)
    ]
    if numbers:
        connection.execute(sa.insert(contact_numbers), numbers)
    return ImportCounts(len(new), len(old), unchanged)


def _changes(
    connection: sa.Connection, rows: Sequence[NewContact], of_list: int | None
) -> tuple[list[_Change], int]:
    """What really has to be written, and how many contacts are as they should be.

    A key that comes twice in a batch is one contact: the later row goes over the earlier.
    """
    keys = {row.key for row in rows if row.key}
    known = (
        {row.key: row for row in connection.execute(_known, {"keys": sorted(keys)})} if keys else {}
    )
    list_of_new = of_list or DEFAULT_LIST_ID
    anonymous = [
        _Change(None, "", _laid_over({}, row.attributes), list_of_new)
        for row in rows
        if not row.key
    ]
    wanted: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.key:
            before = wanted.get(row.key)
            if before is None:
                before = known[row.key].attributes if row.key in known else {}
            wanted[row.key] = _laid_over(before, row.attributes)
    keyed: list[_Change] = []
    for key, attributes in wanted.items():
        old = known.get(key)
        if old is None:
            keyed.append(_Change(None, key, attributes, list_of_new))
            continue
        moved = of_list not in (None, old.list_id)
        # By their spelling: 1, 1.0 and true are equal in Python and different contacts.
        if moved or repr(old.attributes) != repr(attributes):
            keyed.append(_Change(old.id, key, attributes, of_list or old.list_id, moved))
    return keyed + anonymous, len(wanted) - len(keyed)


def _laid_over(before: Mapping[str, Any], row: Mapping[str, AttributeValue]) -> dict[str, Any]:
    merged = dict(before)
    for name, value in row.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = list(value) if isinstance(value, (tuple, list)) else value
    return merged
