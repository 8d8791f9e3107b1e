"""What a behaviour may rely on, the same on every runtime."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pykka
import pytest

from actors.handle import Handle
from actors.live import LiveRuntime
from actors.messages import Dismiss, Report, Supervise
from actors.runtime import Behaviour, handles
from actors.supervisor import MAX_RESTARTS, Supervisor
from dialer.metrics import Metrics
from sim.runtime import SimRuntime
from tests.actors.manual import ManualRuntime


class Say(NamedTuple):
    """Note it down."""

    word: str


class Raise(NamedTuple):
    """Fail."""


class Later(NamedTuple):
    """Tell yourself a word after a delay, or two of which the second is cancelled."""

    delay_s: float
    word: str
    cancelled: str = ""


class Words(NamedTuple):
    """What have you heard?"""


class Parrot(Behaviour):
    """Notes down all that happens to it."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def on_start(self) -> None:
        self.log.append("start")

    def on_stop(self) -> None:
        self.log.append("stop")

    def post_mortem(self, error: BaseException) -> None:
        self.log.append(f"post mortem of {error}")

    @handles(Say)
    def _on_say(self, message: Say) -> None:
        self.log.append(message.word)

    @handles(Raise)
    def _on_raise(self, _: Raise) -> None:
        raise ValueError("a bug")

    @handles(Later)
    def _on_later(self, message: Later) -> None:
        self.runtime.after(message.delay_s, self.ref, Say(message.word))
        if message.cancelled:
            timer = self.runtime.after(message.delay_s / 2, self.ref, Say(message.cancelled))
            timer.cancel()
            timer.cancel()

    @handles(Words)
    def _on_words(self, _: Words) -> list[str]:
        return list(self.log)


class Bench:
    """A runtime with what a test needs to wait on it."""

    def __init__(self, runtime: Any) -> None:
        self.runtime = runtime

    def wait(self, reached: Callable[[], bool]) -> None:
        """Until something holds; fails after 10 s."""
        if isinstance(self.runtime, ManualRuntime | SimRuntime):
            assert self.runtime.run_until(reached, 10) is not False, "not reached in 10 s"
            return
        deadline = time.monotonic() + 10
        while not reached():
            assert time.monotonic() < deadline, "not reached in 10 s"
            time.sleep(0.001)

    def stop(self) -> None:
        if not isinstance(self.runtime, ManualRuntime):
            self.runtime.stop()


RUNTIMES: dict[str, Callable[[], Any]] = {
    "thread": lambda: LiveRuntime(lane="thread", seed=7),
    "pool": lambda: LiveRuntime(lane="pool", seed=7),
    "manual": lambda: ManualRuntime(seed=7),
    "simpy": lambda: SimRuntime(seed=7),
    "simpy with jitter": lambda: SimRuntime(seed=7, jitter_s=0.005),
}


@pytest.fixture(params=RUNTIMES)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(RUNTIMES[request.param]())
    yield bench
    bench.stop()


@pytest.fixture(autouse=True)
def _quiet_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "foredial.actors")
    caplog.set_level(logging.CRITICAL, "foredial.sim")


def test_one_log_on_every_runtime(bench: Bench) -> None:
    """tell order, ask, timers, stop, crash, late tell and late ask, in one life."""
    runtime = bench.runtime
    log: list[str] = []
    supervisor = runtime.spawn(Supervisor(Metrics()), "supervisor")
    runtime.supervisor = supervisor
    parrot = runtime.spawn(Parrot(log), "parrot")
    for word in "abc":
        parrot.tell(Say(word))
    log.append(f"heard {''.join(parrot.ask(Words(), 5)[1:])}")
    parrot.tell(Later(0.02, "later", cancelled="never"))
    bench.wait(lambda: "later" in log)
    with pytest.raises(ValueError, match="a bug"):
        parrot.ask(Raise(), 5)
    parrot.tell(Say("still here"))
    parrot.tell(Raise())
    bench.wait(lambda: not parrot.is_alive())
    bench.wait(lambda: "post mortem of a bug" in log)
    parrot.tell(Say("too late"))
    with pytest.raises(pykka.ActorDeadError):
        parrot.ask(Words(), 5)
    parrot.stop()
    other = runtime.spawn(Parrot(log), "parrot")
    other.tell(Say("d"))
    other.stop()
    bench.wait(lambda: not other.is_alive() and log[-1] == "stop")
    other.tell(Say("too late as well"))
    assert log == [
        *("start", "a", "b", "c", "heard abc", "later", "still here", "post mortem of a bug"),
        *("start", "d", "stop"),
    ]
    assert runtime.dead_letters == {"parrot": 2}


