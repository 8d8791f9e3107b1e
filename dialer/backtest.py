"""A formula tried on recorded series, beside the pacing that ran.

The rule of this module: it compares at the moments as they were and says so. Had the candidate
dialed, other moments would have followed; what a day would come to, the simulator tells.

At each moment two numbers of calls in flight stand side by side: what the pacing that ran strived
for (`dialer_pacing_target_calls`) and what the candidate would have. Each is judged by the agents
who were free then, a, and the hit rate of the fifteen minutes before, p: if n calls in flight were
all decided now, B ~ binomial(n, p) people answer, of whom (B - a)+ find nobody and (a - B)+ agents
stay idle. Expected abandonment is the sum of the first over the sum of n p.
"""

from collections.abc import Iterator, Sequence
from math import floor
from typing import NamedTuple

from dialer.errors import InputError
from dialer.promql import Formula, SeriesStore, compile_formula
from dialer.promql import labels as label_sets
from dialer.promql.labels import NAME

_ANSWERED = 'result=~"customer_answered|abandoned"'
_WINDOW = "[15m]"
_BRIDGED = 'sum by (campaign) (dialer_calls_in_progress{state="bridged"})'
_ENDED = f"sum by (campaign) (increase(dialer_call_results_total{_WINDOW}))"
_PEOPLE = f"sum by (campaign) (increase(dialer_call_results_total{{{_ANSWERED}}}{_WINDOW}))"

INPUTS = {
    "free": 'sum by (campaign) (dialer_agents{state=~"ready|reserved"})',
    "reserved": 'sum by (campaign) (dialer_agents{state="reserved"})',
    "bridged": _BRIDGED,
    "target": "sum by (campaign) (dialer_pacing_target_calls)",
    "hit_rate": f"({_PEOPLE} + {_BRIDGED}) / ({_ENDED} + {_BRIDGED})",
    "attempts": "sum by (campaign) (dialer_call_attempts_total)",
}
"""What is read of the recorded series beside what the candidate reads."""


class Moment(NamedTuple):
    """One moment. at: epoch seconds. live, candidate: calls in flight that are strived for.

    value: of the candidate, None where it gave none, as `result` says; it is progressive then.
    """

    at: float
    free: float
    hit_rate: float
    live: float
    candidate: float
    value: float | None
    result: str


class Judged(NamedTuple):
    """What one of the two comes to: calls strived for, dials, and agents idle on average, and the
    share of people who would find no agent."""

    calls: float
    dials: float
    idle_agents: float
    abandonment: float


class Backtest(NamedTuple):
    """All of it. agents_idle: free agents as recorded. results: of the candidate, how often."""

    moments: tuple[Moment, ...]
    live: Judged
    candidate: Judged
    agents_idle: float
    results: dict[str, int]


def campaigns_of(store: SeriesStore) -> list[str]:
    """Campaigns of which pacing is recorded."""
    found = {
        label_sets.get(series.labels, "campaign")
        for series in store
        if label_sets.get(series.labels, NAME) == "dialer_pacing_target_calls"
    }
    return sorted(found)


def backtest(
    store: SeriesStore, formula: Formula, campaign: str, *, per: str, every_s: float = 10.0
) -> Backtest:
    """Try a formula on the series of a campaign.

    per: "reserved_agent" or "absolute", as of a predictive Init node. every_s: between moments.

    Raises:
        InputError: there is nothing recorded of that campaign.
    """
    moments = tuple(_moments(store, formula, campaign, per, every_s))
    if not moments:
        there = ", ".join(campaigns_of(store)) or "none"
        what = f"no pacing of campaign {campaign!r} is recorded"
        raise InputError("backtest", what, f"recorded are: {there}")
    dialed = _dialed(store, campaign, moments)
    live = _judged([(m.live, m) for m in moments], 1.0, dialed)
    share = sum(m.candidate for m in moments) / (sum(m.live for m in moments) or 1.0)
    candidate = _judged([(m.candidate, m) for m in moments], share, dialed)
    results: dict[str, int] = {}
    for moment in moments:
        results[moment.result] = results.get(moment.result, 0) + 1
    idle = sum(m.free for m in moments) / len(moments)
    return Backtest(moments, live, candidate, idle, results)


def _moments(
    store: SeriesStore, formula: Formula, campaign: str, per: str, every_s: float
) -> Iterator[Moment]:
    stamps = [
        series.stamps_ms
        for series in store.select(compile_formula("dialer_pacing_target_calls").reads.selectors[0])
        if label_sets.get(series.labels, "campaign") == campaign and series.stamps_ms
    ]
    if not stamps:
        return
    read = {name: compile_formula(text) for name, text in INPUTS.items()}
    at = min(each[0] for each in stamps) / 1000
    end = max(each[-1] for each in stamps) / 1000
    while at <= end:
        seen = {n: f.number(store, at, campaign).value for n, f in read.items()}
        at_s, at = at, at + every_s
        target, free, hit_rate = seen["target"], seen["free"], seen["hit_rate"]
        if target is None or free is None:
            continue
        number = formula.number(store, at_s, campaign)
        reserved = seen["reserved"] or 0.0
        if number.value is None:
            wanted = reserved if per == "reserved_agent" else free
        elif per == "reserved_agent":
            wanted = number.value * reserved
        else:
            wanted = number.value - (seen["bridged"] or 0.0)
        yield Moment(
            at_s, free, hit_rate or 0.0, target, max(0.0, wanted), number.value, number.result
        )


def _dialed(store: SeriesStore, campaign: str, moments: Sequence[Moment]) -> float:
    attempts = compile_formula(INPUTS["attempts"])
    first, last = (attempts.number(store, m.at, campaign).value for m in (moments[0], moments[-1]))
    return (last or 0.0) - (first or 0.0)


def _judged(calls: Sequence[tuple[float, Moment]], share: float, dialed: float) -> Judged:
    lost = idle = people = 0.0
    for wanted, moment in calls:
        without, resting = outcome_of(wanted, moment.hit_rate, moment.free)
        lost += without
        idle += resting
        people += wanted * moment.hit_rate
    count = len(calls)
    mean = sum(wanted for wanted, _ in calls) / count
    return Judged(mean, dialed * share, idle / count, lost / people if people else 0.0)


def outcome_of(calls: float, hit_rate: float, free: float) -> tuple[float, float]:
    """People who find no agent and agents who find nobody, both expected.

    calls: in flight; a fraction is a mixture of the two whole numbers beside it. hit_rate: chance
    that one is answered by a person. free: agents.
    """
    whole = floor(calls)
    part = calls - whole
    agents = floor(free)
    lower, upper = _missed(whole, hit_rate, agents), _missed(whole + 1, hit_rate, agents)
    lost = lower + part * (upper - lower)
    return lost, agents - (calls * hit_rate - lost)


def _missed(calls: int, hit_rate: float, agents: int) -> float:
    """E (B - agents)+ of B ~ binomial(calls, hit_rate), by its distribution function: the sum over
    k >= agents of P(B > k)."""
    if calls <= agents or hit_rate <= 0:
        return 0.0
    if hit_rate >= 1:
        return float(calls - agents)
    odds = hit_rate / (1 - hit_rate)
    chance = (1 - hit_rate) ** calls
    served = 0.0
    below = 0.0
    for people in range(agents + 1):
        below += chance
        served += people * chance
        chance *= odds * (calls - people) / (people + 1)
    # E B = E min(B, agents) + E (B - agents)+
    return max(0.0, calls * hit_rate - served - agents * (1.0 - below))
