"""The agents of a look-ahead floor, from what the pool publishes of them.

The rule of this module: a phase is over for good only by a step that ends it; all others, as of an
agent who asked to leave, take them out of sight, and teach nothing of how long it lasts.
"""

from actors.messages import AgentMove
from dialer.pacing.floor import Floor
from dialer.pacing.pacer import ENDED

_READY, _TALKING, _WRAPPING, _KNOWN = "ready", "talking", "wrapping", "known"
"""known: in a wrap-up whose end is known."""
_PHASES = {"ready": _READY, "talking": _TALKING, "hold": _TALKING, "wrap_up": _WRAPPING}
_DONE = {(_TALKING, _WRAPPING), (_TALKING, _READY), (_WRAPPING, _READY)}


class AgentPhases:
    """Who is in which phase, and since when. began: when the floor was made."""

    def __init__(self, floor: Floor, began: float) -> None:
        self._floor = floor
        self._began = began
        self._agents: dict[str, tuple[str, int]] = {}

    def moved(self, move: AgentMove, at: float) -> None:
        """An agent's change of state; the floor is as of that time."""
        agent_id = move.agent_id
        phase, since = self._agents.get(agent_id, ("", 0))
        after = _PHASES.get(move.to_state, "")
        if after == _WRAPPING and move.ends_at:
            self._end_is_known(agent_id, phase, since, move.ends_at - at, at)
        elif after != phase:
            self._leave(agent_id, phase, since, ENDED if (phase, after) in _DONE else "")
            if after:
                self._agents[agent_id] = after, self._enter(after)

    def forget(self) -> None:
        """A new pool will tell of all who are there."""
        for agent_id, (phase, since) in [*self._agents.items()]:
            self._leave(agent_id, phase, since, "")

    def _end_is_known(
        self, agent_id: str, phase: str, since: int, left_s: float, at: float
    ) -> None:
        floor = self._floor
        if phase != _KNOWN:
            lived_s = floor.wrap_ups.second - since if phase == _WRAPPING else 0
            self._leave(agent_id, phase, since, ENDED if phase == _TALKING else "")
            floor.wrap_ups.lived(lived_s + left_s, ENDED)
        # The floor's clock ticks in whole seconds, and this one is under way.
        floor.known_wrap_ups.put(agent_id, left_s + (at - self._began) % 1.0)
        self._agents[agent_id] = _KNOWN, 0

    def _leave(self, agent_id: str, phase: str, since: int, event: str) -> None:
        self._agents.pop(agent_id, None)
        if phase == _READY:
            self._floor.ready -= 1
        elif phase == _TALKING:
            self._floor.talks.leave(since, event)
        elif phase == _WRAPPING:
            self._floor.wrap_ups.leave(since, event)
        elif phase == _KNOWN:
            self._floor.known_wrap_ups.remove(agent_id)

    def _enter(self, phase: str) -> int:
        if phase == _TALKING:
            return self._floor.talks.enter()
        if phase == _WRAPPING:
            return self._floor.wrap_ups.enter()
        self._floor.ready += 1
        return 0
