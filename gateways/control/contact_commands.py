"""Contacts and filters: what may be asked about them.

The rule of this module: a filter is saved only when it fits the declared attributes, and whoever
saves one is told how many contacts it finds.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from dialer.contacts import Schema
from dialer.documents import Document
from dialer.errors import FilterError
from dialer.filter_tree import Filter, parse_filter
from dialer.filters import bind
from gateways.control.paging import PER_PAGE, paged, span
from gateways.control.verbs import verb
from gateways.store import Store, as_json

SAMPLE = 10


class ContactCommands:
    """Verbs about contacts and their filters."""

    def __init__(self, store: Store, schema: Schema, clock: Callable[[], float]) -> None:
        self._store = store
        self._schema = schema
        self._clock = clock

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
