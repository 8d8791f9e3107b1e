"""What a Dial node says, for those who ask it of every call.

The rule of this module: it says what the node says. A node checks itself as a model of pydantic,
and each look at a setting of one takes five times as long.
"""

from typing import Literal

from dialer.flow.nodes import Dial
from dialer.message import Message


class DialTerms(Message):
    """The settings of a Dial node; see there. channels: all its trunks, in order."""

    id: str
    channels: tuple[str, ...]
    identifier: str
    index: int | Literal["next"]
    caller_id: str
    ring_timeout_s: float
    max_attempts: int | None


def terms_of(dial: Dial) -> DialTerms:
    """The settings of a node."""
    return DialTerms(
        dial.id,
        dial.channels,
        dial.identifier,
        dial.index,
        dial.caller_id,
        dial.ring_timeout_s,
        dial.max_attempts,
    )
