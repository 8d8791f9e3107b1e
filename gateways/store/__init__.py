"""Contacts, campaigns and attempts in a database. Open one with `open_store`."""

from gateways.store.contact_store import SqlContactStore, StoreFigures
from gateways.store.contacts import IMPORT_BATCH
from gateways.store.lists import list_name
from gateways.store.records import (
    AttemptRecord,
    CampaignRecord,
    ContactRecord,
    FilterRecord,
    HotLead,
    ImportCounts,
    ListRecord,
    NewContact,
    Page,
    Preview,
    StandingRecord,
    VersionRecord,
    as_json,
)
from gateways.store.recovery import InterruptedAttempt, RecoveryReport
from gateways.store.store import Store, open_store

__all__ = [
    "IMPORT_BATCH",
    "AttemptRecord",
    "CampaignRecord",
    "ContactRecord",
    "FilterRecord",
    "HotLead",
    "ImportCounts",
    "InterruptedAttempt",
    "ListRecord",
    "NewContact",
    "Page",
    "Preview",
    "RecoveryReport",
    "SqlContactStore",
    "StandingRecord",
    "Store",
    "StoreFigures",
    "VersionRecord",
    "as_json",
    "list_name",
    "open_store",
]
