"""Saved filters, ready to search with.

The rule of this module: a filter is bound to the attributes that are declared now and to the date
of the search, and bound again when either is another.
"""

from collections.abc import Sequence
from datetime import date, datetime, tzinfo

import sqlalchemy as sa

from dialer.contacts import Schema
from dialer.errors import NotFoundError
from dialer.filter_tree import restored
from dialer.filters import bind
from gateways.store.filter_sql import filter_clause
from gateways.store.tables import filters

_tree = sa.select(filters.c.tree).where(filters.c.name == sa.bindparam("filter_name"))


class FilterBook:
    """zone: in which `today` is meant in a filter; None for the machine's own."""

    def __init__(self, schema: Schema, zone: tzinfo | None) -> None:
        self.schema = schema
        self._zone = zone

    def today(self, now: float) -> date:
        """The date at an instant (seconds since the epoch)."""
        return datetime.fromtimestamp(now, self._zone).date()

    def conditions(
        self, connection: sa.Connection, name: str, now: float
    ) -> Sequence[sa.ColumnElement[bool]]:
        """What a contact must satisfy for a saved filter; nothing for "", which means all.

        Raises:
            NotFoundError: there is no such filter.
            FilterError: it no longer fits the declared attributes.
        """
        if not name:
            return ()
        tree = connection.scalar(_tree, {"filter_name": name})
        if tree is None:
            raise no_such_filter(name)
        return (filter_clause(bind(restored(tree), self.schema, self.today(now))),)


def no_such_filter(name: str) -> NotFoundError:
    """The error for a filter that is not there."""
    return NotFoundError(f"filter {name!r}", "there is none", "see filter list")
