"""What a campaign decided, and why.

The rule of this module: whatever a campaign does or leaves, it says why in words, to the ledger
and to whoever asks. A decision that comes to the same as the one before, and dials nobody, is
counted, and the next record tells how many there were.
"""

from dialer.journal import Pulse
from dialer.ports import Sink


class Decisions:
    """Records decisions.

    last: the one that holds, with its reason and since when. unchanged: decisions since then that
    came to the same.
    """

    def __init__(self, campaign_id: int, recorder: Sink) -> None:
        self.last = Pulse(campaign_id, 0.0, reason="no pulse yet")
        self.unchanged = 0
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
        last = self.last
        if (
            not dials
            and inputs == last.inputs
            and reason == last.reason
            and value == last.value
            and clamps == last.clamps
        ):
            self.unchanged += 1
            return
        self.last = Pulse(
            self._campaign_id, at, inputs, value, clamps, dials, reason, self.unchanged
        )
        self.unchanged = 0
        tell = self._recorder.tell  # by way of the attribute it would be looked up in the class
        tell(self.last)
