"""What a desk is tested on: each adapter of the port brings agents of its own."""

from typing import Protocol

from actors.live import LiveRuntime
from dialer.ports import AgentDesk
from sim.desk import Desk, SimDesk
from sim.model import DeskModel
from tests.ports.trunk_beds import Events


class DeskBed(Protocol):
    """An adapter with agents behind it. quiet_s: how long nothing may come after the last word.

    present: agents who answer, as (agent id, address). silent: one whose phone nobody answers.
    """

    port: AgentDesk
    events: Events
    quiet_s: float
    present: tuple[tuple[str, str], tuple[str, str]]

    def silent(self) -> tuple[AgentDesk, Events, tuple[str, str]]:
        """A desk whose agent does not answer offers, with its events and that agent."""

    def close(self) -> None: ...


class SimDeskBed:
    """The simulated desk in real time."""

    quiet_s = 0.05
    present = (("anna", ""), ("ben", ""))

    def __init__(self) -> None:
        self._runtime = LiveRuntime(seed=1)
        self.port, self.events = self._desk(rona=0.0)

    def silent(self) -> tuple[AgentDesk, Events, tuple[str, str]]:
        return (*self._desk(rona=1.0), self.present[0])

    def _desk(self, rona: float) -> tuple[AgentDesk, Events]:
        times = {"wrap_up_mean_s": 0.02, "answer_s": 0.01, "preview_s": 0.01}
        model = DeskModel(kept_up=False, rona=rona, **times)
        events = Events()
        return SimDesk(model, self._runtime.spawn(Desk(model, events), "desk")), events

    def close(self) -> None:
        self._runtime.stop()


DESKS = {"simulated": SimDeskBed}
"""The adapters of the port. A new one is held to the contract by an entry here."""
