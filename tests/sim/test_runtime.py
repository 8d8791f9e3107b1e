"""What the runtime on SimPy adds to the semantics that all runtimes share."""

import logging
from typing import Any, NamedTuple

import pykka
import pytest
import simpy

from actors.handle import Handle
from actors.runtime import Behaviour, handles
from dialer.ports import Sink
from sim import runtime as runtime_module
from sim.runtime import BlockingAskError, SimRuntime, StalledError


class Say(NamedTuple):
    """Note it down."""

    word: str


class Ask(NamedTuple):
    """Ask another actor and wait, as nobody should."""

    whom: Any


class Echo(NamedTuple):
    """Tell yourself this again."""


class Parrot(Behaviour):
    """Notes what it hears, and when."""

    def __init__(self, heard: list[tuple[float, str]], name: str = "") -> None:
        self.heard = heard
        self.name = name

    @handles(Say)
    def _on_say(self, message: Say) -> str:
        self.heard.append((self.runtime.now(), self.name + message.word))
        return message.word

    @handles(Ask)
    def _on_ask(self, message: Ask) -> None:
        message.whom.ask(Say("?"), 1.0)

    @handles(Echo)
    def _on_echo(self, message: Echo) -> None:
        self.ref.tell(message)


@pytest.fixture(autouse=True)
def _quiet_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "foredial.sim")


def test_time_goes_by_only_when_it_is_let() -> None:
    runtime, heard = SimRuntime(seed=1, epoch=1000.0), []
    parrot = runtime.spawn(Parrot(heard), "parrot")
    runtime.after(2.5, parrot, Say("later"))
    parrot.tell(Say("now"))
    assert (heard, runtime.now()) == ([], 1000.0)
    runtime.advance(0)
    assert heard == [(1000.0, "now")]
    runtime.advance(2.5)
    assert (heard[1:], runtime.now()) == ([], 1002.5), "the end belongs to the next stretch"
    runtime.advance(1.0)
    assert (heard[1:], runtime.now()) == ([(1002.5, "later")], 1003.5)


def test_all_that_is_told_at_an_instant_is_handled_before_the_clock_moves() -> None:
    runtime, heard = SimRuntime(seed=1), []
    last = runtime.spawn(Parrot(heard, "last "), "parrot/2")

    class Forwards(Behaviour):
        @handles(Say)
        def _on_say(self, message: Say) -> None:
            last.tell(message)

    first = runtime.spawn(Forwards(), "parrot/1")
    for at, word in ((1.0, "a"), (1.0, "b"), (1.5, "c")):
        runtime.after(at, first, Say(word))
    runtime.advance(2.0)
    start = runtime.epoch
    assert heard == [(start + 1, "last a"), (start + 1, "last b"), (start + 1.5, "last c")]


def test_events_of_simpy_itself_go_along() -> None:
    runtime, heard = SimRuntime(seed=1, epoch=0.0), []
    parrot = runtime.spawn(Parrot(heard), "parrot")

    def generator() -> Any:
        for word in "ab":
            yield runtime.environment.timeout(1.0)
            parrot.tell(Say(word))

    runtime.environment.process(generator())
    runtime.advance(5.0)
    assert heard == [(1.0, "a"), (2.0, "b")]
    assert isinstance(runtime.environment, simpy.Environment)


def test_an_ask_from_outside_lets_time_go_by_until_the_answer() -> None:
    runtime = SimRuntime(seed=1, jitter_s=0.005, epoch=0.0)
    parrot = runtime.spawn(Parrot([]), "parrot")
    assert parrot.ask(Say("hello"), 1.0) == "hello"
    assert 0 < runtime.now() < 0.02
    with pytest.raises(pykka.Timeout, match="parrot did not answer within 0 s"):
        parrot.ask(Say("too slow"), 0.0)


def test_a_proxy_reaches_the_behaviour() -> None:
    runtime = SimRuntime(seed=1)
    parrot = runtime.spawn(Parrot([], "polly"), "parrot")
    assert parrot.proxy().behaviour.name.get(timeout=1.0) == "polly"
    parrot.stop()
    runtime.advance(0)
    with pytest.raises(pykka.ActorDeadError):
        parrot.proxy()


