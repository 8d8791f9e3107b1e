"""Numbers that are never dialed because their people said so.

The rule of this module: a number that opted out is refused from that moment on, in every
campaign, whatever else allows it; it is compared as E.164 and never taken off here.
"""

from collections.abc import Iterable

OPTED_OUT = "suppressed: opted out"


class Suppressions:
    """The numbers, for quick looks. One step each, so any thread may look or add."""

    def __init__(self, numbers: Iterable[str] = ()) -> None:
        self._numbers = set(numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: str) -> None:
        """A number (E.164) that is not dialed any more."""
        self._numbers.add(number)

    def refusal(self, number: str) -> str:
        """Why a number is not dialed, "" where nothing speaks against it."""
        return OPTED_OUT if number in self._numbers else ""
