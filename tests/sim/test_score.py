"""Answer scores are trained on the past, judged on what came later, and say how sure they are."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dialer.errors import InputError
from dialer.score.past import Attempt
from run import command_line
from sim.score.judging import area_under, calibration_line, judge
from sim.score.reading import read_attempts
from sim.score.table import Table, table_of
from sim.score.training import Training, train
from tests.sim.score_records import ZONE, Recorded, csv_text, recorded

RUN = CliRunner()


@pytest.fixture(scope="module")
def records() -> Recorded:
    return recorded()


@pytest.fixture(scope="module")
def table(records: Recorded) -> Table:
    return table_of(records.attempts)


@pytest.fixture(scope="module")
def training(table: Table) -> Training:
    return train(table.part(0, 6000), "the first days")


def scores_of(training: Training, table: Table) -> np.ndarray:
    return np.array([training.model.probability(row) for row in table.rows])


def test_a_score_comes_near_the_truth_it_cannot_see(
    records: Recorded, table: Table, training: Training
) -> None:
    later = table.part(6000, len(table))
    ours = judge(
        scores_of(training, later), later.answered, later.who, [], training.model.reference
    )
    best = area_under(np.array(records.truth[6000:]), later.answered, later.who)
    # Four answers or none are all that a contact's past can tell.
    assert 0.66 < ours.area.value < best.value
    assert ours.brier < 0.95 * ours.base_brier
    assert 0.8 < ours.slope < 1.3, "it says neither too much nor too little"
    assert abs(float(scores_of(training, later).mean()) - ours.base_rate) < 0.03


def test_what_a_shuffled_past_teaches_is_said_to_be_worth_nothing() -> None:
    shuffled = recorded(seed=3).attempts
    outcomes = [attempt.outcome for attempt in shuffled]
    random.Random(1).shuffle(outcomes)
    attempts = [
        Attempt(a.dialed_at, outcome, a.number, a.contact, a.zone)
        for a, outcome in zip(shuffled, outcomes, strict=True)
    ]
    found = train(table_of(attempts), "shuffled", "scorecard")
    assert any("do not dial by it" in note for note in found.notes)
    assert not any("do not dial by it" in note for note in train_notes())


def train_notes() -> tuple[str, ...]:
    return train(table_of(recorded(seed=3).attempts), "true", "scorecard").notes


def test_the_area_and_its_interval_hold_with_attempts_of_one_contact_alike() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(5)
    scores = rng.random(500).round(2)
    answered = rng.random(500) < scores
    found = area_under(scores, answered, [""] * 500)
    assert found.value == pytest.approx(roc_auc_score(answered, scores))
    # The same attempt ten times over tells nothing new.
    ten = area_under(
        np.repeat(scores, 10), np.repeat(answered, 10), [str(n // 10) for n in range(5000)]
    )
    assert ten.high - ten.low == pytest.approx(found.high - found.low, rel=0.01)
    alone = area_under(np.repeat(scores, 10), np.repeat(answered, 10), [""] * 5000)
    assert alone.high - alone.low < 0.4 * (ten.high - ten.low)


def test_an_overconfident_score_is_told_by_its_slope() -> None:
    rng = np.random.default_rng(6)
    odds = rng.normal(-1, 1, 20_000)
    answered = rng.random(20_000) < 1 / (1 + np.exp(-odds))
    slope, _ = calibration_line(1 / (1 + np.exp(-3 * odds)), answered)
    assert slope == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize(
    ("attempts", "told"),
    [
        (recorded(20, 2).attempts, "are too few"),
        ([Attempt(float(n), "user_busy", contact="c") for n in range(900)], "reach|was answered"),
        ([Attempt(float(n), "cancelled", contact="c") for n in range(900)], "no attempt tells"),
        (
            [Attempt(float(n), "user_busy") for n in range(600)]
            + [Attempt(600.0 + n, "customer_answered") for n in range(300)],
            "one part of the time",
        ),
    ],
)
def test_attempts_that_cannot_teach_are_refused(attempts: list[Attempt], told: str) -> None:
    with pytest.raises(InputError, match=told):
        train(table_of(attempts), "few.csv")


def test_the_verbs_train_judge_and_draw(tmp_path: Path, records: Recorded) -> None:
    calls, model, plot = tmp_path / "calls.csv", tmp_path / "answers.json", tmp_path / "c.svg"
    calls.write_text(csv_text(records.attempts), "utf-8")
    app = command_line()
    words = ["score", "train", str(calls), "-o", str(model), "--until", "2026-03-06", "--json"]
    trained = RUN.invoke(app, [*words, "--form", "scorecard"])
    assert trained.exit_code == 0, trained.output
    assert json.loads(trained.stdout)["attempts"] == 6000
    judged = RUN.invoke(
        app, ["score", "evaluate", str(model), str(calls), "--plot", str(plot), "--json"]
    )
    assert judged.exit_code == 0, judged.output
    found = json.loads(judged.stdout)
    assert found["attempts"] == 3000, "those after the training"
    assert found["auc"]["low"] < found["auc"]["value"] < found["auc"]["high"]
    assert {hour["start"] for hour in found["hours"]} == set(map(float, range(9, 17)))
    assert "<svg" in plot.read_text("utf-8")
    rows = csv_text(records.attempts).splitlines()
    dialed_by = [",score", *(f",{truth:.4f}" for truth in records.truth)]
    calls.write_text("\n".join(map("".join, zip(rows, dialed_by, strict=True))), "utf-8")
    words = ["score", "evaluate", str(model), str(calls), "--as-dialed", "--json"]
    best = json.loads(RUN.invoke(app, words).stdout)
    assert best["auc"]["value"] > found["auc"]["value"]
    assert best["calibration"]["slope"] == pytest.approx(1, abs=0.15), "the truth was dialed by"
    shown = RUN.invoke(app, ["score", "evaluate", str(model), str(calls)])
    assert "Drift (PSI)" in shown.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dialed_at\n1\n", "no column 'outcome'"),
        ("dialled_at,outcome\n1,user_busy\n", "name it 'dialed_at'"),
        ("dialed_at,outcome\n1,busy\n", "no such outcome"),
        ("dialed_at,outcome,number\n1,user_busy,555\n", "not E.164"),
        ("dialed_at,outcome,score\n1,user_busy,7\n", "no probability"),
        ("dialed_at,outcome,zone\n1,user_busy,Mars\n", "no time zone"),
        ("dialed_at,outcome\n", "no attempts"),
        ("", "no column"),
    ],
)
def test_records_that_cannot_be_read_are_refused_in_one_line(
    tmp_path: Path, text: str, told: str
) -> None:
    calls = tmp_path / "calls.csv"
    calls.write_text(text, "utf-8")
    with pytest.raises(InputError, match=told):
        read_attempts(calls, ZONE)


@pytest.mark.parametrize(
    "words",
    [
        ["train", "missing.csv", "-o", "m.json"],
        ["train", "calls.csv", "-o", "m.json", "--form", "oracle"],
        ["train", "calls.csv", "-o", "nowhere/m.json"],
        ["train", "calls.csv", "-o", "m.json", "--zone", "Mars"],
        ["evaluate", "missing.json", "calls.csv"],
        ["evaluate", "calls.csv", "calls.csv"],
    ],
)
def test_bad_input_ends_with_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("calls.csv").write_text("dialed_at,outcome\n1,user_busy\n", "utf-8")
    result = RUN.invoke(command_line(), ["score", *words])
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
