"""A campaign's floor and its look-ahead pacer.

The rule of this module: the floor is kept from what the pool publishes and what the campaign's
calls tell, and from nothing else. A call is on it from the moment its contact is asked for, so
that what is on its way to the trunk counts as in flight; an agent who asked to leave does not
count as coming free.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from math import inf

from actors.agent_messages import AgentsCounted, AgentsMoved
from actors.agent_phases import AgentPhases
from actors.campaign_cells import CampaignCells
from actors.counted_agents import SILENT_S, TELL_EVERY_S
from actors.foretold import ToldLookahead, count
from actors.long_rings import LongRings
from actors.lookahead_memory import DayCounts, LookaheadMemory
from actors.messages import AttemptsReady
from actors.pacers import Inputs, Paced
from actors.score_watch import ScoreWatch
from dialer.compliance.preset import Preset
from dialer.flow.graph import Flow
from dialer.flow.nodes import Lookahead as LookaheadSettings
from dialer.flow.nodes import RouteToAgent
from dialer.outcomes import OUTCOMES
from dialer.pacing.floor import Floor
from dialer.pacing.lookahead import TUNED, Tuning
from dialer.pacing.pacer import CALL_SPAN_S, Decision, Snapshot
from dialer.ports import Recalled, Settlement

DAY_S = 8 * 3600.0
"""The budget is kept over a working day; after it, it stays as tight as at its end."""

_NEW_DAY_AFTER_S = 4 * 3600.0
"""So long without a pulse is a night."""

_PAUSE_S = 60.0
"""So long without a decision is time that the budget does not learn from."""

_ANSWERED = frozenset({"waiting", "served", "left"})
"""Phases of calls that a person answered."""


class _Call:
    """A ticket on the floor.

    phase: flying (nobody knows yet), given_up (we stop ringing), gone (it reached nobody), waiting
    (a person is there), left (without an agent) or served. score: -1 where there is none.
    answer_rates: as expected when it was placed, by score class.
    """

    __slots__ = ("answer_rates", "dialed", "phase", "score", "score_class")

    def __init__(self, dialed: int, score_class: int, answer_rates: tuple[float, ...]) -> None:
        self.dialed = dialed
        self.answer_rates = answer_rates
        self.score_class = score_class
        self.score = -1.0
        self.phase = "flying"


class LookaheadBoard:
    """What a campaign that paces by look-ahead knows, and its decisions: a `Pacer`.

    memory: where what was learned is kept; without it, nowhere. tell_pool: that it dials, so that
    the pool says which agents to count on (True: it waits to hear); without it, on all. calls_ring:
    calls of which it will not hear are in flight, as of a campaign that was made anew.
    """

    hears_calls = True
    is_steady = False

    def __init__(
        self,
        settings: LookaheadSettings,
        flow: Flow,
        preset: Preset,
        cells: CampaignCells,
        now: float,
        memory: LookaheadMemory | None = None,
        tell_pool: Callable[[bool], None] | None = None,
        *,
        calls_ring: bool = False,
    ) -> None:
        law = preset.abandonment
        self._limit = law.target if law is not None else 1.0
        self._threshold_s = law.threshold_s if law is not None else inf
        self._cells = cells
        self._rates = flow.score.classes.rates if flow.score is not None else ()
        self._last_class = max(0, len(self._rates) - 1)
        self._floor = Floor(now, DAY_S, self._last_class + 1)
        self._memory = memory
        # What the law has counted since, and until when that is known from a former self.
        self._day_began = now
        self._known_until = 0.0
        self._rung_out_at = now + CALL_SPAN_S if calls_ring else now
        self._calls: dict[int, _Call] = {}
        self._phases = AgentPhases(self._floor, now)
        self._tell_pool = tell_pool
        self._told_pool_at = -inf
        self._is_counted = tell_pool is None
        self._decided_at = now
        self._ringing = LongRings(preset.least_ring_s)
        self._gives_up = settings.give_up_long_rings
        self._settings, self._flow = settings, flow
        self._pacer = self._cold()
        # Score classes of the contacts that the feeder holds, ascending, and which are wanted.
        self._held: list[int] = []
        self._picks: tuple[bool, ...] = ()
        self._answer_rates: tuple[float, ...] = ()
        self._watch_score(flow)

    def _cold(self) -> ToldLookahead:
        """A pacer that has learned nothing."""
        tuning = _tuning(self._flow)
        return ToldLookahead(self._target(self._settings), tuning=tuning, class_rates=self._rates)

    def _watch_score(self, flow: Flow) -> None:
        self._watch = ScoreWatch(flow.score, self._cells) if flow.score is not None else None

    def _target(self, settings: LookaheadSettings) -> float:
        """The stricter of the campaign's own and the law's."""
        return min(settings.target, self._limit)

    def follow(self, flow: Flow) -> bool:
        """A new version of the flow: what was learned holds on."""
        settings = flow.init.dialing
        if not isinstance(settings, LookaheadSettings):
            return False
        self._settings, self._flow = settings, flow
        self._pacer.aim(self._target(settings), _tuning(flow))
        self._gives_up = settings.give_up_long_rings
        self._held.clear()
        self._watch_score(flow)
        return True

    def pace(self, now: float, seen: Inputs, pulse: bool, seized: bool) -> Paced:  # noqa: ARG002
        """As many contacts as the risk of meeting no agent allows."""
        if self._memory is not None and self._memory.waits:
            return Paced(0.0, 0, (), reason="what was learned before is being read")
        if now < self._rung_out_at:
            return Paced(0.0, 0, (), reason="calls of before the campaign was made anew may ring")
        if self._tell_pool is not None and now - self._told_pool_at >= TELL_EVERY_S:
            # After a silence another may have got the agents that were ours to count on.
            self._is_counted &= now - self._told_pool_at < SILENT_S
            self._told_pool_at = now
            self._tell_pool(not self._is_counted)
        if not self._is_counted:
            return Paced(0.0, 0, (), reason="the pool is asked which agents to count on")
        decision = self.decide(now)
        inputs = tuple(decision.figures.items())
        given_up = self._give_up(decision.cancel, now)
        if given_up:
            inputs += (("given_up", float(len(given_up))),)
        picks = self._picks = decision.picks
        if self._held:
            inputs += (("likeliest_wanted", float(sum(picks))), ("scored_at_hand", len(self._held)))
        dials, reason = decision.dials, decision.reason
        return Paced(dials, dials, inputs, reason=reason, give_up=given_up, picks=picks)

    def decide(self, now: float) -> Decision:
        """How many calls to place now."""
        since_s = now - self._decided_at
        if since_s > _NEW_DAY_AFTER_S:
            self._floor.start_day(now)
            self._day_began = now
            self._pacer.new_day()
        elif since_s > _PAUSE_S:
            self._pass_over(now)
        self._decided_at = now
        if self._memory is not None and self._memory.is_due(now):
            self._keep(now)
        may_cancel = len(self._ringing.long(now)) if self._gives_up else 0
        seen = self._floor.snapshot(now, None, may_cancel=may_cancel, buffered=self._held)
        return self._choose(seen)

    def _choose(self, seen: Snapshot) -> Decision:
        decision = self._pacer.decide(seen)
        if decision.dials:
            self._answer_rates = self._pacer.answer_rates()
        self._cells.expect_abandoned(self._pacer.next_second.abandoned)
        return decision

    def _pass_over(self, now: float) -> None:
        """A debt does not stand longer for a time in which nobody could have paid it."""
        budget = self._pacer.budget
        learned = budget.state()
        if "elapsed_s" in learned:
            budget.restore({**learned, "elapsed_s": now - self._day_began})

    # --- what was learned ---------------------------------------------------------------------

    def _keep(self, now: float) -> None:
        if self._memory is not None:
            floor = self._floor
            counts = floor.dials, floor.answers, floor.abandoned
            self._memory.keep(DayCounts(now, self._day_began, *counts), self._pacer)

    def recalled(self, answer: Recalled, now: float) -> None:
        """What a former self has learned."""
        if self._memory is None:
            return
        document = self._memory.answered(answer)
        if not document:
            return
        pacer = self._cold()
        empty = Floor(now, DAY_S, self._last_class + 1).snapshot(now, None)
        counts = self._memory.restored(document, pacer, empty)
        if counts is None:
            return
        self._pacer = pacer
        floor = self._floor
        since = floor.dials, floor.answers, floor.abandoned
        floor.start_day(counts.began)
        floor.dials = since[0] + counts.dials
        floor.answers = since[1] + counts.answers
        floor.abandoned = since[2] + counts.abandoned
        self._known_until = counts.at
        self._day_began, self._decided_at = counts.began, counts.at

    def _give_up(self, calls: int, now: float) -> tuple[int, ...]:
        """The tickets of calls that are to stop ringing, those that rang longest."""
        tickets = self._ringing.take(now, calls) if calls else ()
        for ticket in tickets:
            call = self._calls[ticket]
            self._floor.cancelled(call.dialed, call.score_class)
            call.phase = "given_up"
        return tickets

    # --- calls --------------------------------------------------------------------------------

    def placed(self, tickets: Sequence[int], now: float) -> None:
        """Contacts are asked for."""
        self._floor.advance(now)
        for ticket, best in zip_longest(tickets, self._picks[: len(tickets)], fillvalue=False):
            score_class = self._taken(best=best)
            dialed = self._floor.dialed(1, score_class)
            self._calls[ticket] = _Call(dialed, score_class, self._answer_rates)
        self._picks = ()

    def _taken(self, *, best: bool) -> int:
        """The class of the contact that the feeder will pick, as far as we know."""
        if not self._held:
            return self._last_class
        return self._held.pop(-1 if best else 0)

    def ready(self, answer: AttemptsReady, now: float) -> None:
        """What the contacts were that it picked, and what it holds now."""
        if self._watch is None:
            return
        self._held = [min(each, self._last_class) for each in answer.classes]
        self._floor.advance(now)
        of_score = self._watch.model.classes.of
        for attempt in answer.attempts:
            call = self._calls.get(attempt.ticket)
            if call is not None and attempt.score >= 0:
                found = min(of_score(attempt.score), self._last_class)
                self._floor.calls.reclass(call.dialed, call.score_class, found)
                call.score, call.score_class = attempt.score, found

    def not_placed(self, ticket: int, now: float) -> None:
        """It came to no call: nobody was due, or no trunk took it."""
        call = self._calls.get(ticket)
        if call is not None and call.phase == "flying":
            del self._calls[ticket]
            self._floor.advance(now)
            self._floor.cancelled(call.dialed, call.score_class)
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
            floor.reached_nobody(call.dialed, call.score_class)
            call.phase = "gone"

    def _answer(self, call: _Call) -> None:
        """A person is there; perhaps one who answered just as we stopped ringing."""
        if call.phase == "given_up":
            self._floor.answers += 1
            self._floor.waiting += 1
        elif call.phase == "flying":
            self._floor.answered(call.dialed, call.score_class)
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
        floor = self._floor
        floor.advance(now)
        call = self._calls.pop(ticket, None)
        if call is None:
            self._settled_elsewhere(call_over, now)
            return
        self._ringing.over(ticket)
        if self._watch is not None and call.score >= 0:
            self._watch.ended(call.score, call_over.outcome)
        if call.phase == "flying":
            floor.reached_nobody(call.dialed, call.score_class)
        elif call.phase == "waiting":
            floor.hung_up_waiting()
        abandoned = call.phase in _ANSWERED and self._count_abandoned(call_over, now)
        if call.answer_rates:
            expected = call.answer_rates[call.score_class]
            count(self._cells, expected, call_over.outcome, abandoned=abandoned)

    def _settled_elsewhere(self, call_over: Settlement, now: float) -> None:
        """A call of a former self of the campaign, or one that no look-ahead placed."""
        if OUTCOMES[call_over.outcome].human:
            self._floor.answers += call_over.answered_at > self._known_until
            self._count_abandoned(call_over, now)

    def _count_abandoned(self, call_over: Settlement, now: float) -> bool:
        """Count an answered call if no agent met it in time; whether none did."""
        waited_s = call_over.bridged_at - call_over.answered_at if call_over.bridged_at else 0.0
        abandoned = call_over.outcome == "abandoned" or waited_s > self._threshold_s
        if abandoned:
            self._floor.abandoned += 1
            self._keep(now)
        return abandoned

    # --- agents -------------------------------------------------------------------------------

    def agents_moved(self, message: AgentsMoved, ticket_of: Callable[[int], int | None]) -> None:
        """Take in the pool's news. ticket_of: the ticket of an attempt of this campaign."""
        self._floor.advance(message.at)
        for move in message.moves:
            if move.to_state == "talking" and move.attempt_id:
                call = self._calls.get(ticket_of(move.attempt_id) or 0)
                if call is not None:
                    self._serve(call)
            self._phases.moved(move, message.at)

    def forget_agents(self) -> None:
        """A new pool will tell of all who are there, and which of them to count on."""
        self._phases.forget()
        self._told_pool_at = -inf

    def counted(self, message: AgentsCounted) -> None:
        """Which agents to count on."""
        self._phases.count_on(message.agent_ids)
        self._is_counted = True


def _tuning(flow: Flow) -> Tuning:
    """For callers as patient as the flow lets them be."""
    waits_s = [n.patience_s for n in flow.definition.nodes if isinstance(n, RouteToAgent)]
    return TUNED.with_patience(min(waits_s, default=TUNED.patience_s))
