"""One attempt, from its dial to its settlement.

The rule of this module: an attempt that was committed is settled, once, whatever happens; and the
Call lives until the pool has acknowledged its end, so that an agent can never be assigned to a
call that is gone.
"""

from typing import ClassVar

from actors.after_call import next_of
from actors.agent_claim import AgentClaim
from actors.agent_messages import (
    AgentAssigned,
    AgentHangsUp,
    AgentLost,
    OverAcknowledged,
    PoolStarted,
)
from actors.call_home import CallHome
from actors.messages import CancelCall, GiveUpCall, PatienceOver, ReadyAttempt, RingTimeout
from actors.runtime import Behaviour, Timer, handles
from actors.trunk_lines import TrunkLine
from dialer.calls import CALL, UNANSWERED
from dialer.events import Answered, Bridged, CpaVerdict, EarlyMedia, EndCause, Ended, Ringing
from dialer.flow.graph import Flow
from dialer.flow.interpreter import call_step
from dialer.flow.nodes import RouteToAgent
from dialer.journal import CallMoved
from dialer.outcomes import OUTCOMES, outcome_of_refusal
from dialer.ports import DialRequest, Settlement
from dialer.trunks.faults import another_may_try

_PATIENCE_OVER = PatienceOver()
_RING_TIMEOUT = RingTimeout()
_A_MOMENT_S = 0.001
_ON = CALL.on
_SETTLED = CALL.through("ended", "settle")

_NOT_HUMAN = frozenset({"answering_machine", "fax", "network_tone"})
"""Verdicts under which nobody is there to be left waiting; "not_sure" is not one of them."""


