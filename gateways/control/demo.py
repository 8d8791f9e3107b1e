"""Loads the demo: its list, and its campaign, published."""

from pathlib import Path

from dialer.contact_csv import Accepted, read_contacts
from dialer.contacts import Schema
from gateways.control.commands import Commands
from gateways.store import NewContact, Store


def load_demo(folder: Path, store: Store, commands: Commands, schema: Schema) -> None:
    """contacts.csv and campaign.yaml of a folder, into a store that has neither."""
    with (folder / "contacts.csv").open("rb") as lines:
        rows = read_contacts(lines, schema, "contacts.csv")
        accepted = (NewContact(r.key, r.attributes) for r in rows if isinstance(r, Accepted))
        for _ in store.contacts.import_all(accepted):
            pass
    flow = (folder / "campaign.yaml").read_text("utf-8")
    campaign = commands.campaigns.create(flow, "campaign.yaml")
    commands.campaigns.publish(str(campaign["campaign_id"]))
