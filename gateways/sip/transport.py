"""Transports: how datagrams reach the network.

The rule of this module: sending never blocks and never raises; what cannot be delivered is
reported for its destination. UDP stands here, TCP in `tcp`, TLS in
`tls_transport`.
"""

import asyncio
import errno
import os
import socket
import struct
import sys
from collections.abc import Callable
from typing import Protocol

from dialer.errors import ConfigError
from gateways.sip.transactions import Address

OnDatagram = Callable[[bytes, Address], None]
OnFailure = Callable[[Address, str], None]

_RECEIVE_BUFFER_BYTES = 4 << 20
_BATCH = 64
# Linux: have ICMP errors of an unconnected socket queued with the address that they speak of.
_IP_RECVERR = 11
_IPV6_RECVERR = 25
_MSG_ERRQUEUE = 0x2000
_HARD = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES})


class Transport(Protocol):
    """A way to the network. reliable: whether it repeats and orders by itself."""

    reliable: bool
    local: Address

    def send(self, data: bytes, destination: Address) -> None: ...

    def close(self) -> None: ...


class UdpTransport:
    """One UDP socket on a running loop. All methods are called on the loop's thread.

    ConfigError when the address cannot be bound.
    """

    reliable = False

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bind: Address,
        on_datagram: OnDatagram,
        on_failure: OnFailure,
    ) -> None:
        self._loop = loop
        self._on_datagram = on_datagram
        self._on_failure = on_failure
        self._socket = bind_udp(bind)
        self.local = Address(*self._socket.getsockname()[:2])
        loop.add_reader(self._socket.fileno(), self._readable)

    def send(self, data: bytes, destination: Address) -> None:
        """Send; a full buffer drops the datagram, as the network may: SIP repeats itself."""
        for _ in range(2):
            try:
                self._socket.sendto(data, destination[:2])
            except BlockingIOError:
                return
            except OSError as error:
                # The error may speak of an earlier datagram; then this one has not left yet.
                if not self._read_errors():
                    self._report(destination, error.errno or errno.EINVAL)
                    return
            else:
                return

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for count in range(_BATCH):
            try:
                data, source = self._socket.recvfrom(65535)
            except BlockingIOError:
                if count == 0:
                    self._read_errors()
                return
            except OSError:
                self._read_errors()
                continue
            self._on_datagram(data, Address(*source[:2]))

    def _read_errors(self) -> bool:
        """Read the queue of ICMP errors; whether there were any."""
        found = False
        while sys.platform == "linux":
            try:
                _, extra, _, about = self._socket.recvmsg(512, 512, _MSG_ERRQUEUE)
            except OSError:
                break
            found = True
            for _, _, payload in extra:
                if len(payload) >= 4 and about:
                    number = struct.unpack_from("=I", payload)[0]
                    self._report(Address(*about[:2]), number)
        return found

    def _report(self, destination: Address, number: int) -> None:
        if number in _HARD or number == errno.EINVAL:
            reason = f"{destination.host}:{destination.port}: {os.strerror(number)}"
            self._loop.call_soon(self._on_failure, destination, reason)


def bind_udp(bind: Address) -> socket.socket:
    """A bound, non-blocking UDP socket; ConfigError says why there is none."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        if sys.platform == "linux":
            if family == socket.AF_INET6:
                opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
            else:
                opened.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        opened.bind((bind.host, bind.port))
    except (OSError, OverflowError) as error:
        opened.close()
        raise ConfigError(
            "sip", f"cannot listen on {bind.host}:{bind.port} ({error})", "choose another address"
        ) from error
    return opened


def outward_host() -> str:
    """The address from which this machine speaks to the outside, by its routing table."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a UDP socket sends nothing; 192.0.2.1 is a documentation address.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        host: str = probe.getsockname()[0]
        return host
