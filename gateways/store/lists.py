"""The lists that contacts belong to.

The rule of this module: a contact belongs to one list; a list comes into being with the first
import that names it, and what is changed of it counts from the next claim on, also for a daemon
that runs.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from dialer.errors import ContactError, NotFoundError
from dialer.list_turns import MOST_WEIGHT
from gateways.store.database import Database
from gateways.store.filter_book import FilterBook
from gateways.store.records import ListRecord
from gateways.store.tables import campaign_contacts, contacts, lists

MOST_NAME = 80

_id_of = sa.select(lists.c.id).where(lists.c.name == sa.bindparam("list_name"))
_counts = sa.select(contacts.c.list_id, sa.func.count().label("number_of")).group_by(
    contacts.c.list_id
)
_follow = (
    sa.update(campaign_contacts)
    .where(campaign_contacts.c.contact_id == sa.bindparam("of_contact"))
    .values(list_id=sa.bindparam("new_list"))
)


class Lists:
    """The lists of a database."""

    def __init__(self, database: Database, book: FilterBook) -> None:
        self._database = database
        self._book = book

    def all(self) -> tuple[ListRecord, ...]:
        """Every list, the oldest first, and how many contacts it has."""
        with self._database.reading() as connection:
            counts = {row.list_id: row.number_of for row in connection.execute(_counts)}
            rows = connection.execute(sa.select(lists).order_by(lists.c.id)).all()
        return tuple(_record(row, counts.get(row.id, 0)) for row in rows)

    def of_contact(self, contact_id: int) -> ListRecord | None:
        """The list of a contact, without its count; None where there is no such contact."""
        query = sa.select(lists).join(contacts, contacts.c.list_id == lists.c.id)
        with self._database.reading() as connection:
            row = connection.execute(query.where(contacts.c.id == contact_id)).one_or_none()
        return _record(row, 0) if row is not None else None

    def held_back(self, campaign_id: int, filter_name: str) -> dict[str, int]:
        """By the name of each list that is paused, how many contacts of a campaign wait for it.

        Raises:
            NotFoundError: there is no such filter.
        """
        state = campaign_contacts.c.state
        with self._database.reading() as connection:
            matches = self._book.conditions(connection, filter_name, self._database.clock())
            rows = connection.execute(
                sa.select(lists.c.name, sa.func.count().label("number_of"))
                .select_from(
                    lists.join(contacts, contacts.c.list_id == lists.c.id).outerjoin(
                        campaign_contacts,
                        sa.and_(
                            campaign_contacts.c.campaign_id == campaign_id,
                            campaign_contacts.c.contact_id == contacts.c.id,
                        ),
                    )
                )
                .where(lists.c.paused == 1, sa.or_(state.is_(None), state == "waiting"), *matches)
                .group_by(lists.c.name)
                .order_by(lists.c.name)
            ).all()
        return {row.name: row.number_of for row in rows}

    def weight(self, name: str, weight: int) -> ListRecord:
        """Say how many contacts it gives for one of a list of weight 1.

        Raises:
            NotFoundError: there is no such list.
            ContactError: the weight is not between 1 and MOST_WEIGHT.
        """
        if not 1 <= weight <= MOST_WEIGHT:
            mend = f"give 1 to {MOST_WEIGHT}; pause the list to have none of it dialed"
            raise ContactError(f"list {name!r}", f"{weight} is no weight", mend)
        return self._change(name, weight=weight)

    def pause(self, name: str, paused: bool) -> ListRecord:
        """Let none of its contacts be dialed, or let them again. Live calls are not touched.

        Raises:
            NotFoundError: there is no such list.
        """
        return self._change(name, paused=int(paused))

    def _change(self, name: str, **values: int) -> ListRecord:
        mine = lists.c.name == name.strip()
        count = sa.select(sa.func.count()).select_from(contacts)

        def work(connection: sa.Connection) -> ListRecord:
            if not connection.execute(sa.update(lists).where(mine).values(**values)).rowcount:
                raise NotFoundError(f"list {name!r}", "there is none", "see contacts lists")
            row = connection.execute(sa.select(lists).where(mine)).one()
            return _record(row, connection.scalar(count.where(contacts.c.list_id == row.id)) or 0)

        return self._database.write(work)


def list_name(name: str) -> str:
    """A list's name as it is kept.

    Raises:
        ContactError: it is empty, long, or has control characters.
    """
    kept = name.strip()
    if not kept or len(kept) > MOST_NAME or not kept.isprintable():
        mend = f"give 1 to {MOST_NAME} printable characters"
        raise ContactError("list", f"{name[:MOST_NAME]!r} is no name", mend)
    return kept


def list_id(connection: sa.Connection, name: str, now: float) -> int:
    """The id of the list of that name, which is made where there is none."""
    known: int | None = connection.scalar(_id_of, {"list_name": name})
    if known is not None:
        return known
    row = {"name": name, "weight": 1, "paused": 0, "created_at": now}
    made: int = connection.scalars(sa.insert(lists).values(row).returning(lists.c.id)).one()
    return made


def follow(connection: sa.Connection, moved: Mapping[int, int]) -> None:
    """Have campaigns know that contacts are in other lists. moved: list id by contact id."""
    if moved:
        rows = [{"of_contact": contact, "new_list": to} for contact, to in moved.items()]
        connection.execute(_follow, rows)


def _record(row: Any, count: int) -> ListRecord:
    return ListRecord(row.id, row.name, row.weight, bool(row.paused), count, row.created_at)
