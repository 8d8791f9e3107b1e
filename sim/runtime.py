"""The runtime on a virtual clock: pykka actors carried by SimPy.

The rule of this module: a behaviour cannot tell it from the live runtimes, and a run is a function
of its seed. All actors share one thread; an actor that was told something stands in a run queue,
which is drained at each instant before SimPy moves the clock on.

Jitter delays each wake-up of an actor by a random time, the order within its inbox kept: that is
all the freedom that threads have, so races that they could show are shown here, and replayed by
the seed. A blocking ask inside an actor is an error: live it would hold up a worker.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Any, NoReturn

import numpy as np
import pykka
import simpy
from numpy.random import Generator
from simpy.events import NORMAL

from actors.messages import Crashed
from actors.runtime import Behaviour
from dialer.errors import DialerError
from dialer.ports import Sink
from sim.runtime_actor import SimActor
from sim.variates import uniform

log = logging.getLogger("foredial.sim")

TUESDAY_AT_TEN = 1_767_711_600.0
"""Tuesday 2026-01-06, 10:00 in New York: inside anybody's calling hours."""

STALLED_AFTER_TURNS = 1_000_000
"""An instant in which actors take so many turns will never end."""


class StalledError(DialerError):
    """Actors tell each other things for ever, and the clock stands still."""


class BlockingAskError(DialerError):
    """An actor asked another and would have waited: actors only ever tell."""


class SimTimer(simpy.Event):
    """A message that will be told at an instant, as an event that SimPy can hold.

    SimPy's own Timeout makes a list of callbacks each; these share one.
    """

    _ok = True
    _value = None

    def __init__(self, callbacks: Any, to: Sink, message: Any) -> None:
        self.callbacks = callbacks
        self.to: Sink | None = to
        self.message = message

    def cancel(self) -> None:
        """It stays on the agenda and does nothing."""
        self.to = None
        self.message = None


