"""The agents of a look-ahead floor, from what the pool publishes of them.

The rule of this module: a phase is over for good only by a step that ends it; all others, as of an
agent who asked to leave, take them out of sight, and teach nothing of how long it lasts. Agents on
whom another campaign counts are known, and are not on the floor.
"""

from collections.abc import Iterable
from typing import NamedTuple

from actors.agent_messages import AgentMove
from dialer.pacing.cohorts import Cohort
from dialer.pacing.floor import Floor
from dialer.pacing.pacer import ENDED

_READY, _TALKING, _WRAPPING, _KNOWN = "ready", "talking", "wrapping", "known"
"""known: in a wrap-up whose end is known."""
_PHASES = {"ready": _READY, "talking": _TALKING, "hold": _TALKING, "wrap_up": _WRAPPING}
_DONE = {(_TALKING, _WRAPPING), (_TALKING, _KNOWN), (_TALKING, _READY), (_WRAPPING, _READY)}


class _Phase(NamedTuple):
    """of: which phase. since: the second of the floor in which it began. ends_at: of a known one,
    on the pool's clock."""

    of: str
    since: int
    ends_at: float = 0.0


class AgentPhases:
    """Who is in which phase, and since when. began: when the floor was made."""

    def __init__(self, floor: Floor, began: float) -> None:
        self._floor = floor
        self._began = began
        self._agents: dict[str, _Phase] = {}
        self._counted: frozenset[str] | None = None

    def moved(self, move: AgentMove, at: float) -> None:
        """An agent's change of state; the floor is as of that time."""
        agent_id = move.agent_id
        before = self._agents.get(agent_id)
        of = _PHASES.get(move.to_state, "")
        if of == _WRAPPING and move.ends_at:
            of = _KNOWN
        if before is not None and before.of == of and before.ends_at == move.ends_at:
            return
        is_counted = self._is_counted(agent_id)
        second = self._floor.talks.second
        if before is not None and is_counted:
            self._leave(agent_id, before, ENDED if (before.of, of) in _DONE else "")
        if not of:
            self._agents.pop(agent_id, None)
            return
        if before is not None and (before.of, of) in ((_WRAPPING, _KNOWN), (_KNOWN, _KNOWN)):
            second = before.since
        phase = self._agents[agent_id] = _Phase(of, second, move.ends_at)
        if is_counted:
            self._enter(agent_id, phase)
            if of == _KNOWN and (before is None or before.of != _KNOWN):
                lasts_s = self._floor.wrap_ups.second - second + move.ends_at - at
                self._floor.wrap_ups.lived(lasts_s, ENDED)

    def count_on(self, agent_ids: Iterable[str] | None) -> None:
        """Count on these agents alone; None: on all."""
        counted = None if agent_ids is None else frozenset(agent_ids)
        for agent_id, phase in self._agents.items():
            was, self_counted = self._is_counted(agent_id), counted is None or agent_id in counted
            if was and not self_counted:
                self._leave(agent_id, phase, "")
            elif self_counted and not was:
                self._enter(agent_id, phase)
        self._counted = counted

    def forget(self) -> None:
        """A new pool will tell of all who are there, and which of them to count on."""
        for agent_id, phase in self._agents.items():
            if self._is_counted(agent_id):
                self._leave(agent_id, phase, "")
        self._agents.clear()

    def _is_counted(self, agent_id: str) -> bool:
        return self._counted is None or agent_id in self._counted

    def _leave(self, agent_id: str, phase: _Phase, event: str) -> None:
        floor = self._floor
        if phase.of == _READY:
            floor.ready -= 1
        elif phase.of == _TALKING:
            floor.talks.leave(phase.since, event)
        elif phase.of == _WRAPPING:
            floor.wrap_ups.leave(phase.since, event)
        else:
            floor.known_wrap_ups.remove(agent_id)

    def _enter(self, agent_id: str, phase: _Phase) -> None:
        floor = self._floor
        if phase.of == _READY:
            floor.ready += 1
        elif phase.of == _TALKING:
            _enter_as_old(floor.talks, phase.since)
        elif phase.of == _WRAPPING:
            _enter_as_old(floor.wrap_ups, phase.since)
        else:
            # Seconds are counted from when the floor was made, in whole ones.
            floor.known_wrap_ups.put(agent_id, phase.ends_at - self._began - floor.talks.second)


def _enter_as_old(cohort: Cohort, since: int) -> None:
    """A new member who is as old as they are."""
    cohort.enter()
    if since < cohort.second:
        age = min(cohort.second - since, cohort.span_s - 1)
        cohort.present[0, 0] -= 1.0
        cohort.present[0, age] += 1.0
