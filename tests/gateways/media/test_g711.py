"""The G.711 tables against a reference written from the Recommendation, by decision values."""

from array import array

import numpy as np
import pytest

from gateways.media import g711

LAWS = [g711.PCMU, g711.PCMA]


def reference_levels(law: int) -> np.ndarray:
    """Positive levels in rising order: mu-law in 14-bit units, A-law in 13-bit units."""
    levels = []
    for segment in range(8):
        for step in range(16):
            if law == g711.PCMU:
                levels.append((2 * step + 33) * 2**segment - 33)
            else:
                levels.append(2 * step + 1 if not segment else (2 * step + 33) * 2 ** (segment - 1))
    return np.array(levels)


def reference_encode(samples: np.ndarray, law: int) -> np.ndarray:
    """Find each sample's interval among the decision values of G.711 tables 1a and 2a."""
    unit = 4 if law == g711.PCMU else 8
    levels = reference_levels(law)
    if law == g711.PCMU:
        widths = np.repeat(2 ** np.arange(8) * 2, 16)
        lower = np.where(levels == 0, 0, levels - widths // 2)
        magnitude = np.abs(samples // unit)
        negative = samples < 0
        sign, flip = np.where(negative, 0x80, 0), 0xFF
    else:
        widths = np.repeat([2, 2, 4, 8, 16, 32, 64, 128], 16)
        lower = levels - widths // 2
        magnitude = np.where(samples >= 0, samples // unit, -(samples // unit) - 1)
        sign, flip = np.where(samples >= 0, 0x80, 0), 0x55
    index = np.clip(np.searchsorted(lower, magnitude, side="right") - 1, 0, 127)
    return ((index | sign) ^ flip).astype(np.uint8)


EVERY_LEVEL = np.arange(-32768, 32768)


@pytest.mark.parametrize("law", LAWS)
def test_every_level_is_encoded_as_the_recommendation_says(law: int) -> None:
    ours = np.frombuffer(g711.encode(array("h", EVERY_LEVEL.tolist()), law), dtype=np.uint8)
    assert np.array_equal(ours, reference_encode(EVERY_LEVEL, law))


@pytest.mark.parametrize("law", LAWS)
def test_every_byte_decodes_to_its_level_and_back(law: int) -> None:
    decoded = np.array(g711.DECODED[law])
    unit = 4 if law == g711.PCMU else 8
    assert set(np.abs(decoded)) == set(reference_levels(law) * unit)
    again = reference_encode(decoded, law)
    # mu-law has a zero of either sign; all other bytes come back.
    assert [code for code in range(256) if again[code] != code] == (
        [0x7F] if law == g711.PCMU else []
    )


@pytest.mark.parametrize(("source", "target"), [(0, 8), (8, 0)])
def test_one_law_becomes_the_other_in_order_and_close(source: int, target: int) -> None:
    table = np.frombuffer(g711.TRANSCODE[source, target], dtype=np.uint8)
    before = np.array(g711.DECODED[source])
    after = np.array(g711.DECODED[target])[table]
    rising = np.argsort(before, kind="stable")
    assert np.all(np.diff(after[rising]) >= 0)
    # Half a step of the coarser law where the segments are narrowest, a share of the level above.
    assert np.all(np.abs(after - before) <= np.maximum(16, np.abs(before) * 0.045))


def test_silence_is_the_smallest_level() -> None:
    assert set(g711.SILENCE[g711.PCMU]) == {0xFF}
    assert set(g711.SILENCE[g711.PCMA]) == {0xD5}
    assert {len(frame) for frame in g711.SILENCE.values()} == {g711.FRAME_SAMPLES}
