"""A campaign's request for agents, while it lasts.

The rule of this module: never more phones ring for a request than it has agents missing.
"""

from actors.messages import SeizeAgents
from actors.runtime import Timer


class SeizeRequest:
    """Agents that a campaign wants reserved.

    missing: those who have not come yet; ringing: those of them whose phones ring. timer: of its
    end.
    """

    __slots__ = ("expired", "missing", "ringing", "seize", "timer")

    def __init__(self, seize: SeizeAgents) -> None:
        self.seize = seize
        self.missing = seize.wanted
        self.ringing = 0
        self.expired = False
        self.timer: Timer | None = None

    @property
    def wants_more(self) -> bool:
        return not self.expired and self.missing > self.ringing