class SimRuntime:
    """Behaviours on the virtual clock.

    seed: of every random stream. jitter_s: wake-ups are delayed by a uniform time up to this, in
    seconds; 0 for none. epoch: where the clock starts, in seconds since 1970.
    """

    def __init__(
        self, seed: int | None = None, jitter_s: float = 0.0, epoch: float = TUESDAY_AT_TEN
    ) -> None:
        self.environment = simpy.Environment(initial_time=epoch)
        self.epoch = epoch
        self.dead_letters: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()
        self.supervisor: Sink | None = None
        self._seed = np.random.SeedSequence(seed).entropy
        self._ready: deque[SimActor] = deque()
        self._fire = (self._on_timer,)
        self._take_late_turn = (self._on_late_turn,)
        self._busy = False
        self._stopping = False
        self._alive: dict[SimActor, None] = {}
        self._jitter_s = jitter_s
        self._delay_s = uniform(self.stream("runtime/jitter"), 0.0, jitter_s)
        self.wake: Callable[[SimActor], None] = self._wake_late if jitter_s else self._ready.append

    # --- what behaviours use (actors.runtime.Runtime) -----------------------------------------

    def now(self) -> float:
        return self.environment._now

    def spawn(self, behaviour: Behaviour, name: str) -> SimActor:
        actor = SimActor(self, behaviour, name)
        self._alive[actor] = None
        self.wake(actor)
        return actor

    def after(self, delay_s: float, to: Sink, message: Any) -> SimTimer:
        timer = SimTimer(self._fire, to, message)
        environment = self.environment
        at = environment._now + delay_s if delay_s > 0.0 else environment._now
        heappush(environment._queue, (at, NORMAL, next(environment._eid), timer))
        return timer

    def stream(self, name: str) -> Generator:
        key = [ord(letter) for letter in name]
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=key))

    # --- for whoever drives the clock ---------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let so much virtual time go by, with all that happens in it.

        Raises:
            StalledError: some instant never ends.
        """
        self._enter()
        try:
            self._drain()
            if seconds > 0:
                self._run_to(self.environment.now + seconds)
        finally:
            self._busy = False

    def run_until(self, reached: Callable[[], bool], within_s: float) -> bool:
        """Let time go by until something holds; whether it did `within_s`."""
        self._enter()
        try:
            end = self.environment.now + within_s
            self._drain()
            while not reached():
                next_at = self.environment.peek()
                if next_at > end or next_at == inf:
                    return False
                self.environment.step()
            return True
        finally:
            self._busy = False

    def inbox_sizes(self) -> dict[str, int]:
        """Messages waiting, by kind of actor."""
        sizes: Counter[str] = Counter()
        for actor in self._alive:
            sizes[_kind(actor.name)] += actor.inbox_size()
        return dict(sizes)

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """Which actor waits to handle what, where any does: for the report of a stall."""
        return {actor.name: actor.waiting_types() for actor in self._alive if actor.inbox_size()}

    def stop(self) -> None:
        """Stop every actor, the youngest first."""
        self._stopping = True
        for actor in reversed([*self._alive]):
            actor.stop()
        self.advance(self._jitter_s)

    # --- for the actors -----------------------------------------------------------------------

    def answer_within(self, is_answered: Callable[[], bool], timeout_s: float, name: str) -> None:
        """Let time go by until an actor has answered somebody outside.

        Raises:
            BlockingAskError: it is an actor who asks. pykka.Timeout: no answer in time.
        """
        if not self.run_until(is_answered, timeout_s):
            raise pykka.Timeout(f"{name} did not answer within {timeout_s:g} s")

    def dead_letter(self, name: str, message: Any) -> None:
        """A message that no actor will ever read: counted and, except at the end, logged."""
        self.dead_letters[_kind(name)] += 1
        if not self._stopping:
            log.info("dead letter", extra={"actor": name, "message_type": type(message).__name__})

    def crashed(self, actor: SimActor, behaviour: Behaviour, error: BaseException) -> None:
        self.crashes[_kind(actor.name)] += 1
        log.error("actor crashed", extra={"actor": actor.name}, exc_info=error)
        if self.supervisor is not None:
            self.supervisor.tell(Crashed(actor.name, behaviour, error))

    def ended(self, actor: SimActor) -> None:
        self._alive.pop(actor, None)

    # --- the run queue ------------------------------------------------------------------------

    def _enter(self) -> None:
        if self._busy:
            raise BlockingAskError("an actor must not wait for another: tell, and be told")
        self._busy = True

    def _drain(self) -> None:
        """Give turns to all who are ready, until nobody is."""
        ready = self._ready
        for _ in range(STALLED_AFTER_TURNS):
            if not ready:
                return
            ready.popleft().take_turn()
        self._stalled()

    def _stalled(self) -> NoReturn:
        waiting = "; ".join(f"{name}: {', '.join(what)}" for name, what in self.waiting().items())
        raise StalledError(f"the clock stands still at {self.now():.3f}; waiting are {waiting}")

    def _run_to(self, end: float) -> None:
        """What SimPy's `run` does, with the steps of our own timers in one loop."""
        environment, ready, fire = self.environment, self._ready, self._fire
        agenda = environment._queue
        while agenda and agenda[0][0] < end:
            at, _, _, event = heappop(agenda)
            environment._now = at
            callbacks: Any = event.callbacks
            if callbacks is not fire:
                event.callbacks = None  # type: ignore[assignment]
                for callback in callbacks:
                    callback(event)
                self._drain()
                continue
            to = event.to  # type: ignore[attr-defined]
            if to is not None:
                to.tell(event.message)  # type: ignore[attr-defined]
                turns = 0
                while ready:
                    ready.popleft().take_turn()
                    turns += 1
                    if turns > STALLED_AFTER_TURNS:
                        self._stalled()
        environment._now = end

    def _on_timer(self, timer: SimTimer) -> None:
        to = timer.to
        if to is not None:
            to.tell(timer.message)
            if self._ready:
                self._drain()

    def _wake_late(self, actor: SimActor) -> None:
        turn = SimTimer(self._take_late_turn, actor, None)
        self.environment.schedule(turn, NORMAL, self._delay_s())

    def _on_late_turn(self, turn: SimTimer) -> None:
        actor = turn.to
        assert isinstance(actor, SimActor)
        actor.take_turn()


def _kind(name: str) -> str:
    return name.split("/", maxsplit=1)[0]
