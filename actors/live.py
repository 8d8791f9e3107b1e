"""The live runtimes: pykka actors on threads of their own, or on a small pool of workers.

The rule of this module: behaviours never notice which of the two carries them. Few actors live
long and get a thread; per-call actors are many and short, and share the workers: thousands of
threads would collapse under their own switching. Per-call actors also stay out of pykka's global
registry, whose look-ups are linear.

Pinned to pykka 4.5: `_PooledActor` leaves pykka's own receive loop when its inbox is empty (the
inbox raises) and re-enters it when something was put.
"""

import logging
import queue
import threading
import time
from collections import Counter, deque
from types import TracebackType
from typing import Any, cast

import numpy as np
import pykka
from numpy.random import Generator
from pykka._envelope import Envelope  # the pinned seam
from pykka.messages import _ActorStop

from actors.live_timers import LiveTimer, TimerThread
from actors.messages import Crashed
from actors.runtime import Behaviour, Heir
from dialer.ports import Sink

log = logging.getLogger("foredial.actors")


class LiveRuntime:
    """Behaviours on real time.

    workers: threads of the pool. lane: "thread" or "pool" puts every behaviour there (tests);
    None lets each behaviour say. seed: of the random streams; None draws one.
    """

    def __init__(self, workers: int = 2, lane: str | None = None, seed: int | None = None) -> None:
        self._lane = lane
        self._clock_offset = time.time() - time.monotonic()
        self._seed = np.random.SeedSequence(seed).entropy
        self._ready: queue.SimpleQueue[_PooledActor | None] = queue.SimpleQueue()
        self._timers = TimerThread()
        self._workers = [
            threading.Thread(target=self._work, name=f"worker-{i}", daemon=True)
            for i in range(workers)
        ]
        self.dead_letters: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.supervisor: Sink | None = None
        self._threaded: dict[LiveRef, None] = {}
        self._pooled_alive: set[_PooledActor] = set()
        self._stopping = False
        for worker in self._workers:
            worker.start()

    def now(self) -> float:
        return time.monotonic() + self._clock_offset

    def spawn(self, behaviour: Behaviour, name: str) -> "LiveRef":
        actor_class: type[_ThreadedActor | _PooledActor]
        actor_class = _ThreadedActor if self._lane_of(behaviour) == "thread" else _PooledActor
        return actor_class.start(self, behaviour, name)

    def after(self, delay_s: float, to: Sink, message: Any) -> LiveTimer:
        return self._timers.add(time.monotonic() + delay_s, to, message)

    def stream(self, name: str) -> Generator:
        key = [ord(letter) for letter in name]
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=key))

    def inbox_sizes(self) -> dict[str, int]:
        """Messages waiting per long-lived actor, and for all pooled ones together as "calls"."""
        sizes = {ref.name: ref.inbox_size() for ref in self._threaded.copy() if ref.is_alive()}
        sizes["calls"] = sum(a.actor_inbox.qsize() for a in self._pooled_alive.copy())
        return sizes

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop every actor, workers and timers; nothing is told afterwards."""
        self._stopping = True
        self._timers.stop()
        threaded = [*self._threaded.copy()]
        for ref in reversed(threaded):
            ref.stop()
        for ref in threaded:
            ref.join(timeout_s)
        for actor in self._pooled_alive.copy():
            actor.behaviour.ref.stop()
        for _ in self._workers:
            self._ready.put(None)
        for worker in self._workers:
            worker.join(timeout_s)

    def dead_letter(self, name: str, message: Any) -> None:
        """A message that no actor will ever read: counted and, except at the end, logged."""
        kind = name.split("/", maxsplit=1)[0]
        with self._counting:
            self.dead_letters[kind] += 1
        if not self._stopping:
            log.info("dead letter", extra={"actor": name, "message_type": type(message).__name__})

    def bury(self, ref: "LiveRef", inbox: Any) -> None:
        """What a stopped actor's inbox still holds is for its heir, else a dead letter."""
        while True:
            try:
                envelope = inbox.get_nowait()
            except queue.Empty:
                return
            if envelope.reply_to is not None:
                error = pykka.ActorDeadError(f"{ref.name} stopped before it could answer")
                envelope.reply_to.set_exception((pykka.ActorDeadError, error, None))
            elif not isinstance(envelope.message, _ActorStop):
                ref.leave(envelope.message)

    def crashed(self, name: str, behaviour: Behaviour, error: BaseException | None) -> None:
        log.error("actor crashed", extra={"actor": name}, exc_info=error)
        if self.supervisor is not None:
            self.supervisor.tell(Crashed(name, behaviour, error))

    def make_ready(self, actor: "_PooledActor") -> None:
        self._ready.put(actor)

    def _lane_of(self, behaviour: Behaviour) -> str:
        return self._lane or behaviour.lane

    def _work(self) -> None:
        while True:
            actor = self._ready.get()
            if actor is None:
                return
            actor.take_turn()


