"""An ear on a UDP port: records the G.711 that a peer sends, packet by packet.

The rule of this module: it judges nothing; it puts each packet where its timestamp says.
"""

import socket
import struct
import threading
import time
from typing import NamedTuple, Self

import numpy as np

from tests.peers import audio


class Packet(NamedTuple):
    """An RTP packet as it came (RFC 3550 section 5.1). at: seconds since the epoch."""

    at: float
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes


class Ear:
    """Listens on an even port of `host` while it is open."""

    def __init__(self, host: str) -> None:
        self.packets: list[Packet] = []
        self._socket = _even_port(host)
        self.port = int(self._socket.getsockname()[1])
        self._socket.settimeout(0.1)
        self._open = True
        self._thread = threading.Thread(target=self._listen, name="ear", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self) -> None:
        while self._open:
            try:
                data = self._socket.recv(2048)
            except TimeoutError:
                continue
            if len(data) > 12 and data[0] >> 6 == 2:
                kind, sequence, timestamp, ssrc = struct.unpack("!xBHII", data[:12])
                start = 12 + 4 * (data[0] & 15)
                packet = (kind & 127, sequence, timestamp, ssrc, bool(kind & 128), data[start:])
                self.packets.append(Packet(time.time(), *packet))

    def heard(self) -> audio.Samples:
        """The G.711 of the first source, with silence where packets are missing."""
        voice = [p for p in self.packets if p.payload_type in (audio.PCMU, audio.PCMA)]
        voice = [p for p in voice if p.ssrc == voice[0].ssrc]
        if not voice:
            return audio.silence(0.0)
        first = voice[0].timestamp
        offsets = [(p.timestamp - first) & 0xFFFFFFFF for p in voice]
        size = max(offset + len(p.payload) for offset, p in zip(offsets, voice, strict=True))
        out = np.zeros(size, dtype=np.int16)
        for offset, packet in zip(offsets, voice, strict=True):
            samples = audio.decode(packet.payload, packet.payload_type)
            out[offset : offset + samples.size] = samples
        return out


def _even_port(host: str) -> socket.socket:
    while True:
        candidate = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        candidate.bind((host, 0))
        if candidate.getsockname()[1] % 2 == 0:
            return candidate
        candidate.close()
