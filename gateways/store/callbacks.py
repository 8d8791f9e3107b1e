"""Call-backs: calls that were promised to contacts.

The rule of this module: a call-back is owed from the moment it is written until a call was made or
the campaign gave it up; a contact that is on the line, or kept for one, this moment is left alone.
"""

import sqlalchemy as sa

from dialer.errors import NotFoundError
from dialer.ports import Callback
from gateways.store.database import Database
from gateways.store.filter_book import FilterBook
from gateways.store.records import CallbackRecord
from gateways.store.tables import campaign_contacts, campaigns, contacts

_place = (
    campaign_contacts.c.campaign_id == sa.bindparam("of_campaign"),
    campaign_contacts.c.contact_id == sa.bindparam("of_contact"),
)
_state = sa.select(campaign_contacts.c.state).where(*_place)
_owe = (
    sa.update(campaign_contacts)
    .where(*_place)
    .values(
        state="waiting",
        due_at=sa.bindparam("new_at"),
        callback_at=sa.bindparam("new_at"),
        hot=0,
        callback_agent=sa.bindparam("new_agent"),
        reason="",
    )
)
_HELD = ("claimed", "in_flight")


class Callbacks:
    """The call-backs of a database."""

    def __init__(self, database: Database, book: FilterBook) -> None:
        self._database = database
        self._book = book

    def add(self, campaign_id: int, contact_id: int, callback: Callback) -> CallbackRecord:
        """Have a campaign call a contact back, in place of what it would have done with it.

        Raises:
            NotFoundError: there is no such contact.
            StoreError: the database did not do its part.
        """
        where = {"of_campaign": campaign_id, "of_contact": contact_id}

        def work(connection: sa.Connection) -> CallbackRecord:
            known = sa.select(contacts.c.list_id).where(contacts.c.id == contact_id)
            of_list = connection.scalar(known)
            if of_list is None:
                raise NotFoundError(f"contact {contact_id}", "there is none", "see contacts list")
            state = connection.scalar(_state, where) or ""
            placed = state not in _HELD
            if not state:
                connection.execute(sa.insert(campaign_contacts), _new(where, of_list, callback))
            elif placed:
                new = {"new_at": callback.at, "new_agent": callback.agent_id}
                connection.execute(_owe, {**where, **new})
            name = connection.scalars(
                sa.select(campaigns.c.filter_name).where(campaigns.c.id == campaign_id)
            ).one()
            matches = self._book.conditions(connection, name, callback.at)
            fits = connection.scalar(known.where(*matches)) is not None
            return CallbackRecord(
                contact_id, campaign_id, callback.at, callback.agent_id, state, placed, fits
            )

        return self._database.write(work, alone=True)

    def owed(self, campaign_id: int, now: float) -> dict[str, int]:
        """How many call-backs a campaign owes: `due` now, and `waiting` for their time."""
        states = campaign_contacts.c
        with self._database.reading() as connection:
            due_ats = connection.scalars(
                sa.select(states.due_at).where(
                    states.campaign_id == campaign_id,
                    states.callback_at > sa.literal_column("0"),
                )
            ).all()
        due = sum(due_at <= now for due_at in due_ats)
        return {"due": due, "waiting": len(due_ats) - due}


def _new(where: dict[str, int], of_list: int, callback: Callback) -> dict[str, object]:
    return {
        "list_id": of_list,
        "campaign_id": where["of_campaign"],
        "contact_id": where["of_contact"],
        "state": "waiting",
        "due_at": callback.at,
        "resume_node": "",
        "attempts": 0,
        "last_outcome": "",
        "reason": "",
        "callback_at": callback.at,
        "callback_agent": callback.agent_id,
    }
