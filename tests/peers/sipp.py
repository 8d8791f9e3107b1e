"""Starts SIPp as a carrier that treats each dialed number as planned, and reads its books.

The rule of this module: what a test asserts about a call comes from SIPp's own files, which stay
readable while SIPp runs and after it ended, however our side ended.
"""

import contextlib
import random
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGUSR1
from typing import NamedTuple, Self

from tests.peers import trace
from tests.peers.behaviours import Behaviour
from tests.peers.lossy import LossyWire, Lost
from tests.peers.scenario import Plan

_STEP_S = 0.02


class Call(NamedTuple):
    """A call that ended as the carrier meant it to. result: one of `scenario.RESULTS`."""

    behaviour: str
    result: str
    number: str
    call_id: str


def free_port(host: str, kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port of `host` that nobody holds at this moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _free_media_port(host: str) -> int:
    """Where SIPp finds two ports for audio and two for video, outside of those that the system
    gives to whoever asks for any."""
    while True:
        first = random.randrange(10_000, 30_000, 4)
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for port in range(first, first + 4):
                probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                probe.bind((host, port))
            return first


class Sipp:
    """A SIPp process with its files in `folder`, at `address` (host, port).

    transport: "udp", or "tcp" with one connection a peer.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        address: tuple[str, int],
        scenario: str,
        more: Sequence[str],
        transport: str = "udp",
    ) -> None:
        self.transport = transport
        self.host, self.port = host, port = address
        self._folder = folder
        self._name = name
        folder.mkdir(parents=True, exist_ok=True)
        file = self._file("xml")
        file.write_text(scenario, encoding="ascii")
        command = [
            *("sipp", "-sf", str(file), "-i", host, "-mi", host, "-p", str(port)),
            *("-mp", str(_free_media_port(host)), "-t", f"{transport[0]}1"),
            *("-nostdin", "-skip_rlimit", "-timer_resol", "1", "-fd", "1"),
            *("-trace_msg", "-message_file", str(self._file("messages"))),
            *("-trace_err", "-error_file", str(self._file("errors"))),
            *("-trace_logs", "-log_file", str(self._file("calls"))),
            *("-trace_stat", "-stf", str(self._file("stat"))),
            # A slow machine is no reason to end a test run.
            *("-watchdog_minor_maxtriggers", "100000", "-watchdog_major_maxtriggers", "10000"),
            *more,
        ]
        # SIPp draws its screen even when nobody looks; only a failed start is worth reading.
        with self._file("screen").open("wb") as screen:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=screen, stderr=screen, cwd=folder
            )

    def _file(self, kind: str) -> Path:
        return self._folder / f"{self._name}.{kind}"

    def screen(self) -> str:
        """What SIPp printed."""
        return self._file("screen").read_text(encoding="utf-8", errors="replace")

    def messages(self) -> list[trace.Message]:
        """Every message so far, in the order in which SIPp saw them, without the lost ones."""
        return trace.messages(self._file("messages"))

    def unexpected_messages(self) -> list[str]:
        """What SIPp complained of: messages it did not expect, calls that it gave up."""
        return trace.complaints(self._file("errors"))

    def totals(self) -> dict[str, int]:
        """SIPp's counters (`SuccessfulCall`, `FailedCall` ...), complete once it has ended."""
        return trace.totals(self._file("stat"))

    def log_lines(self) -> list[str]:
        """The scenario's own log, a line per call."""
        path = self._file("calls")
        if not path.exists():
            return []
        text = path.read_text(encoding="utf-8", errors="replace")
        complete, _, _ = text.rpartition("\n")
        return [line for line in complete.split("\n") if line]

    def wait_until_listening(self, within_s: float = 10.0) -> None:
        """Raises RuntimeError with SIPp's reason when it does not come up."""
        deadline = time.monotonic() + within_s
        while not self._holds_its_port():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"SIPp does not listen: {self._why()}")
            time.sleep(_STEP_S)

    def _holds_its_port(self) -> bool:
        """Whether this very process has the socket: another may hold the port already."""
        local = f"{socket.inet_aton(self.host)[::-1].hex().upper()}:{self.port:04X}"
        lines = Path(f"/proc/net/{self.transport}").read_text(encoding="ascii").splitlines()[1:]
        sockets = {f"socket:[{f[9]}]" for f in map(str.split, lines) if f[1] == local}
        with contextlib.suppress(OSError):  # it has ended, or closed a file meanwhile
            held = Path(f"/proc/{self.process.pid}/fd").iterdir()
            return any(str(handle.readlink()) in sockets for handle in held)
        return False

    def _why(self) -> str:
        return " ".join(self.unexpected_messages()) or self.screen()[-500:]

    def finish(self, within_s: float = 10.0) -> None:
        """Let calls end, then SIPp; after `within_s` seconds it is ended with calls open."""
        if self.process.poll() is None:
            self.process.send_signal(SIGUSR1)
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Carrier:
    """A carrier on loopback whose dialed numbers behave as planned.

        with Carrier(tmp_path, {"1": BUSY, "2": DIRECT}) as carrier:
            dial("+12025550101", carrier.address)
        assert carrier.unexpected_messages() == []

    by_ending: last digits of a number -> what it does; the longest match decides, and a number
    that matches nothing gets an unplanned 404. Credentials of challenges: username, password.
    media_port: SIPp's expression of the SDP's RTP port. transport: "udp" or "tcp".
    """

    def __init__(
        self,
        folder: Path,
        by_ending: Mapping[str, Behaviour],
        *,
        host: str = "127.0.0.41",
        port: int = 0,
        username: str = "dialer",
        password: str = "s3cret",
        media_port: str = "[auto_media_port]",
        transport: str = "udp",
    ) -> None:
        self.host = host
        self.port = port or free_port(host)
        contact = f"{host}:{self.port}{';transport=tcp' if transport == 'tcp' else ''}"
        self.plan = Plan(by_ending, contact, media_port, username, password)
        self._folder = folder
        self._transport = transport
        self._sipp: Sipp | None = None
        self._wire: LossyWire | None = None

    @property
    def address(self) -> str:
        """host:port to send INVITEs to."""
        return f"{self.host}:{self.port}"

    def start(self) -> Self:
        loses = any(behaviour.lose for behaviour in self.plan.behaviours())
        port = free_port(self.host) if loses else self.port
        # 32 s of retransmissions (64 T1), as carriers do, where SIPp would stop sooner.
        more = ("-aa", "-max_invite_retrans", "9")
        self._sipp = Sipp(
            self._folder,
            "carrier",
            (self.host, port),
            self.plan.scenario(),
            more,
            self._transport,
        )
        try:
            self._sipp.wait_until_listening()
            if loses:
                self._wire = LossyWire(self.host, self.port, (self.host, port), self._losses)
        except BaseException:
            self._sipp.kill()
            raise
        return self

    def _losses(self, number: str) -> tuple[str, ...]:
        behaviour = self.plan.behaviour(number)
        return behaviour.lose if behaviour else ()

    def stop(self, within_s: float = 10.0) -> None:
        """Lets the calls end first, for as long as `within_s`."""
        try:
            if self._sipp:
                self._sipp.finish(within_s)
        finally:
            if self._wire:
                self._wire.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def sipp(self) -> Sipp:
        if self._sipp is None:
            raise RuntimeError("the carrier has not been started")
        return self._sipp

    def messages(self) -> list[trace.Message]:
        """The carrier's timeline so far: every SIP message it took or sent."""
        return self.sipp.messages()

    def unexpected_messages(self) -> list[str]:
        return self.sipp.unexpected_messages()

    def lost(self) -> list[Lost]:
        """Messages that the wire lost, as planned."""
        return list(self._wire.lost) if self._wire else []

    def calls(self) -> list[Call]:
        """Every call that has ended as planned, in the order of ending."""
        return [Call(*line.split("|")[:4]) for line in self.sipp.log_lines()]

    def counts(self) -> Counter[tuple[str, str]]:
        """(behaviour, result) -> how many calls ended so."""
        return Counter((call.behaviour, call.result) for call in self.calls())

    def dialed(self) -> Counter[str]:
        """Number -> in how many dialogs (Call-IDs) the carrier was asked for it."""
        asked = {(m.number, m.call_id) for m in self.messages() if m.is_request("INVITE")}
        return Counter(number for number, _ in asked)

    def wrong_credentials(self) -> list[trace.Message]:
        """INVITEs whose digest does not prove the password, by our own reckoning."""
        return [
            message
            for message in self.messages()
            if message.is_request("INVITE")
            and (message.header("Authorization") or message.header("Proxy-Authorization"))
            and not trace.credentials_hold(message, self.plan.username, self.plan.password)
        ]

    def wait_for_calls(self, count: int, within_s: float) -> None:
        """Raises TimeoutError when fewer than `count` calls have ended by then."""
        deadline = time.monotonic() + within_s
        while len(self.calls()) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.calls())} of {count} calls ended: {self.counts()}")
            time.sleep(_STEP_S)
