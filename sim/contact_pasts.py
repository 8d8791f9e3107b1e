"""What came of each contact's attempts, in memory.

The rule of this module: a past is kept up from when it is first asked for; whoever never asks pays
nothing for it.
"""

from collections.abc import Callable, Iterable

from dialer.ports import Settlement
from dialer.score.past import Past


class ContactPasts:
    """first_past: what is known of a contact who has not been dialed from here."""

    def __init__(self, first_past: Callable[[int], Past]) -> None:
        self._first_past = first_past
        self._pasts: dict[int, Past] = {}
        self.kept_up = False

    def begin(self, settlements: Iterable[Settlement]) -> None:
        """They are wanted from now on. settlements: all so far; later ones are to be added."""
        if not self.kept_up:
            self.kept_up = True
            for settlement in settlements:
                self.add(settlement)

    def add(self, settlement: Settlement) -> None:
        """An attempt came to its end."""
        contact_id = settlement.contact_id
        past = self.of(contact_id)
        self._pasts[contact_id] = past.after(settlement.outcome, settlement.dialed_at)

    def of(self, contact_id: int) -> Past:
        """What is known of a contact."""
        return self._pasts.get(contact_id) or self._first_past(contact_id)
