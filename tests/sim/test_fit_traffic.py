"""A scenario made of recorded traffic is the world that the traffic came from."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import InputError
from dialer.journal import encode_all, header
from sim.fit import fitting, outcome_mix
from sim.fit.csv_records import AGENT_COLUMNS, TIMES, WORDS, read_agent_events, read_calls
from sim.fit.dayparts import Dayparts
from sim.fit.fitting import Fit, fit_traffic
from sim.fit.journal_records import read_journal, traffic_of
from sim.fit.prediction import hours_of, judge, predict
from sim.fit.records import Traffic
from sim.fit.writing import checked, scenario_text
from sim.population import Population
from sim.replication import Day, run_replication
from sim.scenario import Scenario, load_scenario
from sim.world import WorldPlan
from tests.sim.world_plans import plan

ZONE = "America/New_York"
UNSEEN = """
start: 2026-03-02 09:00
hours: 2
calls:
  outcomes: {live: 0.2, machine: 0.3, no_answer: 0.3, busy: 0.1, invalid: 0.1}
  post_dial_delay_s: {distribution: gamma, mean: 2, cv: 0.5}
  ring_s: {distribution: gamma, mean: 12, shape: 3}
  no_answer_after_s: 20
  talk_s: {distribution: lognormal, mean: 60, cv: 1}
  wrap_up_s: {distribution: weibull, mean: 20, cv: 0.6}
  patience_s: {distribution: exponential, mean: 4}
cpa: {human_delay_s: 0.8, machine_delay_s: 2.5}
agents:
  log_in_s: {distribution: exponential, mean: 60}
  breaks: [{at_s: 3000, groups: 2, stagger_s: 600, lasts_s: 300}]
changes:
  - {from_time: "09:00", live: 0.2}
  - {from_time: "10:00", live: 0.4}