class Call(Behaviour):
    """Dials, judges, routes and settles one attempt.

    line: of the trunk on which it has taken a channel. tells_steps: its campaign hears of each
    step.
    """

    lane: ClassVar[str] = "pool"

    # Of those that only few calls need.
    _recalled = False
    _tried: tuple[str, ...] = ()

    def __init__(
        self,
        attempt: ReadyAttempt,
        flow: Flow,
        line: TrunkLine,
        home: CallHome,
        tells_steps: bool = False,
    ) -> None:
        # All that most calls need is set here, and at most 30 attributes: CPython keeps what is
        # set later, or beyond, in a slower place.
        self._attempt = attempt
        self._attempt_id = attempt.attempt_id
        self._contact_id = attempt.contact.contact_id
        self._flow = flow
        self._dial = flow.dials[attempt.dial_id]
        self._home = home
        self._line = line
        self._trunk = home.trunks[line.name]
        self._tells_steps = tells_steps
        self._state = CALL.initial
        self._dialed_at = self._placed_at = 0.0
        self._alerted_at = self._ringing_at = self._answered_at = 0.0
        self._outcome = ""
        self._timer: Timer | None = None
        self._claim: AgentClaim | None = None

    # --- dialing ------------------------------------------------------------------------------

    def on_start(self) -> None:
        home = self._home
        now = self._dialed_at = self.runtime.now()
        # The campaign has counted it as dialing since it gave birth to it.
        state = self._state = _ON["dial"][self._state]
        # Here and below, a tell by way of the attribute would look it up in the class first.
        tell = home.recorder.tell
        tell(CallMoved(self._attempt_id, self._contact_id, home.campaign_id, now, state))
        self._place(now)

    def _place(self, now: float) -> None:
        self._placed_at = now
        ref, attempt = self.ref, self._attempt
        self._timer = self.runtime.after(self._dial.ring_timeout_s, ref, _RING_TIMEOUT)
        self._trunk.dial(DialRequest(self._attempt_id, attempt.number, attempt.caller.number), ref)

    def _heard(self, at: float) -> None:
        """The far end shows the first sign of life."""
        self._alerted_at = at
        self._line.heard(self._attempt_id, at)

    @handles(Ringing)
    def _on_ringing(self, event: Ringing) -> None:
        at = event.at
        if not self._alerted_at:
            self._heard(at)
        if self._state != "dialing":
            return  # a second 180, or one that crossed our CANCEL
        self._ringing_at = at
        self._move("ringing", at)

    @handles(EarlyMedia)
    def _on_early_media(self, event: EarlyMedia) -> None:
        """Audio before the answer. Its tones are the analyser's business, not a state."""
        if not self._alerted_at:
            self._heard(event.at)

    @handles(RingTimeout)
    def _on_ring_timeout(self, _: RingTimeout) -> None:
        # The law counts rings, so the time-out runs from the first one, not from the INVITE.
        began = self._ringing_at or self._placed_at
        left_s = began + self._dial.ring_timeout_s - self.runtime.now()
        if left_s > _A_MOMENT_S:
            self._timer = self.runtime.after(left_s, self.ref, _RING_TIMEOUT)
        else:
            self._cancel("no_user_response")

    @handles(CancelCall)
    def _on_cancel(self, _: CancelCall) -> None:
        if self._state in UNANSWERED:
            self._recalled = True
            self._cancel("cancelled")

    @handles(GiveUpCall)
    def _on_give_up(self, _: GiveUpCall) -> None:
        """The law's word on how long a call rings is kept here, whatever a pacer wants."""
        rang_s = self.runtime.now() - self._ringing_at
        if self._state == "ringing" and rang_s >= self._home.least_ring_s:
            self._recalled = True
            self._cancel("given_up")

    def _cancel(self, outcome: str) -> None:
        if self._state in ("dialing", "ringing"):
            self._outcome = outcome
            self._move("cancel", self.runtime.now())
            self._stop_timer()
            self._trunk.cancel(self._attempt_id)

    # --- a live call --------------------------------------------------------------------------

    @handles(Answered)
    def _on_answered(self, event: Answered) -> None:
        if self._state not in UNANSWERED:
            return
        at = event.at
        self._stop_timer()
        if not self._alerted_at:
            self._heard(at)
        self._outcome = ""
        self._answered_at = at
        self._move("answered", at)
        verdict = event.verdict if self._trunk.judges else "human"
        if verdict:
            self._decide(verdict)

    @handles(CpaVerdict)
    def _on_verdict(self, event: CpaVerdict) -> None:
        if self._state == "answered":
            self._decide(event.verdict)

    def _decide(self, verdict: str) -> None:
        now = self.runtime.now()
        human = verdict not in _NOT_HUMAN
        node = call_step(self._flow, self._dial.id, human=human)
        if type(node) is RouteToAgent:
            self._wait_for_agent(node, now)
        else:
            self._hang_up(verdict if not human and verdict in OUTCOMES else "ended_by_flow", now)

    def _wait_for_agent(self, node: RouteToAgent, now: float) -> None:
        home = self._home
        claim = AgentClaim(node, home.campaign_id, self._attempt, self.ref, home.pool)
        self._claim = claim
        self._move("route", now)
        claim.make()
        left_s = node.patience_s - (now - self._answered_at)
        self._timer = self.runtime.after(max(0.0, left_s), self.ref, _PATIENCE_OVER)

    @handles(AgentAssigned)
    def _on_assigned(self, message: AgentAssigned) -> None:
        if self._state != "waiting" or self._claim is None:
            return  # it is over already: our CallOver gives the agent back
        self._stop_timer()
        agent_id = self._claim.agent_id = message.agent_id
        self._move("connect", self.runtime.now(), agent_id)
        self._trunk.bridge(self._attempt_id, agent_id)

    @handles(Bridged)
    def _on_bridged(self, event: Bridged) -> None:
        if self._state == "bridged" and self._claim is not None:
            self._claim.bridged_at = event.at

    @handles(PoolStarted)
    def _on_pool_started(self, _: PoolStarted) -> None:
        if self._claim is not None:
            self._claim.tell_again(waiting=self._state == "waiting")

    @handles(PatienceOver)
    def _on_patience_over(self, _: PatienceOver) -> None:
        claim = self._claim
        if self._state != "waiting" or claim is None:
            return
        self._outcome = "abandoned"
        self._move("abandon", self.runtime.now())
        claim.let_go()
        message = claim.route.abandon_message
        if message:
            self._trunk.play(self._attempt_id, message, True)
        else:
            self._trunk.hang_up(self._attempt_id)

    @handles(AgentHangsUp)
    def _on_agent_hangs_up(self, _: AgentHangsUp) -> None:
        if self._state == "bridged":
            self._hang_up("", self.runtime.now())

    @handles(AgentLost)
    def _on_agent_lost(self, _: AgentLost) -> None:
        if self._state == "bridged" and self._claim is not None:
            talked = self._claim.bridged_at > 0
            self._hang_up("" if talked else "agent_unavailable", self.runtime.now())

    def _hang_up(self, outcome: str, now: float) -> None:
        self._outcome = outcome
        self._move("hang_up", now)
        self._trunk.hang_up(self._attempt_id)

    # --- the end ------------------------------------------------------------------------------

    @handles(Ended)
    def _on_ended(self, event: Ended) -> None:
        if self._state == "settled":
            return
        cause, at = event.cause, event.at
        self._stop_timer()
        outcome = self._leave_line(cause, at)
        # Where the phone rang no other trunk may try.
        if not self._alerted_at and self._fails_over(cause, at):
            return
        self._settle(outcome, cause, at)
        claim = self._claim
        if claim is None or claim.acknowledged:
            self.ref.stop()
        else:
            claim.let_go()

    def _leave_line(self, cause: EndCause, at: float) -> str:
        """Give the channel back, and let the trunk be judged by what it did; the outcome."""
        outcome, answered_at = self._outcome, self._answered_at
        if not outcome:
            outcome = self._judge(cause) if answered_at else outcome_of_refusal(cause)
        self._line.ended(
            self._attempt_id,
            self._attempt.caller.name,
            cause,
            outcome,
            self._placed_at,
            self._alerted_at,
            answered_at,
            at,
        )
        return outcome

    def _judge(self, cause: EndCause) -> str:
        """The outcome of a call that was answered, and that nothing of ours has judged."""
        claim = self._claim
        if claim is not None and claim.bridged_at:
            return "customer_answered"
        if claim is not None and claim.agent_id and cause.by != "far":
            return "agent_unavailable"
        # Gone before anybody had judged the call: when in doubt it was a person.
        return "hung_up_waiting"

    def _fails_over(self, cause: EndCause, at: float) -> bool:
        """Go on through the next trunk where this one is at fault: the same attempt."""
        if self._state not in ("dialing", "cancelling"):
            return False
        if not another_may_try(cause, rang=self._alerted_at > 0, ours=self._recalled):
            return False
        caller = self._attempt.caller
        tried = self._tried = (*self._tried, self._line.name)
        others = tuple([name for name in caller.trunks if name not in tried])
        line, _ = self._home.lines.take(others, self._attempt_id, caller.name)
        if line is None:
            return False
        self._line, self._trunk = line, self._home.trunks[line.name]
        self._outcome = ""
        self._move("fail_over", at, line.name)
        self._place(self.runtime.now())
        return True

    def _settle(self, outcome: str, cause: EndCause, at: float) -> None:
        home, attempt, claim = self._home, self._attempt, self._claim
        attempt_id, contact_id = self._attempt_id, self._contact_id
        campaign_id, answered_at = home.campaign_id, self._answered_at
        route_id, agent_id, bridged_at = "", "", 0.0
        if claim is not None:
            route_id, agent_id, bridged_at = claim.route.id, claim.agent_id, claim.bridged_at
        what_next = next_of(
            self._flow,
            self._dial,
            route_id,
            attempt.contact,
            attempt.number,
            outcome,
            cause,
            answered_at,
            at,
        )
        settlement = Settlement(
            attempt_id,
            contact_id,
            campaign_id,
            outcome,
            what_next,
            self._dialed_at,
            self._ringing_at,
            answered_at,
            bridged_at,
            at,
            agent_id,
            cause.sip_status,
            cause.q850,
            cause.text,
            self._line.name,
        )
        home.store.settle(settlement)
        tell = home.campaign.tell
        tell(settlement)
        state = self._state = _SETTLED[self._state]
        del home.states[attempt_id]
        tell = home.recorder.tell
        tell(CallMoved(attempt_id, contact_id, campaign_id, at, state, outcome))

    @handles(OverAcknowledged)
    def _on_acknowledged(self, _: OverAcknowledged) -> None:
        if self._claim is not None:
            self._claim.acknowledged = True
        if self._state == "settled":
            self.ref.stop()

    def post_mortem(self, error: BaseException) -> None:
        self._trunk.hang_up(self._attempt_id)
        if self._claim is not None:
            self._claim.let_go()
        if self._state != "settled":
            at = self.runtime.now()
            cause = EndCause("near", text=f"the call's actor failed: {error!r}"[:200])
            self._leave_line(cause, at)
            self._settle("interrupted", cause, at)

    # --- helpers ------------------------------------------------------------------------------

    def _move(self, event: str, at: float, detail: str = "") -> None:
        """detail: see `journal.CallMoved`."""
        home, attempt_id = self._home, self._attempt_id
        state = self._state = home.states[attempt_id] = _ON[event][self._state]
        step = CallMoved(attempt_id, self._contact_id, home.campaign_id, at, state, detail)
        tell = home.recorder.tell
        tell(step)
        if self._tells_steps:
            home.campaign.tell(step)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
