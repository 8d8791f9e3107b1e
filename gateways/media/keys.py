"""Keys that a far end presses: telephone events (RFC 4733).

The rule of this module: a key counts once, however many packets tell of it; they all carry the
timestamp of the moment at which it went down.
"""

KEYS = "0123456789*#ABCD"
_HEADER = 12
_EXTENDED = 0x10


class KeyReader:
    """Reads the keys in one leg's packets."""

    def __init__(self) -> None:
        self._last: tuple[bytes, bytes] | None = None

    def read(self, packet: bytes, event_payload_type: int) -> str:
        """The key that this packet is the first to tell of, else ""."""
        if len(packet) < _HEADER + 4 or packet[1] & 0x7F != event_payload_type:
            return ""
        start = _HEADER + 4 * (packet[0] & 0x0F)
        if packet[0] & _EXTENDED:
            start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
        if len(packet) < start + 4 or packet[start] >= len(KEYS):
            return ""
        press = packet[4:8], packet[8:12]
        if press == self._last:
            return ""
        self._last = press
        return KEYS[packet[start]]
