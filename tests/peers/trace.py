"""Reads what SIPp wrote down: its message trace, its error trace, its statistics.

The rule of this module: it reads, it never guesses; a file that SIPp did not write is empty.
"""

import csv
import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

_MARK = re.compile(
    r"^-{20,} (\d{4}-\d\d-\d\d)[ T\t](\d\d:\d\d:\d\d\.\d+)\s*\n"
    r"(?:\w+ message )(received|sent) [^\n]*\n\n?",
    re.MULTILINE,
)
# Entries follow each other without a line end.
_ENTRY = re.compile(r"\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\.\d+\t\d+\.\d+: ")
_NUMBER = re.compile(r"sips?:([^@;>]+)@")
_HARMLESS = ("jumping to label", "Overload warning")
_LINES = re.MULTILINE | re.IGNORECASE
_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^,\s]+))')


class Message(NamedTuple):
    """One SIP message as SIPp saw it.

    at: seconds since the epoch. sent: by SIPp. method: of the request, or of the request that a
    response answers. status: 0 for a request. number: dialed by the INVITE of this Call-ID.
    """

    at: float
    sent: bool
    method: str
    status: int
    call_id: str
    cseq: int
    number: str
    text: str

    def header(self, name: str) -> str:
        """The first header of that name, "" when there is none."""
        found = re.search(rf"^{re.escape(name)}[ \t]*:[ \t]*(.*?)\r?$", self.text, _LINES)
        return found[1] if found else ""

    def is_request(self, method: str) -> bool:
        return not self.status and self.method == method

    @property
    def to_tag(self) -> str:
        found = re.search(r";\s*tag=([^;\s>]+)", self.header("To"))
        return found[1] if found else ""


def messages(path: Path) -> list[Message]:
    """Every message of a `-trace_msg` file, in order; one still being written is left out."""
    text = _text(path)
    marks = list(_MARK.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)] * bool(marks)
    parsed = (_message(mark, text[mark.end() : end]) for mark, end in zip(marks, ends, strict=True))
    found = [message for message in parsed if message]
    # A request within a dialog goes to a Contact, which says nothing about who was dialed.
    dialed: dict[str, str] = {}
    for message in found:
        dialed.setdefault(message.call_id, message.number)
    return [message._replace(number=dialed[message.call_id]) for message in found]


def _message(mark: re.Match[str], text: str) -> Message | None:
    start, _, _ = text.partition("\n")
    cseq = re.search(r"^CSeq[ \t]*:[ \t]*(\d+)[ \t]+(\w+)", text, _LINES)
    call_id = re.search(r"^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)", text, _LINES)
    if not cseq or not call_id:
        return None
    status = int(start.split()[1]) if start.startswith("SIP/2.0 ") else 0
    to = re.search(r"^(?:To|t)[ \t]*:(.*)", text, _LINES)
    number = _NUMBER.search(to[1] if status and to else start)
    at = datetime.fromisoformat(f"{mark[1]} {mark[2]}").timestamp()
    return Message(
        at=at,
        sent=mark[3] == "sent",
        method=cseq[2],
        status=status,
        call_id=call_id[1],
        cseq=int(cseq[1]),
        number=number[1] if number else "",
        text=text.strip("\n"),
    )


def totals(path: Path) -> dict[str, int]:
    """The last line of a `-trace_stat` file: the cumulative integer counters by name."""
    rows = list(csv.DictReader(_text(path).splitlines(), delimiter=";"))
    if not rows:
        return {}
    counters = {}
    for name, value in rows[-1].items():
        if name and value and value.isdecimal() and not name.endswith("(P)"):
            counters[name.removesuffix("(C)")] = int(value)
    return counters


def complaints(path: Path) -> list[str]:
    """The entries of an error trace: unexpected messages, failed calls, SIPp's own trouble.

    A wait that ends by going on at a label is how a scenario lets time pass, and that SIPp itself
    had to wait for a busy machine says nothing of what it was sent: neither is a complaint.
    """
    text = _text(path).removeprefix("The following events occurred:\n")
    entries = (entry.strip() for entry in _ENTRY.split(text))
    return [entry for entry in entries if entry and not any(word in entry for word in _HARMLESS)]


def credentials_hold(request: Message, username: str, password: str) -> bool:
    """Whether a request's Proxy-Authorization (or Authorization) proves the password.

    MD5 with qop=auth or without (RFC 2617 section 3.2.2).
    """
    header = request.header("Proxy-Authorization") or request.header("Authorization")
    scheme, _, rest = header.partition(" ")
    given = {name: quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
    if scheme.lower() != "digest" or given.get("username") != username:
        return False
    secret = _md5(f"{username}:{given.get('realm', '')}:{password}")
    target = _md5(f"{request.method}:{given.get('uri', '')}")
    middle = [given.get("nonce", "")]
    if "qop" in given:
        middle += [given.get("nc", ""), given.get("cnonce", ""), given["qop"]]
    expected = _md5(":".join([secret, *middle, target]))
    return bool(given.get("response", "").lower() == expected)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _text(path: Path) -> str:
    if not path.exists():
        return ""
    return path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")


def live_at(messages: list[Message], killed_at: float, started_at: float) -> list[str]:
    """Call-IDs that the carrier had answered before a kill and nobody had ended at restart."""
    answered = {
        m.call_id
        for m in messages
        if m.sent and m.status == 200 and m.method == "INVITE" and m.at < killed_at
    }
    over = {m.call_id for m in messages if m.is_request("BYE") and m.at < started_at}
    return sorted(answered - over)


def invites_at(messages: list[Message]) -> list[float]:
    """When each call's first INVITE came."""
    first: dict[str, float] = {}
    for message in messages:
        if message.is_request("INVITE") and not message.sent:
            first.setdefault(message.call_id, message.at)
    return list(first.values())
