"""The Trunk port over a real socket."""

import socket
import threading
from pathlib import Path

import pytest

from dialer.errors import ConfigError
from dialer.events import Answered, Bridged, EndCause, Ended, Ringing, TrunkChanged
from dialer.ports import DialRequest, Trunk
from gateways.sip.endpoint import EndpointConfig, SipEndpoint
from gateways.sip.keep_alive import KeepAliveConfig
from gateways.sip.trunk import SipTrunk
from gateways.sip.trunk_config import TrunkConfig
from tests.gateways.sip.kit import SDP, RecordingMedia, reply
from tests.gateways.sip.wire import Inbox, endpoint, peer, trunk

NUMBER = "+15550100"
FAST = KeepAliveConfig(interval_s=0.2, retry_s=0.1, timeout_s=0.3, failures=2)


def test_a_call_is_placed_bridged_and_ended_by_the_callee() -> None:
    media, events, channels = RecordingMedia(), Inbox(), []
    with peer() as callee, endpoint(media) as here:
        line: Trunk = trunk(
            here, callee.port, on_channels=lambda name, used: channels.append((name, used))
        )
        line.dial(DialRequest(42, NUMBER, "+15550199"), events)
        invite = callee.expect("INVITE")
        assert invite.uri == f"sip:{NUMBER}@127.0.0.1:{callee.port}"
        assert invite.call_id.startswith("42-")
        assert invite.sender.uri == "sip:+15550199@127.0.0.1"
        callee.say(reply(invite, 180))
        assert isinstance(events.next(), Ringing)
        callee.say(reply(invite, 200, sdp=SDP, contact=callee.contact()))
        callee.expect("ACK")
        assert isinstance(events.next(), Answered)
        line.bridge(42, "ann")
        assert isinstance(events.next(), Bridged)
        callee.say(
            f"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{callee.port};branch=z9hG4bKb\r\n"
            f"From: {invite.first('To')};tag=callee\r\nTo: {invite.first('From')}\r\n"
            f"Call-ID: {invite.call_id}\r\nCSeq: 1 BYE\r\n\r\n"
        )
        assert callee.expect("200").cseq_method == "BYE"
        ended = events.next()
        assert isinstance(ended, Ended)
        assert (ended.attempt_id, ended.cause) == (42, EndCause("far", 200))
        # Commands for an attempt that has ended do nothing.
        for command in (line.cancel, line.hang_up):
            command(42)
        line.play(42, "sorry", True)
    assert events.empty()
    assert ("bridge", "call-42", "agent-ann") in media.calls
    assert media.calls[-1] == ("close", "call-42")
    assert channels == [("carrier", 1), ("carrier", 0)]


def test_cancel_stops_the_ringing_and_hang_up_ends_a_live_call() -> None:
    classes, events = [], Inbox()
    with peer() as callee, endpoint() as here:
        line = trunk(here, callee.port, on_response=lambda name, each: classes.append(each))
        line.dial(DialRequest(1, NUMBER), events)
        invite = callee.expect("INVITE")
        callee.say(reply(invite, 180))
        events.next()
        line.cancel(1)
        callee.say(reply(callee.expect("CANCEL"), 200))
        callee.say(reply(invite, 487))
        callee.expect("ACK")
        assert events.next().cause == EndCause("near", 487, 0, "Said By Hand")
        line.dial(DialRequest(2, NUMBER), events)
        invite = callee.expect("INVITE")
        callee.say(reply(invite, 200, sdp=SDP, contact=callee.contact()))
        assert isinstance(events.next(), Answered)
        line.hang_up(2)
        callee.say(reply(callee.expect("BYE"), 200))
        assert events.next().cause == EndCause("near", 200)
    assert classes == ["1xx", "4xx", "2xx"]


def test_a_prompt_is_played_and_then_the_call_is_hung_up() -> None:
    media, events = RecordingMedia(), Inbox()
    with peer() as callee, endpoint(media) as here:
        line = trunk(here, callee.port)
        line.dial(DialRequest(1, NUMBER), events)
        invite = callee.expect("INVITE")
        line.play(1, "early", True)
        callee.say(reply(invite, 200, sdp=SDP, contact=callee.contact()))
        events.next()
        line.play(1, "sorry", True)
        line.bridge(1, "ann")
        events.next()
        media.done["sorry"]()
        callee.expect("BYE")
        assert events.next().cause == EndCause("near", 200)
    assert media.of("play") == [("call-1", "sorry")]


