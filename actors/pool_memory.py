"""What an agent pool that died leaves to its successor.

The rule of this module: agents need not log in again because of a bug of ours. What is handed on is
who they are and what they were doing; reservations are not, since whoever asked for them asks anew.
"""

from typing import NamedTuple

from actors.roster import PooledAgent, Roster
from dialer.agents import AgentProfile
from dialer.ports import Sink


class Remembered(NamedTuple):
    """An agent as the former pool knew them last; see `PooledAgent`."""

    profile: AgentProfile
    state: str
    since: float
    idle_since: float
    reason: str
    campaign_id: int
    attempt_id: int
    call: Sink | None


class PoolMemory:
    """Kept outside the pool, and read once by the next."""

    def __init__(self) -> None:
        self._agents: tuple[Remembered, ...] = ()

    def keep(self, roster: Roster) -> None:
        self._agents = tuple(_remembered(agent) for agent in roster.agents.values())

    def take(self) -> tuple[Remembered, ...]:
        """Once: a memory that the successor dies of is not handed on again."""
        agents, self._agents = self._agents, ()
        return agents


def restored(known: Remembered) -> PooledAgent:
    """An agent as they were; the roster has still to file them."""
    agent = PooledAgent(known.profile, known.since)
    agent.state = known.state
    agent.idle_since = known.idle_since
    agent.reason = known.reason
    agent.campaign_id = known.campaign_id
    return agent


def _remembered(agent: PooledAgent) -> Remembered:
    return Remembered(
        agent.profile,
        agent.state,
        agent.since,
        agent.idle_since,
        agent.reason,
        agent.campaign_id,
        agent.attempt_id,
        agent.call,
    )
