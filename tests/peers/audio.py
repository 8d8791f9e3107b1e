"""Audio that tests send, and finding it again in what the other side recorded.

The rule of this module: it shares no code with the gateways, so that one mistake cannot be on
both sides of a comparison. Samples are 8 kHz mono int16 arrays; levels are dB of RMS below full
scale; times are seconds from the start of a recording.
"""

import struct
import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
PCMU, PCMA = 0, 8

Samples = NDArray[np.int16]
_FULL = 32768.0
_FRAME = 160
_HEADER_BYTES = 44
_TRAILER_BYTES = 256
"""What a WAV may carry behind its samples: names, dates."""


class Found(NamedTuple):
    """Where a signal is in a recording. likeness: 0 (not at all) to 1 (exactly, at any level)."""

    at_s: float
    likeness: float


def tone(hz: float, length_s: float, level_db: float = -12.0) -> Samples:
    """A sine."""
    times = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    return _samples(np.sin(2 * np.pi * hz * times), level_db)


def silence(length_s: float) -> Samples:
    return np.zeros(round(length_s * RATE_HZ), dtype=np.int16)


def speech(length_s: float, seed: int, level_db: float = -18.0) -> Samples:
    """Speech-like sound that is alike nowhere but to itself: voiced syllables with gliding pitch
    and changing formants, and pauses. Another seed is another speaker."""
    rng = np.random.default_rng(seed)
    out = np.zeros(round(length_s * RATE_HZ))
    start = 0
    while start < out.size:
        count = min(round(rng.uniform(0.12, 0.35) * RATE_HZ), out.size - start)
        out[start : start + count] = _syllable(rng, count)
        start += count + round(rng.uniform(0.02, 0.2) * RATE_HZ)
    return _samples(out, level_db)


