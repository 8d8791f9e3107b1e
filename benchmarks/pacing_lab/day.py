"""One day of a dialer, event by event.

The rule of this module: it is a plain heap of events with nothing of the dialer in it but the
pacer and its view of the floor; a pacer decides each second, and a call is placed at that moment.
"""

from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.random import SeedSequence

from benchmarks.pacing_lab.scored_list import ScoredList
from benchmarks.pacing_lab.world import Mix, Variates, World, break_starts, lognormal
from dialer.pacing.floor import Floor
from dialer.pacing.pacer import Pacer, Snapshot
from dialer.pacing.ratios import ConstantRate

PULSE_S = 1.0
_BREAK_S = 1800.0
_LOGIN_SPREAD_S = 900.0


class DayFigures(NamedTuple):
    """What a day came to. decide_ms: mean time of a decision, on this machine."""

    busy_s: float
    logged_s: float
    dials: int
    answers: int
    abandoned: int
    cancelled: int
    waited_s: float
    decide_ms: float

    @property
    def occupancy(self) -> float:
        return self.busy_s / self.logged_s

    @property
    def abandonment(self) -> float:
        return self.abandoned / self.answers if self.answers else 0.0


class _Call:
    __slots__ = ("answered_at", "dialed", "in_flight", "is_person", "score_class")

    def __init__(self, dialed: int, score_class: int = 0) -> None:
        self.dialed = dialed
        self.score_class = score_class
        self.in_flight = True
        self.is_person = True
        self.answered_at = 0.0


class _Agent:
    __slots__ = ("began", "break_at", "logged_since", "phase", "phase_since")

    def __init__(self, break_at: float) -> None:
        self.phase = "out"
        self.began = 0
        self.phase_since = 0.0
        self.logged_since = 0.0
        self.break_at = break_at


class Levers(NamedTuple):
    """What the dialer may do beyond placing calls.

    known_wrap_ups: the end of each wrap-up is known from its start. cancel_after_s: calls that
    rang so long may be given up; 0 means never. score_classes: records are scored, and the best
    or worst of a buffer is dialed; 1 means that all are alike.
    """

    known_wrap_ups: bool = False
    cancel_after_s: float = 0.0
    score_classes: int = 1


NO_LEVERS = Levers()


