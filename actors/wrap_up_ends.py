"""Whether an agent's wrap-up limit tells when they will be done.

The rule of this module: a limit is an end only for agents who let it run out. One who is mostly
done before it would be waited for in vain, and how long they take is learned otherwise.
"""

_MEMORY = 0.9
"""What a wrap-up counts for after the next one."""
_SEEN_ENOUGH = 4.0
"""Weight of wrap-ups before a limit is believed; they add up to ten at the most."""
_KEPT = 0.9


class WrapUpEnds:
    """What agents do about their limits, by agent."""

    def __init__(self) -> None:
        # Weights of the wrap-ups that ran out, and of all.
        self._seen: dict[str, tuple[float, float]] = {}

    def ended(self, agent_id: str, *, ran_out: bool) -> None:
        """A wrap-up with a limit is over."""
        out, seen = self._seen.get(agent_id, (0.0, 0.0))
        self._seen[agent_id] = _MEMORY * out + ran_out, _MEMORY * seen + 1.0

    def is_known(self, agent_id: str) -> bool:
        """Whether the limit is when they will be done."""
        out, seen = self._seen.get(agent_id, (0.0, 0.0))
        return seen >= _SEEN_ENOUGH and out >= _KEPT * seen
