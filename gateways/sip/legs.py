"""One leg: a call that we place, from its INVITE to its end.

The rule of this module: a leg's state changes along a row of LEG, and its owner hears of its end
exactly once, whatever the other side does. Source: RFC 3261 sections 9 (CANCEL), 13 (INVITE), 15
(BYE) and 22 (challenges), RFC 3262 (PRACK).
"""

from typing import TYPE_CHECKING, Any

from dialer.errors import MediaError, TrunkError
from dialer.events import EndCause
from gateways.sip.dialogs import Dialog
from gateways.sip.digest import answer, challenges_of
from gateways.sip.leg_plan import LEG, LegOwner, LegPlan, cause_of
from gateways.sip.messages import Message
from gateways.sip.sessions import Reply, Session
from gateways.sip.transaction_tables import TIMEOUT_S
from gateways.sip.transactions import Address, Transaction

if TYPE_CHECKING:
    from gateways.sip.user_agent import UserAgent

MAX_CHALLENGES = 3


class Leg:
    """One leg of a user agent. All methods are called with the agent's own `now`."""

    def __init__(self, agent: "UserAgent", plan: LegPlan, owner: LegOwner, call_id: str) -> None:
        self.plan = plan
        self.call_id = call_id
        self.state = LEG.initial
        self.local_tag = agent.composer.gen_tag()
        self.dialog: Dialog | None = None
        self.session: Session | None = None
        self._agent = agent
        self._owner = owner
        self._invite: Transaction | None = None
        self._cseq = 0
        self._proofs: list[tuple[str, str]] = []
        self._nonces: dict[str, int] = {}
        self._challenged = 0
        self._acks: dict[str, tuple[bytes, Address]] = {}
        self._early_sdp: dict[str, bytes] = {}
        self._rang = self._early = self._told = self._hang_up_on_answer = False
        self._incoming = False
        self._pracked: set[tuple[str, str]] = set()

    @property
    def is_live(self) -> bool:
        """Whether the call is answered and stands."""
        return self.state == "live"

    # What the owner asks.

    def dial(self, now: float) -> None:
        """Send the INVITE."""
        try:
            self.session = Session(self._agent.media, self.plan.media_leg, self.plan.codecs)
            self._send_invite(now)
        except (MediaError, TrunkError) as error:
            kind = "no audio" if isinstance(error, MediaError) else "no INVITE"
            self._step("silence")
            self._tell_ended(EndCause("trunk", 0, 0, f"{kind}: {error}"))

    def cancel(self, now: float) -> None:
        """Stop ringing; a call that is answered, or ends already, stays as it is."""
        if self.state in ("calling", "proceeding"):
            self._step("cancel")
            if self.state == "cancelling":
                self._send_cancel(now)

    def hang_up(self, now: float) -> None:
        """End it, answered or not."""
        if self.state == "live":
            self._say_bye(now, "hang_up", EndCause("near", 200))
        else:
            self._hang_up_on_answer = True
            if self.session is not None:
                # Nobody will speak here, and its name may be wanted for the next call.
                self.session.close()
            self.cancel(now)

    def fail(self, reason: str, now: float) -> None:
        """End a live call because our side cannot carry it on."""
        if self.state == "live":
            self._say_bye(now, "hang_up", EndCause("trunk", 200, 0, reason))

    def take(self, dialog: Dialog, invite: Message) -> Reply:
        """Answer a call that comes in; its owner hears of it with the ACK.

        MediaError when no audio port is free.
        """
        self.session = Session(self._agent.media, self.plan.media_leg, self.plan.codecs)
        reply = self.session.re_invite(invite)
        if reply.code == 200:
            self.dialog, self.local_tag, self.state = dialog, dialog.local_tag, "live"
            self._incoming = True
        else:
            self.session.close()
        return reply

    def acknowledged(self, message: Message) -> None:
        """The ACK of our 200."""
        if self.session is not None:
            self.session.acknowledged(message)
        if self._incoming and self.state == "live":
            self._incoming = False
            self._owner.leg_answered()

    def key_pressed(self, key: str) -> None:
        """An INFO told of a key."""
        self._owner.leg_key(key)

    # What the transactions tell.

    def response(self, transaction: Transaction, message: Message, now: float) -> None:
        """A response to one of our requests."""
        if transaction.method == "INVITE":
            self._owner.leg_response(message.status_class)
            self.invite_response(transaction, message, now)
        elif transaction.method == "BYE" and message.status_code >= 200:
            if message.status_code not in (401, 407) or not self._again(transaction, message, now):
                self._step("bye_done")
        elif transaction.method == "OPTIONS" and message.status_code in (408, 481):
            self._lost(f"{message.status_code} to our OPTIONS", now, gone=True)

    def timeout(self, transaction: Transaction, now: float) -> None:
        """Nobody answered for 32 s."""
        if transaction.method == "INVITE":
            self._owner.leg_response("timeout")
            self._silent(EndCause("trunk", 408, 0, f"no answer to INVITE in {TIMEOUT_S:g} s"))
        elif transaction.method == "BYE":
            self._step("bye_done")
        elif transaction.method == "OPTIONS":
            self._lost("no answer to OPTIONS", now)

    def failed(self, transaction: Transaction, reason: str, now: float) -> None:
        """The transport could not deliver."""
        if transaction.method == "INVITE":
            self._silent(EndCause("trunk", 0, 0, reason))
        elif transaction.method == "BYE":
            self._step("bye_done")
        elif transaction.method == "OPTIONS":
            self._lost(reason, now)

    def invite_response(
        self, transaction: Transaction | None, message: Message, now: float
    ) -> None:
        """A response to the INVITE; transaction is None where it is over already."""
        code = message.status_code
        if 200 <= code < 300:
            self._answered(message, now)
        elif transaction is not self._invite or self.state in ("live", "closing", "ended"):
            return
        elif code < 200:
            self._provisional(message, now)
        elif code in (401, 407) and self._challenge(message):
            self._step("challenge")
            self._send_invite(now)
        else:
            # A challenge that comes after our cancel is as good as a 487.
            near = code in (401, 407, 487) and self.state in ("cancelling", "cancel_held")
            cause = cause_of(message, "near" if near else "far")
            self._step("refusal")
            self._tell_ended(cause)

    def bye(self, message: Message) -> None:
        """The other side hung up; it has been answered already."""
        if self.state in ("live", "closing"):
            self._step("bye")
            self._tell_ended(cause_of(message, "far")._replace(sip_status=200))

    def owns(self, message: Message) -> bool:
        """Whether a request of the other side belongs to this call, a fork of it included."""
        if message.to_tag != self.local_tag:
            return False
        if self.dialog is not None and message.from_tag == self.dialog.remote_tag:
            return True
        return message.from_tag in self._acks or (
            self.dialog is None and message.from_tag in self._early_sdp
        )

    # Setting up.

    def _send_invite(self, now: float) -> None:
        assert self.session is not None
        plan = self.plan
        self._cseq += 1
        details = {
            "method": "INVITE",
            "uri": plan.uri,
            "branch": self._agent.composer.gen_branch(),
            "sender": f"{plan.sender};tag={self.local_tag}",
            "recipient": plan.recipient,
            "call_id": self.call_id,
            "cseq": self._cseq,
            "routes": list(plan.routes),
            "contact": self._agent.composer.contact(plan.user),
            "extra": [*self._proofs, *plan.extra],
            "body": self.session.offer(),
        }
        # Written down before it leaves: what a crash hides may have been sent, never the reverse.
        self._agent.log.invite(plan, details)
        self._invite = self._agent.layer.start(details, plan.destination, self, now)

    def _challenge(self, message: Message) -> bool:
        """Prepare the answers to a challenge; False when there is none to give."""
        if self.plan.credentials is None or self.state not in ("calling", "proceeding"):
            return False
        challenges = challenges_of(message)
        known = [c for c in challenges if c.nonce in self._nonces and not c.stale]
        self._challenged += 1
        if not challenges or known or self._challenged > MAX_CHALLENGES:
            return False
        self._proofs = [
            *[proof for proof in self._proofs if proof[0] not in {c[0] for c in challenges}],
            *self._prove(challenges, "INVITE", self.plan.uri),
        ]
        return True

    def _prove(self, challenges: list[Any], method: str, uri: str) -> list[tuple[str, str]]:
        assert self.plan.credentials is not None
        proofs = []
        for challenge in challenges:
            count = self._nonces[challenge.nonce] = self._nonces.get(challenge.nonce, 0) + 1
            proofs.append(answer(challenge, self.plan.credentials, method, uri, nonce_count=count))
        return proofs

    def _provisional(self, message: Message, now: float) -> None:
        self._step("provisional")
        if self.state == "cancelling":
            self._send_cancel(now)
            return
        if message.to_tag:
            self._early_sdp.setdefault(message.to_tag, b"")
            self._prack(message, now)
        if message.status_code == 180 and not self._rang:
            self._rang = True
            self._owner.leg_ringing()
        if message.has_sdp and message.status_code > 100 and self.session is not None:
            self._early_sdp[message.to_tag] = message.content
            heard = self.session.take_answer(message.content) and _may_be_heard(message)
            if heard and not self._early:
                self._early = True
                self._owner.leg_early_media()

    def _prack(self, message: Message, now: float) -> None:
        """Some carriers send reliable provisionals to callers who never asked for them."""
        number = message.first("RSeq").strip()
        if "100rel" not in message.tokens("Require") or not number.isdigit():
            return
        if (message.to_tag, number) in self._pracked:
            return
        self._pracked.add((message.to_tag, number))
        early = self._open_dialog(message)
        self._cseq = early.local_cseq = max(self._cseq, early.local_cseq)
        rack = ("RAck", f"{number} {message.cseq} INVITE")
        self._agent.request_in(early, "PRACK", self, now, extra=(rack,))
        self._cseq = early.local_cseq

    def _send_cancel(self, now: float) -> None:
        if self._invite is None or "cancelled" in self._invite.details:
            return
        self._invite.details["cancelled"] = True
        self._agent.cancel(self._invite, self, now)
        self._agent.after(TIMEOUT_S, self._cancel_unanswered, now)

    def _cancel_unanswered(self, now: float) -> None:
        if self.state == "cancelling" and self._invite is not None:
            self._agent.layer.give_up(self._invite, now)
            self._silent(EndCause("near", 0, 0, "no final response after CANCEL"))

    # Answers.

    def _answered(self, message: Message, now: float) -> None:
        tag = message.to_tag
        if tag in self._acks:
            # The ACK was lost, or a proxy repeats: the same again (section 13.2.2.4).
            self._agent.send(*self._acks[tag])
            return
        dialog = self._open_dialog(message)
        if self.dialog is not None or self.state in ("closing", "ended"):
            # A fork that answered too, or an answer for a call that is over.
            self._acknowledge(dialog, message.cseq)
            if self.dialog is None or self.dialog.remote_tag != tag:
                self._agent.request_in(dialog, "BYE", self._agent.nobody, now)
            return
        self.dialog = dialog
        self._agent.log.answer(self.call_id, dialog)
        self._acknowledge(dialog, message.cseq)
        body = message.content if message.has_sdp else self._early_sdp.get(tag, b"")
        heard = self.session is not None and self.session.take_answer(body)
        if not (heard or self._hang_up_on_answer):
            self._say_bye(
                now, "unusable_answer", EndCause("trunk", 488, 0, "no codec that we speak")
            )
            return
        self._step("answer")
        if self.plan.probe_s:
            self._agent.after(self.plan.probe_s, self._probe, now)
        self._owner.leg_answered()
        if self._hang_up_on_answer:
            self.hang_up(now)

    def _open_dialog(self, message: Message) -> Dialog:
        source = self._agent.source or self.plan.destination
        dialog = Dialog.opened_by(message, source, self.plan.uri, self.plan.user)
        dialog.credentials = list(self._proofs)
        dialog.local_cseq = max(dialog.local_cseq, self._cseq)
        return dialog

    def _acknowledge(self, dialog: Dialog, cseq: int) -> None:
        composer = self._agent.composer
        branch = composer.gen_branch()
        details = dialog.details("ACK", branch, cseq=cseq, extra=dialog.credentials)
        self._acks[dialog.remote_tag] = self._agent.ack(dialog, details)
        self._agent.send(*self._acks[dialog.remote_tag])

    # Ending.

    def _say_bye(self, now: float, event: str, cause: EndCause) -> None:
        assert self.dialog is not None
        self._step(event)
        try:
            self._agent.request_in(self.dialog, "BYE", self, now)
        finally:
            self._tell_ended(cause)

    def _again(self, transaction: Transaction, message: Message, now: float) -> bool:
        """Repeat a challenged BYE with credentials; False when there are none to give."""
        challenges = challenges_of(message)
        self._challenged += 1
        if not (self.dialog and self.plan.credentials and challenges):
            return False
        if self._challenged > 2 * MAX_CHALLENGES:
            return False
        proofs = self._prove(challenges, transaction.method, transaction.details["uri"])
        self._agent.request_in(self.dialog, transaction.method, self, now, extra=proofs)
        return True

    def _silent(self, cause: EndCause) -> None:
        if self.state in ("calling", "proceeding", "cancel_held", "cancelling"):
            self._step("silence")
            self._tell_ended(cause)

    def _probe(self, now: float) -> None:
        if self.state == "live" and self.dialog is not None:
            self._agent.request_in(self.dialog, "OPTIONS", self, now)
            self._agent.after(self.plan.probe_s, self._probe, now)

    def _lost(self, reason: str, now: float, *, gone: bool = False) -> None:
        """The other side is dead (a BYE is tried), or has forgotten the call (gone)."""
        cause = EndCause("far", 408, 0, reason)
        if self.state == "live" and gone:
            self._step("silence")
            self._tell_ended(cause)
        elif self.state == "live":
            self._say_bye(now, "hang_up", cause)

    # After a restart.

    def end_established(self, dialog: Dialog, now: float) -> None:
        """Hang up a call that stood when the dialer died."""
        self.dialog, self.local_tag, self.state = dialog, dialog.local_tag, "live"
        self.hang_up(now)

    def end_unanswered(self, details: dict[str, Any], now: float) -> None:
        """Cancel a call that rang when the dialer died; hang up should it answer first."""
        layer = self._agent.layer
        self.local_tag = details["sender"].rpartition("tag=")[2]
        self._cseq, self.state, self._hang_up_on_answer = details["cseq"], "cancelling", True
        self._invite = layer.resume(details, self.plan.destination, self, now, "proceeding")
        self._send_cancel(now)

    def _step(self, event: str) -> None:
        target = LEG.get(self.state, event)
        if target is None:
            return
        self.state = target
        if target in LEG.final:
            self._invite = None  # which knows the leg as its owner: no circle for the collector
            self._agent.log.end(self.call_id)
            self._agent.forget(self)

    def _tell_ended(self, cause: EndCause) -> None:
        if self._told:
            return
        self._told = True
        try:
            if self.session is not None:
                self.session.close()
        finally:
            # Whatever the relay does, the owner hears of the end.
            self._owner.leg_ended(cause)


def _may_be_heard(message: Message) -> bool:
    """Whether the network vouches for audio before the answer (RFC 5009; no word is a yes)."""
    words = [word.partition(";")[0].strip() for word in message.tokens("P-Early-Media")]
    ways = {"sendrecv", "sendonly", "recvonly", "inactive"} & set(words)
    return not ways or bool(ways & {"sendrecv", "sendonly"})
