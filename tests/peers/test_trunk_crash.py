"""After a kill -9 the trunk ends every call that it left behind, and says which had been sent."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from gateways.sip.endpoint import EndpointConfig, SipEndpoint
from tests.peers import require
from tests.peers.behaviours import BASIC, CHALLENGE_407, DIRECT, NO_ANSWER, RINGS, Behaviour
from tests.peers.dialing import HOST, DeafMedia, Told, trunk_to
from tests.peers.sipp import Carrier, free_port

pytestmark = pytest.mark.peer

# Each of these is in another state when the process dies.
ANSWERS_THE_DEAD = Behaviour("answers_the_dead", progress=RINGS, final_after_s=0.8)
PLAN = {"1": DIRECT, "2": ANSWERS_THE_DEAD, "4": NO_ANSWER, "6": CHALLENGE_407, "3": BASIC["3"]}


def test_calls_that_a_crash_left_behind_are_ended_within_5_s(tmp_path: Path) -> None:
    require("sipp")
    numbers = [f"+12025550{position}{ending}" for position in (10, 11) for ending in PLAN]
    port = free_port(HOST)
    log = tmp_path / "dialogs"
    with Carrier(tmp_path, PLAN) as carrier:
        command = [sys.executable, "-m", "tests.peers.crashing", HOST, str(port)]
        command += [carrier.host, str(carrier.port), str(log), *numbers]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
            try:
                wait_for(carrier, acknowledged=4, ringing=6)
            finally:
                process.kill()
        wait_for(carrier, answered=6)
        restarted_at = time.time()
        endpoint = SipEndpoint(EndpointConfig(HOST, port, dialog_log=log), DeafMedia())
        endpoint.start()
        try:
            trunk = trunk_to((carrier.host, carrier.port), endpoint, Told())
            assert trunk.recover() == frozenset(range(1, len(numbers) + 1))
            carrier.wait_for_calls(len(numbers), within_s=10)
        finally:
            endpoint.stop()

    meant = {"1": "completed", "2": "completed", "3": "refused", "4": "cancelled", "6": "completed"}
    ends = {call.number: call.result for call in carrier.calls()}
    assert ends == {number: meant[number[-1]] for number in numbers}
    assert carrier.dialed() == Counter(numbers)
    assert carrier.unexpected_messages() == []
    byes = [m for m in carrier.messages() if m.is_request("BYE")]
    assert len({bye.call_id for bye in byes}) == 6
    assert all(0 <= bye.at - restarted_at < 5.0 for bye in byes)


def wait_for(
    carrier: Carrier, *, answered: int = 0, acknowledged: int = 0, ringing: int = 0
) -> None:
    """Until so many calls have come so far, in the carrier's books."""
    deadline = time.monotonic() + 15
    while True:
        messages = carrier.messages()
        answers = {m.call_id for m in messages if (m.status, m.method) == (200, "INVITE")}
        acks = {m.call_id for m in messages if m.is_request("ACK")}
        rings = {m.call_id for m in messages if m.status == 180}
        reached = len(answers), len(answers & acks), len(rings)
        if all(
            has >= wanted
            for has, wanted in zip(reached, (answered, acknowledged, ringing), strict=True)
        ):
            return
        assert time.monotonic() < deadline, f"answered, acknowledged, ringing: {reached}"
        time.sleep(0.02)