def _syllable(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    begins_hz, ends_hz = rng.uniform(90, 240, 2)
    pitch = np.linspace(begins_hz, ends_hz, count)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    formants = rng.uniform((300, 900, 2000), (800, 2000, 3200))
    voice = np.zeros(count)
    for harmonic in range(1, 32):
        at_hz = harmonic * pitch
        weight = sum(np.exp(-(((at_hz - formant) / 150.0) ** 2)) for formant in formants)
        voice += np.where((at_hz > 300) & (at_hz < 3400), weight, 0) * np.sin(harmonic * phase)
    loudest = np.abs(voice).max() or 1.0
    return voice / loudest * np.hanning(count)


def _samples(wave_form: NDArray[np.float64], level_db: float) -> Samples:
    rms = float(np.sqrt(np.mean(wave_form**2))) or 1.0
    scaled = wave_form / rms * _FULL * 10 ** (level_db / 20)
    return np.clip(np.rint(scaled), -32767, 32767).astype(np.int16)


def write_wav(path: Path, samples: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wav(path: Path) -> Samples:
    """Raises ValueError when it is not 8 kHz mono 16-bit.

    A recorder that is still writing, or was killed, leaves a header that knows nothing of the
    length: the samples are then read to the end of the file.
    """
    content = path.read_bytes()
    header = struct.unpack_from("<4xI4s4s4xHHI4xHH4sI", content.ljust(_HEADER_BYTES, b"\0"))
    _, kind, form, coding, channels, rate_hz, _, bits, data, size = header
    if (kind, form, data) != (b"WAVE", b"fmt ", b"data"):
        raise ValueError(f"{path.name}: no WAV with a plain header")
    if (coding, channels, rate_hz, bits) != (1, 1, RATE_HZ, 16):
        raise ValueError(f"{path.name}: not 8 kHz mono 16-bit")
    end = _HEADER_BYTES + size
    if len(content) > end + _TRAILER_BYTES:
        end = len(content)
    frames = content[_HEADER_BYTES:end]
    return np.frombuffer(frames[: len(frames) & ~1], dtype="<i2").astype(np.int16)


def level(samples: Samples) -> float:
    """RMS level in dB; -inf for digital silence."""
    if not samples.size or not samples.any():
        return float("-inf")
    return float(10 * np.log10(np.mean((samples / _FULL) ** 2)))


def tone_levels(samples: Samples, hz: float) -> NDArray[np.float64]:
    """The level of one frequency in each 20 ms (resolution about 50 Hz), by correlation."""
    frames = samples[: samples.size // _FRAME * _FRAME].reshape(-1, _FRAME) / _FULL
    window = np.hanning(_FRAME)
    probe = np.exp(-2j * np.pi * hz * np.arange(_FRAME) / RATE_HZ) * window
    amplitude = 2 * np.abs(frames @ probe) / window.sum()
    return np.asarray(20 * np.log10(np.maximum(amplitude / np.sqrt(2), 1e-9)), dtype=np.float64)


def tone_ranges(
    samples: Samples, hz: float, at_least_db: float = -30.0, shortest_s: float = 0.1
) -> list[tuple[float, float]]:
    """From when to when the tone is heard and carries at least half of the energy.

    Gaps of up to 60 ms (a lost packet or two) do not end a range.
    """
    levels = tone_levels(samples, hz)
    frames = samples[: levels.size * _FRAME].reshape(-1, _FRAME) / _FULL
    whole = 10 * np.log10(np.maximum(np.mean(frames**2, axis=1), 1e-18))
    heard = np.flatnonzero((levels >= at_least_db) & (levels >= whole - 3.0))
    if not heard.size:
        return []
    runs = np.split(heard, np.flatnonzero(np.diff(heard) > 4) + 1)
    frame_s = _FRAME / RATE_HZ
    ranges = [(float(run[0] * frame_s), float((run[-1] + 1) * frame_s)) for run in runs]
    return [found for found in ranges if found[1] - found[0] >= shortest_s - 1e-9]


def find(recording: Samples, signal: Samples) -> Found:
    """Where the signal is in the recording most like itself (normalised cross-correlation).

    A recording that ends early counts as silent from there on.
    """
    if not signal.any() or not recording.any():
        return Found(0.0, 0.0)
    heard, wanted = recording.astype(np.float64), signal.astype(np.float64)
    heard = np.concatenate((heard, np.zeros(max(0, wanted.size - heard.size))))
    size = 1 << int(heard.size + wanted.size - 1).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size))
    matches = np.fft.irfft(spectrum, size)[: heard.size - wanted.size + 1]
    sums = np.concatenate(([0.0], np.cumsum(heard**2)))
    energy = sums[wanted.size :] - sums[: sums.size - wanted.size]
    # Against the rounding of near-silence: what is 60 dB below the signal counts as silence.
    floor = 1e-6 * float(np.sum(wanted**2))
    likeness = matches / np.sqrt(np.maximum(energy, floor) * np.sum(wanted**2))
    best = int(np.argmax(likeness))
    return Found(best / RATE_HZ, float(likeness[best]))


def share_heard(
    recording: Samples, signal: Samples, window_s: float = 1.0, likeness: float = 0.7
) -> float:
    """The share of the signal's windows that are found in the recording, and in their order.

    A jitter buffer may shift what it plays by some packets within a call: windows are sought
    one by one, each after the one before.
    """
    size = round(window_s * RATE_HZ)
    windows = [signal[start : start + size] for start in range(0, signal.size - size + 1, size)]
    voiced = [window for window in windows if level(window) > -50]
    found, after = 0, 0
    for window in voiced:
        place = find(recording[after:], window)
        if place.likeness >= likeness:
            found += 1
            after += round(place.at_s * RATE_HZ)
    return found / len(voiced) if voiced else 0.0


def _mu_levels() -> Samples:
    """ITU-T G.711 table 2: the level of each mu-law byte."""
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 15) << 3) + 132) << (code >> 4 & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _a_levels() -> Samples:
    """ITU-T G.711 table 1: the level of each A-law byte."""
    code = np.arange(256) ^ 0x55
    segment = code >> 4 & 7
    magnitude = ((code & 15) << 4) + 8
    magnitude = np.where(segment > 0, (magnitude + 256) << np.maximum(segment - 1, 0), magnitude)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_LEVELS = {PCMU: _mu_levels(), PCMA: _a_levels()}


def decode(payload: bytes, law: int) -> Samples:
    """G.711 bytes to samples; law: PCMU or PCMA."""
    return _LEVELS[law][np.frombuffer(payload, dtype=np.uint8)]


def encode(samples: Samples, law: int) -> bytes:
    """Samples to G.711: for each, the byte whose level is nearest."""
    order = np.argsort(_LEVELS[law], kind="stable")
    levels = _LEVELS[law][order].astype(np.int32)
    middles = (levels[1:] + levels[:-1]) / 2
    return order[np.searchsorted(middles, samples)].astype(np.uint8).tobytes()


def write_rtp_pcap(path: Path, samples: Samples, law: int = PCMA) -> Path:
    """A capture of the audio as RTP in 20 ms packets, for SIPp's `play_pcap_audio`, which keeps
    the times and the payloads and replaces the addresses."""
    payload = encode(samples, law)
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for packet in range(len(payload) // _FRAME):
            body = payload[packet * _FRAME : (packet + 1) * _FRAME]
            marker = 0x80 if packet == 0 else 0
            rtp = struct.pack("!BBHII", 0x80, law | marker, packet & 0xFFFF, packet * _FRAME, 7)
            udp = struct.pack("!HHHH", 4000, 4002, 8 + len(rtp) + len(body), 0)
            size = 20 + len(udp) + len(rtp) + len(body)
            local = bytes((127, 0, 0, 1))
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 17, 0, local, local)
            frame = bytes(12) + b"\x08\x00" + ip + udp + rtp + body
            seconds, microseconds = divmod(packet * 20_000, 1_000_000)
            file.write(struct.pack("<IIII", seconds, microseconds, len(frame), len(frame)) + frame)
    return path
