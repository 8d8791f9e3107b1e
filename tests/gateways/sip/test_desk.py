"""The AgentDesk port on phones over a real socket."""

from dialer.events import AgentAccepted, AgentLegDown, AgentLegUp, AgentNoAnswer
from dialer.ports import AgentDesk
from gateways.sip.desk import SipDesk
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.phones import DeskConfig
from tests.gateways.sip.kit import SDP, RecordingMedia, reply
from tests.gateways.sip.wire import Inbox, Peer, endpoint, peer


def address(phone: Peer) -> str:
    return f"sip:ann@127.0.0.1:{phone.port}"


def pick_up(phone: Peer) -> None:
    invite = phone.expect("INVITE")
    phone.say(reply(invite, 200, sdp=SDP, contact=phone.contact()))
    phone.expect("ACK")


def test_an_agents_leg_comes_up_stands_and_goes_down() -> None:
    media, events = RecordingMedia(), Inbox()
    with peer() as phone, endpoint(media) as here:
        desk: AgentDesk = SipDesk(DeskConfig(), here, events)
        assert desk.kept_up
        desk.offer("ann")
        assert isinstance(events.next(), AgentNoAnswer)
        desk.log_in("ann", address(phone))
        invite = phone.expect("INVITE")
        assert invite.uri == address(phone)
        assert "answer-after=0" in invite.first("Call-Info")
        phone.say(reply(invite, 180))
        phone.say(reply(invite, 200, sdp=SDP, contact=phone.contact()))
        phone.expect("ACK")
        up = events.next()
        assert isinstance(up, AgentLegUp)
        assert up.agent_id == "ann"
        desk.offer("ann")
        assert isinstance(events.next(), AgentAccepted)
        desk.log_in("ann", address(phone))
        assert isinstance(events.next(), AgentLegUp)
        desk.log_out("ann")
        phone.say(reply(phone.expect("BYE"), 200))
        down = events.next()
        assert isinstance(down, AgentLegDown)
        assert down.reason == "logged out"
    assert [call[0] for call in media.calls] == ["open", "remote", "close"]
    assert media.calls[0] == ("open", "agent-ann")
    assert events.empty()


def test_the_phone_hangs_up() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        SipDesk(DeskConfig(), here, events).log_in("ann", address(phone))
        invite = phone.expect("INVITE")
        phone.say(reply(invite, 200, sdp=SDP, contact=phone.contact()))
        events.next()
        phone.say(
            f"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=z9hG4bKb\r\n"
            f"From: {invite.first('To')};tag=callee\r\nTo: {invite.first('From')}\r\n"
            f"Call-ID: {invite.call_id}\r\nCSeq: 1 BYE\r\n\r\n"
        )
        down = events.next()
        assert (type(down), down.reason) == (AgentLegDown, "the phone hung up")


def test_a_phone_that_refuses_or_cannot_be_reached_is_told_with_its_reason() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        desk = SipDesk(DeskConfig(), here, events)
        desk.log_in("ann", address(phone))
        phone.say(reply(phone.expect("INVITE"), 486, "Busy Here"))
        assert events.next().reason == "the phone refused: 486 Busy Here"
        desk.log_in("bob", "bob's phone")
        assert "looks like sip:ann@" in events.next().reason
        desk.log_in("eve", "sip:eve@phone.invalid")
        assert "cannot find the host" in events.next().reason


def test_a_phone_that_rings_too_long_is_given_up() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        SipDesk(DeskConfig(answer_timeout_s=0.2), here, events).log_in("ann", address(phone))
        invite = phone.expect("INVITE")
        phone.say(reply(invite, 180))
        phone.say(reply(phone.expect("CANCEL"), 200))
        phone.say(reply(invite, 487))
        assert events.next().reason == "the phone did not answer"


def test_an_agent_moves_to_another_phone() -> None:
    events = Inbox()
    with peer() as old, peer() as new, endpoint() as here:
        desk = SipDesk(DeskConfig(), here, events)
        desk.log_in("ann", address(old))
        pick_up(old)
        events.next()
        desk.log_in("ann", address(new))
        old.say(reply(old.expect("BYE"), 200))
        pick_up(new)
        assert isinstance(events.next(), AgentLegUp)
        assert events.empty()


def test_an_agent_moves_while_the_first_phone_still_rings() -> None:
    media, events = RecordingMedia(), Inbox()
    with peer() as old, peer() as new, endpoint(media) as here:
        desk = SipDesk(DeskConfig(), here, events)
        desk.log_in("ann", address(old))
        old.say(reply(old.expect("INVITE"), 180))
        desk.log_in("ann", address(new))
        pick_up(new)
        assert isinstance(events.next(), AgentLegUp)
        assert [call[0] for call in media.calls] == ["open", "close", "open", "remote"]
        old.expect("CANCEL")


def test_a_late_release_does_not_cut_the_next_customer_off() -> None:
    media, events = RecordingMedia(), Inbox()
    with peer() as phone, endpoint(media) as here:
        desk = SipDesk(DeskConfig(), here, events)
        desk.log_in("ann", address(phone))
        pick_up(phone)
        events.next()
        desk.connect("ann", 2)
        desk.release("ann", 1)
        desk.offer("ann")
        events.next()
        assert media.of("unbridge") == []
        desk.release("ann", 2)
        desk.offer("ann")
        events.next()
        assert media.of("unbridge") == [("agent-ann",)]


def test_a_stopped_endpoint_has_no_agents() -> None:
    events = Inbox()
    with endpoint() as here:
        assert isinstance(here, SipEndpoint)
    desk = SipDesk(DeskConfig(), here, events)
    desk.log_in("ann", "sip:ann@127.0.0.1")
    desk.offer("ann")
    assert events.names(2) == ["AgentLegDown", "AgentNoAnswer"]
