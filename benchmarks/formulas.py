"""What one evaluation of each shipped formula costs, over the series of a campaign that dials.

Run: .venv/bin/python -m benchmarks.formulas
"""

import argparse
import json
import random
import statistics
import time

from config.formulas_shipped import shipped_formulas
from dialer.agents import STATES
from dialer.calls import IN_PROGRESS
from dialer.metrics import Metrics
from dialer.promql import Formula, compile_formula
from dialer.sampler import Sampler

START = 1_767_225_600
TITLE = "spring"
FILL_S = 1800
"""Half an hour, the longest window of a shipped formula."""


class Campaign:
    """Cells that move as those of a campaign with twenty agents do."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.metrics.open_campaign(TITLE)
        self._draw = random.Random(1)
        gauge, label = self.metrics.gauge, {"campaign": TITLE}
        gauge("dialer_campaign_info", **label).set(1)
        gauge("dialer_campaign_abandonment_target_ratio", **label).set(0.03)
        self._results = self.metrics.counters("dialer_call_results_total", **label)
        self._attempts = self.metrics.counter("dialer_call_attempts_total", **label)
        self._abandoned = self.metrics.counter("dialer_calls_abandoned_total", **label)
        self._agents = self.metrics.members("dialer_agents", **label)
        self._calls = self.metrics.members("dialer_calls_in_progress", **label)
        self._durations = [
            self.metrics.histogram(f"dialer_{name}_seconds", **label)
            for name in ("call_ring_duration", "agent_wrapup_duration")
        ]

    def second(self) -> None:
        draw = self._draw
        for result in ("customer_answered", "no_user_response", "user_busy", "answering_machine"):
            self._results[result].inc(draw.random() < 0.3)
        self._attempts.inc(draw.random() < 0.9)
        self._abandoned.inc(draw.random() < 0.003)
        for members, states in ((self._agents, STATES), (self._calls, IN_PROGRESS)):
            members.clear()
            members.update(enumerate(draw.choices(states, k=draw.randint(0, 40))))
        for duration in self._durations:
            duration.observe(draw.uniform(2.0, 20.0))


def measure(evaluations: int) -> dict[str, float]:
    """Microseconds at the median, by name; one evaluation follows each sample, as at a pulse."""
    campaign = Campaign()
    formulas: dict[str, Formula] = {
        name: compile_formula(shipped.formula) for name, shipped in shipped_formulas().items()
    }
    sampler = Sampler(campaign.metrics, "127.0.0.1:9464")
    sampler.keep([formula.reads for formula in formulas.values()])
    took_us: dict[str, list[float]] = {name: [] for name in formulas}
    for second in range(FILL_S + evaluations):
        campaign.second()
        sampler.tick(START + second)
        if second < FILL_S:
            continue
        for name, formula in formulas.items():
            began = time.perf_counter_ns()
            number = formula.number(sampler.store, START + second, TITLE)
            took_us[name].append((time.perf_counter_ns() - began) / 1000)
            assert number.value is not None, (name, number)
    return {name: round(statistics.median(took), 1) for name, took in took_us.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=2000)
    print(json.dumps(measure(parser.parse_args().evaluations)))


if __name__ == "__main__":
    main()
