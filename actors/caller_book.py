"""The caller IDs, shared by all campaigns.

The rule of this module: a daily cap holds over all campaigns together, so choosing and counting
are one step under a lock. What is chosen stands in `dialer.caller_ids`.
"""

import threading

from dialer.caller_ids import Caller, CallerIds, NoCaller


class CallerBook:
    """Chooses caller IDs. Any thread may ask."""

    def __init__(self, caller_ids: CallerIds | None = None) -> None:
        self._caller_ids = caller_ids or CallerIds()
        self._lock = threading.Lock()
        # Where no number of ours is known nothing is counted, so one answer does for all.
        self._plain: dict[tuple[str, tuple[str, ...]], Caller | NoCaller] | None = None
        if not self._caller_ids.numbers:
            self._plain = {}

    def choose(
        self, wanted: str, trunks: tuple[str, ...], callee: str, now: float
    ) -> Caller | NoCaller:
        """See `CallerIds.choose`."""
        plain = self._plain
        if plain is not None and (found := plain.get((wanted, trunks))) is not None:
            return found
        with self._lock:
            chosen = self._caller_ids.choose(wanted, trunks, callee, now)
        if plain is not None:
            plain[wanted, trunks] = chosen
        return chosen

    def unused(self, number: str, now: float) -> None:
        """The call that was to show it was not made after all."""
        if number:
            with self._lock:
                self._caller_ids.unused(number, now)
