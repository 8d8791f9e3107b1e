"""What keeps a campaign from dialing: its status, its windows, its trunks.

The rule of this module: whoever is about to release or place a contact looks here first, and what
stands in the way is told in words.
"""

from actors.messages import Quiesce, TrunkNews
from actors.trunk_watch import TrunkWatch
from dialer.flow.graph import Flow
from dialer.flow.hours import is_open

_MINUTE_S = 60.0


class Obstacles:
    """Of one campaign. quiet: why it is paused or stopped, None while it runs."""

    def __init__(self, flow: Flow) -> None:
        self.quiet: Quiesce | None = None
        self.trunks = TrunkWatch()
        self._flow = flow
        self._open_until = 0.0
        self._is_open = False

    def follow(self, flow: Flow) -> None:
        """A new version runs."""
        self.quiet = None
        self._flow = flow
        self._open_until = 0.0

    def hear(self, news: TrunkNews) -> None:
        self.trunks.hear(news)

    def is_open(self, now: float) -> bool:
        """Whether now is in the windows of the Start node."""
        # They begin and end on the minute, and this is asked many times in one.
        if now >= self._open_until:
            start = self._flow.start
            self._is_open = is_open(now, self._flow.zone, start.days, start.windows)
            self._open_until = (now // _MINUTE_S + 1.0) * _MINUTE_S
        return self._is_open

    def any(self, now: float) -> tuple[str, str]:
        """Why nothing may be dialed, and the name of that limit; "" where it may."""
        if self.quiet is not None:
            return self.quiet.reason, "status"
        if not self.is_open(now):
            return "outside the time windows of the Start node", "window"
        if not self.trunks.down:
            return "", ""
        trouble = self.trunks.trouble(self._flow)
        return (trouble, "trunk") if trouble else ("", "")
