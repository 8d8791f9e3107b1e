"""Session descriptions: our offer, our answer, and what the other side's says.

The rule of this module: G.711 or nothing. One audio stream over RTP/AVP, PCMU and PCMA by their
static numbers, telephone-event by whatever number it is mapped to; every other stream is refused
with port 0. Source: RFC 4566, RFC 3264, RFC 3551, RFC 4733.
"""

import ipaddress
import os
from collections.abc import Sequence
from typing import NamedTuple

from gateways.sip.headers import MalformedError, read_number

PCMU = 0
PCMA = 8
NAMES = {PCMU: "PCMU", PCMA: "PCMA"}
TELEPHONE_EVENT = 101
MIRROR = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
"""The direction of an answer to each direction of an offer (RFC 3264 section 6.1)."""


class Stream(NamedTuple):
    """One m= line with what applies to it.

    formats: payload types in the order of preference. codecs: payload type -> "NAME/RATE".
    """

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    host: str
    direction: str
    codecs: dict[str, str]


class Audio(NamedTuple):
    """The usable audio of a description.

    direction: seen from its writer. event_type: the payload type of telephone-event, -1 for none.
    held: its writer wants to hear nothing (inactive, sendonly, or the address 0.0.0.0).
    """

    host: str
    port: int
    payload_type: int
    direction: str
    event_type: int

    @property
    def held(self) -> bool:
        return self.direction in ("sendonly", "inactive") or self.host in ("0.0.0.0", "::")


class Description(NamedTuple):
    """A description that was read: its streams and the version of its origin line."""

    streams: tuple[Stream, ...]
    origin: str

    def audio(self, codecs: Sequence[int]) -> Audio | None:
        """The first audio stream that we can speak, None if there is none.

        codecs: our payload types. The writer's order decides among those that we have.
        """
        for stream in self.streams:
            found = _audio(stream, codecs)
            if found is not None:
                return found
        return None


def _audio(stream: Stream, codecs: Sequence[int]) -> Audio | None:
    if stream.kind != "audio" or not stream.port or not stream.host:
        return None
    if stream.protocol not in ("RTP/AVP", "RTP/AVPF"):
        return None
    ours = {f"{NAMES[codec]}/8000": codec for codec in codecs}
    payload_type = event_type = -1
    for number in stream.formats:
        name = stream.codecs.get(number, "")
        if not name and number.isdigit() and int(number) in NAMES:
            name = f"{NAMES[int(number)]}/8000"
        if name == "TELEPHONE-EVENT/8000" and event_type < 0:
            event_type = int(number)
        elif payload_type < 0 and name in ours and number == str(ours[name]):
            payload_type = ours[name]
    if payload_type < 0:
        return None
    return Audio(stream.host, stream.port, payload_type, stream.direction, event_type)


def read_sdp(body: bytes) -> Description:
    """Read a description; MalformedError when no line of it makes sense."""
    session_host = ""
    session_direction = "sendrecv"
    origin = ""
    streams: list[Stream] = []
    text = body.decode("utf-8", "replace").replace("\r\n", "\n")
    if not text.startswith("v="):
        raise MalformedError("a session description that does not begin with v=")
    for line in text.split("\n"):
        kind, equals, value = line.strip().partition("=")
        if not equals:
            continue
        if kind == "o":
            origin = value
        elif kind == "m":
            streams.append(_read_media(value, session_host, session_direction))
        elif streams:
            streams[-1] = _with_line(streams[-1], kind, value)
        elif kind == "c":
            session_host = _read_host(value)
        elif kind == "a" and value in MIRROR:
            session_direction = value
    if not streams:
        raise MalformedError("a session description without a stream")
    return Description(tuple(streams), origin)


def _with_line(stream: Stream, kind: str, value: str) -> Stream:
    """The stream with what a line below its m= line says."""
    if kind == "c":
        return stream._replace(host=_read_host(value))
    if kind == "a" and value in MIRROR:
        return stream._replace(direction=value)
    if kind == "a" and value.startswith("rtpmap:"):
        number, _, codec = value[7:].partition(" ")
        stream.codecs.setdefault(number.strip(), "/".join(codec.strip().upper().split("/")[:2]))
    return stream


def _read_media(value: str, host: str, direction: str) -> Stream:
    words = value.split()
    if len(words) < 4:
        raise MalformedError(f"a stream that lacks something: {value[:60]!r}")
    port = read_number(words[1].partition("/")[0], 65535, "a stream's port")
    formats = tuple(words[3:])
    if words[2].startswith("RTP/") and not all(w.isascii() and w.isdigit() for w in formats):
        raise MalformedError(f"a payload type that is no number: {value[:60]!r}")
    return Stream(words[0].lower(), port, words[2].upper(), formats, host, direction, {})


def _read_host(value: str) -> str:
    words = value.split()
    if len(words) < 3:
        raise MalformedError(f"a connection line that lacks something: {value[:60]!r}")
    host = words[2].partition("/")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        # RFC 4566 allows a name here; no carrier sends one and resolving it would block.
        raise MalformedError(f"a connection address that is no IP address: {host[:60]!r}") from None


class Speaker:
    """Writes the descriptions of one leg: one session id, a version that counts changes.

    host, port: where we hear. codecs: our payload types in the order of preference.
    """

    def __init__(self, host: str, port: int, codecs: Sequence[int]) -> None:
        self.host = host
        self.port = port
        self.codecs = tuple(codecs)
        self._session_id = int.from_bytes(os.urandom(6), "big")
        self._version = 0
        self._written = b""

    def offer(self) -> bytes:
        """A full offer."""
        formats = [*self.codecs, TELEPHONE_EVENT]
        return self._write([self._audio_lines(formats, TELEPHONE_EVENT, "sendrecv")])

    def answer(self, offer: Description, audio: Audio) -> bytes:
        """An answer to an offer whose usable audio is `audio`; its other streams are refused."""
        media: list[list[str]] = []
        taken = False
        for stream in offer.streams:
            if not taken and _audio(stream, self.codecs) == audio:
                taken = True
                formats = [audio.payload_type]
                if audio.event_type >= 0:
                    formats.append(audio.event_type)
                media.append(self._audio_lines(formats, audio.event_type, MIRROR[audio.direction]))
            else:
                media.append([f"m={stream.kind} 0 {stream.protocol} {' '.join(stream.formats)}"])
        return self._write(media)

    def _audio_lines(self, formats: Sequence[int], event_type: int, direction: str) -> list[str]:
        lines = [f"m=audio {self.port} RTP/AVP {' '.join(map(str, formats))}"]
        for number in formats:
            if number == event_type:
                lines += [f"a=rtpmap:{number} telephone-event/8000", f"a=fmtp:{number} 0-16"]
            else:
                lines.append(f"a=rtpmap:{number} {NAMES[number]}/8000")
        return [*lines, "a=ptime:20", f"a={direction}"]

    def _write(self, media: list[list[str]]) -> bytes:
        family = "IP6" if ":" in self.host else "IP4"
        tail = "".join(f"{line}\r\n" for lines in media for line in lines).encode()
        if tail != self._written:
            # The version rises when the description changes, and only then (RFC 3264, 8).
            self._version += 1
            self._written = tail
        head = (
            f"v=0\r\no=foredial {self._session_id} {self._version} IN {family} {self.host}\r\n"
            f"s=-\r\nc=IN {family} {self.host}\r\nt=0 0\r\n"
        )
        return head.encode() + tail
