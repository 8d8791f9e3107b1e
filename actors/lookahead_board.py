"""A campaign's floor and its look-ahead pacer.

The rule of this module: the floor is kept from what the pool publishes and what the campaign's
calls tell, and from nothing else. A call is on it from the moment its contact is asked for, so
that what is on its way to the trunk counts as in flight; an agent who asked to leave does not
count as coming free.
"""

from collections.abc import Callable, Sequence
from math import inf

from actors.long_rings import LongRings
from actors.messages import AgentsMoved
from actors.pacers import Inputs, Paced
from dialer.compliance.preset import Preset
from dialer.flow.graph import Flow
from dialer.flow.nodes import Lookahead as LookaheadSettings
from dialer.flow.nodes import RouteToAgent
from dialer.pacing.floor import Floor
from dialer.pacing.lookahead import TUNED, Lookahead, Tuning
from dialer.pacing.pacer import ENDED, Decision
from dialer.ports import Settlement

DAY_S = 8 * 3600.0
"""The budget is kept over a working day; after it, it stays as tight as at its end."""

_NEW_DAY_AFTER_S = 4 * 3600.0
"""So long without a pulse is a night."""

_READY, _TALKING, _WRAPPING = "ready", "talking", "wrapping"
_PHASES = {"ready": _READY, "talking": _TALKING, "hold": _TALKING, "wrap_up": _WRAPPING}
_DONE = {(_TALKING, _WRAPPING), (_TALKING, _READY), (_WRAPPING, _READY)}
"""Steps by which a phase is over; all others only take an agent out of sight."""

_ANSWERED = frozenset({"waiting", "served", "left"})
"""Phases of calls that a person answered."""


class _Call:
    """A ticket on the floor.

    phase: flying (nobody knows yet), given_up (we stop ringing), gone (it reached nobody), waiting
    (a person is there), left (without an agent) or served.
    """

    __slots__ = ("dialed", "phase")

    def __init__(self, dialed: int) -> None:
        self.dialed = dialed
        self.phase = "flying"


