"""One agent's step from state to state, and who hears of it.

The rule of this module: an agent moves only along the agent table, and everything that happens to
an agent is published to the campaigns that may use them, before anybody acts on it.
"""

from collections.abc import Iterable, Mapping
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
        self._listeners: dict[str, dict[int, Sink]] = {}
        self._previews = PreviewDesk(desk)
        self._moves: dict[int, list[AgentMove]] = {}
        # Campaigns that lost agents whom they held.
        self._shorter: set[int] = set()

    def receive(self, message: Any) -> Any:
        answer = self.handlers[type(message)](self, message)
        if self._shorter:
            self._refill()
        if self._moves:
            self._publish()
        return answer

    def _give_work(self) -> bool:
        """Give a ready agent to whom they are due; False where there is nobody to give or get."""
        raise NotImplementedError

    def _refill(self) -> None:
        """Campaigns that lost agents whom they held get others, where there are any."""
        raise NotImplementedError

    def _move(self, agent: PooledAgent, event: str, reason: str = "") -> None:
        before, after = agent.state, AGENT[agent.state, event]
        agent_id = agent.profile.agent_id
        now = self.runtime.now()
        if agent.wrap_up is not None:
            agent.wrap_up.cancel()
            agent.wrap_up = None
        move = AgentMove(agent_id, before, after, agent.campaign_id, agent.attempt_id)
        agent.state, agent.since, agent.reason, agent.ends_at = after, now, reason, 0.0
        if before == "reserved" and agent_id in self._previews:
            self._previews.left(agent_id)
        moves = self._moves
        for campaign_id in self._who_may_use(agent):
            if campaign_id in moves:
                moves[campaign_id].append(move)
            else:
                moves[campaign_id] = [move]
        self._recorder.tell(journal.AgentMoved(agent_id, now, before, after, reason))
        if before in _OFFERED:
            self._shorter.add(agent.campaign_id)
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

    def _tell_end(self, agent: PooledAgent, at: float) -> None:
        """It is known when an agent's wrap-up will be over."""
        agent.ends_at = at
        state, holder = agent.state, agent.campaign_id
        move = AgentMove(agent.profile.agent_id, state, state, holder, 0, ends_at=at)
        for campaign_id in self._who_may_use(agent):
            self._tell_later(campaign_id, move)

    def _who_may_use(self, agent: PooledAgent) -> Iterable[int]:
        queues = agent.profile.queues
        if len(queues) == 1:
            return self._listeners.get(queues[0], ())
        return sorted({i for queue in queues for i in self._listeners.get(queue, ())})

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