def test_a_port_where_nobody_listens_ends_the_dial_at_once_and_the_trunk_is_down() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        port = gone.getsockname()[1]
    events, changes = Inbox(), Inbox()
    with endpoint() as here:
        line = trunk(here, port, changes, keep_alive=KeepAliveConfig())
        changed = changes.next()
        assert (changed.trunk, changed.up) == ("carrier", False)
        assert "refused" in changed.reason
        line.dial(DialRequest(1, NUMBER), events)
        cause = events.next().cause
        assert (cause.by, cause.sip_status) == ("trunk", 0)
        assert "refused" in cause.text


def test_a_trunk_comes_up_with_any_answer_and_goes_down_with_silence() -> None:
    changes = Inbox()
    with peer() as carrier, endpoint() as here:
        trunk(here, carrier.port, changes, keep_alive=FAST)
        down = changes.next()
        assert isinstance(down, TrunkChanged)
        assert not down.up
        assert "no answer to OPTIONS" in down.reason
        while changes.empty():
            carrier.say(reply(carrier.expect("OPTIONS"), 403))
        assert changes.next() == TrunkChanged("carrier", pytest.approx(down.at, abs=60), True, "")
        assert not changes.next().up


def test_a_trunk_that_is_never_asked_is_taken_for_up() -> None:
    changes = Inbox()
    with endpoint() as here:
        trunk(here, 9, changes)
        assert changes.next().up


def test_a_full_trunk_refuses_and_a_channel_comes_free() -> None:
    events = Inbox()
    with peer() as callee, endpoint() as here:
        line = trunk(here, callee.port, max_channels=1)
        line.dial(DialRequest(1, NUMBER), events)
        invite = callee.expect("INVITE")
        line.dial(DialRequest(2, NUMBER), events)
        full = events.next()
        assert (full.attempt_id, full.cause.by) == (2, "trunk")
        assert "channels" in full.cause.text
        callee.say(reply(invite, 486))
        assert events.next().attempt_id == 1
        line.dial(DialRequest(3, NUMBER), events)
        assert callee.expect("INVITE").call_id.startswith("3-")


def test_relay_trouble_ends_the_dial_as_the_trunks_fault() -> None:
    media, events = RecordingMedia(), Inbox()
    media.full = True
    with endpoint(media) as here:
        trunk(here, 9).dial(DialRequest(1, NUMBER), events)
        assert events.next().cause == EndCause("trunk", 0, 0, "no audio: no port is free")


def test_a_host_that_cannot_be_found_ends_the_dial() -> None:
    events, changes = Inbox(), Inbox()
    with endpoint() as here:
        config = TrunkConfig("far", "carrier.invalid")
        line = SipTrunk(config, here, changes)
        line.start()
        assert not changes.next().up
        line.dial(DialRequest(1, NUMBER), events)
        cause = events.next().cause
        assert cause.by == "trunk"
        assert "cannot find the host" in cause.text


def test_a_host_name_is_looked_up() -> None:
    events, changes = Inbox(), Inbox()
    with peer() as callee, endpoint() as here:
        line = SipTrunk(TrunkConfig("near", "localhost", callee.port), here, changes)
        line.start()
        callee.say(reply(callee.expect("OPTIONS"), 200))
        assert changes.next().up
        line.dial(DialRequest(1, NUMBER), events)
        assert callee.expect("INVITE").uri == f"sip:{NUMBER}@localhost:{callee.port}"


