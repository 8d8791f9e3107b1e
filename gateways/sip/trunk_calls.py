"""One dial of a trunk, at one of the carrier's targets after the other.

The rule of this module: whatever its legs go through, a dial ends in exactly one `Ended`, and no
phone that rang is rung again by another target. Source: RFC 3263 section 4.3.
"""

from typing import Protocol

from dialer.events import Answered, Bridged, EarlyMedia, EndCause, Ended, Ringing
from dialer.ports import DialRequest, Sink
from gateways.sip.legs import Leg
from gateways.sip.targets import REST_S
from gateways.sip.transactions import Address


class CallOwner(Protocol):
    """The trunk of a call. On the SIP thread."""

    def clock(self) -> float:
        """The time of events, in seconds since the epoch."""

    def saw_response(self, status_class: str) -> None: ...

    def target_failed(self, call: "TrunkCall", rest_s: float) -> bool:
        """A target did not take the call; True when another one has it now."""

    def call_ended(self, call: "TrunkCall") -> None: ...


class TrunkCall:
    """Turns its legs' fortunes into events.

    tried: the targets, the last one being where it is. unwanted: it was cancelled.
    """

    def __init__(self, trunk: CallOwner, request: DialRequest, events: Sink) -> None:
        self.request = request
        self.attempt_id = request.attempt_id
        self.leg: Leg | None = None
        self.tried: list[Address] = []
        self.unwanted = False
        self._heard = False
        self._trunk = trunk
        self._events = events

    def leg_ringing(self) -> None:
        self._heard = True
        self._events.tell(Ringing(self.attempt_id, self._trunk.clock()))

    def leg_early_media(self) -> None:
        self._heard = True
        self._events.tell(EarlyMedia(self.attempt_id, self._trunk.clock()))

    def leg_answered(self) -> None:
        self._heard = True
        self._events.tell(Answered(self.attempt_id, self._trunk.clock()))

    def leg_response(self, status_class: str) -> None:
        self._trunk.saw_response(status_class)

    def leg_key(self, key: str) -> None: ...

    def leg_ended(self, cause: EndCause) -> None:
        # A leg that ends before it was placed never left: its target is not to blame.
        placed, self.leg = self.leg is not None, None
        may_move = placed and not (self._heard or self.unwanted)
        rest_s = _rest_s(cause)
        if may_move and rest_s is not None and self._trunk.target_failed(self, rest_s):
            return
        self.ended(cause)

    def bridged(self) -> None:
        self._events.tell(Bridged(self.attempt_id, self._trunk.clock()))

    def ended(self, cause: EndCause) -> None:
        self.leg = None  # else the two would hold each other until the collector comes
        self._trunk.call_ended(self)
        self._events.tell(Ended(self.attempt_id, self._trunk.clock(), cause))


def _rest_s(cause: EndCause) -> float | None:
    """How long a target rests that ended a call so, None where it is not to blame.

    A 503 is about this call alone, unless it says for how long (RFC 3261 section 21.5.4).
    """
    if cause.by == "far" and cause.sip_status == 503:
        return cause.retry_after_s
    if cause.by == "trunk" and cause.sip_status in (0, 408):
        return REST_S
    return None
