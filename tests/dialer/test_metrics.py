"""The catalogue and its cells."""

import threading
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer import agents, outcomes
from dialer.errors import DialerError
from dialer.metric_catalogue import CATALOGUE
from dialer.metrics import OWNERS, Histogram, Metrics

FORBIDDEN_LABELS = {"agent", "agent_id", "number", "call", "call_id", "attempt", "contact"}


def children(metrics: Metrics, name: str) -> dict[tuple[str, ...], object]:
    return {f.metric.name: dict(f.children) for f in metrics.families()}[name]


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda m: m.name)
def test_every_declaration_follows_the_naming_rules(metric):
    assert metric.name.startswith("dialer_")
    assert metric.help.endswith(".")
    assert metric.owner in {*OWNERS, ""}
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert (metric.kind == "histogram") == bool(metric.buckets)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert metric.name.endswith(f"_{metric.unit}") or not metric.unit
    for _, values in metric.labels:
        assert values
        assert len(set(values)) == len(values)


def test_no_label_names_a_person_a_number_or_a_call():
    for metric in CATALOGUE:
        assert not FORBIDDEN_LABELS & set(metric.label_names)


def test_names_are_unique():
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


def test_opening_a_campaign_creates_every_child_at_zero():
    metrics = Metrics()
    metrics.open_campaign("spring")
    results = metrics.counters("dialer_call_results_total", campaign="spring")
    assert tuple(results) == outcomes.NAMES
    assert {cell.value for cell in results.values()} == {0}
    states = [state for _, state in children(metrics, "dialer_agents")]
    assert tuple(states) == agents.STATES
    for metric in CATALOGUE:
        if metric.owner == "campaign":
            assert children(metrics, metric.name)


def test_closing_a_campaign_removes_its_children_and_no_others():
    metrics = Metrics()
    metrics.open_campaign("spring")
    metrics.open_campaign("autumn")
    metrics.close_campaign("spring")
    for family in metrics.families():
        if family.metric.owner == "campaign":
            assert {key[0] for key in family.children} == {"autumn"}
    with pytest.raises(DialerError, match="is it open"):
        metrics.counter("dialer_call_attempts_total", campaign="spring")


def test_opening_twice_keeps_what_was_counted():
    metrics = Metrics()
    metrics.open_campaign("spring")
    metrics.counter("dialer_call_attempts_total", campaign="spring").inc(3)
    metrics.open_campaign("spring")
    assert metrics.counter("dialer_call_attempts_total", campaign="spring").value == 3


def test_trunks_and_actors_have_cells_of_their_own():
    metrics = Metrics()
    metrics.open_trunk("carrier")
    metrics.open_actor("pool")
    metrics.gauge("dialer_trunk_up", trunk="carrier").set(1)
    metrics.counter("dialer_dead_letters_total", actor="pool").inc()
    by_class = metrics.counters("dialer_trunk_responses_total", trunk="carrier")
    by_class["4xx"].inc()
    assert (
        metrics.counter(
            "dialer_trunk_responses_total", **{"trunk": "carrier", "class": "4xx"}
        ).value
        == 1
    )
    metrics.close_trunk("carrier")
    assert not children(metrics, "dialer_trunk_up")
    assert children(metrics, "dialer_dead_letters_total")
    metrics.close_actor("pool")
    assert not children(metrics, "dialer_dead_letters_total")


def test_what_the_daemon_has_one_of_exists_at_once():
    assert Metrics().counters("dialer_journal_records_total")["lost"].value == 0


@pytest.mark.parametrize(
    ("name", "labels", "problem"),
    [
        ("dialer_nonsense", {}, "no metric dialer_nonsense"),
        ("dialer_callbacks", {"campaign": "spring", "state": "asleep"}, "no child"),
        ("dialer_callbacks", {"campaign": "winter", "state": "due"}, "is it open"),
        ("dialer_callbacks", {"campaign": "spring"}, "has the labels"),
        ("dialer_call_attempts_total", {"campaign": "spring"}, "is a counter"),
    ],
)
def test_a_cell_outside_the_catalogue_is_refused(name, labels, problem):
    metrics = Metrics()
    metrics.open_campaign("spring")
    with pytest.raises(DialerError, match=problem):
        metrics.gauge(name, **labels)


def test_children_by_label_need_exactly_one_free_label():
    metrics = Metrics()
    metrics.open_campaign("spring")
    with pytest.raises(DialerError, match="leave one label free"):
        metrics.counters("dialer_pacing_evaluations_total", campaign="spring")


@given(st.lists(st.floats(min_value=-1, max_value=12, allow_nan=False)))
def test_a_histogram_counts_each_value_once_at_or_below_its_bound(values):
    bounds = (0.0, 1.0, 2.0, 5.0)
    histogram = Histogram(bounds)
    for value in values:
        histogram.observe(value)
    assert histogram.count == len(values)
    assert histogram.total == pytest.approx(sum(values))
    expected = [sum(v <= bound for v in values) for bound in bounds] + [len(values)]
    assert histogram.cumulative() == expected


def test_two_seconds_is_a_bound_of_the_answer_to_agent_histogram():
    # Abandonment is judged at 2 s: the share above it must be readable without interpolation.
    [metric] = [m for m in CATALOGUE if m.name == "dialer_answer_to_agent_seconds"]
    assert metric.buckets[bisect_left(metric.buckets, 2.0)] == 2.0


def test_gauges_go_up_and_down():
    metrics = Metrics()
    metrics.open_campaign("spring")
    cell = metrics.gauge("dialer_callbacks", campaign="spring", state="due")
    cell.set(4)
    cell.inc()
    cell.dec(2)
    assert cell.value == 3


def test_a_gauge_of_members_counts_them_by_state_and_keeps_them_when_opened_again():
    metrics = Metrics()
    metrics.open_campaign("spring")
    members = metrics.members("dialer_calls_in_progress", campaign="spring")
    members.update({1: "ringing", 2: "ringing", 3: "bridged"})
    metrics.open_campaign("spring")
    metrics.open_campaign("autumn")
    cells = children(metrics, "dialer_calls_in_progress")
    assert cells["spring", "ringing"].value == 2
    assert cells["spring", "bridged"].value == 1
    assert cells["spring", "dialing"].value == 0
    assert cells["autumn", "ringing"].value == 0
    del members[1]
    members[2] = "bridged"
    assert cells["spring", "ringing"].value == 0
    assert metrics.members("dialer_calls_in_progress", campaign="spring") is members
    with pytest.raises(DialerError, match="a gauge of members"):
        metrics.gauge("dialer_calls_in_progress", campaign="spring", state="ringing")


def test_reading_while_campaigns_come_and_go_never_fails():
    metrics = Metrics()
    stop = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            while not stop.is_set():
                for family in metrics.families():
                    for key in family.children:
                        assert key
        except BaseException as error:  # any failure of the reader is the finding
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(300):
        metrics.open_campaign(f"campaign {number}")
        if number >= 5:
            metrics.close_campaign(f"campaign {number - 5}")
    stop.set()
    reader.join()
    assert not failures
