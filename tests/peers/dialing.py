"""Dials through a real SIP trunk without the rest of the dialer: what tests of signalling need.

The rule of this module: the trunk is the real one; only its relay is deaf.
"""

import queue
import time
from collections.abc import Callable, Mapping
from typing import Any

from dialer.events import Answered, Ended, Ringing
from dialer.ports import DialRequest, Sink
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.keep_alive import KeepAliveConfig
from gateways.sip.trunk import SipTrunk
from gateways.sip.trunk_config import TrunkConfig

HOST = "127.0.0.22"


def trunk_to(
    address: tuple[str, int], endpoint: SipEndpoint, changes: Sink, transport: str = "udp"
) -> SipTrunk:
    """A started trunk to a carrier that knows us as dialer with the password s3cret."""
    host, port = address
    config = TrunkConfig(
        "test",
        host,
        port,
        username="dialer",
        password="s3cret",
        codecs=("PCMA", "PCMU"),
        keep_alive=KeepAliveConfig(interval_s=30.0, timeout_s=2.0),
        transport=transport,
    )
    trunk = SipTrunk(config, endpoint, changes)
    trunk.start()
    return trunk


class DeafMedia:
    """A relay that hands out ports and relays nothing: these tests are about signalling."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.remotes: dict[str, tuple[str, int, int]] = {}
        self._next = 20_000

    def open_leg(self, leg_id: str) -> tuple[str, int]:
        self.open.add(leg_id)
        self._next += 2
        return HOST, self._next

    def set_remote(
        self,
        leg_id: str,
        host: str,
        port: int,
        payload_type: int,
        send: bool = True,
        event_payload_type: int | None = 101,
    ) -> None:
        self.remotes[leg_id] = (host, port, payload_type)

    def bridge(self, leg_a: str, leg_b: str, on_done: Callable[[], None] | None = None) -> None:
        if on_done:
            on_done()

    def unbridge(self, leg_id: str) -> None: ...

    def play(self, leg_id: str, prompt: str, on_done: Callable[[], None]) -> None:
        on_done()

    def listen(self, leg_id: str, on_key: object) -> None: ...

    def close_leg(self, leg_id: str) -> None:
        self.open.discard(leg_id)


class Told(queue.SimpleQueue[Any]):
    """A sink that keeps what it is told."""

    def tell(self, message: Any, /) -> None:
        self.put(message)


class Dialer:
    """Dials numbers as a campaign would: talks a little, hangs up, cancels what rings on."""

    def __init__(self, trunk: SipTrunk, told: Told) -> None:
        self.trunk = trunk
        self.events: dict[str, list[Any]] = {}
        self._told = told
        self._numbers: dict[int, str] = {}
        self._due: list[tuple[float, Callable[[], None]]] = []

    def dial(self, numbers: list[str]) -> None:
        for number in numbers:
            attempt_id = len(self._numbers) + 1
            self._numbers[attempt_id] = number
            self.events[number] = []
            self.trunk.dial(DialRequest(attempt_id, number, "+12025559999"), self._told)

    def run(
        self, talk_s: Mapping[str, float], cancel_s: Mapping[str, float], within_s: float
    ) -> None:
        """Until every call has ended. talk_s, cancel_s: by number, none for no end of ours."""
        deadline = time.monotonic() + within_s
        while not all(self._has_ended(number) for number in self.events):
            now = time.monotonic()
            due = [command for at, command in self._due if at <= now]
            self._due = [(at, command) for at, command in self._due if at > now]
            for command in due:
                command()
            try:
                event = self._told.get(timeout=0.01)
            except queue.Empty:
                assert time.monotonic() < deadline, self._unfinished()
                continue
            number = self._numbers[event.attempt_id]
            self.events[number].append(event)
            if isinstance(event, Answered) and number in talk_s:
                self._in(talk_s[number], self.trunk.hang_up, event.attempt_id)
            if isinstance(event, Ringing) and number in cancel_s:
                self._in(cancel_s[number], self.trunk.cancel, event.attempt_id)

    def _in(self, delay_s: float, command: Callable[[int], None], attempt_id: int) -> None:
        self._due.append((time.monotonic() + delay_s, lambda: command(attempt_id)))

    def _has_ended(self, number: str) -> bool:
        return bool(self.events[number]) and isinstance(self.events[number][-1], Ended)

    def _unfinished(self) -> dict[str, list[Any]]:
        return {n: found for n, found in self.events.items() if not self._has_ended(n)}

    def ends(self) -> dict[str, tuple[str, int, int]]:
        """Number -> who ended it, the SIP status, the Q.850 cause."""
        causes = {number: found[-1].cause for number, found in self.events.items()}
        return {n: (cause.by, cause.sip_status, cause.q850) for n, cause in causes.items()}

    def kinds(self, number: str) -> list[type]:
        return [type(event) for event in self.events[number]]
