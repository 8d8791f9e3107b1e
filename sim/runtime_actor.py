"""One actor on the virtual clock.

The rule of this module: it is a pykka actor as far as anybody can see from outside, and costs
next to nothing while nobody asks. Actor, inbox and address are one object, because every call
makes one; it has no uuid, no thread event and no place in pykka's global registry, whose look-ups
are linear.

What was told is handled in the runtime's own loop. What pykka itself has to answer (an ask, a
proxy's call) goes through pykka's receive loop, which its `get` leaves by an exception as soon as
that is answered and which the next ask enters again. Pinned to pykka 4.5.
"""

import queue
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pykka
from pykka._envelope import Envelope  # the pinned seam
from pykka.messages import _ActorStop

from actors.runtime import Behaviour, Heir

if TYPE_CHECKING:
    from sim.runtime import SimRuntime

Handlers = dict[type, Callable[[Any, Any], Any]]
"""By the type of a message, what is called with a behaviour and the message."""


class _Start:
    """The order to begin, told before anything else."""


_START = _Start()
_STOP = _ActorStop()
_NO_HANDLERS: Handlers = {}


@cache
def _handlers_of(behaviour_class: Any) -> Handlers:
    """All that an actor of this class handles, our own orders among it.

    A behaviour whose own `receive` does not stand between is handed its messages straight.
    """
    handlers: Handlers = behaviour_class.handlers
    if behaviour_class.receive is not Behaviour.receive:
        handlers = dict.fromkeys(handlers, behaviour_class.receive)
    stop = _end if behaviour_class.on_stop is Behaviour.on_stop else _stop
    return {**handlers, _Start: _start, _ActorStop: stop}


def _bury(told: "tuple[SimActor, Any]") -> None:
    """Where an actor that has stopped puts what it is told."""
    actor, message = told
    actor.bury(message)


def _start(behaviour: Behaviour, _: Any) -> None:
    behaviour.on_start()


def _stop(behaviour: Any, _: Any) -> None:
    behaviour.ref.stop_now()


def _end(behaviour: Any, _: Any) -> None:
    behaviour.ref.end()


class _DrainedError(queue.Empty):
    """Leaves pykka's receive loop when nothing is left that pykka has to answer."""


