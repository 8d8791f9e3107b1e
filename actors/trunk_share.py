"""A campaign's share of its trunks: what it has on its way to them, and how much more they take.

The rule of this module: other campaigns always know what this one has in preparation, so nobody
releases contacts for a channel that is as good as taken.
"""

from actors.trunk_lines import TrunkLines
from dialer.flow.graph import Flow
from dialer.flow.nodes import Dial
from dialer.trunks.line import NO_LIMIT, Planned, Room


class TrunkShare:
    """One campaign's view of the lines. planned: what it has on its way."""

    def __init__(self, campaign_id: int, lines: TrunkLines, flow: Flow) -> None:
        self._campaign_id = campaign_id
        self._lines = lines
        self.planned = Planned()
        self._follow(flow)

    def follow(self, flow: Flow) -> None:
        """A new version: what is on its way counts for the new flow's trunk."""
        former = self.planned
        preparing, waiting = former.preparing, former.waiting
        former.preparing = former.waiting = ()
        self._follow(flow)
        self.planned.preparing, self.planned.waiting = preparing, waiting

    def room(self, now: float) -> Room:
        """How many calls the trunks take until the next pulse."""
        channels = self._channels
        return self._lines.room(channels, now, self._within_s) if channels else NO_LIMIT

    def _follow(self, flow: Flow) -> None:
        dials = [node for node in flow.definition.nodes if isinstance(node, Dial)]
        self._channels = tuple(dict.fromkeys(name for dial in dials for name in dial.channels))
        self._within_s = max(1.0, flow.start.interval_s)
        if self._channels:
            self.planned = self._lines.planned(self._channels[0], self._campaign_id)
