"""One attempt, from its dial to its settlement.

The rule of this module: an attempt that was committed is settled, once, whatever happens; and the
Call lives until the pool has acknowledged its end, so that an agent can never be assigned to a
call that is gone.
"""

from typing import ClassVar

from actors.after_call import next_of
from actors.agent_messages import (
    AgentAssigned,
    AgentHangsUp,
    AgentLost,
    CallOver,
    ClaimAgent,
    OverAcknowledged,
    PoolStarted,
)
from actors.call_counts import CallCounts
from actors.messages import CancelCall, GiveUpCall, PatienceOver, ReadyAttempt, RingTimeout
from actors.runtime import Behaviour, Timer, handles
from actors.services import Services
from dialer import journal
from dialer.calls import CALL, UNANSWERED, ReachedCall
from dialer.compliance.preset import Preset
from dialer.events import Answered, Bridged, CpaVerdict, EarlyMedia, EndCause, Ended, Ringing
from dialer.flow.graph import Flow
from dialer.flow.interpreter import call_step
from dialer.flow.nodes import Dial, RouteToAgent
from dialer.message import Message
from dialer.outcomes import OUTCOMES, outcome_of_refusal
from dialer.ports import DialRequest, Settlement, Sink
from dialer.trunks.faults import another_may_try

_NO_CAUSE = EndCause("")
_PATIENCE_OVER = PatienceOver()
_RING_TIMEOUT = RingTimeout()
_A_MOMENT_S = 0.001

_NOT_HUMAN = frozenset({"answering_machine", "fax", "network_tone"})
"""Verdicts under which nobody is there to be left waiting; "not_sure" is not one of them."""


class CallPlan(Message):
    """What a Call is born with.

    trunk: the one on which it has taken a channel. tells_steps: its campaign hears of each step.
    """

    campaign_id: int
    flow: Flow
    preset: Preset
    attempt: ReadyAttempt
    trunk: str
    tells_steps: bool = True


