"""What the requests of others are answered with.

The rule of this module: every request gets the answer that the RFC gives it, and none changes a
call unless it belongs to it. Source: RFC 3261 sections 8.2, 11.2, 12.2.2, 14.2 and 15.1.2.
"""

import re

from gateways.sip.building import METHODS, SDP_TYPE
from gateways.sip.legs import Leg
from gateways.sip.messages import Message
from gateways.sip.sessions import Reply

KNOWN_BUT_UNUSED = frozenset(
    {"MESSAGE", "NOTIFY", "PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE"}
)
EXTENSIONS = frozenset({"timer"})
_SIGNAL = re.compile(r"^\s*Signal\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_KEY = re.compile(r"[0-9*#A-Da-d]")
_ALIVE = Reply(200, b"", (("Accept", SDP_TYPE),))


def reply_to(leg: Leg | None, message: Message) -> Reply:
    """The answer to a request other than ACK and CANCEL; leg: the call it belongs to."""
    if message.method not in METHODS:
        return Reply(405 if message.method in KNOWN_BUT_UNUSED else 501)
    if missing := message.tokens("Require") - EXTENSIONS:
        return Reply(420, b"", (("Unsupported", ", ".join(sorted(missing))),))
    if leg is None:
        return _to_stranger(message)
    if not is_main(leg, message):
        # A fork: early still, or answered and hung up by us.
        return Reply(200 if message.method in ("BYE", "OPTIONS", "INFO") else 491)
    return _in_dialog(leg, message)


def is_main(leg: Leg, message: Message) -> bool:
    """Whether a request of a leg belongs to the dialog that the leg stands on, not to a fork."""
    return leg.dialog is not None and message.from_tag == leg.dialog.remote_tag


def key_of(message: Message) -> str:
    """The key that an INFO tells of, "" for none: dtmf-relay (Signal=9) or dtmf (9).

    No RFC says so (RFC 6086 section 1 leaves it at "legacy usage"), and carriers do it.
    """
    kind = message.first("Content-Type").partition(";")[0].strip().lower()
    text = message.content.decode("ascii", "replace").strip()
    if kind == "application/dtmf-relay":
        found = _SIGNAL.search(text)
        text = found[1] if found else ""
    elif kind != "application/dtmf":
        return ""
    return text.upper() if _KEY.fullmatch(text) else ""


def _to_stranger(message: Message) -> Reply:
    if message.method == "OPTIONS" and not message.to_tag:
        return _ALIVE
    if message.method == "INVITE" and not message.to_tag:
        # Nobody here takes calls; the carrier may send it to the callee's voice mail.
        return Reply(480)
    return Reply(481)


def _in_dialog(leg: Leg, message: Message) -> Reply:
    assert leg.dialog is not None
    # A BYE out of order is taken all the same: who refuses it keeps a dead call.
    if not leg.dialog.takes(message) and message.method != "BYE":
        return Reply(500, reason="Request Out of Order")
    if message.method == "OPTIONS":
        return _ALIVE
    if message.method == "INFO" and (key := key_of(message)):
        leg.key_pressed(key)
    if message.method in ("BYE", "INFO"):
        return Reply(200)
    if not leg.is_live or leg.session is None:
        return Reply(481)
    session = leg.session
    reply = session.update(message) if message.method == "UPDATE" else session.re_invite(message)
    if reply.code == 200:
        leg.dialog.refresh(message)
    return reply
