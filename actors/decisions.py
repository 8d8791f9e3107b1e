"""What a campaign decided, and why.

The rule of this module: whatever a campaign does or leaves, it says why in words, to the ledger
and to whoever asks. A decision that comes to the same as the one before, and dials nobody, is
counted, and the next record tells how many there were.
"""

from typing import Any

from dialer.journal import Pulse
from dialer.ports import Sink


class Decisions:
    """Records decisions.

    why, why_at: the last one's reason, and since when it holds. unchanged: decisions since then
    that came to the same.
    """

    def __init__(self, campaign_id: int, recorder: Sink) -> None:
        self.why = "no pulse yet"
        self.why_at = 0.0
        self.unchanged = 0
        self._campaign_id = campaign_id
        self._recorder = recorder
        self._last: tuple[Any, ...] = ()

    def tell(
        self,
        at: float,
        reason: str,
        inputs: tuple[tuple[str, float], ...] = (),
        value: float = 0.0,
        clamps: tuple[str, ...] = (),
        dials: int = 0,
    ) -> None:
        """See `dialer.journal.Pulse`."""
        decided = (reason, inputs, value, clamps)
        if not dials and decided == self._last:
            self.unchanged += 1
            return
        self._last = decided
        self.why, self.why_at = reason, at
        unchanged, self.unchanged = self.unchanged, 0
        self._recorder.tell(
            Pulse(self._campaign_id, at, inputs, value, clamps, dials, reason, unchanged)
        )
