"""Where the store answers a feeder.

The rule of this module: no answer is lost. What the feeder can take no more, because it stopped
or failed, is undone by whoever comes across it: contacts are due again, attempts never dialed.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from actors.messages import StoreAnswered
from dialer.ports import Sink


class StoreAnswers:
    """A sink that keeps each answer until the feeder takes it.

    undo: makes an answer as if it had not been; called on any thread, one answer at a time, and
    only when the feeder runs no more. kept: answers to take. attended: the feeder is at work and
    takes them until it may `rest`, so it need not be told of them.
    """

    def __init__(self, feeder: Sink, undo: Callable[[Any], None]) -> None:
        self._feeder = feeder
        self._undo = undo
        self.kept: deque[Any] = deque()
        self.attended = False
        self._closed = False
        self._lock = threading.RLock()

    def tell(self, message: Any, /) -> None:
        with self._lock:
            if self._closed:
                self._undo(message)
                return
            self.kept.append(message)
            if self.attended:
                return
        self._feeder.tell(StoreAnswered())

    def rest(self) -> bool:
        """Whether nothing is left to take: then the feeder is told of the next one again."""
        with self._lock:
            self.attended = bool(self.kept)
            return not self.attended

    def close(self) -> None:
        """The feeder takes no more answers."""
        with self._lock:
            self._closed = True
            while self.kept:
                self._undo(self.kept.popleft())
