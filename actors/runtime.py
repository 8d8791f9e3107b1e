"""What a behaviour is, and all that it may know of the machine it runs on.

The rule of this module: a behaviour is a plain class with a handler per message type; it reaches
time, timers, randomness and other actors through the Runtime it was bound to, and through nothing
else. That is what lets the same class run on threads, on a worker pool and on a virtual clock.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, TypeVar

from numpy.random import Generator

from dialer.ports import Sink

H = TypeVar("H", bound=Callable[..., Any])


class Timer(Protocol):
    """A message that will be told later, unless it is cancelled."""

    def cancel(self) -> None: ...


class Heir(Protocol):
    """Who gets what an actor that failed has not read."""

    def inherit(self, message: Any, /) -> None: ...


class Ref(Sink, Protocol):
    """The address of a running actor.

    `tell` never blocks and never raises; a message to an actor that has stopped is a dead letter:
    counted and logged. Where it failed and has an heir, the heir gets the message instead.
    `ask` is for callers outside the actors only.
    """

    name: str
    heir: Heir | None

    def ask(self, message: Any, timeout_s: float) -> Any: ...

    def stop(self) -> None: ...

    def is_alive(self) -> bool: ...


class Runtime(Protocol):
    """Brings behaviours to life.

    now: seconds since the epoch; it never goes back.
    after: tell a message `delay_s` from now.
    stream: a random stream of its own for a name, the same for the same seed.
    """

    def now(self) -> float: ...

    def spawn(self, behaviour: "Behaviour", name: str) -> Ref: ...

    def after(self, delay_s: float, to: Sink, message: Any) -> Timer: ...

    def stream(self, name: str) -> Generator: ...


def handles(*types: type) -> Callable[[H], H]:
    """Mark a method as the handler of messages of these types."""

    def mark(method: H) -> H:
        method.handled_types = types  # type: ignore[attr-defined]
        return method

    return mark


class Behaviour:
    """A class whose methods react to messages, one at a time.

    `runtime` and `ref` are set before `on_start`. A message without a handler is a bug and
    crashes the actor, which the supervisor sees.
    """

    lane: ClassVar[str] = "thread"
    """Where it runs live: "thread" for the few that live long, "pool" for the many."""

    handlers: ClassVar[dict[type, Callable[[Any, Any], Any]]] = {}

    runtime: Runtime
    ref: Ref

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found = dict(cls.handlers)
        for method in vars(cls).values():
            for message_type in getattr(method, "handled_types", ()):
                found[message_type] = method
        cls.handlers = found

    def on_start(self) -> None:
        """Run before the first message."""

    def on_stop(self) -> None:
        """Run after the last message of an actor that was stopped."""

    def post_mortem(self, error: BaseException) -> None:
        """Settle what a crash left open. Run by the supervisor, when no message can come."""

    def receive(self, message: Any) -> Any:
        """Handle one message."""
        return self.handlers[type(message)](self, message)
