"""What came of contacts' earlier attempts, for whoever scores them.

The rule of this module: all campaigns' attempts count, and each is folded in by the domain's own
rule, so that a score is asked of what it was taught.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from dialer.ports import ClaimedContact
from dialer.score.past import Past
from gateways.store.tables import attempts, contacts

_imports = sa.select(contacts.c.id, contacts.c.created_at).where(
    contacts.c.id.in_(sa.bindparam("ids", expanding=True))
)
_attempts = (
    sa.select(attempts.c.contact_id, attempts.c.outcome, attempts.c.dialed_at)
    .where(
        attempts.c.contact_id.in_(sa.bindparam("ids", expanding=True)),
        attempts.c.settled_at.is_not(None),
    )
    .order_by(attempts.c.contact_id, attempts.c.id)
)


def with_pasts(
    connection: sa.Connection, claimed: Sequence[ClaimedContact]
) -> tuple[ClaimedContact, ...]:
    """The contacts with their pasts: two statements for all of them."""
    if not claimed:
        return ()
    ids = {"ids": [contact.contact_id for contact in claimed]}
    pasts = {row.id: Past(imported_at=row.created_at) for row in connection.execute(_imports, ids)}
    for row in connection.execute(_attempts, ids):
        pasts[row.contact_id] = pasts[row.contact_id].after(row.outcome, row.dialed_at)
    return tuple(contact._replace(past=pasts[contact.contact_id]) for contact in claimed)
