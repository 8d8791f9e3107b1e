"""The daemon's hold on one worker process: its pid, and the two sockets it talks over.

The rule of this module: every worker has sockets of its own, so that a new worker never hears
what was meant for the dead one, nor the daemon the dead one's last words for the new one's.
`send` may be called from any thread if the callers lock; the rest is the event thread's.
"""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import zmq

from dialer.errors import ConfigError
from gateways.media.protocol import Command, Message, Shutdown, decode, encode
from gateways.media.worker import WorkerOptions

_CHECKOUT = Path(__file__).resolve().parents[2]
_IPC_PATH_MAX = 107
"""The longest path a Unix socket can have on Linux (unix(7))."""
_LAST_WORDS_S = 2.0

Context = zmq.Context[zmq.Socket[bytes]]


class WorkerLink:
    """One worker process, started on creation.

    number: which worker of this daemon it is. Raises ConfigError when the socket folder's path is
    too long.
    """

    def __init__(
        self, context: Context, socket_dir: Path, number: int, bind_host: str, prompts_dir: Path
    ) -> None:
        self._paths = (socket_dir / f"{number}-commands", socket_dir / f"{number}-events")
        if max(len(os.fsencode(path)) for path in self._paths) > _IPC_PATH_MAX:
            raise ConfigError(
                "media socket folder",
                f"{socket_dir} is too long a path for a socket",
                f"choose one that keeps it under {_IPC_PATH_MAX - 16} characters",
            )
        self.ready = False
        self.started_at = self.heard_at = time.monotonic()
        commands, events = (f"ipc://{path}" for path in self._paths)
        self._events = context.socket(zmq.PULL)
        self._events.setsockopt(zmq.RCVHWM, 0)
        self._events.bind(events)
        # Connecting before the worker has bound is fine: what is sent meanwhile waits here.
        self._commands = context.socket(zmq.PUSH)
        self._commands.setsockopt(zmq.SNDHWM, 0)
        self._commands.connect(commands)
        options = WorkerOptions(os.getpid(), commands, events, bind_host, prompts_dir)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateways.media.worker", *options.argv()],
            cwd=_CHECKOUT,
            stdin=subprocess.DEVNULL,
        )

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def send(self, command: Command) -> None:
        """Queue a command; never blocks."""
        with contextlib.suppress(zmq.Again):
            self._commands.send(encode(command), zmq.NOBLOCK)

    def receive(self, timeout_s: float) -> list[Message]:
        """Wait for events, and take all there are."""
        messages: list[Message] = []
        if self._events.poll(int(timeout_s * 1000)):
            with contextlib.suppress(zmq.Again):
                while True:
                    messages.append(decode(self._events.recv(zmq.NOBLOCK)))
        return messages

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()

    def shut_down(self) -> None:
        """Ask the process to end, and see to it."""
        self.send(Shutdown())
        try:
            self._process.wait(_LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def close(self) -> None:
        """Close the sockets and remove their files; the process has ended."""
        self._commands.close(0)
        self._events.close(0)
        for path in self._paths:
            path.unlink(missing_ok=True)
