"""SIP over TLS: the connections of `tcp`, secured, and opened by us alone.

The rule of this module: a connection is used only once the other side has proved to be the trunk
that it was opened for. All of them leave from one port, which is the one that we tell others, so a
request sent to our Contact finds the connection that stands (RFC 3261 section 18.1.1). One that is
lost is opened again, since nobody can call us in between.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import struct
from dataclasses import dataclass

from gateways.sip.tcp import Connection, TcpTransport
from gateways.sip.tls import TlsProfile, why_refused, wrong_name
from gateways.sip.transactions import Address
from gateways.sip.transport import OnDatagram, OnFailure

_log = logging.getLogger(__name__)
RECONNECT_S = 1.0
STABLE_S = 5.0
_NO_LINGER = struct.pack("ii", 1, 0)
_TAKEN = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL})


@dataclass(frozen=True)
class Secured:
    """A trunk's profile with its context."""

    profile: TlsProfile
    context: ssl.SSLContext


class TlsTransport(TcpTransport):
    """Connections to the trunks that are in `secured`, by the profile of their Address.

    local: where all of them leave from: the port of `bind`, or any where that is taken.
    """

    transport = "tls"

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bind: Address,
        on_message: OnDatagram,
        on_failure: OnFailure,
        secured: dict[str, Secured],
    ) -> None:
        super().__init__(loop, bind, on_message, on_failure)
        self._secured = secured
        self._since: dict[Address, float] = {}
        self._closed = False
        # Bound and never listened on: it keeps the port ours while no connection stands.
        self._anchor = self._bound(bind.port)
        self.local = self.local._replace(port=self._anchor.getsockname()[1])

    def start(self) -> None:
        """Nothing is listened on: what comes, comes over what we opened."""

    def close(self) -> None:
        """Close everything."""
        self._closed = True
        super().close()
        self._anchor.close()

    # What connections tell.

    def opened(self, connection: Connection, peer: Address) -> bool:
        """A handshake is done; False where it is not the trunk at the other end."""
        secured = self._secured[peer.profile]
        certificate = connection.info("peercert") or {}
        if secured.profile.verify:
            wrong = wrong_name(certificate, secured.profile.server_name)
            if wrong:
                self._waiting.pop(peer, None)
                self._fail(peer, wrong)
                return False
        self._since[peer] = self._loop.time()
        return super().opened(connection, peer)

    def lost(self, connection: Connection, peer: Address, error: Exception | None) -> None:
        """A connection is gone; one that has stood for a while is opened again."""
        stood = self._open.get(peer) is connection
        super().lost(connection, peer, error)
        if not stood or self._closed:
            return
        if self._loop.time() - self._since.pop(peer) >= STABLE_S:
            self._loop.call_later(RECONNECT_S, self._open_again, peer)
        elif error is None:
            # Opening it again would come to the same, and no answer can come by another way.
            self._fail(peer, "it ended the connection at once")

    def closing(self, connection: Connection) -> None:
        """It ends without lingering: else our one port could not connect again for a minute."""
        sock = connection.info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)

    def _open_again(self, peer: Address) -> None:
        if not self._closed and peer not in self._open and peer not in self._waiting:
            self.send(b"", peer)

    # Opening.

    async def _open_to(self, destination: Address) -> None:
        secured = self._secured.get(destination.profile)
        if secured is None:
            raise OSError("no trunk of ours speaks TLS with it")
        sock = await self._connected(destination)
        try:
            await self._loop.create_connection(
                lambda: Connection(self, destination),
                sock=sock,
                ssl=secured.context,
                server_hostname=secured.profile.sni,
            )
        except BaseException:
            sock.close()
            raise

    async def _connected(self, destination: Address) -> socket.socket:
        where = (destination.host, destination.port)
        for port in (self.local.port, 0):
            sock = self._bound(port)
            try:
                await self._loop.sock_connect(sock, where)
            except BaseException as error:
                sock.close()
                if not (port and isinstance(error, OSError) and error.errno in _TAKEN):
                    raise
                _log.warning("port %d is not free for TLS to %s", port, destination.host)
            else:
                return sock
        raise AssertionError("the last try either connects or raises")

    def _why(self, error: BaseException, peer: Address) -> str:
        if isinstance(error, ConnectionError) and not error.errno:
            return "it hung up in the TLS handshake"
        secured = self._secured.get(peer.profile)
        name = secured.profile.server_name if secured is not None else peer.host
        return why_refused(error, name) or super()._why(error, peer)

    def _bound(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.local.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((self.local.host, port))
            except OSError as error:
                _log.warning("port %d is not free for SIP over TLS (%s)", port, error)
                sock.bind((self.local.host, 0))
        except BaseException:
            sock.close()
            raise
        return sock
