"""Every agent with the lists that they stand in: ready, held for a campaign, with a caller.

The rule of this module: the lists are never written but by `file`, from an agent's own state, so
they cannot contradict it; and each is read longest idle first.
"""

from collections import Counter
from collections.abc import Iterator

from actors.runtime import Timer
from dialer.agents import AGENT, AgentProfile
from dialer.ports import Sink

_HELD = frozenset({"ringing", "reserved", "pending_not_ready", "pending_logout"})
_FREE = frozenset({"ready", "not_ready", "logged_out"})


class PooledAgent:
    """One agent as the pool knows them.

    bound: kept for one contact; other callers of the campaign do not get them.
    ends_at: when their wrap-up will be over, 0 where nobody knows.
    since: when the present state began. idle_since: when they last became ready from work or
    absence; a reservation that came to nothing does not count. counts_for: the campaign in whose
    use they are counted.
    """

    __slots__ = (
        "attempt_id",
        "bound",
        "call",
        "campaign_id",
        "counts_for",
        "ends_at",
        "idle_since",
        "profile",
        "reason",
        "since",
        "state",
        "wrap_up",
    )

    def __init__(self, profile: AgentProfile, at: float) -> None:
        self.profile = profile
        self.state = AGENT.initial
        self.since = at
        self.ends_at = 0.0
        self.idle_since = at
        self.reason = ""
        self.campaign_id = 0
        self.counts_for = 0
        self.attempt_id = 0
        self.bound = False
        self.call: Sink | None = None
        self.wrap_up: Timer | None = None

    def serves(self, queue: str) -> bool:
        return queue in self.profile.queues


class Roster:
    """All agents, by id and by what they are doing."""

    def __init__(self) -> None:
        self.agents: dict[str, PooledAgent] = {}
        # Longest idle first: per queue who is ready, per campaign who is held for it.
        self._ready: dict[str, dict[str, PooledAgent]] = {}
        self._held: dict[int, dict[str, PooledAgent]] = {}
        self._with: dict[int, PooledAgent] = {}
        self._used: Counter[int] = Counter()

    def ready(self, queue: str) -> Iterator[PooledAgent]:
        """Ready agents of a queue, longest idle first."""
        return iter(self._ready.get(queue, {}).values())

    def count_ready(self, queue: str) -> int:
        return len(self._ready.get(queue, ()))

    def used(self, campaign_id: int) -> int:
        """Agents whom a campaign has: held for it, with its callers, or in wrap-up."""
        return self._used[campaign_id]

    def held(self, campaign_id: int) -> Iterator[PooledAgent]:
        """Agents ringing or reserved for a campaign, longest idle first."""
        return iter(self._held.get(campaign_id, {}).values())

    def count_held(self, campaign_id: int) -> int:
        return len(self._held.get(campaign_id, ()))

    def holds(self, campaign_id: int, agent_id: str) -> bool:
        return agent_id in self._held.get(campaign_id, {})

    def with_caller(self, attempt_id: int) -> PooledAgent | None:
        """The agent who has this caller."""
        return self._with.get(attempt_id)

    def give(self, agent: PooledAgent, attempt_id: int, call: Sink) -> None:
        """From now on an agent is with a caller; `file` must follow."""
        agent.attempt_id = attempt_id
        agent.call = call
        self._with[attempt_id] = agent

    def is_staffed(self, queue: str) -> bool:
        """Whether anybody who serves the queue is logged in."""
        return any(a.serves(queue) and a.state != "logged_out" for a in self.agents.values())

    def staffed(self, queue: str) -> int:
        """How many who serve the queue are logged in."""
        return sum(a.serves(queue) and a.state != "logged_out" for a in self.agents.values())

    def restore(self, agent: PooledAgent, attempt_id: int, call: Sink | None) -> None:
        """Take an agent in who was known before, with their caller if they have one."""
        self.agents[agent.profile.agent_id] = agent
        if call is not None:
            self.give(agent, attempt_id, call)
        # As from a reservation: how long they have been idle stays as it is.
        self.file(agent, "reserved", agent.since)

    def change_profile(self, agent: PooledAgent, profile: AgentProfile) -> None:
        self._unlist_ready(agent)
        agent.profile = profile
        if agent.state == "ready":
            self._list_ready(agent)

    def file(self, agent: PooledAgent, before: str, at: float) -> None:
        """Put an agent into the lists of their present state."""
        agent_id, after = agent.profile.agent_id, agent.state
        if before == "ready":
            self._unlist_ready(agent)
        if after in _HELD and not agent.attempt_id:
            held = self._held.setdefault(agent.campaign_id, {})
            if agent_id not in held:
                _insert(held, agent)
        else:
            self._held.get(agent.campaign_id, {}).pop(agent_id, None)
        if after in _FREE or after == "wrap_up":
            self._with.pop(agent.attempt_id, None)
            agent.attempt_id = 0
            agent.bound = False
            agent.call = None
        if after in _FREE:
            # Wrap-up is still the campaign's: it counts how long it takes.
            agent.campaign_id = 0
        if after == "ready":
            if before not in _HELD:
                agent.idle_since = at
            self._list_ready(agent)
        if agent.campaign_id != agent.counts_for:
            self._used[agent.counts_for] -= 1
            self._used[agent.campaign_id] += 1
            agent.counts_for = agent.campaign_id

    def _list_ready(self, agent: PooledAgent) -> None:
        for queue in agent.profile.queues:
            _insert(self._ready.setdefault(queue, {}), agent)

    def _unlist_ready(self, agent: PooledAgent) -> None:
        for queue in agent.profile.queues:
            self._ready.get(queue, {}).pop(agent.profile.agent_id, None)


def _insert(agents: dict[str, PooledAgent], agent: PooledAgent) -> None:
    """Add an agent so that the longest idle stays first; who was idle last goes to the end."""
    last = next(reversed(agents.values()), None)
    agents[agent.profile.agent_id] = agent
    if last is not None and agent.idle_since < last.idle_since:
        ordered = sorted(agents.items(), key=lambda item: item[1].idle_since)
        agents.clear()
        agents.update(ordered)
