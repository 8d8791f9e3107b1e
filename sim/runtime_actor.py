"""One actor on the virtual clock.

The rule of this module: it is a pykka actor as far as anybody can see from outside, and costs
next to nothing while nobody asks. Actor, inbox and address are one object, because every call
makes one; it has no uuid, no thread event and no place in pykka's global registry, whose look-ups
are linear.

What was told is handled in a tight loop of our own. What pykka itself has to answer (an ask, a
proxy's call) goes through pykka's receive loop, which its `get` leaves by an exception as soon as
the inbox is empty and which the next ask enters again. Pinned to pykka 4.5.
"""

import queue
import sys
from collections import deque
from itertools import repeat
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pykka
from pykka._envelope import Envelope  # the pinned seam
from pykka.messages import _ActorStop

from actors.runtime import Behaviour

if TYPE_CHECKING:
    from sim.runtime import SimRuntime

_AT_MOST = 100_000
"""Messages in one turn, so that an actor who tells itself things for ever shows as a stall."""

_START = object()
_STOP = _ActorStop()
_NO_HANDLERS: dict[type, Any] = {}


class _DrainedError(queue.Empty):
    """Leaves pykka's receive loop when nothing is left that pykka has to answer."""


class SimActor(pykka.Actor):
    """A behaviour with its inbox and its address (`actors.runtime.Ref`)."""

    def __init__(self, runtime: "SimRuntime", behaviour: Behaviour, name: str) -> None:
        # Not pykka's own __init__: it draws a uuid and makes a thread event and a reference.
        self.name = name
        self.actor_urn = name
        self.behaviour = behaviour
        self._runtime = runtime
        self._receive = behaviour.receive
        # A behaviour that does not stand between is handed its messages straight.
        stands_between = type(behaviour).receive is not Behaviour.receive
        self._handlers = _NO_HANDLERS if stands_between else behaviour.handlers
        self._wake = runtime.wake
        self._waiting: deque[Any] = deque((_START,))
        self._awake = True
        self._stopped = False
        behaviour.runtime = runtime
        behaviour.ref = self

    # --- the address --------------------------------------------------------------------------

    def tell(self, message: Any, /) -> None:
        if self._stopped:
            self._runtime.dead_letter(self.name, message)
            return
        self._waiting.append(message)
        if not self._awake:
            self._awake = True
            self._wake(self)

    def ask(self, message: Any, timeout_s: float) -> Any:
        """Ask from outside the actors; virtual time goes by until the answer is there.

        Raises:
            pykka.ActorDeadError: it has stopped. pykka.Timeout: it did not answer in time.
            BlockingAskError: it is an actor who asks.
        """
        return self.actor_ref.ask(message, timeout=timeout_s)

    def proxy(self) -> "pykka.ActorProxy[Any]":
        """pykka's proxy of the actor; the behaviour is its attribute `behaviour`."""
        if not self._stopped:
            pykka.traversable(self.behaviour)
        return self.actor_ref.proxy()

    def stop(self) -> None:
        if not self._stopped:
            self.tell(_STOP)

    def is_alive(self) -> bool:
        return not self._stopped

    def inbox_size(self) -> int:
        return len(self._waiting)

    def waiting_types(self) -> tuple[str, ...]:
        """What kinds of messages wait, in order, each kind once."""
        return tuple(dict.fromkeys(type(message).__name__ for message in self._waiting))

    def __repr__(self) -> str:
        return f"<{self.name}>"

    # --- its turns ----------------------------------------------------------------------------

    def take_turn(self) -> None:
        """Handle what the inbox holds, which is at first the order to start."""
        waiting, behaviour = self._waiting, self.behaviour
        handler_of = self._handlers.get
        try:
            for _ in repeat(None, _AT_MOST):
                if not waiting:
                    self._awake = False
                    return
                message = waiting.popleft()
                handler = handler_of(type(message))
                if handler is not None:
                    handler(behaviour, message)
                    continue
                self._handle_otherwise(message)
                if self._stopped:
                    break
        except _DrainedError:
            pass
        except Exception:
            self._handle_failure(*sys.exc_info())
        if self._stopped:
            self._actor_loop_teardown()
        elif waiting:
            self._wake(self)
        else:
            self._awake = False

    def _handle_otherwise(self, message: Any) -> None:
        """What no handler takes: our own orders, what pykka answers, and what the behaviour's own
        `receive` is for."""
        if message is _START:
            self.behaviour.on_start()
        elif message is _STOP:
            self._stop()
        elif type(message) is Envelope:
            self._waiting.appendleft(message)
            self._actor_loop_running()
        else:
            self._receive(message)

    def _stop(self) -> None:
        self._stopped = True
        try:
            self.behaviour.on_stop()
        except Exception:
            self._handle_failure(*sys.exc_info())

    def _handle_failure(
        self,
        _exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        assert exception_value is not None
        self._stopped = True
        self._runtime.crashed(self, self.behaviour, exception_value)

    def _actor_loop_teardown(self) -> None:
        """Make dead letters of what the inbox still holds."""
        while self._waiting:
            message = self._waiting.popleft()
            if type(message) is Envelope:
                assert message.reply_to is not None
                error = pykka.ActorDeadError(f"{self.name} stopped before it could answer")
                message.reply_to.set_exception((pykka.ActorDeadError, error, None))
            elif message is not _STOP and message is not _START:
                self._runtime.dead_letter(self.name, message)
        self._runtime.ended(self)
        # The ring of behaviour and actor is cut, so that neither waits for the garbage collector.
        del self.behaviour, self._receive, self._handlers

    # --- what pykka looks at ------------------------------------------------------------------

    def on_receive(self, message: Any) -> Any:
        return self._receive(message)

    @property
    def actor_ref(self) -> "pykka.ActorRef[Any]":
        return _ActorRef(self, self._runtime)

    @property
    def actor_inbox(self) -> "SimActor":  # type: ignore[override]
        return self

    @property
    def actor_stopped(self) -> "_Stopped":  # type: ignore[override]
        return _Stopped(self)

    def put(self, envelope: "Envelope[Any]", /) -> None:
        message = envelope.message
        if envelope.reply_to is not None:
            self.tell(envelope)
        else:
            self.tell(_STOP if isinstance(message, _ActorStop) else message)

    def get(self) -> "Envelope[Any]":
        waiting = self._waiting
        if not waiting or type(waiting[0]) is not Envelope:
            raise _DrainedError
        envelope: Envelope[Any] = waiting.popleft()
        return envelope

    def empty(self) -> bool:
        return not self._waiting

    @staticmethod
    def _create_actor_inbox() -> Any:
        raise NotImplementedError

    @staticmethod
    def _create_future() -> "pykka.Future[Any]":
        raise NotImplementedError

    def _start_actor_loop(self) -> None:
        raise NotImplementedError


class _Stopped:
    """An actor's stop flag, in the form of the thread event that pykka expects."""

    def __init__(self, actor: SimActor) -> None:
        self._actor = actor

    def is_set(self) -> bool:
        return not self._actor.is_alive()

    def set(self) -> None:
        self._actor._stopped = True


class _Answer(pykka.Future[Any]):
    """An answer that virtual time will bring."""

    def __init__(self, runtime: "SimRuntime", name: str) -> None:
        super().__init__()
        self._runtime = runtime
        self._name = name
        self._answer: Any = None
        self._error: BaseException | None = None
        self._done = False

    def get(self, *, timeout: float | None = None) -> Any:
        if not self._done:
            within_s = timeout if timeout is not None else float("inf")
            self._runtime.answer_within(lambda: self._done, within_s, self._name)
        if self._error is not None:
            raise self._error
        return self._answer

    def set(self, value: Any = None) -> None:
        self._answer, self._done = value, True

    def set_exception(self, exc_info: Any = None) -> None:
        self._error, self._done = (exc_info or sys.exc_info())[1], True


class _ActorRef(pykka.ActorRef[Any]):
    """pykka's reference to the actor, whose asks run on virtual time."""

    def __init__(self, actor: SimActor, runtime: "SimRuntime") -> None:
        super().__init__(actor)
        self._runtime = runtime
        self._actor = actor

    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any:
        answer = _Answer(self._runtime, self._actor.name)
        if self._actor.is_alive():
            self._actor.tell(Envelope(message, reply_to=answer))
        else:
            error = pykka.ActorDeadError(f"{self._actor.name} not found")
            answer.set_exception((pykka.ActorDeadError, error, None))
        return answer.get(timeout=timeout) if block else answer
