"""What the daemon and the relay worker say to each other: typed, frozen, one msgpack array each.

The rule of this module: every message that crosses the process border is declared here, and
both sides know it by its place in one list. Commands are carried out in the order given; a token
names what the daemon wants to hear the end of.
"""

from typing import NamedTuple

import msgpack

from dialer.errors import MediaError

NO_EVENTS = -1
"""The `event_payload_type` of a far end that takes no telephone events (RFC 4733)."""


class OpenLeg(NamedTuple):
    """Bind a leg to a UDP port (even; the port above it is taken too)."""

    leg_id: str
    port: int


class SetRemote(NamedTuple):
    """Where a leg's far end is, as its SDP says, and what it takes.

    payload_type: 0 PCMU or 8 PCMA. event_payload_type: of telephone events, or NO_EVENTS.
    send: False while the far end does not want audio (hold).
    """

    leg_id: str
    host: str
    port: int
    payload_type: int
    event_payload_type: int
    send: bool


class Bridge(NamedTuple):
    """Let two legs hear each other, and nobody else; brings `BridgeDone`."""

    token: int
    leg_a: str
    leg_b: str


class Unbridge(NamedTuple):
    """Part a leg from its peer; both hear silence."""

    leg_id: str


class Play(NamedTuple):
    """Play a prompt to a leg, instead of what it hears now; brings `PlayDone`."""

    token: int
    leg_id: str
    prompt: str


class ListenForKeys(NamedTuple):
    """Tell of the keys that a leg's far end presses; brings `KeyPressed` for each."""

    leg_id: str


class CloseLeg(NamedTuple):
    """Give a leg's port back; brings `LegClosed`, whether or not the leg was open."""

    leg_id: str
    port: int


class Shutdown(NamedTuple):
    """End the worker."""


class Ready(NamedTuple):
    """The worker has started."""

    pid: int


class BindFailed(NamedTuple):
    """A leg could not be opened: its port is not to be had."""

    leg_id: str
    port: int
    reason: str


class LegClosed(NamedTuple):
    """A leg's port is free again."""

    leg_id: str
    port: int


class BridgeDone(NamedTuple):
    """The worker has switched; reason: "" or why it could not."""

    token: int
    reason: str


class PlayDone(NamedTuple):
    """A prompt has ended; reason: "" when it was played to its end, else why not."""

    token: int
    reason: str


class KeyPressed(NamedTuple):
    """The far end of a leg pressed a key."""

    leg_id: str
    key: str


class Report(NamedTuple):
    """What the worker has done since it started. Sent every second: it is the heartbeat too.

    late_mean_s, late_max_s: how late the 20 ms tick came, since the report before.
    cpu_s: processor time of the whole process.
    """

    legs: int
    packets_in: int
    packets_out: int
    packets_dropped: int
    send_failures: int
    late_mean_s: float
    late_max_s: float
    cpu_s: float


Command = OpenLeg | SetRemote | Bridge | Unbridge | Play | ListenForKeys | CloseLeg | Shutdown
Event = Ready | BindFailed | LegClosed | BridgeDone | PlayDone | KeyPressed | Report
Message = Command | Event

_TYPES: tuple[type[Message], ...] = (
    OpenLeg,
    SetRemote,
    Bridge,
    Unbridge,
    Play,
    CloseLeg,
    Shutdown,
    Ready,
    BindFailed,
    LegClosed,
    BridgeDone,
    PlayDone,
    Report,
    ListenForKeys,
    KeyPressed,
)
_TAGS = {kind: tag for tag, kind in enumerate(_TYPES)}


def encode(message: Message) -> bytes:
    """One message as bytes."""
    packed: bytes = msgpack.packb((_TAGS[type(message)], *message))
    return packed


def decode(data: bytes) -> Message:
    """The message in these bytes.

    Raises MediaError for bytes that are no message: the two sides differ in version.
    """
    try:
        tag, *fields = msgpack.unpackb(data)
        message: Message = _TYPES[tag](*fields)
    except (ValueError, TypeError, IndexError, msgpack.UnpackException) as error:
        raise MediaError(f"not a message of the audio relay: {data[:40]!r} ({error})") from error
    return message
