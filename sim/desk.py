"""Agents, simulated.

The rule of this module: agents work as their habits say and tell the pool what a real desk would:
that they are here, that they answered or did not, that their wrap-up is over, and that they go on
a break and are back.
"""

from collections.abc import Sequence
from math import inf

from actors.runtime import Behaviour, Timer, handles
from dialer.events import (
    AgentAccepted,
    AgentAsked,
    AgentDisposed,
    AgentLegDown,
    AgentLegUp,
    AgentNoAnswer,
    PreviewAnswered,
)
from dialer.message import Message
from dialer.ports import Choices, PreviewCard, Sink
from sim.fates import Habits


class _LogIn(Message):
    agent_id: str


class _LogOut(Message):
    agent_id: str


class _Retell(Message):
    agent_ids: tuple[str, ...]


class _Offer(Message):
    agent_id: str


class _Preview(Message):
    agent_id: str
    ticket: int
    accept_by: float


class _AskDisposition(Message):
    agent_id: str
    choices: Choices


class _Connect(Message):
    agent_id: str


class _Release(Message):
    agent_id: str
    attempt_id: int


class _WrapUpOver(Message):
    agent_id: str


class BreakDue(Message):
    """To the desk: this agent's break is due, for lasts_s from when it begins.

    announced: the agent asks for it at once, even in a call, so that the pool knows; else they
    just go when the call in hand and its wrap-up are over.
    """

    agent_id: str
    lasts_s: float
    announced: bool


class Desk(Behaviour):
    """All simulated agents. pool: where their events go."""

    def __init__(self, habits: Habits, pool: Sink) -> None:
        self._habits = habits
        self._pool = pool
        self._wrapping: dict[str, Timer] = {}
        self._with_caller: set[str] = set()
        self._due: dict[str, BreakDue] = {}
        self._seen: set[str] = set()
        self._asked: dict[str, Choices] = {}
        # When each came, or comes back from where they are.
        self._in_from: dict[str, float] = {}
        self._back_at: dict[str, float] = {}

    def on_start(self) -> None:
        stream = self.runtime.stream
        self._wrap_up = self._habits.wrap_ups(stream)
        self._offer = self._habits.offers(stream)
        self._look = self._habits.previews(stream)
        self._dispose = self._habits.says(stream)
        self._day = self._habits.days(stream)

    @handles(_LogIn)
    def _on_log_in(self, message: _LogIn) -> None:
        agent_id, now = message.agent_id, self.runtime.now()
        self._with_caller.discard(agent_id)
        self._in_from[agent_id] = now
        if agent_id in self._seen:
            self._pool.tell(AgentLegUp(agent_id, now))
            return
        day = self._day(len(self._seen))
        self._seen.add(agent_id)
        if day.log_in_at > now:
            self._in_from[agent_id] = day.log_in_at
            self._tell_later(day.log_in_at, self._pool, AgentLegUp(agent_id, day.log_in_at))
        else:
            self._pool.tell(AgentLegUp(agent_id, now))
        for rest in day.breaks:
            self._tell_later(rest.at, self.ref, BreakDue(agent_id, rest.lasts_s, rest.announced))
        if day.log_out_at < inf:
            log_out = AgentAsked(agent_id, day.log_out_at, "logout")
            self._tell_later(day.log_out_at, self._pool, log_out)

    def _tell_later(self, at: float, to: Sink, message: object) -> None:
        self.runtime.after(max(0.0, at - self.runtime.now()), to, message)

    @handles(_LogOut)
    def _on_log_out(self, message: _LogOut) -> None:
        self._in_from.pop(message.agent_id, None)
        self._pool.tell(AgentLegDown(message.agent_id, self.runtime.now(), "logged out"))

    @handles(_Retell)
    def _on_retell(self, message: _Retell) -> None:
        now, tell = self.runtime.now(), self._pool.tell
        for agent_id in message.agent_ids:
            if self._in_from.get(agent_id, inf) > now:
                tell(AgentLegDown(agent_id, now, "not there"))
                continue
            tell(AgentLegUp(agent_id, now))
            if agent_id not in self._with_caller:
                tell(AgentAsked(agent_id, now, "wrap_up_done"))
                if self._back_at.pop(agent_id, inf) <= now:
                    tell(AgentAsked(agent_id, now, "ready"))

    @handles(_Offer)
    def _on_offer(self, message: _Offer) -> None:
        offer = self._offer()
        at = self.runtime.now() + offer.after_s
        event = AgentNoAnswer if offer.missed else AgentAccepted
        self.runtime.after(offer.after_s, self._pool, event(message.agent_id, at))
        if offer.missed:
            self._come_back(message.agent_id, offer.after_s + self._habits.away_s)

    @handles(_Preview)
    def _on_preview(self, message: _Preview) -> None:
        agent_id, now = message.agent_id, self.runtime.now()
        answer = self._look()
        if answer.verdict == "timed_out":
            # Whoever looks away is away, and comes back as after a phone that they missed.
            self._come_back(agent_id, message.accept_by - now + self._habits.away_s)
            return
        accepted = answer.verdict == "accepted"
        event = PreviewAnswered(agent_id, now + answer.after_s, message.ticket, accepted)
        self.runtime.after(answer.after_s, self._pool, event)

    @handles(_AskDisposition)
    def _on_ask_disposition(self, message: _AskDisposition) -> None:
        self._asked[message.agent_id] = message.choices

    def _say_later(self, agent_id: str, after_s: float) -> None:
        """They say what came of the call when they have written it up."""
        choices = self._asked.pop(agent_id, ())
        if choices:
            at = self.runtime.now() + after_s
            choice = self._dispose(choices)
            promised = at + choice.callback_after_s if choice.callback_after_s else 0.0
            said = AgentDisposed(agent_id, at, choice.name, "", promised, choice.personal)
            self.runtime.after(after_s, self._pool, said)

    @handles(_Connect)
    def _on_connect(self, message: _Connect) -> None:
        self._with_caller.add(message.agent_id)

    @handles(_Release)
    def _on_release(self, message: _Release) -> None:
        agent_id = message.agent_id
        wrap_up_s = self._wrap_up(message.attempt_id)
        self._say_later(agent_id, wrap_up_s)
        due = self._due.get(agent_id)
        if due is not None and due.announced:
            # The pool has them not ready from here on; they still write up the call first.
            del self._due[agent_id]
            self._with_caller.discard(agent_id)
            self._come_back(agent_id, wrap_up_s + due.lasts_s)
            return
        if self._habits.tells_wrap_up and due is None:
            now = self.runtime.now()
            self._pool.tell(AgentAsked(agent_id, now, "wrap_up_done", after_s=wrap_up_s))
        earlier = self._wrapping.get(agent_id)
        if earlier is not None:
            earlier.cancel()  # or it would cut this wrap-up short
        self._wrapping[agent_id] = self.runtime.after(wrap_up_s, self.ref, _WrapUpOver(agent_id))

    @handles(_WrapUpOver)
    def _on_wrap_up_over(self, message: _WrapUpOver) -> None:
        agent_id = message.agent_id
        self._wrapping.pop(agent_id, None)
        self._with_caller.discard(agent_id)
        due = self._due.pop(agent_id, None)
        if due is None:
            self._pool.tell(AgentAsked(agent_id, self.runtime.now(), "wrap_up_done"))
        else:
            self._go(due)

    def post_mortem(self, error: BaseException) -> None:  # noqa: ARG002
        """Agents outlive the desk: whoever wrapped up a call is done with it."""
        now = self.runtime.now()
        for agent_id, timer in self._wrapping.items():
            timer.cancel()
            self._pool.tell(AgentAsked(agent_id, now, "wrap_up_done"))

    @handles(BreakDue)
    def _on_break_due(self, due: BreakDue) -> None:
        if due.agent_id not in self._with_caller:
            self._go(due)
            return
        self._due[due.agent_id] = due
        if due.announced:
            self._ask_for_break(due.agent_id)

    def _go(self, due: BreakDue) -> None:
        self._ask_for_break(due.agent_id)
        self._come_back(due.agent_id, due.lasts_s)

    def _ask_for_break(self, agent_id: str) -> None:
        self._pool.tell(AgentAsked(agent_id, self.runtime.now(), "not_ready", "break"))

    def _come_back(self, agent_id: str, after_s: float) -> None:
        at = self._back_at[agent_id] = self.runtime.now() + after_s
        self.runtime.after(after_s, self._pool, AgentAsked(agent_id, at, "ready"))


