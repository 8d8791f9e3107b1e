"""The AgentDesk port on SIP phones: one leg per agent that stands all day.

The rule of this module: an agent's phone is called once, at log-in, and customers are switched
behind that leg; whoever has no standing leg is never given a live call.
"""

from collections.abc import Callable

from dialer.events import AgentAccepted, AgentLegDown, AgentLegUp, AgentNoAnswer, EndCause
from dialer.ports import Sink
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.legs import Leg
from gateways.sip.media_port import agent_leg
from gateways.sip.phones import DeskConfig, PhoneDesk, why


class _Phone:
    """One agent's leg. customer: the attempt that the agent talks to, 0 for none."""

    def __init__(self, desk: "SipDesk", agent_id: str, address: str) -> None:
        self.agent_id = agent_id
        self.address = address
        self.leg: Leg | None = None
        self.customer = 0
        self.leaving = ""
        self._desk = desk

    def leg_ringing(self) -> None: ...

    def leg_early_media(self) -> None: ...

    def leg_response(self, status_class: str) -> None: ...

    def leg_answered(self) -> None:
        self._desk.tell(AgentLegUp(self.agent_id, self._desk.clock()))

    def leg_key(self, key: str) -> None: ...

    def leg_ended(self, cause: EndCause) -> None:
        self._desk.phone_left(self, self.leaving or why(cause))


class SipDesk(PhoneDesk):
    """Agents whose phones are called at log-in, and stay on the line."""

    kept_up = True

    def __init__(self, config: DeskConfig, endpoint: SipEndpoint, events: Sink) -> None:
        super().__init__(config, endpoint, events)
        self._phones: dict[str, _Phone] = {}

    def phone_left(self, phone: _Phone, reason: str) -> None:
        """A leg ended."""
        if self._phones.get(phone.agent_id) is phone:
            del self._phones[phone.agent_id]
            self.tell(AgentLegDown(phone.agent_id, self.clock(), reason))

    def _log_in(self, agent_id: str, address: str, now: float) -> None:
        held = self._phones.get(agent_id)
        if held is not None and held.address == address:
            if held.leg is not None and held.leg.is_live:
                self.tell(AgentLegUp(agent_id, self.clock()))
            return
        if held is not None:
            # The agent moved to another phone: only the new leg's fortunes are told.
            del self._phones[agent_id]
            if held.leg is not None:
                held.leg.hang_up(now)
        phone = _Phone(self, agent_id, address)
        self._phones[agent_id] = phone

        def found(trouble: str, later: float) -> None:
            if trouble:
                self.phone_left(phone, trouble)
            else:
                self._call(phone, later)

        self._look_up(address, found, now)

    def _call(self, phone: _Phone, now: float) -> None:
        if self._phones.get(phone.agent_id) is not phone:
            return
        phone.leg = self._place(phone.agent_id, phone.address, phone, by_itself=True, now=now)
        self._after(self.config.answer_timeout_s, self._too_long(phone), now)

    def _too_long(self, phone: _Phone) -> Callable[[float], None]:
        def check(now: float) -> None:
            if phone.leg is not None and not phone.leg.dialog:
                phone.leaving = "the phone did not answer"
                phone.leg.hang_up(now)

        return check

    def _log_out(self, agent_id: str, now: float) -> None:
        phone = self._phones.get(agent_id)
        if phone is None:
            return
        phone.leaving = "logged out"
        if phone.leg is None:
            self.phone_left(phone, phone.leaving)
        else:
            phone.leg.hang_up(now)

    def _is_there(self, agent_id: str) -> bool | None:
        phone = self._phones.get(agent_id)
        if phone is None:
            return False
        return True if phone.leg is not None and phone.leg.is_live else None

    def _offer(self, agent_id: str, _now: float) -> None:
        """A standing leg accepts at once; without one there is no answer."""
        phone = self._phones.get(agent_id)
        if phone is not None and phone.leg is not None and phone.leg.is_live:
            self.tell(AgentAccepted(agent_id, self.clock()))
        else:
            self.tell(AgentNoAnswer(agent_id, self.clock()))

    def _withdraw(self, agent_id: str, now: float) -> None:
        """The leg stands on."""

    def _connect(self, agent_id: str, attempt_id: int, _now: float) -> None:
        phone = self._phones.get(agent_id)
        if phone is not None:
            phone.customer = attempt_id

    def _release(self, agent_id: str, attempt_id: int, _now: float) -> None:
        """The leg stands on, in silence."""
        phone = self._phones.get(agent_id)
        # A release that comes late must not cut the next customer off.
        if phone is not None and phone.customer in (0, attempt_id):
            phone.customer = 0
            self._endpoint.media.unbridge(agent_leg(agent_id))
