"""Starts baresip as a headless SIP phone and reads what it heard.

The rule of this module: the phone has an address of its own, needs no registrar, answers by
itself, says one WAV per call and records both directions; tests steer it only through its
control socket.

baresip 1.0 ends a call when its audio file ends, so what it says is made to last.
"""

import contextlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np

from tests.peers import audio
from tests.peers.address import PeerAddress

_MODULES = Path("/usr/lib/baresip/modules")
_CONTROL_PORT = 4444
_STEP_S = 0.02
_Process = subprocess.Popen[bytes]


class Phone:
    """A baresip phone.

        with Phone(tmp_path, "agent1", says=speech(3, seed=1)) as phone:
            invite(phone.uri)
        heard = phone.heard()

    user: the user part of its address of record. says: what it says from the answer on, again
    and again (`repeats`) or once; silence when None. lasts_s: after so long it hangs up by
    itself. answers: by itself, at once; else it rings until `command("accept")`.
    codecs: in the order of preference. host: its address once it has been started.
    """

    def __init__(
        self,
        folder: Path,
        user: str,
        *,
        says: audio.Samples | None = None,
        repeats: bool = False,
        lasts_s: float = 180.0,
        answers: bool = True,
        codecs: str = "pcma/8000/1,pcmu/8000/1",
        port: int = 5060,
    ) -> None:
        self.user = user
        self._folder = folder
        self._port = port
        self._says = _at_length(says, repeats, lasts_s)
        self._answers = answers
        self._codecs = codecs
        self._address: PeerAddress | None = None
        self._process: _Process | None = None
        self._control: _Control | None = None

    @property
    def host(self) -> str:
        if self._address is None:
            raise RuntimeError("the phone has not been started")
        return self._address.ip

    @property
    def address(self) -> str:
        """host:port"""
        return f"{self.host}:{self._port}"

    @property
    def uri(self) -> str:
        return f"sip:{self.user}@{self.address}"

    def start(self) -> Self:
        """Raises OSError where no address can be had, RuntimeError when it does not come up."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        self._address = PeerAddress()
        self._recordings.mkdir(parents=True, exist_ok=True)
        said = audio.write_wav(self._folder / "says.wav", self._says)
        config = _config(self.host, self._port, self._address.link, said, self._recordings)
        (self._folder / "config").write_text(config, encoding="ascii")
        mode = "auto" if self._answers else "manual"
        account = (
            f"<sip:{self.user}@{self.address}>;regint=0;answermode={mode}"
            f";audio_codecs={self._codecs}\n"
        )
        (self._folder / "accounts").write_text(account, encoding="ascii")
        (self._folder / "contacts").write_text("", encoding="ascii")
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["baresip", "-4", "-f", str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        self._control = _Control(self.host, self._process, self.log)

    @property
    def _recordings(self) -> Path:
        return self._folder / "recordings"

    def stop(self) -> None:
        """Ends its calls with a BYE, then itself, and gives its address back."""
        if self._control:
            self._control.close()
            self._control = None
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._address:
            self._address.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def log(self) -> str:
        """What baresip printed."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    def command(self, name: str, params: str = "") -> str:
        """A command of baresip's menu: dial URI, hangup, accept, sndcode DIGIT, hold, resume.

        Returns its answer; raises RuntimeError when it fails.
        """
        return self._control_now.command(name, params)

    @property
    def _control_now(self) -> "_Control":
        if self._control is None:
            raise RuntimeError("the phone is not running")
        return self._control

    def events(self) -> list[str]:
        """The types of what happened so far: CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED ..."""
        return [str(event["type"]) for event in self._control_now.events]

    def wait_for(self, event: str, within_s: float = 10.0, times: int = 1) -> None:
        """Raises TimeoutError when it has not happened so many times by then."""
        deadline = time.monotonic() + within_s
        while self.events().count(event) < times:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {event} ({times}) in {within_s} s: {self.events()}")
            time.sleep(_STEP_S)

    def heard(self) -> audio.Samples:
        """What it heard, all calls one after the other; complete once calls have ended."""
        return self._recorded("dec")

    def said(self) -> audio.Samples:
        """What it said, as its encoder got it."""
        return self._recorded("enc")

    def _recorded(self, direction: str) -> audio.Samples:
        files = sorted(self._recordings.glob(f"*-{direction}.wav"))
        parts = [audio.read_wav(file) for file in files if file.stat().st_size > 44]
        return np.concatenate([audio.silence(0.0), *parts])


