"""One unbroken stream over many sources: what the far end's jitter buffer sees."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from gateways.media import g711
from gateways.media.stream import OutStream

HEADER = struct.Struct(">BBHII")
FRAME = bytes(range(160))


def packet(
    sequence: int,
    timestamp: int,
    ssrc: int = 1,
    kind: int = 0,
    flags: int = 0x80,
    rest: bytes = b"",
) -> bytes:
    body = rest or FRAME
    return HEADER.pack(flags, kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + body


def read(out: bytes | None) -> tuple[bool, int, int, int]:
    assert out is not None
    _, kind, sequence, timestamp, _ = HEADER.unpack_from(out)
    return bool(kind & 0x80), kind & 0x7F, sequence, timestamp


def stream(payload_type: int = 0, events: int = 101) -> OutStream:
    out = OutStream(0.0)
    out.payload_type = payload_type
    out.event_payload_type = events
    return out


def test_a_switch_shows_only_as_a_marker() -> None:
    out = stream()
    _, _, start, at = read(out.own(FRAME, 1, 0.0))
    first = read(out.follow(packet(900, 5000, ssrc=7), 101, 0.02))
    second = read(out.follow(packet(901, 5160, ssrc=7), 101, 0.04))
    other = read(out.follow(packet(4, 99, ssrc=8), 101, 0.06))
    assert first == (True, 0, start + 1, (at + 160) & 0xFFFFFFFF)
    assert second == (False, 0, start + 2, (at + 320) & 0xFFFFFFFF)
    assert other == (True, 0, start + 3, (at + 480) & 0xFFFFFFFF)


def test_time_that_passed_in_silence_is_in_the_timestamp() -> None:
    out = stream()
    _, _, start, at = read(out.own(FRAME, 1, 10.0))
    _, _, sequence, timestamp = read(out.follow(packet(1, 1), 101, 13.0))
    assert (sequence, timestamp) == (start + 1, (at + 3 * 8000) & 0xFFFFFFFF)


def test_losses_and_reordering_are_passed_on() -> None:
    out = stream()
    base = [read(out.follow(packet(n, 160 * n), 101, n / 50)) for n in (10, 11, 14, 13, 15)]
    first = base[0][2]
    assert [each[2] - first for each in base] == [0, 1, 4, 3, 5]
    assert [(each[3] - base[0][3]) & 0xFFFFFFFF for each in base] == [0, 160, 640, 480, 800]


def test_a_packet_from_before_the_switch_is_not_heard_twice() -> None:
    out = stream()
    assert out.follow(packet(50, 8000), 101, 0.0)
    assert out.follow(packet(49, 7840), 101, 0.0) is None


def test_a_source_that_begins_anew_under_its_name_goes_on_evenly() -> None:
    out = stream()
    read(out.follow(packet(50, 8000), 101, 0.0))
    _, _, sequence, timestamp = read(out.follow(packet(51, 8160), 101, 0.02))
    again = read(out.follow(packet(30000, 0x70000000), 101, 0.04))
    assert again == (True, 0, sequence + 1, (timestamp + 160) & 0xFFFFFFFF)


def test_comfort_noise_is_dropped_without_a_loss_in_the_numbers() -> None:
    out = stream()
    _, _, sequence, _ = read(out.follow(packet(1, 0), 101, 0.0))
    assert out.follow(packet(2, 160, kind=13, rest=b"\x40"), 101, 0.02) is None
    assert read(out.follow(packet(3, 1600), 101, 0.2))[:3] == (False, 0, sequence + 1)


def test_telephone_events_keep_their_time_and_get_the_far_ends_payload_type() -> None:
    out = stream(events=96)
    _, _, sequence, timestamp = read(out.follow(packet(1, 0), 101, 0.0))
    keys = [
        read(out.follow(packet(2 + n, 160, kind=101 | mark, rest=b"\x05\x0a\x00\xa0"), 101, 0.0))
        for n, mark in enumerate((0x80, 0, 0))
    ]
    assert keys == [(not n, 96, sequence + 1 + n, (timestamp + 160) & 0xFFFFFFFF) for n in range(3)]
    # Speech went on beside the key, and its timestamps were not drawn back by it.
    assert read(out.follow(packet(5, 640), 101, 0.0))[3] == (timestamp + 640) & 0xFFFFFFFF
    assert read(out.follow(packet(6, 160, kind=101), 101, 0.0))[3] == (timestamp + 160) & 0xFFFFFFFF


def test_telephone_events_are_kept_from_one_who_takes_none() -> None:
    assert stream(events=-1).follow(packet(1, 0, kind=101), 101, 0.0) is None


def test_the_other_law_is_turned_and_unknown_audio_is_dropped() -> None:
    out = stream(payload_type=8)
    turned = out.follow(packet(1, 0, kind=0), 101, 0.0)
    assert turned is not None
    assert read(turned)[1] == 8
    assert turned[12:] == FRAME.translate(g711.TRANSCODE[0, 8])
    assert out.follow(packet(2, 160, kind=18), 101, 0.0) is None


def test_extension_sources_and_padding_are_taken_off() -> None:
    extension = b"\xbe\xde\x00\x01\x00\x00\x00\x00"
    source = b"\x00\x00\x00\x09"
    padding = b"\x00\x00\x00\x04"
    out = stream().follow(
        packet(1, 0, flags=0xB1, rest=source + extension + FRAME + padding), 101, 0.0
    )
    assert out is not None
    assert out[0] == 0x80
    assert out[12:] == FRAME


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_no_bytes_can_break_the_stream(packets: list[bytes]) -> None:
    out = stream()
    for number, each in enumerate(packets):
        passed = out.follow(each, 101, number / 50)
        assert passed is None or passed[0] == 0x80


@given(
    st.lists(
        st.tuples(
            st.integers(1, 3), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(2, 9)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_customers_behind_one_leg_make_one_even_stream(
    customers: list[tuple[int, int, int, int]],
) -> None:
    out = stream()
    now = 0.0
    last: tuple[int, int] | None = None
    for ssrc, sequence, timestamp, count in customers:
        out.part()
        for n in range(count):
            now += 0.02
            _, _, number, at = read(
                out.follow(packet(sequence + n, timestamp + 160 * n, ssrc), 101, now)
            )
            if last is not None:
                assert (number - last[0]) & 0xFFFF == 1
                assert (at - last[1]) & 0xFFFFFFFF == 160
            last = number, at