class SimActor(pykka.Actor):
    """A behaviour with its inbox and its address (`actors.runtime.Ref`).

    handlers: by message type, empty once it has stopped.
    """

    # What every message asks for stands in slots; the rest only a few ever have.
    __slots__ = ("_put", "_runtime", "behaviour", "handlers", "name")

    behaviour: Behaviour
    heir: Heir | None = None
    _failed = False
    _question: "Envelope[Any] | None" = None

    def __init__(self, runtime: "SimRuntime", behaviour: Behaviour, name: str) -> None:
        # Not pykka's own __init__: it draws a uuid and makes a thread event and a reference.
        self.name = name
        self.behaviour = behaviour
        behaviour_class: Any = type(behaviour)
        self.handlers = _handlers_of(behaviour_class)
        self._runtime = runtime
        self._put = runtime.told.append
        behaviour.runtime = runtime
        behaviour.ref = self
        self.tell(_START)

    # --- the address --------------------------------------------------------------------------

    def tell(self, message: Any, /) -> None:
        put = self._put  # a call by way of the attribute would look it up in the class first
        put((self, message))

    def ask(self, message: Any, timeout_s: float) -> Any:
        """Ask from outside the actors; virtual time goes by until the answer is there.

        Raises:
            pykka.ActorDeadError: it has stopped. pykka.Timeout: it did not answer in time.
            BlockingAskError: it is an actor who asks.
        """
        return self.actor_ref.ask(message, timeout=timeout_s)

    def proxy(self) -> "pykka.ActorProxy[Any]":
        """pykka's proxy of the actor; the behaviour is its attribute `behaviour`."""
        if self.is_alive():
            pykka.traversable(self.behaviour)
            vars(self)["behaviour"] = self.behaviour  # pykka looks for it here
        return self.actor_ref.proxy()

    def stop(self) -> None:
        if self.is_alive():
            self.tell(_STOP)

    def is_alive(self) -> bool:
        return self._put is not _bury

    def inbox(self) -> list[Any]:
        """What was told and is still to be handled, in order."""
        return [message for actor, message in self._runtime.told if actor is self]

    def __repr__(self) -> str:
        return f"<{self.name}>"

    # --- its turns ----------------------------------------------------------------------------

    def handle_otherwise(self, message: Any) -> None:
        """What no handler takes: what pykka answers, what nobody hears any more, and what the
        behaviour's own `receive` is for."""
        if not self.is_alive():
            self.bury(message)
        elif type(message) is Envelope:
            self._question = message
            with suppress(_DrainedError):
                self._actor_loop_running()
        else:
            self.behaviour.receive(message)

    def fail(self, error: Exception) -> None:
        """The behaviour raised, and is no more."""
        behaviour = self.behaviour
        self._failed = True
        self.end()
        self._runtime.crashed(self, behaviour, error)

    def stop_now(self) -> None:
        """The order to stop has come to its turn."""
        self.stop_listening()
        try:
            self.behaviour.on_stop()
        except Exception as error:
            self.fail(error)
        else:
            self.end()

    def stop_listening(self) -> None:
        """What it is told from here on is buried."""
        self._put = _bury

    def end(self) -> None:
        """It handles nothing any more."""
        self.stop_listening()
        self.handlers = _NO_HANDLERS
        self._runtime.alive.pop(self, None)
        # The ring of behaviour and actor is cut, so that neither waits for the garbage collector.
        del self.behaviour

    def bury(self, message: Any) -> None:
        """What came too late is for the heir of one who failed, else a dead letter."""
        if type(message) is Envelope:
            assert message.reply_to is not None
            error = pykka.ActorDeadError(f"{self.name} stopped before it could answer")
            message.reply_to.set_exception((pykka.ActorDeadError, error, None))
        elif message is _STOP or message is _START:
            return
        elif self._failed and self.heir is not None:
            self.heir.inherit(message)
        else:
            self._runtime.dead_letter(self.name, message)

    def _handle_failure(
        self,
        _exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        assert isinstance(exception_value, Exception)
        self.fail(exception_value)

    # --- what pykka looks at ------------------------------------------------------------------

    def on_receive(self, message: Any) -> Any:
        return self.behaviour.receive(message)

    @property
    def actor_urn(self) -> str:  # type: ignore[override]
        return self.name

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
        question, self._question = self._question, None
        if question is None:
            raise _DrainedError
        return question

    def empty(self) -> bool:
        return not self.inbox()

    @staticmethod
    def _create_actor_inbox() -> Any:
        raise NotImplementedError

    @staticmethod
    def _create_future() -> "pykka.Future[Any]":
        raise NotImplementedError

    def _start_actor_loop(self) -> None:
        raise NotImplementedError


class LateActor(SimActor):
    """An actor who comes to its inbox some time after something was put there."""

    def __init__(self, runtime: "SimRuntime", behaviour: Behaviour, name: str) -> None:
        self._waiting: list[Any] = []
        super().__init__(runtime, behaviour, name)

    def tell(self, message: Any, /) -> None:
        if not self.is_alive():
            self.bury(message)
            return
        self._waiting.append(message)
        if len(self._waiting) == 1:
            self._runtime.wake_later(self)

    def come_to_inbox(self) -> None:
        """What waits is handled now; what is told from here on waits for the next time."""
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._put((self, message))

    def inbox(self) -> list[Any]:
        return super().inbox() + self._waiting


class _Stopped:
    """An actor's stop flag, in the form of the thread event that pykka expects."""

    def __init__(self, actor: SimActor) -> None:
        self._actor = actor

    def is_set(self) -> bool:
        return not self._actor.is_alive()

    def set(self) -> None:
        self._actor.stop_listening()


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
