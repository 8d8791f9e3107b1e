"""Which trunks are down, as far as the news goes.

The rule of this module: a trunk of which nothing was heard is taken to be up; a dial finds out.
"""

from collections.abc import Sequence

from actors.messages import TrunkNews
from dialer.flow.graph import Flow
from dialer.flow.nodes import Dial


class TrunkWatch:
    """Listens to trunk news."""

    def __init__(self) -> None:
        self.down: dict[str, str] = {}

    def hear(self, news: TrunkNews) -> None:
        if news.up:
            self.down.pop(news.trunk, None)
        else:
            self.down[news.trunk] = news.reason

    def news(self) -> Sequence[TrunkNews]:
        """All that must be told to one who heard nothing."""
        return [TrunkNews(trunk, False, reason) for trunk, reason in self.down.items()]

    def trouble(self, flow: Flow) -> str:
        """Why a flow cannot dial through any of its trunks; "" where it can through one."""
        if not self.down:
            return ""
        channels = {c: 0 for n in flow.definition.nodes if isinstance(n, Dial) for c in n.channels}
        if not channels or not all(name in self.down for name in channels):
            return ""
        return "; ".join(f"trunk {name} is down: {self.down[name]}" for name in channels)
