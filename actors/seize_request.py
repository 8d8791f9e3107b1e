"""A campaign's request for agents of a queue, while it lasts.

The rule of this module: it stands until it is withdrawn, and has agents reserved whenever there
are fewer than it wants; it ends by itself only when nobody came for as long as its TTL.
"""

from actors.agent_messages import SeizeAgents
from actors.runtime import Timer


class SeizeRequest:
    """Agents whom a campaign wants to hold.

    seize: what it asked last. waits_since: when its campaign last got or lost somebody. timer: of
    its end; None while it is not short.
    """

    __slots__ = ("seize", "timer", "waits_since")

    def __init__(self, seize: SeizeAgents) -> None:
        self.seize = seize
        self.waits_since = 0.0
        self.timer: Timer | None = None
