"""The user agent: every message that comes finds its transaction, its leg, or a polite refusal.

The rule of this module: no input raises. Bytes that are no SIP message are counted and dropped;
a request for a call that we do not know gets 481; a call that answers after we have forgotten it
is acknowledged and hung up. Sans-IO: bytes and `now` in, datagrams in `outbox` out.
Source: RFC 3261 sections 8.2, 12.2.2, 13.3 and 18.
"""

import heapq
import itertools
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from gateways.sip.building import SDP_TYPE, Composer, answer_vias
from gateways.sip.dialog_log import DialogLog, OpenLeg
from gateways.sip.dialogs import Dialog, Locate
from gateways.sip.digest import Credentials
from gateways.sip.headers import MalformedError
from gateways.sip.leg_plan import LegOwner, LegPlan
from gateways.sip.legs import Leg
from gateways.sip.media_port import Media
from gateways.sip.messages import Message, is_keep_alive, read_message
from gateways.sip.nat import NatWatch
from gateways.sip.replies import EXTENSIONS, is_main, reply_to
from gateways.sip.sessions import Reply
from gateways.sip.transaction_tables import TIMEOUT_S
from gateways.sip.transactions import Address, Owner, Transaction, TransactionLayer

_log = logging.getLogger(__name__)
MAX_STRAYS = 10_000


class Nobody:
    """Owns what nobody waits for, and is told in vain."""

    def response(self, transaction: Transaction, message: Message, now: float) -> None: ...

    def timeout(self, transaction: Transaction, now: float) -> None: ...

    def failed(self, transaction: Transaction, reason: str, now: float) -> None: ...

    def leg_ringing(self) -> None: ...

    def leg_early_media(self) -> None: ...

    def leg_answered(self) -> None: ...

    def leg_ended(self, cause: object) -> None: ...

    def leg_response(self, status_class: str) -> None: ...

    def leg_key(self, key: str) -> None: ...


class Incoming(Protocol):
    """Takes the calls that come in. On the SIP thread."""

    def take(self, message: Message, source: Address, now: float) -> tuple[Leg | None, Reply]:
        """The answer to an INVITE outside any call, and the leg that a 200 opens."""


class _AwaitsAck(Nobody):
    """Owns our 200 to a re-INVITE: one that is never acknowledged ends the call."""

    def __init__(self, leg: Leg) -> None:
        self._leg = leg

    def timeout(self, _transaction: Transaction, now: float) -> None:
        self._leg.fail("our answer to a re-INVITE was never acknowledged", now)


