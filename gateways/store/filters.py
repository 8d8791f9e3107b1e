"""Saved contact filters.

The rule of this module: a filter that is saved fits the attributes declared now, and one that a
campaign names cannot be deleted.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from dialer.errors import FilterError
from dialer.filter_tree import Filter, saved
from dialer.filters import bind
from gateways.store.contacts import contact_columns, contact_record, count_matching
from gateways.store.database import Database
from gateways.store.filter_book import FilterBook, no_such_filter
from gateways.store.filter_sql import filter_clause
from gateways.store.records import FilterRecord, Page, Preview
from gateways.store.tables import FILTER_COUNTER, campaigns, contacts, counters, filters

_draw = (
    sa.update(counters)
    .where(counters.c.name == FILTER_COUNTER)
    .values(value=counters.c.value + 1)
    .returning(counters.c.value)
)


class Filters:
    """The saved filters of a database."""

    def __init__(self, database: Database, book: FilterBook) -> None:
        self._database = database
        self._book = book

    def save(self, name: str, tree: Filter) -> FilterRecord:
        """Save a filter under a name, in place of what the name stood for before.

        Claims that come after it use it at once.

        Raises:
            FilterError: it has no name, or does not fit the declared attributes.
            StoreError: the database did not do its part.
        """
        if not name.strip():
            raise FilterError("filter", "it has no name", "give it one")
        now = self._database.clock()
        filter_clause(bind(tree, self._book.schema, self._book.today(now)))
        data = saved(tree)

        def work(connection: sa.Connection) -> FilterRecord:
            values = {
                "tree": data,
                "revision": connection.scalars(_draw).one(),
                "modified_at": now,
            }
            mine = filters.c.name == name
            if not connection.execute(sa.update(filters).where(mine).values(values)).rowcount:
                connection.execute(sa.insert(filters).values(name=name, created_at=now, **values))
            return _record(connection.execute(sa.select(filters).where(mine)).one())

        return self._database.write(work)

    def get(self, name: str) -> FilterRecord:
        """A saved filter.

        Raises:
            NotFoundError: there is none of that name.
        """
        with self._database.reading() as connection:
            row = connection.execute(sa.select(filters).where(filters.c.name == name)).one_or_none()
        if row is None:
            raise no_such_filter(name)
        return _record(row)

    def list(self, offset: int = 0, limit: int = 50) -> Page[FilterRecord]:
        """Saved filters by name."""
        with self._database.reading() as connection:
            total = connection.scalar(sa.select(sa.func.count()).select_from(filters)) or 0
            rows = connection.execute(
                sa.select(filters).order_by(filters.c.name).offset(offset).limit(limit)
            ).all()
        return Page(tuple(_record(row) for row in rows), total, offset)

    def preview(self, tree: Filter, sample: int = 10) -> Preview:
        """What a filter would find, saved or not.

        Raises:
            FilterError: it does not fit the declared attributes.
        """
        today = self._book.today(self._database.clock())
        return self._preview((filter_clause(bind(tree, self._book.schema, today)),), sample)

    def preview_saved(self, name: str, sample: int = 10) -> Preview:
        """What a saved filter finds ("": all contacts).

        Raises:
            NotFoundError: there is none of that name.
        """
        with self._database.reading() as connection:
            where = self._book.conditions(connection, name, self._database.clock())
        return self._preview(where, sample)

    def delete(self, name: str) -> None:
        """Delete a filter.

        Raises:
            NotFoundError: there is none of that name.
            FilterError: a campaign that is not stopped names it.
        """

        def work(connection: sa.Connection) -> None:
            user = connection.execute(
                sa.select(campaigns.c.title).where(
                    campaigns.c.filter_name == name,
                    campaigns.c.status != "stopped",
                    campaigns.c.deleted_at == 0,
                )
            ).first()
            if user is not None:
                what = f"campaign {user.title!r} uses it"
                raise FilterError(f"filter {name!r}", what, "give that campaign another filter")
            if not connection.execute(sa.delete(filters).where(filters.c.name == name)).rowcount:
                raise no_such_filter(name)

        self._database.write(work, alone=True)

    def _preview(self, where: Sequence[sa.ColumnElement[bool]], sample: int) -> Preview:
        with self._database.reading() as connection:
            count = count_matching(connection, where)
            rows = connection.execute(
                sa.select(*contact_columns).where(*where).order_by(contacts.c.id).limit(sample)
            ).all()
        return Preview(count, tuple(contact_record(row) for row in rows))


def _record(row: Any) -> FilterRecord:
    return FilterRecord(row.name, row.tree, row.revision, row.created_at, row.modified_at)
