"""Offers and answers."""

import pytest

from gateways.sip.headers import MalformedError
from gateways.sip.sdp import PCMA, PCMU, Audio, Speaker, read_sdp

HEAD = "v=0\r\no=x 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"


def audio_of(text: str, codecs: tuple[int, ...] = (PCMU, PCMA)) -> Audio | None:
    return read_sdp((HEAD + text).encode()).audio(codecs)


def test_our_offer_has_both_laws_and_events_in_our_order() -> None:
    offer = Speaker("192.0.2.10", 20002, (PCMA, PCMU)).offer()
    assert b"m=audio 20002 RTP/AVP 8 0 101\r\n" in offer
    assert b"c=IN IP4 192.0.2.10\r\n" in offer
    found = read_sdp(offer).audio((PCMU, PCMA))
    assert found == Audio("192.0.2.10", 20002, PCMA, "sendrecv", 101)


def test_the_address_of_the_stream_beats_that_of_the_session() -> None:
    text = "c=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    assert audio_of(text) == Audio("192.0.2.2", 4000, PCMU, "sendrecv", -1)
    found = audio_of(text + "c=IN IP4 192.0.2.3/127\r\na=sendonly\r\n")
    assert found == Audio("192.0.2.3", 4000, PCMU, "sendonly", -1)
    assert found.held
    assert not audio_of("a=inactive\r\n" + text + "a=sendrecv\r\n").held  # type: ignore[union-attr]


def test_events_are_taken_by_their_mapping_and_codecs_by_name_and_number() -> None:
    text = (
        "c=IN IP4 192.0.2.2\r\nm=audio 4000 RTP/AVP 18 96 0 13\r\na=rtpmap:18 G729/8000\r\n"
        "a=rtpmap:96 Telephone-Event/8000/1\r\na=rtpmap:0 pcmu/8000\r\n"
    )
    assert audio_of(text) == Audio("192.0.2.2", 4000, PCMU, "sendrecv", 96)


@pytest.mark.parametrize(
    "media",
    [
        "m=audio 0 RTP/AVP 0",
        "m=audio 4000 RTP/AVP 18",
        "m=audio 4000 RTP/SAVP 0",
        "m=video 4000 RTP/AVP 0",
        "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 G729/8000",
    ],
)
def test_what_we_cannot_speak_is_no_audio(media: str) -> None:
    assert audio_of(f"c=IN IP4 192.0.2.2\r\n{media}\r\n") is None


def test_a_codec_that_the_trunk_does_not_offer_is_not_taken() -> None:
    assert audio_of("c=IN IP4 192.0.2.2\r\nm=audio 4000 RTP/AVP 0\r\n", (PCMA,)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "v=0\r\n",
        "v=0\r\nm=audio\r\n",
        "v=0\r\nm=audio 99999 RTP/AVP 0\r\n",
        "v=0\r\nm=audio 4000 RTP/AVP zero\r\n",
        "v=0\r\nc=IN IP4 a.name.example\r\nm=audio 4000 RTP/AVP 0\r\n",
    ],
)
def test_what_is_no_description_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        read_sdp(text.encode())


def test_the_version_rises_with_a_change_and_only_then() -> None:
    speaker = Speaker("192.0.2.10", 20002, (PCMU,))

    def version(body: bytes) -> bytes:
        return body.split(b"\r\n")[1].split()[2]

    assert version(speaker.offer()) == version(speaker.offer()) == b"1"
    text = HEAD + "c=IN IP4 192.0.2.2\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n"
    offer = read_sdp(text.encode())
    audio = offer.audio((PCMU,))
    assert audio is not None
    assert version(speaker.answer(offer, audio)) == b"2"


def test_an_ipv6_description() -> None:
    assert b"c=IN IP6 2001:db8::1\r\n" in Speaker("2001:db8::1", 20002, (PCMU,)).offer()
    found = audio_of("c=IN IP6 2001:db8::2\r\nm=audio 4000 RTP/AVP 0\r\n")
    assert found is not None
    assert found.host == "2001:db8::2"
