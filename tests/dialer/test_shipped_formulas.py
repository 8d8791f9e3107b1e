"""Formulas that ship, and the names that stand for them in a flow."""

import re
from pathlib import Path

import pytest

from config.formulas_shipped import formula_texts, shipped_formulas
from dialer.errors import ConfigError
from dialer.flow.formulas import formula_faults, formulas_of, with_texts
from dialer.flow.graph import load_flow
from dialer.formulas import load_formula
from dialer.metric_catalogue import CATALOGUE
from dialer.metrics import Metrics
from dialer.promql import SeriesStore, compile_formula
from dialer.sampler import Sampler
from tests.actors.world import flow_text

FORMULAS = shipped_formulas()
FOLDER = Path(__file__).parents[2] / "config" / "formulas"
START = 1_767_225_600


def test_all_six_ship_and_each_stands_in_the_file_of_its_name() -> None:
    assert set(FORMULAS) == {path.stem for path in FOLDER.glob("*.yaml")}
    assert len(FORMULAS) == 6


@pytest.mark.parametrize("name", FORMULAS)
def test_it_reads_only_metrics_and_labels_of_the_catalogue(name: str) -> None:
    reads = compile_formula(FORMULAS[name].formula).reads
    known = {m.name for m in CATALOGUE}
    for metric in CATALOGUE:
        if metric.kind == "histogram":
            known |= {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
    assert reads.metrics
    assert reads.metrics <= known
    assert reads.label_names <= {"campaign", "state", "result", "le"}


@pytest.mark.parametrize("name", FORMULAS)
def test_it_names_no_campaign_and_aggregates_by_it(name: str) -> None:
    text = FORMULAS[name].formula
    assert "by (campaign)" in text
    assert "campaign=" not in text


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("seconds", [0, 1, 30, 299, 3000])
def test_a_campaign_that_has_dialed_nobody_is_paced_progressively(name: str, seconds: int) -> None:
    """Cold start: also after an hour in which nothing happened, and beside another campaign."""
    metrics = Metrics()
    for title in ("spring", "autumn"):
        metrics.open_campaign(title)
        metrics.gauge("dialer_campaign_info", campaign=title).set(1)
        metrics.gauge("dialer_campaign_abandonment_target_ratio", campaign=title).set(0.03)
        agents = metrics.members("dialer_agents", campaign=title)
        agents.update(dict.fromkeys(range(7), "ready"))
    sampler = Sampler(metrics, "test:1")
    formula = compile_formula(FORMULAS[name].formula)
    sampler.keep([formula.reads])
    for second in range(seconds + 1):
        sampler.tick(START + second)
    number = formula.number(sampler.store, START + seconds, "spring")
    meant = {"calls_per_reserved_agent": 1, "calls_in_progress": 7, "agents_to_reserve": 2}
    assert number.value == meant[FORMULAS[name].gives], number


@pytest.mark.parametrize("name", FORMULAS)
def test_without_any_series_it_is_empty_and_nothing_fails(name: str) -> None:
    assert compile_formula(FORMULAS[name].formula).number(SeriesStore(), START).result == "empty"


def paced(name: str, *, results: int, people: int, abandoned: int, **gauges: float) -> float | None:
    """What a formula gives where so many calls ended within the last minutes."""
    metrics = Metrics()
    metrics.open_campaign("spring")
    label = {"campaign": "spring"}
    metrics.gauge("dialer_campaign_info", **label).set(1)
    metrics.gauge("dialer_campaign_abandonment_target_ratio", **label).set(0.03)
    for name_and_state, value in gauges.items():
        metric, _, state = name_and_state.partition("__")
        if state:
            members = metrics.members(f"dialer_{metric}", **label)
            members.update({(state, number): state for number in range(round(value))})
        else:
            metrics.gauge(f"dialer_{metric}", **label).set(value)
    formula = compile_formula(FORMULAS[name].formula)
    sampler = Sampler(metrics, "test:1")
    sampler.keep([formula.reads])
    counters = metrics.counters("dialer_call_results_total", **label)
    for second in range(301):
        if second:
            counters["customer_answered"].inc((people - abandoned) / 300)
            counters["abandoned"].inc(abandoned / 300)
            metrics.counter("dialer_calls_abandoned_total", **label).inc(abandoned / 300)
            counters["no_user_response"].inc((results - people) / 300)
            metrics.counter("dialer_call_attempts_total", **label).inc(results / 300)
        sampler.tick(START + second)
    return formula.number(sampler.store, START + 300, "spring").value


def test_inverse_hit_rate_is_the_calls_per_person() -> None:
    assert paced("inverse_hit_rate", results=400, people=160, abandoned=0) == pytest.approx(2.5)
    assert paced("inverse_hit_rate", results=400, people=20, abandoned=0) == 4
    assert paced("inverse_hit_rate", results=400, people=9, abandoned=0) == 1, "too few to go by"


def test_the_guard_is_the_inverse_hit_rate_times_what_is_left_of_the_limit() -> None:
    # 1 / 0.25 x (1 - 0.01 / 0.03)
    found = paced("compliance_guard", results=400, people=100, abandoned=1)
    assert found == pytest.approx(4 * (1 - 1 / 3))
    assert paced("compliance_guard", results=400, people=100, abandoned=3) == 1
    assert paced("compliance_guard", results=400, people=100, abandoned=50) == 1


def test_tapered_goes_from_two_to_one_with_abandonment_and_with_the_shift() -> None:
    assert paced("tapered", results=400, people=100, abandoned=0) == pytest.approx(2)
    assert paced("tapered", results=400, people=100, abandoned=3) == pytest.approx(1)
    late = {"campaign_shift_end_timestamp_seconds": START + 300 + 150}
    found = paced("tapered", results=400, people=100, abandoned=0, **late)
    assert found == pytest.approx(1.25)


def test_a_margin_is_kept_and_shrinks_relative_to_the_team() -> None:
    few = paced("safety_margin", results=400, people=200, abandoned=0, agents__ready=10)
    many = paced("safety_margin", results=400, people=200, abandoned=0, agents__ready=100)
    # a + 1.65 sqrt(a) = m, two calls for each person
    assert few == pytest.approx(2 * ((10.680625**0.5) - 0.825) ** 2, rel=1e-3)
    assert few is not None
    assert many is not None
    assert many / 100 > few / 10


def test_soon_free_counts_a_share_of_those_in_wrap_up() -> None:
    # Without any wrap-up observed yet there is nothing to judge by: one call per free agent.
    free = {"agents__ready": 4.0, "agents__wrap_up": 6.0}
    assert paced("soon_free", results=400, people=200, abandoned=0, **free) == 4


def test_demand_follows_the_calls_in_flight_within_who_is_free() -> None:
    free = {"agents__ready": 20.0}
    found = paced(
        "demand_driven", results=0, people=0, abandoned=0, calls_in_progress__ringing=8, **free
    )
    assert found == 12
    found = paced(
        "demand_driven", results=0, people=0, abandoned=0, calls_in_progress__ringing=80, **free
    )
    assert found == 20


# --- files and names --------------------------------------------------------------------------

GOOD = """
name: mine
gives: calls_per_reserved_agent
about: a
when_to_use: b
caution: c
formula: vector(2)
"""


def test_a_file_whose_formula_is_wrong_says_where() -> None:
    with pytest.raises(ConfigError, match=r"mine.yaml:7.*character 8"):
        load_formula(GOOD.replace("vector(2)", "vector("), "mine.yaml")


def test_a_name_in_a_flow_stands_for_the_text() -> None:
    dialing = "{mode: predictive, formula: compliance_guard}"
    flow = load_flow(
        flow_text(target="demand_driven", dialing=dialing, init=", shadow: tapered"), "f.yaml"
    )
    texts = formula_texts()
    named = with_texts(flow, texts)
    assert set(formulas_of(named.definition)) == {
        texts[name] for name in ("demand_driven", "compliance_guard", "tapered")
    }
    assert not list(formula_faults(named.definition))


@pytest.mark.parametrize(
    ("formula", "what"),
    [
        ("compliance_gard", "there is no formula"),
        ("sum(", "expected"),
        ("dialer_agents[5m]", "gives a matrix, not a number"),
    ],
)
def test_what_is_no_formula_is_told_by_node(formula: str, what: str) -> None:
    text = flow_text(dialing=f"{{mode: predictive, formula: '{formula}'}}")
    flow = with_texts(load_flow(text, "f.yaml"), formula_texts())
    ((node_id, told, mend),) = formula_faults(flow.definition)
    assert node_id == "init"
    assert re.search(what, told), told
    assert mend or "expected" in told
