"""Whether a campaign's answer score still tells the truth, as metrics.

The rule of this module: each scored call that ends adds what was foretold and what came of it, so
that the two can be held against each other over any time; and drift is seen before answers tell.
"""

from actors.campaign_cells import CampaignCells
from dialer.score.drift import Drift
from dialer.score.model import ScoreModel
from dialer.score.past import was_answered


class ScoreWatch:
    """Watches one campaign's model."""

    def __init__(self, model: ScoreModel, cells: CampaignCells) -> None:
        self.model = model
        self._cells = cells
        self._drift = Drift(model.reference)

    def ended(self, score: float, outcome: str) -> None:
        """A scored call is over. What we gave up ourselves tells nothing."""
        answered = was_answered(outcome)
        if answered is None:
            return
        self._drift.put(score)
        self._cells.scored(score, answered=answered, drift=self._drift.index)