class LookaheadBoard:
    """What a campaign that paces by look-ahead knows, and its decisions: a `Pacer`."""

    hears_calls = True

    def __init__(self, settings: LookaheadSettings, flow: Flow, preset: Preset, now: float) -> None:
        law = preset.abandonment
        self._limit = law.target if law is not None else 1.0
        self._threshold_s = law.threshold_s if law is not None else inf
        self._floor = Floor(now, DAY_S)
        self._calls: dict[int, _Call] = {}
        self._agents: dict[str, tuple[str, int]] = {}
        self._decided_at = now
        self._ringing = LongRings(preset.least_ring_s)
        self._gives_up = settings.give_up_long_rings
        self._pacer = Lookahead(self._target(settings), tuning=_tuning(flow))

    def _target(self, settings: LookaheadSettings) -> float:
        """The stricter of the campaign's own and the law's."""
        return min(settings.target, self._limit)

    def follow(self, flow: Flow) -> bool:
        """A new version of the flow: what was learned holds on."""
        settings = flow.init.dialing
        if not isinstance(settings, LookaheadSettings):
            return False
        self._pacer.aim(self._target(settings), _tuning(flow))
        self._gives_up = settings.give_up_long_rings
        return True

    def pace(self, now: float, seen: Inputs, *, pulse: bool, seized: bool) -> Paced:  # noqa: ARG002
        """As many contacts as the risk of meeting no agent allows."""
        decision = self.decide(now)
        inputs = tuple(decision.figures.items())
        given_up = self._give_up(decision.cancel, now)
        if given_up:
            inputs += (("given_up", float(len(given_up))),)
        dials, reason = decision.dials, decision.reason
        return Paced(dials, dials, inputs, reason=reason, give_up=given_up)

    def decide(self, now: float) -> Decision:
        """How many calls to place now."""
        if now - self._decided_at > _NEW_DAY_AFTER_S:
            self._floor.start_day(now)
            self._pacer.new_day()
        self._decided_at = now
        may_cancel = len(self._ringing.long(now)) if self._gives_up else 0
        return self._pacer.decide(self._floor.snapshot(now, None, may_cancel=may_cancel))

    def _give_up(self, calls: int, now: float) -> tuple[int, ...]:
        """The tickets of calls that are to stop ringing, those that rang longest."""
        tickets = self._ringing.take(now, calls) if calls else ()
        for ticket in tickets:
            call = self._calls[ticket]
            self._floor.cancelled(call.dialed)
            call.phase = "given_up"
        return tickets

    # --- calls --------------------------------------------------------------------------------

    def placed(self, tickets: Sequence[int], now: float) -> None:
        """Contacts are asked for."""
        self._floor.advance(now)
        dialed = self._floor.dialed(len(tickets))
        for ticket in tickets:
            self._calls[ticket] = _Call(dialed)

    def not_placed(self, ticket: int, now: float) -> None:
        """It came to no call: nobody was due, or no trunk took it."""
        call = self._calls.get(ticket)
        if call is not None and call.phase == "flying":
            del self._calls[ticket]
            self._floor.advance(now)
            self._floor.cancelled(call.dialed)
            self._floor.dials -= 1

    def moved(self, ticket: int, state: str, at: float) -> None:
        """A call is in another state of its table."""
        call = self._calls.get(ticket)
        if call is None:
            return
        floor = self._floor
        floor.advance(at)
        if state == "ringing":
            self._ringing.ring(ticket, at)
            return
        self._ringing.over(ticket)
        if state == "waiting":
            self._answer(call)
        elif state == "bridged":
            self._serve(call)
        elif state in {"closing", "ended"} and call.phase == "waiting":
            floor.hung_up_waiting()
            call.phase = "left"
        elif state in {"closing", "ended"} and call.phase == "flying":
            floor.reached_nobody(call.dialed)
            call.phase = "gone"

    def _answer(self, call: _Call) -> None:
        """A person is there; perhaps one who answered just as we stopped ringing."""
        if call.phase == "given_up":
            self._floor.answers += 1
            self._floor.waiting += 1
        elif call.phase == "flying":
            self._floor.answered(call.dialed)
        else:
            return
        call.phase = "waiting"

    def _serve(self, call: _Call) -> None:
        """An agent has the caller. Pool and call both tell it, in any order."""
        self._answer(call)
        if call.phase == "waiting":
            self._floor.served()
            call.phase = "served"

    def settled(self, ticket: int, call_over: Settlement, now: float) -> None:
        """The last word on a call."""
        call = self._calls.pop(ticket, None)
        if call is None:
            return
        floor = self._floor
        floor.advance(now)
        self._ringing.over(ticket)
        if call.phase == "flying":
            floor.reached_nobody(call.dialed)
        elif call.phase == "waiting":
            floor.hung_up_waiting()
        waited_s = call_over.bridged_at - call_over.answered_at if call_over.bridged_at else 0.0
        late = waited_s > self._threshold_s
        if call.phase in _ANSWERED and (call_over.outcome == "abandoned" or late):
            floor.abandoned += 1

    # --- agents -------------------------------------------------------------------------------

    def agents_moved(self, message: AgentsMoved, ticket_of: Callable[[int], int | None]) -> None:
        """Take in the pool's news. ticket_of: the ticket of an attempt of this campaign."""
        self._floor.advance(message.at)
        for move in message.moves:
            if move.to_state == "talking" and move.attempt_id:
                call = self._calls.get(ticket_of(move.attempt_id) or 0)
                if call is not None:
                    self._serve(call)
            phase, began = self._agents.pop(move.agent_id, ("", 0))
            after = _PHASES.get(move.to_state, "")
            if after == phase:
                if phase:
                    self._agents[move.agent_id] = phase, began
                continue
            self._leave(phase, began, ENDED if (phase, after) in _DONE else "")
            if after:
                self._agents[move.agent_id] = after, self._enter(after)

    def forget_agents(self) -> None:
        """A new pool will tell of all who are there."""
        for phase, began in self._agents.values():
            self._leave(phase, began, "")
        self._agents.clear()

    def _leave(self, phase: str, began: int, event: str) -> None:
        if phase == _READY:
            self._floor.ready -= 1
        elif phase == _TALKING:
            self._floor.talks.leave(began, event)
        elif phase == _WRAPPING:
            self._floor.wrap_ups.leave(began, event)

    def _enter(self, phase: str) -> int:
        if phase == _TALKING:
            return self._floor.talks.enter()
        if phase == _WRAPPING:
            return self._floor.wrap_ups.enter()
        self._floor.ready += 1
        return 0


def _tuning(flow: Flow) -> Tuning:
    """For callers as patient as the flow lets them be."""
    waits_s = [n.patience_s for n in flow.definition.nodes if isinstance(n, RouteToAgent)]
    return TUNED.with_patience(min(waits_s, default=TUNED.patience_s))
