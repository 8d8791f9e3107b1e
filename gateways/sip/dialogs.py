"""Dialogs: who talks to whom along which route, and with which numbers.

The rule of this module: a dialog is plain data that can be written down and read again after a
crash; a request in it follows from it alone. Source: RFC 3261 section 12.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateways.sip.headers import MalformedError, Uri, is_address, read_name_addr, read_uri
from gateways.sip.messages import Message
from gateways.sip.transactions import Address

Locate = Callable[[str, int], Address | None]
"""The address of a host name, None while it is not known. It never blocks."""


@dataclass
class Dialog:
    """One dialog, whoever opened it.

    local, remote: the From and To values of our requests, tags included. target: the other
    side's Contact. routes: the route set, in the order in which we use it. heard_from: where the
    answer came from, for a target that cannot be located. user: of our Contact. credentials: the
    headers of the INVITE that its ACK repeats (section 13.2.2.4).
    """

    call_id: str
    local: str
    remote: str
    local_tag: str
    remote_tag: str
    target: str
    routes: list[str]
    local_cseq: int
    heard_from: Address
    remote_cseq: int = -1
    user: str = ""
    credentials: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def opened_by(
        cls, response: Message, source: Address, fallback_target: str, user: str = ""
    ) -> "Dialog":
        """The dialog that an answer (1xx with a tag, or 2xx) to our INVITE opens.

        Everything needed stands in the answer itself, so an answer to an INVITE that we have
        forgotten will do. fallback_target: for an answer without a usable Contact.
        """
        return cls(
            call_id=response.call_id,
            local=response.first("From"),
            remote=response.first("To"),
            local_tag=response.from_tag,
            remote_tag=response.to_tag,
            target=contact_uri(response) or fallback_target,
            routes=[route for route in response.every("Record-Route")[::-1] if _is_route(route)],
            local_cseq=response.cseq,
            heard_from=source,
            user=user,
        )

    @classmethod
    def taken_from(
        cls, request: Message, source: Address, local_tag: str, user: str = ""
    ) -> "Dialog":
        """The dialog that our 200 to an INVITE opens (section 12.1.1): its routes stay in order."""
        return cls(
            call_id=request.call_id,
            local=f"{request.first('To')};tag={local_tag}",
            remote=request.first("From"),
            local_tag=local_tag,
            remote_tag=request.from_tag,
            target=contact_uri(request) or request.sender.uri,
            routes=[route for route in request.every("Record-Route") if _is_route(route)],
            local_cseq=0,
            heard_from=source,
            remote_cseq=request.cseq,
            user=user,
        )

    def details(
        self,
        method: str,
        branch: str,
        *,
        cseq: int = 0,
        contact: str = "",
        extra: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> dict[str, Any]:
        """The arguments of `Composer.request` for a request in this dialog.

        cseq: of the INVITE, for its ACK; 0 takes the next one. A first route without `lr` is a
        strict router (section 12.2.1.1).
        """
        if not cseq:
            self.local_cseq += 1
            cseq = self.local_cseq
        uri, routes = self.target, list(self.routes)
        if routes and "lr" not in read_uri(read_name_addr(routes[0]).uri).params:
            uri = read_name_addr(routes[0]).uri
            routes = [*routes[1:], f"<{self.target}>"]
        return {
            "method": method,
            "uri": uri,
            "branch": branch,
            "sender": self.local,
            "recipient": self.remote,
            "call_id": self.call_id,
            "cseq": cseq,
            "routes": routes,
            "contact": contact,
            "extra": list(extra),
            "body": body,
        }

    def next_hop(self, locate: Locate) -> Address:
        """Where requests of this dialog go first.

        A call that is secured stays so: a hop that does not say TLS is reached over the connection
        that stands, and one that does must prove to be the same trunk.
        """
        first = read_name_addr(self.routes[0]).uri if self.routes else self.target
        found = locate_uri(first, locate)
        if self.heard_from.transport == "tls" and found is not None:
            found = found._replace(profile=self.heard_from.profile)
            return found if found.transport == "tls" else self.heard_from
        if found is None or found.transport == "tls":
            return self.heard_from  # there is no profile by which to secure it
        return found

    def refresh(self, message: Message) -> None:
        """A re-INVITE, an UPDATE or an answer to one may move the target (section 12.2)."""
        self.target = contact_uri(message) or self.target

    def takes(self, message: Message) -> bool:
        """Whether a request of the other side is in order; notes its number if it is."""
        if message.cseq <= self.remote_cseq and message.method != "ACK":
            return False
        self.remote_cseq = max(self.remote_cseq, message.cseq)
        return True

    def pack(self) -> dict[str, Any]:
        """The dialog as plain data."""
        return {**self.__dict__, "heard_from": tuple(self.heard_from)}

    @classmethod
    def unpack(cls, packed: dict[str, Any]) -> "Dialog":
        """The dialog that `pack` wrote."""
        heard_from = Address(*packed["heard_from"])
        credentials = [(name, value) for name, value in packed["credentials"]]
        return cls(**{**packed, "heard_from": heard_from, "credentials": credentials})


def _is_route(value: str) -> bool:
    """Whether a Record-Route can be followed."""
    try:
        read_uri(read_name_addr(value).uri)
    except MalformedError:
        return False
    return True


def contact_uri(message: Message) -> str:
    """The URI of the Contact, "" when there is none that can be used."""
    try:
        return read_uri(read_name_addr(message.every("Contact")[0]).uri).text
    except (IndexError, MalformedError):
        return ""


def locate_uri(uri: str, locate: Locate) -> Address | None:
    """The address that a SIP or SIPS URI names, None when it is not known."""
    try:
        parsed = read_uri(uri)
    except MalformedError:
        return None
    transport = transport_of(parsed)
    port = parsed.port or default_port(transport)
    host = parsed.host.strip("[]")
    found = Address(host, port) if is_address(host) else locate(host, port)
    return found._replace(transport=transport) if found is not None else None


def transport_of(uri: Uri) -> str:
    """How a URI wants to be reached: a word that we do not know counts as UDP, sips as TLS."""
    said = uri.params.get("transport", "").lower()
    if uri.scheme == "sips":
        return "tls"
    return said if said in ("tcp", "tls") else "udp"


def default_port(transport: str) -> int:
    """The port where none is written (RFC 3261 section 19.1.2)."""
    return 5061 if transport == "tls" else 5060
