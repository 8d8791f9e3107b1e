"""What must never happen, watched for while it happens.

The rule of this module: each promise is checked at the transitions that it speaks of, from the
ledger alone, in constant time; a violation is counted under the promise's name and the first few
are told in words.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from dialer.compliance.preset import CallingHours
from dialer.flow.graph import Flow
from dialer.flow.hours import OpenHours
from dialer.flow.nodes import Dial
from dialer.journal import AgentMoved, CallMoved
from dialer.outcomes import OUTCOMES
from sim.ledger import StepReader

PROMISES = (
    "agent_booked_twice",
    "agent_without_call",
    "contact_in_two_calls",
    "attempt_settled_once",
    "attempt_unsettled",
    "dial_outside_windows",
    "dial_outside_hours",
    "attempt_cap",
    "agent_state_broken",
)
"""dial_outside_windows: of the flow's Start node. dial_outside_hours: of the law, on the clock
where the callee lives. agent_without_call: an agent is kept for a caller who is not there.
attempt_settled_once: a settlement of what was not open. attempt_unsettled: an attempt never came
to an end. agent_state_broken: an agent left a state that they were not in."""

GRACE_S = 1.0
"""How long an agent may be with a caller of whom no call knows; messages take their time."""

_TOLD = 10


ZoneOf = Callable[[int], str]
"""From a contact to the time zone where it lives; "" where that is not known."""


class InvariantsJournal(StepReader):
    """A journal that counts violations.

    flow: of the campaign whose windows and caps hold. hours: of the law. zone_of: without it
    nobody's hours are known.
    """

    def __init__(
        self,
        flow: Flow,
        hours: Sequence[CallingHours] = (),
        zone_of: ZoneOf | None = None,
    ) -> None:
        self.violations: dict[str, int] = dict.fromkeys(PROMISES, 0)
        self.told: list[str] = []
        self._flow = flow
        caps = {n.max_attempts for n in flow.definition.nodes if isinstance(n, Dial)}
        self._cap = None if None in caps else max(caps, default=None)  # type: ignore[type-var]
        self._windows = OpenHours(flow.zone, flow.start.days, flow.start.windows)
        self._hours = tuple(hours)
        self._zone_of = zone_of if hours else None
        self._allowed: dict[tuple[str, int], bool] = {}
        self._contact_of: dict[int, int] = {}
        self._calling: dict[int, int] = {}
        self._attempts: dict[int, int] = {}
        self._agent_of: dict[int, str] = {}
        self._call_of: dict[str, int] = {}
        self._state_of: dict[str, str] = {}
        # Agents who talk, and from when on a call has to know of it.
        self._known_from: dict[str, float] = {}
        self._to_look: deque[tuple[float, str]] = deque()
        self.steps = {
            "dialing": self._on_dialing,
            "bridged": self._on_bridged,
            "settled": self._on_settled,
        }

    def close(self, at: float) -> dict[str, int]:
        """The counts, once every call should have ended."""
        for attempt_id in self._contact_of:
            self._violated("attempt_unsettled", at, f"attempt {attempt_id}")
        self._look_for_callers(at + 2 * GRACE_S)
        return self.violations

    def _on_dialing(self, record: CallMoved) -> None:
        attempt_id, contact_id = record.attempt_id, record.contact_id
        if contact_id in self._calling:
            told = f"contact {contact_id} in {self._calling[contact_id]} and {attempt_id}"
            self._violated("contact_in_two_calls", record.at, told)
        self._calling[contact_id] = attempt_id
        self._contact_of[attempt_id] = contact_id
        if not self._windows.at(record.at):
            self._violated("dial_outside_windows", record.at, f"attempt {attempt_id}")
        if self._zone_of is not None:
            zone = self._zone_of(contact_id)
            if zone and not self._is_allowed(zone, record.at):
                self._violated("dial_outside_hours", record.at, f"attempt {attempt_id} in {zone}")

    def _is_allowed(self, zone: str, at: float) -> bool:
        """By plain local time, which owes nothing to the rule that is watched."""
        key = (zone, int(at // 60))  # hours begin and end on the minute
        allowed = self._allowed.get(key)
        if allowed is None:
            local = datetime.fromtimestamp(at, ZoneInfo(zone))
            day, moment = local.weekday(), local.time()
            allowed = self._allowed[key] = any(
                hours.on(day) and hours.start <= moment < hours.end for hours in self._hours
            )
        return allowed

    def _on_bridged(self, record: CallMoved) -> None:
        agent_id = record.detail
        other = self._call_of.get(agent_id)
        if other is not None:
            told = f"{agent_id} in {other} and {record.attempt_id}"
            self._violated("agent_booked_twice", record.at, told)
        self._call_of[agent_id] = record.attempt_id
        self._agent_of[record.attempt_id] = agent_id

    def _on_settled(self, record: CallMoved) -> None:
        attempt_id = record.attempt_id
        if self._to_look:
            self._look_for_callers(record.at)
        agent_id = self._agent_of.pop(attempt_id, "")
        if self._call_of.get(agent_id) == attempt_id:
            del self._call_of[agent_id]
            if agent_id in self._known_from:
                self._expect_caller(agent_id, record.at + GRACE_S)
        contact_id = self._contact_of.pop(attempt_id, None)
        if contact_id is None:
            self._violated("attempt_settled_once", record.at, f"attempt {attempt_id}")
            return
        if self._calling.get(contact_id) == attempt_id:
            del self._calling[contact_id]
        if self._cap is not None and OUTCOMES[record.detail].counts:
            attempts = self._attempts.get(contact_id, 0) + 1
            self._attempts[contact_id] = attempts
            if attempts > self._cap:
                told = f"contact {contact_id} was dialed {attempts} times"
                self._violated("attempt_cap", record.at, told)

    def on_agent(self, record: AgentMoved) -> None:
        agent_id = record.agent_id
        if self._to_look:
            self._look_for_callers(record.at)
        if self._state_of.get(agent_id, record.from_state) != record.from_state:
            told = f"{agent_id} left {record.from_state} and was {self._state_of[agent_id]}"
            self._violated("agent_state_broken", record.at, told)
        self._state_of[agent_id] = record.to_state
        if record.to_state == "talking":
            self._expect_caller(agent_id, record.at + GRACE_S)
        else:
            self._known_from.pop(agent_id, None)

    def _expect_caller(self, agent_id: str, known_from: float) -> None:
        self._known_from[agent_id] = known_from
        self._to_look.append((known_from, agent_id))

    def _look_for_callers(self, at: float) -> None:
        """Who talks, a while after they began or their call ended, has to be in a call."""
        while self._to_look and self._to_look[0][0] < at:
            known_from, agent_id = self._to_look.popleft()
            is_due = self._known_from.get(agent_id) == known_from
            if is_due and agent_id not in self._call_of:
                self._violated("agent_without_call", at, agent_id)

    def _violated(self, promise: str, at: float, what: str) -> None:
        self.violations[promise] += 1
        if len(self.told) < _TOLD:
            self.told.append(f"{promise} at {at:.3f}: {what}")
