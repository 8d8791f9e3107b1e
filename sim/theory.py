"""What is known exactly about queues, to hold the simulator against.

The rule of this module: closed forms and convergent sums only, each with its source, stable from
one agent to thousands; nothing here has seen the simulator. Rates are per second, times seconds.

Sources: Erlang 1917 (B, C); Palm 1957 and Garnett, Mandelbaum and Reiman, MSOM 4(3) 2002 (A);
Sevastyanov 1957 (insensitivity of B); Baccelli and Hebuterne, Performance '81 (M/M/n + G);
Little, Operations Research 9(3) 1961; Ross, Stochastic Processes, chapter 3 (renewal reward).
"""

from collections.abc import Callable
from math import exp, expm1, inf, isinf, log
from typing import NamedTuple

from sim.laws import Law
from sim.scenario import Scenario
from sim.traits import OUTCOMES

_OVERLOAD = "so high a load that nearly all leave; there is no figure to compare"


class Queue(NamedTuple):
    """A queue in its steady state.

    occupancy: share of the agents' time that is spent serving.
    waits: share of callers who find no agent free. abandons: share of callers who leave unserved.
    mean_wait_s: of all callers, those who leave included. mean_waiting: callers in line.
    """

    occupancy: float
    waits: float
    abandons: float
    mean_wait_s: float
    mean_waiting: float


def erlang_b(agents: int, load: float) -> float:
    """Share of callers lost where nobody waits: M/G/n/n, whatever the service times' law.

    load: arrival rate times mean service time, in Erlangs.
    """
    if load <= 0:
        return 0.0 if agents else 1.0
    # 1/B grows by a stable recursion, where B itself would underflow for many agents.
    inverse = 1.0
    for n in range(1, agents + 1):
        inverse = 1.0 + inverse * n / load
        if isinf(inverse):
            return 0.0
    return 1.0 / inverse


def erlang_c(agents: int, load: float) -> float:
    """Share of callers who wait where nobody leaves: M/M/n. 1 where the load is too high."""
    if load >= agents:
        return 1.0
    lost = erlang_b(agents, load)
    return lost / (1 - load / agents * (1 - lost))


def m_m_n(agents: int, arrivals: float, service_s: float) -> Queue:
    """Callers who wait as long as it takes. arrivals: per second. service_s: mean, exponential.

    Raises:
        ValueError: more load than agents, so that there is no steady state.
    """
    load = arrivals * service_s
    if load >= agents:
        raise ValueError(f"{load:g} Erlangs for {agents} agents: the queue grows without end")
    waits = erlang_c(agents, load)
    mean_wait_s = waits * service_s / (agents - load)
    return Queue(load / agents, waits, 0.0, mean_wait_s, arrivals * mean_wait_s)


def waits_longer(agents: int, arrivals: float, service_s: float, than_s: float) -> float:
    """Share of the callers of `m_m_n` who wait longer than than_s."""
    load = arrivals * service_s
    return erlang_c(agents, load) * exp(-(agents - load) * than_s / service_s)


def loss(agents: int, arrivals: float, service_s: float) -> Queue:
    """Callers who leave at once where no agent is free (Erlang B)."""
    lost = erlang_b(agents, arrivals * service_s)
    return Queue(arrivals * service_s * (1 - lost) / agents, lost, lost, 0.0, 0.0)


def erlang_a(agents: int, arrivals: float, service_s: float, patience_s: float) -> Queue:
    """Callers whose patience is exponential (M/M/n + M). patience_s: its mean."""
    serve, leave = agents / service_s, 1 / patience_s
    # `more` is the probability of k or more in line over that of k, and `excess` their mean number
    # above k in the same unit, from a k that is never reached down to none in line.
    more, excess = 1.0, 0.0
    for k in range(_never_reached(arrivals, serve, leave), 0, -1):
        step = arrivals / (serve + k * leave)
        more, excess = 1.0 + step * more, step * (excess + more)
    if isinf(more) or isinf(excess):
        raise ValueError(_OVERLOAD)
    total = _inverse_b(agents, arrivals * service_s) - 1 + more
    mean_waiting = excess / total
    abandons = mean_waiting * leave / arrivals
    occupancy = arrivals * (1 - abandons) * service_s / agents
    return Queue(occupancy, more / total, abandons, mean_waiting / arrivals, mean_waiting)