"""
DAYS, AGENTS = 4, 8


class Kept:
    def __init__(self) -> None:
        self.records: list[tuple[Any, ...]] = []

    def extend(self, records: Sequence[tuple[Any, ...]]) -> None:
        self.records.extend(records)


def world(scenario: Scenario) -> WorldPlan:
    people = Population(scenario, AGENTS)
    return plan(AGENTS, 2.0, callees=people, habits=people, store=people.contacts)


def on_day(scenario: Scenario, number: int) -> Scenario:
    return scenario.model_copy(update={"start": scenario.start + timedelta(days=number)})


@pytest.fixture(scope="module")
def unseen() -> Scenario:
    return load_scenario(UNSEEN, "unseen.yaml")


@pytest.fixture(scope="module")
def ledger(unseen: Scenario) -> list[tuple[Any, ...]]:
    kept = Kept()
    for number in range(DAYS):
        today = on_day(unseen, number)
        run_replication(world(today), Day(2.0, start_at=today.start_at), 100 + number, [kept])
    return kept.records


@pytest.fixture(scope="module")
def fit(ledger: list[tuple[Any, ...]]) -> Fit:
    return fit_traffic(traffic_of(ledger, "a ledger"), ZONE)


@pytest.fixture(scope="module")
def fitted(fit: Fit) -> Scenario:
    return checked(scenario_text(fit, "fitted", "a ledger"), "fitted.yaml")


def test_the_day_and_the_calls_are_found_again(fitted: Scenario, unseen: Scenario) -> None:
    assert (fitted.start, fitted.hours, fitted.zone) == (unseen.start, 2.0, ZONE)
    found, true = fitted.traits(), unseen.traits()
    for name, cv in (("talk_s", 0.15), ("wrap_up_s", 0.1), ("post_dial_delay_s", 0.1)):
        assert found[name].law.mean == pytest.approx(true[name].law.mean, rel=0.08), name
        assert found[name].law.cv == pytest.approx(true[name].law.cv, rel=cv), name
    assert found["no_answer_after_s"] == 20
    assert fitted.cpa.human_delay_s == pytest.approx(0.8)
    assert fitted.cpa.machine_delay_s == pytest.approx(2.5)
    # Patience was seen for two seconds only, so only they are known.
    within = found["patience_s"].law.cdf(2.0)
    assert within == pytest.approx(true["patience_s"].law.cdf(2.0), abs=0.1)


def test_answers_by_the_hour_are_found_though_late_rings_hide_some(fitted: Scenario) -> None:
    first, second = fitted.changes
    assert (str(first.from_time), str(second.from_time)) == ("09:00:00", "10:00:00")
    assert first.live == pytest.approx(0.2, abs=0.03)
    assert second.live == pytest.approx(0.4, abs=0.04)
    assert fitted.calls.outcomes is not None
    assert fitted.calls.outcomes.live == pytest.approx(0.2, abs=0.03)
    assert fitted.calls.outcomes.invalid == pytest.approx(0.1, abs=0.03)


def test_agents_habits_are_found_again(fitted: Scenario) -> None:
    agents = fitted.agents
    assert agents.log_in_s.law.mean == pytest.approx(60, rel=0.4)
    (rest,) = agents.breaks
    assert rest.at_s == pytest.approx(3000, abs=60)
    assert rest.lasts_s.law.mean == pytest.approx(300, rel=0.1)
    assert rest.announced
    assert 200 < rest.spread_s.law.mean < 400  # half of them go ten minutes later


def test_what_was_fitted_is_said_and_the_rest_is_guessed(fit: Fit, fitted: Scenario) -> None:
    assumed = {each.name: each.fitted for each in fitted.assumptions()}
    assert assumed["calls.talk_s"]
    assert assumed["agents.breaks"]
    assert not assumed["calls.machine_talk_s"]
    assert not assumed["cpa.human_as_machine"]
    assert any("extrapolated" in note for note in fit.notes)


def hours(scenario: Scenario, seed: int) -> list[dict[str, float]]:
    return hours_of(world(scenario), Day(2.0, start_at=scenario.start_at), seed)


@pytest.fixture(scope="module")
def coming(unseen: Scenario) -> list[list[dict[str, float]]]:
    return [hours(on_day(unseen, number), 200 + number) for number in range(7, 7 + DAYS)]


def coverage(fitted: Scenario, coming: list[list[dict[str, float]]]) -> float:
    simulated = [hours(fitted, seed) for seed in range(10)]
    judged = judge(predict(simulated, 0.9, DAYS), coming)
    assert len(judged) == DAYS * 2 * 5
    return sum(each.kept for each in judged) / len(judged)


def test_the_hours_of_days_to_come_are_predicted(
    fitted: Scenario, coming: list[list[dict[str, float]]]
) -> None:
    assert coverage(fitted, coming) >= 0.75


def test_a_fit_that_is_blind_to_the_hour_does_not_predict_them(
    ledger: list[tuple[Any, ...]],
    coming: list[list[dict[str, float]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So the test above can fail. (Bursts of an hour's length would cover for the change.)"""
    monkeypatch.setattr(fitting, "burst_of", lambda *_: None)
    monkeypatch.setattr(outcome_mix, "share_parts", lambda *_: (Dayparts((0,)), 1.0))
    blind = fit_traffic(traffic_of(ledger, "a ledger"), ZONE)
    text = scenario_text(blind, "blind", "a ledger")
    assert coverage(checked(text, "blind.yaml"), coming) < 0.6


# --- reading ----------------------------------------------------------------------------------


def iso(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).isoformat()


def write_csv(traffic: Traffic, calls: Path, agents: Path) -> None:
    with calls.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["Note", *TIMES, *WORDS])
        for record in traffic.calls:
            times = [iso(getattr(record, name)) for name in TIMES]
            writer.writerow(["", *times, *(getattr(record, name) for name in WORDS)])
    with agents.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(AGENT_COLUMNS)
        for event in traffic.agent_events:
            writer.writerow([event.agent, iso(event.at), event.after])


