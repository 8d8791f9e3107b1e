"""The SIP endpoint: one address, one user agent, one thread with one loop.

The rule of this module: the user agent is touched on the endpoint's thread and nowhere else.
Whoever wants something of it hands a function over with `run`, which never waits.
"""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.errors import TrunkError
from gateways.sip.building import Composer
from gateways.sip.dialog_log import DialogLog, FileLog, NoLog
from gateways.sip.digest import Credentials
from gateways.sip.media_port import Media
from gateways.sip.srv import Found, NameServer, Service, find
from gateways.sip.tcp import TcpTransport
from gateways.sip.tls import TlsProfile
from gateways.sip.tls_transport import Secured, TlsTransport
from gateways.sip.transactions import Address
from gateways.sip.transport import Transport, UdpTransport, outward_host
from gateways.sip.user_agent import UserAgent

_log = logging.getLogger(__name__)
REFRESH_S = 30.0
_WILDCARDS = frozenset({"0.0.0.0", "::", ""})


@dataclass(frozen=True)
class EndpointConfig:
    """Where the endpoint listens.

    advertised_host: what others are told to send to (behind a NAT); "" for the bound address, or
    for the machine's outward one where that is a wildcard. dialog_log: the file in which dialogs
    survive a crash, None for none. name_servers: address and port of those that are asked for SRV
    records, () for the system's.
    """

    bind_host: str = "0.0.0.0"
    bind_port: int = 5060
    advertised_host: str = ""
    dialog_log: Path | None = None
    name_servers: tuple[NameServer, ...] = ()