class UserAgent:
    """All legs of one address.

    locate: finds host names without blocking. counts: "malformed", "stray_answers", "unknown",
    "nat".
    """

    def __init__(self, composer: Composer, media: Media, log: DialogLog, locate: Locate) -> None:
        self.composer = composer
        self.layer = TransactionLayer(composer)
        self.media = media
        self.log = log
        self.locate = locate
        self.nobody = Nobody()
        self.legs: dict[str, Leg] = {}
        self.counts: Counter[str] = Counter()
        self.source: Address | None = None
        self.incoming: Incoming | None = None
        self._nat = NatWatch(composer)
        self._heap: list[tuple[float, int, Callable[[float], None]]] = []
        self._serial = itertools.count()
        self._unacknowledged: dict[str, Transaction] = {}
        self._strays: dict[tuple[str, str], tuple[bytes, Address]] = {}

    # The outside.

    def take_outbox(self) -> list[tuple[bytes, Address]]:
        """The datagrams to send now, in order."""
        out, self.layer.outbox = self.layer.outbox, []
        return out

    def next_timeout(self) -> float | None:
        """When `advance` is wanted, None for never."""
        own = self._heap[0][0] if self._heap else None
        theirs = self.layer.next_timeout()
        if own is None or theirs is None:
            return theirs if own is None else own
        return min(own, theirs)

    def advance(self, now: float) -> None:
        """Do what is due."""
        self.layer.advance(now)
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2](now)

    def after(self, delay_s: float, callback: Callable[[float], None], now: float) -> None:
        """Call back once, `delay_s` seconds from now, with the time."""
        heapq.heappush(self._heap, (now + delay_s, next(self._serial), callback))

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """A datagram came."""
        if is_keep_alive(data):
            return
        try:
            message = read_message(data)
        except MalformedError:
            self.counts["malformed"] += 1
            return
        self.source = source
        try:
            if message.is_request:
                self._receive_request(message, source, now)
            else:
                self._receive_response(message, source, now)
        finally:
            self.source = None

    def transport_failed(self, destination: Address, reason: str, now: float) -> None:
        """Datagrams to there are not delivered."""
        self.layer.transport_failed(destination, reason, now)

    # What the ports ask.

    def place(self, plan: LegPlan, owner: LegOwner, call_id_prefix: str, now: float) -> Leg:
        """Place a call; its owner is told how it goes."""
        leg = Leg(self, plan, owner, self.composer.gen_call_id(call_id_prefix))
        self.legs[leg.call_id] = leg
        leg.dial(now)
        return leg

    def probe(
        self, uri: str, sender: str, destination: Address, owner: Owner, now: float
    ) -> Transaction:
        """Ask somebody whether they live: OPTIONS outside any dialog."""
        details = {
            "method": "OPTIONS",
            "uri": uri,
            "branch": self.composer.gen_branch(),
            "sender": f"{sender};tag={self.composer.gen_tag()}",
            "recipient": f"<{uri}>",
            "call_id": self.composer.gen_call_id(),
            "cseq": 1,
            "contact": self.composer.contact(),
            "extra": [("Accept", SDP_TYPE)],
        }
        return self.layer.start(details, destination, owner, now)

    def end_recovered(
        self,
        legs: Iterable[OpenLeg],
        credentials: Callable[[str], Credentials | None],
        now: float,
    ) -> None:
        """End the calls that a crash left behind. credentials: of a leg's owner."""
        for found in legs:
            plan = LegPlan(
                owner=found.owner,
                attempt_id=found.attempt_id,
                media_leg="",
                uri=found.details["uri"],
                sender="",
                recipient="",
                user="",
                destination=found.destination,
                credentials=credentials(found.owner),
            )
            leg = Leg(self, plan, self.nobody, found.call_id)
            self.legs[leg.call_id] = leg
            if found.dialog is not None:
                leg.end_established(found.dialog, now)
            else:
                leg.end_unanswered(found.details, now)

    # What the legs ask.

    def send(self, data: bytes, destination: Address) -> None:
        """Send what belongs to no transaction (an ACK of a 200)."""
        self.layer.outbox.append((data, destination))

    def ack(self, dialog: Dialog, details: dict[str, Any]) -> tuple[bytes, Address]:
        """The ACK of a 200, and where it goes."""
        hop = dialog.next_hop(self.locate)
        return self.composer.request(**details, transport=hop.transport.upper()), hop

    def request_in(
        self,
        dialog: Dialog,
        method: str,
        owner: Owner,
        now: float,
        *,
        extra: Sequence[tuple[str, str]] = (),
    ) -> Transaction:
        """Send a request in a dialog."""
        contact = "" if method == "BYE" else self.composer.contact(dialog.user)
        branch = self.composer.gen_branch()
        details = dialog.details(method, branch, contact=contact, extra=extra)
        return self.layer.start(details, dialog.next_hop(self.locate), owner, now)

    def cancel(self, invite: Transaction, owner: Owner, now: float) -> None:
        """Send the CANCEL of an INVITE (RFC 3261 section 9.1)."""
        kept = ("uri", "branch", "sender", "recipient", "call_id", "cseq", "routes")
        details = {name: invite.details[name] for name in kept if name in invite.details}
        self.layer.start({**details, "method": "CANCEL"}, invite.destination, owner, now)

    def forget(self, leg: Leg) -> None:
        """A leg is over."""
        if self.legs.get(leg.call_id) is leg:
            del self.legs[leg.call_id]
        self._unacknowledged.pop(leg.call_id, None)

    # Responses.

    def _receive_response(self, message: Message, source: Address, now: float) -> None:
        if warning := self._nat.look(message):
            self.counts["nat"] += 1
            _log.warning("%s", warning)
        if self.layer.receive_response(message, now):
            return
        if message.cseq_method != "INVITE" or message.status_code // 100 != 2:
            return
        leg = self.legs.get(message.call_id)
        if leg is not None and leg.local_tag == message.from_tag:
            leg.invite_response(None, message, now)
        else:
            self._hang_up_stray(message, source, now)

    def _hang_up_stray(self, message: Message, source: Address, now: float) -> None:
        """An answer to an INVITE that we have forgotten: ACK and BYE from what it says itself."""
        if message.via.host.strip("[]") != self.composer.host or not message.to_tag:
            return
        key = (message.call_id, message.to_tag)
        if key in self._strays:
            self.send(*self._strays[key])
            return
        if len(self._strays) >= MAX_STRAYS:
            return
        self.counts["stray_answers"] += 1
        dialog = Dialog.opened_by(message, source, message.recipient.uri)
        ack = dialog.details("ACK", self.composer.gen_branch(), cseq=message.cseq)
        self._strays[key] = self.ack(dialog, ack)
        self.after(2 * TIMEOUT_S, lambda _: self._forget_stray(key), now)
        self.send(*self._strays[key])
        self.request_in(dialog, "BYE", self.nobody, now)

    def _forget_stray(self, key: tuple[str, str]) -> None:
        self._strays.pop(key, None)

    # Requests.

    def _receive_request(self, message: Message, source: Address, now: float) -> None:
        answer_vias(message, source.host, source.port)
        leg = self.legs.get(message.call_id)
        if leg is not None and not leg.owns(message):
            leg = None
        owner = _AwaitsAck(leg) if leg is not None else self.nobody
        transaction = self.layer.receive_request(message, source, owner, now)
        if transaction is None:
            return
        if message.method == "ACK":
            if leg is not None:
                self._acknowledged(leg, message, now)
            return
        leg, reply = self._reply(leg, message, transaction, source, now)
        in_dialog = leg.local_tag if leg is not None else self.composer.gen_tag()
        wants_contact = reply.code == 200 and message.method in ("INVITE", "UPDATE", "OPTIONS")
        user = leg.plan.user if leg is not None else ""
        data = self.composer.response(
            message,
            reply.code,
            reason=reply.reason,
            to_tag=in_dialog,
            contact=self.composer.contact(user, source.transport) if wants_contact else "",
            extra=reply.extra,
            body=reply.body,
        )
        self.layer.respond(transaction, reply.code, data, now)
        if leg is not None and message.method == "BYE" and is_main(leg, message):
            leg.bye(message)

    def _reply(
        self,
        leg: Leg | None,
        message: Message,
        transaction: Transaction,
        source: Address,
        now: float,
    ) -> tuple[Leg | None, Reply]:
        """What a request is answered with, and the leg that it belongs to or opens."""
        if message.method == "CANCEL":
            # We answer every INVITE at once, so what a CANCEL means has its answer already.
            return leg, Reply(200 if self.layer.find_server(message, "INVITE") else 481)
        if message.method != "INVITE":
            if leg is None:
                self.counts["unknown"] += 1
            return leg, reply_to(leg, message)
        if leg is not None and leg.call_id in self._unacknowledged:
            return leg, Reply(500, b"", (("Retry-After", "2"),))
        if leg is None and self.incoming is not None and self._comes_in(message):
            leg, reply = self.incoming.take(message, source, now)
            if leg is not None:
                self.legs[leg.call_id] = leg
                transaction.owner = _AwaitsAck(leg)
        else:
            if leg is None:
                self.counts["unknown"] += 1
            reply = reply_to(leg, message)
        if leg is not None and reply.code == 200:
            transaction.details["cseq"] = message.cseq
            self._unacknowledged[leg.call_id] = transaction
        return leg, reply

    def _comes_in(self, message: Message) -> bool:
        if message.to_tag:
            return False
        # One that a proxy forked on its way to us is refused as any other stranger's.
        return message.call_id not in self.legs and not message.tokens("Require") - EXTENSIONS

    def _acknowledged(self, leg: Leg, message: Message, now: float) -> None:
        transaction = self._unacknowledged.get(leg.call_id)
        if transaction is not None and transaction.details["cseq"] == message.cseq:
            del self._unacknowledged[leg.call_id]
            self.layer.accept_ack(transaction, now)
            leg.acknowledged(message)
