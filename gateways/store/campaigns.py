"""Campaigns: what they are, their status, and every version of their flows.

The rule of this module: a version that was published is never rewritten, because tokens may still
run on it and attempts name it. A campaign's status moves only as `dialer.campaign` allows. A
deleted campaign disappears from every list, while its attempts keep its title and its flows.
"""

from typing import Any

import sqlalchemy as sa

from dialer.campaign import CAMPAIGN, next_status
from dialer.errors import FilterError, FlowError, LifecycleError, NotFoundError
from gateways.store.contacts import count_matching
from gateways.store.database import Database
from gateways.store.filter_book import FilterBook
from gateways.store.records import CampaignRecord, Page, VersionRecord
from gateways.store.tables import attempts, campaign_contacts, campaign_versions, campaigns

_alive = campaigns.c.deleted_at == 0
_ANEW = {"state": "waiting", "resume_node": "", "attempts": 0, "last_outcome": "", "tried": ""}
"""What a contact that is owed a call-back is reset to."""


class Campaigns:
    """The campaigns of a database."""

    def __init__(self, database: Database, book: FilterBook) -> None:
        self._database = database
        self._book = book

    def create(
        self, title: str, flow: str, filter_name: str = "", description: str = ""
    ) -> CampaignRecord:
        """A new draft. flow: its YAML, checked by the caller; filter_name: the one its Init names.

        Raises:
            FlowError: it has no title.
            StoreError: the database did not do its part.
        """
        title = _clean(title)
        now = self._database.clock()

        def work(connection: sa.Connection) -> int:
            campaign_id: int = connection.execute(
                sa.insert(campaigns)
                .values(
                    title=title,
                    title_folded=title.casefold(),
                    description=description,
                    status=CAMPAIGN.initial,
                    version=1,
                    filter_name=filter_name,
                    resets=0,
                    created_at=now,
                    modified_at=now,
                    deleted_at=0.0,
                )
                .returning(campaigns.c.id)
            ).scalar_one()
            _write_version(connection, campaign_id, 1, flow, filter_name, now, 0.0)
            return campaign_id

        return self.get(self._database.write(work))

    def edit(
        self,
        campaign_id: int,
        title: str | None = None,
        description: str | None = None,
        flow: str | None = None,
        filter_name: str = "",
    ) -> CampaignRecord:
        """Change what is given. A flow, with its filter, rewrites a draft that was never
        published, and makes a new version otherwise; a published campaign runs that at once.

        Raises:
            NotFoundError: there is no such campaign.
            LifecycleError: it is stopped.
            FlowError: the title is empty.
        """
        changes: dict[str, Any] = {"modified_at": self._database.clock()}
        if title is not None:
            changes |= {"title": _clean(title), "title_folded": _clean(title).casefold()}
        if description is not None:
            changes["description"] = description

        def work(connection: sa.Connection) -> None:
            row = _row(connection, campaign_id)
            if row.status == "stopped":
                what = "cannot be edited while stopped"
                raise LifecycleError(f"campaign {row.title!r}", what, "clone it to make a draft")
            values = dict(changes)
            if flow is not None:
                version = _put_flow(connection, row, flow, filter_name, changes["modified_at"])
                values |= {"version": version, "filter_name": filter_name}
            _change(connection, campaign_id, values)

        self._database.write(work, alone=True)
        return self.get(campaign_id)

    def move(self, campaign_id: int, event: str) -> CampaignRecord:
        """Take a campaign to its next status: "publish", "unpublish" or "stop".

        Raises:
            NotFoundError: there is no such campaign.
            LifecycleError: it cannot do that now.
        """
        now = self._database.clock()

        def work(connection: sa.Connection) -> None:
            row = _row(connection, campaign_id)
            status = next_status(row.title, row.status, event)
            if status == "published":
                connection.execute(
                    sa.update(campaign_versions)
                    .where(
                        campaign_versions.c.campaign_id == campaign_id,
                        campaign_versions.c.version == row.version,
                        campaign_versions.c.published_at == 0,
                    )
                    .values(published_at=now)
                )
            _change(connection, campaign_id, {"status": status, "modified_at": now})

        self._database.write(work, alone=True)
        return self.get(campaign_id)

    def clone(self, campaign_id: int, title: str = "") -> CampaignRecord:
        """A new draft with the same flow, which has touched no contact yet.

        Raises:
            NotFoundError: there is no such campaign.
        """
        original = self.get(campaign_id)
        flow = self.version(campaign_id).flow
        return self.create(
            title or f"{original.title} (copy)", flow, original.filter_name, original.description
        )

    def reset(self, campaign_id: int) -> int:
        """Give all its contacts back, to be dialed as if for the first time; how many.

        Their attempts stay on record, and call-backs stay owed for the time that was promised.
        Contacts that are held now are left alone.

        Raises:
            NotFoundError: there is no such campaign.
            LifecycleError: it is published or stopped.
        """

        def work(connection: sa.Connection) -> int:
            row = _row(connection, campaign_id)
            if row.status != "unpublished":
                what, mend = f"cannot be reset while {row.status}", "unpublish it first"
                if row.status == "stopped":
                    mend = "clone it to make a draft"
                raise LifecycleError(f"campaign {row.title!r}", what, mend)
            _change(connection, campaign_id, {"resets": row.resets + 1})
            mine = (
                campaign_contacts.c.campaign_id == campaign_id,
                campaign_contacts.c.state.not_in(("claimed", "in_flight")),
            )
            owed = campaign_contacts.c.callback_at > sa.literal_column("0")
            kept = connection.execute(sa.update(campaign_contacts).where(*mine, owed).values(_ANEW))
            gone = connection.execute(sa.delete(campaign_contacts).where(*mine, ~owed))
            return kept.rowcount + gone.rowcount

        return self._database.write(work, alone=True)

    def delete(self, campaign_id: int) -> None:
        """Delete a campaign; its attempts stay on record.

        Raises:
            NotFoundError: there is no such campaign.
            LifecycleError: it is published, or has calls under way.
        """
        now = self._database.clock()

        def work(connection: sa.Connection) -> None:
            row = _row(connection, campaign_id)
            name = f"campaign {row.title!r}"
            if row.status == "published":
                raise LifecycleError(
                    name, "cannot be deleted while published", "unpublish it first"
                )
            live = connection.scalar(
                sa.select(sa.func.count()).where(
                    attempts.c.campaign_id == campaign_id, attempts.c.settled_at.is_(None)
                )
            )
            if live:
                raise LifecycleError(name, f"has {live} calls under way", "wait for their end")
            connection.execute(
                sa.delete(campaign_contacts).where(campaign_contacts.c.campaign_id == campaign_id)
            )
            _change(connection, campaign_id, {"deleted_at": now})

        self._database.write(work, alone=True)

    def get(self, campaign_id: int) -> CampaignRecord:
        """One campaign.

        Raises:
            NotFoundError: there is no such campaign.
        """
        with self._database.reading() as connection:
            row = _row(connection, campaign_id)
            return self._record(connection, row, {})

    def list(
        self, words: str = "", status: str = "", offset: int = 0, limit: int = 50
    ) -> Page[CampaignRecord]:
        """Campaigns, the newest first. words: all must be in the title; status: "" for any."""
        where = [_alive]
        if status:
            where.append(campaigns.c.status == status)
        where += [
            campaigns.c.title_folded.contains(word, autoescape=True)
            for word in words.casefold().split()
        ]
        with self._database.reading() as connection:
            total = connection.scalar(
                sa.select(sa.func.count()).select_from(campaigns).where(*where)
            )
            rows = connection.execute(
                sa.select(campaigns)
                .where(*where)
                .order_by(campaigns.c.id.desc())
                .offset(offset)
                .limit(limit)
            ).all()
            counted: dict[str, int] = {}
            items = tuple(self._record(connection, row, counted) for row in rows)
        return Page(items, total or 0, offset)

    def version(self, campaign_id: int, version: int = 0) -> VersionRecord:
        """One version of a campaign's flow; 0: the current one.

        Raises:
            NotFoundError: there is no such campaign or version.
        """
        with self._database.reading() as connection:
            wanted = version or _row(connection, campaign_id).version
            row = connection.execute(
                sa.select(campaign_versions).where(
                    campaign_versions.c.campaign_id == campaign_id,
                    campaign_versions.c.version == wanted,
                )
            ).one_or_none()
        if row is None:
            raise NotFoundError(f"campaign {campaign_id}", f"there is no version {wanted}")
        return VersionRecord(**row._mapping)

    def versions(self, campaign_id: int) -> tuple[VersionRecord, ...]:
        """Every version of a campaign's flow, the oldest first; a deleted campaign has them too."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(campaign_versions)
                .where(campaign_versions.c.campaign_id == campaign_id)
                .order_by(campaign_versions.c.version)
            ).all()
        return tuple(VersionRecord(**row._mapping) for row in rows)

    def contact_states(self, campaign_id: int) -> dict[str, int]:
        """How many contacts that the campaign has touched are in each state."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(campaign_contacts.c.state, sa.func.count().label("number_of"))
                .where(campaign_contacts.c.campaign_id == campaign_id)
                .group_by(campaign_contacts.c.state)
                .order_by(campaign_contacts.c.state)
            ).all()
        return {row.state: row.number_of for row in rows}

    def _record(
        self, connection: sa.Connection, row: Any, counted: dict[str, int]
    ) -> CampaignRecord:
        name = row.filter_name
        if name not in counted:
            counted[name] = self._count(connection, name)
        return CampaignRecord(
            row.id,
            row.title,
            row.description,
            row.status,
            row.version,
            name,
            row.created_at,
            row.modified_at,
            counted[name],
        )

    def _count(self, connection: sa.Connection, filter_name: str) -> int:
        try:
            where = self._book.conditions(connection, filter_name, self._database.clock())
        except (NotFoundError, FilterError):
            # A draft may name a filter that is yet to be saved: it finds nobody.
            return 0
        return count_matching(connection, where)


