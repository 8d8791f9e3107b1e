"""The session inside a call: offers, answers, hold, and what the other side may ask.

The rule of this module: whatever is asked of an established call, the audio that stands keeps
standing unless both sides agreed to change it; the relay hears of a new address only when a
description brings one. Source: RFC 3264, RFC 3261 section 14, RFC 3311 (UPDATE), RFC 4028
(session timers), RFC 6086 (INFO).
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from dialer.errors import MediaError
from gateways.sip.headers import MalformedError
from gateways.sip.media_port import Media
from gateways.sip.messages import Message
from gateways.sip.sdp import Audio, Description, Speaker, read_sdp

_log = logging.getLogger(__name__)


class Reply(NamedTuple):
    """What to answer a request with."""

    code: int
    body: bytes = b""
    extra: tuple[tuple[str, str], ...] = ()
    reason: str = ""


class Session:
    """The audio side of one leg. MediaError from the constructor when no port is free."""

    def __init__(self, media: Media, leg_id: str, codecs: Sequence[int]) -> None:
        self.leg_id = leg_id
        self._media = media
        self._codecs = tuple(codecs)
        host, port = media.open_leg(leg_id)
        self._speaker = Speaker(host, port, codecs)
        self._audio: Audio | None = None
        self._awaits_answer = False
        self._closed = False

    def offer(self) -> bytes:
        """Our offer."""
        return self._speaker.offer()

    def take_answer(self, body: bytes) -> bool:
        """Use the other side's answer to our offer; False when its audio is of no use."""
        audio = self._read(body)
        return audio is not None and self._use(audio)

    def re_invite(self, message: Message) -> Reply:
        """A re-INVITE: a new offer, or a request for ours (section 14.2)."""
        if not message.has_sdp:
            self._awaits_answer = True
            return Reply(200, self._speaker.offer(), session_timer(message))
        return self._answer(message)

    def update(self, message: Message) -> Reply:
        """An UPDATE, with or without an offer (RFC 3311 section 5.2)."""
        if not message.has_sdp:
            return Reply(200, b"", session_timer(message))
        return self._answer(message)

    def acknowledged(self, message: Message) -> None:
        """The ACK of a re-INVITE's 200: it holds the answer where our 200 held the offer."""
        if self._awaits_answer and message.has_sdp:
            self.take_answer(message.content)
        self._awaits_answer = False

    def close(self) -> None:
        """Free the audio; a second time does nothing."""
        if not self._closed:
            self._closed = True
            self._media.close_leg(self.leg_id)

    def _answer(self, message: Message) -> Reply:
        try:
            offer: Description | None = read_sdp(message.content)
        except MalformedError:
            offer = None
        audio = offer.audio(self._codecs) if offer else None
        if offer is None or audio is None:
            # T.38, or a codec that we lack: refused, and the call goes on as it was.
            return Reply(488, b"", (("Warning", '304 foredial "Media type not available"'),))
        body = self._speaker.answer(offer, audio)
        if not self._use(audio):
            return Reply(500)
        return Reply(200, body, session_timer(message))

    def _read(self, body: bytes) -> Audio | None:
        try:
            return read_sdp(body).audio(self._codecs)
        except MalformedError:
            return None

    def _use(self, audio: Audio) -> bool:
        """Have the relay send there; whether it does."""
        if audio == self._audio:
            return True
        if self._closed:
            return False
        try:
            self._media.set_remote(
                self.leg_id,
                audio.host,
                audio.port,
                audio.payload_type,
                not audio.held,
                audio.event_type if audio.event_type >= 0 else None,
            )
        except MediaError as error:
            _log.warning("no audio for %s: %s", self.leg_id, error)
            return False
        self._audio = audio
        return True


def session_timer(message: Message) -> tuple[tuple[str, str], ...]:
    """The answer to a session timer: the side that asks refreshes (RFC 4028 section 9)."""
    wanted = message.first("Session-Expires").partition(";")[0].strip()
    if not wanted.isdigit() or "timer" not in message.tokens("Supported"):
        return ()
    return (("Require", "timer"), ("Session-Expires", f"{wanted};refresher=uac"))
