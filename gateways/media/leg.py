"""One leg: a pair of UDP sockets, where its far end is, and the stream it hears.

The rule of this module: a leg listens to one far end only. After each `set_remote` it latches to
the source of the first packet from the far end's host, whatever its port. A far end behind a NAT
sends from a host that its SDP does not name: five packets in sequence from one source, with none
from the named host, make it the far end; a stray packet or a guess does not. Once latched, the leg
sends there, and the kernel drops what comes from anywhere else.

The RTCP port (one above) is bound and never read. Unbound, every report of the far end would be
answered by an ICMP error, which some take for a dead leg; read, it would cost a wake-up for
nothing. Its receive buffer is the smallest there is, and the kernel drops what does not fit.
"""

import contextlib
import ipaddress
import socket
from typing import Any

from gateways.media import g711
from gateways.media.keys import KeyReader
from gateways.media.prompts import Prompt
from gateways.media.protocol import SetRemote
from gateways.media.stream import OutStream

_PACKET_MAX = 2048
_PROBATION = 5
"""Packets in sequence that a source other than the SDP's must send to be heard: 0.1 s."""
_RTP_VERSION = 2
_RTP_HEADER = 12
_RECEIVE_BUFFER = 16 * 1024
"""Holds about 0.8 s of packets: after a stall, older speech is better lost than played late."""
_EXPEDITED_FORWARDING = 46 << 2
"""The type-of-service byte of voice (DSCP EF, RFC 4594 section 4.1)."""


def bind_udp(host: str, port: int) -> socket.socket:
    """A non-blocking UDP socket; OSError when the port is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


class Leg:
    """A leg of the relay. Create it with `Leg(...)`, which raises OSError, and `close` it."""

    __slots__ = (
        "_bind_host",
        "_frame_at",
        "_host",
        "_rtcp",
        "_stranger",
        "_target",
        "event_payload_type",
        "keys",
        "latched",
        "leg_id",
        "out",
        "own_pace",
        "peer",
        "play_token",
        "port",
        "prompt",
        "sending",
        "sock",
    )

    def __init__(self, leg_id: str, bind_host: str, port: int, now: float) -> None:
        self.leg_id = leg_id
        self.port = port
        self.out = OutStream(now)
        self.peer: Leg | None = None
        self.sending = False
        self.own_pace = False
        """True while the tick feeds this leg, False while its peer's packets do."""
        self.prompt: Prompt | None = None
        self.play_token = 0
        self.event_payload_type = -1
        self.keys: KeyReader | None = None
        """Reads the far end's keys, where somebody wants to hear of them."""
        self._frame_at = 0
        self._bind_host = bind_host
        self._host = ""
        self._target: Any = None
        self._stranger: tuple[Any, int, int] = (None, 0, 0)
        """A source on probation, the sequence number to come, and packets so far."""
        self.latched = False
        """True once a packet of the far end has come since `set_remote`."""
        self.sock = self._bind()
        try:
            self._rtcp = bind_udp(bind_host, port + 1)
        except OSError:
            self.sock.close()
            raise
        self._rtcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)

    def _bind(self) -> socket.socket:
        sock = bind_udp(self._bind_host, self.port)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        # A hint to routers; a system that refuses it carries the audio all the same.
        with contextlib.suppress(OSError):
            if sock.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED_FORWARDING)
            else:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED_FORWARDING)
        return sock

    def close(self) -> None:
        """Free both ports."""
        self.sock.close()
        self._rtcp.close()

    def set_remote(self, command: SetRemote) -> bool:
        """Send to this far end and wait for its first packet.

        True: the leg has a new socket (`sock`), for a latched one cannot be let loose. OSError
        when the port was lost in between.
        """
        self.out.payload_type = command.payload_type
        self.out.event_payload_type = command.event_payload_type
        self.event_payload_type = command.event_payload_type
        address = ipaddress.ip_address(command.host)
        # 0.0.0.0 is hold as RFC 2543 had it; port 0 is a stream refused (RFC 3264 section 6).
        self.sending = command.send and command.port > 0 and not address.is_unspecified
        self._host = str(address)
        self._target = (self._host, command.port)
        self._stranger = (None, 0, 0)
        renewed = self.latched
        if renewed:
            self.sock.close()
            self.latched = False
            self.sock = self._bind()
        return renewed

    def receive(self) -> bytes | None:
        """The next packet of the far end of a latched leg; None when there is none."""
        try:
            return self.sock.recv(_PACKET_MAX)
        except OSError:
            # Nothing there, or the far end's port was closed when we last sent: it may come yet.
            return None

    def receive_first(self) -> list[bytes]:
        """Latch to the far end, if it is heard, and its packets so far."""
        try:
            packet, source = self.sock.recvfrom(_PACKET_MAX)
            if source[0] != self._host and not self._proves(source, packet):
                return []
            self.sock.connect(source)
        except OSError:
            return []
        self.latched = True
        packets = [packet]
        # The kernel now drops what comes from elsewhere, but not what came before.
        with contextlib.suppress(OSError):
            while True:
                packet, other = self.sock.recvfrom(_PACKET_MAX)
                if other == source:
                    packets.append(packet)
        return packets

    def _proves(self, source: Any, packet: bytes) -> bool:
        """Whether a source that the SDP does not name has sent enough to be the far end."""
        if len(packet) < _RTP_HEADER or packet[0] >> 6 != _RTP_VERSION:
            return False
        sequence = int.from_bytes(packet[2:4], "big")
        known, expected, count = self._stranger
        count = count + 1 if (source, sequence) == (known, expected) else 1
        self._stranger = (source, (sequence + 1) & 0xFFFF, count)
        return count >= _PROBATION

    def send(self, packet: bytes) -> bool:
        """Send to the far end; False when the system would not take it."""
        try:
            if self.latched:
                self.sock.send(packet)
            else:
                self.sock.sendto(packet, self._target)
        except OSError:
            return False
        return True

    def start_prompt(self, prompt: Prompt, token: int) -> None:
        """Play from the next tick on; the peer is not heard meanwhile."""
        self.prompt = prompt
        self.play_token = token
        self._frame_at = 0
        self.own_pace = True
        self.out.part()

    def stop_prompt(self) -> int:
        """Stop playing; the token of what was played, 0 when nothing was."""
        token, self.play_token = self.play_token, 0
        self.prompt = None
        self.out.part()
        return token

    def next_frame(self) -> bytes | None:
        """20 ms of prompt or silence; None when the prompt is over."""
        law = self.out.payload_type
        if self.prompt is None:
            return g711.SILENCE[law]
        frames = self.prompt.frames[law]
        if self._frame_at == len(frames):
            return None
        self._frame_at += 1
        return frames[self._frame_at - 1]
