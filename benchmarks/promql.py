"""What a formula costs: the time of one evaluation, on 50 series with five minutes at 1 s.

    python -m benchmarks.promql [--rounds 2000] [--json]

Each round appends a second's samples to every series and then evaluates, as a pulse does, so what
is kept between pulses is brought up to date inside the figure. CPU time, the median of the rounds.
"""

import argparse
import json
import random
import time
from statistics import median, quantiles

from config.formulas_shipped import formula_texts
from dialer import outcomes
from dialer.promql import Formula, Series, SeriesStore, compile_formula

RESULTS = "dialer_call_results_total"
BY = "sum by (campaign)"
_LINE = "{formula:45} p50 {p50_us:7} us  p99 {p99_us:7} us  compile {compile_us} us"

CAMPAIGNS = ("spring", "autumn")
STATES = ("ready", "reserved", "talking", "wrap_up", "not_ready")
PROGRESS = ("placed", "dialing", "ringing", "bridged")
PLAIN = (
    "dialer_calls_abandoned_total",
    "dialer_call_attempts_total",
    "dialer_agent_wrapup_duration_seconds_sum",
    "dialer_agent_wrapup_duration_seconds_count",
    "dialer_call_ring_duration_seconds_sum",
    "dialer_call_ring_duration_seconds_count",
    "dialer_campaign_abandonment_target_ratio",
    "dialer_campaign_info",
    "dialer_campaign_shift_end_timestamp_seconds",
)

WIDE = {
    "sum by (avg_over_time[5m]), 40 series": f"{BY} (avg_over_time(wide[5m]))",
    "sum by (rate[5m]), 40 series": f"{BY} (rate(wide_total[5m]))",
    "max_over_time[5m], 40 series": "max_over_time(wide[5m])",
    "stddev_over_time[5m], 1 series": 'stddev_over_time(wide{n="7"}[5m])',
    "max_over_time(rate[1m])[5m:10s], 1 series": (
        'max_over_time(rate(wide_total{n="7"}[1m])[5m:10s])'
    ),
}


def fifty(store: SeriesStore) -> list[Series]:
    """Some fifty series of two campaigns: what the shipped formulas read."""
    named = [
        {"__name__": name, "campaign": campaign, **labels}
        for campaign in CAMPAIGNS
        for name, labels in (
            *(("dialer_agents", {"state": state}) for state in STATES),
            *((RESULTS, {"result": result}) for result in outcomes.NAMES[:8]),
            *(("dialer_calls_in_progress", {"state": state}) for state in PROGRESS),
            *((name, {}) for name in PLAIN),
        )
    ]
    return [store.series(labels) for labels in named]


def forty(store: SeriesStore, name: str) -> list[Series]:
    return [
        store.series({"__name__": name, "campaign": CAMPAIGNS[n % 2], "n": str(n)})
        for n in range(40)
    ]


def measure(formula: Formula, store: SeriesStore, series: list[Series], rounds: int) -> list[float]:
    """CPU seconds of each evaluation, a second of samples after the other."""
    draw = random.Random(3)
    cells = [[float(draw.randrange(5)), index % 3 != 0] for index in range(len(series))]
    costs = []
    for second in range(300 + rounds):
        t_ms = 1_700_000_000_000 + second * 1000
        for one, cell in zip(series, cells, strict=True):
            counter = one.labels[0][1].endswith(("_total", "_sum", "_count", "_bucket"))
            step = draw.random() if counter else draw.choice((-1.0, 0.0, 1.0))
            cell[0] = cell[0] + step if counter else max(0.0, cell[0] + step)
            one.append(t_ms, cell[0])
        if second % 60 == 0:
            store.drop_before(t_ms - 600_000)
        if second >= 300:
            start = time.process_time_ns()
            formula.number(store, t_ms / 1000, "spring")
            costs.append((time.process_time_ns() - start) / 1e9)
    return costs


def row(name: str, text: str, *, wide: bool, rounds: int) -> dict[str, object]:
    store = SeriesStore()
    series = [*forty(store, "wide"), *forty(store, "wide_total")] if wide else fifty(store)
    formula = compile_formula(text)
    costs = measure(formula, store, series, rounds)
    start = time.process_time_ns()
    compile_formula(text)
    compiled_us = (time.process_time_ns() - start) / 1e3
    return {
        "formula": name,
        "p50_us": round(median(costs) * 1e6, 1),
        "p99_us": round(quantiles(costs, n=100)[98] * 1e6, 1),
        "compile_us": round(compiled_us),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = []
    for wide, formulas in ((False, formula_texts()), (True, WIDE)):
        for name, text in formulas.items():
            rows.append(row(name, text, wide=wide, rounds=asked.rounds))
            if not asked.json:
                print(_LINE.format(**rows[-1]), flush=True)
    if asked.json:
        print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
