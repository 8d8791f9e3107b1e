"""When a scenario's agents are there.

The rule of this module: an agent's day is looked up by the agent's number, so that it is the same
day under every pacer. Wrap-up goes with the call (`sim.customers`), for the same reason.
"""

from bisect import bisect_right
from itertools import accumulate
from math import inf

from dialer.ports import Choices
from sim.fates import AgentDay, PlannedBreak, PreviewAnswer, SaidOfCall, chosen
from sim.scenario import Scenario
from sim.variates import Seed, keyed, uniforms


class Workforce:
    """The agents of a scenario for one seed, numbered from 0 to agents - 1."""

    def __init__(self, scenario: Scenario, seed: Seed, agents: int) -> None:
        self._given = scenario.agents
        self._agents = agents
        self._start = scenario.start_at
        self._shift_ends = tuple(accumulate(shift.share for shift in self._given.shifts))
        self._log_in = keyed(seed, "log_in", self._given.log_in_s.law.draw)
        self._answer = keyed(seed, "agent_answer", self._given.answer_s.law.draw)
        self._rona = keyed(seed, "rona", uniforms)
        self._look = keyed(seed, "preview_s", self._given.preview_s.law.draw)
        self._verdict = keyed(seed, "preview", uniforms)
        self._said = keyed(seed, "dispositions", uniforms)
        self._callback = keyed(seed, "callback_after_s", self._given.callback_after_s.law.draw)
        self._personal = keyed(seed, "callback_personal", uniforms)
        self._breaks = tuple(
            (
                rest,
                keyed(seed, f"break {place} starts", rest.spread_s.law.draw),
                keyed(seed, f"break {place} lasts", rest.lasts_s.law.draw),
            )
            for place, rest in enumerate(self._given.breaks)
        )

    def day(self, agent: int) -> AgentDay:
        """The day of agent number `agent`."""
        from_s, until_s = 0.0, inf
        if self._shift_ends:
            # Shifts are dealt by number, not by chance: half of the agents is half of them.
            part = (agent + 0.5) / self._agents
            place = min(bisect_right(self._shift_ends, part), len(self._shift_ends) - 1)
            shift = self._given.shifts[place]
            from_s, until_s = shift.from_s, inf if shift.until_s is None else shift.until_s
        breaks = []
        for rest, starts, lasts in self._breaks:
            at_s = rest.at_s + rest.stagger_s * (agent % rest.groups) + starts(agent)
            breaks.append(PlannedBreak(self._start + at_s, lasts(agent), rest.announced))
        log_in_at = self._start + from_s + self._log_in(agent)
        return AgentDay(log_in_at, self._start + until_s, tuple(sorted(breaks)))

    def misses(self, offer: int) -> bool:
        """Whether offer number `offer` of the day is one that nobody answers."""
        return self._given.rona > 0 and self._rona(offer) < self._given.rona

    def answer_s(self, offer: int) -> float:
        """How long the phone rings before offer number `offer` is answered or given up."""
        return self._answer(offer)

    def preview(self, number: int) -> PreviewAnswer:
        """What comes of preview number `number` of the day."""
        draw, given = self._verdict(number), self._given
        if draw < given.preview_skip:
            return PreviewAnswer("skipped", self._look(number))
        if draw < given.preview_skip + given.preview_timeout:
            return PreviewAnswer("timed_out", 0.0)
        return PreviewAnswer("accepted", self._look(number))

    def says(self, number: int, choices: Choices) -> SaidOfCall:
        """What an agent says of call number `number` that they are asked about."""
        given = self._given
        name, means = chosen(choices, given.dispositions, self._said(number))
        if means != "call_back":
            return SaidOfCall(name)
        personal = self._personal(number) < given.callback_personal
        return SaidOfCall(name, self._callback(number), personal)
