"""Why a campaign dials nobody, or that it does.

The rule of this module: the causes are asked in the order in which they would stop a dial, and the
first that holds is the answer; all others are shown too, so that mending the first brings no
surprise.
"""

from collections.abc import Callable
from typing import Any

from dialer.errors import DialerError, NotFoundError
from dialer.flow.graph import Flow
from gateways.control import campaign_links as links
from gateways.control.campaign_links import Link
from gateways.control.campaign_lookup import CampaignLookup
from gateways.control.flow_check import check_flow
from gateways.control.live import Live
from gateways.control.site import Site
from gateways.control.verbs import verb
from gateways.store import CampaignRecord, Store, as_json


class ExplainCampaign:
    """The verb that explains a campaign. clock: seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        site: Site,
        live: Live | None,
        lookup: CampaignLookup,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._site = site
        self._live = live
        self._lookup = lookup
        self._clock = clock

    @verb("explain campaign")
    def campaign(self, campaign: str) -> dict[str, Any]:
        """Whether a campaign dials, else the first cause why not; the whole chain; its figures.

        cause: "" where it dials, else the name of a link of the chain. alarms: those of the
        campaign that are on.

        Raises:
            NotFoundError: there is no such campaign.
        """
        record = self._lookup.find(campaign)
        version = self._store.campaigns.version(record.campaign_id)
        checked = check_flow(version.flow, f"campaign {record.title!r}", self._site)
        states = self._store.campaigns.contact_states(record.campaign_id)
        report, trouble = self._report(record)
        chain = [links.status(record), links.daemon(self._live is not None, trouble)]
        chain += self._links(record, checked.flow, checked.faults, states, report)
        cause = next((link for link in chain if not link.ok), None)
        why = links.dialing(report) if cause is None else cause.says
        return {
            "campaign": as_json(record),
            "dialing": cause is None,
            "cause": cause.link if cause is not None else "",
            "why": why,
            "chain": as_json(tuple(chain)),
            "contacts": states,
            "outcomes": self._store.attempts.outcomes(record.campaign_id),
            "alarms": list((report or {}).get("alarms", ())),
            "report": as_json(report),
        }

    def _links(
        self,
        record: CampaignRecord,
        flow: Flow | None,
        faults: tuple[DialerError, ...],
        states: dict[str, int],
        report: dict[str, Any] | None,
    ) -> list[Link]:
        now = self._clock()
        panic = "panic stop" if self._site.panic_file.exists() else ""
        if self._live is not None:
            panic = str(self._live.status().get("panic") or panic)
        chain = [links.panic(panic), links.flow(faults)]
        if flow is None:
            return chain
        chain.append(links.window(flow, now))
        trouble = self._filter_trouble(record)
        paused = {} if trouble else self._paused_lists(record)
        chain.append(links.contacts(record, states, report, trouble, paused))
        if report is None or self._live is None:
            return chain
        trunks = {trunk["name"]: trunk for trunk in self._live.trunks()}
        return [
            *chain,
            links.rules(states, report),
            links.store(report),
            links.agents(flow, report),
            links.trunk(flow, report, trunks),
            links.caps(flow, report, trunks),
            links.pacing(flow, report),
        ]

    def _report(self, record: CampaignRecord) -> tuple[dict[str, Any] | None, str]:
        """The live report of a published campaign, or why there is none."""
        if self._live is None or record.status != "published":
            return None, ""
        try:
            report = self._live.campaign(record.campaign_id)
        except DialerError as error:
            return None, str(error)
        if not report:
            return None, "the daemon does not run it; see its log, then unpublish and publish it"
        return report, ""

    def _paused_lists(self, record: CampaignRecord) -> dict[str, int]:
        return self._store.lists.held_back(record.campaign_id, record.filter_name)

    def _filter_trouble(self, record: CampaignRecord) -> str:
        if not record.filter_name:
            return ""
        try:
            self._store.filters.preview_saved(record.filter_name, 0)
        except NotFoundError:
            return f"there is no filter {record.filter_name!r}; save it with filter save"
        except DialerError as error:
            return str(error)
        return ""
