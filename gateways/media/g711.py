"""G.711: the two laws of telephone audio, as tables computed from the Recommendation's formulas.

The rule of this module: nothing is computed per sample while a call is up. Decoding, encoding
and turning one law into the other are look-ups.

Levels are signed 16-bit. ITU-T G.711 gives mu-law 14 bits and A-law 13 bits, so one step of theirs
is 4 and 8 of ours.
"""

from array import array

PCMU = 0
"""RTP payload type of mu-law (RFC 3551 table 4)."""
PCMA = 8
"""RTP payload type of A-law (RFC 3551 table 4)."""

SAMPLE_RATE_HZ = 8000
FRAME_SAMPLES = 160
"""Samples, and G.711 bytes, of one 20 ms packet."""

_MU_STEP = 4
_A_STEP = 8
_SEGMENTS = 8
_MU_BIAS = 33
_MU_TOP = 8158
"""The largest 14-bit magnitude that mu-law can tell (G.711 table 2a: decision value 8159)."""
_A_TOP = 4095


def _decode_mu(code: int) -> int:
    """The level of a mu-law byte, on the wire inverted (G.711 table 2)."""
    plain = code ^ 0xFF
    segment, step = plain >> 4 & 7, plain & 15
    magnitude = ((2 * step + _MU_BIAS) << segment) - _MU_BIAS
    return (-magnitude if plain & 0x80 else magnitude) * _MU_STEP


def _decode_a(code: int) -> int:
    """The level of an A-law byte, on the wire with its even bits inverted (G.711 table 1)."""
    plain = code ^ 0x55
    segment, step = plain >> 4 & 7, plain & 15
    magnitude = 2 * step + 1 if segment == 0 else (2 * step + 33) << (segment - 1)
    return (magnitude if plain & 0x80 else -magnitude) * _A_STEP


def _encode_mu(level: int) -> int:
    """The mu-law byte whose interval holds a 16-bit level."""
    magnitude = min(abs(level // _MU_STEP), _MU_TOP) + _MU_BIAS
    segment = magnitude.bit_length() - 6
    step = magnitude >> (segment + 1) & 15
    return (segment << 4 | step | (0x80 if level < 0 else 0)) ^ 0xFF


def _encode_a(level: int) -> int:
    """The A-law byte whose interval holds a 16-bit level."""
    # A-law's zero lies between two steps, so -1 belongs to the first negative step.
    magnitude = min((level if level >= 0 else ~level) // _A_STEP, _A_TOP)
    segment = max(magnitude.bit_length() - 5, 0)
    step = magnitude >> max(segment, 1) & 15
    return (segment << 4 | step | (0x80 if level >= 0 else 0)) ^ 0x55


DECODED = {
    PCMU: array("h", [_decode_mu(code) for code in range(256)]),
    PCMA: array("h", [_decode_a(code) for code in range(256)]),
}
"""By payload type: the signed 16-bit level of every byte."""

_ENCODERS = {PCMU: _encode_mu, PCMA: _encode_a}

TRANSCODE = {
    (source, target): bytes(_ENCODERS[target](level) for level in DECODED[source])
    for source in DECODED
    for target in DECODED
    if source != target
}
"""By (source, target) payload type: the table for `bytes.translate`."""

SILENCE = {law: bytes([_ENCODERS[law](0)]) * FRAME_SAMPLES for law in DECODED}
"""By payload type: 20 ms of silence."""

_ENCODED: dict[int, bytes] = {}


def encode(samples: "array[int]", law: int) -> bytes:
    """Encode signed 16-bit samples (array type "h") to a law, one byte per sample."""
    table = _ENCODED.get(law)
    if table is None:
        # Neither law tells two 16-bit levels apart that share their upper 14 bits.
        encoder = _ENCODERS[law]
        table = bytes(encoder(level) for level in range(-32768, 32768, _MU_STEP))
        _ENCODED[law] = table
    return bytes([table[(sample + 32768) >> 2] for sample in samples])
