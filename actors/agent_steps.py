"""One agent's step from state to state, and who hears of it.

The rule of this module: an agent moves only along the agent table, and everything that happens to
an agent is published to the campaigns that may use them, before anybody acts on it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actors.agent_messages import AgentMove, AgentsMoved, Subscribe
from actors.agent_shares import AgentShares
from actors.disposition_desk import DispositionDesk
from actors.preview_desk import PreviewDesk
from actors.roster import PooledAgent, Roster
from actors.runtime import Behaviour
from dialer import journal
from dialer.agents import AGENT
from dialer.ports import AgentDesk, Sink

_NEXT = AGENT.steps
_OFFERED = ("ringing", "reserved", "pending_not_ready")
"""States in which a phone that rings per call may ring, or be off the hook, without a call."""


class AgentSteps(Behaviour):
    """Moves agents and publishes it. See `AgentPool` for what it is given."""

    def __init__(
        self,
        desk: AgentDesk,
        recorder: Sink,
        dispositions: DispositionDesk,
        floors: Mapping[str, int],
    ) -> None:
        self._desk = desk
        self._recorder = recorder
        self._dispositions = dispositions
        self._roster = Roster()
        self._campaigns: dict[int, Subscribe] = {}
        self._shares = AgentShares(self._roster, self._campaigns, floors)
        # By queue, the campaigns that use its agents.
        self._listeners: dict[str, list[int]] = {}
        self._previews = PreviewDesk(desk)
        self._moves: dict[Sink, list[AgentMove]] = {}
        self._moved_at = 0.0
        # Campaigns that lost agents whom they held, and when.
        self._shorter: dict[int, float] = {}

    def receive(self, message: Any) -> Any:
        answer = self.handlers[type(message)](self, message)
        if self._shorter:
            self._refill()
        if self._moves:
            self._publish()
        return answer

    def _give_work(self) -> None:
        """Give ready agents to whom they are due, until there is nobody to give or to get."""
        raise NotImplementedError

    def _refill(self) -> None:
        """Campaigns that lost agents whom they held get others, where there are any."""
        raise NotImplementedError

    def _move(self, agent: PooledAgent, event: str, reason: str = "") -> None:
        before, agent_id = agent.state, agent.agent_id
        after = _NEXT[before, event]
        now = self._moved_at = self.runtime.now()
        if before == "wrap_up":
            agent.ends_at = 0.0
            if agent.wrap_up is not None:
                agent.wrap_up.cancel()
                agent.wrap_up = None
        move = AgentMove(agent_id, before, after, agent.campaign_id, agent.attempt_id)
        agent.state = after
        agent.since = now
        agent.reason = reason
        moves = self._moves
        for campaign in agent.heard_by:
            if campaign in moves:
                moves[campaign].append(move)
            else:
                moves[campaign] = [move]
        tell = self._recorder.tell  # by way of the attribute it would be looked up in the class
        tell(journal.AgentMoved(agent_id, now, before, after, reason))
        was_offered = before in _OFFERED
        if was_offered:
            if agent_id in self._previews.shown:
                self._previews.leave(agent_id)
            self._shorter[agent.campaign_id] = now
        self._roster.file(agent, before, now)
        if was_offered and after in ("ready", "not_ready"):
            self._desk.withdraw(agent_id)
        if after == "ready":
            self._give_work()
        elif after == "logged_out":
            self._dispositions.left(agent_id, now)
            if event != "leg_down":
                self._desk.log_out(agent_id)

    def _tell_end(self, agent: PooledAgent, at: float) -> None:
        """It is known when an agent's wrap-up will be over."""
        agent.ends_at = at
        state, holder = agent.state, agent.campaign_id
        move = AgentMove(agent.agent_id, state, state, holder, 0, ends_at=at)
        for campaign in agent.heard_by:
            self._tell_later(campaign, move)

    def _who_may_use(self, agent: PooledAgent) -> Sequence[int]:
        queues = agent.profile.queues
        if len(queues) == 1:
            return self._listeners.get(queues[0], ())
        return sorted({i for queue in queues for i in self._listeners.get(queue, ())})

    def _tell_of(self, agent: PooledAgent) -> None:
        """From now on those who may use an agent hear of them."""
        campaigns = self._campaigns
        agent.heard_by = tuple([campaigns[i].campaign for i in self._who_may_use(agent)])

    def _listen(self, campaign_id: int, queues: Iterable[str]) -> None:
        """From now on a campaign hears of the agents of these queues, and of no others."""
        for listeners in self._listeners.values():
            if campaign_id in listeners:
                listeners.remove(campaign_id)
        for queue in dict.fromkeys(queues):
            self._listeners.setdefault(queue, []).append(campaign_id)
        for agent in self._roster.agents.values():
            self._tell_of(agent)

    def _tell_later(self, campaign: Sink, move: AgentMove) -> None:
        self._moved_at = self.runtime.now()
        self._moves.setdefault(campaign, []).append(move)

    def _publish(self) -> None:
        moves, self._moves = self._moves, {}
        for campaign, its_moves in moves.items():
            tell = campaign.tell  # as in `_move`
            tell(AgentsMoved(self._moved_at, tuple(its_moves)))
        if self._previews.withdrawn:
            self._previews.tell_withdrawn()
