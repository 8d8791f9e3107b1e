"""The Trunk port on a SIP carrier.

The rule of this module: commands come from any thread and never wait; each dial ends in exactly
one `Ended`. The call itself is a leg's business (`legs`), and which target has it that of
`trunk_calls`.
"""

import logging
from collections.abc import Callable

from dialer.errors import MediaError
from dialer.events import EndCause, Ended, TrunkChanged
from dialer.ports import DialRequest, Sink
from gateways.sip.building import bracketed
from gateways.sip.digest import Credentials
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.keep_alive import KeepAlive
from gateways.sip.leg_plan import LegPlan
from gateways.sip.legs import Leg
from gateways.sip.media_port import agent_leg, call_leg
from gateways.sip.nat import unreachable_from
from gateways.sip.registration import Registration, RegistrationConfig
from gateways.sip.targets import Targets
from gateways.sip.transactions import Address
from gateways.sip.trunk_calls import TrunkCall
from gateways.sip.trunk_config import TrunkConfig

_log = logging.getLogger(__name__)


class SipTrunk:
    """Places calls at a carrier: a `dialer.ports.Trunk`.

    changes: gets a TrunkChanged for each change, the first within seconds of the start.
    on_response(trunk, class): for each response to an INVITE, "1xx" to "6xx" or "timeout".
    on_channels(trunk, in_use): for each change. Both are called on the SIP thread.
    """

    judges = False
    """Call progress analysis is not wired to this trunk yet."""

    def __init__(
        self,
        config: TrunkConfig,
        endpoint: SipEndpoint,
        changes: Sink,
        on_response: Callable[[str, str], None] | None = None,
        on_channels: Callable[[str, int], None] | None = None,
    ) -> None:
        self.name = config.name
        self.config = config
        self.clock = endpoint.clock
        self._endpoint = endpoint
        self._changes = changes
        self._on_response = on_response
        self._on_channels = on_channels
        self._calls: dict[int, TrunkCall] = {}
        self._owner = f"trunk:{config.name}"
        self._credentials = (
            Credentials(config.username, config.password) if config.username else None
        )
        endpoint.knows(self._owner, self._credentials)
        if (profile := config.profile) is not None:
            endpoint.secures(self._owner, profile)
        self._up: bool | None = None
        self._why = ""
        probed = config.keep_alive.interval_s > 0
        self._targets = Targets(endpoint, config.hop, self._owner, probed=probed)
        self._keep_alive = KeepAlive(
            endpoint, config.keep_alive, config.uri, self._targets, self._looked
        )
        self._registration: Registration | None = None
        if config.registration_s:
            user = config.username or config.from_user
            wish = RegistrationConfig(config.registrar, user, config.registration_s)
            self._registration = Registration(
                endpoint, wish, self._credentials, self._targets.pick, self._looked
            )

    def start(self) -> None:
        """Begin to ask whether the carrier answers; the endpoint runs already."""
        self._endpoint.run(self._start)

    def stop(self) -> None:
        """Leave the carrier; the endpoint still runs, and ends the calls when it stops."""
        if self._registration is not None:
            self._endpoint.run(self._registration.stop)

    def recover(self) -> frozenset[int]:
        """End the calls that a crash left behind (of all owners, once); see the endpoint."""
        return self._endpoint.recover()

    # The port.

    def dial(self, request: DialRequest, events: Sink) -> None:
        """Place a call."""
        if not self._endpoint.run(self._dial, request, events):
            cause = EndCause("trunk", 0, 0, "the SIP endpoint is stopped")
            events.tell(Ended(request.attempt_id, self.clock(), cause))

    def cancel(self, attempt_id: int) -> None:
        """Stop ringing."""
        self._endpoint.run(self._with_leg, attempt_id, Leg.cancel)

    def hang_up(self, attempt_id: int) -> None:
        """End it, live or not."""
        self._endpoint.run(self._with_leg, attempt_id, Leg.hang_up)

    def bridge(self, attempt_id: int, agent_id: str) -> None:
        """Let customer and agent hear each other."""
        self._endpoint.run(self._bridge, attempt_id, agent_id)

    def play(self, attempt_id: int, prompt: str, then_hang_up: bool) -> None:
        """Play a prompt to a live call."""
        self._endpoint.run(self._play, attempt_id, prompt, then_hang_up)

    # On the SIP thread.

    def saw_response(self, status_class: str) -> None:
        """A call saw a response, or none in time."""
        if self._on_response is not None:
            self._on_response(self.name, status_class)
        if status_class == "timeout":
            self._keep_alive.suspect(self._endpoint.now())

    def call_ended(self, call: TrunkCall) -> None:
        """A call gave its channel back."""
        if self._calls.get(call.attempt_id) is call:
            del self._calls[call.attempt_id]
            self._count_channels()

    def target_failed(self, call: TrunkCall, rest_s: float) -> bool:
        """Place a call that a target did not take at another one, if there is one."""
        self._targets.failed(call.tried[-1], rest_s)
        if self._targets.pick(besides=call.tried) is None:
            return False
        _log.info("trunk %s: attempt %d goes to another target", self.name, call.attempt_id)
        self._place(call, self._endpoint.now())
        return True

    def _start(self, _now: float) -> None:
        self._targets.start(self._begin)

    def _begin(self, now: float) -> None:
        destination = self._targets.pick()
        if destination is not None:
            warning = unreachable_from(self._endpoint.agent.composer.host, destination.host)
            if warning:
                _log.warning("trunk %s: %s", self.name, warning)
        self._keep_alive.start(now)
        if self._registration is not None:
            self._registration.start(now)

    def _looked(self, _up: bool, _reason: str) -> None:
        """The trunk is up while it answers and, where it wants that, has us registered."""
        checks: list[KeepAlive | Registration] = [self._keep_alive]
        if self._registration is not None:
            checks.append(self._registration)
        down = [check.reason for check in checks if check.up is False]
        if not down and any(check.up is None for check in checks):
            return  # nothing is known yet
        up, why = not down, "; ".join(down)
        if (up, why) != (self._up, self._why):
            self._up, self._why = up, why
            self._changed(up, why)

    def _changed(self, up: bool, reason: str) -> None:
        if up:
            _log.info("trunk %s is up", self.name)
        else:
            _log.warning("trunk %s is down: %s", self.name, reason)
        self._changes.tell(TrunkChanged(self.name, self.clock(), up, reason))

    def _dial(self, request: DialRequest, events: Sink, now: float) -> None:
        if request.attempt_id in self._calls:
            _log.error("trunk %s: attempt %d is dialed twice", self.name, request.attempt_id)
            return
        call = TrunkCall(self, request, events)
        if self.config.max_channels and len(self._calls) >= self.config.max_channels:
            call.ended(EndCause("trunk", 0, 0, f"all channels of trunk {self.name} are in use"))
            return
        self._calls[request.attempt_id] = call
        self._count_channels()
        self._place(call, now)

    def _place(self, call: TrunkCall, now: float) -> None:
        destination = self._targets.pick(besides=call.tried)
        if destination is None:
            call.ended(EndCause("trunk", 0, 0, self._nowhere()))
            return
        call.tried.append(destination)
        plan = self._plan(call.request, destination)
        try:
            call.leg = self._endpoint.agent.place(plan, call, str(call.attempt_id), now)
        except Exception as error:
            # Every dial ends in one Ended, even one that meets a bug of ours.
            _log.exception("trunk %s cannot dial attempt %d", self.name, call.attempt_id)
            call.ended(EndCause("trunk", 0, 0, f"internal error: {error}"))

    def _nowhere(self) -> str:
        return self._targets.reason or f"cannot find the host of trunk {self.name}"

    def _plan(self, request: DialRequest, destination: Address) -> LegPlan:
        config = self.config
        number, caller = (
            text if config.plus else text.removeprefix("+")
            for text in (request.number, request.caller_id or config.from_user)
        )
        domain = config.domain or bracketed(config.remote_host)
        proxy = config.outbound_proxy
        return LegPlan(
            owner=self._owner,
            attempt_id=request.attempt_id,
            media_leg=call_leg(request.attempt_id),
            uri=f"sip:{number}@{config.authority}",
            sender=f"<sip:{caller}@{domain}>",
            recipient=f"<sip:{number}@{domain}>",
            user=caller,
            destination=destination,
            routes=(f"<{proxy};lr>" if ";lr" not in proxy else f"<{proxy}>",) if proxy else (),
            credentials=self._credentials,
            codecs=config.payload_types,
            extra=self._identity(caller, domain),
        )

    def _identity(self, caller: str, domain: str) -> tuple[tuple[str, str], ...]:
        if not self.config.asserts_identity or not caller.removeprefix("+").isdecimal():
            return ()
        return (("P-Asserted-Identity", f"<sip:{caller}@{domain}>"),)

    def _with_leg(self, attempt_id: int, command: Callable[[Leg, float], None], now: float) -> None:
        call = self._calls.get(attempt_id)
        if call is not None and call.leg is not None:
            call.unwanted = True
            command(call.leg, now)

    def _bridge(self, attempt_id: int, agent_id: str, now: float) -> None:
        call = self._calls.get(attempt_id)
        if call is None or call.leg is None or not call.leg.is_live:
            return

        def done() -> None:
            self._endpoint.run(self._bridged, call)

        try:
            self._endpoint.media.bridge(call_leg(attempt_id), agent_leg(agent_id), done)
        except MediaError as error:
            call.leg.fail(f"cannot bridge: {error}", now)

    def _bridged(self, call: TrunkCall, _now: float) -> None:
        if self._calls.get(call.attempt_id) is call and call.leg is not None and call.leg.is_live:
            call.bridged()

    def _play(self, attempt_id: int, prompt: str, then_hang_up: bool, now: float) -> None:
        call = self._calls.get(attempt_id)
        if call is None or call.leg is None or not call.leg.is_live:
            return

        def done() -> None:
            if then_hang_up:
                self.hang_up(attempt_id)

        try:
            self._endpoint.media.play(call_leg(attempt_id), prompt, done)
        except MediaError as error:
            _log.warning("cannot play %s: %s", prompt, error)
            if then_hang_up:
                call.leg.hang_up(now)

    def _count_channels(self) -> None:
        if self._on_channels is not None:
            self._on_channels(self.name, len(self._calls))
