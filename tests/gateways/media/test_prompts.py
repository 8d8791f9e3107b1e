"""Prompts: every kind of WAV that is taken, and one clear line for what is not."""

import struct
from array import array
from pathlib import Path

import numpy as np
import pytest

from dialer.errors import ConfigError, NotFoundError
from gateways.media import g711
from gateways.media.prompts import load_prompt
from tests.gateways.media.conftest import write_wav

SAMPLES = (np.sin(np.arange(1000) / 5) * 12000).astype(np.int16)


def wav(tag: int, channels: int, rate_hz: int, bits: int, audio: bytes) -> bytes:
    form = struct.pack(
        "<HHIIHH",
        tag,
        channels,
        rate_hz,
        rate_hz * channels * bits // 8,
        channels * bits // 8,
        bits,
    )
    parts = b"fmt " + struct.pack("<I", len(form)) + form
    parts += b"LIST" + struct.pack("<I", 3) + b"odd\0"
    parts += b"data" + struct.pack("<I", len(audio)) + audio
    return b"RIFF" + struct.pack("<I", len(parts) + 4) + b"WAVE" + parts


def test_linear_audio_is_encoded_in_both_laws_and_filled_with_silence(tmp_path: Path) -> None:
    write_wav(tmp_path / "hello.wav", SAMPLES)
    prompt = load_prompt(tmp_path, "hello")
    for law, frames in prompt.frames.items():
        audio = b"".join(frames)
        assert audio[:1000] == g711.encode(array("h", SAMPLES.tolist()), law)
        assert audio[1000:] == g711.SILENCE[law][:120]
    assert prompt.duration_s == pytest.approx(7 * 0.02)


@pytest.mark.parametrize(("tag", "law"), [(7, g711.PCMU), (6, g711.PCMA)])
def test_g711_audio_is_played_as_it_is(tmp_path: Path, tag: int, law: int) -> None:
    audio = bytes(range(160)) * 2
    (tmp_path / "hello.wav").write_bytes(wav(tag, 1, 8000, 8, audio))
    prompt = load_prompt(tmp_path, "hello.wav")
    other = 8 - law
    assert b"".join(prompt.frames[law]) == audio
    assert b"".join(prompt.frames[other]) == audio.translate(g711.TRANSCODE[law, other])


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"ID3 an mp3 file", "is no WAV file"),
        (wav(1, 2, 8000, 16, b"\0" * 40), "2 channel"),
        (wav(1, 1, 44100, 16, b"\0" * 40), "44100 Hz"),
        (wav(3, 1, 8000, 32, b"\0" * 40), "format 3"),
        (wav(1, 1, 8000, 16, b""), "no audio"),
        (wav(1, 1, 8000, 16, b"")[:40], "broken"),
    ],
)
def test_what_cannot_be_played_is_told_in_one_line(
    tmp_path: Path, data: bytes, complaint: str
) -> None:
    (tmp_path / "bad.wav").write_bytes(data)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_prompt(tmp_path, "bad")
    assert caught.value.where == str(tmp_path / "bad.wav")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "../secret", "/etc/passwd", ".hidden", "a/b", "absent"])
def test_a_name_that_is_no_file_of_the_folder_is_not_found(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    write_wav(tmp_path / "secret.wav", SAMPLES)
    with pytest.raises(NotFoundError):
        load_prompt(folder, name)