class LiveRef:
    """The address of a live actor. See `actors.runtime.Ref`."""

    __slots__ = ("_inbox", "_ref", "_runtime", "failed", "heir", "name")

    def __init__(self, runtime: LiveRuntime, name: str, ref: "pykka.ActorRef[Any]") -> None:
        self.name = name
        self.heir: Heir | None = None
        self.failed = False
        self._runtime = runtime
        self._ref = ref
        self._inbox = ref.actor_inbox

    def tell(self, message: Any, /) -> None:
        if self._ref.actor_stopped.is_set():
            self.leave(message)
        else:
            self._inbox.put(Envelope(message))
            if self._ref.actor_stopped.is_set():
                # It stopped between the look and the put, maybe after it cleared its inbox.
                self._runtime.bury(self, self._inbox)

    def leave(self, message: Any) -> None:
        """A message that the actor will never read."""
        if self.failed and self.heir is not None:
            self.heir.inherit(message)
        else:
            self._runtime.dead_letter(self.name, message)

    def ask(self, message: Any, timeout_s: float) -> Any:
        """Ask from outside the actors.

        Raises:
            pykka.ActorDeadError: it has stopped. pykka.Timeout: it did not answer in time.
        """
        answer = self._ref.ask(message, block=False)
        if self._ref.actor_stopped.is_set():
            self._runtime.bury(self, self._inbox)
        return answer.get(timeout=timeout_s)

    def proxy(self) -> "pykka.ActorProxy[Any]":
        """pykka's proxy of the actor; the behaviour is its attribute `behaviour`."""
        return self._ref.proxy()

    def stop(self) -> None:
        if not self._ref.actor_stopped.is_set():
            self._inbox.put(Envelope(_ActorStop()))

    def join(self, timeout_s: float) -> bool:
        """Wait until the actor has stopped; whether it has."""
        return self._ref.actor_stopped.wait(timeout_s)

    def is_alive(self) -> bool:
        return not self._ref.actor_stopped.is_set()

    def inbox_size(self) -> int:
        return cast("Any", self._inbox).qsize()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<{self.name}>"


