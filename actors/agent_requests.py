"""What campaigns ask of the agents: to hear of them, to reserve them, to show them contacts.

The rule of this module: an agent is booked only from `ready`, longest idle first, so nobody is
booked twice; what comes of a request is told after what became of the agents.
"""

from collections.abc import Mapping

from actors.agent_messages import (
    AgentMove,
    AgentsMoved,
    BindAgent,
    LooksAhead,
    PreviewDecided,
    PreviewTimeout,
    ReleaseAgents,
    RequestExpired,
    SeizeAgents,
    SeizeFailed,
    SeizeNamed,
    ShowPreview,
    Subscribe,
    Unsubscribe,
    WithdrawPreview,
    WithdrawRequests,
)
from actors.agent_steps import AgentSteps
from actors.counted_agents import CountedAgents
from actors.disposition_desk import DispositionDesk
from actors.roster import PooledAgent
from actors.runtime import handles
from actors.seize_request import SeizeRequest
from dialer.events import (
    AgentNoAnswer,
    PreviewAnswered,
)
from dialer.ports import AgentDesk, Sink

_A_MOMENT_S = 0.001


class AgentRequests(AgentSteps):
    """Reserves agents for campaigns."""

    def __init__(
        self,
        desk: AgentDesk,
        recorder: Sink,
        dispositions: DispositionDesk,
        floors: Mapping[str, int],
    ) -> None:
        super().__init__(desk, recorder, dispositions, floors)
        # By campaign and queue.
        self._requests: dict[tuple[int, str], SeizeRequest] = {}
        self._named: dict[int, list[str]] = {}
        self._counted = CountedAgents(self._roster, self._campaigns)

    # --- campaigns ----------------------------------------------------------------------------

    @handles(Subscribe)
    def _on_subscribe(self, message: Subscribe) -> None:
        campaign_id = message.campaign_id
        if message.anew:
            self._on_unsubscribe(Unsubscribe(campaign_id))
        self._dispositions.follow(campaign_id, message.dispositions)
        former = self._campaigns.get(campaign_id)
        self._campaigns[campaign_id] = message
        self._listen(campaign_id, message.queues)
        served = set(message.queues)
        left = set(former.queues) - served if former is not None else set()
        moves = []
        for agent_id, agent in self._roster.agents.items():
            if served.intersection(agent.profile.queues):
                state, holder, attempt_id = agent.state, agent.campaign_id, agent.attempt_id
                there = AgentMove(agent_id, "", state, holder, attempt_id, ends_at=agent.ends_at)
                moves.append(there)
            elif left.intersection(agent.profile.queues):
                moves.append(AgentMove(agent_id, "", "", 0, 0))
        message.campaign.tell(AgentsMoved(self.runtime.now(), tuple(moves)))

    @handles(Unsubscribe)
    def _on_unsubscribe(self, message: Unsubscribe) -> None:
        """Also of a campaign that was made anew: it knows nothing of what its former self held."""
        campaign_id = message.campaign_id
        self._campaigns.pop(campaign_id, None)
        self._listen(campaign_id, ())
        self._named.pop(campaign_id, None)
        self._on_withdraw(WithdrawRequests(campaign_id))
        for agent in [*self._roster.held[campaign_id].values()]:
            self._move(agent, "release")

    @handles(LooksAhead)
    def _on_looks_ahead(self, message: LooksAhead) -> None:
        self._counted.dials(message, self.runtime.now())

    # --- reservations -------------------------------------------------------------------------

    @handles(SeizeAgents)
    def _on_seize(self, message: SeizeAgents) -> None:
        key = (message.campaign_id, message.queue)
        request = self._requests.get(key)
        if request is None:
            request = self._requests[key] = SeizeRequest(message)
        else:
            request.seize = message
        missing = self._shares.missing(request)
        if missing > 0 and not self._roster.is_staffed(message.queue):
            self._end(request, "no_agent_available", missing)
        else:
            self._fill(request)

    @handles(RequestExpired)
    def _on_expired(self, message: RequestExpired) -> None:
        request = self._requests.get((message.campaign_id, message.queue))
        if request is None:
            return
        request.timer = None
        missing = self._shares.missing(request)
        if missing <= 0:
            return
        if self._waited_s(request) < request.seize.ttl_s - _A_MOMENT_S:
            self._wait(request)  # it got somebody since the timer was set
        else:
            self._end(request, "reservation_timeout", missing)

    @handles(WithdrawRequests)
    def _on_withdraw(self, message: WithdrawRequests) -> None:
        for key in [key for key in self._requests if key[0] == message.campaign_id]:
            self._forget(self._requests[key])
        for agent in [*self._roster.held[message.campaign_id].values()]:
            if agent.state == "ringing":
                self._move(agent, "release")

    @handles(ReleaseAgents)
    def _on_release(self, message: ReleaseAgents) -> None:
        held = self._roster.held[message.campaign_id]
        for agent_id in message.agent_ids:
            if agent_id in held:
                self._move(held[agent_id], "release")

    def _refill(self) -> None:
        """Campaigns that lost agents whom they held get others, where there are any."""
        shorter = self._shorter
        for request in self._requests.values():
            if request.seize.campaign_id in shorter:
                request.waits_since = shorter[request.seize.campaign_id]
                self._fill(request)
        shorter.clear()

    def _fill(self, request: SeizeRequest) -> None:
        """Reserve ready agents for a request, longest idle first."""
        missing = self._shares.missing(request)
        if missing <= 0:
            return
        seize = request.seize
        if self._roster.ready[seize.queue]:
            room = self._shares.room(seize.campaign_id, seize.queue)
            for _ in range(min(missing, room)):
                agent = self._shares.free(seize.queue)
                if agent is None:
                    break
                self._book(agent, request)
            missing = self._shares.missing(request)
        if request.timer is None and missing > 0:
            request.waits_since = self.runtime.now()
            self._wait(request)

    def _wait(self, request: SeizeRequest) -> None:
        """Look again when nobody may have come for as long as the TTL."""
        seize = request.seize
        left_s = max(0.0, seize.ttl_s - self._waited_s(request))
        expired = RequestExpired(seize.campaign_id, seize.queue)
        request.timer = self.runtime.after(left_s, self.ref, expired)

    def _waited_s(self, request: SeizeRequest) -> float:
        return self.runtime.now() - request.waits_since

    def _book(self, agent: PooledAgent, request: SeizeRequest) -> None:
        """Reserve a ready agent for a request; a phone that rings per call is offered first."""
        agent.campaign_id = request.seize.campaign_id
        if self._desk.kept_up:
            self._move(agent, "reserve")
        else:
            self._move(agent, "offer")
            self._desk.offer(agent.agent_id)
        request.waits_since = agent.since

    @handles(AgentNoAnswer)
    def _on_no_answer(self, event: AgentNoAnswer) -> None:
        agent = self._roster.agents.get(event.agent_id)
        if agent is not None and agent.state == "reserved" and not self._desk.kept_up:
            self._move(agent, "no_answer", "rona")  # they picked up, and hung up again
        elif agent is not None and agent.state == "ringing":
            campaign_id = agent.campaign_id
            self._move(agent, "no_answer", "rona")
            self._fail(campaign_id, 0, "rona", 1)

    def _end(self, request: SeizeRequest, event: str, missing: int) -> None:
        """A request is over, and why."""
        self._forget(request)
        self._fail(request.seize.campaign_id, request.seize.request_id, event, missing)

    def _forget(self, request: SeizeRequest) -> None:
        seize = request.seize
        del self._requests[seize.campaign_id, seize.queue]
        if request.timer is not None:
            request.timer.cancel()

    def _fail(self, campaign_id: int, request_id: int, event: str, missing: int) -> None:
        campaign = self._campaigns.get(campaign_id)
        if campaign is not None:
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
                agent.campaign_id, agent.bound = campaign_id, True
                if self._desk.kept_up:
                    self._move(agent, "reserve")
                else:
                    self._move(agent, "offer")
                    self._desk.offer(agent_id)
                return True
        return False

    @handles(BindAgent)
    def _on_bind(self, message: BindAgent) -> None:
        agent = self._roster.held[message.campaign_id].get(message.agent_id)
        if agent is not None:
            agent.bound = message.bound

    # --- previews -----------------------------------------------------------------------------

    @handles(ShowPreview)
    def _on_show(self, message: ShowPreview) -> None:
        agent_id, campaign = message.agent_id, self._campaigns.get(message.campaign_id)
        agent = self._roster.agents.get(agent_id)
        if agent is None or campaign is None:
            return  # of a campaign that is gone: its feeder has let go of the contact
        if agent.state == "reserved" and agent_id in self._roster.held[message.campaign_id]:
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
