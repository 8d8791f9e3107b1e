"""The runtime on a virtual clock: pykka actors carried by SimPy.

The rule of this module: a behaviour cannot tell it from the live runtimes, and a run is a function
of its seed. All actors share one thread and one line of messages, each handled in the order in
which it was told, until none is left; only then the clock goes on to the next timer. It is SimPy's
clock, so SimPy's own processes go along.

Jitter delays each wake-up of an actor by a random time, the order within its inbox kept: that is
all the freedom that threads have, so races that they could show are shown here, and replayed by
the seed. A blocking ask inside an actor is an error: live it would hold up a worker.
"""

import logging
from bisect import insort_right
from collections import Counter, deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from math import inf, nextafter
from operator import attrgetter
from typing import Any, NoReturn

import msgspec
import numpy as np
import pykka
import simpy
from numpy.random import Generator

from actors.messages import Crashed
from actors.runtime import Behaviour
from dialer.errors import DialerError
from dialer.ports import Sink
from sim.runtime_actor import LateActor, SimActor
from sim.variates import uniform

log = logging.getLogger("foredial.sim")

TUESDAY_AT_TEN = 1_767_711_600.0
"""Tuesday 2026-01-06, 10:00 in New York: inside anybody's calling hours."""

_TOLD = 5

STALLED_AFTER_TURNS = 1_000_000
"""An instant in which actors are handed so many messages will never end."""


class StalledError(DialerError):
    """Actors tell each other things for ever, and the clock stands still."""


class BlockingAskError(DialerError):
    """An actor asked another and would have waited: actors only ever tell."""


class _Nobody:
    """Whom a timer that was cancelled tells."""

    def tell(self, message: Any, /) -> None:
        pass


_NOBODY = _Nobody()


class SimTimer(msgspec.Struct, gc=False):
    """When to whom what will be told."""

    at: float
    to: Sink
    message: Any

    def cancel(self) -> None:
        """It stays on the agenda and tells nobody."""
        self.to = _NOBODY


def stream_of(seed: int | Sequence[int] | None, name: str) -> Generator:
    """The random stream that a run of this seed has under a name."""
    key = [ord(letter) for letter in name]
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


_AT = attrgetter("at")


