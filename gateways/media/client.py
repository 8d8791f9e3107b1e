"""The relay as the daemon sees it: legs, bridges and prompts by name, and a worker kept alive.

The rule of this module: no method waits for the worker, but `start` and `stop`. What the daemon
wants is kept in the `Picture`; when the worker dies a new one is started and told the whole of
it, so that calls go on after a gap of some hundred milliseconds.
"""

import ipaddress
import logging
import shutil
import tempfile
import threading
import time
from pathlib import Path

import zmq

from dialer.errors import ConfigError, DialerError, MediaError
from gateways.media import g711
from gateways.media.config import MediaConfig
from gateways.media.link import Context, WorkerLink
from gateways.media.picture import Callback, KeyCallback, Picture
from gateways.media.ports import PortPool
from gateways.media.protocol import NO_EVENTS, Command, Ready, Report, SetRemote

DEFAULT_EVENT_PAYLOAD_TYPE = 101
"""What nearly everybody gives telephone events (RFC 4733) when the SDP does not say."""

_START_LIMIT_S = 15.0
_STALL_LIMIT_S = 15.0
"""A worker silent for this long hangs: it reports every second."""
_POLL_S = 0.1
_RESTART_AFTER_S = (0.0, 0.2, 1.0, 5.0)
"""How long to wait before a restart, by how many came shortly before it."""
_STEADY_S = 10.0
"""A worker that lived this long was sound: the next restart counts as the first."""
_NOTHING = Report(0, 0, 0, 0, 0, 0.0, 0.0, 0.0)

_log = logging.getLogger("foredial.media")


