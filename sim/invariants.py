"""What must never happen, watched for while it happens.

The rule of this module: each promise is checked at the transitions that it speaks of, from the
ledger alone, in constant time; a violation is counted under the promise's name and the first few
are told in words.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

from dialer.compliance.preset import CallingHours
from dialer.compliance.window import TIME_ZONE_ATTRIBUTE
from dialer.flow.graph import Flow
from dialer.flow.hours import is_open
from dialer.flow.nodes import Dial
from dialer.journal import AgentMoved, CallMoved
from dialer.message import Message
from dialer.outcomes import OUTCOMES
from dialer.ports import AttributeValue

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
_MINUTE_S = 60.0
_COUNTED = frozenset(name for name, outcome in OUTCOMES.items() if outcome.counts)

AttributesOf = Callable[[int], Mapping[str, AttributeValue]]
"""From a contact to what is known of it, the time zone where it lives among it."""


class _Agent:
    """An agent in a state, "" where it is not known, and with a call, 0 for none.

    known_from: of who talks: from when on a call has to know of them.
    """

    __slots__ = ("agent_id", "attempt_id", "known_from", "state")

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.state = ""
        self.attempt_id = 0
        self.known_from = inf


class InvariantsJournal:
    """A journal that counts violations.

    flow: of the campaign whose windows and caps hold. hours: of the law. attributes_of: without it
    nobody's hours are known.
    """

    def __init__(
        self,
        flow: Flow,
        hours: Sequence[CallingHours] = (),
        attributes_of: AttributesOf | None = None,
    ) -> None:
        self.violations: dict[str, int] = dict.fromkeys(PROMISES, 0)
        self.told: list[str] = []
        caps = {n.max_attempts for n in flow.definition.nodes if isinstance(n, Dial)}
        self._cap = None if None in caps else max(caps, default=None)  # type: ignore[type-var]
        self._windows = (flow.zone, flow.start.days, flow.start.windows)
        self._hours = tuple(hours)
        self._attributes_of = attributes_of if hours else None
        # Windows and hours begin and end on the minute: what is open in this one, and where.
        self._minute = -inf
        self._is_open = False
        self._allowed: dict[str, bool] = {}
        # By contact, the attempt that is under way; and attempts whose contact is in another too.
        self._calling: dict[int, int] = {}
        self._displaced: set[int] = set()
        self._attempts: dict[int, int] = {}
        self._agents: dict[str, _Agent] = {}
        self._agent_of: dict[int, _Agent] = {}
        # Who began to talk and to whose call has to be looked, and when the first of them is due.
        self._to_look: deque[tuple[float, _Agent]] = deque()
        self._look_at = inf

    def extend(self, records: Sequence[Message]) -> None:
        """Many at once."""
        for record in records:
            if type(record) is CallMoved:
                state = record.state
                if state == "dialing":
                    self._on_dialing(record)
                elif state == "settled":
                    self._on_settled(record)
                elif state == "bridged":
                    self._on_bridged(record)
            elif type(record) is AgentMoved:
                self._on_agent(record)

    def close(self, at: float) -> dict[str, int]:
        """The counts, once every call should have ended."""
        for attempt_id in sorted({*self._calling.values(), *self._displaced}):
            self._violated("attempt_unsettled", at, f"attempt {attempt_id}")
        self._look_for_callers(at + 2 * GRACE_S)
        return self.violations

    # --- contacts -----------------------------------------------------------------------------

    def _on_dialing(self, record: CallMoved) -> None:
        attempt_id, contact_id, at = record.attempt_id, record.contact_id, record.at
        calling = self._calling
        if contact_id in calling:
            self._in_two_calls(record)
        calling[contact_id] = attempt_id
        minute = at // _MINUTE_S
        if minute != self._minute:
            self._minute = minute
            self._is_open = is_open(at, *self._windows)
            self._allowed.clear()
        if not self._is_open:
            self._violated("dial_outside_windows", at, f"attempt {attempt_id}")
        attributes_of = self._attributes_of
        if attributes_of is not None:
            zone = attributes_of(contact_id).get(TIME_ZONE_ATTRIBUTE)
            if zone and not self._is_allowed(str(zone), at):
                self._violated("dial_outside_hours", at, f"attempt {attempt_id} in {zone}")

    def _in_two_calls(self, record: CallMoved) -> None:
        attempt_id, contact_id = record.attempt_id, record.contact_id
        other = self._calling[contact_id]
        if other != attempt_id:
            self._displaced.add(other)
        told = f"contact {contact_id} in {other} and {attempt_id}"
        self._violated("contact_in_two_calls", record.at, told)

    def _is_allowed(self, zone: str, at: float) -> bool:
        """By plain local time, which owes nothing to the rule that is watched."""
        allowed = self._allowed.get(zone)
        if allowed is None:
            local = datetime.fromtimestamp(at, ZoneInfo(zone))
            day, moment = local.weekday(), local.time()
            allowed = self._allowed[zone] = any(
                hours.on(day) and hours.start <= moment < hours.end for hours in self._hours
            )
        return allowed

    def _on_settled(self, record: CallMoved) -> None:
        attempt_id, contact_id, at = record.attempt_id, record.contact_id, record.at
        if at > self._look_at:
            self._look_for_callers(at)
        if attempt_id in self._agent_of:
            agent = self._agent_of.pop(attempt_id)
            if agent.attempt_id == attempt_id:
                agent.attempt_id = 0
                if agent.state == "talking":
                    self._expect_caller(agent, at + GRACE_S)
        if self._calling.get(contact_id) == attempt_id:
            del self._calling[contact_id]
        elif attempt_id in self._displaced:
            self._displaced.remove(attempt_id)
        else:
            self._violated("attempt_settled_once", at, f"attempt {attempt_id}")
            return
        if self._cap is not None and record.detail in _COUNTED:
            attempts = self._attempts[contact_id] = self._attempts.get(contact_id, 0) + 1
            if attempts > self._cap:
                told = f"contact {contact_id} was dialed {attempts} times"
                self._violated("attempt_cap", at, told)

    # --- agents -------------------------------------------------------------------------------

    def _on_bridged(self, record: CallMoved) -> None:
        attempt_id, agent_id = record.attempt_id, record.detail
        agent = self._agents.get(agent_id)
        if agent is None:
            agent = self._agents[agent_id] = _Agent(agent_id)
        if agent.attempt_id:
            told = f"{agent_id} in {agent.attempt_id} and {attempt_id}"
            self._violated("agent_booked_twice", record.at, told)
        agent.attempt_id = attempt_id
        self._agent_of[attempt_id] = agent

    def _on_agent(self, record: AgentMoved) -> None:
        at, after = record.at, record.to_state
        if at > self._look_at:
            self._look_for_callers(at)
        agent = self._agents.get(record.agent_id)
        if agent is None:
            agent = self._agents[record.agent_id] = _Agent(record.agent_id)
        if agent.state != record.from_state and agent.state:
            told = f"{agent.agent_id} left {record.from_state} and was {agent.state}"
            self._violated("agent_state_broken", at, told)
        agent.state = after
        if after == "talking":
            self._expect_caller(agent, at + GRACE_S)

    def _expect_caller(self, agent: _Agent, known_from: float) -> None:
        agent.known_from = known_from
        if not self._to_look:
            self._look_at = known_from
        self._to_look.append((known_from, agent))

    def _look_for_callers(self, at: float) -> None:
        """Who talks, a while after they began or their call ended, has to be in a call."""
        to_look = self._to_look
        while to_look and to_look[0][0] < at:
            known_from, agent = to_look.popleft()
            is_due = agent.state == "talking" and agent.known_from == known_from
            if is_due and not agent.attempt_id:
                self._violated("agent_without_call", at, agent.agent_id)
        self._look_at = to_look[0][0] if to_look else inf

    def _violated(self, promise: str, at: float, what: str) -> None:
        self.violations[promise] += 1
        if len(self.told) < _TOLD:
            self.told.append(f"{promise} at {at:.3f}: {what}")
