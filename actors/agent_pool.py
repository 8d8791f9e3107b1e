"""All agents: who is free, who is whose, and who gets the next caller.

The rule of this module: an agent is booked only along the agent table, so nobody is booked twice;
longest idle comes first; and everything that happens to an agent is published to the campaigns
that may use them, before anybody acts on it.
"""

from typing import Any

from actors.messages import (
    AddAgent,
    AgentAssigned,
    AgentHangsUp,
    AgentLost,
    AgentMove,
    AgentsMoved,
    CallOver,
    ClaimAgent,
    OverAcknowledged,
    ReleaseAgents,
    Report,
    RequestExpired,
    SeizeAgents,
    SeizeFailed,
    Subscribe,
    Unsubscribe,
    WrapUpOver,
)
from actors.runtime import Behaviour, Timer, handles
from dialer import journal
from dialer.agents import AGENT, AgentProfile
from dialer.events import (
    AgentAccepted,
    AgentAsked,
    AgentLegDown,
    AgentLegUp,
    AgentNoAnswer,
)
from dialer.ports import AgentDesk, Sink

_HELD = frozenset({"ringing", "reserved", "pending_not_ready", "pending_logout"})
_FREE = frozenset({"ready", "not_ready", "logged_out"})


class _Agent:
    """One agent as the pool knows them."""

    __slots__ = (
        "attempt_id",
        "call",
        "campaign_id",
        "profile",
        "reason",
        "request_id",
        "since",
        "state",
        "wrap_up",
    )

    def __init__(self, profile: AgentProfile, at: float) -> None:
        self.profile = profile
        self.state = AGENT.initial
        self.since = at
        self.reason = ""
        self.campaign_id = 0
        self.request_id = 0
        self.attempt_id = 0
        self.call: Sink | None = None
        self.wrap_up: Timer | None = None