def test_a_blocking_ask_inside_an_actor_is_a_crash() -> None:
    runtime = SimRuntime(seed=1)
    crashed: list[Any] = []

    class Sees(Behaviour):
        def receive(self, message: Any) -> None:
            crashed.append(message.error)

    runtime.supervisor = runtime.spawn(Sees(), "supervisor")
    other = runtime.spawn(Parrot([]), "other")
    runtime.spawn(Parrot([]), "asker").tell(Ask(other))
    runtime.advance(0)
    assert isinstance(crashed[0], BlockingAskError)
    assert dict(runtime.crashes) == {"asker": 1}
    assert other.ask(Say("still here"), 1.0) == "still here"


def test_no_actor_is_in_pykkas_registry_or_waits_for_the_garbage_collector() -> None:
    runtime = SimRuntime(seed=1)
    kept = []

    class Told(Sink):
        def tell(self, message: Any, /) -> None:
            kept.append(message)

    class Gone(Behaviour):
        def __del__(self) -> None:
            kept.append("gone")

    calls = [runtime.spawn(Gone(), f"call/{n}") for n in range(100)]
    runtime.advance(0)
    assert pykka.ActorRegistry.get_all() == []
    for call in calls:
        call.stop()
    runtime.advance(0)
    assert kept == ["gone"] * 100
    assert runtime.inbox_sizes() == {}


@pytest.mark.parametrize("who", ["alone", "together"])
def test_an_instant_that_never_ends_says_who_waits_for_what(
    who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "STALLED_AFTER_TURNS", 1000)
    runtime = SimRuntime(seed=1)
    one, two = Handle("one"), Handle("two")

    class Throws(Behaviour):
        def __init__(self, to: Handle) -> None:
            self.to = to

        @handles(Say)
        def _on_say(self, message: Say) -> None:
            self.to.tell(message)

    one.point_to(runtime.spawn(Throws(one if who == "alone" else two), "one"))
    two.point_to(runtime.spawn(Throws(one), "two"))
    runtime.after(1.0, one, Say("catch"))
    with pytest.raises(StalledError, match=r"stands still at .*; (one|two) waits to handle Say"):
        runtime.advance(5.0)


# --- jitter -----------------------------------------------------------------------------------


def heard_with(seed: int, jitter_s: float) -> list[tuple[float, str]]:
    runtime, heard = SimRuntime(seed, jitter_s, epoch=0.0), []
    parrots = [runtime.spawn(Parrot(heard, name), f"parrot/{name}") for name in "abc"]
    for _ in range(20):
        for parrot in parrots:
            parrot.tell(Say("1"))
            parrot.tell(Say("2"))
        runtime.advance(1.0)
    return heard


def test_jitter_changes_who_goes_first_and_never_the_order_of_an_inbox() -> None:
    heard = heard_with(seed=1, jitter_s=0.005)
    orders = {"".join(word[0] for _, word in heard[i : i + 6]) for i in range(0, len(heard), 6)}
    assert len(orders) > 3
    for name in "abc":
        assert [word for _, word in heard if word[0] == name] == [f"{name}1", f"{name}2"] * 20
    assert all(at % 1.0 <= 0.005 for at, _ in heard)


def test_jitter_is_replayed_by_its_seed() -> None:
    assert heard_with(seed=1, jitter_s=0.005) == heard_with(seed=1, jitter_s=0.005)
    assert heard_with(seed=1, jitter_s=0.005) != heard_with(seed=2, jitter_s=0.005)
    assert heard_with(seed=1, jitter_s=0.0) == heard_with(seed=2, jitter_s=0.0)


def test_stopping_stops_the_youngest_first() -> None:
    stopped: list[str] = []

    class Stops(Behaviour):
        def on_stop(self) -> None:
            stopped.append(self.ref.name)

    runtime = SimRuntime(seed=1)
    actors = [runtime.spawn(Stops(), name) for name in ("supervisor", "pool", "call")]
    runtime.advance(0)
    runtime.stop()
    assert stopped == ["call", "pool", "supervisor"]

    assert not any(actor.is_alive() for actor in actors)
