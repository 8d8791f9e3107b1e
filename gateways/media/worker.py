"""The relay worker: one process that moves the audio, so that nothing the actors do can stall it.

The rule of this module: one thread, one epoll loop, no wait but the loop's own. Commands come
and events go as msgpack over ZeroMQ on the local machine. The worker ends when it is told to, and
by itself when the daemon that started it is gone, so that no orphan keeps the ports.

    python -m gateways.media.worker --parent PID --commands ipc://... --events ipc://...
        --bind 127.0.0.1 --prompts FOLDER
"""

import argparse
import contextlib
import gc
import logging
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import zmq

from dialer.errors import MediaError
from gateways.media.leg import Leg
from gateways.media.protocol import (
    Command,
    Event,
    Ready,
    Report,
    Shutdown,
    decode,
    encode,
)
from gateways.media.relay import Relay

PERIOD_S = 0.02
"""How much audio one packet holds, and how often the tick comes."""
REPORT_S = 1.0
PARENT_CHECK_S = 0.5

_log = logging.getLogger("foredial.media.worker")


class WorkerOptions(NamedTuple):
    """What a worker is started with.

    parent: the daemon's process id. commands, events: ZeroMQ endpoints, the first bound here.
    """

    parent: int
    commands: str
    events: str
    bind_host: str
    prompts_dir: Path

    def argv(self) -> list[str]:
        """The arguments that `parse_options` reads back."""
        return [
            f"--parent={self.parent}",
            f"--commands={self.commands}",
            f"--events={self.events}",
            f"--bind={self.bind_host}",
            f"--prompts={self.prompts_dir}",
        ]


def parse_options(argv: Sequence[str]) -> WorkerOptions:
    """Read the arguments; the daemon writes them, a person hardly ever."""
    parser = argparse.ArgumentParser(prog="python -m gateways.media.worker")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--commands", required=True)
    parser.add_argument("--events", required=True)
    parser.add_argument("--bind", required=True)
    parser.add_argument("--prompts", type=Path, required=True)
    read = parser.parse_args(argv)
    return WorkerOptions(read.parent, read.commands, read.events, read.bind, read.prompts)


class Worker:
    """The process: sockets, clock and loop around a `Relay`."""

    def __init__(self, options: WorkerOptions, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self._parent = options.parent
        self._running = True
        self.orphaned = False
        self._events = context.socket(zmq.PUSH)
        self._events.setsockopt(zmq.SNDHWM, 0)
        self._events.setsockopt(zmq.LINGER, 200)
        self._events.connect(options.events)
        self._commands = context.socket(zmq.PULL)
        self._commands.setsockopt(zmq.RCVHWM, 0)
        self._commands.bind(options.commands)
        self._by_number: dict[int, Leg] = {}
        self._epoll = select.epoll()
        self._command_number: int = self._commands.getsockopt(zmq.FD)  # type: ignore[assignment]
        self._epoll.register(self._command_number, select.EPOLLIN)
        self._relay = Relay(
            options.bind_host, options.prompts_dir, self._tell, self._watch, self._unwatch
        )
        self._late_sum_s = 0.0
        self._late_max_s = 0.0
        self._ticks = 0

    def run(self) -> None:
        """Work until told to stop, or until the daemon is gone."""
        for complaint in self._relay.load_prompts():
            _log.warning("prompt not usable: %s", complaint)
        self._tell(Ready(os.getpid()))
        # What stands now lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        clock, poll = time.monotonic, self._epoll.poll
        by_number, receive = self._by_number, self._relay.receive
        due = clock() + PERIOD_S
        report_due = parent_due = clock()
        while self._running:
            for number, _ in poll(max(due - clock(), 0.0)):
                if (leg := by_number.get(number)) is not None:
                    receive(leg, clock())
                elif number == self._command_number:
                    self._take_commands()
            now = clock()
            if now < due:
                continue
            due = self._tick(due, now)
            if now >= report_due:
                report_due = now + REPORT_S
                self._report()
            if now >= parent_due:
                parent_due = now + PARENT_CHECK_S
                if os.getppid() != self._parent:
                    _log.warning("the daemon is gone: the audio relay ends")
                    self._running = False
                    self.orphaned = True

    def close(self) -> None:
        """Free all ports and sockets."""
        self._relay.close()
        self._epoll.close()
        self._commands.close(0)
        self._events.close()

    def _tick(self, due: float, now: float) -> float:
        """Carry out the tick that was due, and say when the next one is."""
        late_s = now - due
        periods = 1 + int(late_s / PERIOD_S)
        self._late_sum_s += late_s
        self._late_max_s = max(self._late_max_s, late_s)
        self._ticks += 1
        # ZeroMQ's file number tells of changes only; a look at each tick cannot miss one.
        self._take_commands()
        self._relay.tick(periods, now)
        return due + periods * PERIOD_S

    def _take_commands(self) -> None:
        while True:
            try:
                data = self._commands.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            try:
                self._carry_out(decode(data))  # type: ignore[arg-type]
            except MediaError as error:
                _log.error("command refused: %s", error)
            except Exception:
                # One leg's trouble must not end everybody's audio.
                _log.exception("command failed: %r", data)

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, Shutdown):
            self._running = False
        self._relay.execute(command, time.monotonic())

    def _report(self) -> None:
        relay = self._relay
        self._tell(
            Report(
                legs=len(relay.legs),
                packets_in=relay.packets_in,
                packets_out=relay.packets_out,
                packets_dropped=relay.packets_dropped,
                send_failures=relay.send_failures,
                late_mean_s=self._late_sum_s / max(self._ticks, 1),
                late_max_s=self._late_max_s,
                cpu_s=time.process_time(),
            )
        )
        self._late_sum_s = self._late_max_s = 0.0
        self._ticks = 0

    def _tell(self, event: Event) -> None:
        # A daemon that is gone takes nothing; the parent check ends us.
        with contextlib.suppress(zmq.Again):
            self._events.send(encode(event), zmq.NOBLOCK)

    def _watch(self, number: int, leg: Leg) -> None:
        self._by_number[number] = leg
        self._epoll.register(number, select.EPOLLIN)

    def _unwatch(self, number: int) -> None:
        self._by_number.pop(number, None)
        self._epoll.unregister(number)


def main(argv: Sequence[str]) -> int:
    """Run one worker; the exit code."""
    options = parse_options(argv)
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    # Ctrl-C and a service manager's stop reach the whole group, but calls are up until the daemon
    # has ended them: it says when we stop, and its death is noticed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    worker = Worker(options, context)
    try:
        worker.run()
    finally:
        worker.close()
        context.term()
    if worker.orphaned:
        _remove_sockets(options)
    return 0


def _remove_sockets(options: WorkerOptions) -> None:
    """Clear away the socket folder that the daemon made and can no longer remove."""
    for endpoint in (options.commands, options.events):
        path = Path(endpoint.removeprefix("ipc://"))
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
