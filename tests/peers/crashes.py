"""kill -9 at a random moment, and what became of the calls that survived it.

The rule of this module: what is proved of a crash is read from the carrier's own trace.
"""

import random
import time
from collections.abc import Sequence
from typing import NamedTuple

from tests.daemon import Dialer
from tests.peers.trace import Message, live_at

BYE_WITHIN_S = 5.0
"""From the restart on; by then every call that survived a crash has been hung up."""


class Restart(NamedTuple):
    """When the daemon was killed, and when it was started again."""

    killed_at: float
    started_at: float


def kill_and_restart(dialer: Dialer, moments: random.Random, at_most_s: float) -> Restart:
    """Kill the daemon at some moment from now on, and start it again a little later."""
    time.sleep(moments.uniform(0.0, at_most_s))
    killed_at = time.time()
    dialer.kill()
    time.sleep(moments.uniform(0.0, 1.0))
    started_at = time.time()
    dialer.start()
    return Restart(killed_at, started_at)


def byes_after(messages: Sequence[Message], restarts: Sequence[Restart]) -> list[float]:
    """Seconds from each restart to the BYE of each call that had survived the crash.

    AssertionError where a call got none.
    """
    delays_s = []
    for restart in restarts:
        for call_id in live_at(list(messages), restart.killed_at, restart.started_at):
            byes = [m.at for m in messages if m.call_id == call_id and m.is_request("BYE")]
            assert byes, f"{call_id} survived the crash and got no BYE"
            delays_s.append(min(byes) - restart.started_at)
    assert delays_s, "no call survived a crash: the test proves nothing"
    return delays_s
