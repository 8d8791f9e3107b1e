"""What a campaign came to, read from its ledger.

The rule of this module: it sees the journal's records and nothing else, so a simulated day and a
recorded live one are measured by the same rule. Every figure counts what happened in its window.

Occupancy = (talking + wrap-up) / (logged in - not ready). Abandonment = abandoned / answered by a
person, as the dialer classified them; abandoned: no agent came in time, or one came later than
the law allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from dialer.journal import AgentMoved, CallMoved, Pulse
from dialer.message import Message
from dialer.outcomes import OUTCOMES

_HUMAN = frozenset(name for name, outcome in OUTCOMES.items() if outcome.human)
_UNKNOWN = ""
_BUSY = frozenset({"talking", "hold", "wrap_up"})
_LEAVING = frozenset({"pending_not_ready", "pending_logout"})
_AT_WORK = "leaving_busy"
"""An agent who has asked to leave, with a caller: a state of ours, for the time is work."""
_MET = frozenset({"talking", _AT_WORK})
_TAKEN = _BUSY | _MET
_NOT_FREE = _BUSY | {"logged_out", "not_ready", _UNKNOWN}


@dataclass(slots=True)
class Figures:
    """The figures of one window of time.

    Times are sums over agents, in seconds. answer_to_agent_s: from each answer that an agent met
    to that agent; agent_wait_s: from an agent's becoming free to the next caller.
    """

    seconds_in: dict[str, float] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    dialed: int = 0
    answered: int = 0
    abandoned: int = 0
    people: int = 0
    unserved: int = 0
    last_reason: str = ""
    answer_to_agent_s: list[float] = field(default_factory=list)
    agent_wait_s: list[float] = field(default_factory=list)

    @property
    def talk_s(self) -> float:
        return sum(self.seconds_in.get(state, 0.0) for state in ("talking", "hold", _AT_WORK))

    @property
    def wrap_up_s(self) -> float:
        return self.seconds_in.get("wrap_up", 0.0)

    @property
    def logged_in_s(self) -> float:
        return sum(s for state, s in self.seconds_in.items() if state != "logged_out")

    @property
    def at_work_s(self) -> float:
        """Logged in and not on a break: what occupancy is a share of."""
        return self.logged_in_s - self.seconds_in.get("not_ready", 0.0)

    @property
    def occupancy(self) -> float:
        return (self.talk_s + self.wrap_up_s) / self.at_work_s if self.at_work_s else 0.0

    @property
    def abandonment(self) -> float:
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def true_abandonment(self) -> float:
        """What people suffered, whatever the dialer took them for."""
        return self.unserved / self.people if self.people else 0.0

    @property
    def calls_per_agent_hour(self) -> float:
        """Callers whom agents met, per hour of an agent at work."""
        met = self.outcomes.get("customer_answered", 0)
        return met / (self.at_work_s / 3600) if self.at_work_s else 0.0


class _Agent:
    """In which state an agent is, since when (inside the window), and since when they have been
    free for a caller."""

    __slots__ = ("free_since", "since", "state")

    def __init__(self, at: float, moment: float) -> None:
        self.state = _UNKNOWN
        self.since = moment
        self.free_since = at


class FiguresJournal:
    """A journal that keeps figures of what it is given, and no record.

    since, until: the window, in seconds since the epoch; a call belongs to the window in which it
    was settled. abandoned_after_s: the law's limit from the answer to an agent.
    picked_up_s: of `sim.witness`, for the true abandonment.
    """

    def __init__(
        self,
        since: float = -inf,
        until: float = inf,
        abandoned_after_s: float = inf,
        picked_up_s: dict[int, float] | None = None,
    ) -> None:
        self.figures = Figures()
        self._since = since
        self._until = until
        self._late_s = abandoned_after_s
        self._picked_up_s = picked_up_s if picked_up_s is not None else {}
        self._agents: dict[str, _Agent] = {}
        self._answered_at: dict[int, float] = {}
        self._waited_s: dict[int, float] = {}

    def extend(self, records: Sequence[Message]) -> None:
        """Many at once: every call has several, so that what most come to is done right here."""
        since, until, figures = self._since, self._until, self.figures
        for record in records:
            if type(record) is CallMoved:
                state = record.state
                if state == "dialing":
                    if since <= record.at < until:
                        figures.dialed += 1
                elif state == "settled":
                    self._on_settled(record)
                elif state == "answered":
                    self._answered_at[record.attempt_id] = record.at
                elif state == "bridged":
                    self._on_bridged(record)
            elif type(record) is AgentMoved:
                self._on_agent(record)
        self._note_reason(records)

    def close(self, at: float) -> Figures:
        """The figures, with the states that agents are in counted up to this moment."""
        moment = self._inside(at)
        for agent in self._agents.values():
            self._spend(agent, moment)
            agent.since = moment
        return self.figures

    def _inside(self, at: float) -> float:
        """The moment of the window that is next to it."""
        return min(max(at, self._since), self._until)

    def _note_reason(self, records: Sequence[Message]) -> None:
        """Why the last decision came to what it did."""
        for record in reversed(records):
            # The end of a simulated day is no reason.
            if type(record) is Pulse and record.at < self._until:
                self.figures.last_reason = record.reason
                return

    def _on_bridged(self, record: CallMoved) -> None:
        waited_s = record.at - self._answered_at[record.attempt_id]
        self._waited_s[record.attempt_id] = waited_s
        if self._since <= record.at < self._until:
            self.figures.answer_to_agent_s.append(waited_s)

    def _on_settled(self, record: CallMoved) -> None:
        attempt_id, waited_s = record.attempt_id, inf
        picked_up_s = self._picked_up_s.pop(attempt_id, None)
        is_answered = attempt_id in self._answered_at
        if is_answered:
            del self._answered_at[attempt_id]
            waited_s = self._waited_s.pop(attempt_id, inf)
        if not self._since <= record.at < self._until:
            return
        figures, outcome = self.figures, record.detail
        figures.outcomes[outcome] = figures.outcomes.get(outcome, 0) + 1
        if outcome in _HUMAN:
            figures.answered += 1
            if outcome == "abandoned" or self._late_s < waited_s < inf:
                figures.abandoned += 1
        if is_answered and picked_up_s is not None:
            figures.people += 1
            if waited_s == inf or waited_s - picked_up_s > self._late_s:
                figures.unserved += 1

    def _on_agent(self, record: AgentMoved) -> None:
        at, after = record.at, record.to_state
        is_inside = self._since <= at < self._until
        moment = at if is_inside else self._inside(at)
        agent = self._agents.get(record.agent_id)
        if agent is None:
            agent = self._agents[record.agent_id] = _Agent(at, moment)
        state = agent.state
        self._spend(agent, moment)
        if after in _LEAVING:
            # Asked while with a caller, or met by one since (a move from a state to itself).
            before = record.from_state
            if before in _BUSY or before == after or state == _AT_WORK:
                after = _AT_WORK
        if after in _MET and is_inside and state not in _TAKEN:
            self.figures.agent_wait_s.append(at - agent.free_since)
        if state in _NOT_FREE:
            agent.free_since = at
        agent.state = after
        agent.since = moment

    def _spend(self, agent: _Agent, until: float) -> None:
        spent_s = until - agent.since
        if spent_s > 0.0:
            seconds, state = self.figures.seconds_in, agent.state
            seconds[state] = seconds.get(state, 0.0) + spent_s
