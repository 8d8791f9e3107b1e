"""Theory against published values, against plain linear algebra, and against naive queues."""

import heapq
from collections.abc import Callable
from math import exp

import numpy as np
import pytest

from sim.laws import Empirical, Gamma, Law, Lognormal
from sim.scenario import load_scenario
from sim.theory import (
    OneDial,
    Queue,
    arrivals_at,
    erlang_a,
    erlang_b,
    erlang_c,
    fixed_patience,
    littles_law,
    loss,
    m_m_n,
    one_dial,
    progressive_occupancy,
    waits_longer,
)


def balance(agents: int, arrivals: float, service_s: float, leave: float, most: int) -> Queue:
    """M/M/n + M by its birth-death chain cut at `most` present, in plain sums of logarithms."""
    present = np.arange(1, most + 1)
    deaths = np.minimum(present, agents) / service_s + np.maximum(present - agents, 0) * leave
    logs = np.concatenate([[0.0], np.cumsum(np.log(arrivals / deaths))])
    chance = np.exp(logs - logs.max())
    chance /= chance.sum()
    line = np.maximum(np.arange(most + 1) - agents, 0)
    waiting = float(chance @ line)
    busy = float(chance @ np.minimum(np.arange(most + 1), agents))
    return Queue(
        busy / agents,
        float(chance[agents:].sum()),
        waiting * leave / arrivals,
        waiting / arrivals,
        waiting,
    )


def naive(
    agents: int, arrivals: float, service: Law, patience: Callable[[int], float], calls: int
) -> Queue:
    """First come, first served, caller by caller, with the times at which agents come free."""
    chance = np.random.default_rng(11)
    came = np.cumsum(chance.exponential(1 / arrivals, calls))
    service_s = service.draw(chance, calls)
    free = [0.0] * agents
    waited = busy = left = waits = 0.0
    for n in range(calls):
        wait = max(0.0, free[0] - came[n])
        waits += wait > 0
        if wait > patience(n):
            left += 1
            waited += patience(n)
            continue
        heapq.heapreplace(free, came[n] + wait + service_s[n])
        waited += wait
        busy += service_s[n]
    mean_wait_s = waited / calls
    return Queue(
        busy / agents / came[-1], waits / calls, left / calls, mean_wait_s, arrivals * mean_wait_s
    )


def close(found: Queue, known: Queue, rel: float = 1e-9) -> bool:
    return all(a == pytest.approx(b, rel=rel, abs=1e-12) for a, b in zip(found, known, strict=True))


@pytest.mark.parametrize(
    ("agents", "load", "lost"),
    [(1, 1.0, 0.5), (2, 1.0, 0.2), (10, 5.0, 0.018385), (100, 90.0, 0.026957), (0, 3.0, 1.0)],
)
def test_erlang_b_at_its_tabled_values(agents: int, load: float, lost: float) -> None:
    assert erlang_b(agents, load) == pytest.approx(lost, abs=5e-6)


def test_erlang_c_at_its_known_values() -> None:
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert erlang_c(10, 8.0) == pytest.approx(0.409180, abs=1e-6)
    assert erlang_c(10, 10.0) == 1
    assert m_m_n(1, 0.5, 1.0).mean_wait_s == pytest.approx(1.0)
    assert waits_longer(1, 0.5, 1.0, 2.0) == pytest.approx(0.5 * exp(-1.0))
    with pytest.raises(ValueError, match="grows without end"):
        m_m_n(10, 1.0, 10.0)


@pytest.mark.parametrize(("agents", "load"), [(3, 2.0), (20, 18.0), (200, 190.0), (1000, 985.0)])
def test_waiting_and_loss_agree_with_their_balance_equations(agents: int, load: float) -> None:
    service_s = 150.0
    arrivals = load / service_s
    assert close(
        m_m_n(agents, arrivals, service_s), balance(agents, arrivals, service_s, 0, 9000), 1e-6
    )
    lost = balance(agents, arrivals, service_s, 1e12, agents + 1)
    assert loss(agents, arrivals, service_s).occupancy == pytest.approx(lost.occupancy, rel=1e-6)


@pytest.mark.parametrize(
    ("agents", "load", "patience_s"),
    [(1, 0.5, 2.0), (1, 30.0, 50.0), (10, 9.0, 2.0), (100, 120.0, 300.0), (1000, 1001.0, 60.0)],
)
def test_erlang_a_agrees_with_its_balance_equations(
    agents: int, load: float, patience_s: float
) -> None:
    found = erlang_a(agents, load / 150, 150.0, patience_s)
    assert close(found, balance(agents, load / 150, 150.0, 1 / patience_s, agents + 4000), 1e-8)


def test_occupancy_at_three_percent_abandonment_after_two_seconds() -> None:
    for agents, occupancy in ((5, 0.369), (20, 0.688), (100, 0.892)):

        def queue(arrivals: float, agents: int = agents) -> Queue:
            return fixed_patience(agents, arrivals, 150.0, 2.0)

        found = queue(arrivals_at(0.03, queue, highest=agents / 50))
        assert found.abandons == pytest.approx(0.03)
        assert round(found.occupancy, 3) == occupancy


