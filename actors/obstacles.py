"""What keeps a campaign from dialing: its status, its windows, its trunks.

The rule of this module: whoever is about to release or place a contact looks here first, and what
stands in the way is told in words.
"""

from actors.messages import Quiesce, TrunkNews
from actors.trunk_watch import TrunkWatch
from dialer.flow.graph import Flow
from dialer.flow.hours import OpenHours
from dialer.message import Message


class Obstacle(Message):
    """Why nothing may be dialed. limit: its name among the limits that cut a decision."""

    reason: str
    limit: str


_OUTSIDE = Obstacle("outside the time windows of the Start node", "window")


class Obstacles:
    """Of one campaign. quiet: why it is paused or stopped, None while it runs.

    It is asked several times a call, and mostly there is nothing: then it looks again when its
    hours may end (clear_until), or at the first news. Who asks often need not even ask till then.
    """

    def __init__(self, flow: Flow) -> None:
        self.quiet: Quiesce | None = None
        self.trunks = TrunkWatch()
        self._follow(flow)

    def follow(self, flow: Flow) -> None:
        """A new version runs."""
        self.quiet = None
        self._follow(flow)

    def hear(self, news: TrunkNews) -> None:
        self.trunks.hear(news)
        self.clear_until = 0.0

    def quieten(self, message: Quiesce) -> None:
        """Nothing is to be dialed until a new version runs."""
        self.quiet = message
        self.clear_until = 0.0

    def any(self, now: float) -> Obstacle | None:
        """What stands in the way now."""
        if now < self.clear_until:
            return None
        if self.quiet is not None:
            return Obstacle(self.quiet.reason, "status")
        if not self._hours.at(now):
            return _OUTSIDE
        trouble = self.trunks.trouble(self._flow)
        if trouble:
            return Obstacle(trouble, "trunk")
        self.clear_until = self._hours.known_until
        return None

    def _follow(self, flow: Flow) -> None:
        self._flow = flow
        self._hours = OpenHours(flow.zone, flow.start.days, flow.start.windows)
        self.clear_until = 0.0
