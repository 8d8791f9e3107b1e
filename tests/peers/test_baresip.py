"""The baresip phone answers a direct INVITE, is heard and hears, and leaves nothing behind."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import audio, require
from tests.peers.address import PeerAddress
from tests.peers.baresip import Phone
from tests.peers.behaviours import Behaviour
from tests.peers.caller import place_calls
from tests.peers.rtp import Ear
from tests.peers.sipp import Carrier

pytestmark = pytest.mark.peer


@pytest.fixture(autouse=True)
def _peers() -> None:
    require("sipp", "baresip")


@pytest.fixture
def ear() -> Iterator[Ear]:
    with Ear("127.0.0.21") as listening:
        yield listening


def test_a_direct_invite_is_answered_with_audio_both_ways(tmp_path: Path, ear: Ear) -> None:
    customer, agent = audio.speech(2.5, seed=1), audio.speech(2.5, seed=2)
    pcap = audio.write_rtp_pcap(tmp_path / "customer.pcap", customer)
    with Phone(tmp_path / "phone", "agent1", says=agent) as phone:
        ends, caller = place_calls(
            tmp_path,
            phone.address,
            ["agent1"],
            talk_s=3.2,
            audio=str(pcap),
            media_port=ear.port,
        )
        phone.wait_for("CALL_CLOSED")

    assert ends == [("agent1", "completed")]
    assert caller.unexpected_messages() == []
    assert audio.share_heard(phone.heard(), customer, window_s=0.5) >= 0.8
    assert audio.share_heard(ear.heard(), agent, window_s=0.5) == 1.0
    assert audio.find(ear.heard(), customer).likeness < 0.3


def test_it_calls_a_carrier_and_hangs_up(tmp_path: Path) -> None:
    greeting = audio.write_rtp_pcap(tmp_path / "tone.pcap", audio.tone(440, 1.0))
    greets = Behaviour("greets", audio=str(greeting))
    with (
        Carrier(tmp_path, {"1": greets}) as carrier,
        Phone(tmp_path / "phone", "customer") as phone,
    ):
        phone.command("dial", f"sip:5551@{carrier.address}")
        phone.wait_for("CALL_ESTABLISHED")
        deadline = time.monotonic() + 10
        while not audio.tone_ranges(phone.heard(), 440, shortest_s=0.5):
            assert time.monotonic() < deadline, "the greeting is not heard"
            time.sleep(0.1)
        phone.command("hangup")
        carrier.wait_for_calls(1, within_s=5)
        assert carrier.counts() == {("greets", "completed"): 1}
        assert carrier.unexpected_messages() == []


def test_a_manual_phone_rings_until_told_to_accept(tmp_path: Path) -> None:
    with (
        Phone(tmp_path / "one", "agent1", answers=False) as rings,
        Phone(tmp_path / "two", "agent2") as calls,
    ):
        assert rings.host != calls.host
        calls.command("dial", rings.uri)
        rings.wait_for("CALL_INCOMING")
        assert "CALL_ESTABLISHED" not in calls.events()
        rings.command("accept")
        calls.wait_for("CALL_ESTABLISHED")
        rings.command("hangup")
        calls.wait_for("CALL_CLOSED")


def test_a_failed_start_gives_its_address_back(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holds_the_port:
        holds_the_port.bind(("", 0))
        phone = Phone(tmp_path / "phone", "agent1", port=holds_the_port.getsockname()[1])
        with pytest.raises(RuntimeError, match="does not come up"):
            phone.start()
    assert phone.host not in links()


def test_the_address_of_a_test_that_was_killed_is_taken_over() -> None:
    with PeerAddress() as killed:
        # No process has this id: it is above the kernel's limit.
        subprocess.run(["ip", "link", "set", killed.link, "alias", f"test {1 << 23}"], check=True)
        with PeerAddress() as successor:
            assert successor.ip == killed.ip


def links() -> str:
    return subprocess.run(["ip", "addr"], check=True, capture_output=True, text=True).stdout
