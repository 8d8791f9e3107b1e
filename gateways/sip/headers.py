"""SIP header text: names, lists, addresses, URIs and Via values, as pure functions.

The rule of this module: text in, values out, and MalformedError for what cannot be read; nothing
here keeps state. Source: RFC 3261 sections 7.3, 19.1, 20 and 25.
"""

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

from dialer.errors import TrunkError


class MalformedError(TrunkError):
    """A SIP message, header or body that cannot be read."""


COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
"""The compact forms of RFC 3261 section 7.3.3 and of the extensions' registry."""

_UNUSUAL = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "www-authenticate": "WWW-Authenticate",
    "mime-version": "MIME-Version",
    "min-se": "Min-SE",
    "rack": "RAck",
    "rseq": "RSeq",
    "sip-etag": "SIP-ETag",
    "sip-if-match": "SIP-If-Match",
}
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_URI = re.compile(
    r"(?P<scheme>sips?):(?:(?P<user>[^@]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.\-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<params>;[^?]*)?(?P<headers>\?.*)?",
    re.IGNORECASE | re.DOTALL,
)
_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z0-9\-]+)\s+"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.\-]+)\s*(?::\s*(?P<port>[0-9]{1,5}))?"
    r"\s*(?P<params>;.*)?",
    re.IGNORECASE | re.DOTALL,
)
_known: dict[str, str] = {}


def canonical(name: str) -> str:
    """The one spelling of a header's name: `l`, `content-length` -> `Content-Length`."""
    found = _known.get(name)
    if found is not None:
        return found
    lower = name.strip().lower()
    spelling = (
        COMPACT.get(lower)
        or _UNUSUAL.get(lower)
        or "-".join(part.capitalize() for part in lower.split("-"))
    )
    # Strangers choose names, so the memory of them is bounded.
    if len(_known) < 512:
        _known[name] = spelling
    return spelling


def is_token(text: str) -> bool:
    """Whether text is a token of the grammar (a method, a header's name)."""
    return _TOKEN.fullmatch(text) is not None


def read_number(text: str, limit: int, what: str) -> int:
    """A decimal number from 0 to limit; `what` names it in the error."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or int(text) > limit:
        raise MalformedError(f"{what} is not a number from 0 to {limit}: {text[:20]!r}")
    return int(text)


def split_outside(text: str, separator: str) -> list[str]:
    """Split on a separator that stands neither in quotes nor in angle brackets."""
    if '"' not in text and "<" not in text:
        return [part.strip() for part in text.split(separator)]
    parts: list[str] = []
    start = 0
    quoted = escaped = angled = False
    for position, letter in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            if letter == "\\":
                escaped = True
            elif letter == '"':
                quoted = False
        elif letter == '"':
            quoted = True
        elif letter == "<":
            angled = True
        elif letter == ">":
            angled = False
        elif letter == separator and not angled:
            parts.append(text[start:position].strip())
            start = position + 1
    parts.append(text[start:].strip())
    return parts


def split_list(text: str) -> list[str]:
    """The elements of a comma-separated header value, empty ones left out."""
    return [part for part in split_outside(text, ",") if part]


def read_params(text: str) -> dict[str, str]:
    """Parameters after a value: `;lr;tag=x` -> {"lr": "", "tag": "x"}; names in lower case."""
    params: dict[str, str] = {}
    for part in split_outside(text, ";"):
        if part:
            name, _, value = part.partition("=")
            params[name.strip().lower()] = value.strip()
    return params


class NameAddr(NamedTuple):
    """A From, To, Contact, Route or Record-Route value.

    text: the value without its parameters, as it was written.
    """

    text: str
    display: str
    uri: str
    params: dict[str, str]


def read_name_addr(value: str) -> NameAddr:
    """Read `"Ann" <sip:ann@example.org>;tag=1` or `sip:ann@example.org;tag=1`.

    Without angle brackets the parameters belong to the header and not to the URI (RFC 3261
    section 20.10).
    """
    value = value.strip()
    start = _angle(value)
    if start < 0:
        uri, _, rest = value.partition(";")
        if not uri.strip():
            raise MalformedError("an address without a URI")
        return NameAddr(uri.strip(), "", uri.strip(), read_params(rest))
    end = value.find(">", start)
    if end < 0:
        raise MalformedError(f"an address without its closing bracket: {value[:60]!r}")
    display = value[:start].strip()
    if display.startswith('"'):
        display = re.sub(r"\\(.)", r"\1", display[1:-1])
    return NameAddr(
        value[: end + 1], display, value[start + 1 : end].strip(), read_params(value[end + 1 :])
    )


def _angle(value: str) -> int:
    """Where the address' opening bracket stands, past a quoted display name; -1 for none."""
    if not value.startswith('"'):
        return value.find("<")
    position = 1
    while position < len(value):
        if value[position] == "\\":
            position += 1
        elif value[position] == '"':
            return value.find("<", position)
        position += 1
    raise MalformedError(f"a display name without its closing quote: {value[:60]!r}")


class Uri(NamedTuple):
    """A SIP URI. port: None where none is written. text: as it was written."""

    text: str
    scheme: str
    user: str
    host: str
    port: int | None
    params: dict[str, str]


def read_uri(text: str) -> Uri:
    """Read a SIP or SIPS URI; other schemes (tel:) are malformed here: they name no host."""
    match = _URI.fullmatch(text.strip())
    if match is None:
        raise MalformedError(f"not a SIP URI: {text[:60]!r}")
    return Uri(
        text.strip(),
        match["scheme"].lower(),
        match["user"] or "",
        match["host"].lower(),
        _port(match["port"]),
        read_params(match["params"] or ""),
    )


class Via(NamedTuple):
    """One hop. port: None where none is written."""

    transport: str
    host: str
    port: int | None
    params: dict[str, str]


def read_via(value: str) -> Via:
    """Read one Via value (RFC 3261 section 20.42, RFC 3581 for rport)."""
    match = _VIA.fullmatch(value.strip())
    if match is None:
        raise MalformedError(f"not a Via: {value[:60]!r}")
    return Via(
        match["transport"].upper(),
        match["host"].lower(),
        _port(match["port"]),
        read_params(match["params"] or ""),
    )


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    return read_number(text, 65535, "a port")


@lru_cache(maxsize=1024)
def is_address(host: str) -> bool:
    """Whether a host is written in digits."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def quoted(text: str) -> str:
    """A quoted string of the grammar."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