class SimDesk:
    """The AgentDesk port in front of a Desk. desk: its handle or ref."""

    def __init__(self, habits: Habits, desk: Sink) -> None:
        self.kept_up = habits.kept_up
        self._desk = desk

    def log_in(self, agent_id: str, address: str) -> None:  # noqa: ARG002
        self._desk.tell(_LogIn(agent_id))

    def log_out(self, agent_id: str) -> None:
        self._desk.tell(_LogOut(agent_id))

    def retell(self, agent_ids: Sequence[str]) -> None:
        self._desk.tell(_Retell(tuple(agent_ids)))

    def offer(self, agent_id: str) -> None:
        self._desk.tell(_Offer(agent_id))

    def withdraw(self, agent_id: str) -> None:
        """A simulated phone that is not wanted any more goes quiet by itself."""

    def preview(self, agent_id: str, card: PreviewCard) -> None:
        self._desk.tell(_Preview(agent_id, card.ticket, card.accept_by))

    def ask_disposition(self, agent_id: str, attempt_id: int, choices: Choices) -> None:  # noqa: ARG002
        self._desk.tell(_AskDisposition(agent_id, choices))

    def connect(self, agent_id: str, attempt_id: int) -> None:  # noqa: ARG002
        """A simulated agent hears the caller at once."""
        self._desk.tell(_Connect(agent_id))

    def release(self, agent_id: str, attempt_id: int) -> None:
        self._desk.tell(_Release(agent_id, attempt_id))
