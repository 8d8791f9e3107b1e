"""Keys that a far end presses."""

import struct
from collections.abc import Callable

import pytest

from gateways.media.client import MediaRelay
from gateways.media.keys import KeyReader
from tests.gateways.media.conftest import Phone, speech, wait_for


def event(
    code: int,
    timestamp: int,
    *,
    kind: int = 101,
    first: int = 0x80,
    extra: bytes = b"",
    end: int = 0,
) -> bytes:
    header = struct.pack(">BBHII", first, kind, 1, timestamp, 0xABCD)
    return header + extra + struct.pack(">BBH", code, end | 10, 160)


def test_a_key_counts_once_however_many_packets_tell_of_it() -> None:
    reader = KeyReader()
    packets = [event(9, 800, end=end) for end in (0, 0, 0x80, 0x80, 0x80)]
    assert [reader.read(packet, 101) for packet in packets] == ["9", "", "", "", ""]
    assert reader.read(event(9, 1600), 101) == "9", "pressed again"


@pytest.mark.parametrize(("code", "key"), [(0, "0"), (9, "9"), (10, "*"), (11, "#"), (15, "D")])
def test_every_key_has_its_name(code: int, key: str) -> None:
    assert KeyReader().read(event(code, 1), 101) == key


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        event(9, 1)[:14],
        event(16, 1),
        event(9, 1, kind=0),
        event(9, 1, first=0x8F),
        event(9, 1, first=0x90, extra=b"\x00\x00\xff\xff"),
    ],
)
def test_what_is_no_key_is_passed_over(packet: bytes) -> None:
    assert KeyReader().read(packet, 101) == ""


def test_sources_and_extensions_in_the_header_are_stepped_over() -> None:
    assert KeyReader().read(event(5, 1, first=0x81, extra=bytes(4)), 101) == "5"
    extension = b"\x00\x00\x00\x01" + bytes(4)
    assert KeyReader().read(event(5, 1, first=0x90, extra=extension), 101) == "5"


def test_the_daemon_is_told_of_keys_where_it_listens(
    relay: MediaRelay, phone: Callable[..., Phone], connect: Callable[..., None]
) -> None:
    caller, other, heard = phone(), phone(0x5678), []
    connect("caller", caller)
    connect("other", other)
    relay.listen("caller", heard.append)
    relay.listen("nobody", heard.append)
    # Orders are obeyed in turn: who hears of the last one knows that the relay listens by now.
    last = phone(0x9ABC)
    connect("last", last)
    last.hear()
    for talker in (caller, other):
        for _ in range(3):
            talker.say(speech(1))
        talker.say(struct.pack(">BBH", 7, 10, 160), 101)
    caller.say(struct.pack(">BBH", 9, 10, 160), 101)
    wait_for(lambda: heard == ["7", "9"])