def fixed_patience(agents: int, arrivals: float, service_s: float, patience_s: float) -> Queue:
    """Callers who leave after exactly patience_s without an agent (M/M/n + D).

    The law of telephone sales is of this form: two seconds, and the call is abandoned. The density
    of the wait that an arriving caller would have, v(x), is by Baccelli and Hebuterne
    arrivals p exp(arrivals min(x, patience) - serve x), p being the probability of n - 1 busy.
    """
    serve = agents / service_s
    drift = arrivals - serve
    # Everything in units of p: fewer than n busy sum to `free`, waits to `short` and `long`.
    free = _inverse_b(agents - 1, arrivals * service_s)
    tail = exp(drift * patience_s) if drift * patience_s < 700 else inf
    if isinf(tail):
        raise ValueError(_OVERLOAD)
    short = arrivals * (expm1(drift * patience_s) / drift if drift else patience_s)
    long = arrivals * tail / serve
    total = free + short + long
    abandons = long / total
    # E[min(wait, patience)]: those served have waited x, those who leave all their patience.
    if abs(drift) * patience_s < 1e-4:
        partial = arrivals * patience_s**2 / 2
    else:
        partial = arrivals * (patience_s * tail / drift - expm1(drift * patience_s) / drift**2)
    mean_wait_s = (partial + patience_s * long) / total
    occupancy = arrivals * (1 - abandons) * service_s / agents
    return Queue(occupancy, (short + long) / total, abandons, mean_wait_s, arrivals * mean_wait_s)


def arrivals_at(abandons: float, queue: Callable[[float], Queue], highest: float) -> float:
    """The arrival rate at which a queue abandons this share: `queue` takes a rate, per second.

    highest: a rate at which it abandons more.
    """
    low, high = 0.0, highest
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if queue(middle).abandons > abandons else (middle, high)
    return (low + high) / 2


def littles_law(mean_present: float, arrivals: float, mean_stay_s: float) -> float:
    """How far L = arrivals x W is from true, relative to L: 0 in any steady state."""
    return (arrivals * mean_stay_s - mean_present) / mean_present


# --- one dial at a time -----------------------------------------------------------------------


class OneDial(NamedTuple):
    """What one dial comes to, in the mean.

    live: share answered by a person in time. until_live_s: from the dial to that answer.
    otherwise_s: how long a dial that reaches nobody keeps an agent reserved.
    """

    live: float
    until_live_s: float
    otherwise_s: float


def one_dial(scenario: Scenario) -> OneDial:
    """The mean course of a dial at the start of a scenario's day, outside its segments.

    The analyser is taken for perfect, in time with its delays.
    """
    traits = scenario.traits()
    share = dict(zip(OUTCOMES, traits["outcomes"].shares(), strict=True))
    limit_s: float = traits["no_answer_after_s"]
    delay_s: float = traits["post_dial_delay_s"].law.mean
    ring: Law = traits["ring_s"].law
    in_time = ring.cdf(limit_s)
    live = share["live"] * in_time
    until_live_s = delay_s + scenario.cpa.human_delay_s
    if in_time:
        until_live_s += ring.partial_mean(limit_s) / in_time
    machine_s = delay_s + traits["machine_ring_s"].law.mean + scenario.cpa.machine_delay_s
    machine = share["machine"] + share["fax"]
    no_answer = share["no_answer"] + share["live"] - live
    refused = 1 - live - no_answer - machine
    refused_s: float = traits["refused_after_s"].law.mean
    lost_s = machine * machine_s + no_answer * (delay_s + limit_s) + refused * refused_s
    return OneDial(live, until_live_s, lost_s / (1 - live) if live < 1 else 0.0)


def progressive_occupancy(dial: OneDial, handling_s: float, idle_s: float = 0.0) -> float:
    """Occupancy where each free agent has exactly one dial in flight, by renewal reward.

    An agent's time is a row of cycles: idle_s before the first dial, as many failed dials as it
    takes, one that is answered, and handling_s (talk and wrap-up) with the customer. Nobody ever
    waits, so nobody abandons; only means count, whatever the laws.
    """
    failed = (1 - dial.live) / dial.live
    reserved_s = failed * dial.otherwise_s + dial.until_live_s
    return handling_s / (idle_s + reserved_s + handling_s)


def _inverse_b(agents: int, load: float) -> float:
    """1 / Erlang B: the probabilities of 0 to n busy, over that of n busy."""
    inverse = 1.0
    for n in range(1, agents + 1):
        inverse = 1.0 + inverse * n / load
    return inverse


def _never_reached(arrivals: float, serve: float, leave: float) -> int:
    """A number in line whose probability is below all rounding, beside the likeliest number's."""
    k, weight = 0, 0.0
    while weight > -50 or arrivals > serve + k * leave:
        k += 1
        weight = min(0.0, weight + log(arrivals / (serve + k * leave)))
    return k
