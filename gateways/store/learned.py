"""What campaigns have learned, as their pacers wrote it down.

The rule of this module: a document is bytes to it. One row a campaign, and the newest counts.
"""

import sqlalchemy as sa

from dialer.ports import Recalled
from gateways.store.tables import campaign_learned


def remember(connection: sa.Connection, campaign_id: int, document: bytes, at: float) -> None:
    """Keep a document in place of the one before. at: epoch seconds."""
    mine = campaign_learned.c.campaign_id == campaign_id
    row = {"document": document, "kept_at": at}
    changed = connection.execute(sa.update(campaign_learned).where(mine).values(row))
    if not changed.rowcount:
        connection.execute(sa.insert(campaign_learned).values(campaign_id=campaign_id, **row))


def recall(connection: sa.Connection, request_id: int, campaign_id: int) -> Recalled:
    """The document kept last."""
    mine = campaign_learned.c.campaign_id == campaign_id
    document = connection.scalar(sa.select(campaign_learned.c.document).where(mine))
    return Recalled(request_id, document or b"")