def _clean(title: str) -> str:
    cleaned = " ".join(title.split())
    if not cleaned:
        raise FlowError("campaign", "it has no title", "give it one")
    return cleaned


def _row(connection: sa.Connection, campaign_id: int) -> Any:
    row = connection.execute(
        sa.select(campaigns).where(campaigns.c.id == campaign_id, _alive)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"campaign {campaign_id}", "there is none", "see campaign list")
    return row


def _change(connection: sa.Connection, campaign_id: int, values: dict[str, Any]) -> None:
    connection.execute(sa.update(campaigns).where(campaigns.c.id == campaign_id).values(values))


def _put_flow(connection: sa.Connection, row: Any, flow: str, filter_name: str, now: float) -> int:
    """Write a flow as the draft that stands, or as a new version; its number."""
    rewritten = connection.execute(
        sa.update(campaign_versions)
        .where(
            campaign_versions.c.campaign_id == row.id,
            campaign_versions.c.version == row.version,
            campaign_versions.c.published_at == 0,
        )
        .values(flow=flow, filter_name=filter_name)
    ).rowcount
    version: int = row.version
    if rewritten:
        return version
    published_at = now if row.status == "published" else 0.0
    _write_version(connection, row.id, version + 1, flow, filter_name, now, published_at)
    return version + 1


def _write_version(
    connection: sa.Connection,
    campaign_id: int,
    version: int,
    flow: str,
    filter_name: str,
    created_at: float,
    published_at: float,
) -> None:
    connection.execute(
        sa.insert(campaign_versions).values(
            campaign_id=campaign_id,
            version=version,
            flow=flow,
            filter_name=filter_name,
            created_at=created_at,
            published_at=published_at,
        )
    )
