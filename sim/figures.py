"""What a campaign came to, read from its ledger.

The rule of this module: it sees the journal's records and nothing else, so a simulated day and a
recorded live one are measured by the same rule. Every figure counts what happened in its window.

Occupancy = (talking + wrap-up) / (logged in - not ready). Abandonment = abandoned / answered by a
person, as the dialer classified them; abandoned: no agent came in time, or one came later than
the law allows.
"""

from dataclasses import dataclass, field
from math import inf

from dialer.journal import AgentMoved, CallMoved, Pulse
from dialer.outcomes import OUTCOMES
from sim.ledger import StepReader

_AWAY = ("logged_out", "not_ready")
_BUSY = frozenset({"talking", "hold", "wrap_up"})
_LEAVING = frozenset({"pending_not_ready", "pending_logout"})
_AT_WORK = "leaving_busy"
"""An agent who has asked to leave, with a caller: a state of ours, for the time is work."""


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


class FiguresJournal(StepReader):
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
        # An agent's state, since when, and since when they have been free for a caller.
        self._agents: dict[str, tuple[str, float, float]] = {}
        self._answered_at: dict[int, float] = {}
        self._waited_s: dict[int, float] = {}
        self.steps = {
            "dialing": self._on_dialing,
            "answered": self._on_answered,
            "bridged": self._on_bridged,
            "settled": self._on_settled,
        }

    def close(self, at: float) -> Figures:
        """The figures, with the states that agents are in counted up to this moment."""
        for agent_id, (state, since, free_since) in self._agents.items():
            self._spend(state, since, at)
            self._agents[agent_id] = (state, at, free_since)
        return self.figures

    def on_pulse(self, record: Pulse) -> None:
        if record.at < self._until:  # the end of a simulated day is no reason
            self.figures.last_reason = record.reason

    def _on_dialing(self, record: CallMoved) -> None:
        if self._since <= record.at < self._until:
            self.figures.dialed += 1

    def _on_answered(self, record: CallMoved) -> None:
        self._answered_at[record.attempt_id] = record.at

    def _on_bridged(self, record: CallMoved) -> None:
        waited_s = record.at - self._answered_at[record.attempt_id]
        self._waited_s[record.attempt_id] = waited_s
        if self._since <= record.at < self._until:
            self.figures.answer_to_agent_s.append(waited_s)

    def _on_settled(self, record: CallMoved) -> None:
        attempt_id = record.attempt_id
        answered_at = self._answered_at.pop(attempt_id, None)
        waited_s = self._waited_s.pop(attempt_id, inf)
        picked_up_s = self._picked_up_s.pop(attempt_id, None)
        if not self._since <= record.at < self._until:
            return
        figures, outcome = self.figures, record.detail
        figures.outcomes[outcome] = figures.outcomes.get(outcome, 0) + 1
        if OUTCOMES[outcome].human:
            figures.answered += 1
            if outcome == "abandoned" or self._late_s < waited_s < inf:
                figures.abandoned += 1
        if picked_up_s is not None and answered_at is not None:
            figures.people += 1
            if waited_s == inf or waited_s - picked_up_s > self._late_s:
                figures.unserved += 1

    def on_agent(self, record: AgentMoved) -> None:
        agent_id, at = record.agent_id, record.at
        before, after = record.from_state, record.to_state
        state, since, free_since = self._agents.get(agent_id, ("", at, at))
        self._spend(state, since, at)
        if after in _LEAVING:
            # Asked while with a caller, or met by one since (a move from a state to itself).
            with_caller = before in _BUSY or before == after or state == _AT_WORK
            after = _AT_WORK if with_caller else after
        taken = after in ("talking", _AT_WORK) and state not in (*_BUSY, _AT_WORK)
        if taken and self._since <= at < self._until:
            self.figures.agent_wait_s.append(at - free_since)
        if state in _BUSY or state in _AWAY or not state:
            free_since = at
        self._agents[agent_id] = (after, at, free_since)

    def _spend(self, state: str, since: float, until: float) -> None:
        spent_s = min(until, self._until) - max(since, self._since)
        if state and spent_s > 0:
            seconds = self.figures.seconds_in
            seconds[state] = seconds.get(state, 0.0) + spent_s
