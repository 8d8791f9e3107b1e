"""Claiming contacts for a campaign.

The rule of this module: a contact is claimed in the transaction that found it, so no contact is
ever claimed twice, and none of a list that is paused. Hot leads go first, then call-backs, then
other waiting contacts that have come due, the longest due first of each; then those the campaign
has never touched, by id, oldest first (fifo) or newest first (lifo). A request may say how many of
those that are due go before the untouched ones. Within these two kinds lists take turns by weight;
hot leads and call-backs are held back by no weight.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from dialer.errors import FilterError
from dialer.list_turns import ListTurns
from dialer.ports import (
    AttributeValue,
    Callback,
    ClaimedContact,
    ClaimRequest,
    ContactsClaimed,
    StoreFailed,
)
from gateways.store.filter_book import FilterBook
from gateways.store.pasts import with_pasts
from gateways.store.sweep import Edition, Sweep
from gateways.store.tables import (
    CHANGE_COUNTER,
    campaign_contacts,
    campaigns,
    contacts,
    counters,
    filters,
    lists,
)

_BEYOND = 2**62
_ORDERS = ("fifo", "lifo")

_newest_change = (
    sa.select(counters.c.value).where(counters.c.name == CHANGE_COUNTER).scalar_subquery()
)
_revision = (
    sa.select(filters.c.revision)
    .where(filters.c.name == sa.bindparam("filter_name"))
    .scalar_subquery()
)
_standing = sa.select(campaigns.c.resets, _newest_change, _revision).where(
    campaigns.c.id == sa.bindparam("campaign_id")
)
_newest_id = sa.select(sa.func.max(contacts.c.id))
_first_due = sa.select(sa.func.min(campaign_contacts.c.due_at)).where(
    campaign_contacts.c.campaign_id == sa.bindparam("campaign_id"),
    campaign_contacts.c.state == "waiting",
    campaign_contacts.c.list_id == lists.c.id,
)
_running_lists = sa.select(
    lists.c.id,
    lists.c.weight,
    _first_due.scalar_subquery().label("first_due_at"),
    _first_due.where(campaign_contacts.c.due_at > sa.bindparam("now"))
    .scalar_subquery()
    .label("next_due_at"),
).where(lists.c.paused == 0)
_paused = sa.select(lists.c.id).where(lists.c.paused == 1)
_claim_new = sa.insert(campaign_contacts)
_claim_waiting = (
    sa.update(campaign_contacts)
    .where(
        campaign_contacts.c.campaign_id == sa.bindparam("of_campaign"),
        campaign_contacts.c.contact_id == sa.bindparam("of_contact"),
    )
    .values(state="claimed", due_at=0.0, reason="")
)

_NEW = {
    "state": "claimed",
    "due_at": 0.0,
    "resume_node": "",
    "attempts": 0,
    "last_outcome": "",
    "reason": "",
}

Found = list[tuple[int, Mapping[str, Any]]]


class _Finder:
    """The searches of a claim, for one filter."""

    def __init__(self, matches: Sequence[sa.ColumnElement[bool]]) -> None:
        states = campaign_contacts
        due = (
            sa.select(
                contacts.c.id,
                contacts.c.attributes,
                states.c.resume_node,
                states.c.attempts,
                states.c.tried,
                states.c.callback_at,
                states.c.callback_agent,
            )
            .join_from(states, contacts, contacts.c.id == states.c.contact_id)
            .where(
                states.c.campaign_id == sa.bindparam("campaign_id"),
                states.c.state == "waiting",
                states.c.due_at <= sa.bindparam("now"),
                *matches,
            )
            .order_by(states.c.due_at, states.c.contact_id)
            .limit(sa.bindparam("most"))
        )
        list_id: sa.BindParameter[int] = sa.bindparam("list_id")
        self.waiting = due.where(states.c.list_id == list_id)
        ahead = due.where(states.c.list_id.not_in(_paused))
        self.hot = ahead.where(states.c.hot == 1)
        self.callbacks = ahead.where(states.c.callback_at > sa.literal_column("0"))
        untouched = ~sa.exists().where(
            states.c.campaign_id == sa.bindparam("campaign_id"),
            states.c.contact_id == contacts.c.id,
        )
        base = (
            sa.select(contacts.c.id, contacts.c.attributes, contacts.c.change)
            .where(contacts.c.list_id == list_id, untouched, *matches)
            .limit(sa.bindparam("most"))
        )
        position: sa.BindParameter[int] = sa.bindparam("position")
        self.forward = base.where(contacts.c.id > position).order_by(contacts.c.id)
        self.backward = base.where(contacts.c.id < position).order_by(contacts.c.id.desc())
        changed = base.where(contacts.c.change.between(sa.bindparam("low"), sa.bindparam("high")))
        # An id "plus nothing" has no index: the few changes are what must be walked through.
        passed_id = contacts.c.id + 0
        self.revived = changed.where(passed_id <= position).order_by(contacts.c.change)
        self.renewed = changed.where(passed_id >= position).order_by(contacts.c.change.desc())


class Claims:
    """Carries out claims on the writer's thread, and remembers each campaign's pass."""

    def __init__(self, book: FilterBook) -> None:
        self._book = book
        self._sweeps: dict[tuple[int, str, str, int], Sweep] = {}
        self._turns: dict[tuple[int, str], ListTurns] = {}
        self._finders: dict[str, tuple[Edition, _Finder]] = {}
        self._moved = False

    def after_transaction(self, committed: bool) -> None:
        """What was passed by in a transaction that was rolled back may be unclaimed again."""
        if self._moved and not committed:
            self._sweeps.clear()
        self._moved = False

    def claim(
        self, connection: sa.Connection, request: ClaimRequest
    ) -> ContactsClaimed | StoreFailed:
        """Claim contacts inside the connection's transaction."""
        campaign_id, name = request.campaign_id, request.filter_name
        standing = connection.execute(
            _standing, {"campaign_id": campaign_id, "filter_name": name}
        ).one_or_none()
        if standing is None:
            return StoreFailed(request.request_id, f"there is no campaign {campaign_id}")
        resets, newest_change, revision = standing
        if name and revision is None:
            return StoreFailed(request.request_id, f"there is no filter {name!r}")
        if request.order not in _ORDERS:
            return StoreFailed(request.request_id, f"there is no order {request.order!r}")
        edition = Edition(revision or 0, self._book.today(request.now))
        try:
            finder = self._finder(connection, name, edition, request.now)
        except FilterError as error:
            return StoreFailed(request.request_id, str(error))
        hot = self._claim_due(connection, finder.hot, request, request.limit)
        claimed = [contact._replace(hot=True) for contact in hot]
        left = request.limit - len(claimed)
        claimed += self._claim_due(connection, finder.callbacks, request, left)
        if request.hot_only:
            return self._answer(connection, request, claimed, 0.0)
        running = connection.execute(
            _running_lists, {"campaign_id": campaign_id, "now": request.now}
        ).all()
        due = {
            row.id: row.weight
            for row in running
            if row.first_due_at is not None and row.first_due_at <= request.now
        }
        sweeps = {
            row.id: self._sweep(request, row.id, edition, resets, newest_change) for row in running
        }
        fresh = {row.id: row.weight for row in running if not sweeps[row.id].dry}

        def claim_due(list_id: int, most: int) -> list[ClaimedContact]:
            return self._claim_due(connection, finder.waiting, request, most, list_id)

        def claim_fresh(list_id: int, most: int) -> list[ClaimedContact]:
            return self._claim_untouched(
                connection, finder, sweeps[list_id], request, list_id, most
            )

        turns_of_due = self._turns_of(campaign_id, "due")
        left = request.limit - len(claimed)
        due_first = left if request.retries is None else min(left, request.retries)
        claimed += turns_of_due.share(due, due_first, claim_due)
        turns_of_fresh = self._turns_of(campaign_id, "fresh")
        claimed += turns_of_fresh.share(fresh, request.limit - len(claimed), claim_fresh)
        if request.retries is not None:
            claimed += turns_of_due.share(due, request.limit - len(claimed), claim_due)
        later = [row.next_due_at for row in running if row.next_due_at]
        return self._answer(connection, request, claimed, min(later, default=0.0))

    @staticmethod
    def _answer(
        connection: sa.Connection,
        request: ClaimRequest,
        claimed: list[ClaimedContact],
        next_due_at: float,
    ) -> ContactsClaimed:
        told = with_pasts(connection, claimed) if request.past else tuple(claimed)
        return ContactsClaimed(request.request_id, told, next_due_at)

    def _turns_of(self, campaign_id: int, kind: str) -> ListTurns:
        return self._turns.setdefault((campaign_id, kind), ListTurns())

    def _finder(
        self, connection: sa.Connection, name: str, edition: Edition, now: float
    ) -> _Finder:
        known = self._finders.get(name)
        if known is None or known[0] != edition:
            matches = self._book.conditions(connection, name, now)
            known = self._finders[name] = (edition, _Finder(matches))
        return known[1]

    def _sweep(
        self,
        request: ClaimRequest,
        list_id: int,
        edition: Edition,
        resets: int,
        newest_change: int,
    ) -> Sweep:
        key = (request.campaign_id, request.filter_name, request.order, list_id)
        sweep = self._sweeps.get(key)
        if sweep is None or (sweep.edition, sweep.resets) != (edition, resets):
            lifo = request.order == "lifo"
            start = _BEYOND if lifo else 0
            sweep = self._sweeps[key] = Sweep(lifo, edition, resets, start, newest_change)
        sweep.notice(newest_change)
        self._moved = True
        return sweep

    @staticmethod
    def _claim_due(
        connection: sa.Connection,
        query: sa.Select[Any],
        request: ClaimRequest,
        most: int,
        list_id: int = 0,
    ) -> list[ClaimedContact]:
        if most <= 0:
            return []
        campaign_id = request.campaign_id
        place = {"campaign_id": campaign_id, "list_id": list_id}
        rows = connection.execute(query, {**place, "now": request.now, "most": most}).all()
        if rows:
            connection.execute(
                _claim_waiting,
                [{"of_campaign": campaign_id, "of_contact": row.id} for row in rows],
            )
        return [
            ClaimedContact(
                row.id,
                freeze(row.attributes),
                row.resume_node,
                row.attempts,
                tuple(row.tried.split()),
                Callback(row.callback_at, row.callback_agent) if row.callback_at else None,
            )
            for row in rows
        ]

    def _claim_untouched(
        self,
        connection: sa.Connection,
        finder: _Finder,
        sweep: Sweep,
        request: ClaimRequest,
        list_id: int,
        most: int,
    ) -> list[ClaimedContact]:
        place = {"campaign_id": request.campaign_id, "list_id": list_id}
        found = self._look_at_changes(connection, finder, sweep, place, most)
        if len(found) < most:
            found += self._look_at_base(connection, finder, sweep, place, most - len(found))
        if found:
            connection.execute(
                _claim_new, [{**_NEW, **place, "contact_id": contact_id} for contact_id, _ in found]
            )
        return [ClaimedContact(contact_id, freeze(values)) for contact_id, values in found]

    @staticmethod
    def _look_at_changes(
        connection: sa.Connection, finder: _Finder, sweep: Sweep, place: dict[str, int], most: int
    ) -> Found:
        found: Found = []
        query = finder.renewed if sweep.lifo else finder.revived
        while len(found) < most and (span := sweep.next_range()) is not None:
            asked = most - len(found)
            where = {"position": sweep.position, "low": span[0], "high": span[1], "most": asked}
            rows = connection.execute(query, {**place, **where}).all()
            found += [(row.id, row.attributes) for row in rows]
            sweep.range_done(rows[-1].change if len(rows) == asked else None)
        return found

    @staticmethod
    def _look_at_base(
        connection: sa.Connection, finder: _Finder, sweep: Sweep, place: dict[str, int], most: int
    ) -> Found:
        rows = connection.execute(
            finder.backward if sweep.lifo else finder.forward,
            {**place, "most": most, "position": sweep.position},
        ).all()
        if len(rows) == most:
            sweep.position = rows[-1].id
        else:
            # Only now, when the ranges are through too, is there nothing left to look at.
            sweep.position = 0 if sweep.lifo else connection.scalar(_newest_id) or 0
            sweep.dry = True
        return [(row.id, row.attributes) for row in rows]


def freeze(attributes: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Attributes as the domain has them: a sequence is a tuple."""
    return {name: _frozen(value) for name, value in attributes.items()}


def _frozen(value: Any) -> AttributeValue:
    if isinstance(value, list):
        strings: Sequence[str] = tuple(value)
        return strings
    scalar: AttributeValue = value
    return scalar