def test_what_waits_behind_a_stop_is_a_dead_letter(bench: Bench) -> None:
    log: list[str] = []
    parrot = bench.runtime.spawn(Parrot(log), "parrot/7")
    parrot.tell(Say("a"))
    parrot.stop()
    for _ in range(3):
        parrot.tell(Say("behind"))
    bench.wait(lambda: bench.runtime.dead_letters["parrot"] == 3)
    assert log == ["start", "a", "stop"]


def test_streams_are_the_same_for_the_same_name_and_seed(bench: Bench) -> None:
    first = bench.runtime.stream("carrier/mix").random(5).tolist()
    assert bench.runtime.stream("carrier/mix").random(5).tolist() == first
    assert bench.runtime.stream("carrier/ring").random(5).tolist() != first
    assert ManualRuntime(seed=7).stream("carrier/mix").random(5).tolist() == first
    assert ManualRuntime(seed=8).stream("carrier/mix").random(5).tolist() != first


def test_timers_fire_in_the_order_of_their_times(bench: Bench) -> None:
    log: list[str] = []
    parrot = bench.runtime.spawn(Parrot(log), "parrot")
    for delay_s, word in ((0.06, "c"), (0.02, "a"), (0.04, "b")):
        bench.runtime.after(delay_s, parrot, Say(word))
    bench.wait(lambda: "c" in log)
    assert log == ["start", "a", "b", "c"]


def test_the_clock_never_goes_back(bench: Bench) -> None:
    times = [bench.runtime.now() for _ in range(1000)]
    assert times == sorted(times)


@pytest.mark.parametrize("lane", ["thread", "pool"])
def test_a_proxy_reaches_the_behaviour(lane: str) -> None:
    runtime = LiveRuntime(lane=lane)
    parrot = runtime.spawn(Parrot([]), "parrot")
    parrot.tell(Say("a"))
    proxy = parrot.proxy()
    assert proxy.behaviour.log.get(timeout=5) == ["start", "a"]
    runtime.stop()


# --- supervision ------------------------------------------------------------------------------


def supervised(bench: Bench) -> tuple[Any, Handle, list[str]]:
    log: list[str] = []
    supervisor = bench.runtime.spawn(Supervisor(Metrics()), "supervisor")
    bench.runtime.supervisor = supervisor
    handle = Handle("parrot")
    handle.tell(Say("kept"))
    supervisor.tell(Supervise("parrot", lambda: Parrot(log), handle))
    bench.wait(lambda: "kept" in log)
    return supervisor, handle, log


def test_a_supervised_actor_is_made_anew_behind_its_handle(bench: Bench) -> None:
    supervisor, handle, log = supervised(bench)
    handle.tell(Raise())
    bench.wait(lambda: log.count("start") == 2)
    bench.wait(handle.is_alive)
    handle.tell(Say("hello"))
    bench.wait(lambda: "hello" in log)
    assert log == ["start", "kept", "post mortem of a bug", "start", "hello"]
    assert supervisor.ask(Report(), 5) == {"children": {"parrot": True}, "given_up": {}}


def test_what_waits_behind_a_failure_is_read_by_whoever_comes_next(bench: Bench) -> None:
    _, handle, log = supervised(bench)
    words = [f"behind {number}" for number in range(5)]
    handle.tell(Raise())
    for word in words:
        handle.tell(Say(word))
    bench.wait(lambda: words[-1] in log)
    assert log == ["start", "kept", "post mortem of a bug", "start", *words]
    assert not bench.runtime.dead_letters


def test_who_keeps_dying_is_given_up(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "foredial.supervisor")
    supervisor, handle, log = supervised(bench)
    for lives in range(1, MAX_RESTARTS + 2):
        bench.wait(lambda lives=lives: log.count("start") == lives and handle.is_alive())  # type: ignore[misc]
        handle.tell(Raise())
    bench.wait(lambda: log.count("post mortem of a bug") == MAX_RESTARTS + 1)
    assert log.count("start") == MAX_RESTARTS + 1
    assert supervisor.ask(Report(), 5)["given_up"] == {"parrot": "ValueError('a bug')"}
    handle.tell(Say("nobody"))
    assert bench.runtime.dead_letters == {"parrot": 1}


