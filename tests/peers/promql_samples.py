"""Forty minutes of two campaigns at work, second by second, as series of the catalogue.

The rule of this module: the same samples in two forms, a store and OpenMetrics' text, and nothing
smooth about them: counters reset, a series comes late, one goes early, stamps jitter, seconds are
missing, and some values are not finite.
"""

import math
import random

from dialer.metric_catalogue import CATALOGUE
from dialer.promql import SeriesStore, number_text
from dialer.promql.labels import NAME, Labels, make, text

START_MS = 1_700_000_000_000
SECONDS = 2_400
CAMPAIGNS = ("spring", "autumn")
RESULTS = ("customer_answered", "answering_machine", "no_user_response", "user_busy", "abandoned")
STATES = ("ready", "reserved", "talking", "wrap_up", "not_ready")

_BUCKETS = {
    metric.name: metric.buckets
    for metric in CATALOGUE
    if metric.name
    in {
        "dialer_call_talk_duration_seconds",
        "dialer_agent_wrapup_duration_seconds",
        "dialer_answer_to_agent_seconds",
    }
}
_MEAN_S = {
    "dialer_call_talk_duration_seconds": 120.0,
    "dialer_agent_wrapup_duration_seconds": 30.0,
    "dialer_answer_to_agent_seconds": 0.4,
}

Samples = dict[Labels, list[tuple[int, float]]]


def recorded(seed: int = 7) -> Samples:
    """The samples of every series, by stamp in ms."""
    draw = random.Random(seed)
    found: Samples = {}
    for campaign in CAMPAIGNS:
        for labels, values in _campaign(campaign, draw):
            # A scraper's stamps jitter, and now and then it misses.
            stamps = [START_MS + s * 1000 + draw.randrange(40) for s in range(SECONDS)]
            rows = [
                (stamp, value)
                for stamp, value in zip(stamps, values, strict=True)
                if value is not None and draw.random() > 0.01
            ]
            found[labels] = rows
    return dict(sorted(found.items()))


def _campaign(campaign: str, draw: random.Random) -> list[tuple[Labels, list[float | None]]]:
    series: list[tuple[Labels, list[float | None]]] = []

    def add(name: str, values: list[float | None], **labels: str) -> None:
        series.append((make({NAME: name, "campaign": campaign, **labels}), values))

    for state in STATES:
        add("dialer_agents", _walk(draw, 6), state=state)
    for state in ("dialing", "ringing", "bridged"):
        add("dialer_calls_in_progress", _walk(draw, 12), state=state)
    add("dialer_pacing_target_calls", [v * 1.1 + 0.1 for v in _walk(draw, 20) if v is not None])
    add("dialer_campaign_info", [1.0] * SECONDS)
    add("dialer_campaign_abandonment_target_ratio", [0.03] * SECONDS)
    end = (START_MS + 1_800_000) / 1000
    add("dialer_campaign_shift_end_timestamp_seconds", [end] * SECONDS)
    attempts = _rising(draw, 0.9)
    attempts[1500:] = [v - (attempts[1499] or 0) for v in attempts[1500:] if v is not None]
    add("dialer_call_attempts_total", attempts)
    for number, result in enumerate(RESULTS):
        counter = _rising(draw, 0.3 / (number + 1))
        if result == "user_busy":
            counter[:600] = [None] * 600
        if result == "abandoned":
            counter[1700:] = [None] * 700
        add("dialer_call_results_total", counter, result=result)
    add("dialer_calls_abandoned_total", _rising(draw, 0.01))
    for name, bounds in _BUCKETS.items():
        _histogram(add, name, bounds, draw)
    odd: list[float | None] = [draw.gauss(0, 1e3) for _ in range(SECONDS)]
    odd[100:110] = [math.inf] * 10
    odd[900:905] = [math.nan] * 5
    add("odd", odd)
    return series


def _walk(draw: random.Random, about: int) -> list[float | None]:
    value, values = float(about), []
    for _ in range(SECONDS):
        value = max(0.0, value + draw.choice((-1, 0, 0, 0, 1)))
        values.append(value)
    return values


def _rising(draw: random.Random, rate: float) -> list[float | None]:
    total, values = 0.0, []
    for _ in range(SECONDS):
        total += sum(draw.random() < rate / 4 for _ in range(4))
        values.append(total)
    return values


def _histogram(add, name: str, bounds: tuple[float, ...], draw: random.Random) -> None:  # type: ignore[no-untyped-def]
    counts, total = [0] * (len(bounds) + 1), 0.0
    columns: list[list[float | None]] = [[] for _ in counts]
    sums: list[float | None] = []
    for _ in range(SECONDS):
        if draw.random() < 0.4:
            seen = draw.expovariate(1 / _MEAN_S[name])
            counts[sum(bound < seen for bound in bounds)] += 1
            total += seen
        running = 0
        for column, count in zip(columns, counts, strict=True):
            running += count
            column.append(float(running))
        sums.append(total)
    for bound, column in zip((*bounds, math.inf), columns, strict=True):
        add(f"{name}_bucket", column, le=number_text(bound))
    add(f"{name}_count", list(columns[-1]))
    add(f"{name}_sum", sums)


def store_of(samples: Samples) -> SeriesStore:
    store = SeriesStore()
    for labels, rows in samples.items():
        series = store.series(labels)
        for stamp, value in rows:
            series.append(stamp, value)
    return store


def open_metrics(samples: Samples) -> str:
    """The text form that promtool reads; families must not be mixed."""
    lines = [
        f"{name} {number_text(value)} {stamp / 1000:.3f}"
        for labels, rows in samples.items()
        for name in [text(labels).replace('", ', '",')]  # its parser takes no space there
        for stamp, value in rows
    ]
    return "\n".join([*lines, "# EOF", ""])
