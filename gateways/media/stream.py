"""The one unbroken RTP stream that a leg hears, whoever speaks behind it.

The rule of this module: a leg keeps its SSRC, and its sequence numbers and timestamps go on
evenly, over silence, prompts and any number of customers switched behind it; a switch shows
only as a marker bit (RFC 3551 section 4.1). Within one source, losses and reordering are passed
on as they are (RFC 3550 section 7.1: a translator), so that the phone's jitter buffer sees the
truth.

`now` comes in as an argument: seconds on the worker's monotonic clock.
"""

import random

from gateways.media import g711
from gateways.media.rtp import (
    HEADER,
    MARKER,
    PLAIN_FLAGS,
    SEQUENCE_MASK,
    TIMESTAMP_MASK,
    payload,
)

_JUMP_SAMPLES = 5 * g711.SAMPLE_RATE_HZ
"""A timestamp that leaps further than this, either way, is another stream under the same name.
Telephone events keep the timestamp at which the key went down, so they may lie well behind."""
_JUMP_PACKETS = 500
_REORDER_PACKETS = 50

_pack = HEADER.pack
_unpack_from = HEADER.unpack_from
_transcode = g711.TRANSCODE


class OutStream:
    """Builds the packets for one far end.

    payload_type: 0 PCMU or 8 PCMA. event_payload_type: of telephone events, negative for none.
    """

    __slots__ = (
        "_run",
        "_sequence",
        "_sequence_shift",
        "_source",
        "_ssrc",
        "_step_samples",
        "_timestamp",
        "_timestamp_shift",
        "event_payload_type",
        "payload_type",
        "sent_at",
    )

    def __init__(self, now: float) -> None:
        self.payload_type = g711.PCMU
        self.event_payload_type = -1
        self.sent_at = now
        # Random beginnings, as RFC 3550 section 5.1 asks.
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._timestamp = random.getrandbits(32)
        self._step_samples = g711.FRAME_SAMPLES
        self._source = -1
        self._run = 0
        self._sequence_shift = 0
        self._timestamp_shift = 0

    @property
    def follows(self) -> bool:
        """True while the stream follows a source, False while we make it ourselves."""
        return self._source >= 0

    def part(self) -> None:
        """Whatever comes next is a new source."""
        self._source = -1
        self._run = 0

    def own(self, frame: bytes, periods: int, now: float) -> bytes:
        """A packet of our own: 20 ms of silence or prompt.

        periods: how many 20 ms periods have passed since the last one, 1 unless a tick was missed.
        """
        if self._source >= 0:
            self.part()
        if self._run:
            mark, advance = 0, g711.FRAME_SAMPLES * periods
        else:
            mark, advance = MARKER, self._gap(now)
        self._run += 1
        self._sequence = self._sequence + 1 & SEQUENCE_MASK
        self._timestamp = self._timestamp + advance & TIMESTAMP_MASK
        self._step_samples = len(frame)
        self.sent_at = now
        return (
            _pack(
                PLAIN_FLAGS, mark | self.payload_type, self._sequence, self._timestamp, self._ssrc
            )
            + frame
        )

    def follow(self, packet: bytes, events_from: int, now: float) -> bytes | None:
        """A peer's packet as this far end is to hear it; None for what is not passed on.

        events_from: the payload type under which the peer sends telephone events.
        """
        if len(packet) <= HEADER.size:
            return None
        flags, kind, sequence, timestamp, ssrc = _unpack_from(packet)
        body = packet[12:] if flags == PLAIN_FLAGS else payload(packet)
        if body is None:
            return None
        mark = kind & MARKER
        kind ^= mark
        if kind != self.payload_type:
            if table := _transcode.get((kind, self.payload_type)):
                body = body.translate(table)
                kind = self.payload_type
            elif kind == events_from and self.event_payload_type >= 0:
                kind = self.event_payload_type
            else:
                # Comfort noise, or what this far end cannot take. The numbers close up over it,
                # or the phone would count a loss.
                if ssrc == self._source:
                    self._sequence_shift -= 1
                return None
        anew: bool | None = True
        if ssrc == self._source:
            out_sequence = sequence + self._sequence_shift & SEQUENCE_MASK
            out_timestamp = timestamp + self._timestamp_shift & TIMESTAMP_MASK
            ahead = out_timestamp - self._timestamp & TIMESTAMP_MASK
            if out_sequence - self._sequence & SEQUENCE_MASK == 1 and ahead < _JUMP_SAMPLES:
                self._sequence = out_sequence
                self._timestamp = out_timestamp
                self._run += 1
                anew = False
            else:
                anew = self._out_of_step(out_sequence, ahead)
        if anew:
            self._begin(sequence, timestamp, ssrc, now)
            mark, out_sequence, out_timestamp = MARKER, self._sequence, self._timestamp
        elif anew is None:
            return None
        self._step_samples = len(body)
        self.sent_at = now
        return _pack(PLAIN_FLAGS, mark | kind, out_sequence, out_timestamp, self._ssrc) + body

    def _gap(self, now: float) -> int:
        """Samples from the last packet sent to one that is sent now."""
        return max(self._step_samples, round((now - self.sent_at) * g711.SAMPLE_RATE_HZ))

    def _begin(self, sequence: int, timestamp: int, ssrc: int, now: float) -> None:
        """Shift a new source's numbers so that they go on where the stream stands."""
        self._source = ssrc
        self._run = 1
        self._sequence = self._sequence + 1 & SEQUENCE_MASK
        self._timestamp = self._timestamp + self._gap(now) & TIMESTAMP_MASK
        self._sequence_shift = self._sequence - sequence
        self._timestamp_shift = self._timestamp - timestamp

    def _out_of_step(self, out_sequence: int, ahead: int) -> bool | None:
        """Judge a packet that is not simply the next one.

        False: pass it on (after a loss, or late, or a telephone event that began before the last
        audio); True: the source began anew; None: drop it, its number was used before this source.
        """
        step = out_sequence - self._sequence & SEQUENCE_MASK
        behind = -ahead & TIMESTAMP_MASK
        if 0 < step < _JUMP_PACKETS and (ahead < _JUMP_SAMPLES or behind < _JUMP_SAMPLES):
            self._sequence = out_sequence
            self._run += step
            if ahead < _JUMP_SAMPLES:
                self._timestamp = self._timestamp + ahead & TIMESTAMP_MASK
            return False
        late = -step & SEQUENCE_MASK
        if late < _REORDER_PACKETS and (ahead < _JUMP_SAMPLES or behind < _JUMP_SAMPLES):
            return False if late < self._run else None
        return True
