"""Contacts and filters: what may be asked about them.

The rule of this module: a filter is saved only when it fits the declared attributes, and whoever
saves one is told how many contacts it finds. A hot lead may be sent twice and is dialed once.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from dialer.callbacks import read_time
from dialer.contacts import Schema
from dialer.documents import Document
from dialer.errors import (
    ContactError,
    FilterError,
    LifecycleError,
    NotFoundError,
    NumberError,
)
from dialer.filter_tree import Filter, parse_filter
from dialer.filters import bind
from dialer.numbers import parse_number
from dialer.ports import AttributeValue, Callback
from gateways.control.campaign_lookup import CampaignLookup
from gateways.control.paging import PER_PAGE, paged, span
from gateways.control.site import here
from gateways.control.verbs import verb
from gateways.store import CampaignRecord, NewContact, Store, as_json, list_name

SAMPLE = 10


class ContactCommands:
    """Verbs about contacts and their filters."""

    def __init__(
        self, store: Store, schema: Schema, clock: Callable[[], float], lookup: CampaignLookup
    ) -> None:
        self._store = store
        self._schema = schema
        self._clock = clock
        self._lookup = lookup

    @verb("contacts add")
    def add(
        self,
        key: str,
        phones: list[str],
        attributes: dict[str, str] | None = None,
        campaign: str = "",
        hot: bool = False,
        to_list: str = "",
    ) -> dict[str, Any]:
        """Put in one contact, or change it. hot: the campaign dials it next, ahead of its list.

        key and phones are for the key attribute and the first phone attribute; attributes are
        others, written as in an imported row. to_list: the list that it goes to, made if need be.

        Raises:
            ContactError: no key is declared, or a value is no value of its attribute.
            NotFoundError: there is no such campaign.
            LifecycleError: the campaign is stopped.
        """
        row = self._contact(key, phones, attributes or {})
        to_list = list_name(to_list) if to_list else ""
        if not hot:
            counts = self._store.contacts.import_batch([row], to_list)
            (contact,) = self._store.contacts.find(row.key)[:1]
            return {
                "contact_id": contact.contact_id,
                "added": bool(counts.added),
                "updated": bool(counts.updated),
                "warnings": [],
            }
        record = self._lookup.find(campaign)
        if record.status == "stopped":
            mend = "clone it to make a draft"
            raise LifecycleError(f"campaign {record.title!r}", "is stopped and dials nobody", mend)
        lead = self._store.hot_leads.add(record.campaign_id, row, to_list)
        warnings = self._why_not_next(record, lead.contact_id, lead.fits)
        return {**as_json(lead), "campaign_id": record.campaign_id, "warnings": warnings}

    @verb("contacts callback")
    def call_back(self, who: str, at: str, campaign: str, agent: str = "") -> dict[str, Any]:
        """Promise a contact a call. who: its id, key or number. agent: who is to make it.

        at: as `dialer.callbacks.read_time` takes it, on this machine's clock.

        Raises:
            NotFoundError: there is no such contact or campaign.
            ContactError: several contacts have that number.
            LifecycleError: the campaign is stopped, or is about to dial the contact anyway.
            InputError: the time makes no sense, or no agent can be called so.
        """
        record = self._lookup.find(campaign)
        if record.status == "stopped":
            mend = "clone it to make a draft"
            raise LifecycleError(f"campaign {record.title!r}", "is stopped and dials nobody", mend)
        moment = read_time(at, self._clock(), here())
        contact_id = self._the_one(who.strip())
        placed = self._store.callbacks.add(record.campaign_id, contact_id, Callback(moment, agent))
        if not placed.placed:
            what = "is on the line" if placed.state == "in_flight" else "is about to be dialed"
            raise LifecycleError(f"contact {contact_id}", what, "promise it again after that call")
        warnings = self._why_not_next(record, contact_id, placed.fits)
        return {**as_json(placed), "warnings": warnings}

    def _why_not_next(self, record: CampaignRecord, contact_id: int, fits: bool) -> list[str]:
        """What keeps a lead, or one who is promised a call, from being dialed in time."""
        of_list = self._store.lists.of_contact(contact_id)
        paused = of_list.name if of_list is not None and of_list.paused else ""
        return _obstacles(record, fits, paused)

    def _the_one(self, who: str) -> int:
        found = self._store.contacts.find(who)
        if not found:
            try:
                found = self._store.contacts.find(parse_number(who, self._schema.default_region))
            except NumberError:
                found = ()
        if not found:
            mend = "give an id, a key or a number; see contacts list"
            raise NotFoundError(f"contact {who!r}", "there is none", mend)
        if len(found) > 1:
            ids = ", ".join(str(record.contact_id) for record in found)
            raise ContactError(f"contact {who!r}", f"could be any of {ids}", "give the id of one")
        return found[0].contact_id

    def _contact(self, key: str, phones: list[str], written: Mapping[str, str]) -> NewContact:
        schema = self._schema
        if not schema.key:
            mend = "declare one attribute with key: true"
            raise ContactError("--key", "no attribute is the key of contacts", mend)
        given: dict[str, AttributeValue] = {}
        for name, text in written.items():
            spec = schema.find(name) or schema.spec(name)
            given[spec.name] = schema.read(spec.name, text)
        names = schema.phones()
        if phones and not names:
            raise ContactError("--phone", "no phone attribute is declared", "declare one")
        if phones:
            numbers = dict.fromkeys(schema.number(names[0], phone) for phone in phones)
            given[names[0]] = tuple(numbers)
        given.setdefault(schema.key, schema.read(schema.key, key))
        complete = schema.complete(given)
        return NewContact(schema.key_of(complete), complete)

    @verb("contacts list")
    def list_contacts(
        self, filter_name: str = "", page: int = 1, per_page: int = PER_PAGE
    ) -> dict[str, Any]:
        """Contacts by id, of a saved filter or ("") all.

        Raises:
            NotFoundError: there is no such filter.
        """
        found = self._store.contacts.list(filter_name, *span(page, per_page))
        return paged(found, page, per_page)

    @verb("filter save")
    def save_filter(self, name: str, text: str, source: str) -> dict[str, Any]:
        """Save a filter from YAML or JSON text; source is what errors call the text.

        Raises:
            FilterError: it is no filter, does not fit the attributes, or has no name.
        """
        record = self._store.filters.save(name, self._read(text, source))
        preview = self._store.filters.preview_saved(record.name, 0)
        return {**as_json(record), "contacts": preview.count}

    @verb("filter list")
    def list_filters(self, page: int = 1, per_page: int = PER_PAGE) -> dict[str, Any]:
        """Saved filters by name, each with the contacts it finds (null: it no longer fits)."""
        found = paged(self._store.filters.list(*span(page, per_page)), page, per_page)
        for item in found["items"]:
            item["contacts"] = self._count(item["name"])
        return found

    @verb("filter preview")
    def preview_filter(
        self, name: str = "", text: str | None = None, source: str = "", sample: int = SAMPLE
    ) -> dict[str, Any]:
        """How many contacts a filter finds, and the first of them: a saved one, or a text.

        Raises:
            NotFoundError: there is no such filter.
            FilterError: the text is no filter, or does not fit the attributes.
        """
        if text is None:
            return as_json(self._store.filters.preview_saved(name, sample))  # type: ignore[no-any-return]
        tree = self._read(text, source)
        return as_json(self._store.filters.preview(tree, sample))  # type: ignore[no-any-return]

    def _read(self, text: str, source: str) -> Filter:
        """A filter that fits the attributes; what does not is told by its line."""
        document = Document.load(text, source, FilterError)
        tree = parse_filter(document)
        today = datetime.fromtimestamp(self._clock()).astimezone().date()
        bind(tree, self._schema, today, document)
        return tree

    def _count(self, name: str) -> int | None:
        try:
            return self._store.filters.preview_saved(name, 0).count
        except FilterError:
            return None


def _obstacles(record: CampaignRecord, fits: bool, paused_list: str) -> list[str]:
    warnings = []
    if not fits:
        warnings.append("the campaign's filter does not find it, so it is not dialed")
    if paused_list:
        warnings.append(f"its list {paused_list!r} is paused; it is dialed when that is resumed")
    if record.status != "published":
        warnings.append("the campaign is not published; it will dial the lead when it is")
    return warnings
