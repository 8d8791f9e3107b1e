"""All agents: who is free, who is whose, and who gets the next caller.

The rule of this module: an agent is booked only along the agent table, so nobody is booked twice;
longest idle comes first; and everything that happens to an agent is published to the campaigns
that may use them, before anybody acts on it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from actors.agent_shares import AgentShares
from actors.disposition_desk import DispositionDesk
from actors.messages import (
    AddAgent,
    AgentAssigned,
    AgentHangsUp,
    AgentLost,
    AgentMove,
    AgentsMoved,
    BindAgent,
    CallOver,
    ClaimAgent,
    OverAcknowledged,
    PoolStarted,
    PreviewDecided,
    PreviewTimeout,
    ReleaseAgents,
    Report,
    RequestExpired,
    SeizeAgents,
    SeizeFailed,
    SeizeNamed,
    ShowPreview,
    Subscribe,
    Unsubscribe,
    WithdrawPreview,
    WithdrawRequests,
    WrapUpOver,
)
from actors.pool_memory import PoolMemory, Remembered, restored
from actors.preview_desk import PreviewDesk
from actors.roster import PooledAgent, Roster
from actors.runtime import Behaviour, handles
from actors.seize_request import SeizeRequest
from dialer import journal
from dialer.agents import AGENT
from dialer.events import (
    AgentAccepted,
    AgentAsked,
    AgentDisposed,
    AgentLegDown,
    AgentLegUp,
    AgentNoAnswer,
    PreviewAnswered,
)
from dialer.ports import AgentDesk, PreviewCard, Sink

_RESERVED = ("ringing", "reserved", "pending_not_ready", "pending_logout")
_MADE_ANEW = "the pool was made anew"

_OFFERED = ("ringing", "reserved", "pending_not_ready")
"""States in which a phone that rings per call may ring, or be off the hook, without a call."""


class AgentPool(Behaviour):
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
        self._memory = memory or PoolMemory()
        self._to_tell = campaigns
        self._started = False
        self._desk = desk
        self._recorder = recorder
        self._dispositions = dispositions
        self._roster = Roster()
        self._campaigns: dict[int, Subscribe] = {}
        self._shares = AgentShares(self._roster, self._campaigns, floors or {})
        self._listeners: dict[str, dict[int, Sink]] = {}
        self._requests: dict[tuple[int, int], SeizeRequest] = {}
        self._claims: dict[int, ClaimAgent] = {}
        self._named: dict[int, list[str]] = {}
        self._previews = PreviewDesk(desk)
        self._moves: dict[int, list[AgentMove]] = {}

    def receive(self, message: Any) -> Any:
        answer = self.handlers[type(message)](self, message)
        if self._moves:
            self._publish()
        return answer

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
        now_know = set(self._who_may_use(agent))
        for campaign_id in sorted(knew ^ now_know):
            state = agent.state if campaign_id in now_know else ""
            self._tell_later(campaign_id, AgentMove(profile.agent_id, "", state, 0, 0))

    @handles(AgentAsked)
    def _on_asked(self, ask: AgentAsked) -> None:
        agent = self._roster.agents.get(ask.agent_id)
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
        if event == "ready" and agent.state in ("pending_not_ready", "pending_logout"):
            event = "resume_call" if agent.attempt_id else "resume_reservation"
        elif event == "ready" and agent.state == "wrap_up":
            event = "wrap_up_done"
        if AGENT.get(agent.state, event) is None:
            return  # asked for what they have, or for what cannot be now
        if event in ("ready", "wrap_up_done") and self._dispositions.owes(ask.agent_id):
            return  # they say first what came of their call
        self._leave_ringing(agent)
        self._move(agent, event, ask.reason)

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
        self._leave_ringing(agent)
        self._move(agent, "leg_down", event.reason)
        if call is not None:
            call.tell(AgentLost(attempt_id, event.agent_id))

    @handles(WrapUpOver)
    def _on_wrap_up_over(self, message: WrapUpOver) -> None:
        agent = self._roster.agents[message.agent_id]
        if agent.state != "wrap_up" or agent.since != message.since:
            return
        if self._dispositions.limit(message.agent_id, self.runtime.now()):
            self._move(agent, "wrap_up_done")
        else:
            self._move(agent, "not_ready", "no_disposition")

    @handles(AgentDisposed)
    def _on_disposed(self, said: AgentDisposed) -> str:
        """Why it is not taken, for who asks; "" if it is."""
        return self._dispositions.say(said)

    # --- campaigns ----------------------------------------------------------------------------

    @handles(Subscribe)
    def _on_subscribe(self, message: Subscribe) -> None:
        campaign_id = message.campaign_id
        if message.anew:
            self._on_unsubscribe(Unsubscribe(campaign_id))
        for listeners in self._listeners.values():
            listeners.pop(campaign_id, None)
        self._dispositions.follow(campaign_id, message.dispositions)
        former = self._campaigns.get(campaign_id)
        self._campaigns[campaign_id] = message
        for queue in message.queues:
            self._listeners.setdefault(queue, {})[campaign_id] = message.campaign
        served = set(message.queues)
        left = set(former.queues) - served if former is not None else set()
        moves = []
        for agent_id, agent in self._roster.agents.items():
            if served.intersection(agent.profile.queues):
                state, holder, attempt_id = agent.state, agent.campaign_id, agent.attempt_id
                moves.append(AgentMove(agent_id, "", state, holder, attempt_id))
            elif left.intersection(agent.profile.queues):
                moves.append(AgentMove(agent_id, "", "", 0, 0))
        message.campaign.tell(AgentsMoved(self.runtime.now(), tuple(moves)))

    @handles(Unsubscribe)
    def _on_unsubscribe(self, message: Unsubscribe) -> None:
        """Also of a campaign that was made anew: it knows nothing of what its former self held."""
        campaign_id = message.campaign_id
        self._campaigns.pop(campaign_id, None)
        for listeners in self._listeners.values():
            listeners.pop(campaign_id, None)
        self._named.pop(campaign_id, None)
        self._on_withdraw(WithdrawRequests(campaign_id))
        for agent in [*self._roster.held(campaign_id)]:
            self._move(agent, "release")

    # --- reservations -------------------------------------------------------------------------

    @handles(SeizeAgents)
    def _on_seize(self, message: SeizeAgents) -> None:
        key = (message.campaign_id, message.request_id)
        if not self._roster.is_staffed(message.queue):
            self._fail(*key, "no_agent_available", message.wanted)
            return
        self._requests[key] = request = SeizeRequest(message)
        self._fill(request)
        if key in self._requests:
            request.timer = self.runtime.after(message.ttl_s, self.ref, RequestExpired(*key))

    @handles(RequestExpired)
    def _on_expired(self, message: RequestExpired) -> None:
        key = (message.campaign_id, message.request_id)
        request = self._requests.get(key)
        if request is None:
            return
        # Those whose phones ring have still to tell what comes of it.
        missing = request.missing - request.ringing
        request.expired = True
        self._count_off(request, missing)
        self._fail(*key, "reservation_timeout", missing)

    @handles(WithdrawRequests)
    def _on_withdraw(self, message: WithdrawRequests) -> None:
        for key in [key for key in self._requests if key[0] == message.campaign_id]:
            del self._requests[key]
        for agent in [*self._roster.held(message.campaign_id)]:
            if agent.state == "ringing":
                self._move(agent, "release")

    @handles(ReleaseAgents)
    def _on_release(self, message: ReleaseAgents) -> None:
        for agent_id in message.agent_ids:
            if self._roster.holds(message.campaign_id, agent_id):
                self._move(self._roster.agents[agent_id], "release")

    def _fill(self, request: SeizeRequest) -> None:
        """Reserve ready agents for a request, longest idle first."""
        seize = request.seize
        room = self._shares.room(seize.campaign_id, seize.queue)
        while request.wants_more and room:
            agent = self._shares.free(seize.queue)
            if agent is None:
                return
            self._book(agent, request)
            room -= 1

    def _book(self, agent: PooledAgent, request: SeizeRequest) -> None:
        """Reserve a ready agent for a request; a phone that rings per call is offered first."""
        agent.campaign_id = request.seize.campaign_id
        agent.request_id = request.seize.request_id
        if self._desk.kept_up:
            self._count_off(request, 1)
            self._move(agent, "reserve")
        else:
            request.ringing += 1
            self._move(agent, "offer")
            self._desk.offer(agent.profile.agent_id)

    @handles(AgentAccepted)
    def _on_accepted(self, event: AgentAccepted) -> None:
        agent = self._roster.agents.get(event.agent_id)
        if agent is None or agent.state != "ringing":
            return
        request = self._requests.get((agent.campaign_id, agent.request_id))
        if request is not None:
            request.ringing -= 1
            self._count_off(request, 1)
        self._move(agent, "accept")
        for claim in self._claims.values():
            if claim.campaign_id == agent.campaign_id and _may_have(agent, claim):
                del self._claims[claim.attempt_id]
                self._assign(agent, claim)
                return

    @handles(AgentNoAnswer)
    def _on_no_answer(self, event: AgentNoAnswer) -> None:
        agent = self._roster.agents.get(event.agent_id)
        if agent is not None and agent.state == "reserved" and not self._desk.kept_up:
            self._move(agent, "no_answer", "rona")  # they picked up, and hung up again
            return
        if agent is None or agent.state != "ringing":
            return
        key = (agent.campaign_id, agent.request_id)
        self._move(agent, "no_answer", "rona")
        request = self._requests.get(key)
        if request is not None:
            request.ringing -= 1
            self._count_off(request, 1)
            self._fail(*key, "rona", 1)

    def _leave_ringing(self, agent: PooledAgent) -> None:
        """An agent whose phone rings goes away: another may be reserved in their place."""
        request = self._requests.get((agent.campaign_id, agent.request_id))
        if agent.state == "ringing" and request is not None:
            request.ringing -= 1
            if request.expired:
                self._count_off(request, 1)
                key = (agent.campaign_id, agent.request_id)
                self._fail(*key, "reservation_timeout", 1)
            else:
                self._fill(request)

    def _count_off(self, request: SeizeRequest, fewer: int) -> None:
        request.missing -= fewer
        if request.missing == 0:
            seize = request.seize
            self._requests.pop((seize.campaign_id, seize.request_id), None)
            if request.timer is not None:
                request.timer.cancel()

    def _fail(self, campaign_id: int, request_id: int, event: str, missing: int) -> None:
        campaign = self._campaigns.get(campaign_id)
        if campaign is not None and missing:
            self._publish()  # what became of the agent comes before what it means
            campaign.campaign.tell(SeizeFailed(request_id, event, missing))

    @handles(SeizeNamed)
    def _on_seize_named(self, message: SeizeNamed) -> None:
        self._named.pop(message.campaign_id, None)
        if message.agent_ids:
            self._named[message.campaign_id] = list(message.agent_ids)
            while self._book_named():
                pass

    def _book_named(self) -> bool:
        """Reserve a ready agent whom a campaign asked for by name; False where there is none."""
        for campaign_id, agent_ids in self._named.items():
            for agent_id in agent_ids:
                agent = self._roster.agents.get(agent_id)
                if agent is None or agent.state != "ready":
                    continue
                agent_ids.remove(agent_id)
                agent.campaign_id, agent.request_id, agent.bound = campaign_id, 0, True
                if self._desk.kept_up:
                    self._move(agent, "reserve")
                else:
                    self._move(agent, "offer")
                    self._desk.offer(agent_id)
                return True
        return False

    @handles(BindAgent)
    def _on_bind(self, message: BindAgent) -> None:
        if self._roster.holds(message.campaign_id, message.agent_id):
            self._roster.agents[message.agent_id].bound = message.bound

    # --- previews -----------------------------------------------------------------------------

    @handles(ShowPreview)
    def _on_show(self, message: ShowPreview) -> None:
        agent_id, campaign = message.agent_id, self._campaigns.get(message.campaign_id)
        agent = self._roster.agents.get(agent_id)
        if agent is None or campaign is None:
            return  # of a campaign that is gone: its feeder has let go of the contact
        if agent.state == "reserved" and self._roster.holds(message.campaign_id, agent_id):
            self._previews.show(agent, message, campaign.campaign, self.runtime, self.ref)
        else:
            gone = PreviewDecided(message.card.ticket, agent_id, "withdrawn")
            campaign.campaign.tell(gone)

    @handles(WithdrawPreview)
    def _on_withdraw_preview(self, message: WithdrawPreview) -> None:
        self._previews.take(message.agent_id, message.ticket)

    @handles(PreviewAnswered)
    def _on_preview_answered(self, event: PreviewAnswered) -> None:
        shown = self._previews.take(event.agent_id, event.ticket)
        if shown is not None:
            shown.tell(event.agent_id, "accepted" if event.accepted else "skipped")

    @handles(PreviewTimeout)
    def _on_preview_timeout(self, message: PreviewTimeout) -> None:
        shown = self._previews.take(message.agent_id, message.ticket)
        if shown is None:
            return
        if shown.then == "not_ready":
            self._move(self._roster.agents[message.agent_id], "no_answer", "preview_timeout")
            self._publish()  # the campaign must not show them the next one
        shown.tell(message.agent_id, "timed_out")

    # --- callers ------------------------------------------------------------------------------

    @handles(ClaimAgent)
    def _on_claim(self, claim: ClaimAgent) -> None:
        theirs = self._roster.with_caller(claim.attempt_id)
        if theirs is not None:  # they were given, and the word of it was lost with a former pool
            claim.call.tell(AgentAssigned(claim.attempt_id, theirs.profile.agent_id))
            return
        agent = self._for_caller(claim)
        if agent is None:
            self._claims[claim.attempt_id] = claim
        else:
            self._assign(agent, claim)

    @handles(CallOver)
    def _on_call_over(self, message: CallOver) -> None:
        self._claims.pop(message.attempt_id, None)
        now, attempt_id = self.runtime.now(), message.attempt_id
        choices = self._dispositions.call_over(attempt_id, message.talked, now)
        agent = self._roster.with_caller(attempt_id)
        if agent is not None:
            if choices:
                self._desk.ask_disposition(agent.profile.agent_id, attempt_id, choices)
            self._let_go(agent, message)
        message.call.tell(OverAcknowledged(message.attempt_id))

    def _let_go(self, agent: PooledAgent, message: CallOver) -> None:
        agent_id = agent.profile.agent_id
        self._desk.release(agent_id, message.attempt_id)
        if not message.talked and agent.state == "talking":
            # They never heard the caller: there is nothing to wrap up.
            self._move(agent, "call_missed")
            return
        self._move(agent, "call_ended")
        if agent.state == "wrap_up":
            self._limit_wrap_up(agent)

    def _limit_wrap_up(self, agent: PooledAgent) -> None:
        limit_s = agent.profile.wrap_up_s
        if limit_s:
            left_s = max(0.0, agent.since + limit_s - self.runtime.now())
            over = WrapUpOver(agent.profile.agent_id, agent.since)
            agent.wrap_up = self.runtime.after(left_s, self.ref, over)

    def _for_caller(self, claim: ClaimAgent) -> PooledAgent | None:
        """An agent reserved by the campaign, else a ready one; longest idle first.

        A phone that rings per call has no audio before it was offered and answered, so its agent
        gets a caller only when reserved. Whoever is called for one agent gets them if they are
        there, else another.
        """
        meant_for = claim.attempt.agent_id if claim.attempt is not None else ""
        if meant_for and self._roster.holds(claim.campaign_id, meant_for):
            agent = self._roster.agents[meant_for]
            if agent.state != "ringing" and _may_have(agent, claim):
                return agent
        for agent in self._roster.held(claim.campaign_id):
            if agent.state != "ringing" and _may_have(agent, claim):
                return agent
        return self._shares.free(claim.queue) if self._desk.kept_up else None

    def _assign(self, agent: PooledAgent, claim: ClaimAgent) -> None:
        agent.campaign_id = claim.campaign_id
        self._roster.give(agent, claim.attempt_id, claim.call)
        if (campaign := self._campaigns.get(claim.campaign_id)) is not None:
            agent_id = agent.profile.agent_id
            self._dispositions.begin(agent_id, claim.campaign_id, claim.attempt, campaign.campaign)
        self._move(agent, "connect")
        self._publish()  # the campaign hears of it before the call can end
        self._desk.connect(agent.profile.agent_id, claim.attempt_id)
        claim.call.tell(AgentAssigned(claim.attempt_id, agent.profile.agent_id))

    # --- one agent's step ---------------------------------------------------------------------

    def _move(self, agent: PooledAgent, event: str, reason: str = "") -> None:
        before, after = agent.state, AGENT[agent.state, event]
        agent_id = agent.profile.agent_id
        now = self.runtime.now()
        if agent.wrap_up is not None:
            agent.wrap_up.cancel()
            agent.wrap_up = None
        holder, attempt_id, request_id = agent.campaign_id, agent.attempt_id, agent.request_id
        move = AgentMove(agent_id, before, after, holder, attempt_id, request_id)
        agent.state, agent.since, agent.reason = after, now, reason
        if before == "reserved" and agent_id in self._previews:
            self._previews.left(agent_id)
        for campaign_id in self._who_may_use(agent):
            self._tell_later(campaign_id, move)
        self._recorder.tell(journal.AgentMoved(agent_id, now, before, after, reason))
        self._roster.file(agent, before, now)
        if before in _OFFERED and after in ("ready", "not_ready"):
            self._desk.withdraw(agent_id)
        if after == "ready":
            while self._give_work():
                pass
        elif after == "logged_out":
            self._dispositions.left(agent_id, now)
            if event != "leg_down":
                self._desk.log_out(agent_id)

    def _who_may_use(self, agent: PooledAgent) -> list[int]:
        queues = agent.profile.queues
        if len(queues) == 1:
            return list(self._listeners.get(queues[0], ()))
        return sorted({i for queue in queues for i in self._listeners.get(queue, ())})

    def _give_work(self) -> bool:
        """Give a ready agent to whom they are due; False where there is nobody to give or get.

        A caller who waits comes before a campaign that wants to reserve.
        """
        if self._desk.kept_up:
            for claim in self._claims.values():
                agent = self._shares.free(claim.queue)
                if agent is not None:
                    del self._claims[claim.attempt_id]
                    self._assign(agent, claim)
                    return True
        if self._named and self._book_named():
            return True
        due = self._shares.next_to_serve(self._requests.values())
        if due is not None:
            request, agent = due
            self._book(agent, request)
        return due is not None

    def _tell_later(self, campaign_id: int, move: AgentMove) -> None:
        self._moves.setdefault(campaign_id, []).append(move)

    def _publish(self) -> None:
        moves, self._moves = self._moves, {}
        now = self.runtime.now()
        for campaign_id, its_moves in moves.items():
            campaign = self._campaigns.get(campaign_id)
            if campaign is not None:
                campaign.campaign.tell(AgentsMoved(now, tuple(its_moves)))
        self._previews.tell_left()

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
                "preview": agent_id in self._previews,
                "owes_disposition": self._dispositions.owes(agent_id),
                "dispositions": dict(self._dispositions.choices(agent_id)),
            }
            for agent_id, agent in self._roster.agents.items()
        ]


def _may_have(agent: PooledAgent, claim: ClaimAgent) -> bool:
    """Whether an agent serves the caller, and is not kept for another contact."""
    meant = claim.attempt is not None and claim.attempt.agent_id == agent.profile.agent_id
    return (meant or not agent.bound) and agent.serves(claim.queue)
