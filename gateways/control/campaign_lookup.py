"""Finding the campaign that a person means.

The rule of this module: an id or the exact title names a campaign; a title that several have names
none of them.
"""

from collections.abc import Iterator

from dialer.errors import NotFoundError
from gateways.control.problems import meant
from gateways.store import CampaignRecord, Store

_PAGE = 200


class CampaignLookup:
    """Campaigns by id or title."""

    def __init__(self, store: Store) -> None:
        self._campaigns = store.campaigns

    def find(self, name: str) -> CampaignRecord:
        """A campaign by its id, or by its exact title.

        Raises:
            NotFoundError: there is none, or several have that title.
        """
        name = name.strip()
        if name.isascii() and name.isdigit() and len(name) < 19:
            try:
                return self._campaigns.get(int(name))
            except NotFoundError:
                pass  # a title may be a number
        found = list(self.titled(name))
        if not found:
            mend = meant(name, self._titles(), "see campaign list")
            raise NotFoundError(f"campaign {name!r}", "there is none", mend)
        if len(found) > 1:
            ids = ", ".join(str(record.campaign_id) for record in found)
            raise NotFoundError(
                f"campaign {name!r}", "several have that title", f"give one id: {ids}"
            )
        return found[0]

    def titled(self, title: str) -> Iterator[CampaignRecord]:
        """Campaigns with exactly this title."""
        offset = 0
        while True:
            page = self._campaigns.list(title, offset=offset, limit=_PAGE)
            yield from (record for record in page.items if record.title == title)
            offset += _PAGE
            if offset >= page.total:
                return

    def _titles(self) -> list[str]:
        return [record.title for record in self._campaigns.list(limit=_PAGE).items]
