"""What a leg is: its table, its plan, who hears of it, and why it ended.

The rule of this module: a leg's life is the table LEG and nothing else; what is placed is plain
data. Source: RFC 3261 sections 9, 13 and 15, RFC 3326 (Reason).
"""

import re
from dataclasses import dataclass
from typing import Protocol

from dialer.events import EndCause
from dialer.states import StateTable
from gateways.sip.digest import Credentials
from gateways.sip.messages import Message
from gateways.sip.transactions import Address

LEG = StateTable(
    "SIP leg",
    "calling",
    [
        ("calling", "provisional", "proceeding"),
        ("calling", "challenge", "calling"),
        ("calling", "answer", "live"),
        ("calling", "unusable_answer", "closing"),
        ("calling", "refusal", "ended"),
        ("calling", "silence", "ended"),
        # RFC 3261 section 9.1: a CANCEL waits for a provisional response.
        ("calling", "cancel", "cancel_held"),
        ("proceeding", "provisional", "proceeding"),
        ("proceeding", "challenge", "calling"),
        ("proceeding", "answer", "live"),
        ("proceeding", "unusable_answer", "closing"),
        ("proceeding", "refusal", "ended"),
        ("proceeding", "silence", "ended"),
        ("proceeding", "cancel", "cancelling"),
        ("cancel_held", "provisional", "cancelling"),
        ("cancel_held", "answer", "live"),
        ("cancel_held", "unusable_answer", "closing"),
        ("cancel_held", "refusal", "ended"),
        ("cancel_held", "silence", "ended"),
        ("cancelling", "provisional", "cancelling"),
        # A 200 that crosses our CANCEL is a live answer.
        ("cancelling", "answer", "live"),
        ("cancelling", "unusable_answer", "closing"),
        ("cancelling", "refusal", "ended"),
        ("cancelling", "silence", "ended"),
        ("live", "hang_up", "closing"),
        ("live", "bye", "ended"),
        ("live", "silence", "ended"),
        ("closing", "bye", "ended"),
        ("closing", "bye_done", "ended"),
    ],
)

_CAUSE = re.compile(r"\bcause\s*=\s*([0-9]{1,3})", re.IGNORECASE)
_DELTA = re.compile(r"[0-9]{1,9}(?=$|[\s;(])")
_TEXT = re.compile(r'\btext\s*=\s*"([^"]*)"', re.IGNORECASE)


class LegOwner(Protocol):
    """Who placed a leg, or takes one. None of these may block."""

    def leg_ringing(self) -> None: ...

    def leg_early_media(self) -> None: ...

    def leg_answered(self) -> None: ...

    def leg_ended(self, cause: EndCause) -> None: ...

    def leg_response(self, status_class: str) -> None: ...

    def leg_key(self, key: str) -> None:
        """The far end pressed a key and said so by INFO."""


@dataclass(frozen=True)
class LegPlan:
    """What is to be placed.

    owner: what the dialog log files it under. attempt_id: 0 for an agent's leg. media_leg: its
    name at the relay. uri: the Request-URI. sender, recipient: From and To without tags.
    user: of our Contact. codecs: payload types in the order of preference. probe_s: how often a
    standing leg is asked whether it lives, 0 for never.
    """

    owner: str
    attempt_id: int
    media_leg: str
    uri: str
    sender: str
    recipient: str
    user: str
    destination: Address
    routes: tuple[str, ...] = ()
    credentials: Credentials | None = None
    codecs: tuple[int, ...] = (0, 8)
    extra: tuple[tuple[str, str], ...] = ()
    probe_s: float = 0.0


def cause_of(message: Message, by: str) -> EndCause:
    """Why a response or a BYE ended a call.

    With the Q.850 cause of its Reason header (RFC 3326) and its Retry-After (RFC 3261 section
    20.33).
    """
    q850 = 0
    text = message.reason
    for reason in message.every("Reason"):
        protocol, _, params = reason.partition(";")
        cause = _CAUSE.search(params)
        spoken = _TEXT.search(params)
        if protocol.strip().upper() == "Q.850" and cause is not None:
            q850 = int(cause[1])
        if spoken is not None and spoken[1] not in text:
            text = f"{text}; {spoken[1]}" if text else spoken[1]
    wait = _DELTA.match(message.first("Retry-After").strip())
    retry_after_s = float(wait[0]) if wait else 0.0
    return EndCause(by, message.status_code, q850, text[:200], retry_after_s)
