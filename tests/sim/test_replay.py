"""What was recorded comes out the same again, and the first difference is told with both sides."""

import json
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.errors import InputError
from dialer.journal import CallMoved, Pulse, decode, encode_all, header
from dialer.pacing.redecide import redecide
from dialer.pacing.reservations import Reservations
from gateways.journal.writer import JournalConfig, JournalWriter
from sim.experiment import Case
from sim.model import CarrierModel, DeskModel
from sim.recording import case_of, case_text, journal_of, record_case
from sim.replay import replay_decisions, replay_simulation
from tests.sim.library import LIBRARY
from tests.sim.test_cli import SCENARIOS, run
from tests.sim.world_plans import CONFIG, HASTY, hasty, plan, records_of

VERSIONS = {"foredial": "1", "simpy": "4"}


def case(scenario: str = "everyday", pacer: str = "power:2.3", **more: object) -> Case:
    return LIBRARY.case(scenario, pacer, **{"agents": 4, "hours": 0.2, **more})  # type: ignore[arg-type]


def recorded(folder: Path, given: Case | None = None) -> Path:
    record_case(given or case(), 7, folder, VERSIONS)
    return journal_of(folder, 7)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_case_survives_being_written_down(scenario: str) -> None:
    pacer = "progressive" if scenario == "phones" else "power:2.3"
    made = case(scenario, pacer, jitter_s=0.01, hours=None)
    again = case_of(case_text(made), "a journal")
    assert again.flow == made.flow
    assert again.preset == made.preset
    assert case_text(again) == case_text(made)
    assert (again.agents, again.day) == (made.agents, made.day)


def test_a_case_takes_along_the_values_of_the_files_it_names(tmp_path: Path) -> None:
    (tmp_path / "talks.csv").write_text("talk_s\n30\n40\n80\n")
    world = tmp_path / "world.yaml"
    talk = "{distribution: empirical, file: talks.csv, column: talk_s}"
    world.write_text(f"calls: {{talk_s: {talk}}}\n")
    path = recorded(tmp_path, case(str(world)))
    (tmp_path / "talks.csv").unlink()
    assert replay_simulation(path, VERSIONS).difference is None


@pytest.mark.parametrize("scenario", ["everyday", "faults", "decay"])
def test_a_recorded_day_is_the_same_again(tmp_path: Path, scenario: str) -> None:
    found = replay_simulation(recorded(tmp_path, case(scenario, jitter_s=0.01)), VERSIONS)
    assert found.difference is None
    assert found.records > 500
    assert found.other_versions == ()


def test_other_versions_are_told(tmp_path: Path) -> None:
    found = replay_simulation(recorded(tmp_path), {"foredial": "2", "simpy": "4"})
    assert found.other_versions == (("foredial", "1", "2"),)


