"""A campaign's reserved agents, and the calls in flight for them.

The rule of this module: a reservation lasts while any attempt placed on it is unsettled, and when
the last of them has ended without a live human, the agent counts as newly reserved. Attempts are
interchangeable: when a caller takes an agent, that agent's other attempts move to reservations
that have room, and what finds no room waits, unplaced, for the next one. So the calls in flight
are kept at the sum of the quotas, and a fraction of a ratio is carried over, never lost.
"""

from math import floor

_EPSILON = 1e-9  # a ratio such as 0.1 * 30 must not lose a call to rounding


class Reservations:
    """Who is reserved for a campaign, with how many calls in flight of what quota."""

    def __init__(self) -> None:
        self._quota: dict[str, int] = {}
        self._calls: dict[str, int] = {}
        self._placed_on: dict[int, str] = {}
        self._unplaced: dict[int, None] = {}
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
    def in_flight(self) -> int:
        """Attempts that are neither ended nor answered by a human."""
        return len(self._placed_on) + len(self._unplaced)

    def idle(self) -> tuple[str, ...]:
        """Reserved agents with no attempt in flight, oldest reservation first."""
        return tuple(agent_id for agent_id, calls in self._calls.items() if calls == 0)

    def arm(self, agent_id: str, ratio: float) -> int:
        """Reserve an agent, or count them as newly reserved: how many calls to place now.

        ratio: calls in flight wanted per reserved agent.
        """
        wanted = ratio + self._carry + _EPSILON
        quota = floor(wanted)
        self._carry = wanted - quota - _EPSILON
        self._quota[agent_id] = quota
        self._calls.setdefault(agent_id, 0)
        while self._unplaced and self._calls[agent_id] < quota:
            attempt_id, _ = self._unplaced.popitem()
            self._place(attempt_id, agent_id)
        return max(0, quota - self._calls[agent_id])

    def top_up(self) -> int:
        """How many calls are missing from the sum of the quotas."""
        return max(0, sum(self._quota.values()) - self.in_flight)

    def placed(self, attempt_id: int) -> str:
        """An attempt is in flight: the agent it is placed on, "" where none has room."""
        roomiest = max(self._quota, key=self._room, default="")
        if roomiest and self._room(roomiest) > 0:
            self._place(attempt_id, roomiest)
            return roomiest
        self._unplaced[attempt_id] = None
        return ""

    def ended(self, attempt_id: int) -> str:
        """An attempt ended without a live human: the agent to arm again, or ""."""
        self._unplaced.pop(attempt_id, None)
        agent_id = self._placed_on.pop(attempt_id, "")
        if agent_id not in self._calls:
            return ""
        self._calls[agent_id] -= 1
        return agent_id if self._calls[agent_id] == 0 else ""

    def answered(self, attempt_id: int) -> None:
        """A live human: the attempt is in flight no more, whoever takes it."""
        self._unplaced.pop(attempt_id, None)
        agent_id = self._placed_on.pop(attempt_id, "")
        if agent_id in self._calls:
            self._calls[agent_id] -= 1

    def lost(self, agent_id: str) -> None:
        """An agent is reserved no more: taken by a caller, released, or gone."""
        self._quota.pop(agent_id, None)
        if not self._calls.pop(agent_id, 0):
            return
        orphans = [a for a, placed_on in self._placed_on.items() if placed_on == agent_id]
        for attempt_id in orphans:
            del self._placed_on[attempt_id]
            self.placed(attempt_id)

    def _place(self, attempt_id: int, agent_id: str) -> None:
        self._placed_on[attempt_id] = agent_id
        self._calls[agent_id] += 1

    def _room(self, agent_id: str) -> int:
        return self._quota[agent_id] - self._calls[agent_id]
