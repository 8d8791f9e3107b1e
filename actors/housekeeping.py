"""What no actor counts: inboxes, dead letters, campaigns that have drained.

The rule of this module: it looks once a second, from a thread of its own, and whatever goes wrong
with one look is logged and does not stop the next.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from actors.director import Director
from actors.live import LiveRuntime
from dialer.metrics import Metrics

PERIOD_S = 1.0

log = logging.getLogger("foredial.housekeeping")


class Housekeeper:
    """Looks around. chores: more to be done each second, told how many seconds have gone by."""

    def __init__(
        self,
        runtime: LiveRuntime,
        director: Director,
        metrics: Metrics,
        chores: Sequence[Callable[[int], None]] = (),
    ) -> None:
        self._runtime = runtime
        self._director = director
        self._metrics = metrics
        self._chores = (self._count, *chores)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        turn = 0
        while not self._stopping.wait(PERIOD_S):
            turn += 1
            for chore in self._chores:
                try:
                    chore(turn)
                except Exception:
                    log.exception("housekeeping failed")

    def _count(self, _turn: int) -> None:
        self._director.reap()
        for name, size in self._runtime.inbox_sizes().items():
            self._metrics.open_actor(name)
            self._metrics.gauge("dialer_actor_inbox_messages", actor=name).set(size)
        for name, count in self._runtime.dead_letters.copy().items():
            self._metrics.open_actor(name)
            cell = self._metrics.counter("dialer_dead_letters_total", actor=name)
            cell.inc(count - cell.value)
