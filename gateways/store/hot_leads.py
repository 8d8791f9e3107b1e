"""Hot leads: one contact that a campaign dials ahead of its list.

The rule of this module: putting in the same lead again never has it dialed again. The contact, and
its place in the campaign, are written in one transaction, so a lead is known wholly or not at all.
"""

import sqlalchemy as sa

from dialer.errors import ContactError
from gateways.store.contacts import import_rows
from gateways.store.database import Database
from gateways.store.filter_book import FilterBook
from gateways.store.records import HotLead, NewContact
from gateways.store.tables import campaign_contacts, campaigns, contacts

_of_key = sa.select(contacts.c.id, contacts.c.list_id).where(contacts.c.key == sa.bindparam("key"))
_place = (
    campaign_contacts.c.campaign_id == sa.bindparam("of_campaign"),
    campaign_contacts.c.contact_id == sa.bindparam("of_contact"),
)
_standing = sa.select(
    campaign_contacts.c.state, campaign_contacts.c.attempts, campaign_contacts.c.last_outcome
).where(*_place)
_due_now = (
    sa.update(campaign_contacts)
    .where(*_place)
    .values(state="waiting", due_at=sa.bindparam("now"), hot=1, reason="")
)


class HotLeads:
    """The hot leads of a database."""

    def __init__(self, database: Database, book: FilterBook) -> None:
        self._database = database
        self._book = book

    def add(self, campaign_id: int, row: NewContact, to_list: str = "") -> HotLead:
        """Import a contact and have the campaign dial it next.

        A contact that waits for its first attempt goes ahead; one that the campaign is about to
        dial, has dialed or has refused stays where it is: see the record's `state`.

        Raises:
            ContactError: it has no key, so the same lead could not be told from another.
            StoreError: the database did not do its part.
        """
        if not row.key:
            raise ContactError("hot lead", "it has no key", "declare a key attribute and give it")
        now = self._database.clock()

        def work(connection: sa.Connection) -> HotLead:
            counts = import_rows(connection, (row,), now, to_list)
            contact_id, of_list = connection.execute(_of_key, {"key": row.key}).one()
            place = {"of_campaign": campaign_id, "of_contact": contact_id}
            standing = connection.execute(_standing, place).one_or_none()
            if standing is None:
                connection.execute(
                    sa.insert(campaign_contacts), _new(campaign_id, contact_id, of_list, now)
                )
                state, ahead = "waiting", True
            else:
                state = standing.state
                untried = not standing.attempts and not standing.last_outcome
                ahead = state == "waiting" and untried
                if ahead:
                    connection.execute(_due_now, {**place, "now": now})
            name = connection.scalars(
                sa.select(campaigns.c.filter_name).where(campaigns.c.id == campaign_id)
            ).one()
            matches = self._book.conditions(connection, name, now)
            fits = connection.scalar(
                sa.select(sa.func.count())
                .select_from(contacts)
                .where(contacts.c.id == contact_id, *matches)
            )
            return HotLead(contact_id, bool(counts.added), state, ahead, bool(fits))

        return self._database.write(work, alone=True)


def _new(campaign_id: int, contact_id: int, of_list: int, now: float) -> dict[str, object]:
    return {
        "list_id": of_list,
        "campaign_id": campaign_id,
        "contact_id": contact_id,
        "state": "waiting",
        "due_at": now,
        "resume_node": "",
        "attempts": 0,
        "last_outcome": "",
        "reason": "",
        "hot": 1,
    }
