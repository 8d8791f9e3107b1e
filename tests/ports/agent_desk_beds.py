"""What a desk is tested on: each adapter of the port brings agents of its own."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Protocol

from actors.live import LiveRuntime
from dialer.ports import AgentDesk
from gateways.sip.desk import SipDesk
from gateways.sip.phones import DeskConfig
from gateways.sip.ringing_desk import RingingDesk
from sim.desk import Desk, SimDesk
from sim.model import DeskModel
from tests.gateways.sip.wire import endpoint, phone
from tests.ports.trunk_beds import Events


class DeskBed(Protocol):
    """An adapter with agents behind it. quiet_s: how long nothing may come after the last word.

    present: agents who answer, as (agent id, address). silent: one whose phone nobody answers.
    says_when_wrapped_up: its agents do by themselves; else they ask at their console.
    """

    port: AgentDesk
    events: Events
    quiet_s: float
    present: tuple[tuple[str, str], tuple[str, str]]
    says_when_wrapped_up: bool

    def silent(self) -> tuple[AgentDesk, Events, tuple[str, str]]:
        """A desk whose agent does not answer offers, with its events and that agent."""

    def close(self) -> None: ...


class SimDeskBed:
    """The simulated desk in real time."""

    quiet_s = 0.05
    says_when_wrapped_up = True
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


class SipDeskBed:
    """Phones on loopback that pick up, and one that only rings."""

    quiet_s = 0.3
    says_when_wrapped_up = False

    def __init__(self, kept_up: bool) -> None:
        self._kept_up = kept_up
        self._stack = ExitStack()
        self._picks_up = self._stack.enter_context(phone(picks_up=True))
        self.present = (self._agent("anna"), self._agent("ben"))
        self.port, self.events = self._desk()

    def _agent(self, name: str) -> tuple[str, str]:
        return name, f"sip:{name}@127.0.0.1:{self._picks_up}"

    def silent(self) -> tuple[AgentDesk, Events, tuple[str, str]]:
        rings = self._stack.enter_context(phone(picks_up=False))
        return (*self._desk(), ("carl", f"sip:carl@127.0.0.1:{rings}"))

    def _desk(self) -> tuple[AgentDesk, Events]:
        events = Events()
        config = DeskConfig(self._kept_up, answer_timeout_s=0.5)
        kind = SipDesk if self._kept_up else RingingDesk
        return kind(config, self._stack.enter_context(endpoint()), events), events

    def close(self) -> None:
        self._stack.close()


DESKS: dict[str, Callable[[], DeskBed]] = {
    "simulated": SimDeskBed,
    "sip": partial(SipDeskBed, True),
    "sip, ringing per call": partial(SipDeskBed, False),
}
"""The adapters of the port. A new one is held to the contract by an entry here."""
