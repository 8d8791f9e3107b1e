"""RTP packets (RFC 3550) as pure functions: what the relay must read of them, and no more.

The rule of this module: bytes in, values out; a packet that is not sound gives None.
"""

import struct

HEADER = struct.Struct(">BBHII")
"""Flags, marker and payload type, sequence number, timestamp, SSRC (RFC 3550 section 5.1)."""

HEADER_SIZE = HEADER.size
PLAIN_FLAGS = 0x80
"""Version 2 without padding, extension or contributing sources: nearly every packet."""
MARKER = 0x80

SEQUENCE_MASK = 0xFFFF
TIMESTAMP_MASK = 0xFFFFFFFF


def payload(packet: bytes) -> bytes | None:
    """The payload of any RTP packet, without padding, extension and contributing sources."""
    if len(packet) < HEADER_SIZE or packet[0] >> 6 != 2:
        return None
    start, end = HEADER_SIZE + 4 * (packet[0] & 0x0F), len(packet)
    if packet[0] & 0x10:
        if end < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    if packet[0] & 0x20:
        end -= packet[-1]
    return packet[start:end] if start < end else None
