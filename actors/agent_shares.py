"""Which campaign gets the next agent, and which agents must stay free.

The rule of this module: among campaigns that want an agent of a queue, the one goes first that
has the fewest for its priority, so that none starves; no campaign has more than its share of a
queue's agents; and outbound calls never take a queue below its floor of ready agents.
"""

import math
from collections.abc import Iterable, Mapping

from actors.agent_messages import Subscribe
from actors.roster import PooledAgent, Roster
from actors.seize_request import SeizeRequest

_SLACK = 1e-9


class AgentShares:
    """Divides the agents of a roster among campaigns.

    floors: how many ready agents each queue keeps for inbound calls.
    campaigns: those that have subscribed, by id, with their priority and share.
    """

    def __init__(
        self, roster: Roster, campaigns: Mapping[int, Subscribe], floors: Mapping[str, int]
    ) -> None:
        self._roster = roster
        self._campaigns = campaigns
        self._floors = {queue: floor for queue, floor in floors.items() if floor}

    def free(self, queue: str) -> PooledAgent | None:
        """The longest idle agent of a queue whom an outbound call may take."""
        for agent in self._roster.ready[queue].values():
            if not self._floors or self._may_leave(agent):
                return agent
        return None

    def room(self, campaign_id: int, queue: str) -> int:
        """How many more agents of a queue a campaign may have; at least one in all."""
        campaign = self._campaigns.get(campaign_id)
        if campaign is None or campaign.share >= 1.0:
            return len(self._roster.agents)
        staffed = self._roster.staffed(queue)
        most = max(1, math.floor(campaign.share * staffed + _SLACK))
        return max(0, most - self._roster.used[campaign_id])

    def missing(self, request: SeizeRequest) -> int:
        """How many agents a request is short of."""
        seize = request.seize
        return seize.wanted - len(self._roster.held[seize.campaign_id])

    def next_to_serve(
        self, requests: Iterable[SeizeRequest]
    ) -> tuple[SeizeRequest, PooledAgent] | None:
        """The request that gets the next agent, and whom; the oldest among equals."""
        short = []
        for request in requests:
            seize = request.seize
            if seize.wanted > len(self._roster.held[seize.campaign_id]):
                short.append(request)
        if len(short) > 1:
            short.sort(key=self._rank)
        for request in short:
            seize = request.seize
            agent = self.free(seize.queue)
            if agent is not None and self.room(seize.campaign_id, seize.queue):
                return request, agent
        return None

    def _rank(self, request: SeizeRequest) -> tuple[float, int]:
        campaign_id = request.seize.campaign_id
        campaign = self._campaigns.get(campaign_id)
        priority = campaign.priority if campaign is not None else 1
        return self._roster.used[campaign_id] / priority, -priority

    def _may_leave(self, agent: PooledAgent) -> bool:
        """Whether every queue that they serve still has its floor without them."""
        return all(
            len(self._roster.ready[queue]) > self._floors.get(queue, 0)
            for queue in agent.profile.queues
        )
