"""Every agent with the lists that they stand in: ready, held for a campaign, with a caller.

The rule of this module: the lists are never written but by `file`, from an agent's own state, so
they cannot contradict it; and each is read longest idle first.
"""

from collections import defaultdict

from actors.runtime import Timer
from dialer.agents import AGENT, AgentProfile
from dialer.ports import Sink

_HELD = frozenset({"ringing", "reserved", "pending_not_ready", "pending_logout"})
_APART = frozenset({"ready", "not_ready", "logged_out", "wrap_up"})
"""States without a caller, and without a promise to one."""


class PooledAgent:
    """One agent as the pool knows them.

    bound: kept for one contact; other callers of the campaign do not get them.
    ends_at: when their wrap-up will be over, 0 where nobody knows.
    since: when the present state began. idle_since: when they last became ready from work or
    absence; a reservation that came to nothing does not count. heard_by: the campaigns that may
    use them, and hear of all that they do.
    """

    __slots__ = (
        "agent_id",
        "attempt_id",
        "bound",
        "call",
        "campaign_id",
        "ends_at",
        "heard_by",
        "idle_since",
        "profile",
        "reason",
        "since",
        "state",
        "wrap_up",
    )

    def __init__(self, profile: AgentProfile, at: float) -> None:
        self.agent_id = profile.agent_id
        self.profile = profile
        self.heard_by: tuple[Sink, ...] = ()
        self.state = AGENT.initial
        self.since = at
        self.ends_at = 0.0
        self.idle_since = at
        self.reason = ""
        self.campaign_id = 0
        self.attempt_id = 0
        self.bound = False
        self.call: Sink | None = None
        self.wrap_up: Timer | None = None

    def serves(self, queue: str) -> bool:
        return queue in self.profile.queues


class Roster:
    """All agents, by id and by what they are doing; to be read, and written by nobody else.

    ready: by queue, who is ready. held: by campaign, who is ringing or reserved for it. Both have
    the longest idle first. all_ready: how many are ready, whatever they serve. with_caller: by
    attempt, who has the caller. used: by campaign, how many it has: held for it, with its callers,
    or in wrap-up.
    """

    def __init__(self) -> None:
        self.agents: dict[str, PooledAgent] = {}
        self.ready: defaultdict[str, dict[str, PooledAgent]] = defaultdict(dict)
        self.all_ready = 0
        self.held: defaultdict[int, dict[str, PooledAgent]] = defaultdict(dict)
        self.with_caller: dict[int, PooledAgent] = {}
        self.used: defaultdict[int, int] = defaultdict(int)

    def give(self, agent: PooledAgent, attempt_id: int, call: Sink) -> None:
        """From now on an agent is with a caller; `file` must follow."""
        agent.attempt_id = attempt_id
        agent.call = call
        self.with_caller[attempt_id] = agent

    def is_staffed(self, queue: str) -> bool:
        """Whether anybody who serves the queue is logged in."""
        return any(a.serves(queue) and a.state != "logged_out" for a in self.agents.values())

    def staffed(self, queue: str) -> int:
        """How many who serve the queue are logged in."""
        return sum(a.serves(queue) and a.state != "logged_out" for a in self.agents.values())

    def restore(self, agent: PooledAgent, attempt_id: int, call: Sink | None) -> None:
        """Take an agent in who was known before, with their caller if they have one."""
        self.agents[agent.agent_id] = agent
        if call is not None:
            self.give(agent, attempt_id, call)
        if agent.campaign_id:
            self.used[agent.campaign_id] += 1
        # As from a reservation: how long they have been idle stays as it is.
        self.file(agent, "reserved", agent.since)

    def change_profile(self, agent: PooledAgent, profile: AgentProfile) -> None:
        is_ready = agent.state == "ready"
        if is_ready:
            self._unlist_ready(agent)
        agent.profile = profile
        if is_ready:
            self._list_ready(agent)

    def file(self, agent: PooledAgent, before: str, at: float) -> None:
        """Put an agent into the lists of their present state."""
        after = agent.state
        was_held = before in _HELD
        if before == "ready":
            self._unlist_ready(agent)
            if agent.campaign_id:
                self.used[agent.campaign_id] += 1
        if after in _HELD and not agent.attempt_id:
            held = self.held[agent.campaign_id]
            if agent.agent_id not in held:
                _insert(held, agent)
        elif was_held:
            self.held[agent.campaign_id].pop(agent.agent_id, None)
        if after in _APART:
            if agent.call is not None:
                self.with_caller.pop(agent.attempt_id, None)
                agent.attempt_id = 0
                agent.call = None
            agent.bound = False
            if after != "wrap_up":  # which is still the campaign's: it counts how long it takes
                if agent.campaign_id:
                    self.used[agent.campaign_id] -= 1
                    agent.campaign_id = 0
                if after == "ready":
                    if was_held:
                        self._list_ready(agent)
                    else:
                        self._list_newly_ready(agent, at)

    def _list_ready(self, agent: PooledAgent) -> None:
        self.all_ready += 1
        for queue in agent.profile.queues:
            _insert(self.ready[queue], agent)

    def _list_newly_ready(self, agent: PooledAgent, at: float) -> None:
        self.all_ready += 1
        agent.idle_since = at
        for queue in agent.profile.queues:
            self.ready[queue][agent.agent_id] = agent  # nobody came later

    def _unlist_ready(self, agent: PooledAgent) -> None:
        self.all_ready -= 1
        for queue in agent.profile.queues:
            del self.ready[queue][agent.agent_id]


def _insert(agents: dict[str, PooledAgent], agent: PooledAgent) -> None:
    """Add an agent so that the longest idle stays first; who was idle last goes to the end."""
    last = next(reversed(agents.values())) if agents else agent
    agents[agent.agent_id] = agent
    if agent.idle_since < last.idle_since:
        ordered = sorted(agents.items(), key=lambda item: item[1].idle_since)
        agents.clear()
        agents.update(ordered)
