"""How many calls of a campaign are in each state.

The rule of this module: a call counts itself, step by step, so that its campaign need not hear of
every step; the lock makes each step one, whichever threads the calls run on.
"""

import threading
from collections.abc import Mapping

from dialer.metrics import Gauge


class CallCounts:
    """Of one campaign. cells: by state of `dialer.calls.IN_PROGRESS`."""

    def __init__(self, cells: Mapping[str, Gauge]) -> None:
        self._cells = cells
        self._lock = threading.Lock()

    def born(self) -> None:
        """A call begins to dial."""
        with self._lock:
            self._cells["dialing"].value += 1

    def moved(self, before: str, after: str) -> None:
        """A call went on to another state."""
        cells = self._cells
        with self._lock:
            cells[before].value -= 1
            cells[after].value += 1

    def over(self, state: str) -> None:
        """A call has ended in this state."""
        with self._lock:
            self._cells[state].value -= 1