def test_what_is_told_to_a_dismissed_actor_is_a_dead_letter(bench: Bench) -> None:
    supervisor, handle, log = supervised(bench)
    supervisor.tell(Dismiss("parrot"))
    bench.wait(lambda: "stop" in log)
    handle.tell(Say("nobody"))
    assert bench.runtime.dead_letters == {"parrot": 1}
    assert supervisor.ask(Report(), 5)["children"] == {}


def test_a_factory_that_fails_does_not_take_the_supervisor_along(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "foredial.supervisor")
    supervisor, _, _ = supervised(bench)

    def broken() -> Behaviour:
        raise LookupError("no such trunk")

    supervisor.tell(Supervise("broken", broken, Handle("broken")))
    report = supervisor.ask(Report(), 5)
    assert report["given_up"] == {"broken": "LookupError('no such trunk')"}
    assert report["children"] == {"parrot": True, "broken": False}


# --- the pool ---------------------------------------------------------------------------------


class Counting(Behaviour):
    """Counts; a runtime that let two threads in would lose some."""

    def __init__(self) -> None:
        self.count = 0

    @handles(Say)
    def _on_say(self, _: Say) -> None:
        count = self.count
        time.sleep(0)  # an invitation to another thread
        self.count = count + 1


def test_two_thousand_pooled_actors_need_no_more_threads() -> None:
    runtime = LiveRuntime(lane="pool")
    before = threading.active_count()
    registered = len(pykka.ActorRegistry.get_all())
    behaviours = [Counting() for _ in range(2000)]
    refs = [runtime.spawn(behaviour, f"call/{n}") for n, behaviour in enumerate(behaviours)]
    for _ in range(3):
        for ref in refs:
            ref.tell(Say("a"))
    Bench(runtime).wait(lambda: all(b.count == 3 for b in behaviours))
    assert threading.active_count() == before
    assert len(pykka.ActorRegistry.get_all()) == registered, "its look-ups are linear"
    runtime.stop()
    assert not any(ref.is_alive() for ref in refs)


@pytest.mark.parametrize("lane", ["thread", "pool"])
def test_no_message_to_a_stopping_actor_is_lost_silently(lane: str) -> None:
    """Each is handled or a dead letter, while several threads tell and the actors stop."""
    runtime = LiveRuntime(lane=lane)
    behaviours = [Counting() for _ in range(40)]
    refs = [runtime.spawn(behaviour, f"call/{n}") for n, behaviour in enumerate(behaviours)]
    each = 400
    barrier = threading.Barrier(3)

    def tell_all(stops: bool) -> None:
        barrier.wait()
        for number in range(each):
            ref = refs[number % len(refs)]
            ref.tell(Say("a"))
            if stops and number >= each // 2:
                ref.stop()

    threads = [threading.Thread(target=tell_all, args=(n == 0,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def accounted_for() -> int:
        return sum(b.count for b in behaviours) + runtime.dead_letters["call"]

    Bench(runtime).wait(lambda: accounted_for() == 3 * each)
    runtime.stop()
    assert accounted_for() == 3 * each
    assert runtime.dead_letters["call"] > 0


def test_actors_of_one_name_are_all_stopped() -> None:
    log: list[str] = []
    runtime = LiveRuntime(lane="thread")
    refs = [runtime.spawn(Parrot(log), "parrot") for _ in range(3)]
    runtime.stop()
    assert log.count("stop") == 3
    assert not any(ref.is_alive() for ref in refs)


@pytest.mark.parametrize("lane", ["thread", "pool"])
def test_stopping_the_runtime_stops_every_actor_and_thread(lane: str) -> None:
    before = threading.active_count()
    log: list[str] = []
    runtime = LiveRuntime(lane=lane)
    for n in range(5):
        runtime.spawn(Parrot(log), f"parrot/{n}")
    runtime.after(3600, runtime.spawn(Parrot(log), "sleeper"), Say("never"))
    runtime.stop()
    assert log.count("start") == log.count("stop") == 6
    assert threading.active_count() == before


def test_a_cancelled_timer_never_tells_half_of_its_message() -> None:
    """Cancelled on one thread while it fires on another, it tells its message or nothing."""
    runtime = LiveRuntime(lane="thread")
    heard: list[Any] = []

    class Sink:
        def tell(self, message: Any, /) -> None:
            heard.append(message)

    for _ in range(2000):
        runtime.after(0.0, Sink(), Say("whole")).cancel()
    runtime.after(0.0, Sink(), Say("last"))
    Bench(runtime).wait(lambda: Say("last") in heard)
    runtime.stop()
    assert set(heard) <= {Say("whole"), Say("last")}
