"""Attempts, read: for `explain contact`, `explain campaign` and reports.

The rule of this module: it only reads; gateways/store/attempt_writes.py is the one that writes.
"""

from typing import Any

import sqlalchemy as sa

from dialer.compliance.window import TIME_ZONE_ATTRIBUTE
from dialer.errors import NotFoundError
from dialer.score.past import Attempt
from gateways.store.database import Database
from gateways.store.records import AttemptRecord, Page, StandingRecord
from gateways.store.tables import attempts, campaign_contacts, campaigns, contacts


class Attempts:
    """The attempts of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, attempt_id: int) -> AttemptRecord:
        """One attempt.

        Raises:
            NotFoundError: there is none with that id.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                sa.select(attempts).where(attempts.c.id == attempt_id)
            ).one_or_none()
        if row is None:
            raise NotFoundError(f"attempt {attempt_id}", "there is none")
        return _record(row)

    def of_contact(self, contact_id: int, limit: int = 100) -> tuple[AttemptRecord, ...]:
        """A contact's attempts over all campaigns, the newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(attempts)
                .where(attempts.c.contact_id == contact_id)
                .order_by(attempts.c.id.desc())
                .limit(limit)
            ).all()
        return tuple(_record(row) for row in rows)

    def of_campaign(
        self, campaign_id: int, offset: int = 0, limit: int = 50
    ) -> Page[AttemptRecord]:
        """A campaign's attempts, the newest first."""
        mine = attempts.c.campaign_id == campaign_id
        with self._database.reading() as connection:
            total = connection.scalar(sa.select(sa.func.count()).select_from(attempts).where(mine))
            rows = connection.execute(
                sa.select(attempts)
                .where(mine)
                .order_by(attempts.c.id.desc())
                .offset(offset)
                .limit(limit)
            ).all()
        return Page(tuple(_record(row) for row in rows), total or 0, offset)

    def in_flight(self) -> tuple[AttemptRecord, ...]:
        """Attempts that are not settled, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(attempts).where(attempts.c.settled_at.is_(None)).order_by(attempts.c.id)
            ).all()
        return tuple(_record(row) for row in rows)

    def shown_since(self, since: float) -> dict[str, int]:
        """How often each caller ID was shown since then; attempts that never left do not count."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(attempts.c.caller_id, sa.func.count().label("number_of"))
                .where(
                    attempts.c.committed_at >= since,
                    attempts.c.caller_id != "",
                    attempts.c.outcome != "never_dialed",
                )
                .group_by(attempts.c.caller_id)
            ).all()
        return {row.caller_id: row.number_of for row in rows}

    def outcomes(self, campaign_id: int) -> dict[str, int]:
        """How many of a campaign's attempts came to each outcome; "" counts those under way."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(attempts.c.outcome, sa.func.count().label("number_of"))
                .where(attempts.c.campaign_id == campaign_id)
                .group_by(attempts.c.outcome)
                .order_by(attempts.c.outcome)
            ).all()
        return {row.outcome: row.number_of for row in rows}

    def for_scores(self) -> list[Attempt]:
        """All that are settled, the oldest first, with what their contacts tell of themselves."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(
                    attempts.c.dialed_at,
                    attempts.c.outcome,
                    attempts.c.number,
                    attempts.c.contact_id,
                    contacts.c.created_at,
                    contacts.c.attributes,
                )
                .join_from(attempts, contacts, attempts.c.contact_id == contacts.c.id, isouter=True)
                .where(attempts.c.settled_at.is_not(None), attempts.c.dialed_at > 0)
                .order_by(attempts.c.id)
            )
            return [
                Attempt(
                    row.dialed_at,
                    row.outcome,
                    row.number,
                    str(row.contact_id),
                    str((row.attributes or {}).get(TIME_ZONE_ATTRIBUTE) or ""),
                    row.created_at or 0.0,
                )
                for row in rows
            ]

    def standings(self, contact_id: int) -> tuple[StandingRecord, ...]:
        """Where a contact stands in each campaign that has touched it."""
        states = campaign_contacts.c
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(campaign_contacts, campaigns.c.title)
                .join_from(campaign_contacts, campaigns)
                .where(states.contact_id == contact_id)
                .order_by(states.campaign_id)
            ).all()
        return tuple(
            StandingRecord(
                row.campaign_id,
                row.title,
                row.state,
                row.due_at,
                row.resume_node,
                row.attempts,
                row.last_outcome,
                row.reason,
                row.callback_at,
                row.callback_agent,
            )
            for row in rows
        )


def _record(row: Any) -> AttemptRecord:
    values = dict(row._mapping)
    values["attempt_id"] = values.pop("id")
    values["settled_at"] = values["settled_at"] or 0.0
    return AttemptRecord(**values)
