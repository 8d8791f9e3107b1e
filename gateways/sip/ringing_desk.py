"""The AgentDesk port on SIP phones that ring for each reservation.

The rule of this module: a phone is called when its agent is reserved, and hung up when the call,
or the reservation without one, is over; whoever has not picked up, or has hung up again, is given
no live call.
"""

from dialer.events import (
    AgentAccepted,
    AgentAsked,
    AgentLegDown,
    AgentLegUp,
    AgentNoAnswer,
    EndCause,
)
from dialer.ports import Sink
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.legs import Leg
from gateways.sip.phones import DeskConfig, PhoneDesk, why


class _Ring:
    """One call of a phone: it rings, the agent waits for a customer, talks to them."""

    def __init__(self, desk: "RingingDesk", agent_id: str) -> None:
        self.agent_id = agent_id
        self.leg: Leg | None = None
        self.picked_up = False
        self.customer = 0
        self._desk = desk

    def leg_ringing(self) -> None: ...

    def leg_early_media(self) -> None: ...

    def leg_response(self, status_class: str) -> None: ...

    def leg_key(self, key: str) -> None: ...

    def leg_answered(self) -> None:
        self._desk.answered(self)

    def leg_ended(self, cause: EndCause) -> None:
        self._desk.ended(self, cause)


class RingingDesk(PhoneDesk):
    """Agents whose phones ring per call: for progressive and preview dialing only."""

    kept_up = False

    def __init__(self, config: DeskConfig, endpoint: SipEndpoint, events: Sink) -> None:
        super().__init__(config, endpoint, events)
        self._addresses: dict[str, str] = {}
        self._rings: dict[str, _Ring] = {}

    def answered(self, ring: _Ring) -> None:
        """The agent picked up."""
        if self._rings.get(ring.agent_id) is ring:
            ring.picked_up = True
            self.tell(AgentAccepted(ring.agent_id, self.clock()))

    def ended(self, ring: _Ring, cause: EndCause) -> None:
        """The phone refused, fell silent or hung up. What we ended ourselves is not told."""
        agent_id = ring.agent_id
        if self._rings.get(agent_id) is not ring:
            return
        del self._rings[agent_id]
        if not ring.customer:
            self.tell(AgentNoAnswer(agent_id, self.clock()))
        elif cause.by == "far" and cause.sip_status == 200:
            self.tell(AgentAsked(agent_id, self.clock(), "hang_up"))
        else:
            # The phone is dead: its agent did not end the call, and somebody else may go on.
            self._addresses.pop(agent_id, None)
            self.tell(AgentLegDown(agent_id, self.clock(), why(cause)))

    def _log_in(self, agent_id: str, address: str, now: float) -> None:
        if self._addresses.get(agent_id, address) != address:
            self._hang_up(agent_id, now)
        self._addresses[agent_id] = address

        def found(trouble: str, _later: float) -> None:
            if self._addresses.get(agent_id) != address:
                return
            if trouble:
                del self._addresses[agent_id]
                self.tell(AgentLegDown(agent_id, self.clock(), trouble))
            else:
                self.tell(AgentLegUp(agent_id, self.clock()))

        self._look_up(address, found, now)

    def _log_out(self, agent_id: str, now: float) -> None:
        self._hang_up(agent_id, now)
        if self._addresses.pop(agent_id, None) is not None:
            self.tell(AgentLegDown(agent_id, self.clock(), "logged out"))

    def _is_there(self, agent_id: str) -> bool | None:
        return agent_id in self._addresses

    def _offer(self, agent_id: str, now: float) -> None:
        """The phone rings; one whose agent still waits on the line accepts at once."""
        ring = self._rings.get(agent_id)
        if ring is not None:
            if ring.picked_up:
                self.tell(AgentAccepted(agent_id, self.clock()))
            return
        ring = self._rings[agent_id] = _Ring(self, agent_id)
        address = self._addresses.get(agent_id, "")

        def found(trouble: str, later: float) -> None:
            if self._rings.get(agent_id) is not ring:
                return
            if not trouble:
                ring.leg = self._place(agent_id, address, ring, by_itself=False, now=later)
            if ring.leg is None:
                self.ended(ring, EndCause("trunk", 0, 0, trouble))
            else:
                self._after(
                    self.config.answer_timeout_s, lambda at: self._too_long(ring, at), later
                )

        if address:
            self._look_up(address, found, now)
        else:
            self.ended(ring, EndCause("trunk", 0, 0, "not logged in"))

    def _too_long(self, ring: _Ring, now: float) -> None:
        if self._rings.get(ring.agent_id) is ring and not ring.picked_up:
            self._hang_up(ring.agent_id, now)
            self.tell(AgentNoAnswer(ring.agent_id, self.clock()))

    def _withdraw(self, agent_id: str, now: float) -> None:
        ring = self._rings.get(agent_id)
        if ring is not None and not ring.customer:
            self._hang_up(agent_id, now)

    def _connect(self, agent_id: str, attempt_id: int, _now: float) -> None:
        ring = self._rings.get(agent_id)
        if ring is not None and ring.picked_up:
            ring.customer = attempt_id
        elif agent_id in self._addresses:
            # They hung up in the very moment in which they were given a customer.
            self.tell(AgentAsked(agent_id, self.clock(), "hang_up"))

    def _release(self, agent_id: str, attempt_id: int, now: float) -> None:
        ring = self._rings.get(agent_id)
        # A release that comes late must not cut the next customer off.
        if ring is not None and ring.customer == attempt_id:
            self._hang_up(agent_id, now)

    def _hang_up(self, agent_id: str, now: float) -> None:
        """End the phone's call; nothing is told of it."""
        ring = self._rings.pop(agent_id, None)
        if ring is not None and ring.leg is not None:
            ring.leg.hang_up(now)
