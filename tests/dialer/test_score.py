"""Answer scores: the past and the features of a dial, and a model's file as it is read."""

import json
from datetime import datetime
from math import log
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dialer.errors import InputError
from dialer.score.drift import Drift, stability
from dialer.score.features import area_of, features
from dialer.score.model import Shares, load_model, model_text
from dialer.score.past import NO_PAST, Attempt, Past, examples

MODEL: dict[str, Any] = {
    "format": "foredial-answer-score",
    "version": 1,
    "columns": [{"name": "hour"}, {"name": "kind", "levels": ["fixed", "mobile"]}],
    "form": {
        "form": "scorecard",
        "intercept": -1.0,
        "columns": [
            {"edges": [12.0], "points": [0.0, 0.5], "unknown": 0.1},
            {"edges": [0.5], "points": [0.0, 0.25], "unknown": 0.0},
        ],
    },
    "calibration": {"slope": 2.0, "intercept": 0.3},
    "reference": {"edges": [0.2, 0.4], "shares": [0.25, 0.5, 0.25]},
    "classes": {"edges": [0.3], "rates": [0.2, 0.45]},
    "trained": {"attempts": 100, "answers": 30, "from_at": 0.0, "until_at": 1.0},
}
TREES = {
    "form": "trees",
    "intercept": -1.0,
    "trees": [
        {
            "column": [0, -1, 1, -1, -1],
            "threshold": [12.0, 0.0, 0.0, 0.0, 0.0],
            "left": [1, 0, 3, 0, 0],
            "right": [2, 0, 4, 0, 0],
            "unknown_left": [True, False, False, False, False],
            "value": [0.0, -0.5, 0.0, 0.1, 0.2],
        }
    ],
}


def changed(**parts: Any) -> bytes:
    return json.dumps(MODEL | parts).encode()


def moment(hour: int) -> float:
    return datetime(2026, 3, 2, hour, 30, tzinfo=ZoneInfo("America/Chicago")).timestamp()


def log_odds(probability: float) -> float:
    return log(probability / (1 - probability))


def test_the_past_of_an_attempt_is_what_was_known_when_it_was_dialed() -> None:
    told = examples(
        [
            Attempt(30.0, "customer_answered", contact="a"),
            Attempt(10.0, "no_user_response", contact="a", imported_at=5.0),
            Attempt(15.0, "congestion", contact="a"),
            Attempt(20.0, "cancelled", contact="a"),
            Attempt(25.0, "user_busy", contact="b"),
            Attempt(40.0, "user_busy", contact="a"),
        ]
    )
    assert [(e.attempt.dialed_at, e.past, e.answered) for e in told] == [
        (10.0, Past(imported_at=5.0), False),
        (25.0, NO_PAST, False),
        # Not the trunk's fault at 15, but the ringing that was given up at 20.
        (30.0, Past(2, 0, "cancelled", 20.0, 5.0), True),
        (40.0, Past(3, 1, "customer_answered", 30.0, 5.0), False),
    ]


def test_contacts_without_an_id_are_told_by_their_number_and_nobody_by_nothing() -> None:
    attempts = [
        Attempt(1.0, "user_busy", "+12125550100"),
        Attempt(2.0, "user_busy", "+12125550100"),
        Attempt(3.0, "user_busy"),
        Attempt(4.0, "user_busy"),
    ]
    assert [example.past.attempts for example in examples(attempts)] == [0, 1, 0, 0]


