"""The measuring tape is right before anything is measured with it."""

from pathlib import Path

import numpy as np
import pytest

from tests.peers.audio import (
    PCMA,
    PCMU,
    decode,
    encode,
    find,
    level,
    read_wav,
    share_heard,
    silence,
    speech,
    tone,
    tone_ranges,
    write_wav,
)


def test_a_tone_is_found_where_and_as_loud_as_it_is() -> None:
    recording = np.concatenate((silence(1.0), tone(440, 2.0, -20.0), speech(1.0, seed=1)))
    ((start, end),) = tone_ranges(recording, 440, shortest_s=0.5)
    assert start == pytest.approx(1.0, abs=0.02)
    assert end == pytest.approx(3.0, abs=0.04)
    assert level(tone(440, 1.0, -20.0)) == pytest.approx(-20.0, abs=0.1)


def test_another_tone_is_not_taken_for_it() -> None:
    assert tone_ranges(tone(620, 2.0), 440) == []
    assert tone_ranges(tone(440, 2.0, -50.0), 440) == []


@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_speech_is_found_after_g711_and_a_change_of_level(law: int) -> None:
    said = speech(2.0, seed=3)
    heard = decode(encode((said // 4).astype(np.int16), law), law)
    found = find(np.concatenate((silence(0.7), heard, silence(0.5))), said)
    assert found.at_s == pytest.approx(0.7, abs=0.001)
    assert found.likeness > 0.95


def test_other_speech_is_not_taken_for_it() -> None:
    assert find(speech(5.0, seed=4), speech(2.0, seed=5)).likeness < 0.3


def test_the_share_heard_is_what_was_not_cut_out() -> None:
    said = speech(10.0, seed=6)
    cut = np.concatenate((said[: 3 * 8000], said[6 * 8000 :]))
    assert share_heard(said, said) == 1.0
    assert share_heard(np.concatenate((silence(0.3), cut)), said) == pytest.approx(0.7)
    assert share_heard(silence(10.0), said) == 0.0


@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_each_g711_byte_comes_back(law: int) -> None:
    codes = bytes(range(256))
    again = encode(decode(codes, law), law)
    # mu-law has two zeros, which are one level.
    assert [a for a, b in zip(codes, again, strict=True) if a != b] in ([], [0x7F], [0xFF])


def test_g711_levels_are_the_recommendations() -> None:
    # The ends and the middle of G.711 tables 1a and 2a, in 16-bit steps.
    assert decode(b"\x80\x00\xff", PCMU).tolist() == [32124, -32124, 0]
    assert decode(b"\xaa\x2a\xd5\x55", PCMA).tolist() == [32256, -32256, 8, -8]


def test_a_wav_comes_back(tmp_path: Path) -> None:
    said = speech(0.5, seed=7)
    assert np.array_equal(read_wav(write_wav(tmp_path / "said.wav", said)), said)


def test_a_wav_that_is_still_being_written_is_read_to_its_end(tmp_path: Path) -> None:
    said = speech(0.5, seed=8)
    path = write_wav(tmp_path / "said.wav", said[:0])
    with path.open("ab") as file:
        file.write(said.tobytes())
    assert np.array_equal(read_wav(path), said)
