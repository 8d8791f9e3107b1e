"""All agents: who is free, who is whose, and who gets the next caller.

The rule of this module: an agent is booked only along the agent table, so nobody is booked twice;
longest idle comes first; and everything that happens to an agent is published to the campaigns
that may use them, before anybody acts on it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from actors.agent_messages import (
    AddAgent,
    AgentAssigned,
    AgentHangsUp,
    AgentLost,
    AgentMove,
    CallOver,
    ClaimAgent,
    OverAcknowledged,
    PoolStarted,
    WrapUpOver,
)
from actors.agent_requests import AgentRequests
from actors.disposition_desk import DispositionDesk
from actors.messages import Report
from actors.pool_memory import PoolMemory, Remembered, restored
from actors.roster import PooledAgent
from actors.runtime import handles
from actors.wrap_up_ends import WrapUpEnds
from dialer.agents import AGENT
from dialer.events import (
    AgentAccepted,
    AgentAsked,
    AgentDisposed,
    AgentLegDown,
    AgentLegUp,
)
from dialer.ports import AgentDesk, PreviewCard, Sink

_RESERVED = ("ringing", "reserved", "pending_not_ready", "pending_logout")
_MADE_ANEW = "the pool was made anew"


class AgentPool(AgentRequests):
    """Books agents for campaigns and callers.

    desk: how agents are reached. Its events come here as messages.
    dispositions: takes what agents say of their calls, and outlives this actor.
    floors: how many ready agents each queue keeps for inbound calls. memory: of a former pool.
    campaigns: those that must hear that there is a new one.
    """

    def __init__(
        self,
        desk: AgentDesk,
        recorder: Sink,
        dispositions: DispositionDesk,
        floors: Mapping[str, int] | None = None,
        memory: PoolMemory | None = None,
        campaigns: Callable[[], Iterable[Sink]] = tuple,
    ) -> None:
        super().__init__(desk, recorder, dispositions, floors or {})
        self._memory = memory or PoolMemory()
        self._to_tell = campaigns
        self._started = False
        self._claims: dict[int, ClaimAgent] = {}
        self._ends = WrapUpEnds()

    # --- after a crash ------------------------------------------------------------------------

    def on_start(self) -> None:
        """Know again who is there and in which call; the rest is told anew by who is concerned."""
        known = self._memory.take()
        for agent in known:
            self._restore(agent)
        self._moves.clear()  # nobody listens yet
        self._started = True
        if known:
            for campaign in self._to_tell():
                campaign.tell(PoolStarted())
            self._desk.retell(tuple(agent.profile.agent_id for agent in known))

    def _restore(self, known: Remembered) -> None:
        agent = restored(known)
        self._roster.restore(agent, known.attempt_id, known.call)
        if known.call is not None:
            if getattr(known.call, "is_alive", bool)():
                known.call.tell(PoolStarted())  # what it told the former pool may be lost
            else:
                self._move(agent, "call_ended", _MADE_ANEW)
        elif agent.state in _RESERVED:
            self._move(agent, "release", _MADE_ANEW)
        if agent.state == "wrap_up":
            self._limit_wrap_up(agent)

    def post_mortem(self, error: BaseException) -> None:  # noqa: ARG002
        if self._started:
            self._memory.keep(self._roster)

    # --- agents come and go -------------------------------------------------------------------

    @handles(AddAgent)
    def _on_add(self, message: AddAgent) -> None:
        profile = message.profile
        agent = self._roster.agents.get(profile.agent_id)
        if agent is None:
            agent = PooledAgent(profile, self.runtime.now())
            self._roster.agents[profile.agent_id] = agent
            knew: set[int] = set()
        else:
            if set(profile.queues) != set(agent.profile.queues) and (
                agent.state in ("ringing", "reserved")
            ):
                self._move(agent, "release")
            knew = set(self._who_may_use(agent))
            self._roster.change_profile(agent, profile)
        self._tell_of(agent)
        now_know = set(self._who_may_use(agent))
        for campaign_id in sorted(knew ^ now_know):
            state = agent.state if campaign_id in now_know else ""
            move = AgentMove(profile.agent_id, "", state, 0, 0)
            self._tell_later(self._campaigns[campaign_id].campaign, move)

    @handles(AgentAsked)
    def _on_asked(self, ask: AgentAsked) -> None:
        agent = self._roster.agents.get(ask.agent_id)
        if agent is None:
            return
        if agent.state == "wrap_up" and ask.wish in ("wrap_up_done", "ready"):
            self._done_with_wrap_up(agent, ask)
            return
        if ask.wish == "login":
            if agent.state == "logged_out":
                self._desk.log_in(ask.agent_id, agent.profile.address)
            return
        if ask.wish == "hang_up":
            if agent.call is not None:
                agent.call.tell(AgentHangsUp(agent.attempt_id))
            return
        event = ask.wish
        if event == "ready" and agent.state in ("pending_not_ready", "pending_logout"):
            event = "resume_call" if agent.attempt_id else "resume_reservation"
        if AGENT.get(agent.state, event) is None:
            return  # asked for what they have, or for what cannot be now
        if event == "ready" and self._dispositions.owes(ask.agent_id):
            return  # they say first what came of their call
        self._move(agent, event, ask.reason)

    def _done_with_wrap_up(self, agent: PooledAgent, ask: AgentAsked) -> None:
        if ask.after_s > 0:
            self._end_wrap_up(agent, ask.at + ask.after_s)
            return
        self._learn_of_limit(agent, ran_out=False)
        if not self._dispositions.owes(ask.agent_id):  # they say first what came of their call
            self._move(agent, "wrap_up_done", ask.reason)

    @handles(AgentLegUp)
    def _on_leg_up(self, event: AgentLegUp) -> None:
        agent = self._roster.agents.get(event.agent_id)
        if agent is not None and agent.state == "logged_out":
            self._move(agent, "login")
            self._move(agent, "ready")

    @handles(AgentLegDown)
    def _on_leg_down(self, event: AgentLegDown) -> None:
        agent = self._roster.agents.get(event.agent_id)
        if agent is None or agent.state == "logged_out":
            return
        call, attempt_id = agent.call, agent.attempt_id
        self._move(agent, "leg_down", event.reason)
        if call is not None:
            call.tell(AgentLost(attempt_id, event.agent_id))

    @handles(WrapUpOver)
    def _on_wrap_up_over(self, message: WrapUpOver) -> None:
        agent = self._roster.agents[message.agent_id]
        if agent.state != "wrap_up" or agent.since != message.since:
            return
        self._learn_of_limit(agent, ran_out=True)
        if self._dispositions.limit(message.agent_id, self.runtime.now()):
            self._move(agent, "wrap_up_done")
        else:
            self._move(agent, "not_ready", "no_disposition")

    @handles(AgentDisposed)
    def _on_disposed(self, said: AgentDisposed) -> str:
        """Why it is not taken, for who asks; "" if it is."""
        return self._dispositions.say(said)

    # --- callers ------------------------------------------------------------------------------

    @handles(AgentAccepted)
    def _on_accepted(self, event: AgentAccepted) -> None:
        agent = self._roster.agents.get(event.agent_id)
        if agent is None or agent.state != "ringing":
            return
        self._move(agent, "accept")
        for claim in self._claims.values():
            if claim.campaign_id == agent.campaign_id and _may_have(agent, claim):
                del self._claims[claim.attempt_id]
                self._assign(agent, claim)
                return

    @handles(ClaimAgent)
    def _on_claim(self, claim: ClaimAgent) -> None:
        theirs = self._roster.with_caller.get(claim.attempt_id)
        if theirs is not None:  # they were given, and the word of it was lost with a former pool
            claim.call.tell(AgentAssigned(claim.attempt_id, theirs.agent_id))
            return
        agent = self._for_caller(claim)
        if agent is None:
            self._claims[claim.attempt_id] = claim
        else:
            self._assign(agent, claim)

    @handles(CallOver)
    def _on_call_over(self, message: CallOver) -> None:
        attempt_id = message.attempt_id
        self._claims.pop(attempt_id, None)
        choices = self._dispositions.call_over(attempt_id, message.talked, self.runtime.now())
        agent = self._roster.with_caller.get(attempt_id)
        if agent is not None:
            if choices:
                self._desk.ask_disposition(agent.agent_id, attempt_id, choices)
            self._let_go(agent, message)
        message.call.tell(OverAcknowledged(attempt_id))

    def _let_go(self, agent: PooledAgent, message: CallOver) -> None:
        self._desk.release(agent.agent_id, message.attempt_id)
        if not message.talked and agent.state == "talking":
            # They never heard the caller: there is nothing to wrap up.
            self._move(agent, "call_missed")
            return
        self._move(agent, "call_ended")
        if agent.state == "wrap_up" and agent.profile.wrap_up_s:
            self._limit_wrap_up(agent)

    def _limit_wrap_up(self, agent: PooledAgent) -> None:
        limit_s = agent.profile.wrap_up_s
        if limit_s:
            self._set_wrap_up(agent, agent.since + limit_s)
            if self._ends.is_known(agent.agent_id):
                self._tell_end(agent, agent.since + limit_s)

    def _end_wrap_up(self, agent: PooledAgent, at: float) -> None:
        """An agent says when they will be done; not later than their limit."""
        limit_s = agent.profile.wrap_up_s
        ends_at = min(at, agent.since + limit_s) if limit_s else at
        self._set_wrap_up(agent, ends_at)
        self._tell_end(agent, ends_at)

    def _learn_of_limit(self, agent: PooledAgent, *, ran_out: bool) -> None:
        limit_s = agent.profile.wrap_up_s
        # Whoever said when they would be done shows nothing of what they do about a limit.
        if limit_s and agent.ends_at in (0.0, agent.since + limit_s):
            self._ends.ended(agent.agent_id, ran_out=ran_out)

    def _set_wrap_up(self, agent: PooledAgent, ends_at: float) -> None:
        if agent.wrap_up is not None:
            agent.wrap_up.cancel()
        over = WrapUpOver(agent.agent_id, agent.since)
        left_s = max(0.0, ends_at - self.runtime.now())
        agent.wrap_up = self.runtime.after(left_s, self.ref, over)

    def _for_caller(self, claim: ClaimAgent) -> PooledAgent | None:
        """An agent reserved by the campaign, else a ready one; longest idle first.

        A phone that rings per call has no audio before it was offered and answered, so its agent
        gets a caller only when reserved. Whoever is called for one agent gets them if they are
        there, else another.
        """
        held = self._roster.held[claim.campaign_id]
        if claim.attempt is not None and claim.attempt.agent_id in held:
            agent = held[claim.attempt.agent_id]
            if agent.state != "ringing" and _may_have(agent, claim):
                return agent
        for agent in held.values():
            if agent.state != "ringing" and _may_have(agent, claim):
                return agent
        return self._shares.free(claim.queue) if self._desk.kept_up else None

    def _assign(self, agent: PooledAgent, claim: ClaimAgent) -> None:
        agent_id, attempt_id, campaign_id = agent.agent_id, claim.attempt_id, claim.campaign_id
        agent.campaign_id = campaign_id
        self._roster.give(agent, attempt_id, claim.call)
        campaign = self._campaigns.get(campaign_id)
        if campaign is not None:
            self._dispositions.begin(agent_id, campaign_id, claim.attempt, campaign.campaign)
        self._move(agent, "connect")
        self._publish()  # the campaign hears of it before the call can end
        self._desk.connect(agent_id, attempt_id)
        claim.call.tell(AgentAssigned(attempt_id, agent_id))

    def _give_work(self) -> None:
        """A caller who waits comes before a campaign that wants to reserve."""
        while self._roster.all_ready:
            if self._claims and self._give_to_caller():
                continue
            if self._named and self._book_named():
                continue
            due = self._shares.next_to_serve(self._requests.values())
            if due is None:
                return
            request, agent = due
            self._book(agent, request)

    def _give_to_caller(self) -> bool:
        """Give a ready agent to a caller who waits; False where there is none, or nobody waits."""
        if self._desk.kept_up:
            for claim in self._claims.values():
                agent = self._shares.free(claim.queue)
                if agent is not None:
                    del self._claims[claim.attempt_id]
                    self._assign(agent, claim)
                    return True
        return False

    # --- outside ------------------------------------------------------------------------------

    @handles(Report)
    def _on_report(self, report: Report) -> list[dict[str, Any]] | PreviewCard | None:
        """Every agent; or, of an agent who is named, what they are shown."""
        if report.what:
            return self._previews.card(report.what)
        now = self.runtime.now()
        return [
            {
                "agent_id": agent_id,
                "name": agent.profile.name,
                "state": agent.state,
                "reason": agent.reason,
                "for_s": round(now - agent.since, 1),
                "queues": list(agent.profile.queues),
                "campaign_id": agent.campaign_id,
                "attempt_id": agent.attempt_id,
                "preview": agent_id in self._previews.shown,
                "owes_disposition": self._dispositions.owes(agent_id),
                "dispositions": dict(self._dispositions.choices(agent_id)),
            }
            for agent_id, agent in self._roster.agents.items()
        ]


def _may_have(agent: PooledAgent, claim: ClaimAgent) -> bool:
    """Whether an agent serves the caller, and is not kept for another contact."""
    if agent.bound and (claim.attempt is None or claim.attempt.agent_id != agent.agent_id):
        return False
    return claim.queue in agent.profile.queues
