"""Every verb, in one place.

The rule of this module: the command line and the daemon's socket carry out the same commands; a
verb takes plain arguments, answers with plain data, and raises errors of `dialer.errors`.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from dialer.errors import ControlError
from gateways.control.agent_commands import AgentCommands
from gateways.control.campaign_commands import CampaignCommands
from gateways.control.campaign_lookup import CampaignLookup
from gateways.control.contact_commands import ContactCommands
from gateways.control.daemon_commands import DaemonCommands
from gateways.control.explain_campaign import ExplainCampaign
from gateways.control.explain_record import ExplainRecord
from gateways.control.list_commands import ListCommands
from gateways.control.live import Live
from gateways.control.site import Site
from gateways.control.verbs import Door, VerbTable, doors
from gateways.store import Store

DOORS = doors(
    CampaignCommands,
    ContactCommands,
    ListCommands,
    AgentCommands,
    DaemonCommands,
    ExplainRecord,
    ExplainCampaign,
)
"""Every verb, and where it is carried out."""


class Commands:
    """What may be asked of a dialer.

    live: the running daemon's actors; None where there is no daemon. clock: seconds since the
    epoch. The subjects (campaigns, contacts, ...) may be used directly.
    """

    def __init__(
        self,
        store: Store,
        site: Site,
        live: Live | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        lookup = CampaignLookup(store)
        self.site = site
        self._live = live
        self.campaigns = CampaignCommands(store, site, live, lookup)
        self.contacts = ContactCommands(store, site.schema, clock, lookup)
        self.lists = ListCommands(store)
        self.agents = AgentCommands(store, site, live, clock)
        self.daemon = DaemonCommands(site, live)
        self.record = ExplainRecord(store, site, lookup, clock)
        self.explain_campaign = ExplainCampaign(store, site, live, lookup, clock)
        self._table = VerbTable(
            self.campaigns,
            self.contacts,
            self.lists,
            self.agents,
            self.daemon,
            self.record,
            self.explain_campaign,
        )

    def call(self, verb: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out a verb of `DOORS`.

        Raises:
            InputError: there is no such verb, its arguments are not these, or what it says.
            ControlError: it needs a daemon, and here is none.
        """
        if self._live is None and DOORS.get(verb) is Door.DAEMON:
            raise ControlError("no daemon runs here")
        return self._table.call(verb, arguments)