class _BehaviourActor(pykka.Actor):
    """What the two kinds of actor share: a behaviour, and the end of it."""

    runtime: LiveRuntime
    name: str
    address: LiveRef

    def bind(self, runtime: LiveRuntime, behaviour: Behaviour, name: str) -> LiveRef:
        self.runtime = runtime
        self.name = name
        self.behaviour = pykka.traversable(behaviour)
        self.on_receive = behaviour.receive  # type: ignore[method-assign]
        self.on_start = behaviour.on_start  # type: ignore[method-assign]
        self.on_stop = behaviour.on_stop  # type: ignore[method-assign]
        behaviour.runtime = runtime
        self.address = behaviour.ref = LiveRef(runtime, name, self.actor_ref)
        return self.address

    def _handle_failure(
        self,
        _exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        pykka.ActorRegistry.unregister(self.actor_ref)
        self.address.failed = True
        self.actor_stopped.set()
        self.runtime.crashed(self.name, self.behaviour, exception_value)

    def _actor_loop_teardown(self) -> None:
        self.runtime._threaded.pop(self.address, None)
        self.runtime.bury(self.address, self.actor_inbox)
        # Circles wait for the collector, which stops every thread: a hundred a second are many.
        del self.on_receive, self.on_start, self.on_stop


class _ThreadedActor(_BehaviourActor, pykka.ThreadingActor):
    """A behaviour with a thread of its own."""

    use_daemon_thread = True

    @staticmethod
    def _create_actor_inbox() -> Any:
        # pykka's choice, queue.Queue, has its lock and conditions in Python: three times the cost.
        return queue.SimpleQueue()

    @classmethod
    def start(cls, runtime: LiveRuntime, behaviour: Behaviour, name: str) -> LiveRef:  # type: ignore[override]
        actor = cls()
        ref = actor.bind(runtime, behaviour, name)
        pykka.ActorRegistry.register(actor.actor_ref)
        runtime._threaded[ref] = None
        actor._start_actor_loop()
        return ref

    def _actor_loop_setup(self) -> None:
        # Profilers and thread dumps then speak of actors.
        threading.current_thread().name = self.name
        super()._actor_loop_setup()


class _DrainedError(queue.Empty):
    """Leaves pykka's receive loop when the inbox is empty."""


class _PooledInbox:
    """An inbox whose `put` makes its actor ready."""

    __slots__ = ("_actor", "_envelopes", "_lock", "_scheduled")

    def __init__(self) -> None:
        self._envelopes: deque[Envelope[Any]] = deque()
        self._lock = threading.Lock()
        self._scheduled = False
        self._actor: _PooledActor | None = None

    def attach(self, actor: "_PooledActor") -> None:
        """From now on the inbox wakes this actor; its first turn runs `on_start`."""
        self._actor = actor
        self._scheduled = True
        actor.runtime.make_ready(actor)

    def detach(self) -> None:
        """Nobody reads it any more."""
        self._actor = None

    def put(self, envelope: Envelope[Any], /) -> None:
        with self._lock:
            self._envelopes.append(envelope)
            if self._scheduled or self._actor is None:
                return
            self._scheduled = True
        self._actor.runtime.make_ready(self._actor)

    def get(self) -> Envelope[Any]:
        try:
            return self._envelopes.popleft()
        except IndexError:
            raise _DrainedError from None

    get_nowait = get

    def rest(self) -> bool:
        """End a turn; whether something was put meanwhile, so that another turn is due."""
        with self._lock:
            self._scheduled = bool(self._envelopes)
            return self._scheduled

    def empty(self) -> bool:
        return not self._envelopes

    def qsize(self) -> int:
        return len(self._envelopes)


class _PooledActor(_BehaviourActor):
    """A behaviour that shares the workers with others."""

    actor_inbox: _PooledInbox
    _started = False

    @classmethod
    def start(cls, runtime: LiveRuntime, behaviour: Behaviour, name: str) -> LiveRef:  # type: ignore[override]
        actor = cls()
        ref = actor.bind(runtime, behaviour, name)
        actor._start_actor_loop()
        return ref

    @staticmethod
    def _create_actor_inbox() -> Any:
        return _PooledInbox()

    @staticmethod
    def _create_future() -> "pykka.Future[Any]":
        return pykka.ThreadingFuture()

    def _start_actor_loop(self) -> None:
        self.runtime._pooled_alive.add(self)
        self.actor_inbox.attach(self)

    def take_turn(self) -> None:
        """Handle what the inbox holds, on a worker."""
        if not self._started:
            self._started = True
            self._actor_loop_setup()
        try:
            self._actor_loop_running()
        except _DrainedError:
            if self.actor_inbox.rest():
                self.runtime.make_ready(self)
            return
        self.runtime._pooled_alive.discard(self)
        self._actor_loop_teardown()
        self.actor_inbox.detach()
