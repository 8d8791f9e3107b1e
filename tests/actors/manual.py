"""A runtime whose clock the test moves: no thread, no sleep, and the same run for the same seed.

The rule of this module: an actor handles one message at a time and its inbox keeps its order, as
on the live runtimes; which of the actors that are ready goes next may be shuffled by a seed.
"""

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pykka
from numpy.random import Generator

from actors.messages import Crashed
from actors.runtime import Behaviour, Heir
from dialer.ports import Sink

TUESDAY_AT_TEN = 1767711600.0
"""Tuesday 2026-01-06 10:00 in New York."""


class ManualTimer:
    """A message to be told at a time of the manual clock."""

    def __init__(self, to: Sink, message: Any) -> None:
        self._to: Sink | None = to
        self._message = message

    def cancel(self) -> None:
        self._to = None

    def fire(self) -> None:
        if self._to is not None:
            self._to.tell(self._message)


class _Stop:
    """Ends an actor when its turn comes."""


class _Question:
    """A message that wants an answer."""

    def __init__(self, message: Any) -> None:
        self.message = message
        self.done = False
        self.answer: Any = None
        self.error: BaseException | None = None

    def give(self, answer: Any = None, error: BaseException | None = None) -> None:
        self.answer, self.error, self.done = answer, error, True


class ManualRef:
    """The address of an actor on the manual clock; it is the actor as well."""

    def __init__(self, runtime: "ManualRuntime", behaviour: Behaviour, name: str) -> None:
        self.name = name
        self.behaviour = behaviour
        self._runtime = runtime
        self._inbox: deque[Any] = deque()
        self._awake = True
        self._started = False
        self._alive = True
        self._failed = False
        self.heir: Heir | None = None
        behaviour.runtime = runtime
        behaviour.ref = self
        runtime.wake(self)

    def tell(self, message: Any, /) -> None:
        if not self._alive:
            self._leave(message)
            return
        self._inbox.append(message)
        if not self._awake:
            self._awake = True
            self._runtime.wake(self)

    def ask(self, message: Any, timeout_s: float) -> Any:
        question = _Question(message)
        if not self._alive:
            raise pykka.ActorDeadError(f"{self.name} not found")
        self.tell(question)
        self._runtime.run_until(lambda: question.done, timeout_s)
        if question.error is not None:
            raise question.error
        return question.answer

    def stop(self) -> None:
        if self._alive:
            self.tell(_Stop())

    def is_alive(self) -> bool:
        return self._alive

    def take_turn(self, at_most: int) -> None:
        """Start, or handle up to so many messages."""
        if not self._started:
            self._started = True
            self._guarded(self.behaviour.on_start)
        else:
            for _ in range(at_most):
                if not self._alive or not self._inbox:
                    break
                self._handle(self._inbox.popleft())
        self._awake = False
        if not self._alive:
            self._bury()
        elif self._inbox:
            self._awake = True
            self._runtime.wake(self)

    def _handle(self, message: Any) -> None:
        if isinstance(message, _Stop):
            self._alive = False
            self._guarded(self.behaviour.on_stop)
        elif isinstance(message, _Question):
            try:
                message.give(self.behaviour.receive(message.message))
            except Exception as error:
                message.give(error=error)
        else:
            self._guarded(self.behaviour.receive, message)

    def _guarded(self, handler: Callable[..., Any], *arguments: Any) -> None:
        try:
            handler(*arguments)
        except Exception as error:
            self._alive = False
            self._failed = True
            self._runtime.crashed(self.name, self.behaviour, error)

    def _leave(self, message: Any) -> None:
        if self._failed and self.heir is not None:
            self.heir.inherit(message)
        else:
            self._runtime.dead_letter(self.name, message)

    def _bury(self) -> None:
        while self._inbox:
            message = self._inbox.popleft()
            if isinstance(message, _Question):
                message.give(error=pykka.ActorDeadError(f"{self.name} stopped"))
            elif not isinstance(message, _Stop):
                self._leave(message)


class ManualRuntime:
    """Behaviours on a clock that stands still until it is moved.

    jitter_s: every wake-up is delayed by a random time up to this, drawn from the seed, and then
    an actor handles one message; 0 lets it empty its inbox at once, in order of waking.
    """

    def __init__(
        self, *, start: float = TUESDAY_AT_TEN, seed: int = 0, jitter_s: float = 0.0
    ) -> None:
        self._now = start
        self._seed = seed
        self._random = random.Random(seed)
        self._jitter_s = jitter_s
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self.dead_letters: Counter[str] = Counter()
        self.crashes: list[tuple[str, BaseException | None]] = []
        self.supervisor: Sink | None = None

    def now(self) -> float:
        return self._now

    def spawn(self, behaviour: Behaviour, name: str) -> ManualRef:
        return ManualRef(self, behaviour, name)

    def after(self, delay_s: float, to: Sink, message: Any) -> ManualTimer:
        timer = ManualTimer(to, message)
        self._at(self._now + max(0.0, delay_s), timer.fire)
        return timer

    def stream(self, name: str) -> Generator:
        key = [ord(letter) for letter in name]
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=key))

    # --- for the test -------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let so much time go by, with all that happens in it."""
        end = self._now + seconds
        while self._agenda and self._agenda[0][0] <= end:
            self._step()
        self._now = end

    def settle(self) -> None:
        """Handle all that is to be handled at this instant (with jitter: within 50 ms)."""
        self.advance(0.05 if self._jitter_s else 0.0)

    def run_until(self, reached: Callable[[], bool], limit_s: float) -> None:
        """Let time go by until something holds; fails when it does not in `limit_s`."""
        end = self._now + limit_s
        while not reached():
            if not self._agenda or self._agenda[0][0] > end:
                raise pykka.Timeout(f"not reached in {limit_s:g} s")
            self._step()

    # --- for the actors -----------------------------------------------------------------------

    def wake(self, actor: ManualRef) -> None:
        if self._jitter_s:
            delay_s = self._random.random() * self._jitter_s
            self._at(self._now + delay_s, lambda: actor.take_turn(1))
        else:
            self._at(self._now, lambda: actor.take_turn(1_000_000))

    def dead_letter(self, name: str, message: Any) -> None:
        self.dead_letters[name.split("/", maxsplit=1)[0]] += 1

    def crashed(self, name: str, behaviour: Behaviour, error: BaseException | None) -> None:
        self.crashes.append((name, error))
        if self.supervisor is not None:
            self.supervisor.tell(Crashed(name, behaviour, error))

    def _at(self, at: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (at, next(self._number), action))

    def _step(self) -> None:
        at, _, action = heapq.heappop(self._agenda)
        self._now = at
        action()
