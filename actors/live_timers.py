"""Timers on real time.

The rule of this module: one thread tells all of them, in the order of their times; a timer that
was cancelled stays on the heap and tells nobody.
"""

import heapq
import itertools
import threading
import time
from typing import Any

from dialer.ports import Sink


class LiveTimer:
    """A message to be told at a time of the monotonic clock."""

    __slots__ = ("_due",)

    def __init__(self, to: Sink, message: Any) -> None:
        # One field, so that a cancel on another thread is seen whole or not at all.
        self._due: tuple[Sink, Any] | None = (to, message)

    def cancel(self) -> None:
        self._due = None

    def fire(self) -> None:
        due = self._due
        if due is not None:
            to, message = due
            to.tell(message)


class TimerThread:
    """All timers of a runtime, on one thread."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, LiveTimer]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="timers", daemon=True)
        self._thread.start()

    def add(self, at: float, to: Sink, message: Any) -> LiveTimer:
        timer = LiveTimer(to, message)
        with self._changed:
            heapq.heappush(self._heap, (at, next(self._number), timer))
            if self._heap[0][2] is timer:
                self._changed.notify()
        return timer

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(5.0)

    def _run(self) -> None:
        due: list[LiveTimer] = []
        while True:
            with self._changed:
                if self._stopped:
                    return
                now = time.monotonic()
                while self._heap and self._heap[0][0] <= now:
                    due.append(heapq.heappop(self._heap)[2])
                if not due:
                    self._changed.wait(self._heap[0][0] - now if self._heap else None)
            for timer in due:
                timer.fire()
            due.clear()
