"""What a campaign decided, and why.

The rule of this module: whatever a campaign does or leaves, it says why in words, to the ledger
and to whoever asks.
"""

from dialer.journal import Pulse
from dialer.ports import Sink


class Decisions:
    """Records decisions. why, why_at: the last one's reason and time."""

    def __init__(self, campaign_id: int, recorder: Sink) -> None:
        self.why = "no pulse yet"
        self.why_at = 0.0
        self._campaign_id = campaign_id
        self._recorder = recorder

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
        self.why, self.why_at = reason, at
        self._recorder.tell(Pulse(self._campaign_id, at, inputs, value, clamps, dials, reason))
