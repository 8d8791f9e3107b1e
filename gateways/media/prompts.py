"""Prompts: WAV files turned, once, into the 20 ms frames of both laws.

The rule of this module: a prompt is judged when it is loaded, in one clear line, and not while
somebody listens. A prompt's name is its file's name in the prompts folder, without ".wav".

Taken: one channel at 8 kHz, as 16-bit PCM, A-law or mu-law (RIFF format tags 1, 6 and 7).
"""

import struct
import sys
from array import array
from pathlib import Path
from typing import NamedTuple

from dialer.errors import ConfigError, NotFoundError
from gateways.media import g711

_PCM, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 6, 7, 0xFFFE
_LAW_OF = {_A_LAW: g711.PCMA, _MU_LAW: g711.PCMU}
_CONVERT = "convert it: sox IN.wav -r 8000 -c 1 -b 16 OUT.wav"
_LONGEST_S = 600


class Prompt(NamedTuple):
    """A prompt ready to be sent.

    frames: by payload type (0 PCMU, 8 PCMA), 160 bytes each, the last one filled with silence.
    """

    name: str
    frames: dict[int, tuple[bytes, ...]]

    @property
    def duration_s(self) -> float:
        """How long it takes to play."""
        return len(self.frames[g711.PCMU]) * g711.FRAME_SAMPLES / g711.SAMPLE_RATE_HZ


def prompt_path(folder: Path, name: str) -> Path:
    """The file of a prompt; NotFoundError when the name is none or the file is not there."""
    if not name or name != Path(name).name or name.startswith("."):
        raise NotFoundError(
            "prompt", f"{name!r} is no prompt's name", "give a file's name in the prompts folder"
        )
    path = folder / (name if name.endswith(".wav") else f"{name}.wav")
    if not path.is_file():
        raise NotFoundError(
            "prompt", f"{name!r} is not in {folder}", f"put {path.name} there, 8 kHz mono"
        )
    return path


def load_prompt(folder: Path, name: str) -> Prompt:
    """Load a prompt by name.

    Raises NotFoundError when there is none, ConfigError when its file cannot be played.
    """
    path = prompt_path(folder, name)
    try:
        law, audio = _read_wav(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read ({error.strerror})") from error
    if law is None:
        samples = array("h", audio[: len(audio) & ~1])
        if sys.byteorder == "big":
            samples.byteswap()
        by_law = {each: g711.encode(samples, each) for each in g711.SILENCE}
    else:
        other = g711.PCMA if law == g711.PCMU else g711.PCMU
        by_law = {law: audio, other: audio.translate(g711.TRANSCODE[law, other])}
    if not by_law[g711.PCMU]:
        raise ConfigError(str(path), "holds no audio", "record it again")
    if len(by_law[g711.PCMU]) > _LONGEST_S * g711.SAMPLE_RATE_HZ:
        raise ConfigError(str(path), f"is longer than {_LONGEST_S} s", "shorten it")
    return Prompt(name, {each: _frames(audio, each) for each, audio in by_law.items()})


def _frames(audio: bytes, law: int) -> tuple[bytes, ...]:
    size = g711.FRAME_SAMPLES
    frames = [audio[at : at + size] for at in range(0, len(audio), size)]
    frames[-1] += g711.SILENCE[law][len(frames[-1]) :]
    return tuple(frames)


def _read_wav(data: bytes, where: str) -> tuple[int | None, bytes]:
    """The law (None: 16-bit PCM) and the audio bytes of a WAV file.

    The standard library's reader takes PCM only, and telephone prompts are often G.711.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ConfigError(where, "is no WAV file", _CONVERT)
    form: tuple[int, int, int, int] | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
            if tag == _EXTENSIBLE and len(body) >= 26:
                tag = struct.unpack_from("<H", body, 24)[0]
            form = tag, channels, rate_hz, bits
        elif name == b"data":
            if form is None:
                break
            return _law_of(form, where), body
        at += 8 + size + (size & 1)
    raise ConfigError(where, "is a broken WAV file: a part is missing", _CONVERT)


def _law_of(form: tuple[int, int, int, int], where: str) -> int | None:
    tag, channels, rate_hz, bits = form
    if channels != 1 or rate_hz != g711.SAMPLE_RATE_HZ:
        raise ConfigError(where, f"has {channels} channel(s) at {rate_hz} Hz, not 1 at 8000 Hz",
                          _CONVERT)  # fmt: skip
    if tag == _PCM and bits == 16:
        return None
    if tag in _LAW_OF and bits == 8:
        return _LAW_OF[tag]
    raise ConfigError(where, f"has WAV format {tag} with {bits} bits, not 16-bit PCM or G.711",
                      _CONVERT)  # fmt: skip
