"""A campaign that is paced as others pace, to compare with.

The rule of this module: it sees what look-ahead sees, and only the decision is another's.
"""

from actors.campaign_cells import CampaignCells
from actors.lookahead_board import LookaheadBoard
from dialer.compliance.preset import Preset
from dialer.flow.graph import Flow
from dialer.flow.nodes import Baseline, Lookahead
from dialer.pacing.catalogue import pacer_of
from dialer.pacing.pacer import Decision, Snapshot


class BaselineBoard(LookaheadBoard):
    """Its floor is the campaign's; `settings` name the pacer."""

    def __init__(
        self, settings: Baseline, flow: Flow, preset: Preset, cells: CampaignCells, now: float
    ) -> None:
        number = "" if settings.number is None else f":{settings.number}"
        super().__init__(Lookahead(mode="lookahead"), flow, preset, cells, now)
        self._baseline, self._other = settings, pacer_of(settings.pacer + number)

    def _choose(self, seen: Snapshot) -> Decision:
        return self._other.decide(seen)

    def follow(self, flow: Flow) -> bool:
        """A new version of the flow: what was learned holds on, unless another pacer is named."""
        return flow.init.dialing == self._baseline