def test_an_outbound_proxy_gets_the_requests_and_a_route_says_so() -> None:
    with peer() as proxy, endpoint() as here:
        line = SipTrunk(
            TrunkConfig(
                "far",
                "carrier.invalid",
                outbound_proxy=f"sip:127.0.0.1:{proxy.port}",
                plus=False,
                domain="dialer.example",
                codecs=("PCMA",),
            ),
            here,
            Inbox(),
        )
        line.start()
        line.dial(DialRequest(1, NUMBER, "+15550199"), Inbox())
        invite = proxy.expect("INVITE")
        assert invite.uri == "sip:15550100@carrier.invalid"
        assert invite.sender.uri == "sip:15550199@dialer.example"
        assert invite.every("Route") == [f"<sip:127.0.0.1:{proxy.port};lr>"]
        assert b"RTP/AVP 8 101" in invite.content


def test_the_number_shown_is_asserted_too_and_never_withheld() -> None:
    with peer() as callee, endpoint() as here:
        line = trunk(here, callee.port, from_user="+15550177", domain="dialer.example")
        line.dial(DialRequest(1, NUMBER, "+15550199"), Inbox())
        invite = callee.expect("INVITE")
        assert invite.sender.uri == "sip:+15550199@dialer.example"
        assert invite.first("P-Asserted-Identity") == "<sip:+15550199@dialer.example>"
        assert not invite.first("Privacy")
        line.dial(DialRequest(2, NUMBER), Inbox())
        invite = callee.expect("INVITE")
        assert invite.first("P-Asserted-Identity") == "<sip:+15550177@dialer.example>"


def test_a_carrier_that_wants_no_identity_gets_none() -> None:
    with peer() as callee, endpoint() as here:
        line = trunk(here, callee.port, asserts_identity=False)
        line.dial(DialRequest(1, NUMBER, "+15550199"), Inbox())
        assert not callee.expect("INVITE").first("P-Asserted-Identity")


def test_a_stop_hangs_up_and_later_dials_end_at_once() -> None:
    events = Inbox()
    with peer() as callee:
        with endpoint() as here:
            line = trunk(here, callee.port)
            line.dial(DialRequest(1, NUMBER), events)
            invite = callee.expect("INVITE")
            callee.say(reply(invite, 200, sdp=SDP, contact=callee.contact()))
            events.next()
            stopping = threading.Thread(target=here.stop, args=(5.0,))
            stopping.start()
            callee.say(reply(callee.expect("BYE"), 200))
            stopping.join()
        assert events.next().cause.by == "near"
        line.dial(DialRequest(2, NUMBER), events)
        line.cancel(2)
        assert events.next().cause == EndCause("trunk", 0, 0, "the SIP endpoint is stopped")


def test_what_a_crash_left_is_ended_at_the_next_start(tmp_path: Path) -> None:
    log, events = tmp_path / "dialogs", Inbox()
    with peer() as callee:
        with endpoint(log=log) as here:
            line = trunk(here, callee.port)
            line.dial(DialRequest(8, NUMBER), events)
            line.dial(DialRequest(9, NUMBER), events)
            invites = [callee.expect("INVITE"), callee.expect("INVITE")]
            callee.say(reply(invites[0], 200, sdp=SDP, contact=callee.contact()))
            events.next()
            saved = log.read_bytes()
        # What a clean stop wrote is undone: the file is as a kill would have left it.
        log.write_bytes(saved)
        while callee.expect("BYE").call_id != invites[0].call_id:
            pass
        with endpoint(log=log) as here:
            line = trunk(here, callee.port)
            assert line.recover() == {8, 9}
            assert line.recover() == {8, 9}
            assert callee.expect("BYE").call_id == invites[0].call_id
            assert callee.expect("CANCEL").call_id == invites[1].call_id


def test_an_address_that_is_taken_is_told_in_words() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        config = EndpointConfig("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1:\d+ .*in use"):
            SipEndpoint(config, RecordingMedia()).start()


def test_a_wrong_setting_is_told_in_words() -> None:
    with pytest.raises(ConfigError, match=r"trunk t: codec G729; choose among PCMU, PCMA"):
        TrunkConfig("t", "h", codecs=("G729",))
    with pytest.raises(ConfigError, match=r"trunk t: outbound_proxy: not a SIP URI"):
        TrunkConfig("t", "h", outbound_proxy="proxy.example")
    with pytest.raises(ConfigError, match=r"trunk t: remote_host"):
        TrunkConfig("t", "a b")
    assert "hush" not in repr(TrunkConfig("t", "h", password="hush"))