def _at_length(says: audio.Samples | None, repeats: bool, lasts_s: float) -> audio.Samples:
    whole = audio.silence(lasts_s)
    if says is None or not says.size:
        return whole
    if repeats:
        return np.resize(says, whole.size)
    return np.concatenate((says, whole))[: max(says.size, whole.size)]


def _config(host: str, port: int, link: str, said: Path, recordings: Path) -> str:
    modules = ["g711", "aufile", "aubridge", "sndfile"]
    applications = ["menu", "ctrl_tcp"]
    lines = [
        "poll_method epoll",
        f"sip_listen {host}:{port}",
        f"net_interface {link}",
        "call_local_timeout 120",
        "call_max_calls 4",
        f"audio_source aufile,{said}",
        "audio_player aubridge,nowhere",
        "audio_alert aubridge,nowhere",
        "ausrc_srate 8000",
        "auplay_srate 8000",
        "ausrc_channels 1",
        "auplay_channels 1",
        "audio_level no",
        "rtp_ports 30000-30998",
        "rtcp_mux no",
        "jitter_buffer_type fixed",
        "jitter_buffer_delay 2-8",
        "rtp_timeout 60",
        f"snd_path {recordings}",
        f"module_path {_MODULES}",
        *(f"module {name}.so" for name in modules),
        "module_tmp account.so",
        *(f"module_app {name}.so" for name in applications),
        f"ctrl_tcp_listen {host}:{_CONTROL_PORT}",
    ]
    return "\n".join(lines) + "\n"


class _Control:
    """The control socket: JSON in netstrings, answers and events mixed."""

    def __init__(
        self, host: str, process: "subprocess.Popen[bytes]", log: Callable[[], str]
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self._answers: dict[str, dict[str, Any]] = {}
        self._answered = threading.Condition()
        self._asked = 0
        self._socket = _connect(host, process, log)
        self._thread = threading.Thread(target=self._read, name="baresip control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # it closed first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def command(self, name: str, params: str, within_s: float = 5.0) -> str:
        with self._answered:
            self._asked += 1
            token = str(self._asked)
            text = json.dumps({"command": name, "params": params, "token": token}).encode()
            self._socket.sendall(b"%d:%s," % (len(text), text))
            if not self._answered.wait_for(lambda: token in self._answers, within_s):
                raise RuntimeError(f"baresip did not answer {name} {params}")
            answer = self._answers.pop(token)
        if not answer.get("ok"):
            raise RuntimeError(f"baresip refused {name} {params}: {answer.get('data')}")
        return str(answer.get("data", ""))

    def _read(self) -> None:
        buffer = b""
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                return
            if not data:
                return
            buffer += data
            while True:
                length, colon, rest = buffer.partition(b":")
                if not colon or len(rest) < int(length) + 1:
                    break
                self._take(json.loads(rest[: int(length)]))
                buffer = rest[int(length) + 1 :]

    def _take(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self.events.append(message)
            return
        with self._answered:
            self._answers[str(message.get("token"))] = message
            self._answered.notify_all()


def _connect(
    host: str, process: "subprocess.Popen[bytes]", log: Callable[[], str]
) -> socket.socket:
    deadline = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection((host, _CONTROL_PORT), timeout=None)
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"baresip does not come up: {log()[-800:]}") from None
            time.sleep(_STEP_S)
