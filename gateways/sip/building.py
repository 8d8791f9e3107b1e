"""Requests and responses as bytes, over the message building of pyVoIP's SIPClient.

The rule of this module: pyVoIP drafts a message and this class replaces what a draft gets wrong
(tags and Call-IDs that repeat, a Via without rport, responses that change the To-tag, its
methods and its name); no value can smuggle in a line. Nothing here remembers a call.
Source: RFC 3261 sections 8.1.1, 8.2.6 and 17.1.1.3; RFC 3581 (rport).
"""

import os
from collections.abc import Iterable, Sequence
from typing import Any

from dialer.errors import TrunkError
from gateways.sip.messages import Message, known_status
from gateways.sip.pyvoip_layer import SIPClient, check_pyvoip

PRODUCT = "Foredial"
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"
METHODS = frozenset(ALLOW.split(", "))
MAGIC_COOKIE = "z9hG4bK"
SDP_TYPE = "application/sdp"


class Composer(SIPClient):  # type: ignore[misc]
    """Builds the messages of one listening address.

    host, port: what the other side is told to send to (the advertised address). tls_port: the same
    over TLS.
    """

    def __init__(self, host: str, port: int, tls_port: int = 0) -> None:
        check_pyvoip()
        # The base class opens no socket before `start`, which is never called.
        super().__init__("", 0, "", "", None, myIP=host, myPort=port)
        self.host = host
        self.port = port
        self.tls_port = tls_port or port

    def gen_tag(self) -> str:
        """A random tag (RFC 3261 section 19.3); pyVoIP's list of used tags is not kept."""
        return os.urandom(6).hex()

    def gen_branch(self, length: int = 28) -> str:
        """A random branch (RFC 3261 section 8.1.1.7)."""
        return MAGIC_COOKIE + os.urandom(10).hex()[: length - len(MAGIC_COOKIE)]

    def gen_call_id(self, owner: str = "") -> str:
        """A Call-ID that names its owner and never comes again, not even after a restart."""
        unique = os.urandom(8).hex()
        return f"{owner}-{unique}@{self.host}" if owner else f"{unique}@{self.host}"

    def _gen_response_via_header(self, request: Any) -> str:
        """All Vias as they came; pyVoIP drops their parameters. `answer_vias` set them."""
        return "".join(f"Via: {value}\r\n" for value in request.headers["Via"])

    def contact(self, user: str = "", transport: str = "UDP") -> str:
        """The Contact value for this address."""
        at = f"{user}@" if user else ""
        return f"<sip:{at}{self._own(transport)}{_by(transport)}>"

    def _own(self, transport: str) -> str:
        port = self.tls_port if transport.upper() == "TLS" else self.port
        return f"{bracketed(self.host)}:{port}"

    def request(
        self,
        method: str,
        uri: str,
        *,
        branch: str,
        sender: str,
        recipient: str,
        call_id: str,
        cseq: int,
        routes: Sequence[str] = (),
        contact: str = "",
        extra: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str = SDP_TYPE,
        transport: str = "UDP",
    ) -> bytes:
        """A request. sender and recipient: the From and To values, tags included.

        contact: as `contact` gives it; where the request goes by TCP or TLS it says so too.
        """
        draft = self.gen_invite("", "0", {}, "sendrecv", branch, call_id)
        del self.tagLibrary[call_id]
        if contact and transport != "UDP" and ";transport=" not in contact:
            contact = contact.replace(self._own("UDP"), self._own(transport))
            contact = f"{contact[:-1]}{_by(transport)}>"
        via = f"SIP/2.0/{transport} {self._own(transport)};branch={branch};rport"
        changes = {
            "Via": [via],
            "From": [sender],
            "To": [recipient],
            "CSeq": [f"{cseq} {method}"],
            "Contact": [contact] if contact else [],
            "Allow": [] if method in ("ACK", "CANCEL", "BYE") else [ALLOW],
            "User-Agent": [PRODUCT],
            "Content-Type": [],
        }
        extras = [*(("Route", route) for route in routes), *extra]
        return _finish(
            draft,
            f"{method} {uri} SIP/2.0",
            changes,
            extra=extras,
            body=body,
            content_type=content_type,
        )

    def response(
        self,
        request: Message,
        code: int,
        *,
        reason: str = "",
        to_tag: str = "",
        contact: str = "",
        extra: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> bytes:
        """A response to a request; to_tag is added to To only where the request had none."""
        draft = self.gen_ok(request)
        recipient = request.first("To")
        if to_tag and not request.to_tag:
            recipient = f"{recipient};tag={to_tag}"
        changes = {
            "From": [request.first("From")],
            "To": [recipient],
            "User-Agent": [PRODUCT],
            "Allow": [ALLOW] if code in (200, 405) else [],
        }
        records = [("Record-Route", value) for value in request.every("Record-Route")]
        extras = [*records, *([("Contact", contact)] if contact else []), *extra]
        phrase = reason or known_status(code).phrase
        return _finish(draft, f"SIP/2.0 {code} {phrase}", changes, extra=extras, body=body)


def _by(transport: str) -> str:
    """The URI parameter for it; UDP goes without saying."""
    return "" if transport.upper() == "UDP" else f";transport={transport.lower()}"


def bracketed(host: str) -> str:
    """A host as URIs and Vias write it: an IPv6 address stands in brackets."""
    return f"[{host}]" if ":" in host else host


def answer_vias(request: Message, host: str, port: int) -> None:
    """Note in the top Via where the request came from (RFC 3261 section 18.2.1, RFC 3581)."""
    top = request.headers["Via"][0]
    via = request.via
    if "rport" in via.params and not via.params["rport"]:
        parts = [part.strip() for part in top.split(";")]
        parts = [f"rport={port}" if part.lower() == "rport" else part for part in parts]
        top = ";".join([*parts, f"received={host}"])
    elif via.host != host:
        top = f"{top};received={host}"
    request.headers["Via"][0] = top


def _finish(
    draft: str,
    start_line: str,
    changes: dict[str, list[str]],
    *,
    extra: Iterable[tuple[str, str]],
    body: bytes,
    content_type: str = SDP_TYPE,
) -> bytes:
    """The draft under its start line, with changed headers, more headers and the body."""
    lines = [start_line]
    for line in draft.partition("\r\n\r\n")[0].split("\r\n")[1:]:
        name = line.partition(":")[0]
        if name in changes:
            lines += [f"{name}: {value}" for value in changes[name]]
        elif name != "Content-Length":
            lines.append(line)
    lines += [f"{name}: {value}" for name, value in extra]
    if body:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {len(body)}")
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise TrunkError(f"a line break in a header of {start_line!r}")
    return f"{text}\r\n\r\n".encode("utf-8", "surrogateescape") + body
