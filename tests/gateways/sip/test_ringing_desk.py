"""The desk whose phones ring for each reservation, over a real socket."""

from dialer.events import AgentAccepted, AgentAsked, AgentLegDown, AgentLegUp, AgentNoAnswer
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.messages import Message
from gateways.sip.phones import DeskConfig
from gateways.sip.ringing_desk import RingingDesk
from tests.gateways.sip.kit import SDP, RecordingMedia, reply
from tests.gateways.sip.wire import Inbox, Peer, endpoint, peer


def desk_of(here: SipEndpoint, events: Inbox, phone: Peer, timeout_s: float = 20.0) -> RingingDesk:
    """A desk with ann logged in."""
    desk = RingingDesk(DeskConfig(kept_up=False, answer_timeout_s=timeout_s), here, events)
    assert not desk.kept_up
    desk.log_in("ann", f"sip:ann@127.0.0.1:{phone.port}")
    assert isinstance(events.next(), AgentLegUp)
    return desk


def pick_up(phone: Peer, events: Inbox) -> Message:
    """The phone rings and ann picks up; the INVITE."""
    invite = phone.expect("INVITE")
    phone.say(reply(invite, 180))
    phone.say(reply(invite, 200, sdp=SDP, contact=phone.contact()))
    phone.expect("ACK")
    assert isinstance(events.next(), AgentAccepted)
    return invite


def hang_up(phone: Peer, invite: Message) -> None:
    """The phone ends the call."""
    phone.say(
        f"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=z9hG4bKb\r\n"
        f"From: {invite.first('To')};tag=callee\r\nTo: {invite.first('From')}\r\n"
        f"Call-ID: {invite.call_id}\r\nCSeq: 1 BYE\r\n\r\n"
    )
    phone.expect("200")


def test_the_phone_rings_at_the_offer_and_is_hung_up_after_the_call() -> None:
    media, events = RecordingMedia(), Inbox()
    with peer() as phone, endpoint(media) as here:
        desk = desk_of(here, events, phone)
        assert media.calls == []
        desk.offer("ann")
        invite = pick_up(phone, events)
        assert invite.first("Call-Info") == "", "it rings: the agent picks up themselves"
        desk.connect("ann", 7)
        desk.release("ann", 7)
        phone.say(reply(phone.expect("BYE"), 200))
        desk.offer("ann")
        again = pick_up(phone, events)
        assert again.call_id != invite.call_id
        assert media.of("open") == [("agent-ann",), ("agent-ann",)]
        assert events.empty()


def test_a_phone_that_is_not_picked_up_is_a_rona_and_rings_no_more() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        desk = desk_of(here, events, phone, timeout_s=0.2)
        desk.offer("ann")
        invite = phone.expect("INVITE")
        phone.say(reply(invite, 180))
        assert isinstance(events.next(), AgentNoAnswer)
        phone.say(reply(phone.expect("CANCEL"), 200))
        phone.say(reply(invite, 487))
        desk.offer("ann")
        pick_up(phone, events)
        assert events.empty()


def test_a_phone_that_refuses_is_a_rona() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        desk = desk_of(here, events, phone)
        desk.offer("ann")
        phone.say(reply(phone.expect("INVITE"), 486, "Busy Here"))
        assert isinstance(events.next(), AgentNoAnswer)
        desk.offer("bob")
        assert isinstance(told := events.next(), AgentNoAnswer)
        assert told.agent_id == "bob"


def test_a_reservation_that_ends_without_a_call_stops_the_ringing() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        desk = desk_of(here, events, phone)
        desk.offer("ann")
        invite = phone.expect("INVITE")
        phone.say(reply(invite, 180))
        desk.withdraw("ann")
        phone.say(reply(phone.expect("CANCEL"), 200))
        phone.say(reply(invite, 487))
        desk.offer("ann")
        pick_up(phone, events)
        desk.withdraw("ann")
        phone.say(reply(phone.expect("BYE"), 200))
        assert events.empty()


def test_an_answer_that_crosses_the_withdrawal_is_hung_up_and_not_told() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        desk = desk_of(here, events, phone)
        desk.offer("ann")
        invite = phone.expect("INVITE")
        desk.withdraw("ann")
        phone.say(reply(invite, 200, sdp=SDP, contact=phone.contact()))
        phone.expect("ACK")
        phone.say(reply(phone.expect("BYE"), 200))
    assert events.empty()


def test_whoever_hangs_up_while_they_wait_has_not_answered() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        desk = desk_of(here, events, phone)
        desk.offer("ann")
        hang_up(phone, pick_up(phone, events))
        assert isinstance(events.next(), AgentNoAnswer)


def test_whoever_hangs_up_in_a_call_ends_the_call() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        desk = desk_of(here, events, phone)
        desk.offer("ann")
        invite = pick_up(phone, events)
        desk.connect("ann", 7)
        desk.offer("ann")
        assert isinstance(events.next(), AgentAccepted), "the connect has arrived"
        hang_up(phone, invite)
        assert isinstance(asked := events.next(), AgentAsked)
        assert asked.wish == "hang_up"
        desk.release("ann", 7)
        desk.offer("ann")
        pick_up(phone, events)
        assert events.empty()


def test_a_customer_for_whoever_has_just_hung_up_is_let_go() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        desk = desk_of(here, events, phone)
        desk.connect("ann", 7)
        assert isinstance(asked := events.next(), AgentAsked)
        assert asked.wish == "hang_up"


def test_a_late_release_does_not_cut_the_next_customer_off() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        desk = desk_of(here, events, phone)
        desk.offer("ann")
        pick_up(phone, events)
        desk.connect("ann", 2)
        desk.release("ann", 1)
        desk.offer("ann")
        assert isinstance(events.next(), AgentAccepted)


def test_whoever_logs_out_is_hung_up_and_an_address_that_is_none_is_told() -> None:
    events = Inbox()
    with peer() as phone, endpoint() as here:
        desk = desk_of(here, events, phone)
        desk.offer("ann")
        pick_up(phone, events)
        desk.log_out("ann")
        phone.say(reply(phone.expect("BYE"), 200))
        assert isinstance(down := events.next(), AgentLegDown)
        assert down.reason == "logged out"
        desk.log_in("bob", "bob's phone")
        assert "looks like sip:ann@" in events.next().reason
