"""What look-ahead foretells, to be held against what comes.

The rule of this module: answers are foretold of each call as it is placed, and counted with it when
it is over, so both sides are of the same calls. Abandoned calls are foretold each second, of the
calls in flight: the risk at the dial is that of one call alone, and those placed after it add to
it. A trunk's faults are no answer that was missed; a call that we gave up is foretold like the
rest and not answered, which comes to a few in a hundred.
"""

from typing import NamedTuple

from actors.campaign_cells import CampaignCells
from dialer.outcomes import OUTCOMES
from dialer.pacing.lookahead import Lookahead
from dialer.pacing.pacer import Decision, Snapshot
from dialer.pacing.risk import Shortfall

_NEXT_SECOND = 0
"""Which horizon of the pacer that is."""


class NextSecond(NamedTuple):
    """answers: expected in it. unmet: P(one of them meets no agent)."""

    answers: float = 0.0
    unmet: float = 0.0

    @property
    def abandoned(self) -> float:
        return self.answers * self.unmet


class ToldLookahead(Lookahead):
    """A look-ahead pacer that says what it expects. next_second: as of the last decision."""

    next_second = NextSecond()

    def answer_rates(self) -> tuple[float, ...]:
        """P(a person answers a new call), by score class."""
        return tuple(self._calls.rates().tolist())

    def decide(self, seen: Snapshot) -> Decision:
        self.next_second = NextSecond()
        return super().decide(seen)

    def _shortfall(self, seen: Snapshot) -> tuple[Shortfall, dict[str, float]]:
        shortfall, expected = super()._shortfall(seen)
        calls = seen.calls.present.ravel()
        ages = calls.nonzero()[0]
        answers = float(calls[ages] @ self._tables.calls[ages, _NEXT_SECOND])
        unmet = shortfall.exceeds(seen.ready - seen.waiting - 1)[_NEXT_SECOND]
        self.next_second = NextSecond(answers, float(unmet))
        return shortfall, expected


def count(cells: CampaignCells, answer_rate: float, outcome: str, *, abandoned: bool) -> None:
    """A call is over. answer_rate: what was expected of it."""
    meaning = OUTCOMES[outcome]
    if not meaning.trunk_fault:
        cells.came_true(answer_rate, answered=meaning.human, abandoned=abandoned)
