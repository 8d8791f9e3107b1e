"""Loads the demo: its list, and its campaign, published."""

from itertools import islice
from pathlib import Path

from dialer.contact_csv import Accepted, read_contacts
from gateways.control.commands import Commands
from gateways.store import NewContact, Store


def load_demo(folder: Path, store: Store, commands: Commands, contacts: int | None) -> None:
    """contacts.csv and campaign.yaml of a folder, the list all due again, the campaign published.

    contacts: how many of the list; None for all.
    """
    with (folder / "contacts.csv").open("rb") as lines:
        rows = read_contacts(lines, commands.site.schema, "contacts.csv")
        accepted = (NewContact(r.key, r.attributes) for r in rows if isinstance(r, Accepted))
        for _ in store.contacts.import_all(islice(accepted, contacts)):
            pass
    flow = (folder / "campaign.yaml").read_text("utf-8")
    there = store.campaigns.list(status="published").items
    if there:
        campaign_id = there[0].campaign_id
        store.campaigns.move(campaign_id, "unpublish")
        store.campaigns.reset(campaign_id)
    else:
        campaign_id = commands.campaigns.create(flow, "campaign.yaml")["campaign_id"]
    commands.campaigns.publish(str(campaign_id))