class Call(Behaviour):
    """Dials, judges, routes and settles one attempt."""

    lane: ClassVar[str] = "pool"

    def __init__(
        self, plan: CallPlan, services: Services, campaign: Sink, counts: CallCounts
    ) -> None:
        # At most 30 attributes, or CPython keeps them in a slower place.
        self._plan = plan
        self._attempt_id = plan.attempt.attempt_id
        self._contact_id = plan.attempt.contact.contact_id
        self._services = services
        self._campaign = campaign
        self._counts = counts
        dial = plan.flow.nodes[plan.attempt.dial_id]
        assert type(dial) is Dial
        self._dial = dial
        self._line = plan.trunk
        self._trunk = services.trunks[plan.trunk]
        self._tried: tuple[str, ...] = (plan.trunk,)
        self._placed_at = self._alerted_at = 0.0
        self._recalled = False
        self._route: RouteToAgent | None = None
        self._state = CALL.initial
        self._dialed_at = self._ringing_at = self._answered_at = 0.0
        self._bridged_at = self._ended_at = 0.0
        self._agent_id = ""
        self._claimed = False
        self._let_go = False
        self._acknowledged = False
        self._outcome = ""
        self._cause = _NO_CAUSE
        self._timer: Timer | None = None
        self._rings_until = 0.0

    # --- dialing ------------------------------------------------------------------------------

    def on_start(self) -> None:
        now = self._dialed_at = self.runtime.now()
        # The campaign has counted it as dialing since it gave birth to it.
        self._state = CALL.steps[self._state, "dial"]
        self._record(self._state, now)
        self._place(now)

    def _place(self, now: float) -> None:
        self._placed_at = now
        timeout_s = self._dial.ring_timeout_s
        self._rings_until = now + timeout_s
        self._timer = self.runtime.after(timeout_s, self.ref, _RING_TIMEOUT)
        attempt = self._plan.attempt
        request = DialRequest(attempt.attempt_id, attempt.number, attempt.caller.number)
        self._trunk.dial(request, self.ref)

    def _heard(self, at: float) -> None:
        """The far end shows the first sign of life."""
        self._alerted_at = at
        self._services.lines.heard(self._line, self._attempt_id, at)

    @handles(Ringing)
    def _on_ringing(self, event: Ringing) -> None:
        if not self._alerted_at:
            self._heard(event.at)
        if self._state != "dialing":
            return  # a second 180, or one that crossed our CANCEL
        self._ringing_at = event.at
        self._move("ringing", event.at)
        # The law counts rings, so the time-out runs from the first one, not from the INVITE.
        self._rings_until = event.at + self._dial.ring_timeout_s

    @handles(EarlyMedia)
    def _on_early_media(self, event: EarlyMedia) -> None:
        """Audio before the answer. Its tones are the analyser's business, not a state."""
        if not self._alerted_at:
            self._heard(event.at)

    @handles(RingTimeout)
    def _on_ring_timeout(self, _: RingTimeout) -> None:
        left_s = self._rings_until - self.runtime.now()
        if left_s > _A_MOMENT_S:
            # The first ring was heard since this was set.
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
        if self._state == "ringing" and rang_s >= self._plan.preset.least_ring_s:
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
        self._stop_timer()
        if not self._alerted_at:
            self._heard(event.at)
        self._outcome = ""
        self._answered_at = event.at
        self._move("answered", event.at)
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
        node = call_step(self._plan.flow, self._dial.id, human=human)
        if type(node) is RouteToAgent:
            self._wait_for_agent(node, now)
        else:
            self._hang_up(verdict if not human and verdict in OUTCOMES else "ended_by_flow", now)

    def _wait_for_agent(self, node: RouteToAgent, now: float) -> None:
        self._route = node
        self._claimed = True
        self._move("route", now)
        self._claim(node)
        left_s = node.patience_s - (now - self._answered_at)
        self._timer = self.runtime.after(max(0.0, left_s), self.ref, _PATIENCE_OVER)

    def _claim(self, node: RouteToAgent) -> None:
        plan = self._plan
        self._services.pool.tell(
            ClaimAgent(self._attempt_id, plan.campaign_id, node.queue, self.ref, plan.attempt)
        )

    @handles(AgentAssigned)
    def _on_assigned(self, message: AgentAssigned) -> None:
        if self._state != "waiting":
            return  # it is over already: our CallOver gives the agent back
        self._stop_timer()
        self._agent_id = message.agent_id
        self._move("connect", self.runtime.now(), message.agent_id)
        self._trunk.bridge(self._attempt_id, message.agent_id)

    @handles(Bridged)
    def _on_bridged(self, event: Bridged) -> None:
        if self._state == "bridged":
            self._bridged_at = event.at

    @handles(PoolStarted)
    def _on_pool_started(self, _: PoolStarted) -> None:
        """Tell the new pool what the former may not have heard."""
        if self._let_go and not self._acknowledged:
            self._let_go = False
            self._release_agent()
        elif self._state == "waiting" and self._route is not None:
            self._claim(self._route)

    @handles(PatienceOver)
    def _on_patience_over(self, _: PatienceOver) -> None:
        if self._state != "waiting":
            return
        self._outcome = "abandoned"
        self._move("abandon", self.runtime.now())
        self._release_agent()
        message = self._route.abandon_message if self._route else ""
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
        if self._state == "bridged":
            self._hang_up("" if self._bridged_at else "agent_unavailable", self.runtime.now())

    def _hang_up(self, outcome: str, now: float) -> None:
        self._outcome = outcome
        self._move("hang_up", now)
        self._trunk.hang_up(self._attempt_id)

    # --- the end ------------------------------------------------------------------------------

    @handles(Ended)
    def _on_ended(self, event: Ended) -> None:
        if self._ended_at:
            return
        self._stop_timer()
        self._leave_line(event.cause, event.at)
        if len(self._plan.attempt.caller.trunks) > 1 and self._fails_over(event.cause, event.at):
            return
        self._ended_at = event.at
        self._cause = event.cause
        self._settle(self._outcome or self._judge())
        if self._claimed and not self._acknowledged:
            self._release_agent()
        else:
            self.ref.stop()

    def _leave_line(self, cause: EndCause, at: float) -> None:
        """Give the channel back, and let the trunk be judged by what it did."""
        outcome = self._outcome or outcome_of_refusal(cause)
        times = (self._placed_at, self._alerted_at, self._answered_at, at)
        call = ReachedCall(self._plan.attempt.caller.name, *times, outcome)
        self._services.lines.ended(self._line, self._attempt_id, cause, call, at)

    def _fails_over(self, cause: EndCause, at: float) -> bool:
        """Go on through the next trunk where this one is at fault: the same attempt."""
        attempt = self._plan.attempt
        if self._state not in ("dialing", "cancelling"):
            return False
        if not another_may_try(cause, rang=self._alerted_at > 0, ours=self._recalled):
            return False
        others = tuple(name for name in attempt.caller.trunks if name not in self._tried)
        trunk, _ = self._services.lines.take(others, self._attempt_id, attempt.caller.name)
        if not trunk:
            return False
        self._line, self._trunk = trunk, self._services.trunks[trunk]
        self._tried = (*self._tried, trunk)
        self._outcome = ""
        self._move("fail_over", at, trunk)
        self._place(self.runtime.now())
        return True

    def _release_agent(self) -> None:
        """Tell the pool that this call needs no agent any more; it acknowledges."""
        if not self._let_go:
            self._let_go = True
            self._services.pool.tell(CallOver(self._attempt_id, self._bridged_at > 0, self.ref))

    def _judge(self) -> str:
        if self._bridged_at:
            return "customer_answered"
        if self._agent_id and self._cause.by != "far":
            return "agent_unavailable"
        # Gone before anybody had judged the call: when in doubt it was a person.
        return "hung_up_waiting" if self._answered_at else outcome_of_refusal(self._cause)

    def _settle(self, outcome: str) -> None:
        self._outcome = outcome
        plan, cause = self._plan, self._cause
        attempt = plan.attempt
        what_next = next_of(
            plan.flow,
            self._dial,
            self._route.id if self._route is not None else "",
            attempt.contact,
            attempt.number,
            outcome,
            cause,
            answered=self._answered_at > 0,
            ended_at=self._ended_at,
        )
        settlement = Settlement(
            self._attempt_id,
            self._contact_id,
            plan.campaign_id,
            outcome,
            what_next,
            self._dialed_at,
            self._ringing_at,
            self._answered_at,
            self._bridged_at,
            self._ended_at,
            self._agent_id,
            cause.sip_status,
            cause.q850,
            cause.text,
            self._line,
        )
        self._services.store.settle(settlement)
        self._campaign.tell(settlement)
        self._counts.over(self._state)
        self._state = CALL.steps[CALL.steps[self._state, "ended"], "settle"]
        self._record("settled", self._ended_at, outcome)

    @handles(OverAcknowledged)
    def _on_acknowledged(self, _: OverAcknowledged) -> None:
        self._acknowledged = True
        if self._ended_at:
            self.ref.stop()

    def post_mortem(self, error: BaseException) -> None:
        self._trunk.hang_up(self._attempt_id)
        if self._claimed:
            self._release_agent()
        if self._state != "settled":
            self._ended_at = self._ended_at or self.runtime.now()
            self._cause = EndCause("near", text=f"the call's actor failed: {error!r}"[:200])
            self._leave_line(self._cause, self._ended_at)
            self._settle("interrupted")

    # --- helpers ------------------------------------------------------------------------------

    def _move(self, event: str, at: float, detail: str = "") -> None:
        """detail: see `journal.CallMoved`."""
        before, self._state = self._state, CALL.steps[self._state, event]
        self._counts.moved(before, self._state)
        step = self._record(self._state, at, detail)
        if self._plan.tells_steps:
            self._campaign.tell(step)

    def _record(self, state: str, at: float, detail: str = "") -> journal.CallMoved:
        step = journal.CallMoved(
            self._attempt_id, self._contact_id, self._plan.campaign_id, at, state, detail
        )
        self._services.recorder.tell(step)
        return step

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
