"""What the SIP tests share: a bench with a clock in the hand, and a callee that writes by hand.

The callee's messages are written here word by word and not by the code under test.
"""

from collections.abc import Callable
from typing import Any

from dialer.errors import MediaError
from dialer.events import EndCause
from gateways.sip.building import Composer
from gateways.sip.dialog_log import DialogLog, NoLog
from gateways.sip.digest import Credentials
from gateways.sip.leg_plan import LegPlan
from gateways.sip.legs import Leg
from gateways.sip.messages import Message, read_message
from gateways.sip.transactions import Address
from gateways.sip.user_agent import UserAgent

HERE = Address("192.0.2.10", 5060)
CARRIER = Address("192.0.2.20", 5060)
SDP = (
    "v=0\r\no=carrier 1 1 IN IP4 192.0.2.30\r\ns=-\r\nc=IN IP4 192.0.2.30\r\nt=0 0\r\n"
    "m=audio 30000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)


class RecordingMedia:
    """The relay's side of the Media port, written down instead of played."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.events: list[int | None] = []
        self.full = False
        self._port = 20000
        self.done: dict[str, Callable[[], None]] = {}
        self.keys: dict[str, Callable[[str], None]] = {}

    def open_leg(self, leg_id: str) -> tuple[str, int]:
        if self.full:
            raise MediaError("no port is free")
        self.calls.append(("open", leg_id))
        self._port += 2
        return HERE.host, self._port

    def set_remote(
        self,
        leg_id: str,
        host: str,
        port: int,
        payload_type: int,
        send: bool = True,
        event_payload_type: int | None = 101,
    ) -> None:
        self.events.append(event_payload_type)
        self.calls.append(("remote", leg_id, host, port, payload_type, send))

    def bridge(self, leg_a: str, leg_b: str, on_done: Callable[[], None] | None = None) -> None:
        self.calls.append(("bridge", leg_a, leg_b))
        if on_done is not None:
            on_done()

    def unbridge(self, leg_id: str) -> None:
        self.calls.append(("unbridge", leg_id))

    def play(self, leg_id: str, prompt: str, on_done: Callable[[], None]) -> None:
        self.calls.append(("play", leg_id, prompt))
        self.done[prompt] = on_done

    def listen(self, leg_id: str, on_key: Callable[[str], None]) -> None:
        self.calls.append(("listen", leg_id))
        self.keys[leg_id] = on_key

    def close_leg(self, leg_id: str) -> None:
        self.calls.append(("close", leg_id))

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == kind]


class Owner:
    """Writes down what its leg tells."""

    def __init__(self) -> None:
        self.story: list[Any] = []
        self.classes: list[str] = []

    def leg_ringing(self) -> None:
        self.story.append("ringing")

    def leg_early_media(self) -> None:
        self.story.append("early media")

    def leg_answered(self) -> None:
        self.story.append("answered")

    def leg_ended(self, cause: EndCause) -> None:
        self.story.append(cause)

    def leg_response(self, status_class: str) -> None:
        self.classes.append(status_class)

    def leg_key(self, key: str) -> None:
        self.story.append(f"key {key}")

    @property
    def ends(self) -> list[EndCause]:
        return [told for told in self.story if isinstance(told, EndCause)]


class Bench:
    """A user agent, its clock, and all that it ever sent."""

    def __init__(self, log: DialogLog | None = None, now: float = 1000.0) -> None:
        self.media = RecordingMedia()
        self.agent = UserAgent(
            Composer(HERE.host, HERE.port), self.media, log or NoLog(), lambda host, port: None
        )
        self.now = now
        self.sent: list[Message] = []
        self.to: list[Address] = []

    def collect(self) -> list[Message]:
        """What has been sent since the last look, read back by its own parser."""
        fresh = [(read_message(data), to) for data, to in self.agent.take_outbox()]
        self.sent += [message for message, _ in fresh]
        self.to += [to for _, to in fresh]
        return [message for message, _ in fresh]

    def wait(self, seconds: float) -> list[Message]:
        """Let time pass, timer by timer."""
        end = self.now + seconds
        before = len(self.sent)
        self.collect()
        while (due := self.agent.next_timeout()) is not None and due <= end:
            self.now = max(self.now, due)
            self.agent.advance(self.now)
            self.collect()
        self.now = end
        return self.sent[before:]

    def hear(self, text: str | bytes, source: Address = CARRIER) -> list[Message]:
        """Let a datagram come in; what goes out for it."""
        data = text if isinstance(text, bytes) else text.encode()
        self.collect()
        self.agent.receive(data, source, self.now)
        return self.collect()

    def dial(
        self,
        *,
        credentials: Credentials | None = None,
        routes: tuple[str, ...] = (),
        probe_s: float = 0.0,
        attempt_id: int = 7,
    ) -> tuple[Leg, Owner, Message]:
        """Place a call: its leg, its owner, its INVITE."""
        owner = Owner()
        plan = LegPlan(
            owner="trunk:t",
            attempt_id=attempt_id,
            media_leg=f"call-{attempt_id}",
            uri="sip:+15550100@carrier.example",
            sender="<sip:+15550199@dialer.example>",
            recipient="<sip:+15550100@carrier.example>",
            user="+15550199",
            destination=CARRIER,
            credentials=credentials,
            routes=routes,
            probe_s=probe_s,
        )
        leg = self.agent.place(plan, owner, str(attempt_id), self.now)
        return leg, owner, self.collect()[0]

    def live(self, **how: Any) -> tuple[Leg, Owner, Message]:
        """A call that is answered."""
        leg, owner, invite = self.dial(**how)
        self.hear(reply(invite, 200, sdp=SDP))
        assert leg.is_live
        return leg, owner, invite

    def methods(self) -> list[str]:
        self.collect()
        return [message.method or str(message.status_code) for message in self.sent]


def reply(
    request: Message,
    code: int,
    phrase: str = "Said By Hand",
    *,
    tag: str = "callee",
    headers: tuple[str, ...] = (),
    sdp: str = "",
    contact: str = "<sip:callee@192.0.2.40:5070>",
) -> str:
    """A response to what we sent."""
    to = request.first("To")
    if tag and "tag=" not in to and code > 100:
        to += f";tag={tag}"
    lines = [f"SIP/2.0 {code} {phrase}"]
    lines += [f"Via: {value}" for name, value in request.fields if name == "Via"]
    lines += [f"From: {request.first('From')}", f"To: {to}"]
    lines += [f"Call-ID: {request.call_id}", f"CSeq: {request.cseq} {request.cseq_method}"]
    if contact and request.method == "INVITE" and 100 < code < 300:
        lines.append(f"Contact: {contact}")
    lines += headers
    if sdp:
        lines.append("Content-Type: application/sdp")
    lines += [f"Content-Length: {len(sdp)}", "", sdp]
    return "\r\n".join(lines)


def ask(
    leg: Leg,
    method: str,
    cseq: int,
    *,
    branch: str = "",
    headers: tuple[str, ...] = (),
    sdp: str = "",
    tag: str = "callee",
    contact: str = "",
) -> str:
    """A request of the callee inside the call."""
    lines = [
        f"{method} sip:x@192.0.2.10:5060 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK-{branch or f'{method}{cseq}'};rport",
        "Max-Forwards: 70",
        f"From: <sip:+15550100@carrier.example>;tag={tag}",
        f"To: <sip:+15550199@dialer.example>;tag={leg.local_tag}",
        f"Call-ID: {leg.call_id}",
        f"CSeq: {cseq} {method}",
        *headers,
    ]
    if contact:
        lines.append(f"Contact: {contact}")
    if sdp:
        lines.append("Content-Type: application/sdp")
    lines += [f"Content-Length: {len(sdp)}", "", sdp]
    return "\r\n".join(lines)
