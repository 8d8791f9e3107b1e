"""Faults, brought about at their time.

The rule of this module: it acts from outside, as the world does: a carrier that refuses, a leg
that falls, a message that a behaviour cannot take. No actor knows that it is being tried.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from actors.runtime import Behaviour, handles
from dialer.documents import suggestion
from dialer.errors import ScenarioError
from dialer.events import AgentAsked, AgentLegDown
from dialer.ports import Sink
from sim.carrier import CarrierTrouble
from sim.faults import ActorCrash, AgentsLeave, Fault, LateMessages, LostMessages, TrunkDown


class _Due(NamedTuple):
    """A fault begins, or is over."""

    place: int
    begins: bool


class _Poison(NamedTuple):
    """No behaviour handles it, so whoever gets it fails."""


class Mishaps(Behaviour):
    """Brings about the faults of a scenario.

    actors: those that may crash, by name; carriers are among them as "carrier/NAME". pool: where
    agents' legs are known. agents: their ids.

    Raises:
        ScenarioError: a fault names an actor or a trunk that is not there.
    """

    def __init__(
        self, faults: Sequence[Fault], actors: Mapping[str, Sink], pool: Sink, agents: Sequence[str]
    ) -> None:
        self._faults = tuple(faults)
        self._actors = actors
        self._pool = pool
        self._agents = agents
        self._gone: dict[int, list[str]] = {}
        self._open: dict[int, CarrierTrouble] = {}
        for fault in faults:
            if isinstance(fault, ActorCrash):
                _known("actor", fault.actor, actors)
            elif isinstance(fault, TrunkDown) and fault.trunk:
                _known("trunk", fault.trunk, self._carriers())

    def on_start(self) -> None:
        for place, fault in enumerate(self._faults):
            self.runtime.after(fault.at_s, self.ref, _Due(place, True))
            if not isinstance(fault, ActorCrash):
                self.runtime.after(fault.at_s + fault.lasts_s, self.ref, _Due(place, False))

    @handles(_Due)
    def _on_due(self, due: _Due) -> None:
        fault = self._faults[due.place]
        match fault:
            case ActorCrash():
                self._actors[fault.actor].tell(_Poison())
            case AgentsLeave() if due.begins:
                self._leave(due.place, fault.share)
            case AgentsLeave():
                now = self.runtime.now()
                for agent_id in self._gone.pop(due.place):
                    self._pool.tell(AgentAsked(agent_id, now, "login"))
                    self._pool.tell(AgentAsked(agent_id, now, "ready"))
            case TrunkDown() | LostMessages() | LateMessages():
                if due.begins:
                    self._open[due.place] = _trouble(fault)
                else:
                    del self._open[due.place]
                self._tell_carriers()

    def _leave(self, place: int, share: float) -> None:
        luck = self.runtime.stream(f"mishaps/{place}").random(len(self._agents))
        gone = [agent for agent, draw in zip(self._agents, luck, strict=True) if draw < share]
        self._gone[place] = gone
        for agent_id in gone:
            self._pool.tell(AgentLegDown(agent_id, self.runtime.now(), "left without a word"))

    def _tell_carriers(self) -> None:
        """Each carrier has the worst of all troubles that are open now."""
        for name, carrier in self._carriers().items():
            mine = [trouble for trouble in self._open.values() if trouble.trunk in ("", name)]
            carrier.tell(
                CarrierTrouble(
                    name,
                    any(trouble.refuses for trouble in mine),
                    max((trouble.lost for trouble in mine), default=0.0),
                    max((trouble.late for trouble in mine), default=0.0),
                    max((trouble.delay_s for trouble in mine), default=0.0),
                )
            )

    def _carriers(self) -> dict[str, Sink]:
        return {
            name.removeprefix("carrier/"): actor
            for name, actor in self._actors.items()
            if name.startswith("carrier/")
        }


def _trouble(fault: TrunkDown | LostMessages | LateMessages) -> CarrierTrouble:
    match fault:
        case TrunkDown():
            return CarrierTrouble(fault.trunk, refuses=True)
        case LostMessages():
            return CarrierTrouble("", lost=fault.share)
        case LateMessages():
            return CarrierTrouble("", late=fault.share, delay_s=fault.delay_s)


def _known(kind: str, name: str, known: Mapping[str, Sink]) -> None:
    if name not in known:
        raise ScenarioError("faults", f"no such {kind}: {name!r}", suggestion(name, known))
