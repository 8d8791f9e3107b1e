"""A SIP message as it was received, over pyVoIP's SIPMessage.

The rule of this module: headers are brought to one form (long names, one line each, single
spaces, a mandatory set that is complete) before pyVoIP's parser sees any of them, so what it
cannot stand never reaches it. Whatever comes in, the only error that goes out is MalformedError.
Source: RFC 3261 sections 7, 8.1.1 and 18.3.
"""

import re
from typing import Any

from gateways.sip.headers import (
    MalformedError,
    NameAddr,
    Via,
    canonical,
    is_token,
    read_name_addr,
    read_number,
    read_via,
    split_list,
)
from gateways.sip.pyvoip_layer import SIPMessage, SIPMessageType, SIPStatus

MAX_HEADERS = 256
_FOLD = re.compile(r"\r?\n[ \t]+")
_MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")
_SINGLE = frozenset(_MANDATORY[1:]) | {"Content-Length", "Content-Type", "Max-Forwards"}


def is_keep_alive(data: bytes) -> bool:
    """Whether a datagram only keeps a NAT binding open (RFC 5626 section 3.5.1, and zeros)."""
    return not data.strip(b"\r\n\x00 ")


class Message(SIPMessage):  # type: ignore[misc]
    """A request or a response.

    `headers` has the shape that pyVoIP gives it; `fields` are all header lines in order, names
    canonical. method is "" in a response, status is 0 in a request. body: bytes after the blank
    line, cut to Content-Length.
    """

    fields: list[tuple[str, str]]
    content: bytes
    method: str
    uri: str
    status_code: int
    reason: str
    call_id: str
    cseq: int
    cseq_method: str
    via: Via
    sender: NameAddr
    recipient: NameAddr

    def parse(self, data: bytes) -> None:
        """Called by pyVoIP's constructor."""
        head, self.content = _split(data)
        lines = head.split("\n")
        self.heading = lines[0].encode("utf-8", "surrogateescape")
        self._read_heading(lines[0])
        self._read_fields(lines[1:])
        self._read_headers()
        length = self.first("Content-Length")
        if length:
            wanted = read_number(length, 1 << 20, "Content-Length")
            if wanted > len(self.content):
                raise MalformedError(f"the body has {len(self.content)} bytes of {wanted}")
            self.content = self.content[:wanted]

    def _read_heading(self, line: str) -> None:
        first, _, rest = line.partition(" ")
        if first.upper() == "SIP/2.0":
            self.type = SIPMessageType.RESPONSE
            code, _, self.reason = rest.strip().partition(" ")
            if not (len(code) == 3 and code.isascii() and code.isdigit() and "1" <= code[0] <= "6"):
                raise MalformedError(f"not a status line: {line[:60]!r}")
            self.status_code = int(code)
            self.status = known_status(self.status_code)
            self.method = self.uri = ""
            self.version = "SIP/2.0"
            return
        self.uri, _, version = rest.strip().rpartition(" ")
        self.uri = self.uri.strip()
        if version.upper() != "SIP/2.0" or not is_token(first) or not self.uri or " " in self.uri:
            raise MalformedError(f"neither a SIP/2.0 request nor a response: {line[:60]!r}")
        self.type = SIPMessageType.MESSAGE
        self.method = first
        self.version = "SIP/2.0"
        self.status_code = 0
        self.reason = ""

    def _read_fields(self, lines: list[str]) -> None:
        if len(lines) > MAX_HEADERS:
            raise MalformedError(f"more than {MAX_HEADERS} headers")
        self.fields = []
        seen: set[str] = set()
        for line in lines:
            if not line.strip():
                continue
            name, colon, value = line.partition(":")
            name = canonical(name)
            if not colon or not is_token(name):
                raise MalformedError(f"not a header: {line[:60]!r}")
            if name in _SINGLE and name in seen:
                raise MalformedError(f"{name} stands twice")
            seen.add(name)
            if name == "Via" and "," in value:
                self.fields += [(name, via) for via in split_list(value)]
            else:
                self.fields.append((name, value.strip()))
        for name in _MANDATORY:
            if name not in seen:
                raise MalformedError(f"{name} is missing")

    def _read_headers(self) -> None:
        for name, value in self.fields:
            if name not in self.headers or name == "Via":
                self.parse_header(name, value)
        self.call_id = self.headers["Call-ID"]
        if not self.call_id or " " in self.call_id:
            raise MalformedError("an unusable Call-ID")
        if not self.method and self.cseq_method == "":
            raise MalformedError("CSeq without a method")
        if self.method and self.method != self.cseq_method:
            raise MalformedError(f"CSeq says {self.cseq_method!r}, not {self.method!r}")
        self.via = read_via(self.first("Via"))

    def parse_header(self, header: str, data: Any) -> None:
        """One header of one form. What pyVoIP reads rightly it reads; the rest is read here.

        It loses a branch that holds an equals sign, the port of an IPv6 address and a tag that
        has a neighbour, and fails on a tel URI and on quoted commas; these are ours.
        """
        if header == "Via":
            self.headers["Via"].append(data)
        elif header in ("From", "To"):
            address = read_name_addr(data)
            self.headers[header] = {
                "raw": address.text,
                "tag": address.params.get("tag", ""),
                "address": address.uri.partition(":")[2],
                "number": address.uri.partition(":")[2].partition("@")[0],
                "caller": address.display,
                "host": address.uri.partition("@")[2],
            }
            if header == "From":
                self.sender = address
            else:
                self.recipient = address
        elif header == "CSeq":
            number, _, method = data.strip().partition(" ")
            self.cseq = read_number(number, (1 << 31) - 1, "CSeq")
            self.cseq_method = method.strip()
            super().parse_header(header, f"{self.cseq} {self.cseq_method}")
        elif header == "Content-Length" or header.endswith(("Authenticate", "Authorization")):
            self.headers[header] = data
        else:
            super().parse_header(header, data)

    def first(self, name: str) -> str:
        """The first value of a header, "" when it is missing."""
        for field, value in self.fields:
            if field == name:
                return value
        return ""

    def every(self, name: str) -> list[str]:
        """All values of a header that may be a list, over all its lines, in order."""
        values = [value for field, value in self.fields if field == name]
        if len(values) == 1 and "," not in values[0]:
            return values
        return [part for value in values for part in split_list(value)]

    def tokens(self, name: str) -> frozenset[str]:
        """The values of a header of tokens (Supported, Require), in lower case."""
        return frozenset(part.lower() for part in self.every(name))

    @property
    def is_request(self) -> bool:
        """Whether this is a request."""
        return bool(self.method)

    @property
    def from_tag(self) -> str:
        """The tag of From, "" for none."""
        return self.sender.params.get("tag", "")

    @property
    def to_tag(self) -> str:
        """The tag of To, "" for none."""
        return self.recipient.params.get("tag", "")

    @property
    def branch(self) -> str:
        """The branch of the top Via, "" for none."""
        return self.via.params.get("branch", "")

    @property
    def status_class(self) -> str:
        """ "1xx" to "6xx"."""
        return f"{self.status_code // 100}xx"

    @property
    def has_sdp(self) -> bool:
        """Whether the body is a session description."""
        kind = self.first("Content-Type").partition(";")[0].strip().lower()
        return bool(self.content.strip()) and kind in ("application/sdp", "")


def known_status(code: int) -> Any:
    """pyVoIP's name of a status, or that of its class: x00 (RFC 3261 section 8.1.3.2)."""
    try:
        return SIPStatus(code)
    except ValueError:
        return SIPStatus({1: 183, 2: 200}.get(code // 100, code // 100 * 100))


def read_message(data: bytes) -> Message:
    """Read a datagram; MalformedError says what is wrong with it."""
    try:
        return Message(data)
    except (IndexError, KeyError, ValueError, AttributeError) as error:
        # pyVoIP's own parser fails in these ways on text that we let through.
        raise MalformedError(f"pyVoIP cannot read it: {error}") from error


def _split(data: bytes) -> tuple[str, bytes]:
    """Head (line ends made one, folds undone) and body."""
    data = data.lstrip(b"\r\n")
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        head, blank, body = data.partition(b"\n\n")
    text = head.decode("utf-8", "surrogateescape")
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    text = text.replace("\r\n", "\n")
    if "\x00" in text or "\r" in text:
        # We echo headers in our answers, so nothing may hide in them.
        raise MalformedError("a header holds a null or a bare carriage return")
    return text, body
