"""The contract of `MetricSource`, held by every adapter."""

from collections.abc import Iterator

import pytest

from tests.ports.metric_source_beds import LiveBed, PrometheusBed, SimulatedBed, SourceBed

READY = 'sum by (campaign) (dialer_agents{state="ready"})'
WATCHED = (READY, "sum(dialer_agents)", f"{READY} / 0", f"{READY} - {READY} / 0 * 0")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(LiveBed, id="daemon"),
        pytest.param(SimulatedBed, id="simulator"),
        pytest.param(PrometheusBed, id="prometheus", marks=pytest.mark.peer),
    ],
)
def bed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SourceBed]:
    made = request.param(tmp_path_factory.mktemp("source"), WATCHED)
    yield made
    made.close()


def test_each_campaign_gets_its_own_number(bed: SourceBed) -> None:
    spring, autumn = bed.ask((READY, "spring"), (READY, "autumn"))
    assert (spring.value, spring.result, spring.source) == (7.0, "used", bed.usual)
    assert (autumn.value, autumn.result) == (3.0, "used")
    assert spring.missed == ""
    assert spring.duration_s >= 0


def test_a_number_without_a_campaign_is_everybodys(bed: SourceBed) -> None:
    (answer,) = bed.ask(("sum(dialer_agents)", "autumn"))
    assert answer.value == 10.0
    (answer,) = bed.ask(("1.5 * 2", "autumn"))
    assert answer.value == 3.0


def test_it_says_when_the_samples_were_taken(bed: SourceBed) -> None:
    (answer,) = bed.ask((READY, "spring"))
    assert 0 <= bed.now() - answer.sampled_at < 5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("formula", "result", "reason"),
    [
        ('sum by (campaign) (dialer_agents{state="asleep"})', "empty", "nothing"),
        (f"{READY} / 0", "not_finite", r"\+Inf"),
        (f"{READY} - {READY} / 0 * 0", "not_finite", "NaN"),
        ("sum(", "failed", ""),
        ("dialer_agents", "failed", "series"),
        ("dialer_agents[5m]", "failed", "matrix"),
    ],
)
def test_what_is_no_number_is_told_with_its_reason(
    bed: SourceBed, formula: str, result: str, reason: str
) -> None:
    (answer,) = bed.ask((formula, "spring"))
    assert answer.value is None
    assert answer.result == result
    assert answer.reason
    assert reason.strip("\\") in answer.reason


def test_every_request_is_answered_once(bed: SourceBed) -> None:
    requests = [(text, title) for text in (READY, "sum(", "1") for title in ("spring", "autumn")]
    answers = bed.ask(*requests, *requests)
    assert [answer.request_id for answer in answers] == [*range(2 * len(requests))]
