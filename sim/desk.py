"""Agents, simulated.

The rule of this module: agents work as their model says and tell the pool what a real desk would:
that they are here, that they answered or did not, and that their wrap-up is over.
"""

from typing import NamedTuple

from actors.runtime import Behaviour, Timer, handles
from dialer.events import AgentAccepted, AgentAsked, AgentLegDown, AgentLegUp, AgentNoAnswer
from dialer.ports import Sink
from sim.model import DeskModel
from sim.variates import lognormal, uniform


class _LogIn(NamedTuple):
    agent_id: str


class _LogOut(NamedTuple):
    agent_id: str


class _Offer(NamedTuple):
    agent_id: str


class _Release(NamedTuple):
    agent_id: str


class Desk(Behaviour):
    """All simulated agents. pool: where their events go."""

    def __init__(self, model: DeskModel, pool: Sink) -> None:
        self._model = model
        self._pool = pool
        self._wrapping: dict[str, Timer] = {}

    def on_start(self) -> None:
        model = self._model
        stream = self.runtime.stream
        self._wrap_up = lognormal(stream("desk/wrap_up"), model.wrap_up_mean_s, model.wrap_up_cv)
        self._luck = uniform(stream("desk/rona"))

    @handles(_LogIn)
    def _on_log_in(self, message: _LogIn) -> None:
        self._pool.tell(AgentLegUp(message.agent_id, self.runtime.now()))

    @handles(_LogOut)
    def _on_log_out(self, message: _LogOut) -> None:
        self._pool.tell(AgentLegDown(message.agent_id, self.runtime.now(), "logged out"))

    @handles(_Offer)
    def _on_offer(self, message: _Offer) -> None:
        now = self.runtime.now()
        misses = self._luck() < self._model.rona
        event = AgentNoAnswer if misses else AgentAccepted
        at = now + self._model.answer_s
        self.runtime.after(self._model.answer_s, self._pool, event(message.agent_id, at))

    @handles(_Release)
    def _on_release(self, message: _Release) -> None:
        wrap_up_s = self._wrap_up()
        at = self.runtime.now() + wrap_up_s
        done = AgentAsked(message.agent_id, at, "wrap_up_done")
        earlier = self._wrapping.get(message.agent_id)
        if earlier is not None:
            earlier.cancel()  # or it would cut this wrap-up short
        self._wrapping[message.agent_id] = self.runtime.after(wrap_up_s, self._pool, done)


class SimDesk:
    """The AgentDesk port in front of a Desk. desk: its handle or ref."""

    def __init__(self, model: DeskModel, desk: Sink) -> None:
        self.kept_up = model.kept_up
        self._desk = desk

    def log_in(self, agent_id: str, address: str) -> None:  # noqa: ARG002
        self._desk.tell(_LogIn(agent_id))

    def log_out(self, agent_id: str) -> None:
        self._desk.tell(_LogOut(agent_id))

    def offer(self, agent_id: str) -> None:
        self._desk.tell(_Offer(agent_id))

    def connect(self, agent_id: str, attempt_id: int) -> None:
        """A simulated agent hears the caller at once."""

    def release(self, agent_id: str, attempt_id: int) -> None:  # noqa: ARG002
        self._desk.tell(_Release(agent_id))
