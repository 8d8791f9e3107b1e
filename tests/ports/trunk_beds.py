"""What a trunk is tested on: each adapter of the port brings a carrier of its own.

A bed knows numbers that answer, refuse, ring on or do not exist; all else in the contract goes
through the port alone.
"""

import queue
from typing import Any, Protocol

from actors.live import LiveRuntime
from dialer.ports import Trunk
from sim.carrier import SimTrunk
from sim.model import CarrierModel

KINDS = ("answers", "answers_and_hangs_up", "busy", "invalid", "rings_on")


class Events:
    """A sink whose events are taken one by one."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def tell(self, message: Any, /) -> None:
        self._queue.put(message)

    def take(self) -> Any:
        """The next event; fails where none comes."""
        return self._queue.get(timeout=20)

    def take_until(self, kind: type) -> list[Any]:
        """Events up to the first of a kind."""
        taken = [self.take()]
        while not isinstance(taken[-1], kind):
            taken.append(self.take())
        return taken

    def rest(self, wait_s: float) -> list[Any]:
        """What else comes within a time in which nothing should."""
        taken = []
        try:
            while True:
                taken.append(self._queue.get(timeout=wait_s))
        except queue.Empty:
            return taken


class TrunkBed(Protocol):
    """An adapter with a carrier behind it. quiet_s: how long after an end nothing may come."""

    quiet_s: float

    def line(self, kind: str) -> tuple[Trunk, str]:
        """A trunk, and a number behind it of one of KINDS."""

    def next_attempt(self) -> int: ...

    def close(self) -> None: ...


_QUICK: dict[str, Any] = {"post_dial_delay_s": 0.02, "refused_after_s": 0.02}
_MODELS = {
    "answers": CarrierModel(live=1.0, ring_mean_s=0.03, patience_s=60, talk_mean_s=60, **_QUICK),
    "answers_and_hangs_up": CarrierModel(
        live=1.0, ring_mean_s=0.03, patience_s=60, talk_mean_s=0.05, **_QUICK
    ),
    "busy": CarrierModel(live=0.0, machine=0.0, busy=1.0, **_QUICK),
    "invalid": CarrierModel(live=0.0, machine=0.0, busy=0.0, invalid=1.0, **_QUICK),
    "rings_on": CarrierModel(live=0.0, machine=0.0, busy=0.0, no_answer_after_s=60, **_QUICK),
}


class SimTrunkBed:
    """The simulated carrier in real time."""

    quiet_s = 0.1

    def __init__(self) -> None:
        self._runtime = LiveRuntime(seed=1)
        self._attempt_id = 0

    def line(self, kind: str) -> tuple[Trunk, str]:
        return SimTrunk(self._runtime, kind, _MODELS[kind]), "+12125550100"

    def next_attempt(self) -> int:
        self._attempt_id += 1
        return self._attempt_id

    def close(self) -> None:
        self._runtime.stop()


TRUNKS = {"simulated": SimTrunkBed}
"""The adapters of the port. A new one is held to the contract by an entry here."""
