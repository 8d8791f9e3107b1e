"""A worker that dies is replaced and told everything; a daemon that dies leaves no worker."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dialer.errors import ConfigError
from gateways.media.client import MediaConfig, MediaRelay
from tests.gateways.media.conftest import (
    BASE_PORT,
    LIMIT_S,
    Phone,
    is_silence,
    speech,
    wait_for,
    write_wav,
)

CHECKOUT = Path(__file__).resolve().parents[3]


def kill_worker(relay: MediaRelay) -> None:
    os.kill(int(relay.stats()["worker_pid"]), signal.SIGKILL)


def test_calls_go_on_behind_a_new_worker(
    relay: MediaRelay,
    phone: Callable[..., Phone],
    connect: Callable[..., None],
    config: MediaConfig,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_wav(config.prompts_dir / "long.wav", np.full(8000, 9000))
    agent, customer, caller = phone(1), phone(2), phone(3)
    connect("agent", agent)
    connect("customer", customer, 8)
    connect("caller", caller)
    relay.bridge("agent", "customer")
    ended = threading.Event()
    relay.play("caller", "long", ended.set)
    caller.hear_speech(1)
    relay.open_leg("closing")
    kill_worker(relay)
    relay.close_leg("closing")
    wait_for(lambda: relay.stats()["worker_restarts"] == 1 and relay.is_alive())
    # Commands are carried out in order: when this one is done, the legs stand again.
    told = threading.Event()
    relay.play("nobody", "long", told.set)
    assert told.wait(LIMIT_S)
    agent.say(speech(1), 0)
    (heard,) = customer.hear_speech(1)
    assert heard.payload_type == 8
    customer.say(speech(2), 8)
    assert agent.hear_speech(1)[0].payload_type == 0
    assert ended.wait(LIMIT_S)
    assert relay.stats()["play_failures"] == 1  # nobody's
    assert relay.stats()["legs_open"] == 3
    assert relay.stats()["ports_free"] == 50 - 3
    assert "died with" in caplog.text


def test_a_prompt_that_met_two_deaths_is_told_as_ended(
    relay: MediaRelay,
    phone: Callable[..., Phone],
    connect: Callable[..., None],
    config: MediaConfig,
) -> None:
    write_wav(config.prompts_dir / "long.wav", np.full(8000 * 60, 9000))
    connect("caller", phone())
    ended = threading.Event()
    relay.play("caller", "long", ended.set)
    for restarts in (1, 2):
        kill_worker(relay)
        wait_for(lambda n=restarts: relay.stats()["worker_restarts"] == n and relay.is_alive())
    assert ended.wait(LIMIT_S)
    assert relay.stats()["play_failures"] == 1


def test_a_worker_that_hangs_is_replaced(
    relay: MediaRelay, phone: Callable[..., Phone], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.media.client._STALL_LIMIT_S", 2.0)
    agent = phone()
    agent.leg = relay.open_leg("agent")
    hung = int(relay.stats()["worker_pid"])
    os.kill(hung, signal.SIGSTOP)
    wait_for(lambda: relay.stats()["worker_restarts"] == 1)
    relay.set_remote("agent", agent.host, agent.port, 0)
    assert is_silence(agent.hear())
    with pytest.raises(ProcessLookupError):
        os.kill(hung, 0)


def test_what_is_asked_for_while_there_is_no_worker_is_done_by_the_next(
    relay: MediaRelay, phone: Callable[..., Phone]
) -> None:
    agent = phone()
    kill_worker(relay)
    wait_for(lambda: not relay.is_alive())
    agent.leg = relay.open_leg("agent")
    relay.set_remote("agent", agent.host, agent.port, 0)
    assert is_silence(agent.hear())
    assert agent.leg == agent.hear().source


def test_stopping_ends_the_worker_and_removes_its_sockets(
    config: MediaConfig, tmp_path: Path
) -> None:
    folder = tmp_path / "sockets"
    made = MediaRelay(
        MediaConfig(
            "127.0.0.1", "", config.prompts_dir, BASE_PORT, BASE_PORT + 98, socket_dir=folder
        )
    )
    made.start()
    pid = int(made.stats()["worker_pid"])
    _, port = made.open_leg("a")
    assert list(folder.iterdir())
    made.stop()
    made.stop()
    assert not made.is_alive()
    assert not list(folder.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", port))


def test_a_socket_folder_with_too_long_a_name_is_refused(
    config: MediaConfig, tmp_path: Path
) -> None:
    made = MediaRelay(replace(config, socket_dir=tmp_path / ("long" * 30)))
    with pytest.raises(ConfigError, match="too long"):
        made.start()


DAEMON = """
import sys, time
from pathlib import Path
from gateways.media.client import MediaConfig, MediaRelay
sockets, port = Path(sys.argv[1]), int(sys.argv[2])
made = MediaRelay(MediaConfig("127.0.0.1", "", Path("."), port, port + 8, socket_dir=sockets))
made.start()
print(made.open_leg("a")[1], flush=True)
time.sleep(600)
"""


def test_a_daemon_that_is_killed_leaves_no_worker_behind(tmp_path: Path) -> None:
    def bindable() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True

    with subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(tmp_path), str(BASE_PORT)],
        stdout=subprocess.PIPE,
        cwd=CHECKOUT,
    ) as daemon:
        assert daemon.stdout is not None
        port = int(daemon.stdout.readline())
        wait_for(lambda: not bindable())
        daemon.kill()
    wait_for(bindable)
    wait_for(lambda: not list(tmp_path.iterdir()))