def test_a_ledger_and_its_csv_give_the_same_scenario(
    ledger: list[tuple[Any, ...]], fit: Fit, tmp_path: Path
) -> None:
    segment = tmp_path / "journal" / "00000001.fdj"
    segment.parent.mkdir()
    segment.write_bytes(header() + encode_all(ledger))
    traffic = read_journal(segment.parent)
    assert read_journal(segment).calls == traffic.calls
    write_csv(traffic, tmp_path / "calls.csv", tmp_path / "agents.csv")
    read = read_calls(tmp_path / "calls.csv", ZONE)
    read.agent_events = read_agent_events(tmp_path / "agents.csv", ZONE)
    assert len(read.calls) == len(traffic.calls)
    again = fit_traffic(read, ZONE).written
    assert again["calls"]["outcomes"] == fit.written["calls"]["outcomes"]
    assert again["changes"] == fit.written["changes"]
    assert (
        again["calls"]["talk_s"]["distribution"] == (fit.written["calls"]["talk_s"]["distribution"])
    )
    assert set(fit.written["fitted"]) == set(again["fitted"])


HEADER = "dialed_at,answered_at,ended_at,outcome,zone\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dialed_at,ended_at\n", "calls.csv:1: no column 'outcome'; the columns are dialed_at"),
        (HEADER, "no calls; give a record of each call"),
        (HEADER + "yesterday,,,user_busy,\n", "calls.csv:2: dialed_at: 'yesterday' is no time"),
        (HEADER + ",,2026-03-02 09:00,user_busy,\n", "calls.csv:2: no dialed_at"),
        (
            HEADER + "2026-03-02 09:00,2026-03-02 08:59,,user_busy,\n",
            "calls.csv:2: answered_at is before dialed_at",
        ),
        (HEADER + "10,,20,user_bussy,\n", "no such outcome: 'user_bussy'; did you mean"),
        (HEADER + "10,,20,user_busy,Mars\n", "calls.csv:2: no time zone 'Mars'"),
    ],
)
def test_a_bad_recording_is_told_by_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_calls(path, ZONE)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_little_to_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(HEADER + "10,,20,user_busy,\n" * 50)
    with pytest.raises(InputError, match="0 calls answered by a person; record 30 at least"):
        fit_traffic(read_calls(path, ZONE), ZONE)
    with pytest.raises(InputError, match="cannot be read"):
        read_calls(tmp_path / "none.csv", ZONE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no calls in this ledger"):
        read_journal(tmp_path / "empty")


def test_segments_and_their_zones_become_the_scenarios(tmp_path: Path) -> None:
    """Two cities, three hours apart, with shares of answers of their own."""
    rows = []
    start = datetime(2026, 3, 2, 14, tzinfo=UTC).timestamp()
    for number in range(4000):
        west = number % 4 == 0
        live = number % 10 < (1 if west else 5)
        at = start + number
        zone = "America/Los_Angeles" if west else ZONE
        outcome = "customer_answered" if live else "no_user_response"
        ended = at + 60 + number % 17 if live else at + 30
        rows.append(f"{at},{at + 9 + number % 7 if live else ''},{ended},{outcome},{zone}\n")
    path = tmp_path / "calls.csv"
    path.write_text(HEADER + "".join(rows))
    found = fit_traffic(read_calls(path, ZONE), ZONE)
    scenario = checked(scenario_text(found, "two cities", "a CSV"), "two.yaml")
    east, west_coast = sorted(scenario.segments, key=lambda each: each.zone is not None)
    assert (east.share, west_coast.share) == (0.75, 0.25)
    assert west_coast.zone == "America/Los_Angeles"
    assert east.outcomes is not None
    assert west_coast.outcomes is not None
    assert west_coast.outcomes.live < 0.25
    assert east.outcomes.live > 0.4
