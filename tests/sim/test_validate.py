"""The product's own simulator agrees with theory, and one that did not would be found out."""

from collections import Counter

import pytest

from sim import validate as validation
from sim.laws import Gamma
from sim.poisson import QueueFigures, QueuePlan, run_queue
from sim.theory import loss
from sim.validate import validate


def test_every_row_holds_theory_and_none_is_missing() -> None:
    heard: list[tuple[int, int]] = []
    rows = validate(seed=3, replications=5, callers=300, told=lambda *so_far: heard.append(so_far))
    assert [row for row in rows if not row.ok] == []
    kinds = Counter(row.name.split(",")[0].split(":")[0] for row in rows)
    assert {"Erlang B", "Erlang C", "Erlang A", "M/G/c/c", "Little's law", "conservation"} <= {
        *kinds
    }
    assert kinds["progressive"] == 1
    by_name = {row.name: row.theory for row in rows}
    for agents, occupancy in ((5, 0.369), (20, 0.688), (100, 0.892)):
        assert round(by_name[f"M/M/{agents} + D(2 s) at 3 %: occupancy"], 3) == occupancy
    assert heard[-1] == (40, 40)


def test_a_simulator_with_one_agent_too_many_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(plan: QueuePlan, callers: int, seed: int) -> QueueFigures:
        found = run_queue(plan._replace(agents=plan.agents + 1), callers, seed)
        return found._replace(occupancy=found.occupancy * (plan.agents + 1) / plan.agents)

    three_agents = [trial for trial in validation._trials() if trial.plan.agents == 3]
    monkeypatch.setattr(validation, "_trials", lambda: three_agents)
    monkeypatch.setattr(validation, "run_queue", wrong)
    bad = {row.name for row in validate(seed=3, replications=10, callers=1000) if not row.ok}
    assert "Erlang C, 3 agents, 2.4 Erlangs: wait" in bad
    # Theory says of these that they do not depend on the number of agents.
    assert not any(name.startswith(("Little", "conservation", "progressive")) for name in bad)


def test_a_queue_is_a_function_of_its_seed_and_loses_nobody() -> None:
    plan = QueuePlan(4, 3 / 150, Gamma(1.0, 150.0), limit_s=0.0)
    first, again, other = (run_queue(plan, 3000, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert first.unsettled == 0
    assert first.waits == first.left == pytest.approx(loss(4, 3 / 150, 150.0).abandons, abs=0.03)
    assert first.mean_wait_s == 0
