"""The ledger's records: what was decided and what happened, enough to explain every dial.

The rule of this module: a record holds facts of its moment (states, inputs, reasons) and contact
ids only, never a number or a name, so a customer can be erased while the record of calls stands.
The same run with the same seed encodes to the same bytes: nothing of the wall clock, of a path or
of set order gets in.

Form: a stream of msgpack arrays `[kind, field, ...]` (https://msgpack.org), opened by a header
`["foredial-journal", version]`. Fields are only ever added, at the end and with a default; so a
reader takes what it knows of a longer record, and fills in a shorter one.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgpack
import msgspec

from dialer.errors import InputError
from dialer.message import Message

VERSION = 1
MAGIC = "foredial-journal"

_READ_BYTES = 1 << 16


class Pulse(Message, tag="pulse"):
    """A campaign decided how many contacts to dial.

    inputs: what the decision was made from, as (name, value). value: what the pacing figure
    came to. clamps: names of the limits that cut it, in order. dials: contacts released.
    reason: why it came to that, in the words of `explain pulse`. unchanged: decisions between the
    record before and this one that came to the same as the former, and so are not recorded.
    """

    campaign_id: int
    at: float
    inputs: tuple[tuple[str, float], ...] = ()
    value: float = 0.0
    clamps: tuple[str, ...] = ()
    dials: int = 0
    reason: str = ""
    unchanged: int = 0

    @property
    def pulse_id(self) -> str:
        """What `explain pulse` takes: the campaign and the moment in milliseconds."""
        return f"{self.campaign_id}-{round(self.at * 1000)}"


class CallMoved(Message, tag="call"):
    """An attempt entered a state of `dialer.calls`; not "ended", since "settled" comes with it.

    detail: of "bridged" the agent; of "settled" the outcome.
    """

    attempt_id: int
    contact_id: int
    campaign_id: int
    at: float
    state: str
    detail: str = ""


class CallScored(Message, tag="score"):
    """An attempt's answer score, P(a person answers), when it was chosen to be dialed.

    best: it was the likeliest of those at hand, else the unlikeliest.
    """

    attempt_id: int
    contact_id: int
    campaign_id: int
    at: float
    score: float
    best: bool = True


class AgentMoved(Message, tag="agent"):
    """An agent went from one state of `dialer.agents` to another."""

    agent_id: str
    at: float
    from_state: str
    to_state: str
    reason: str = ""


class ContactSkipped(Message, tag="skip"):
    """A contact was due and was not dialed, and why."""

    contact_id: int
    campaign_id: int
    at: float
    reason: str


class CallDisposed(Message, tag="disposition"):
    """An agent said what came of an attempt. callback_at: 0 where no call was promised."""

    attempt_id: int
    contact_id: int
    campaign_id: int
    at: float
    agent_id: str
    disposition: str
    callback_at: float = 0.0


class CampaignMoved(Message, tag="campaign"):
    """A campaign entered a status of `dialer.campaign`."""

    campaign_id: int
    at: float
    status: str


class Sampled(Message, tag="sample"):
    """Values of series at one moment, as (series, value).

    whole: these are all; else those that changed since the record before.
    """

    at: float
    series: tuple[tuple[str, float], ...] = ()
    whole: bool = True


class DaemonStarted(Message, tag="start"):
    """The daemon began; what came before it may have ended in a crash."""

    at: float
    version: str


class DaemonStopped(Message, tag="stop"):
    """The daemon ended in order."""

    at: float
    version: str


class Simulated(Message, tag="simulation"):
    """What follows was simulated, from this case (JSON) and this seed, with these versions.

    It opens the journal of a simulated day and is no part of its digest.
    """

    at: float
    seed: int
    case: str
    versions: tuple[tuple[str, str], ...] = ()


Record = (
    Pulse
    | CallMoved
    | AgentMoved
    | ContactSkipped
    | CampaignMoved
    | Sampled
    | DaemonStarted
    | DaemonStopped
    | Simulated
    | CallDisposed
    | CallScored
)

KINDS: dict[str, type[Record]] = {
    "pulse": Pulse,
    "call": CallMoved,
    "agent": AgentMoved,
    "skip": ContactSkipped,
    "campaign": CampaignMoved,
    "sample": Sampled,
    "start": DaemonStarted,
    "stop": DaemonStopped,
    "simulation": Simulated,
    "disposition": CallDisposed,
    "score": CallScored,
}
"""Record types by the kind that stands first in each encoded record."""

_RECORDS = frozenset(KINDS.values())
_FEWEST: dict[str, int] = {
    kind: len(record_type.__struct_fields__) - len(record_type.__struct_defaults__)
    for kind, record_type in KINDS.items()
}
_ENCODER = msgspec.msgpack.Encoder()
_SHORT_ARRAY, _LONG_ARRAY = 1 << 4, 1 << 16


def parse_pulse_id(text: str) -> tuple[int, int]:
    """The campaign id and the moment in milliseconds of a pulse id.

    Raises:
        InputError: it is not a pulse id.
    """
    campaign, _, moment = text.partition("-")
    if not (campaign.isdecimal() and moment.isdecimal()):
        raise InputError(
            f"pulse {text!r}",
            "not a pulse id",
            "write it as CAMPAIGN-MILLISECONDS: 3-1767225600000",
        )
    return int(campaign), int(moment)


def header() -> bytes:
    """What a segment begins with."""
    packed: bytes = msgpack.packb((MAGIC, VERSION))
    return packed


def encode(record: Message) -> bytes:
    """One record as bytes.

    Raises:
        TypeError: not a record, or a field that msgpack cannot hold: a bug of ours.
    """
    return bytes(encode_all((record,)))


def encode_all(records: Sequence[Message]) -> memoryview:
    """Many records as bytes, as `encode` makes them one after the other."""
    others = set(map(type, records)) - _RECORDS
    if others:
        raise TypeError(f"not a journal record: {others.pop().__name__}")
    # They are encoded as one array, whose head is then cut off.
    head = 1 if len(records) < _SHORT_ARRAY else 3 if len(records) < _LONG_ARRAY else 5
    return memoryview(_ENCODER.encode(records))[head:]


class Readable(Protocol):
    """What bytes can be read from: an open file, or anything with its `read`."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(slots=True)