class SipEndpoint:
    """Carries the trunks and the desk that share one address.

    clock: seconds since the epoch, for events and records.
    """

    def __init__(
        self, config: EndpointConfig, media: Media, clock: Callable[[], float] = time.time
    ) -> None:
        self.config = config
        self.media = media
        self.clock = clock
        self.agent: UserAgent
        self.local = Address(config.bind_host, config.bind_port)
        self._log: DialogLog = NoLog()
        self._sent: frozenset[int] = frozenset()
        self._recovered = False
        self._credentials: dict[str, Credentials] = {}
        self._secured: dict[str, Secured] = {}
        self._hosts: dict[str, str] = {}
        self._look_up_after: dict[str, float] = {}
        self._resolving: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._carry, name="sip", daemon=True)
        self._transports: dict[str, Transport] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._running = False

    # Start and stop.

    def start(self) -> None:
        """Bind and begin; ConfigError when the address is taken, TrunkError for the log."""
        self._loop = asyncio.new_event_loop()
        bind = Address(self.config.bind_host, self.config.bind_port)
        try:
            if self.config.dialog_log is not None:
                self._log = FileLog(self.config.dialog_log, self.clock)
            udp = UdpTransport(self._loop, bind, self._received, self._undelivered)
            self._transports["udp"] = udp
        except Exception:
            self._close()
            raise
        self.local = udp.local
        tcp = TcpTransport(self._loop, self.local, self._received, self._undelivered)
        self._transports["tcp"] = tcp
        self._loop.call_soon(tcp.start)
        tls_port = self._secure() if self._secured else 0
        host = self.config.advertised_host or self.local.host
        if host in _WILDCARDS:
            host = outward_host()
        composer = Composer(host, self.local.port, tls_port)
        self.agent = UserAgent(composer, self.media, self._log, self.locate)
        self._running = True
        self._thread.start()

    def stop(self, grace_s: float = 2.0) -> None:
        """Hang up what stands, wait up to `grace_s` for the answers, and close."""
        if not self._running:
            return
        self.run(self._hang_up_all)
        deadline = time.monotonic() + grace_s
        while self.agent.legs and time.monotonic() < deadline:
            time.sleep(0.02)
        self._running = False
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._close()

    def recover(self) -> frozenset[int]:
        """End what a crash left behind, once; the attempts whose INVITE had left before.

        Established calls get their BYE at once, ringing ones their CANCEL, and those that answer
        first an ACK and a BYE.
        """
        if isinstance(self._log, FileLog) and not self._recovered:
            self._recovered = True
            self._sent = frozenset(self._log.sent_attempt_ids())
            found = self._log.open_legs()
            if found:
                _log.info("ending %d calls that a crash left behind", len(found))
            self.run(lambda now: self.agent.end_recovered(found, self._credentials.get, now))
        return self._sent

    # For the ports.

    def run(self, function: Callable[..., object], *args: object) -> bool:
        """Have the SIP thread call `function(*args, now)`; False when the endpoint is stopped."""
        if not self._running:
            return False
        try:
            self._loop.call_soon_threadsafe(self._do, function, args)
        except RuntimeError:
            # The loop was closed between the two lines.
            return False
        return True

    def now(self) -> float:
        """The user agent's time, in seconds."""
        return self._loop.time()

    def knows(self, owner: str, credentials: Credentials | None) -> None:
        """The credentials of an owner of legs, for those that a crash left behind."""
        if credentials is not None:
            self._credentials[owner] = credentials

    def secures(self, owner: str, profile: TlsProfile) -> None:
        """How what `owner` sends by TLS is secured; before the start. ConfigError when it cannot
        be."""
        self._secured[owner] = Secured(profile, profile.context(owner.replace(":", " ")))

    def locate(self, host: str, port: int) -> Address | None:
        """The address of a host name as far as it is known. SIP thread only."""
        known = self._hosts.get(host)
        return Address(known, port) if known else None

    def resolve(self, host: str, then: Callable[[float], None] | None = None) -> None:
        """Look a host name up (again), then call back. SIP thread only.

        Without a callback it is a refresh, made at most every half minute.
        """
        now = self._loop.time()
        if then is None and now < self._look_up_after.get(host, 0.0):
            return
        self._look_up_after[host] = now + REFRESH_S
        self._spawn(self._resolve(host, then))

    def look_up(
        self, host: str, transport: str, port: int, then: Callable[[Found | str, float], None]
    ) -> None:
        """Look for a carrier by SRV (`srv.find`), then call back with what was found or why nothing
        was. SIP thread only."""
        self._spawn(self._look_up(Service(host, transport, port, self._family), then))

    def _secure(self) -> int:
        """Make ready for TLS: at the port after our own, else at any; which one it is."""
        port = self.local.port + 1 if self.config.bind_port else 0
        bind = self.local._replace(port=port)
        tls = TlsTransport(self._loop, bind, self._received, self._undelivered, self._secured)
        self._transports["tls"] = tls
        return tls.local.port

    # The thread.

    def _carry(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._close_transports()  # connections end on the loop, which runs a little longer
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self._loop.run_until_complete(asyncio.wait(tasks))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())

    def _hang_up_all(self, now: float) -> None:
        for leg in list(self.agent.legs.values()):
            leg.hang_up(now)

    def _close_transports(self) -> None:
        while self._transports:
            self._transports.popitem()[1].close()

    def _close(self) -> None:
        self._close_transports()
        if isinstance(self._log, FileLog):
            self._log.close()
        self._loop.close()

    def _do(self, function: Callable[..., object], args: tuple[object, ...]) -> None:
        try:
            function(*args, self._loop.time())
        except Exception:
            # A bug of ours in one call must not take the others down with it.
            _log.exception("the SIP thread stumbled in %r", function)
        self._flush()

    def _received(self, data: bytes, source: Address) -> None:
        self._do(self.agent.receive, (data, source))

    def _undelivered(self, destination: Address, reason: str) -> None:
        self._do(self.agent.transport_failed, (destination, reason))

    def _flush(self) -> None:
        for data, destination in self.agent.take_outbox():
            if transport := self._transports.get(destination.transport):
                transport.send(data, destination)
            else:
                why = f"{destination.host}: TLS is only for trunks with transport: tls"
                self._loop.call_soon(self._undelivered, destination, why)
        due = self.agent.next_timeout()
        if due is None or (self._alarm is not None and self._alarm.when() <= due):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._do(self.agent.advance, ())

    async def _resolve(self, host: str, then: Callable[[float], None] | None) -> None:
        try:
            found = await self._loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except OSError as error:
            _log.warning("cannot find the host %s: %s", host, error)
        else:
            usable = [entry[4][0] for entry in found if entry[0] == self._family]
            if usable:
                self._hosts[host] = str(usable[0])
        if then is not None:
            self._do(then, ())

    async def _look_up(self, service: Service, then: Callable[[Found | str, float], None]) -> None:
        found: Found | str
        try:
            found = await self._loop.run_in_executor(None, find, service, self.config.name_servers)
        except TrunkError as error:
            found = str(error)
        self._do(then, (found,))

    @property
    def _family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.local.host else socket.AF_INET

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._resolving.add(task)
        task.add_done_callback(self._resolving.discard)