@pytest.mark.parametrize(("agents", "load", "patience_s"), [(5, 4.0, 2.0), (20, 25.0, 40.0)])
def test_fixed_patience_agrees_with_a_naive_queue(
    agents: int, load: float, patience_s: float
) -> None:
    known = fixed_patience(agents, load / 150, 150.0, patience_s)
    found = naive(agents, load / 150, Gamma(1.0, 150.0), lambda _: patience_s, 200_000)
    assert close(found, known, rel=0.05)


def test_the_queues_meet_at_their_limits() -> None:
    for agents, load in ((10, 8.0), (400, 390.0)):
        arrivals = load / 150
        endless = m_m_n(agents, arrivals, 150.0)
        none = loss(agents, arrivals, 150.0)
        assert close(fixed_patience(agents, arrivals, 150.0, 1e5), endless, 1e-6)
        assert close(erlang_a(agents, arrivals, 150.0, 1e9)._replace(abandons=0), endless, 1e-3)
        assert fixed_patience(agents, arrivals, 150.0, 1e-9).abandons == pytest.approx(
            none.abandons
        )
        assert erlang_a(agents, arrivals, 150.0, 1e-9).abandons == pytest.approx(none.abandons)
    critical = fixed_patience(10, 10 / 150, 150.0, 2.0)
    near = fixed_patience(10, 10.0001 / 150, 150.0, 2.0)
    assert close(critical, near, 1e-3)


@pytest.mark.parametrize("agents", [1, 10, 100, 1000])
@pytest.mark.parametrize("use", [1e-6, 0.3, 0.99, 1.0, 1.3])
def test_no_figure_leaves_its_bounds_from_one_agent_to_a_thousand(agents: int, use: float) -> None:
    arrivals = agents * use / 150
    for queue in (
        fixed_patience(agents, arrivals, 150.0, 2.0),
        erlang_a(agents, arrivals, 150.0, 2.0),
        loss(agents, arrivals, 150.0),
    ):
        assert 0 < queue.occupancy <= 1
        assert 0 <= queue.abandons <= queue.waits <= 1
        assert queue.occupancy == pytest.approx(use * (1 - queue.abandons))
        assert abs(littles_law(queue.mean_waiting or 1, arrivals, queue.mean_wait_s)) < 1e-9 or (
            not queue.mean_waiting
        )


def test_so_much_load_that_no_figure_exists_is_refused() -> None:
    with pytest.raises(ValueError, match="nearly all leave"):
        fixed_patience(1, 1000.0, 1.0, 2.0)
    with pytest.raises(ValueError, match="nearly all leave"):
        erlang_a(1, 1e4, 1.0, 1.0)


@pytest.mark.parametrize(
    "law", [Gamma(1.0, 150.0), Lognormal.of_mean(150.0, 2.0), Empirical([50.0, 250.0])]
)
def test_loss_only_feels_the_mean_of_the_service_times(law: Law) -> None:
    known = loss(5, 4 / 150, 150.0)
    found = naive(5, 4 / 150, law, lambda _: 0.0, 200_000)
    assert found.abandons == pytest.approx(known.abandons, rel=0.04)
    assert found.occupancy == pytest.approx(known.occupancy, rel=0.03)


# --- one dial at a time -----------------------------------------------------------------------


def test_progressive_dialing_of_the_base_scenario_in_closed_form() -> None:
    dial = one_dial(load_scenario("", "base.yaml"))
    assert dial.live == pytest.approx(0.2474, abs=1e-4)
    assert progressive_occupancy(dial, 150.0) == pytest.approx(0.6528, abs=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "calls: {live: 0.1}\ncpa: {human_delay_s: 1.5, machine_delay_s: 4}",
        "calls: {ring_s: {distribution: lognormal, mean: 20, cv: 1}, no_answer_after_s: 15}",
    ],
)
def test_one_dial_is_the_mean_of_the_calls_that_the_scenario_makes(text: str) -> None:
    from sim.customers import Customers

    world = load_scenario(text, "world.yaml")
    customers = Customers(world, 1, agents=1)
    live, lost = [], []
    for n in range(40_000):
        fate = customers.fate(n, 0.0)
        took = fate.post_dial_delay_s + fate.answer_s + fate.ring_s + fate.verdict_after_s
        (live if fate.is_live else lost).append(took)
    dial = one_dial(world)
    assert dial.live == pytest.approx(len(live) / 40_000, abs=0.006)
    assert dial.until_live_s == pytest.approx(sum(live) / len(live), rel=0.02)
    assert dial.otherwise_s == pytest.approx(sum(lost) / len(lost), rel=0.01)


def test_an_agent_who_waits_for_the_pulse_is_idle_that_long() -> None:
    dial = OneDial(live=0.5, until_live_s=10.0, otherwise_s=20.0)
    assert progressive_occupancy(dial, 70.0) == 0.7
    assert progressive_occupancy(dial, 70.0, idle_s=40.0) == 0.5
