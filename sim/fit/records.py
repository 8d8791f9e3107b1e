"""Recorded traffic: what became of each call, and what agents did.

The rule of this module: a record holds what was seen, with None for what was not; nothing is
filled in. All times are seconds since the epoch.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from dialer.outcomes import OUTCOMES

CARRIER_OUTCOMES = {
    **{name: "live" for name, outcome in OUTCOMES.items() if outcome.human},
    "answering_machine": "machine",
    "fax": "fax",
    "user_busy": "busy",
    "no_user_response": "no_answer",
    "rejected": "rejected",
    "blocked_by_analytics": "rejected",
    "invalid_number": "invalid",
    "congestion": "congestion",
}
"""From our outcomes to those of `sim.traits`. A person taken for a machine was seen as one."""

UNDECIDED = frozenset({"cancelled", "given_up", ""})
"""We ended these, or the recording did: what they would have come to is censored."""


@dataclass(slots=True)
class CallRecord:
    """One attempt.

    ringing_at: the first ring. verdict_at: call progress analysis spoke. connected_at: an agent
    met the caller. wrap_up_cut_at: the wrap-up was still under way then, and is not seen beyond.
    outcome: of `dialer.outcomes`, or "" where the recording ends first.
    zone: where the callee lives, if it is known.
    """

    dialed_at: float
    ringing_at: float | None = None
    answered_at: float | None = None
    verdict_at: float | None = None
    connected_at: float | None = None
    ended_at: float | None = None
    wrap_up_ended_at: float | None = None
    wrap_up_cut_at: float | None = None
    outcome: str = ""
    agent: str = ""
    segment: str = ""
    zone: str = ""

    @property
    def kind(self) -> str:
        """One of `sim.traits.OUTCOMES`; "" where it cannot be told."""
        return CARRIER_OUTCOMES.get(self.outcome, "")


class AgentEvent(NamedTuple):
    """An agent went from a state of `dialer.agents` to another."""

    agent: str
    at: float
    before: str
    after: str


@dataclass(slots=True)
class Traffic:
    """All that was recorded.

    source: what it was read from, for people. agent_events: empty where nobody recorded them.
    left_out: records that say nothing of the callees, by outcome.
    resolution_s: what times were rounded to.
    """

    source: str
    calls: list[CallRecord] = field(default_factory=list)
    agent_events: list[AgentEvent] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    resolution_s: float = 0.0

    @property
    def ended_at(self) -> float:
        """The last moment seen."""
        return max((record.ended_at or record.dialed_at for record in self.calls), default=0.0)

    def add(self, record: CallRecord) -> None:
        """Keep a call, or count it as one that says nothing: our own failures are no callee's."""
        if record.outcome in UNDECIDED or record.kind:
            self.calls.append(record)
        else:
            self.left_out[record.outcome] = self.left_out.get(record.outcome, 0) + 1


Told = Callable[[str], None]
"""Takes a line on how far the work is."""
