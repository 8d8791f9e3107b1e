"""Series in the ledger: what was sampled can be had back from it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.journal import Digest, Sampled, encode
from dialer.metrics import Metrics
from dialer.promql import SeriesStore, compile_formula
from dialer.promql import labels as label_sets
from dialer.sampler import Sampler
from dialer.series_log import RECORDED, SeriesLog, parse_series, read_series

START = 1_767_225_600
READS = [compile_formula('{__name__=~"dialer_agents|dialer_call_attempts_total"}').reads]


def samples(store: SeriesStore) -> dict[str, list[tuple[int, float]]]:
    """Of the two metrics that the test moves."""
    return {
        label_sets.text(s.labels): [*zip(s.stamps_ms, s.values, strict=True)]
        for s in store
        if label_sets.get(s.labels, "__name__") in ("dialer_agents", "dialer_call_attempts_total")
    }


STEPS = st.lists(
    st.sampled_from(["ready", "reserved", "attempt", "open", "close", "quiet"]), max_size=130
)


@settings(deadline=None, max_examples=40)
@given(STEPS)
def test_what_is_read_back_is_what_was_sampled(steps: list[str]) -> None:
    """Planted and seen to fail: a hole where nothing changed; campaigns that stay when they go."""
    metrics = Metrics()
    metrics.open_campaign('Spring "A"')
    sampler, log, records = Sampler(metrics, "journal"), SeriesLog(metrics), []
    sampler.keep(READS)
    for second, step in enumerate([*steps, "quiet"]):
        label = {"campaign": 'Spring "A"'}
        if step in ("ready", "reserved"):
            metrics.members("dialer_agents", **label)[second] = step
        elif step == "attempt":
            metrics.counter("dialer_call_attempts_total", **label).inc()
        elif step == "open":
            metrics.open_campaign("autumn")
        elif step == "close":
            metrics.close_campaign("autumn")
        sampler.tick(START + second)
        record = log.record(START + second)
        if record is not None:
            records.append(record)
    found, meant = samples(read_series(records)), samples(sampler.store)
    last = max((stamps[-1][0] for stamps in found.values() if stamps), default=0)
    # What follows the last change is not written until the next minute.
    assert found == {
        name: [(t, v) for t, v in values if t <= last] for name, values in meant.items()
    }


def test_a_second_in_which_nothing_changes_costs_nothing() -> None:
    metrics = Metrics()
    metrics.open_campaign("spring")
    log = SeriesLog(metrics)
    records = [log.record(START + second) for second in range(120)]
    assert [record is not None for record in records].count(True) == 2
    assert all(record.whole for record in records if record is not None)


def test_a_change_is_written_alone() -> None:
    metrics = Metrics()
    metrics.open_campaign("spring")
    log = SeriesLog(metrics)
    log.record(START)
    metrics.counter("dialer_call_attempts_total", campaign="spring").inc()
    record = log.record(START + 1)
    assert record == Sampled(
        START + 1, (('dialer_call_attempts_total{campaign="spring"}', 1.0),), False
    )
    assert len(encode(record)) < 80


def test_a_reader_may_begin_in_the_middle() -> None:
    metrics = Metrics()
    metrics.open_campaign("spring")
    log = SeriesLog(metrics)
    agents = metrics.members("dialer_agents", campaign="spring")
    records = []
    for second in range(100):
        agents[second] = "ready"
        record = log.record(START + second)
        assert record is not None
        records.append(record)
    store = read_series(records[30:])
    formula = compile_formula('dialer_agents{state="ready"}')
    assert formula.number(store, START + 59).value is None
    assert formula.number(store, START + 60).value == 61


def test_a_pause_of_minutes_is_a_hole() -> None:
    first = Sampled(START, (("dialer_agents", 4.0),))
    then = Sampled(START + 600, (("dialer_agents", 5.0),))
    (series,) = [s for s in read_series([first, then]) if s.values != [1.0, 1.0]]
    assert series.stamps_ms == [START * 1000, (START + 600) * 1000]


def test_buckets_are_written_only_where_a_formula_reads_them() -> None:
    metrics = Metrics()
    metrics.open_campaign("spring")
    log = SeriesLog(metrics)
    names = {parse_series(name)[0][1] for name, _ in (log.record(START) or Sampled(0)).series}
    assert names == RECORDED
    bucket = "dialer_call_ring_duration_seconds_bucket"
    log.keep([compile_formula(f"histogram_quantile(0.9, {bucket})").reads])
    names = {parse_series(name)[0][1] for name, _ in (log.record(START + 1) or Sampled(0)).series}
    assert names == RECORDED | {bucket}


def test_records_of_series_are_records_of_the_journal() -> None:
    digest = Digest()
    digest.append(Sampled(1.0, (("up", 1.0),), False))
    assert digest.records == 1
