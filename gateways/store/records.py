"""What the store's readers return: frozen, and plain enough for JSON.

The rule of this module: a record is a copy; changing what it came from does not change it. Times
are seconds since the epoch, 0 for what never happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec.structs import asdict

from dialer.message import Message
from dialer.ports import AttributeValue

T = TypeVar("T")


class NewContact(NamedTuple):
    """A contact to import. key: its identity ("" for none), see `dialer.contacts.Schema.key_of`."""

    key: str
    attributes: Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import did. unchanged: contacts that were there with these very values."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        return ImportCounts(
            self.added + other.added,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
        )


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A contact. key: "" for none."""

    contact_id: int
    key: str
    attributes: Mapping[str, AttributeValue]
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class ListRecord:
    """A list of contacts. weight: contacts it gives for one of a list of weight 1."""

    list_id: int
    name: str
    weight: int
    paused: bool
    contacts: int
    created_at: float


@dataclass(frozen=True, slots=True)
class HotLead:
    """What became of a hot lead.

    added: the contact is new. state: where the campaign has it: "waiting", "claimed", "in_flight",
    "done" or "refused". ahead: it is dialed next; not so where it was dialed before.
    fits: the campaign's filter finds it; one that does not fit is not dialed while it does not.
    """

    contact_id: int
    added: bool
    state: str
    ahead: bool
    fits: bool


@dataclass(frozen=True, slots=True)
class CallbackRecord:
    """A call-back that was asked for. state: of the contact in the campaign, before it; "" if new.

    placed: it is owed now. Not so where the contact is held or on the line this moment.
    """

    contact_id: int
    campaign_id: int
    at: float
    agent_id: str
    state: str
    placed: bool
    fits: bool


@dataclass(frozen=True, slots=True)
class FilterRecord:
    """A saved contact filter. tree: plain data, as `dialer.filters` reads it."""

    name: str
    tree: Any
    revision: int
    created_at: float
    modified_at: float


@dataclass(frozen=True, slots=True)
class Preview:
    """How many contacts a filter finds, and the first of them."""

    count: int
    sample: tuple[ContactRecord, ...]


@dataclass(frozen=True, slots=True)
class CampaignRecord:
    """A campaign as lists show it.

    version: of the flow that it runs or would run. contacts: how many its filter finds now.
    """

    campaign_id: int
    title: str
    description: str
    status: str
    version: int
    filter_name: str
    created_at: float
    modified_at: float
    contacts: int


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version of a campaign's flow. flow: its YAML. published_at: 0 while it is a draft."""

    campaign_id: int
    version: int
    flow: str
    filter_name: str
    created_at: float
    published_at: float


@dataclass(frozen=True, slots=True)
class StandingRecord:
    """Where a contact stands in a campaign: for `explain contact`. callback_at: 0 for none."""

    campaign_id: int
    title: str
    state: str
    due_at: float
    resume_node: str
    attempts: int
    last_outcome: str
    reason: str
    callback_at: float = 0.0
    callback_agent: str = ""


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt. outcome: "" and settled_at: 0 while it is under way."""

    attempt_id: int
    campaign_id: int
    version: int
    contact_id: int
    node_id: str
    number: str
    trunk: str
    committed_at: float
    dialed_at: float
    ringing_at: float
    answered_at: float
    bridged_at: float
    ended_at: float
    settled_at: float
    outcome: str
    agent_id: str
    sip_status: int
    q850: int
    detail: str
    caller_id: str = ""
    disposition: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list. total: of the whole list. offset: how many came before this page."""

    items: tuple[T, ...]
    total: int
    offset: int


def as_json(record: Any) -> Any:
    """A record, or a collection of them, as data for `json.dumps`."""
    if is_dataclass(record) and not isinstance(record, type):
        return {field.name: as_json(getattr(record, field.name)) for field in fields(record)}
    if isinstance(record, Mapping):
        return {str(name): as_json(value) for name, value in record.items()}
    if isinstance(record, Message):
        return as_json(asdict(record))
    if isinstance(record, tuple) and hasattr(record, "_asdict"):
        return as_json(record._asdict())
    if isinstance(record, Sequence) and not isinstance(record, str):
        return [as_json(item) for item in record]
    return record
