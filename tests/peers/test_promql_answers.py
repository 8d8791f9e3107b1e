"""On the same samples a formula gives here what a real Prometheus gives."""

import math
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dialer.errors import FormulaError
from dialer.promql import Formula, Scalar, SeriesStore, Vector, compile_formula, semantics_of
from gateways.prometheus.samples import read_samples
from tests.peers import promql_samples, require
from tests.peers.prometheus import Prometheus
from tests.peers.promql_samples import SECONDS, START_MS

pytestmark = pytest.mark.peer

TOLERANCE = 1e-12
# From before the first sample to past the last one's five minutes, at odd milliseconds.
INSTANTS_MS = [START_MS - 20_000 + 137 + n * (SECONDS * 1000 + 380_000) // 99 for n in range(100)]

RESULTS = "dialer_call_results_total"
ANSWERED = f'{RESULTS}{{result="customer_answered"}}'
TALK = "dialer_call_talk_duration_seconds"
WRAP_UP = "dialer_agent_wrapup_duration_seconds"
BY = "sum by (campaign)"

PACING = [
    f"clamp({BY} (rate({RESULTS}[10m])) / {BY} (rate({ANSWERED}[10m])), 1, 4)",
    f"clamp(({BY} (increase({RESULTS}[20m])) / {BY} (increase({ANSWERED}[20m])))"
    f" * (1 - {BY} (increase(dialer_calls_abandoned_total[20m]))"
    f" / {BY} (increase({ANSWERED}[20m])) / 0.03), 1, 3)",
    f"(clamp({BY} (increase({RESULTS}[15m])) / {BY} (increase({ANSWERED}[15m])), 1, 3)"
    f" and {BY} (increase({ANSWERED}[15m])) >= 30) or {BY} (dialer_campaign_info)",
    f'({BY} (dialer_agents{{state="ready"}}) + {BY} (dialer_agents{{state="wrap_up"}})'
    f" * (1 - exp(-10 / ({BY} (rate({WRAP_UP}_sum[10m])) / {BY} (rate({WRAP_UP}_count[10m]))))))",
    f'{BY} (dialer_agents{{state=~"ready|reserved"}})'
    f' - sqrt({BY} (avg_over_time(dialer_agents{{state=~"ready|reserved"}}[5m])))',
    "clamp_max((dialer_campaign_shift_end_timestamp_seconds - time()) / 600, 1) > 0",
    f"{BY} (dialer_agents) - on (campaign) {BY} (dialer_calls_in_progress)",
    "dialer_campaign_abandonment_target_ratio"
    f" > bool {BY} (rate(dialer_calls_abandoned_total[15m])) / {BY} (rate({ANSWERED}[15m]))",
    "quantile by (campaign) (0.9, max_over_time(dialer_agents[5m]))",
    f"ceil({BY} (dialer_pacing_target_calls) * 1.5)",
]
DASHBOARDS = [
    "dialer_agents",
    "sum by (state) (dialer_agents)",
    "sum without (state) (dialer_agents)",
    "avg by (campaign) (dialer_agents)",
    "min by (state) (dialer_agents)",
    "max(dialer_agents)",
    'count by (campaign) (dialer_agents{state!~"not_.*"})',
    "stddev by (campaign) (dialer_agents)",
    "stdvar(dialer_agents)",
    "group by (campaign) (dialer_agents)",
    "topk(3, dialer_agents)",
    "bottomk by (campaign) (2, dialer_agents)",
    'count_values("agents", dialer_agents)',
    "sum(dialer_agents) by (campaign) / on () group_left sum(dialer_agents)",
    "dialer_agents / ignoring (state) group_left sum without (state) (dialer_agents)",
    f"rate({RESULTS}[5m])",
    f"sum by (result) (increase({RESULTS}[1h]))",
    f"irate({RESULTS}[1m])",
    "idelta(dialer_agents[1m])",
    "delta(dialer_pacing_target_calls[5m])",
    "rate(dialer_call_attempts_total[30m])",
    "increase(dialer_call_attempts_total[45m])",
    "resets(dialer_call_attempts_total[40m])",
    "changes(dialer_agents[10m])",
    "deriv(dialer_pacing_target_calls[10m])",
    "predict_linear(dialer_pacing_target_calls[10m], 600)",
    f"histogram_quantile(0.5, {TALK}_bucket)",
    f"histogram_quantile(0.95, sum by (le) (rate({TALK}_bucket[10m])))",
    f"histogram_quantile(0.99, sum by (campaign, le) (rate({WRAP_UP}_bucket[5m])))",
    "histogram_quantile(0.9, rate(dialer_answer_to_agent_seconds_bucket[5m]))",
    f"rate({TALK}_sum[10m]) / rate({TALK}_count[10m])",
    "1 - sum by (campaign) (rate(dialer_answer_to_agent_seconds_bucket{le='2'}[10m]))"
    " / sum by (campaign) (rate(dialer_answer_to_agent_seconds_count[10m]))",
    "absent(dialer_agents{state='gone'})",
    "absent(dialer_call_results_total{result='abandoned'})",
    "absent_over_time(dialer_call_results_total{result='abandoned'}[2m])",
    "present_over_time(dialer_call_results_total[2m])",
]
OVER_TIME = [
    f"{name}_over_time({window})"
    for name in ("sum", "avg", "min", "max", "count", "last", "stddev", "stdvar")
    for window in ("dialer_agents[5m]", "odd[90s]")
]
WINDOWS = [
    "quantile_over_time(0.75, dialer_pacing_target_calls[3m])",
    "avg_over_time(dialer_agents[5m] offset 2m)",
    "dialer_agents offset -30s",
    f"rate({RESULTS}[2m] @ 1700001000)",
    "dialer_agents @ end() + 0",
    "max_over_time(rate(dialer_call_attempts_total[1m])[10m:30s])",
    "avg_over_time(sum by (campaign) (dialer_agents)[5m:])",
    "sum_over_time(dialer_agents[30s:7s] offset 13s)",
    "min_over_time(sum(dialer_calls_in_progress)[4m:13s])",
    "deriv(sum(dialer_agents)[10m:15s])",
]
OPERATORS = [
    "dialer_agents + 1",
    "2 - dialer_agents",
    "dialer_agents * dialer_agents",
    "odd % 7",
    "-odd",
    "odd ^ 2",
    "2 ^ dialer_agents",
    "dialer_agents / 0",
    "odd atan2 dialer_campaign_info",
    "1 atan2 odd",
    "dialer_agents > 5",
    "5 <= dialer_agents",
    "dialer_agents == bool 3",
    "dialer_agents != dialer_agents offset 1m",
    "dialer_agents{state='ready'} and on (campaign) (dialer_pacing_target_calls > 22)",
    "dialer_agents unless on (campaign) dialer_pacing_target_calls > 22",
    "dialer_campaign_info or dialer_agents",
    "dialer_campaign_info * on (campaign) group_right dialer_agents",
    "(1 + 2 * 3 ^ 2 - 4 % 3) / 7",
    "1 > bool 2",
    "time() - timestamp(dialer_agents)",
    "timestamp(dialer_agents offset 1m)",
    "vector(time()) + scalar(sum(dialer_agents))",
    "scalar(dialer_agents)",
]
FUNCTIONS = [
    f"{name}(odd / 500)"
    for name in (
        *("abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "round"),
        *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh"),
        *("acosh", "atanh", "deg", "rad"),
    )
]
DATES = [
    f"{name}(1.7e9 - dialer_agents * 1e6)"
    for name in ("year", "month", "day_of_month", "day_of_year", "day_of_week", "days_in_month")
]
MORE = [
    "hour() + minute() / 100",
    "round(odd, 0.3)",
    "clamp(odd, -100, 100)",
    "clamp_min(odd, 0)",
    "sort(dialer_pacing_target_calls)",
    "sort_desc(dialer_pacing_target_calls)",
    "label_replace(dialer_agents, 'short', '$1-$2', 'state', '(..)(.*)')",
    "label_join(dialer_agents, 'both', '/', 'campaign', 'state', 'none')",
    "pi() * vector(2)",
]
EXPRESSIONS = [
    *(*PACING, *DASHBOARDS, *OVER_TIME, *WINDOWS),
    *(*OPERATORS, *FUNCTIONS, *DATES, *MORE),
]

Answer = dict[tuple[tuple[str, str], ...], float]
Ranges = dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]


class Server:
    """Asks one Prometheus over one connection."""

    def __init__(self, prometheus: Prometheus) -> None:
        self.semantics = semantics_of(prometheus.version())
        self._client = httpx.Client(base_url=prometheus.url, timeout=10)

    def close(self) -> None:
        self._client.close()

    def ask(self, text: str, t_ms: int) -> Answer | None:
        """None: the server refuses it."""
        parameters = {"query": text, "time": f"{t_ms / 1000:.3f}"}
        answer = self._client.get("/api/v1/query", params=parameters)
        if answer.status_code in {400, 422}:
            return None
        data = answer.raise_for_status().json()["data"]
        if data["resultType"] == "scalar":
            return {(): float(data["result"][1])}
        return {
            tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in data["result"]
        }

    def ask_range(self, text: str, start_ms: int, end_ms: int, step_ms: int) -> Ranges:
        parameters = {
            "query": text,
            "start": f"{start_ms / 1000:.3f}",
            "end": f"{end_ms / 1000:.3f}",
            "step": f"{step_ms / 1000:.3f}",
        }
        answer = self._client.get("/api/v1/query_range", params=parameters).raise_for_status()
        return {
            tuple(sorted(one["metric"].items())): [(t, float(v)) for t, v in one["values"]]
            for one in answer.json()["data"]["result"]
        }


@pytest.fixture(scope="module")
def store() -> SeriesStore:
    return promql_samples.store_of(promql_samples.recorded())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    require("prometheus", "promtool")
    recorded = promql_samples.open_metrics(promql_samples.recorded())
    with Prometheus(tmp_path_factory.mktemp("prometheus"), recorded=recorded) as prometheus:
        asked = Server(prometheus)
        yield asked
        asked.close()


def test_what_promtool_dumps_is_read_again(tmp_path: Path) -> None:
    require("promtool")
    some = dict(list(promql_samples.recorded().items())[::12])
    Prometheus(tmp_path, recorded=promql_samples.open_metrics(some)).record()
    (tmp_path / "data" / "wal").mkdir()  # a server would have made one
    dump = ["promtool", "tsdb", "dump", str(tmp_path / "data")]
    dumped = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    again = {one.labels: one for one in read_samples(dumped, "dump")}
    assert again.keys() == some.keys()
    for labels, rows in some.items():
        assert again[labels].stamps_ms == [stamp for stamp, _ in rows]
        assert repr(again[labels].values) == repr([value for _, value in rows])


def ours(formula: Formula, store: SeriesStore, t_ms: int) -> Answer | None:
    try:
        result = formula.at(store, t_ms)
    except FormulaError:
        return None
    match result:
        case Scalar():
            return {(): result.value}
        case Vector():
            return {sample.labels: sample.value for sample in result.samples}
    raise AssertionError(result)


def distance(a: float, b: float) -> float:
    """Relative; 0 for equals, NaN and infinities included."""
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    return abs(a - b) / max(abs(a), abs(b))


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_a_hundred_instants_agree(text: str, server: Server, store: SeriesStore) -> None:
    formula = compile_formula(text, server.semantics)
    filled = 0
    for t_ms in INSTANTS_MS:
        theirs, mine = server.ask(text, t_ms), ours(formula, store, t_ms)
        assert (theirs is None) == (mine is None), (t_ms, theirs, mine)
        if theirs is None or mine is None:
            continue
        assert mine.keys() == theirs.keys(), t_ms
        filled += bool(theirs)
        worst = max((distance(mine[key], theirs[key]) for key in theirs), default=0.0)
        assert worst < TOLERANCE, (t_ms, worst, mine, theirs)
    # An expression that never gives anything would agree with everything.
    assert filled >= 10


@pytest.mark.parametrize("text", [*PACING, *DASHBOARDS[:8], "dialer_agents @ start()"])
def test_a_range_of_answers_agrees(text: str, server: Server, store: SeriesStore) -> None:
    start_ms, step_ms = START_MS - 60_000, 29_000
    end_ms = start_ms + 99 * step_ms
    theirs = server.ask_range(text, start_ms, end_ms, step_ms)
    mine = compile_formula(text, server.semantics).over(store, start_ms, end_ms, step_ms)
    assert theirs.keys() == {points.labels for points in mine.series}
    for points in mine.series:
        for t_ms, value, (t_s, their) in zip(
            points.stamps_ms, points.values, theirs[points.labels], strict=True
        ):
            assert t_ms == round(t_s * 1000)
            assert distance(value, their) < TOLERANCE


def test_there_are_enough_expressions() -> None:
    assert len(set(EXPRESSIONS)) == len(EXPRESSIONS) >= 100
