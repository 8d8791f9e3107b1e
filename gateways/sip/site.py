"""The SIP side of one daemon: its endpoints, trunks, desk and audio relay, put together.

The rule of this module: what shares an address shares an endpoint, and everything starts and
stops in one order: relay, endpoints, then those who speak.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dialer.ports import Sink
from gateways.media.client import MediaRelay
from gateways.media.config import MediaConfig
from gateways.media.prompts import load_prompt
from gateways.sip.callbacks import CallbackConfig, CallbackDesk, OptOut
from gateways.sip.desk import SipDesk
from gateways.sip.endpoint import EndpointConfig, SipEndpoint
from gateways.sip.phones import DeskConfig, PhoneDesk
from gateways.sip.ringing_desk import RingingDesk
from gateways.sip.trunk import SipTrunk
from gateways.sip.trunk_config import TrunkConfig


@dataclass(frozen=True)
class Listening:
    """Where a trunk or the desk listens. advertised_host: see `EndpointConfig`."""

    host: str
    port: int
    advertised_host: str = ""


@dataclass(frozen=True)
class SitePlan:
    """What there is to be.

    log_dir: where dialogs are kept for after a crash. callbacks: None where nobody answers those
    who call our numbers.
    """

    trunks: tuple[tuple[Listening, TrunkConfig], ...]
    desk: tuple[Listening, DeskConfig] | None
    media: MediaConfig
    log_dir: Path
    callbacks: CallbackConfig | None = None


class SipSite:
    """Builds the plan.

    changes: gets each trunk's TrunkChanged. desk_events: gets the desk's. on_response and
    on_channels: see `SipTrunk`. on_opt_out: see `CallbackDesk`.
    """

    def __init__(
        self,
        plan: SitePlan,
        changes: Sink,
        desk_events: Sink,
        *,
        clock: Callable[[], float],
        on_response: Callable[[str, str], None],
        on_channels: Callable[[str, int], None],
        on_opt_out: Callable[[OptOut], None],
    ) -> None:
        self._clock = clock
        self._log_dir = plan.log_dir
        self.media = MediaRelay(plan.media)
        self._endpoints: dict[tuple[str, int], SipEndpoint] = {}
        self.trunks = {
            config.name: SipTrunk(config, self._endpoint(place), changes, on_response, on_channels)
            for place, config in plan.trunks
        }
        self._callbacks: list[CallbackDesk] = []
        if plan.callbacks is not None:
            # A recording that cannot be played is found now, and not by the first caller.
            load_prompt(plan.media.prompts_dir, plan.callbacks.prompt)
            self._callbacks = [
                CallbackDesk(plan.callbacks, endpoint, on_opt_out)
                for endpoint in self._endpoints.values()
            ]
        self.desk: PhoneDesk | None = None
        if plan.desk is not None:
            place, desk_config = plan.desk
            kind = SipDesk if desk_config.kept_up else RingingDesk
            self.desk = kind(desk_config, self._endpoint(place), desk_events)

    def start(self) -> frozenset[int]:
        """Start all, and end what a crash left behind; the attempts that had left before it."""
        self._log_dir.mkdir(parents=True, exist_ok=True)
        started: list[Callable[[], None]] = []
        sent: frozenset[int] = frozenset()
        try:
            self.media.start()
            started.append(self.media.stop)
            for endpoint in self._endpoints.values():
                endpoint.start()
                started.append(endpoint.stop)
                sent |= endpoint.recover()
        except BaseException:
            for stop in reversed(started):
                stop()
            raise
        for trunk in self.trunks.values():
            trunk.start()
        for callbacks in self._callbacks:
            callbacks.start()
        return sent

    def stop(self) -> None:
        """Hang up what stands and stop."""
        for trunk in self.trunks.values():
            trunk.stop()
        for endpoint in self._endpoints.values():
            endpoint.stop()
        self.media.stop()

    def _endpoint(self, place: Listening) -> SipEndpoint:
        key = (place.host, place.port)
        if key not in self._endpoints:
            log = self._log_dir / f"dialogs-{place.host.replace(':', '_')}-{place.port}.log"
            config = EndpointConfig(place.host, place.port, place.advertised_host, log)
            self._endpoints[key] = SipEndpoint(config, self.media, self._clock)
        return self._endpoints[key]