class Day:
    """Runs one day."""

    def __init__(
        self,
        world: World,
        pacer: Pacer,
        agents: int,
        seed: int,
        hours: float = 8.0,
        *,
        levers: Levers = NO_LEVERS,
    ) -> None:
        self.world, self.pacer, self.size = world, pacer, agents
        self.end_s = hours * 3600
        self.known_wrap_ups = levers.known_wrap_ups
        self._cancel_after_s = levers.cancel_after_s
        self.floor = Floor(0.0, self.end_s, levers.score_classes)
        self.now = 0.0
        self._events: list[tuple[float, int, object, object]] = []
        self._order = count()
        self._free: deque[_Agent] = deque()
        self._callers: deque[_Call] = deque()
        self._ringing: deque[_Call] = deque()
        self._dials = self._cancelled = 0
        self._busy_s = self._logged_s = self._waited_s = 0.0
        self._records = ScoredList(world, levers.score_classes, seed) if world.auc else None
        self._draw(seed)
        starts = break_starts(agents, self._rng) if world.churn else [float("inf")] * agents
        self._agents = [_Agent(at) for at in starts]

    def _draw(self, seed: int) -> None:
        world = self.world
        streams = [np.random.default_rng(s) for s in SeedSequence(seed).spawn(9)]
        self._rng = streams[0]
        self._u_outcome = Variates(streams[1], "random")
        ring_scale = world.ring_mean_s / world.ring_shape
        self._ring = Variates(streams[2], "gamma", world.ring_shape, ring_scale)
        span = (world.machine_from_s, world.machine_to_s)
        self._machine_ring = Variates(streams[3], "uniform", *span)
        # Talks are drawn with mean 1, so that a day with other talks has the same people.
        self._talk = lognormal(streams[4], 1.0, world.talk_cv)
        if world.poisson_answers:
            self._talk = Variates(streams[4], "exponential", 1.0)
        self._wrap_up = lognormal(streams[5], 1.0, world.wrap_up_cv)
        self._u_cpa = Variates(streams[6], "random")
        self._machine_talk = lognormal(streams[7], world.machine_talk_s, world.machine_talk_cv)
        self._chance = streams[8]

    # --- the loop -----------------------------------------------------------------------------

    def run(self) -> DayFigures:
        for agent in self._agents:
            at = self._rng.uniform(0, _LOGIN_SPREAD_S) if self.world.churn else 0.0
            self._at(at, self._log_in, agent)
            if agent.break_at < self.end_s:
                self._at(agent.break_at, self._break_due, agent)
        events, end_s = self._events, self.end_s
        pulse_at, decide_s, pulses = 0.0, 0.0, 0
        while pulse_at < end_s:
            while events and events[0][0] <= pulse_at:
                self.now, _, handler, subject = heappop(events)
                handler(subject)  # type: ignore[operator]
            self.now = pulse_at
            seen = self._snapshot()
            began = perf_counter()
            decision = self.pacer.decide(seen)
            decide_s += perf_counter() - began
            pulses += 1
            if decision.cancel:
                self._cancel(decision.cancel)
            dials = decision.dials
            if isinstance(self.pacer, ConstantRate) and self.world.poisson_answers:
                dials = int(self._chance.poisson(self.pacer.calls_per_second * PULSE_S))
            if dials:
                self._dial(dials, decision.picks)
            pulse_at += PULSE_S
        self.now = end_s
        for agent in self._agents:
            self._leave_phase(agent)
            if agent.phase != "out":
                self._logged_s += end_s - agent.logged_since
        floor = self.floor
        return DayFigures(
            self._busy_s,
            self._logged_s,
            self._dials,
            floor.answers,
            floor.abandoned,
            self._cancelled,
            self._waited_s,
            decide_s / max(1, pulses) * 1000,
        )

    def _at(self, time: float, handler: object, subject: object) -> None:
        heappush(self._events, (time, next(self._order), handler, subject))

    def _snapshot(self) -> Snapshot:
        may_cancel = 0
        buffered: Sequence[int] = ()
        if self._cancel_after_s:
            # All have the same post-dial delay, so age from the dial tells who rang how long.
            age_s = int(self.world.post_dial_delay_s + self._cancel_after_s)
            may_cancel = int(self.floor.calls.present[:, age_s:].sum())
        if self._records is not None:
            buffered = self._records.classes()
        return self.floor.snapshot(self.now, self._room(), may_cancel=may_cancel, buffered=buffered)

    def _room(self) -> int | None:
        per_agent = self.world.lines_per_agent
        if not per_agent:
            return None
        floor = self.floor
        used = floor.calls.size + floor.closing + floor.waiting + floor.talks.size
        return int(per_agent * self.size + 1e-9) - used

    # --- calls --------------------------------------------------------------------------------

    def _mix(self) -> Mix:
        mixes = self.world.mixes
        return mixes[0] if len(mixes) == 1 else [m for m in mixes if m.from_s <= self.now][-1]

    def _dial(self, dials: int, picks: tuple[bool, ...]) -> None:
        world, mix, now = self.world, self._mix(), self.now
        for i in range(dials):
            live = world.live_share(mix, self._dials, self.size)
            u, score_class = self._u_outcome(), 0
            if self._records is not None:
                score_class, live = self._records.take(best=picks[i])
            call = _Call(self.floor.dialed(1, score_class), score_class)
            if self._cancel_after_s:
                self._ringing.append(call)
            self._dials += 1
            if u < live:
                self._call_person(call)
                continue
            # Whoever is no live answer has one of the other outcomes, in their proportions.
            rest = (u - live) / (1 - live) * (1 - mix.live)
            if rest < mix.machine:
                answer_s = world.post_dial_delay_s + self._machine_ring()
                self._at(now + answer_s + world.cpa_delay_s, self._on_machine, call)
            elif rest < mix.machine + mix.no_answer:
                end_s = world.post_dial_delay_s + world.no_answer_after_s
                self._at(now + end_s, self._on_nobody, call)
            else:
                self._at(now + world.busy_after_s, self._on_nobody, call)

    def _call_person(self, call: _Call) -> None:
        world = self.world
        if world.poisson_answers:
            # As many as Poisson's law gives, each at any time of the next second.
            self._at(self.now + PULSE_S * self._u_cpa(), self._on_person, call)
            return
        ring_s = self._ring()
        if ring_s > world.no_answer_after_s:
            end_s = world.post_dial_delay_s + world.no_answer_after_s
            self._at(self.now + end_s, self._on_nobody, call)
            return
        answer_s = world.post_dial_delay_s + ring_s
        call.answered_at = self.now + answer_s
        missed = world.human_as_machine and self._u_cpa() < world.human_as_machine
        handler = self._on_nobody if missed else self._on_person
        self._at(self.now + answer_s + world.cpa_delay_s, handler, call)

    def _on_nobody(self, call: _Call) -> None:
        if call.in_flight:
            call.in_flight = False
            self.floor.reached_nobody(call.dialed, call.score_class)

    def _on_machine(self, call: _Call) -> None:
        world = self.world
        if not call.in_flight:
            return
        if world.machine_as_human and self._u_cpa() < world.machine_as_human:
            call.is_person = False
            self._on_person(call)
            return
        self._on_nobody(call)
        self.floor.closing += 1
        left_s = max(0.0, world.machine_dropped_s - world.cpa_delay_s)
        self._at(self.now + left_s, self._on_dropped, call)

    def _on_dropped(self, _: _Call) -> None:
        self.floor.closing -= 1

    def _on_person(self, call: _Call) -> None:
        if not call.in_flight:
            return
        call.in_flight = False
        call.answered_at = self.now
        self.floor.answered(call.dialed, call.score_class)
        if self._free:
            self._connect(self._free.popleft(), call)
        else:
            self._callers.append(call)
            patience_s = self.world.patience_s - self.world.cpa_delay_s
            self._at(self.now + patience_s, self._on_impatient, call)

    def _on_impatient(self, call: _Call) -> None:
        # Callers leave in the order in which they came, so one who is still here is the first.
        if self._callers and self._callers[0] is call:
            self._callers.popleft()
            self.floor.gave_up_waiting()

    def _cancel(self, calls: int) -> None:
        ringing = self._ringing
        while calls and ringing:
            call = ringing.popleft()
            if call.in_flight:
                call.in_flight = False
                self.floor.cancelled(call.dialed, call.score_class)
                self._cancelled += 1
                calls -= 1

    # --- agents -------------------------------------------------------------------------------

    def _log_in(self, agent: _Agent) -> None:
        agent.phase, agent.logged_since = "ready", self.now
        self.floor.ready += 1
        self._is_free(agent)

    def _is_free(self, agent: _Agent) -> None:
        if self._callers:
            self._connect(agent, self._callers.popleft())
        else:
            self._free.append(agent)

    def _connect(self, agent: _Agent, call: _Call) -> None:
        self._waited_s += self.now - call.answered_at
        agent.phase, agent.phase_since = "talking", self.now
        agent.began = self.floor.connected()
        if call.is_person:
            talk_s = self._mix().talk_s * self._talk()
            wrap_up_s = self.world.wrap_up_s * self._wrap_up()
        else:
            talk_s, wrap_up_s = self._machine_talk(), self.world.machine_wrap_up_s
        self._at(self.now + talk_s, self._on_talk_end, (agent, wrap_up_s))

    def _on_talk_end(self, subject: tuple[_Agent, float]) -> None:
        agent, wrap_up_s = subject
        self._leave_phase(agent)
        agent.phase, agent.phase_since = "wrap_up", self.now
        if self.known_wrap_ups:
            self.floor.talk_ended_with_known_wrap_up(self.now, agent.began, agent, wrap_up_s)
        else:
            agent.began = self.floor.talk_ended(agent.began)
        self._at(self.now + wrap_up_s, self._on_wrap_up_end, agent)

    def _on_wrap_up_end(self, agent: _Agent) -> None:
        self._leave_phase(agent)
        stays = agent.break_at > self.now
        if self.known_wrap_ups:
            self.floor.known_wrap_up_ended(agent, stays=stays)
        else:
            self.floor.wrap_up_ended(agent.began, stays=stays)
        agent.phase = "ready"
        if stays:
            self._is_free(agent)
        else:
            self._go_on_break(agent)

    def _leave_phase(self, agent: _Agent) -> None:
        if agent.phase in {"talking", "wrap_up"}:
            self._busy_s += self.now - agent.phase_since

    def _break_due(self, agent: _Agent) -> None:
        if agent.phase == "ready":
            self._free.remove(agent)
            self.floor.ready -= 1
            self._go_on_break(agent)

    def _go_on_break(self, agent: _Agent) -> None:
        agent.phase, agent.break_at = "out", float("inf")
        self._logged_s += self.now - agent.logged_since
        self._at(self.now + _BREAK_S, self._log_in, agent)