class AgentPool(Behaviour):
    """Books agents for campaigns and callers.

    desk: how agents are reached. Its events come here as messages.
    """

    def __init__(self, desk: AgentDesk, recorder: Sink) -> None:
        self._desk = desk
        self._recorder = recorder
        self._agents: dict[str, _Agent] = {}
        # Per queue, ready agents in the order in which they became ready.
        self._ready: dict[str, dict[str, None]] = {}
        self._campaigns: dict[int, Subscribe] = {}
        self._listeners: dict[str, dict[int, Sink]] = {}
        self._requests: dict[tuple[int, int], list[Any]] = {}
        self._claims: dict[int, ClaimAgent] = {}
        # Per campaign, agents reserved for it, longest reserved first; per attempt, who has it.
        self._held: dict[int, dict[str, None]] = {}
        self._with: dict[int, _Agent] = {}
        self._moves: dict[int, list[AgentMove]] = {}

    def receive(self, message: Any) -> Any:
        answer = super().receive(message)
        if self._moves:
            self._publish()
        return answer

    # --- agents come and go -------------------------------------------------------------------

    @handles(AddAgent)
    def _on_add(self, message: AddAgent) -> None:
        profile = message.profile
        known = self._agents.get(profile.agent_id)
        if known is None:
            self._agents[profile.agent_id] = _Agent(profile, self.runtime.now())
            return
        for queue in known.profile.queues:
            self._ready.get(queue, {}).pop(profile.agent_id, None)
        known.profile = profile
        if known.state == "ready":
            self._list_ready(known)

    @handles(AgentAsked)
    def _on_asked(self, ask: AgentAsked) -> None:
        agent = self._agents.get(ask.agent_id)
        if agent is None:
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
        if event == "ready" and agent.state == "pending_not_ready":
            event = "resume_call" if agent.attempt_id else "resume_reservation"
        elif event == "ready" and agent.state == "wrap_up":
            event = "wrap_up_done"
        if AGENT.get(agent.state, event) is None:
            return  # asked for what they have, or for what cannot be now
        self._move(agent, event, ask.reason)

    @handles(AgentLegUp)
    def _on_leg_up(self, event: AgentLegUp) -> None:
        agent = self._agents.get(event.agent_id)
        if agent is not None and agent.state == "logged_out":
            self._move(agent, "login")
            self._move(agent, "ready")

    @handles(AgentLegDown)
    def _on_leg_down(self, event: AgentLegDown) -> None:
        agent = self._agents.get(event.agent_id)
        if agent is None or agent.state == "logged_out":
            return
        call, attempt_id = agent.call, agent.attempt_id
        self._move(agent, "leg_down", event.reason)
        if call is not None:
            call.tell(AgentLost(attempt_id, event.agent_id))

    @handles(WrapUpOver)
    def _on_wrap_up_over(self, message: WrapUpOver) -> None:
        agent = self._agents[message.agent_id]
        if agent.state == "wrap_up" and agent.since == message.since:
            self._move(agent, "wrap_up_done")

    # --- reservations -------------------------------------------------------------------------

    @handles(Subscribe)
    def _on_subscribe(self, message: Subscribe) -> None:
        # A campaign that was made anew knows nothing of what its former self held.
        self._on_unsubscribe(Unsubscribe(message.campaign_id))
        self._campaigns[message.campaign_id] = message
        for queue in message.queues:
            self._listeners.setdefault(queue, {})[message.campaign_id] = message.campaign
        served = set(message.queues)
        moves = tuple(
            AgentMove(agent_id, "", agent.state, agent.campaign_id, agent.attempt_id)
            for agent_id, agent in self._agents.items()
            if served.intersection(agent.profile.queues)
        )
        message.campaign.tell(AgentsMoved(self.runtime.now(), moves))

    @handles(Unsubscribe)
    def _on_unsubscribe(self, message: Unsubscribe) -> None:
        campaign_id = message.campaign_id
        self._campaigns.pop(campaign_id, None)
        for listeners in self._listeners.values():
            listeners.pop(campaign_id, None)
        for key in [key for key in self._requests if key[0] == campaign_id]:
            del self._requests[key]
        held = tuple(self._held.get(campaign_id, ()))
        self._on_release(ReleaseAgents(campaign_id, held))

    @handles(SeizeAgents)
    def _on_seize(self, message: SeizeAgents) -> None:
        if not any(
            message.queue in agent.profile.queues and agent.state != "logged_out"
            for agent in self._agents.values()
        ):
            self._fail(
                message.campaign_id, message.request_id, "no_agent_available", message.wanted
            )
            return
        self._requests[message.campaign_id, message.request_id] = [message, message.wanted]
        ready = list(self._ready.get(message.queue, ()))[: message.wanted]
        for agent_id in ready:
            self._book(self._agents[agent_id], message)
        if (message.campaign_id, message.request_id) in self._requests:
            expiry = RequestExpired(message.campaign_id, message.request_id)
            self.runtime.after(message.ttl_s, self.ref, expiry)

    @handles(RequestExpired)
    def _on_expired(self, message: RequestExpired) -> None:
        request = self._requests.pop((message.campaign_id, message.request_id), None)
        if request is not None:
            self._fail(message.campaign_id, message.request_id, "reservation_timeout", request[1])

    @handles(ReleaseAgents)
    def _on_release(self, message: ReleaseAgents) -> None:
        for agent_id in message.agent_ids:
            if agent_id in self._held.get(message.campaign_id, ()):
                self._move(self._agents[agent_id], "release")

    def _book(self, agent: _Agent, request: SeizeAgents) -> None:
        """Reserve a ready agent for a request; a phone that rings per call is offered first."""
        agent.campaign_id = request.campaign_id
        agent.request_id = request.request_id
        if self._desk.kept_up:
            self._reserved(agent, "reserve")
        else:
            self._move(agent, "offer")
            self._desk.offer(agent.profile.agent_id)

    def _reserved(self, agent: _Agent, event: str) -> None:
        key = (agent.campaign_id, agent.request_id)
        request = self._requests.get(key)
        if request is not None:
            request[1] -= 1
            if request[1] == 0:
                del self._requests[key]
        self._move(agent, event)

    @handles(AgentAccepted)
    def _on_accepted(self, event: AgentAccepted) -> None:
        agent = self._agents[event.agent_id]
        if agent.state == "ringing":
            self._reserved(agent, "accept")

    @handles(AgentNoAnswer)
    def _on_no_answer(self, event: AgentNoAnswer) -> None:
        agent = self._agents[event.agent_id]
        if agent.state != "ringing":
            return
        campaign_id, request_id = agent.campaign_id, agent.request_id
        request = self._requests.get((campaign_id, request_id))
        self._move(agent, "no_answer", "rona")
        if request is not None:
            request[1] -= 1
            if request[1] == 0:
                del self._requests[campaign_id, request_id]
            self._fail(campaign_id, request_id, "rona", 1)

    def _fail(self, campaign_id: int, request_id: int, event: str, missing: int) -> None:
        campaign = self._campaigns.get(campaign_id)
        if campaign is not None and missing:
            campaign.campaign.tell(SeizeFailed(request_id, event, missing))

    # --- callers ------------------------------------------------------------------------------

    @handles(ClaimAgent)
    def _on_claim(self, claim: ClaimAgent) -> None:
        agent = self._for_caller(claim)
        if agent is None:
            self._claims[claim.attempt_id] = claim
        else:
            self._assign(agent, claim)

    @handles(CallOver)
    def _on_call_over(self, message: CallOver) -> None:
        self._claims.pop(message.attempt_id, None)
        agent = self._with.get(message.attempt_id)
        if agent is not None:
            self._let_go(agent, message)
        message.call.tell(OverAcknowledged(message.attempt_id))

    def _let_go(self, agent: _Agent, message: CallOver) -> None:
        agent_id = agent.profile.agent_id
        self._desk.release(agent_id, message.attempt_id)
        if not message.talked and agent.state == "talking":
            # They never heard the caller: there is nothing to wrap up.
            self._move(agent, "call_ended")
            self._move(agent, "wrap_up_done")
            return
        self._move(agent, "call_ended")
        if agent.state == "wrap_up" and agent.profile.wrap_up_s:
            over = WrapUpOver(agent_id, agent.since)
            agent.wrap_up = self.runtime.after(agent.profile.wrap_up_s, self.ref, over)

    def _for_caller(self, claim: ClaimAgent) -> _Agent | None:
        """An agent reserved by the campaign, else a ready one; longest idle first."""
        for agent_id in self._held.get(claim.campaign_id, ()):
            agent = self._agents[agent_id]
            if agent.state != "ringing" and claim.queue in agent.profile.queues:
                return agent
        ready = next(iter(self._ready.get(claim.queue, ())), None)
        return self._agents[ready] if ready is not None else None

    def _assign(self, agent: _Agent, claim: ClaimAgent) -> None:
        agent.campaign_id = claim.campaign_id
        agent.attempt_id = claim.attempt_id
        agent.call = claim.call
        self._with[claim.attempt_id] = agent
        self._move(agent, "connect")
        self._publish()  # the campaign hears of it before the call can end
        self._desk.connect(agent.profile.agent_id, claim.attempt_id)
        claim.call.tell(AgentAssigned(claim.attempt_id, agent.profile.agent_id))

    # --- one agent's step ---------------------------------------------------------------------

    def _move(self, agent: _Agent, event: str, reason: str = "") -> None:
        before, after = agent.state, AGENT[agent.state, event]
        agent_id = agent.profile.agent_id
        now = self.runtime.now()
        if agent.wrap_up is not None:
            agent.wrap_up.cancel()
            agent.wrap_up = None
        move = AgentMove(agent_id, before, after, agent.campaign_id, agent.attempt_id)
        agent.state, agent.since, agent.reason = after, now, reason
        for campaign_id in self._who_may_use(agent):
            self._moves.setdefault(campaign_id, []).append(move)
        self._recorder.tell(journal.AgentMoved(agent_id, now, before, after, reason))
        self._file(agent, before, after)
        if after == "ready":
            self._give_work(agent)
        elif after == "logged_out" and event != "leg_down":
            self._desk.log_out(agent_id)

    def _file(self, agent: _Agent, before: str, after: str) -> None:
        """Keep the lists of ready, reserved and talking agents true to their states."""
        agent_id = agent.profile.agent_id
        if before == "ready":
            for queue in agent.profile.queues:
                self._ready[queue].pop(agent_id, None)
        if after in _HELD and not agent.attempt_id:
            self._held.setdefault(agent.campaign_id, {})[agent_id] = None
        else:
            self._held.get(agent.campaign_id, {}).pop(agent_id, None)
        if after in _FREE or after == "wrap_up":
            self._with.pop(agent.attempt_id, None)
            agent.attempt_id = agent.request_id = 0
            agent.call = None
        if after in _FREE:
            # Wrap-up is still the campaign's: it counts how long it takes.
            agent.campaign_id = 0
        if after == "ready":
            self._list_ready(agent)

    def _who_may_use(self, agent: _Agent) -> list[int]:
        queues = agent.profile.queues
        if len(queues) == 1:
            return list(self._listeners.get(queues[0], ()))
        return sorted({i for queue in queues for i in self._listeners.get(queue, ())})

    def _list_ready(self, agent: _Agent) -> None:
        for queue in agent.profile.queues:
            self._ready.setdefault(queue, {})[agent.profile.agent_id] = None

    def _give_work(self, agent: _Agent) -> None:
        """A caller who waits comes before a campaign that wants to reserve."""
        for claim in self._claims.values():
            if claim.queue in agent.profile.queues:
                del self._claims[claim.attempt_id]
                self._assign(agent, claim)
                return
        for request, _ in self._requests.values():
            if request.queue in agent.profile.queues:
                self._book(agent, request)
                return

    def _publish(self) -> None:
        moves, self._moves = self._moves, {}
        now = self.runtime.now()
        for campaign_id, its_moves in moves.items():
            campaign = self._campaigns.get(campaign_id)
            if campaign is not None:
                campaign.campaign.tell(AgentsMoved(now, tuple(its_moves)))

    # --- outside ------------------------------------------------------------------------------

    @handles(Report)
    def _on_report(self, _: Report) -> list[dict[str, Any]]:
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
            }
            for agent_id, agent in self._agents.items()
        ]