class MediaRelay:
    """The relay. Every method may be called from any thread.

    Callbacks come from the event thread, one at a time: they must be short (a `tell`). A leg that
    is not open makes a command do nothing, for its far end may have hung up a moment ago.
    """

    def __init__(self, config: MediaConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._picture = Picture(PortPool(config.bind_host, config.first_port, config.last_port))
        self._socket_dir = Path()
        self._context: Context | None = None
        self._link: WorkerLink | None = None
        self._links = 0
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._restarts = 0
        self._restarts_in_a_row = 0
        self._report = _NOTHING
        self._of_the_dead = _NOTHING
        self._late_max_s = 0.0

    # Life

    def start(self) -> None:
        """Start the worker and wait until it is ready.

        Raises ConfigError for a socket folder that cannot be used, MediaError when no worker
        comes up.
        """
        parent = self._config.socket_dir
        try:
            if parent is not None:
                parent.mkdir(parents=True, exist_ok=True)
            # A folder of our own, closed to others: who can write to the sockets moves the audio.
            folder = tempfile.mkdtemp(prefix="foredial-media-", dir=parent)
        except OSError as error:
            raise ConfigError(
                "media.socket_dir", f"{parent} cannot be used ({error.strerror})", "choose another"
            ) from error
        self._socket_dir = Path(folder).resolve()
        self._context = zmq.Context()
        self._stopping.clear()
        self._ready.clear()
        try:
            self._link = self._new_link(self._context)
            for command in self._picture.retell()[0]:
                self._link.send(command)
        except DialerError:
            self._clean_up()
            raise
        self._thread = threading.Thread(target=self._run, name="media-events", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_LIMIT_S):
            self.stop()
            raise MediaError(f"the audio worker did not come up within {_START_LIMIT_S:g} s")

    def stop(self) -> None:
        """End the worker; legs fall silent, and no callback comes any more.

        Not to be called from a callback.
        """
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join()
        self._thread = None
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            link.shut_down()
            link.close()
        self._clean_up()

    def _clean_up(self) -> None:
        if self._context is not None:
            self._context.term()
            self._context = None
        shutil.rmtree(self._socket_dir, ignore_errors=True)

    def is_alive(self) -> bool:
        """True while a worker is there and ready."""
        with self._lock:
            return self._link is not None and self._link.ready and self._link.is_alive()

    def stats(self) -> dict[str, float]:
        """What the relay has done; what the worker counts is up to a second old.

        Counts go on over restarts. late_mean_s, late_max_s: how late the 20 ms tick came, in the
        last second and at worst.
        """
        with self._lock:
            now, before, picture = self._report, self._of_the_dead, self._picture
            return {
                "legs_open": picture.legs,
                "ports_free": picture.pool.free,
                "ports_retired": picture.pool.retired,
                "packets_in": now.packets_in + before.packets_in,
                "packets_out": now.packets_out + before.packets_out,
                "packets_dropped": now.packets_dropped + before.packets_dropped,
                "send_failures": now.send_failures + before.send_failures,
                "late_mean_s": now.late_mean_s,
                "late_max_s": self._late_max_s,
                "bind_failures": picture.bind_failures,
                "bridge_failures": picture.bridge_failures,
                "play_failures": picture.play_failures,
                "worker_restarts": self._restarts,
                "worker_pid": self._link.pid if self._link is not None else 0,
                "worker_cpu_s": now.cpu_s + before.cpu_s,
            }

    # Commands

    def open_leg(self, leg_id: str) -> tuple[str, int]:
        """Open a leg: the host and even port to write into the SDP.

        Raises MediaError when the leg is open already or no port is free.
        """
        with self._lock:
            command = self._picture.open_leg(leg_id, time.monotonic())
            self._send(command)
        return self._config.advertised_host or self._config.bind_host, command.port

    def set_remote(
        self,
        leg_id: str,
        host: str,
        port: int,
        payload_type: int,
        send: bool = True,
        event_payload_type: int | None = DEFAULT_EVENT_PAYLOAD_TYPE,
    ) -> None:
        """Where the far end is, as its SDP says; the leg sends at once and latches anew.

        payload_type: 0 PCMU or 8 PCMA. send: False on hold. event_payload_type: of telephone
        events (RFC 4733), None when the far end takes none.

        Raises MediaError for a host that is no IP address of our family, or a payload type that
        is not G.711.
        """
        if payload_type not in g711.SILENCE:
            raise MediaError(f"audio leg {leg_id}: payload type {payload_type} is not G.711")
        try:
            version = ipaddress.ip_address(host).version
        except ValueError as error:
            raise MediaError(f"audio leg {leg_id}: {host!r} is no IP address") from error
        if version != ipaddress.ip_address(self._config.bind_host).version:
            raise MediaError(
                f"audio leg {leg_id}: {host} cannot be reached from {self._config.bind_host}"
            )
        events = NO_EVENTS if event_payload_type is None else event_payload_type
        with self._lock:
            self._send(
                self._picture.set_remote(SetRemote(leg_id, host, port, payload_type, events, send))
            )

    def bridge(self, leg_a: str, leg_b: str, on_done: Callback | None = None) -> None:
        """Let two legs hear each other; who was bridged with them before hears silence.

        on_done: called once the worker has switched; never, if one of the legs is not up.
        """
        with self._lock:
            self._send(self._picture.bridge(leg_a, leg_b, on_done))

    def unbridge(self, leg_id: str) -> None:
        """Part a leg from its peer; both stay up and hear silence."""
        with self._lock:
            self._send(self._picture.unbridge(leg_id))

    def play(self, leg_id: str, prompt: str, on_done: Callback) -> None:
        """Play a prompt to a leg; a bridged peer is not heard by it meanwhile.

        prompt: a file's name in the prompts folder, with or without ".wav". on_done: called when
        it has ended, failed, or was cut short by another prompt or the leg's end.
        """
        with self._lock:
            self._send(self._picture.play(leg_id, prompt, on_done))

    def listen(self, leg_id: str, on_key: KeyCallback) -> None:
        """Be told each key that a leg's far end presses (RFC 4733), as "0" to "9", "*", "#"."""
        with self._lock:
            self._send(self._picture.listen(leg_id, on_key))

    def close_leg(self, leg_id: str) -> None:
        """Close a leg; its port goes back to the pool once the worker has let go of it."""
        with self._lock:
            self._send(self._picture.close_leg(leg_id))

    def _send(self, command: Command | None) -> None:
        # Without a worker the picture is kept all the same, and the next worker is told it.
        if command is not None and self._link is not None:
            self._link.send(command)

    # The event thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception:
                _log.exception("the audio relay's event thread met an error")
                self._stopping.wait(_POLL_S)

    def _listen(self) -> None:
        link = self._link
        if link is None:
            self._restart()
            return
        for event in link.receive(_POLL_S):
            link.heard_at = time.monotonic()
            with self._lock:
                on_done = self._picture.heard(event, link.heard_at)
                if isinstance(event, Ready):
                    link.ready = True
                elif isinstance(event, Report):
                    self._report = event
                    self._late_max_s = max(self._late_max_s, event.late_max_s)
            if isinstance(event, Ready):
                self._ready.set()
            if on_done is not None:
                _call(on_done)
        if not link.is_alive():
            self._bury(link, "died")
        elif time.monotonic() - link.heard_at > _STALL_LIMIT_S:
            link.kill()
            self._bury(link, "hung")

    def _bury(self, link: WorkerLink, fate: str) -> None:
        _log.error(
            "audio worker %d %s with %d legs open: starting another",
            link.pid, fate, self._picture.legs,
        )  # fmt: skip
        with self._lock:
            self._link = None
            self._of_the_dead = _add(self._of_the_dead, self._report)
            self._report = _NOTHING
        link.close()
        if time.monotonic() - link.started_at > _STEADY_S:
            self._restarts_in_a_row = 0

    def _restart(self) -> None:
        wait_s = _RESTART_AFTER_S[min(self._restarts_in_a_row, len(_RESTART_AFTER_S) - 1)]
        if self._stopping.wait(wait_s) or self._context is None:
            return
        self._restarts_in_a_row += 1
        link = self._new_link(self._context)
        with self._lock:
            self._restarts += 1
            commands, failed = self._picture.retell()
            for command in commands:
                link.send(command)
            self._link = link
        for on_done in failed:
            _call(on_done)

    def _new_link(self, context: Context) -> WorkerLink:
        self._links += 1
        return WorkerLink(
            context,
            self._socket_dir,
            self._links,
            self._config.bind_host,
            self._config.prompts_dir.resolve(),
        )


def _call(callback: Callback) -> None:
    try:
        callback()
    except Exception:
        _log.exception("a callback of the audio relay failed")


def _add(one: Report, other: Report) -> Report:
    """Counts over two workers; lateness is the latter's."""
    return other._replace(
        legs=0,
        packets_in=one.packets_in + other.packets_in,
        packets_out=one.packets_out + other.packets_out,
        packets_dropped=one.packets_dropped + other.packets_dropped,
        send_failures=one.send_failures + other.send_failures,
        cpu_s=one.cpu_s + other.cpu_s,
    )


__all__ = ["MediaConfig", "MediaRelay"]
