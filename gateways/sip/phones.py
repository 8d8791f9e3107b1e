"""What desks on SIP phones have in common: the port's threads, and how a phone is called.

The rule of this module: a request comes from any thread and is carried out on the SIP thread; a
phone that cannot be called is told of with the reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dialer.events import AgentLegDown, AgentLegUp, AgentNoAnswer, DeskEvent, EndCause
from dialer.ports import Choices, PreviewCard, Sink
from gateways.sip.dialogs import locate_uri
from gateways.sip.digest import Credentials
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.headers import MalformedError, read_uri
from gateways.sip.leg_plan import LegOwner, LegPlan
from gateways.sip.legs import Leg
from gateways.sip.media_port import agent_leg
from gateways.sip.sdp import PCMA, PCMU

OWNER = "desk"

_PICK_UP = (
    # Two dialects of one wish: pick up by yourself.
    ("Call-Info", "<sip:{host}>;answer-after=0"),
    ("Alert-Info", "<http://localhost>;info=alert-autoanswer;delay=0"),
)


@dataclass(frozen=True)
class DeskConfig:
    """How phones are called.

    kept_up: a leg to each phone stands from log-in on; else phones ring per call. from_user: what
    the phone shows. answer_timeout_s: how long a phone may ring. probe_s: how often a leg that
    stands is asked whether it lives. username, password: where phones are behind a PBX that
    challenges.
    """

    kept_up: bool = True
    from_user: str = "foredial"
    answer_timeout_s: float = 30.0
    probe_s: float = 60.0
    username: str = ""
    password: str = ""


class PhoneDesk:
    """A `dialer.ports.AgentDesk` on SIP phones. events: gets all DeskEvents."""

    kept_up = True

    def __init__(self, config: DeskConfig, endpoint: SipEndpoint, events: Sink) -> None:
        self.config = config
        self.clock = endpoint.clock
        self._endpoint = endpoint
        self._events = events
        self._credentials = (
            Credentials(config.username, config.password) if config.username else None
        )
        endpoint.knows(OWNER, self._credentials)

    def recover(self) -> frozenset[int]:
        """End the legs that a crash left behind (of all owners, once); see the endpoint."""
        return self._endpoint.recover()

    # The port.

    def log_in(self, agent_id: str, address: str) -> None:
        """The agent is at this phone. address: a SIP URI, `sip:ann@192.0.2.7:5060`."""
        if not self._endpoint.run(self._log_in, agent_id, address):
            self.tell(AgentLegDown(agent_id, self.clock(), "the SIP endpoint is stopped"))

    def log_out(self, agent_id: str) -> None:
        """Hang up the agent's phone."""
        self._endpoint.run(self._log_out, agent_id)

    def retell(self, agent_ids: Sequence[str]) -> None:
        """Say again who has a phone to be reached at."""
        self._endpoint.run(self._retell, tuple(agent_ids))

    def offer(self, agent_id: str) -> None:
        """A reservation is offered."""
        if not self._endpoint.run(self._offer, agent_id):
            self.tell(AgentNoAnswer(agent_id, self.clock()))

    def withdraw(self, agent_id: str) -> None:
        """The reservation is over, and no call came of it."""
        self._endpoint.run(self._withdraw, agent_id)

    def preview(self, agent_id: str, card: PreviewCard) -> None:
        """A phone shows nothing: the agent looks at it through the control socket."""

    def ask_disposition(self, agent_id: str, attempt_id: int, choices: Choices) -> None:
        """A phone cannot ask: the agent says it through the control socket."""

    def connect(self, agent_id: str, attempt_id: int) -> None:
        """Note whom the agent talks to; the audio is the trunk's `bridge`."""
        self._endpoint.run(self._connect, agent_id, attempt_id)

    def release(self, agent_id: str, attempt_id: int) -> None:
        """The call is over."""
        self._endpoint.run(self._release, agent_id, attempt_id)

    # On the SIP thread.

    def tell(self, event: DeskEvent) -> None:
        """Tell the desk's sink."""
        self._events.tell(event)

    def _log_in(self, agent_id: str, address: str, now: float) -> None:
        raise NotImplementedError

    def _log_out(self, agent_id: str, now: float) -> None:
        raise NotImplementedError

    def _retell(self, agent_ids: tuple[str, ...], _now: float) -> None:
        for agent_id in agent_ids:
            there = self._is_there(agent_id)
            if there is not None:
                now = self.clock()
                down = AgentLegDown(agent_id, now, "the phone has no leg")
                self.tell(AgentLegUp(agent_id, now) if there else down)

    def _is_there(self, agent_id: str) -> bool | None:
        """Whether an agent can be reached; None while it is being found out, and told then."""
        raise NotImplementedError

    def _offer(self, agent_id: str, now: float) -> None:
        raise NotImplementedError

    def _withdraw(self, agent_id: str, now: float) -> None:
        raise NotImplementedError

    def _connect(self, agent_id: str, attempt_id: int, now: float) -> None:
        raise NotImplementedError

    def _release(self, agent_id: str, attempt_id: int, now: float) -> None:
        raise NotImplementedError

    def _look_up(self, address: str, then: Callable[[str, float], None], now: float) -> None:
        """Find a phone's host; then is told what is wrong, "" for nothing, perhaps later."""
        try:
            uri = read_uri(address)
        except MalformedError as error:
            then(f"{error}; an address looks like sip:ann@192.0.2.7:5060", now)
            return

        def found(later: float) -> None:
            known = locate_uri(address, self._endpoint.locate) is not None
            then("" if known else f"cannot find the host of {address}", later)

        if locate_uri(address, self._endpoint.locate) is None:
            self._endpoint.resolve(uri.host, found)
        else:
            then("", now)

    def _place(
        self, agent_id: str, address: str, owner: LegOwner, *, by_itself: bool, now: float
    ) -> Leg | None:
        """Call a phone whose host was found; None where that is known no more.

        by_itself: ask it to pick up without the agent's doing.
        """
        destination = locate_uri(address, self._endpoint.locate)
        if destination is None:
            return None
        agent = self._endpoint.agent
        host = agent.composer.host
        extra = tuple((name, value.format(host=host)) for name, value in _PICK_UP)
        plan = LegPlan(
            owner=OWNER,
            attempt_id=0,
            media_leg=agent_leg(agent_id),
            uri=address,
            sender=f'"Foredial" <sip:{self.config.from_user}@{host}>',
            recipient=f"<{address}>",
            user=self.config.from_user,
            destination=destination,
            credentials=self._credentials,
            codecs=(PCMU, PCMA),
            extra=extra if by_itself else (),
            probe_s=self.config.probe_s,
        )
        return agent.place(plan, owner, "agent", now)

    def _after(self, delay_s: float, what: Callable[[float], None], now: float) -> None:
        self._endpoint.agent.after(delay_s, what, now)


def why(cause: EndCause) -> str:
    """An EndCause in words for a supervisor."""
    if cause.by == "far" and cause.sip_status == 200:
        return "the phone hung up"
    said = f"{cause.sip_status} {cause.text}".strip() if cause.sip_status else cause.text
    return f"the phone refused: {said}" if cause.by == "far" else said or "hung up"