class Tally:
    """What a reading met.

    records: those handed out. unknown: records of a kind this version does not know, too short,
    or without a time. damaged: streams that end in a torn record or hold what is none; reading
    such a stream stops there. newer: streams of a later version, which are not read at all.
    """

    records: int = 0
    unknown: int = 0
    damaged: int = 0
    newer: int = 0


def decode(stream: Readable, tally: Tally | None = None) -> Iterator[Record]:
    """The records of one stream, in order; the torn tail of a killed daemon ends it quietly."""
    tally = tally if tally is not None else Tally()
    # Tuples all through, so what is read equals what was written.
    unpacker = msgpack.Unpacker(use_list=False)
    fed = whole = 0
    try:
        while chunk := stream.read(_READ_BYTES):
            unpacker.feed(chunk)
            fed += len(chunk)
            for item in unpacker:
                whole = unpacker.tell()
                if not isinstance(item, tuple) or not item or not isinstance(item[0], str):
                    tally.damaged += 1
                    return
                if item[0] == MAGIC:
                    if item[1:] != (VERSION,):
                        tally.newer += 1
                        return
                    continue
                record = _record(item)
                if record is None:
                    tally.unknown += 1
                else:
                    tally.records += 1
                    yield record
    except (ValueError, msgpack.UnpackException):
        # Not msgpack from here on: what a disk leaves behind after a power cut.
        tally.damaged += 1
        return
    if whole < fed:
        tally.damaged += 1


def _record(item: tuple[Any, ...]) -> Record | None:
    record_type = KINDS.get(item[0])
    if record_type is None or len(item) - 1 < _FEWEST[item[0]]:
        return None
    record = record_type(*item[1 : 1 + len(record_type.__struct_fields__)])
    return record if isinstance(record.at, (int, float)) else None


class Digest:
    """A journal that keeps only the SHA-256 of what it was given: same seed, same digest.

    Segment headers are not part of it. It is a `dialer.ports.Journal`.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.records = 0

    def append(self, record: Message) -> None:
        self.extend((record,))

    def extend(self, records: Sequence[Message]) -> None:
        """Many at once, which costs half."""
        self._hash.update(encode_all(records))
        self.records += len(records)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
