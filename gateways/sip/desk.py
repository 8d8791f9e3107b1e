"""The AgentDesk port on SIP phones: one leg per agent that stands all day.

The rule of this module: an agent's phone is called once, at log-in, and customers are switched
behind that leg; whoever has no standing leg is never given a live call.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dialer.events import (
    AgentAccepted,
    AgentLegDown,
    AgentLegUp,
    AgentNoAnswer,
    DeskEvent,
    EndCause,
)
from dialer.ports import PreviewCard, Sink
from gateways.sip.dialogs import locate_uri
from gateways.sip.digest import Credentials
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.headers import MalformedError, read_uri
from gateways.sip.leg_plan import LegPlan
from gateways.sip.legs import Leg
from gateways.sip.media_port import agent_leg
from gateways.sip.sdp import PCMA, PCMU

OWNER = "desk"


@dataclass(frozen=True)
class DeskConfig:
    """How phones are called.

    from_user: what the phone shows. login_timeout_s: how long a phone may ring at log-in.
    probe_s: how often a standing leg is asked whether it lives. username, password: where phones
    are behind a PBX that challenges.
    """

    from_user: str = "foredial"
    login_timeout_s: float = 30.0
    probe_s: float = 60.0
    username: str = ""
    password: str = ""


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


class SipDesk:
    """Reaches agents at SIP phones: a `dialer.ports.AgentDesk`. events: gets all DeskEvents."""

    kept_up = True

    def __init__(self, config: DeskConfig, endpoint: SipEndpoint, events: Sink) -> None:
        self.config = config
        self.clock = endpoint.clock
        self._endpoint = endpoint
        self._events = events
        self._phones: dict[str, _Phone] = {}
        self._credentials = (
            Credentials(config.username, config.password) if config.username else None
        )
        endpoint.knows(OWNER, self._credentials)

    def recover(self) -> frozenset[int]:
        """End the legs that a crash left behind (of all owners, once); see the endpoint."""
        return self._endpoint.recover()

    # The port.

    def log_in(self, agent_id: str, address: str) -> None:
        """Call the agent's phone. address: a SIP URI, `sip:ann@192.0.2.7:5060`."""
        if not self._endpoint.run(self._log_in, agent_id, address):
            self.tell(AgentLegDown(agent_id, self.clock(), "the SIP endpoint is stopped"))

    def log_out(self, agent_id: str) -> None:
        """Hang up the agent's phone."""
        self._endpoint.run(self._log_out, agent_id)

    def offer(self, agent_id: str) -> None:
        """A standing leg accepts at once; without one there is no answer."""
        if not self._endpoint.run(self._offer, agent_id):
            self.tell(AgentNoAnswer(agent_id, self.clock()))

    def preview(self, agent_id: str, card: PreviewCard) -> None:
        """A phone shows nothing: the agent looks at it through the control socket."""

    def connect(self, agent_id: str, attempt_id: int) -> None:
        """Note whom the agent talks to; the audio is the trunk's `bridge`."""
        self._endpoint.run(self._connect, agent_id, attempt_id)

    def release(self, agent_id: str, attempt_id: int) -> None:
        """The agent's leg stands on, in silence."""
        self._endpoint.run(self._release, agent_id, attempt_id)

    # On the SIP thread.

    def tell(self, event: DeskEvent) -> None:
        """Tell the desk's sink."""
        self._events.tell(event)

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
        try:
            uri = read_uri(address)
        except MalformedError as error:
            self.phone_left(phone, f"{error}; an address looks like sip:ann@192.0.2.7:5060")
            return
        if locate_uri(address, self._endpoint.locate) is None:
            self._endpoint.resolve(uri.host, lambda later: self._call(phone, later))
        else:
            self._call(phone, now)

    def _call(self, phone: _Phone, now: float) -> None:
        if self._phones.get(phone.agent_id) is not phone:
            return
        destination = locate_uri(phone.address, self._endpoint.locate)
        if destination is None:
            self.phone_left(phone, f"cannot find the host of {phone.address}")
            return
        agent = self._endpoint.agent
        here = agent.composer
        plan = LegPlan(
            owner=OWNER,
            attempt_id=0,
            media_leg=agent_leg(phone.agent_id),
            uri=phone.address,
            sender=f'"Foredial" <sip:{self.config.from_user}@{here.host}>',
            recipient=f"<{phone.address}>",
            user=self.config.from_user,
            destination=destination,
            credentials=self._credentials,
            codecs=(PCMU, PCMA),
            # Two dialects of one wish: pick up by yourself.
            extra=(
                ("Call-Info", f"<sip:{here.host}>;answer-after=0"),
                ("Alert-Info", "<http://localhost>;info=alert-autoanswer;delay=0"),
            ),
            probe_s=self.config.probe_s,
        )
        phone.leg = agent.place(plan, phone, "agent", now)
        agent.after(self.config.login_timeout_s, self._too_long(phone), now)

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

    def _offer(self, agent_id: str, _now: float) -> None:
        phone = self._phones.get(agent_id)
        if phone is not None and phone.leg is not None and phone.leg.is_live:
            self.tell(AgentAccepted(agent_id, self.clock()))
        else:
            self.tell(AgentNoAnswer(agent_id, self.clock()))

    def _connect(self, agent_id: str, attempt_id: int, _now: float) -> None:
        phone = self._phones.get(agent_id)
        if phone is not None:
            phone.customer = attempt_id

    def _release(self, agent_id: str, attempt_id: int, _now: float) -> None:
        phone = self._phones.get(agent_id)
        # A release that comes late must not cut the next customer off.
        if phone is not None and phone.customer in (0, attempt_id):
            phone.customer = 0
            self._endpoint.media.unbridge(agent_leg(agent_id))


def why(cause: EndCause) -> str:
    """An EndCause in words for a supervisor."""
    if cause.by == "far" and cause.sip_status == 200:
        return "the phone hung up"
    said = f"{cause.sip_status} {cause.text}".strip() if cause.sip_status else cause.text
    return f"the phone refused: {said}" if cause.by == "far" else said or "hung up"
