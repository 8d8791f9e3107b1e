"""Keeps `dialer_campaign_contacts` and `dialer_callbacks` true.

The rule of this module: it counts what the database says, not what actors believe.
"""

from collections.abc import Mapping

from dialer.metrics import Metrics
from gateways.store.store import Store


def count_contacts(
    store: Store, metrics: Metrics, campaigns: Mapping[int, str], now: float
) -> None:
    """Set the gauges of these campaigns (id -> title). now: epoch seconds."""
    for campaign_id, title in campaigns.items():
        states = store.campaigns.contact_states(campaign_id)
        states["claimed"] = states.get("claimed", 0) + states.pop("in_flight", 0)
        total = store.campaigns.get(campaign_id).contacts
        # Contacts that the campaign has not touched have no state in the database: they are due.
        states["due"] = states.get("due", 0) + max(0, total - sum(states.values()))
        for state, cell in metrics.gauges("dialer_campaign_contacts", campaign=title).items():
            cell.set(states.get(state, 0))
        owed = store.callbacks.owed(campaign_id, now)
        for state, cell in metrics.gauges("dialer_callbacks", campaign=title).items():
            cell.set(owed[state])
