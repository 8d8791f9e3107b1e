"""The address of something that must live.

The rule of this module: who talks to a long-lived actor holds its handle, so that a restart
changes nothing for them. What is told while nobody stands behind the handle, and what an actor
that failed has not read, is kept for the next one, up to a limit; so a failure costs the message
that it was about, and no other.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from actors.runtime import Ref

_KEPT = 10_000
_STARTS_WITHIN_S = 1.0


class Handle:
    """A Sink whose target the supervisor can change.

    tell: of the actor behind it. Most messages go through a handle: while somebody is there, they
    go straight to them.
    """

    __slots__ = ("_given_up", "_kept", "_lock", "_ref", "_somebody", "name", "tell")

    def __init__(self, name: str) -> None:
        self.name = name
        self.tell: Callable[[Any], None] = self._keep
        self._ref: Ref | None = None
        self._kept: deque[Any] = deque(maxlen=_KEPT)
        self._given_up = False
        self._lock = threading.RLock()
        self._somebody = threading.Condition(self._lock)

    def point_to(self, ref: Ref | None) -> None:
        """From now on messages go to this actor, first those that were kept."""
        with self._lock:
            if ref is not None:
                ref.heir = self
                # Should it fail of one of them, the rest are kept for the next one after it.
                kept = [*self._kept]
                self._kept.clear()
                for message in kept:
                    ref.tell(message)
            self._ref = ref
            self.tell = ref.tell if ref is not None else self._keep
            if ref is not None:
                self._somebody.notify_all()

    def _keep(self, message: Any, /) -> None:
        with self._lock:
            if self._ref is not None:
                self._ref.tell(message)
            else:
                self._kept.append(message)

    def inherit(self, message: Any) -> None:
        """Keep what an actor that failed was told, or tell it to whom came after them."""
        with self._lock:
            ref = self._ref
            if ref is None or not ref.is_alive():
                self._kept.append(message)
                return
        ref.tell(message)

    def give_up(self) -> None:
        """Nobody comes after the one who failed: what was kept and will be told is lost."""
        with self._lock:
            dead, kept = self._ref, [*self._kept]
            self._kept.clear()
            self._given_up = True
        if dead is not None:
            dead.heir = None
            for message in kept:
                dead.tell(message)

    def ask(self, message: Any, timeout_s: float) -> Any:
        """Ask from outside the actors.

        Who is just being started, or started anew, is waited for a moment.

        Raises:
            LookupError: nobody is there.
        """
        if self._ref is None:
            with self._somebody:
                self._somebody.wait_for(self._is_settled, min(timeout_s, _STARTS_WITHIN_S))
        ref = self._ref
        if ref is None:
            raise LookupError(f"{self.name} is not running")
        return ref.ask(message, timeout_s)

    def _is_settled(self) -> bool:
        return self._ref is not None or self._given_up

    def is_alive(self) -> bool:
        ref = self._ref
        return ref is not None and ref.is_alive()
