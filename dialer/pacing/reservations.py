"""A campaign's reserved agents, and the calls in flight for them.

The rule of this module: a reservation lasts while any attempt placed on it is unsettled, and when
the last of them has ended without a live human, the agent counts as newly reserved. Attempts are
interchangeable: when a caller takes an agent, that agent's other attempts move to reservations
that have room, and what finds no room waits, unplaced, for the next one. So the calls in flight
are kept at the sum of the quotas, and a fraction of a ratio is carried over, never lost.

An attempt is known here by its ticket, a number that the campaign draws when it asks for a
contact, so that a call counts as in flight from the moment it was decided.

Several times a call somebody asks who has room and who is idle, mostly few or nobody. So those are
kept at hand, and never looked for among all.
"""

from collections.abc import Iterator
from math import floor
from operator import attrgetter

_EPSILON = 1e-9  # a ratio such as 0.1 * 30 must not lose a call to rounding


class Reservation:
    """One agent's.

    number: higher than that of any older reservation. quota: calls in flight that are strived for.
    room: how many of them are missing; below 0 where there are more. tickets: those placed on it,
    in that order. leaving: the agent has asked to leave.
    """

    __slots__ = ("agent_id", "leaving", "number", "quota", "room", "tickets")

    def __init__(self, agent_id: str, number: int) -> None:
        self.agent_id = agent_id
        self.number = number
        self.quota = self.room = 0
        self.tickets: dict[int, None] = {}
        self.leaving = False


_age = attrgetter("number")
_agent_id = attrgetter("agent_id")


