"""How agents work: when they log in and leave, their breaks, and offers that they miss.

The rule of this module: only what most agents do on most days is taken for a habit; the rest is
told as a note and not written into the scenario.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from sim.fit.calendar import Clock, Workdays
from sim.fit.durations import FEWEST, candidates, chosen
from sim.fit.records import AgentEvent
from sim.fit.samples import Sample, rounded

_SAME_SHIFT_S = 45 * 60
_SAME_BREAK_S = 45 * 60
_EARLY_S = 15 * 60
_GRID_S = 300
_HABIT = 0.5


class Pause(NamedTuple):
    """A break as seen. asked_s: since the day's start, when it was due.

    after: what the agent was in the middle of: a call that they said it in, the wrap-up of one
    ("wrap_up"), or nothing ("").
    """

    agent_day: tuple[str, int]
    asked_s: float
    lasts_s: float
    after: str


class StaffFit(NamedTuple):
    """What a scenario says of agents, which of it was seen, and what else was noticed."""

    written: dict[str, Any]
    fitted: tuple[str, ...]
    notes: tuple[str, ...]


def staff_of(
    events: Sequence[AgentEvent], clock: Clock, days: Workdays, wrap_up_mean_s: float
) -> StaffFit:
    """Habits of the agents whose events were recorded."""
    if not events:
        return StaffFit({}, (), ("agents' states were not recorded",))
    written: dict[str, Any] = {}
    notes: list[str] = []
    fitted = ["agents.log_in_s"]
    log_ins, log_outs, pauses, offers = _days_of(events, clock, days, wrap_up_mean_s)
    shifts, late = _shifts(log_ins, log_outs, days)
    written["log_in_s"] = law_of(late)
    if shifts:
        written["shifts"] = shifts
        fitted.append("agents.shifts")
    present = len(log_ins)
    breaks = []
    for group in _groups(pauses, lambda pause: pause.asked_s, _SAME_BREAK_S):
        taken = len({pause.agent_day for pause in group})
        if taken >= _HABIT * present:
            breaks.append(_break(group))
        else:
            at = days.starts_s + group[0].asked_s
            notes.append(f"{taken} breaks of {present} agent-days about {_clock(at)}: no habit")
    if breaks:
        written["breaks"] = breaks
        fitted.append("agents.breaks")
    accepted, missed = offers
    if accepted + missed >= FEWEST:
        written["kept_up"] = False  # or nobody would have been rung
        written["rona"] = rounded(missed / (accepted + missed))
        fitted += ["agents.kept_up", "agents.rona"]
    return StaffFit(written, tuple(fitted), tuple(notes))


def law_of(values: Sequence[float]) -> Any:
    """Seconds as a scenario writes them: a number where most agree, else the best law.

    Times of agents have points of their own (the same minute every day), so what is not smooth is
    written as it was seen.
    """
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    if high - low <= max(1.0, _AGREE * middle):
        return rounded(float(middle)) if middle > 1 else 0.0
    seen = Counter(round(value) for value in values)
    if len(values) >= FEWEST and seen.most_common(1)[0][1] < _POINT * len(values):
        return chosen(candidates(Sample.of(values))).written
    ordered = sorted(seen)
    return {
        "distribution": "empirical",
        "values": [float(value) for value in ordered],
        "weights": [float(seen[value]) for value in ordered],
    }


_AGREE = 0.05
_POINT = 0.1


def _days_of(
    events: Iterable[AgentEvent], clock: Clock, days: Workdays, wrap_up_mean_s: float
) -> tuple[dict[Any, float], dict[Any, float], list[Pause], tuple[int, int]]:
    log_ins: dict[tuple[str, int], float] = {}
    log_outs: dict[tuple[str, int], float] = {}
    pauses: list[Pause] = []
    asked: dict[str, tuple[float, str]] = {}
    away: dict[str, tuple[float, float, str]] = {}
    accepted = missed = 0
    for agent, at, before, after in events:
        since_s = clock.second_of_day(at) - days.starts_s
        agent_day = agent, clock.day(at)
        if before == "logged_out":
            log_ins.setdefault(agent_day, max(0.0, since_s))
            log_outs.pop(agent_day, None)
            away.pop(agent, None)
            asked.pop(agent, None)
        elif after == "logged_out":
            log_outs[agent_day] = since_s
            away.pop(agent, None)
        if after == "pending_not_ready":
            # From itself to itself: a caller came after all.
            met = before in (after, "talking", "hold")
            asked[agent] = asked.get(agent, (since_s, ""))[0], "call" if met else ""
        elif after == "not_ready" and before == "ringing":
            missed += 1
        elif after == "not_ready" and before != "logged_out":
            due_s, busy = asked.pop(agent, (since_s, "wrap_up" if before == "wrap_up" else ""))
            away[agent] = (due_s, since_s, busy)
        elif before == "not_ready" and agent in away:
            due_s, gone_s, busy = away.pop(agent)
            # After a call that they asked in, the agent still wraps up, out of the pool's sight.
            lasts_s = since_s - gone_s - (wrap_up_mean_s if busy == "call" else 0.0)
            if lasts_s > 0:
                pauses.append(Pause(agent_day, due_s, lasts_s, busy))
        accepted += before == "ringing" and after == "reserved"
    return log_ins, log_outs, pauses, (accepted, missed)


def _shifts(
    log_ins: dict[Any, float], log_outs: dict[Any, float], days: Workdays
) -> tuple[list[dict[str, Any]], list[float]]:
    """Shifts where there are several or people leave early, and how late each log-in was."""
    shifts: list[dict[str, Any]] = []
    late: list[float] = []
    found = list(_groups(log_ins.items(), lambda item: item[1], _SAME_SHIFT_S))
    for group in found:
        # The first of many is nearly on time.
        from_s = group[0][1] // _GRID_S * _GRID_S
        late += [at_s - from_s for _, at_s in group]
        shift: dict[str, Any] = {"share": len(group) / len(log_ins)}
        if from_s:
            shift["from_s"] = from_s
        left = [log_outs[key] for key, _ in group if key in log_outs]
        early = [at_s for at_s in left if at_s < days.hours * 3600 - _EARLY_S]
        if len(early) > len(group) * _HABIT:
            shift["until_s"] = round(median(early) / _GRID_S) * _GRID_S
        shifts.append(shift)
    for shift in shifts:
        shift["share"] = rounded(shift["share"])
    if shifts:
        shifts[-1]["share"] = rounded(1 - sum(shift["share"] for shift in shifts[:-1]))
    told = len(shifts) > 1 or any("until_s" in shift for shift in shifts)
    return (shifts if told else []), late


def _break(group: Sequence[Pause]) -> dict[str, Any]:
    asked = [pause.asked_s for pause in group]
    at_s = max(0.0, min(asked) // 60 * 60)
    spread = law_of([value - at_s for value in asked])
    said = Counter(pause.after for pause in group)
    written = {
        "at_s": at_s,
        "lasts_s": law_of([pause.lasts_s for pause in group]),
        "announced": said["call"] > said["wrap_up"],
    }
    return written | ({"spread_s": spread} if spread else {})


def _groups(items: Iterable[Any], at: Any, apart_s: float) -> Iterable[list[Any]]:
    """Items by time, parted where nothing happens for apart_s."""
    ordered = sorted(items, key=at)
    if not ordered:
        return
    gaps = np.diff([at(item) for item in ordered])
    start = 0
    for place in [*(np.flatnonzero(gaps > apart_s) + 1).tolist(), len(ordered)]:
        yield ordered[start:place]
        start = place


def _clock(second: float) -> str:
    return f"{int(second // 3600):02d}:{int(second % 3600 // 60):02d}"
