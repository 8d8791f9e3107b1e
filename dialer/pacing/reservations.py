"""A campaign's reserved agents, and the calls in flight for them.

The rule of this module: a reservation lasts while any attempt placed on it is unsettled, and when
the last of them has ended without a live human, the agent counts as newly reserved. Attempts are
interchangeable: when a caller takes an agent, that agent's other attempts move to reservations
that have room, and what finds no room waits, unplaced, for the next one. So the calls in flight
are kept at the sum of the quotas, and a fraction of a ratio is carried over, never lost.

An attempt is known here by its ticket, a number that the campaign draws when it asks for a
contact, so that a call counts as in flight from the moment it was decided.
"""

from collections.abc import Iterator
from math import floor

_EPSILON = 1e-9  # a ratio such as 0.1 * 30 must not lose a call to rounding


class Reservations:
    """Who is reserved for a campaign, with how many calls in flight of what quota."""

    def __init__(self) -> None:
        # quota: calls in flight that are strived for, the sum of all agents' quotas. in_flight:
        # tickets whose attempt is neither over nor taken by an agent. idle_agents: how many have
        # no call in flight: mostly nobody, so nobody has to be looked at.
        self.quota = self.in_flight = self.idle_agents = 0
        self._quota: dict[str, int] = {}
        self._calls: dict[str, int] = {}
        self._placed_on: dict[int, str] = {}
        self._unplaced: dict[int, None] = {}
        self._leaving: set[str] = set()
        self._carry = 0.0

    def __len__(self) -> int:
        return len(self._quota)

    def __contains__(self, agent_id: str) -> bool:
        return agent_id in self._quota

    @property
    def agents(self) -> tuple[str, ...]:
        """Reserved agents, oldest reservation first."""
        return tuple(self._quota)

    @property
    def staying(self) -> int:
        """Reserved agents who have not asked to leave."""
        return len(self._quota) - len(self._leaving)

    @property
    def unplaced(self) -> int:
        """Tickets in flight for whom no reservation has room."""
        return len(self._unplaced)

    @property
    def carried(self) -> float:
        """The fraction of a call that earlier decisions have left over."""
        return self._carry

    def per_pulse(self, ratio: float) -> int:
        """How many contacts a pulse releases where no agent is seized."""
        wanted = ratio + self._carry
        whole = floor(wanted + _EPSILON)
        self._carry = wanted - whole
        return whole

    def idle(self) -> tuple[str, ...]:
        """Reserved agents with no attempt in flight, oldest reservation first."""
        if not self.idle_agents:
            return ()
        return tuple([agent_id for agent_id, calls in self._calls.items() if calls == 0])

    def hold(self, agent_id: str) -> None:
        """An agent is reserved, and nothing is strived for yet beyond what rings for them."""
        self._leaving.discard(agent_id)
        self._know(agent_id)
        self._set_quota(agent_id, self._calls[agent_id])

    def wind_down(self, agent_id: str) -> None:
        """An agent will leave: no more calls for them, while those in flight go on."""
        if agent_id in self._quota:
            self._set_quota(agent_id, 0)
            self._leaving.add(agent_id)

    def arm(self, agent_id: str, ratio: float) -> int:
        """Count an agent as newly reserved: how many calls to place now.

        ratio: calls in flight wanted per reserved agent.
        """
        quota = self.per_pulse(ratio)
        self._set_quota(agent_id, quota)
        self._know(agent_id)
        self._adopt(agent_id)
        return max(0, quota - self._calls[agent_id])

    def bind(self, ticket: int, agent_id: str) -> None:
        """A contact is meant for this agent, who gets no other beside it."""
        self._set_quota(agent_id, 1)
        self._know(agent_id)
        self.in_flight += 1
        self._place(ticket, agent_id)

    def follow(self, least: int, most: int) -> None:
        """The figure has changed: bring the sum of the quotas between these two.

        It is spread evenly; agents who are about to leave get no more.
        """
        missing, surplus = least - self.quota, self.quota - most
        for agent_id in self._evenly(missing):
            self._set_quota(agent_id, self._quota[agent_id] + 1)
            self._adopt(agent_id)
        for _ in range(surplus):
            # Room is given up first: an agent who has none is of no more calls anyway.
            roomiest = max(self._quota, key=lambda a: (self._quota[a] - self._calls[a], a))
            self._set_quota(roomiest, self._quota[roomiest] - 1)

    def _evenly(self, count: int) -> Iterator[str]:
        """Agents to give one more call each, those with the fewest first."""
        for _ in range(count):
            open_to = [agent_id for agent_id in self._quota if agent_id not in self._leaving]
            if not open_to:
                return
            yield min(open_to, key=self._quota.__getitem__)

    def is_in_flight(self, ticket: int) -> bool:
        """Whether an attempt is neither over nor taken by an agent."""
        return ticket in self._placed_on or ticket in self._unplaced

    def top_up(self) -> int:
        """How many calls are missing from the sum of the quotas."""
        return max(0, self.quota - self.in_flight)

    def placed(self, ticket: int) -> str:
        """An attempt is in flight: the agent it is placed on, "" where none has room."""
        self.in_flight += 1
        return self._find_room(ticket)

    def _find_room(self, ticket: int) -> str:
        if self._calls:
            calls, quotas = self._calls, self._quota
            rooms = [quotas[agent_id] - placed for agent_id, placed in calls.items()]
            most = max(rooms)
            if most > 0:
                roomiest = [*calls][rooms.index(most)]
                self._place(ticket, roomiest)
                return roomiest
        self._unplaced[ticket] = None
        return ""

    def ended(self, ticket: int) -> str:
        """An attempt ended without a live human: the agent to arm again, or ""."""
        agent_id = self._placed_on.pop(ticket, "")
        if not agent_id:
            if ticket in self._unplaced:
                del self._unplaced[ticket]
                self.in_flight -= 1
            return ""
        self.in_flight -= 1
        calls = self._calls
        if agent_id not in calls:
            return ""
        left = calls[agent_id] = calls[agent_id] - 1
        if left:
            return ""
        self.idle_agents += 1
        return agent_id

    def answered(self, ticket: int) -> None:
        """A live human: the attempt is in flight no more, whoever takes it."""
        self.ended(ticket)

    def lost(self, agent_id: str) -> None:
        """An agent is reserved no more: taken by a caller, released, or gone."""
        self.quota -= self._quota.pop(agent_id, 0)
        self._leaving.discard(agent_id)
        calls = self._calls.pop(agent_id, None)
        if not calls:
            self.idle_agents -= calls == 0
            return
        orphans = [a for a, placed_on in self._placed_on.items() if placed_on == agent_id]
        for ticket in orphans:
            del self._placed_on[ticket]
            self._find_room(ticket)

    def _know(self, agent_id: str) -> None:
        if agent_id not in self._calls:
            self._calls[agent_id] = 0
            self.idle_agents += 1

    def _adopt(self, agent_id: str) -> None:
        """Calls that found no room elsewhere are placed on an agent who has some."""
        while self._unplaced and self._calls[agent_id] < self._quota[agent_id]:
            ticket, _ = self._unplaced.popitem()
            self._place(ticket, agent_id)

    def _place(self, ticket: int, agent_id: str) -> None:
        self._placed_on[ticket] = agent_id
        self.idle_agents -= self._calls[agent_id] == 0
        self._calls[agent_id] += 1

    def _set_quota(self, agent_id: str, quota: int) -> None:
        self.quota += quota - self._quota.get(agent_id, 0)
        self._quota[agent_id] = quota
