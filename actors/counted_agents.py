"""Which agents each look-ahead campaign may count on.

The rule of this module: an agent is counted on by one campaign alone, so that two do not dial for
the same agent who comes free. They are divided by the campaigns' priorities among those that dial
now, up to the share that each may have. Who gets a caller is another matter: any agent who is
free, whoever counts on them, so dividing can only lead to fewer abandoned calls.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from actors.agent_messages import AgentsCounted, LooksAhead, Subscribe
from actors.roster import PooledAgent, Roster

TELL_EVERY_S = 10.0
"""So often a campaign says that it dials."""

SILENT_S = 3 * TELL_EVERY_S
"""After this the others have its agents to count on."""

_SLACK = 1e-9


class CountedAgents:
    """Divides the agents of a roster. campaigns: those that have subscribed, by id."""

    def __init__(self, roster: Roster, campaigns: Mapping[int, Subscribe]) -> None:
        self._roster = roster
        self._campaigns = campaigns
        self._heard_at: dict[int, float] = {}
        self._owner: dict[str, int] = {}
        self._told: dict[int, tuple[str, ...] | None] = {}

    def dials(self, message: LooksAhead, now: float) -> None:
        """A campaign looks ahead now; whoever is to count on others than before is told."""
        self._heard_at[message.campaign_id] = now
        if message.asks:
            self._told.pop(message.campaign_id, None)
        dialing = {
            each: self._campaigns[each]
            for each, heard_at in self._heard_at.items()
            if each in self._campaigns and now - heard_at <= SILENT_S
        }
        divided = len(dialing) > 1 or any(each.share < 1 for each in dialing.values())
        self._owner = self._divided(dialing) if divided else {}
        for each, campaign in dialing.items():
            mine = self._of(each) if divided else None
            if each not in self._told or self._told[each] != mine:
                self._told[each] = mine
                campaign.campaign.tell(AgentsCounted(mine))

    def _of(self, campaign_id: int) -> tuple[str, ...]:
        return tuple([agent for agent, owner in self._owner.items() if owner == campaign_id])

    def _divided(self, dialing: Mapping[int, Subscribe]) -> dict[str, int]:
        """The owner of each agent; as it was where that is fair, for who moves must be told."""
        agents = [a for a in self._roster.agents.values() if a.state != "logged_out"]
        counts: Counter[int] = Counter()
        owners: dict[str, int] = {}
        most = {
            each: max(1, math.floor(campaign.share * self._staffed(campaign, agents) + _SLACK))
            for each, campaign in dialing.items()
        }
        for agent in agents:
            agent_id = agent.profile.agent_id
            mine = self._owner.get(agent_id, 0)
            if mine in self._eligible(agent, dialing) and counts[mine] < most[mine]:
                owners[agent_id] = mine
                counts[mine] += 1

        def rank(campaign_id: int, agents: int) -> float:
            return agents / dialing[campaign_id].priority

        for agent in agents:
            agent_id = agent.profile.agent_id
            open_to = [e for e in self._eligible(agent, dialing) if counts[e] < most[e]]
            if not open_to:
                continue
            poorest = min(open_to, key=lambda each: (rank(each, counts[each] + 1), each))
            mine = owners.get(agent_id, 0)
            if not mine or rank(poorest, counts[poorest] + 1) < rank(mine, counts[mine]) - _SLACK:
                counts[mine] -= bool(mine)
                counts[poorest] += 1
                owners[agent_id] = poorest
        return owners

    @staticmethod
    def _eligible(agent: PooledAgent, dialing: Mapping[int, Subscribe]) -> Iterator[int]:
        return (each for each, of in dialing.items() if any(map(agent.serves, of.queues)))

    @staticmethod
    def _staffed(campaign: Subscribe, agents: list[PooledAgent]) -> int:
        return sum(any(map(agent.serves, campaign.queues)) for agent in agents)
