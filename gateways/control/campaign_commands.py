"""Campaigns: drawn, published, paused, ended.

The rule of this module: whatever can be wrong is found before anything changes; then the store
changes, then the daemon is told, and where the daemon cannot do it the store's change is undone.
So a running daemon keeps its last good state on any bad input.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dialer.campaign import next_status
from dialer.errors import DialerError, FlowError, InputError, LifecycleError
from dialer.flow.graph import Flow, refuse_missing_gateways
from gateways.control.campaign_lookup import CampaignLookup
from gateways.control.flow_check import check_flow
from gateways.control.live import Live
from gateways.control.paging import PER_PAGE, paged, span
from gateways.control.problems import raise_problems
from gateways.control.site import Site
from gateways.control.verbs import verb
from gateways.store import CampaignRecord, Store, as_json

log = logging.getLogger("foredial.control")


class CampaignCommands:
    """Verbs about campaigns. A campaign is named by its id or its exact title."""

    def __init__(self, store: Store, site: Site, live: Live | None, lookup: CampaignLookup) -> None:
        self._store = store
        self._site = site
        self._live = live
        self._lookup = lookup
        # A change and its undoing must not mix with another caller's.
        self._changing = threading.RLock()

    @verb("campaign create")
    def create(
        self, flow: str, source: str, title: str | None = None, description: str | None = None
    ) -> dict[str, Any]:
        """A new draft from a flow's YAML; source is what errors call the text.

        Raises:
            FlowError: the flow cannot run here. Its filter alone may come later: "warnings".
        """
        drawn, warnings = self._draft(flow, source)
        record = self._store.campaigns.create(
            drawn.title if title is None else title,
            flow,
            drawn.init.filter,
            drawn.definition.description if description is None else description,
        )
        return _told(record, warnings)

    @verb("campaign edit")
    def edit(
        self,
        campaign: str,
        flow: str | None = None,
        source: str = "",
        title: str | None = None,
        description: str | None = None,
    ) -> dict[str, Any]:
        """Change what is given. A published campaign runs a new flow at once, as a new version;
        calls under way finish on the old one. A title that came from the flow follows it.

        Raises:
            LifecycleError: the campaign is stopped, or it would be renamed while published.
            FlowError: as for create, and where it is published as for publish.
        """
        with self._changing:
            record = self._lookup.find(campaign)
            drawn: Flow | None = None
            warnings: list[str] = []
            if flow is not None:
                drawn, warnings = self._edited(record, flow, source)
                if title is None and self._old_flow_title(record) == record.title:
                    title = drawn.title
            _refuse_renaming(record, title)
            before = self._store.campaigns.version(record.campaign_id)
            changed = self._store.campaigns.edit(
                record.campaign_id,
                title,
                description,
                flow,
                drawn.init.filter if drawn is not None else "",
            )
            if drawn is not None and record.status == "published" and self._live is not None:
                with self._undone_by(
                    lambda: self._store.campaigns.edit(
                        record.campaign_id,
                        record.title,
                        record.description,
                        before.flow,
                        before.filter_name,
                    )
                ):
                    self._live.started(record.campaign_id)
            return _told(changed, warnings)

    @verb("campaign list")
    def list_campaigns(
        self, search: str = "", status: str = "", page: int = 1, per_page: int = PER_PAGE
    ) -> dict[str, Any]:
        """Campaigns, the newest first. search: words that are all in the title."""
        found = self._store.campaigns.list(search, status, *span(page, per_page))
        return paged(found, page, per_page)

    @verb("campaign show")
    def show(self, campaign: str) -> dict[str, Any]:
        """A campaign with its flow's YAML.

        Raises:
            NotFoundError: there is no such campaign.
        """
        record = self._lookup.find(campaign)
        return _told(record) | {"flow": self._store.campaigns.version(record.campaign_id).flow}

    @verb("campaign publish")
    def publish(self, campaign: str) -> dict[str, Any]:
        """Let a campaign dial.

        Raises:
            LifecycleError: its status does not allow it, or a published one has its title.
            FlowError: its flow cannot run here: a name is not there, or a gateway is missing.
        """
        with self._changing:
            record = self._lookup.find(campaign)
            next_status(record.title, record.status, "publish")
            self._refuse_twin(record)
            text = self._store.campaigns.version(record.campaign_id).flow
            drawn = self._publishable(text, f"campaign {record.title!r}")
            published = self._store.campaigns.move(record.campaign_id, "publish")
            if self._live is not None:
                with self._undone_by(
                    lambda: self._store.campaigns.move(record.campaign_id, "unpublish")
                ):
                    self._live.started(record.campaign_id)
            warnings = []
            if not published.contacts:
                who = f"filter {drawn.init.filter!r} finds" if drawn.init.filter else "there is"
                warnings.append(f"{who} no contact yet")
            if self._live is None:
                warnings.append("no daemon runs; it will dial when one is started")
            return _told(published, warnings)

    @verb("campaign unpublish")
    def unpublish(self, campaign: str) -> dict[str, Any]:
        """Pause a campaign: no new dials, live calls finish.

        Raises:
            LifecycleError: it is not published.
        """
        with self._changing:
            record = self._lookup.find(campaign)
            return _told(self._pause(record, final=False))

    @verb("campaign stop")
    def stop(self, campaign: str) -> dict[str, Any]:
        """End a campaign for good; live calls finish.

        Raises:
            LifecycleError: it has been stopped before.
        """
        with self._changing:
            record = self._lookup.find(campaign)
            next_status(record.title, record.status, "stop")
            # What is stopped stays stopped, so a daemon that fails must fail before.
            if record.status == "published":
                self._pause(record, final=True)
            elif self._live is not None:
                self._live.paused(record.campaign_id, True)
            return _told(self._store.campaigns.move(record.campaign_id, "stop"))

    @verb("campaign clone")
    def clone(self, campaign: str, title: str = "") -> dict[str, Any]:
        """A new draft with the same flow, which has touched no contact yet.

        Raises:
            NotFoundError: there is no such campaign.
        """
        record = self._lookup.find(campaign)
        return _told(self._store.campaigns.clone(record.campaign_id, title))

    @verb("campaign reset")
    def reset(self, campaign: str) -> dict[str, Any]:
        """Give a paused campaign's contacts back, to be dialed as if for the first time.

        Their attempts stay on record. Contacts on a call now are left alone.

        Raises:
            LifecycleError: it is published or stopped.
        """
        with self._changing:
            record = self._lookup.find(campaign)
            contacts = self._store.campaigns.reset(record.campaign_id)
            return _told(record) | {"contacts_given_back": contacts}

    @verb("campaign delete")
    def delete(self, campaign: str) -> dict[str, Any]:
        """Delete a campaign that is not published; its attempts stay on record.

        Raises:
            LifecycleError: it is published, or has calls under way.
        """
        with self._changing:
            record = self._lookup.find(campaign)
            self._store.campaigns.delete(record.campaign_id)
            if self._live is not None:
                # Unpublished as it was, the daemon may still know it.
                self._live.paused(record.campaign_id, True)
            return _told(record) | {"deleted": True}

    # --- checks -------------------------------------------------------------------------------

    def _draft(self, text: str, source: str) -> tuple[Flow, list[str]]:
        """A flow that may be kept as a draft, and what would keep it from being published."""
        checked = check_flow(text, source, self._site, self._filter_fault)
        raise_problems(checked.faults)
        assert checked.flow is not None
        warnings = [str(checked.unsaved)] if checked.unsaved is not None else []
        warnings += map(str, checked.warnings)
        try:
            refuse_missing_gateways(checked.flow, self._site.gateways)
        except FlowError as error:
            warnings.append(str(error))
        return checked.flow, warnings

    def _publishable(self, text: str, source: str) -> Flow:
        checked = check_flow(text, source, self._site, self._filter_fault)
        faults = [*checked.faults]
        if checked.unsaved is not None:
            faults.append(checked.unsaved)
        raise_problems(faults)
        assert checked.flow is not None
        refuse_missing_gateways(checked.flow, self._site.gateways)
        return checked.flow

    def _edited(self, record: CampaignRecord, text: str, source: str) -> tuple[Flow, list[str]]:
        if record.status == "published":
            return self._publishable(text, source), []
        return self._draft(text, source)

    def _filter_fault(self, name: str) -> InputError | None:
        try:
            self._store.filters.preview_saved(name, 0)
        except InputError as error:
            return error
        return None

    def _refuse_twin(self, record: CampaignRecord) -> None:
        """Titles label metrics: two published campaigns must not share one."""
        for other in self._lookup.titled(record.title):
            if other.status == "published" and other.campaign_id != record.campaign_id:
                raise LifecycleError(
                    f"campaign {record.campaign_id}",
                    f"campaign {other.campaign_id} is published under the same title",
                    "rename one with campaign edit --title",
                )

    def _old_flow_title(self, record: CampaignRecord) -> str:
        checked = check_flow(self._store.campaigns.version(record.campaign_id).flow, "")
        return checked.flow.title if checked.flow is not None else ""

    # --- changes ------------------------------------------------------------------------------

    def _pause(self, record: CampaignRecord, final: bool) -> CampaignRecord:
        paused = self._store.campaigns.move(record.campaign_id, "unpublish")
        if self._live is not None:
            with self._undone_by(lambda: self._store.campaigns.move(record.campaign_id, "publish")):
                self._live.paused(record.campaign_id, final)
        return paused

    @contextmanager
    def _undone_by(self, undo: Callable[[], object]) -> Iterator[None]:
        """Undo the store's change where the daemon cannot follow it."""
        try:
            yield
        except Exception:
            try:
                undo()
            except DialerError:
                log.exception("the store's change could not be undone")
            raise


def _refuse_renaming(record: CampaignRecord, title: str | None) -> None:
    if title is not None and title != record.title and record.status == "published":
        raise LifecycleError(
            f"campaign {record.title!r}",
            "cannot be renamed while published, as its title labels metrics",
            "unpublish it first, or give --title with the present one",
        )


def _told(record: CampaignRecord, warnings: list[str] | None = None) -> dict[str, Any]:
    data: dict[str, Any] = as_json(record)
    return data | {"warnings": warnings} if warnings is not None else data
