"""A real relay worker, and phones that are plain UDP sockets on the loopback."""

import contextlib
import os
import socket
import struct
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from gateways.media.client import MediaConfig, MediaRelay

HEADER = struct.Struct(">BBHII")
LIMIT_S = 10.0
BASE_PORT = 21000 + os.getpid() % 80 * 100
"""Two runs of the tests on one machine should not meet on the same ports."""


class Packet(NamedTuple):
    """One RTP packet as a phone received it."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    source: tuple[str, int]


class Phone:
    """A far end: sends what it is told to, and shows what it hears."""

    def __init__(self, ssrc: int = 0x1234, host: str = "127.0.0.1") -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.sock.settimeout(LIMIT_S)
        self.host, self.port = self.sock.getsockname()
        self.ssrc = ssrc
        self.sequence = ssrc & 0xFFF
        self.timestamp = ssrc * 7 & 0xFFFFFFFF
        self.leg = ("127.0.0.1", 0)

    def close(self) -> None:
        self.sock.close()

    def say(
        self,
        payload: bytes,
        payload_type: int = 0,
        *,
        flags: int = 0x80,
        extra: bytes = b"",
        frm: "Phone | None" = None,
    ) -> None:
        """Send one packet to the leg; frm: out of another phone's socket."""
        header = HEADER.pack(flags, payload_type, self.sequence, self.timestamp, self.ssrc)
        (frm or self).sock.sendto(header + extra + payload, self.leg)
        self.sequence = self.sequence + 1 & 0xFFFF
        self.timestamp = self.timestamp + 160 & 0xFFFFFFFF

    def hear(self) -> Packet:
        """The next packet."""
        data, source = self.sock.recvfrom(2048)
        assert data[0] == 0x80
        _, kind, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        return Packet(bool(kind & 0x80), kind & 0x7F, sequence, timestamp, ssrc, data[12:], source)

    def hear_until(self, wanted: Callable[[Packet], bool]) -> list[Packet]:
        """All packets up to and with the first one that is wanted."""
        heard = []
        ends = time.monotonic() + LIMIT_S
        while time.monotonic() < ends:
            heard.append(self.hear())
            if wanted(heard[-1]):
                return heard
        raise AssertionError(f"not heard among {len(heard)} packets")

    def hear_the_last(self, quiet_s: float = 0.3) -> None:
        """Take in what is still under way, until nothing comes for a while."""
        self.sock.settimeout(quiet_s)
        ends = time.monotonic() + LIMIT_S
        with contextlib.suppress(TimeoutError):
            while time.monotonic() < ends:
                self.hear()
            raise AssertionError("it never fell silent")
        self.sock.settimeout(LIMIT_S)

    def hear_speech(self, count: int) -> list[Packet]:
        """The next packets that are not silence."""
        speech: list[Packet] = []
        self.hear_until(
            lambda each: not is_silence(each) and (speech.append(each) or len(speech) == count)
        )
        return speech


def is_silence(packet: Packet) -> bool:
    return packet.payload in (b"\xff" * 160, b"\xd5" * 160)


def speech(seed: int) -> bytes:
    """20 ms that cannot be taken for another's."""
    return np.random.default_rng(seed).integers(0, 0x7E, 160, dtype=np.uint8).tobytes()


def wait_for(condition: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    ends = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.01)


def write_wav(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.astype("<i2").tobytes())


@pytest.fixture
def prompts_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "prompts"
    folder.mkdir()
    return folder


@pytest.fixture
def config(prompts_dir: Path) -> MediaConfig:
    return MediaConfig(
        bind_host="127.0.0.1",
        advertised_host="127.0.0.1",
        prompts_dir=prompts_dir,
        first_port=BASE_PORT,
        last_port=BASE_PORT + 98,
    )


@pytest.fixture
def relay(config: MediaConfig) -> Iterator[MediaRelay]:
    made = MediaRelay(config)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def phone() -> Iterator[Callable[..., Phone]]:
    """Makes phones, and hangs them all up."""
    made: list[Phone] = []

    def make(ssrc: int = 0x1234, host: str = "127.0.0.1") -> Phone:
        made.append(Phone(ssrc, host))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def connect(relay: MediaRelay) -> Callable[..., None]:
    """Opens a leg for a phone, and waits until the relay sends to it."""

    def open_leg(leg_id: str, phone: Phone, payload_type: int = 0) -> None:
        phone.leg = relay.open_leg(leg_id)
        relay.set_remote(leg_id, phone.host, phone.port, payload_type)
        phone.hear()

    return open_leg