def test_a_record_that_was_another_is_the_first_difference(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    with path.open("rb") as stream:
        opening, *records = decode(stream)
    place = next(n for n, each in enumerate(records) if n > 100 and isinstance(each, CallMoved))
    was = records[place]
    assert isinstance(was, CallMoved)
    records[place] = was._replace(at=was.at + 0.001)
    path.write_bytes(header() + encode_all([opening, *records]))
    found = replay_simulation(path, VERSIONS).difference
    assert found is not None
    assert (found.place, found.recorded, found.replayed) == (place, records[place], was)


def test_a_record_too_few_or_too_many_is_told(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    with path.open("rb") as stream:
        records = list(decode(stream))
    path.write_bytes(header() + encode_all(records[:-1]))
    fewer = replay_simulation(path, VERSIONS).difference
    assert fewer is not None
    assert (fewer.recorded, fewer.replayed) == (None, records[-1])
    path.write_bytes(header() + encode_all([*records, records[-1]]))
    more = replay_simulation(path, VERSIONS).difference
    assert more is not None
    assert (more.recorded, more.replayed) == (records[-1], None)


def test_a_torn_journal_is_refused(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match="its end is missing; record it anew"):
        replay_simulation(path, VERSIONS)


def rounded_up(book: Reservations, ratio: float) -> int:
    return ceil(ratio)


def test_a_dialer_that_decides_otherwise_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recorded(tmp_path)
    monkeypatch.setattr(Reservations, "per_pulse", rounded_up)
    found = replay_simulation(path, VERSIONS).difference
    assert found is not None
    assert found.recorded != found.replayed


# --- decisions of a live day ----------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    agents=st.integers(1, 6),
    ratio=st.floats(1.0, 5.0),
    calls_per_second=st.sampled_from([0.0, 0.5, 2.0]),
    channels=st.sampled_from([0, 3, 9]),
    seed=st.integers(0, 1000),
)
def test_every_decision_follows_from_its_own_record(
    agents: int, ratio: float, calls_per_second: float, channels: int, seed: int
) -> None:
    made = plan(
        agents,
        ratio,
        callees=CarrierModel(**{**_fields(HASTY), "channels": channels}),
        habits=DeskModel(wrap_up_mean_s=2.0, rona=0.1),
        calls_per_second=calls_per_second,
    )
    found = replay_decisions(records_of(made, 1_767_711_600.0, 120.0, seed))
    assert found.difference is None
    assert found.unknown == 0
    assert found.agree > 5


def _fields(model: CarrierModel) -> dict[str, object]:
    return {name: getattr(model, name) for name in model.__dataclass_fields__}


def test_a_decision_that_was_another_is_told_with_both_sides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Reservations, "per_pulse", rounded_up)
    found = replay_decisions(records_of(hasty(4, 1.3), 1_767_711_600.0, 60.0))
    assert found.difference is not None
    assert found.difference.pulse.dials > found.difference.dials


def test_what_a_record_does_not_hold_is_not_judged() -> None:
    older = Pulse(1, 5.0, (("reserved", 2.0),), 1.5, (), 3, "released contacts")
    assert redecide(older) is None
    assert replay_decisions([older]) == (0, 1, None)
    nobody = older._replace(dials=0, reason="no contact is due")
    assert replay_decisions([nobody]) == (1, 0, None)


# --- as typed -------------------------------------------------------------------------------


def test_replay_of_a_recorded_simulation_as_typed(tmp_path: Path) -> None:
    words = ("--agents", "3", "--hours", "0.1", "--replications", "2", "--jitter", "5")
    done = run("simulate", "everyday", *words, "--workers", "2", "--journal", str(tmp_path))
    assert done.exit_code == 0, done.output
    for seed in (1, 2):
        told = run("replay", str(journal_of(tmp_path, seed)))
        assert told.exit_code == 0, told.output
        assert told.stdout.startswith("No difference: ")


def test_a_difference_is_exit_code_three_and_shows_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recorded(tmp_path)
    monkeypatch.setattr(Reservations, "per_pulse", rounded_up)
    told = run("replay", str(path))
    assert told.exit_code == 3
    assert "recorded: " in told.stdout
    assert "replayed: " in told.stdout
    document = json.loads(run("replay", str(path), "--json").stdout)
    assert document["difference"]["recorded"] != document["difference"]["replayed"]


def test_replay_of_a_daemons_journal_as_typed(tmp_path: Path) -> None:
    writer = JournalWriter(JournalConfig(tmp_path / "journal", 1 << 20, 1 << 24, 9.0))
    writer.start()
    for record in records_of(hasty(), 1_767_711_600.0, 60.0):
        writer.append(record)
    writer.close()
    told = json.loads(run("replay", str(tmp_path / "journal"), "--json").stdout)
    assert (told["kind"], told["unknown"], told["difference"]) == ("decisions", 0, None)
    assert told["agree"] > 20


@pytest.mark.parametrize("what", ["nowhere", "flow"])
def test_what_is_no_journal_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "flow":
        path = CONFIG / "campaigns" / "power.yaml"
    told = run("replay", str(path))
    assert (told.exit_code, told.stderr.count("\n")) == (2, 1)
