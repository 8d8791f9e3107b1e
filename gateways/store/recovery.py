"""Putting the store in order after a crash.

The rule of this module: every attempt that a crash left open is settled exactly once, and every
contact that was held is let go, in one transaction. An attempt whose INVITE had left is
`interrupted`: nobody knows what came of it, so it counts, and its contact is done unless the flow
says otherwise. One that never left is `never_dialed`: it does not count, and its contact is due.
"""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from dialer.ports import ContactNext
from gateways.store.attempt_writes import counted
from gateways.store.tables import attempts, campaign_contacts

_open = sa.select(attempts).where(attempts.c.settled_at.is_(None)).order_by(attempts.c.id)
_HELD = (
    campaign_contacts.c.campaign_id == sa.bindparam("of_campaign"),
    campaign_contacts.c.contact_id == sa.bindparam("of_contact"),
)
_close = (
    sa.update(attempts)
    .where(attempts.c.id == sa.bindparam("of_attempt"))
    .values(outcome=sa.bindparam("new_outcome"), settled_at=sa.bindparam("now"))
)
_interrupt = (
    sa.update(campaign_contacts)
    .where(*_HELD)
    .values(
        state="done",
        due_at=0.0,
        resume_node="",
        attempts=campaign_contacts.c.attempts + counted("interrupted"),
        tried=campaign_contacts.c.tried + sa.bindparam("newly_tried", type_=sa.Text),
        last_outcome="interrupted",
        reason="the dialer stopped during the attempt",
        callback_at=0.0,
        callback_agent="",
    )
)
_release = (
    sa.update(campaign_contacts)
    .where(campaign_contacts.c.state == sa.bindparam("held_as"))
    .values(state="waiting", due_at=sa.bindparam("now"), reason="the dialer stopped")
)
_decide = (
    sa.update(campaign_contacts)
    .where(
        *_HELD,
        campaign_contacts.c.state == "done",
        campaign_contacts.c.last_outcome == "interrupted",
    )
    .values(
        state=sa.bindparam("new_state"),
        due_at=sa.bindparam("new_due_at"),
        resume_node=sa.bindparam("new_resume_node"),
    )
)
_interrupted = sa.select(attempts.c.campaign_id, attempts.c.contact_id).where(
    attempts.c.id == sa.bindparam("of_attempt"), attempts.c.outcome == "interrupted"
)


class InterruptedAttempt(NamedTuple):
    """An attempt whose fate is unknown, for the flow to decide what becomes of its contact.

    attempts: how many attempts of this campaign the contact now has, this one included.
    """

    attempt_id: int
    contact_id: int
    campaign_id: int
    version: int
    node_id: str
    number: str
    attempts: int


class RecoveryReport(NamedTuple):
    """What a crash had left.

    interrupted: attempts whose INVITE had left. never_dialed: ids of those whose had not.
    released: contacts that were held without an attempt and are due again.
    unknown: attempt ids that the trunk had sent and the store does not have: only a power loss
    without `power_loss_safe` can do that, and their calls must be ended.
    """

    interrupted: tuple[InterruptedAttempt, ...]
    never_dialed: tuple[int, ...]
    released: int
    unknown: tuple[int, ...]


def recover(connection: sa.Connection, sent: Iterable[int], now: float) -> RecoveryReport:
    """Settle what is open. A second run finds nothing and changes nothing."""
    sent = frozenset(sent)
    interrupted: list[InterruptedAttempt] = []
    never_dialed: list[int] = []
    for row in connection.execute(_open).all():
        left = row.id in sent
        connection.execute(
            _close,
            {
                "of_attempt": row.id,
                "new_outcome": "interrupted" if left else "never_dialed",
                "now": now,
            },
        )
        if not left:
            never_dialed.append(row.id)
            continue
        held = {"of_campaign": row.campaign_id, "of_contact": row.contact_id}
        connection.execute(_interrupt, {**held, "newly_tried": f" {row.number}"})
        made = connection.scalar(sa.select(campaign_contacts.c.attempts).where(*_HELD), held)
        interrupted.append(
            InterruptedAttempt(
                row.id,
                row.contact_id,
                row.campaign_id,
                row.version,
                row.node_id,
                row.number,
                made or 0,
            )
        )
    known = set(connection.scalars(sa.select(attempts.c.id).where(attempts.c.id.in_(sent))))
    connection.execute(_release, {"now": now, "held_as": "in_flight"})
    released = connection.execute(_release, {"now": now, "held_as": "claimed"}).rowcount
    return RecoveryReport(
        tuple(interrupted), tuple(never_dialed), released, tuple(sorted(sent - known))
    )


def decide(connection: sa.Connection, attempt_id: int, following: ContactNext) -> bool:
    """What the flow makes of an interrupted attempt's contact; False if it has moved on since."""
    row = connection.execute(_interrupted, {"of_attempt": attempt_id}).one_or_none()
    if row is None:
        return False
    result = connection.execute(
        _decide,
        {
            "of_campaign": row.campaign_id,
            "of_contact": row.contact_id,
            "new_state": following.state,
            "new_due_at": following.due_at,
            "new_resume_node": following.resume_node,
        },
    )
    return result.rowcount == 1