class _Later(dict[int, list[SimTimer]]):
    """Timers by the second, those of each in the order in which they were set.

    seconds: those that have any, as a heap.
    """

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[int] = []

    def __missing__(self, second: int) -> list[SimTimer]:
        heappush(self.seconds, second)
        timers = self[second] = []
        return timers


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
        # Timers of this second, before `_second_ends`, in the order of their times; those of one
        # time in the order in which they were set.
        self._second_ends = int(epoch) + 1.0
        self._due: list[SimTimer] = []
        self._later = _Later()
        self._busy = False
        self._stopping = False
        # Actors that have not stopped, the oldest first.
        self.alive: dict[SimActor, None] = {}
        self._jitter_s = jitter_s
        self._delay_s = uniform(self.stream("runtime/jitter"), 0.0, jitter_s)
        self._actor: type[SimActor] = LateActor if jitter_s else SimActor
        # What was told and is still to be handled, each message with the actor it is for.
        self.told: deque[tuple[SimActor, Any]] = deque()

    # --- what behaviours use (actors.runtime.Runtime) -----------------------------------------

    def now(self) -> float:
        return self.environment._now

    def spawn(self, behaviour: Behaviour, name: str) -> SimActor:
        actor = self._actor(self, behaviour, name)
        self.alive[actor] = None
        return actor

    def after(self, delay_s: float, to: Sink, message: Any) -> SimTimer:
        now = self.environment._now
        at = now + delay_s
        if at >= self._second_ends:
            timer = SimTimer(at, to, message)
            self._later[int(at)].append(timer)
        else:
            timer = SimTimer(at if delay_s > 0.0 else now, to, message)
            insort_right(self._due, timer, key=_AT)
        return timer

    def stream(self, name: str) -> Generator:
        return stream_of(self._seed, name)

    # --- for whoever drives the clock ---------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let so much virtual time go by, with all that happens in it.

        Raises:
            StalledError: some instant never ends.
        """
        end = self.environment._now + seconds
        self._run_to(end, None)
        self.environment._now = end

    def run_until(self, reached: Callable[[], bool], within_s: float) -> bool:
        """Let time go by until something holds; whether it did `within_s`."""
        end = self.environment._now + within_s
        return self._run_to(nextafter(end, inf), reached)

    def inbox_sizes(self) -> dict[str, int]:
        """Messages waiting, by kind of actor."""
        sizes = dict.fromkeys((_kind(actor.name) for actor in self.alive), 0)
        for actor in self.alive:
            sizes[_kind(actor.name)] += len(actor.inbox())
        return sizes

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """Which actor waits to handle what, where any does: for the report of a stall."""
        return {
            actor.name: tuple(dict.fromkeys(type(message).__name__ for message in inbox))
            for actor in self.alive
            if (inbox := actor.inbox())
        }

    def stall(self, prefix: str) -> str:
        """Which actors, those whose names begin so, should have stopped and have not, and what
        anybody still waits to handle."""
        left = [actor.name for actor in self.alive if actor.name.startswith(prefix)]
        more = f" and {len(left) - _TOLD} more" if len(left) > _TOLD else ""
        alive = f"{', '.join(left[:_TOLD])}{more} should have ended by {self.now():.0f}"
        return f"stalled: {alive}; {self._waiting_in_words() or 'nobody waits to handle anything'}"

    def _waiting_in_words(self) -> str:
        waiting = self.waiting().items()
        return "; ".join(f"{name} waits to handle {', '.join(what)}" for name, what in waiting)

    def stop(self) -> None:
        """Stop every actor, the youngest first."""
        self._stopping = True
        for actor in reversed([*self.alive]):
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

    def wake_later(self, actor: LateActor) -> None:
        """Have an actor come to its inbox after a while that the seed decides."""
        self.after(self._delay_s(), _Turn(actor), None)

    # --- the loop -----------------------------------------------------------------------------

    def _run_to(self, end: float, reached: Callable[[], bool] | None) -> bool:
        """Handle all that is told and all timers before `end`, or until something is reached;
        whether it was."""
        if self._busy:
            raise BlockingAskError("an actor must not wait for another: tell, and be told")
        self._busy = True
        try:
            while True:
                try:
                    return self._loop(end, reached)
                except _FailedError as failed:
                    failed.actor.fail(failed.error)
        finally:
            self._busy = False

    def _loop(  # noqa: PLR0912 - whatever is a function of its own costs each message a call
        self, end: float, reached: Callable[[], bool] | None
    ) -> bool:
        environment, told, due = self.environment, self.told, self._due
        others = environment._queue
        turns = range(STALLED_AFTER_TURNS)
        actor: SimActor | None = None
        try:
            while True:
                if told:
                    for _ in turns:
                        actor, message = told.popleft()
                        try:
                            handler = actor.handlers[type(message)]
                        except KeyError:
                            actor.handle_otherwise(message)
                        else:
                            handler(actor.behaviour, message)
                        if not told:
                            break
                    else:
                        actor = None
                        self._stalled()
                actor = None
                if reached is not None and reached():
                    return True
                if not due:
                    self._turn_over()
                if others and (not due or others[0][0] <= due[0].at):
                    if others[0][0] >= end:
                        return False
                    environment.step()
                    continue
                if not due:
                    return False
                timer = due.pop(0)
                at = timer.at
                if at >= end:
                    due.insert(0, timer)
                    return False
                environment._now = at
                to = timer.to
                if type(to) is SimActor:  # its own tell would do the same
                    told.append((to, timer.message))
                else:
                    to.tell(timer.message)
        except Exception as error:
            if actor is None:
                raise
            raise _FailedError(actor, error) from error

    def _turn_over(self) -> None:
        """Have the timers of the next second that has any due, but for cancelled ones."""
        due, later = self._due, self._later
        while not due and later:
            second = heappop(later.seconds)
            self._second_ends = second + 1.0
            timers = later.pop(second)
            for timer in timers:
                if timer.to is not _NOBODY:
                    due.append(timer)
        due.sort(key=_AT)

    def _stalled(self) -> NoReturn:
        words = self._waiting_in_words()
        raise StalledError(f"the clock stands still at {self.now():.3f}; {words}")


class _FailedError(Exception):
    """An actor raised."""

    def __init__(self, actor: SimActor, error: Exception) -> None:
        super().__init__(actor.name)
        self.actor = actor
        self.error = error


class _Turn:
    """When a timer tells it anything, an actor comes to its inbox."""

    def __init__(self, actor: LateActor) -> None:
        self._actor = actor

    def tell(self, message: Any, /) -> None:  # noqa: ARG002
        self._actor.come_to_inbox()


def _kind(name: str) -> str:
    return name.split("/", maxsplit=1)[0]