class Reservations:
    """Who is reserved for a campaign, with how many calls in flight of what quota.

    For others to read: held: the reservations, by agent, the oldest first. quota: calls in flight
    that are strived for, the sum of all agents' quotas. in_flight: tickets whose attempt is
    neither over nor taken by an agent. unplaced: those for whom no reservation has room.
    idle_agents: reservations with no call in flight, in no order. carried: the fraction of a call
    that earlier decisions have left over.
    """

    def __init__(self) -> None:
        self.held: dict[str, Reservation] = {}
        self.quota = self.in_flight = 0
        self.unplaced: dict[int, None] = {}
        self.idle_agents: dict[Reservation, None] = {}
        self.carried = 0.0
        self._placed_on: dict[int, Reservation] = {}
        # Reservations that have room, in no order.
        self._open: dict[Reservation, None] = {}
        self._number = 0

    def __len__(self) -> int:
        return len(self.held)

    def __contains__(self, agent_id: str) -> bool:
        return agent_id in self.held

    @property
    def agents(self) -> tuple[str, ...]:
        """Reserved agents, oldest reservation first."""
        return tuple(self.held)

    @property
    def staying(self) -> int:
        """Reserved agents who have not asked to leave."""
        return sum([not held.leaving for held in self.held.values()])

    def per_pulse(self, ratio: float) -> int:
        """How many contacts a pulse releases where no agent is seized."""
        wanted = ratio + self.carried
        whole = floor(wanted + _EPSILON)
        self.carried = wanted - whole
        return whole

    def idle(self) -> tuple[str, ...]:
        """Reserved agents with no attempt in flight, oldest reservation first."""
        idle = self.idle_agents
        if len(idle) == 1:
            [held] = idle
            return (held.agent_id,)
        return tuple(map(_agent_id, sorted(idle, key=_age)))

    def hold(self, agent_id: str) -> None:
        """An agent is reserved, and nothing is strived for yet beyond what rings for them."""
        held = self.held.get(agent_id)
        if held is None:
            self._new(agent_id)
        else:
            held.leaving = False
            self._set_quota(held, len(held.tickets))

    def wind_down(self, agent_id: str) -> None:
        """An agent will leave: no more calls for them, while those in flight go on."""
        held = self.held.get(agent_id)
        if held is not None:
            self._set_quota(held, 0)
            held.leaving = True

    def arm(self, agent_id: str, ratio: float) -> int:
        """Count an agent as newly reserved: how many calls to place now.

        ratio: calls in flight wanted per reserved agent.
        """
        held = self.held.get(agent_id) or self._new(agent_id)
        self._set_quota(held, self.per_pulse(ratio))
        if self.unplaced:
            self._adopt(held)
        if held.room < 0:
            return 0
        return held.room

    def bind(self, ticket: int, agent_id: str) -> None:
        """A contact is meant for this agent, who gets no other beside it."""
        held = self.held.get(agent_id) or self._new(agent_id)
        self._set_quota(held, 1)
        self.placed(ticket, held)

    def follow(self, least: int, most: int) -> None:
        """The figure has changed: bring the sum of the quotas between these two.

        It is spread evenly; agents who are about to leave get no more.
        """
        missing, surplus = least - self.quota, self.quota - most
        for held in self._evenly(missing):
            self._set_quota(held, held.quota + 1)
            self._adopt(held)
        for _ in range(surplus):
            # Room is given up first: an agent who has none is of no more calls anyway.
            roomiest = max(self.held.values(), key=lambda held: (held.room, held.agent_id))
            self._set_quota(roomiest, roomiest.quota - 1)

    def _evenly(self, count: int) -> Iterator[Reservation]:
        """Agents to give one more call each, those with the fewest first."""
        for _ in range(count):
            open_to = [held for held in self.held.values() if not held.leaving]
            if not open_to:
                return
            yield min(open_to, key=lambda held: held.quota)

    def is_in_flight(self, ticket: int) -> bool:
        """Whether an attempt is neither over nor taken by an agent."""
        return ticket in self._placed_on or ticket in self.unplaced

    def top_up(self) -> int:
        """How many calls are missing from the sum of the quotas."""
        missing = self.quota - self.in_flight
        if missing < 0:
            return 0
        return missing

    def placed(self, ticket: int, held: Reservation | None = None) -> str:
        """An attempt is in flight: the agent it is placed on, "" where none has room.

        held: whose it is; else the agent with the most room gets it, of several the one who was
        reserved first.
        """
        self.in_flight += 1
        if held is None:
            for one in self._open:  # mostly there is one
                if (
                    held is None
                    or one.room > held.room
                    or (one.room == held.room and one.number < held.number)
                ):
                    held = one
            if held is None:
                self.unplaced[ticket] = None
                return ""
        self._placed_on[ticket] = held
        tickets = held.tickets
        if not tickets:
            del self.idle_agents[held]
        tickets[ticket] = None
        room = held.room = held.room - 1
        if room == 0:
            del self._open[held]
        return held.agent_id

    def ended(self, ticket: int) -> str:
        """An attempt ended without a live human: the agent to arm again, or ""."""
        held = self._placed_on.pop(ticket, None)
        if held is None:
            if ticket in self.unplaced:
                del self.unplaced[ticket]
                self.in_flight -= 1
            return ""
        self.in_flight -= 1
        tickets = held.tickets
        del tickets[ticket]
        room = held.room = held.room + 1
        if room > 0:
            self._open[held] = None
        if tickets:
            return ""
        self.idle_agents[held] = None
        return held.agent_id

    def answered(self, ticket: int) -> None:
        """A live human: the attempt is in flight no more, whoever takes it."""
        self.ended(ticket)

    def lost(self, agent_id: str) -> None:
        """An agent is reserved no more: taken by a caller, released, or gone."""
        held = self.held.pop(agent_id, None)
        if held is None:
            return
        self.quota -= held.quota
        self._open.pop(held, None)
        if not held.tickets:
            del self.idle_agents[held]
            return
        self.in_flight -= len(held.tickets)
        for ticket in held.tickets:
            del self._placed_on[ticket]
            self.placed(ticket)

    def _new(self, agent_id: str) -> Reservation:
        self._number += 1
        held = self.held[agent_id] = Reservation(agent_id, self._number)
        self.idle_agents[held] = None
        return held

    def _adopt(self, held: Reservation) -> None:
        """Calls that found no room elsewhere are placed on an agent who has some."""
        while self.unplaced and held.room > 0:
            ticket, _ = self.unplaced.popitem()
            self.in_flight -= 1
            self.placed(ticket, held)

    def _set_quota(self, held: Reservation, quota: int) -> None:
        more = quota - held.quota
        self.quota += more
        held.quota = quota
        room = held.room = held.room + more
        if room > 0:
            self._open[held] = None
        else:
            self._open.pop(held, None)