def test_features_are_of_the_callees_own_clock_and_number() -> None:
    past = Past(3, 1, "user_busy", moment(9) - 2 * 86_400, moment(9) - 10 * 86_400)
    found = features(moment(9), "+13125550100", "", past)
    assert found["hour"] == 9.5
    assert found["weekday"] == "0"
    assert found["area"] == "+1312"
    assert found["region"] == "US"
    assert found["kind"] == "fixed_or_mobile"
    assert found["list_age_days"] == pytest.approx(10)
    assert found["days_since_last"] == pytest.approx(2)
    assert found["answer_share"] == pytest.approx(1.5 / 5)
    assert found["last_outcome"] == "user_busy"
    # A toll-free number may be in any of the plan's zones: the middle of them is taken.
    assert 8 <= features(moment(9), "+18005550100", "", past)["hour"] <= 11
    # A contact that says where it lives is believed.
    assert features(moment(9), "+13125550100", "America/New_York", past)["hour"] == 10.5
    assert features(moment(9), "", "", NO_PAST)["hour"] is None


def test_areas_are_those_of_the_numbering_plan() -> None:
    assert area_of("+12125550100") == "+1212"
    assert area_of("+493012345678") == "+4930"
    assert area_of("nonsense") == ""


def test_a_scorecard_adds_points_and_calibrates() -> None:
    model = load_model(changed(), "m")
    afternoon = {"hour": 12.0, "kind": "mobile"}
    assert log_odds(model.probability(afternoon)) == pytest.approx(0.3 + 2 * (-1 + 0.5 + 0.25))
    unknown = {"hour": None, "kind": "satellite"}
    assert log_odds(model.probability(unknown)) == pytest.approx(0.3 + 2 * (-1 + 0.1))


def test_trees_are_walked_to_their_leaves() -> None:
    model = load_model(changed(form=TREES), "m")

    def leaf(hour: float | None, kind: str | None) -> float:
        return (log_odds(model.probability({"hour": hour, "kind": kind})) - 0.3) / 2 + 1

    assert leaf(12.0, "mobile") == pytest.approx(-0.5)
    assert leaf(None, "mobile") == pytest.approx(-0.5)
    assert leaf(12.1, "fixed") == pytest.approx(0.1)
    assert leaf(12.1, None) == pytest.approx(0.2)


def test_a_model_reads_as_it_was_written() -> None:
    for form in (MODEL["form"], TREES):
        model = load_model(changed(form=form), "m")
        assert load_model(model_text(model), "m") == model


def broken_tree(**parts: Any) -> dict[str, Any]:
    return TREES | {"trees": [TREES["trees"][0] | parts]}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"format": "other"}',
        changed(version=2),
        changed(extra=1),
        changed(columns=[{"name": "hour"}]),
        changed(columns=[{"name": "shoe_size"}, {"name": "kind"}]),
        changed(columns=[{"name": "hour"}, {"name": "hour"}]),
        changed(calibration={"slope": 1e999, "intercept": 0.0}),
        changed(reference={"edges": [0.4, 0.2], "shares": [0.3, 0.3, 0.4]}),
        changed(classes={"edges": [0.4], "rates": [0.3, 3.0]}),
        changed(form=broken_tree(left=[0, 0, 3, 0, 0])),
        changed(form=broken_tree(right=[2, 0, 9, 0, 0])),
        changed(form=broken_tree(column=[7, -1, 1, -1, -1])),
        changed(form=broken_tree(value=[0.0])),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^m: it is no answer score") as refused:
        load_model(data, "m")
    assert "\n" not in str(refused.value)


def test_drift_is_nothing_for_the_scores_of_training_and_grows_as_they_move() -> None:
    shares = (0.25, 0.5, 0.25)
    assert stability(shares, (250, 500, 250)) == pytest.approx(0)
    moved = stability(shares, (500, 250, 250))
    assert moved == pytest.approx(0.25 * log(2) + 0.25 * log(2))
    assert stability(shares, (0, 0, 0)) == 0
    drift = Drift(Shares((0.2, 0.4), shares), last=400)
    for _ in range(1000):
        drift.put(0.9)
    assert drift.index > 1
    for _ in range(100):
        for score in (0.1, 0.3, 0.3, 0.9):
            drift.put(score)
    assert drift.index == pytest.approx(0), "only the last scores count"
