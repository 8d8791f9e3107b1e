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
    takes them, so it need not be told of them; when it has set this back it looks once more.

    An answer is kept first, and only then is it asked whether anybody takes it; the feeder first
    says that it does not, and only then looks for the last time. So one of them sees the other,
    and nobody waits for a lock before each message.
    """

    def __init__(self, feeder: Sink, undo: Callable[[Any], None]) -> None:
        self._feeder = feeder
        self._undo = undo
        self.kept: deque[Any] = deque()
        self.attended = False
        self._closed = False
        self._undoing = threading.RLock()

    def tell(self, message: Any, /) -> None:
        self.kept.append(message)
        if self.attended:
            return
        if self._closed:
            self._undo_kept()
        else:
            self._feeder.tell(StoreAnswered())

    def close(self) -> None:
        """The feeder takes no more answers."""
        self._closed = True
        self.attended = False
        self._undo_kept()

    def _undo_kept(self) -> None:
        with self._undoing:
            while self.kept:
                self._undo(self.kept.popleft())
