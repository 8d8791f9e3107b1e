"""The desk and a real phone: baresip is logged in, holds, resumes, and hangs up."""

import time
from pathlib import Path

import pytest

from dialer.events import AgentAccepted, AgentLegDown, AgentLegUp, AgentNoAnswer
from gateways.sip.desk import SipDesk
from gateways.sip.endpoint import EndpointConfig, SipEndpoint
from gateways.sip.phones import DeskConfig
from gateways.sip.ringing_desk import RingingDesk
from tests.gateways.sip.kit import RecordingMedia
from tests.gateways.sip.wire import Inbox
from tests.peers import require
from tests.peers.baresip import Phone

pytestmark = pytest.mark.peer


def wait_for_remotes(media: RecordingMedia, count: int) -> None:
    deadline = time.monotonic() + 10
    while len(media.of("remote")) < count:
        assert time.monotonic() < deadline, media.calls
        time.sleep(0.02)


def test_a_phone_is_logged_in_holds_resumes_and_hangs_up(tmp_path: Path) -> None:
    require("baresip")
    media, events = RecordingMedia(), Inbox()
    with Phone(tmp_path, "ann") as phone:
        here = SipEndpoint(EndpointConfig(phone.host, 5070), media)
        here.start()
        try:
            desk = SipDesk(DeskConfig(probe_s=0.3), here, events)
            desk.log_in("ann", phone.uri)
            assert isinstance(events.next(), AgentLegUp)
            phone.wait_for("CALL_ESTABLISHED")
            phone.command("hold")
            wait_for_remotes(media, 2)
            phone.command("resume")
            wait_for_remotes(media, 3)
            # It has been asked whether it lives by now, and said so.
            time.sleep(0.5)
            phone.command("hangup")
            down = events.next()
            assert isinstance(down, AgentLegDown)
            assert down.reason == "the phone hung up"
            desk.log_in("ann", phone.uri)
            assert isinstance(events.next(), AgentLegUp)
            desk.log_out("ann")
            assert events.next().reason == "logged out"
            phone.wait_for("CALL_CLOSED", times=2)
        finally:
            here.stop()
    assert [send for *_, send in media.of("remote")][:3] == [True, False, True]
    assert {codec for _, _, _, codec, _ in media.of("remote")} == {0}


def test_a_phone_rings_per_call_and_is_picked_up_hung_up_and_missed(tmp_path: Path) -> None:
    require("baresip")
    events = Inbox()
    with Phone(tmp_path, "ann", answers=False) as phone:
        here = SipEndpoint(EndpointConfig(phone.host, 5070), RecordingMedia())
        here.start()
        try:
            desk = RingingDesk(DeskConfig(kept_up=False, answer_timeout_s=2.0), here, events)
            desk.log_in("ann", phone.uri)
            assert isinstance(events.next(), AgentLegUp)
            assert phone.events() == []
            desk.offer("ann")
            phone.wait_for("CALL_INCOMING")
            phone.command("accept")
            assert isinstance(events.next(), AgentAccepted)
            desk.connect("ann", 7)
            desk.release("ann", 7)
            phone.wait_for("CALL_CLOSED")
            desk.offer("ann")
            phone.wait_for("CALL_INCOMING", times=2)
            assert isinstance(events.next(), AgentNoAnswer)
            phone.wait_for("CALL_CLOSED", times=2)
            desk.offer("ann")
            phone.wait_for("CALL_INCOMING", times=3)
            phone.command("hangup")
            assert isinstance(events.next(), AgentNoAnswer)
        finally:
            here.stop()
