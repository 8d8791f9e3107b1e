"""What a tick of the sampler costs, forgetting what is old included.

Run: .venv/bin/python -m benchmarks.sampler
"""

import argparse
import json
import statistics
import time

from dialer.metrics import Metrics
from dialer.promql import compile_formula
from dialer.sampler import Sampler

FORMULAS = (
    "sum by (campaign) (dialer_agents)",
    "sum by (campaign) (rate(dialer_call_results_total[5m]))",
    "sum by (campaign) (dialer_calls_in_progress)",
    "sum by (campaign) (rate(dialer_call_attempts_total[5m]))",
    "sum by (campaign) (rate(dialer_calls_abandoned_total[5m]))",
    "dialer_campaign_abandonment_target_ratio",
)
START = 1_767_225_600


def measure(ticks: int, campaigns: int) -> dict[str, float]:
    """Microseconds a tick, dropping what is old included."""
    metrics = Metrics()
    for number in range(campaigns):
        metrics.open_campaign(f"campaign {number}")
    sampler = Sampler(metrics, "127.0.0.1:9464")
    sampler.keep([compile_formula(text).reads for text in FORMULAS])
    sampler.tick(START)
    took_us = []
    began = time.process_time()
    for second in range(1, ticks + 1):
        start = time.perf_counter_ns()
        sampler.tick(START + second)
        took_us.append((time.perf_counter_ns() - start) / 1000)
    mean_us = (time.process_time() - began) / ticks * 1e6
    return {
        "series": len(sampler.store),
        "p50_us": round(statistics.median(took_us), 2),
        "p99_us": round(statistics.quantiles(took_us, n=100)[98], 2),
        "mean_us": round(mean_us, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=5000)
    parser.add_argument("--campaigns", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(measure(options.ticks, options.campaigns)))


if __name__ == "__main__":
    main()
