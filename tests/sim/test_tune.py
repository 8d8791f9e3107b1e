"""Numbers of a campaign tried out: where they stand, what wins, and what luck may not win."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from config.composition.laboratory import LIBRARY
from dialer.errors import InputError
from dialer.flow.graph import load_flow
from sim import tune as search
from sim.experiment import Case
from sim.figures import Figures
from sim.replication import Replication
from sim.thresholds import parse_threshold
from sim.tunable import parse_parameter, parse_parameters, with_values
from sim.tune import Task, tune
from tests.sim.test_cli import refused, run
from tests.sim.world_plans import CONFIG

POWER = (CONFIG / "campaigns" / "power.yaml").read_text()
RATIO = "init.dialing.ratio=1:9"


# --- parameters -------------------------------------------------------------------------------


def test_a_number_is_changed_where_it_stands_and_comments_stay() -> None:
    ratio, target = parse_parameters([RATIO, "seize.target=2:50:int"])
    text = with_values(POWER, "power.yaml", {ratio: 2.71828, target: 12.4})
    flow = load_flow(text, "power.yaml")
    assert flow.init.dialing.model_dump()["ratio"] == 2.718
    assert flow.nodes["seize"].model_dump()["target"] == 12
    kept = [line for line in POWER.splitlines() if line.lstrip().startswith("#")]
    assert kept == [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert len(text.splitlines()) == len(POWER.splitlines())


def test_a_number_of_a_formula_is_found_by_counting() -> None:
    formula = 'clamp(0.5 / rate(calls_2_total{q="a"}[5m]) * 1e1, 1, 8.25)'
    text = POWER.replace("{mode: power, ratio: 1.5}", f"{{mode: predictive, formula: '{formula}'}}")
    first, last = parse_parameters(
        ["init.dialing.formula#1=0.1:2:log", "init.dialing.formula#4=2:9"]
    )
    for values, told in (
        ({first: 0.25}, formula.replace("0.5", "0.25")),
        ({last: 3.0}, formula.replace("8.25", "3")),
        ({first: 0.25, last: 3.0}, formula.replace("0.5", "0.25").replace("8.25", "3")),
    ):
        flow = load_flow(with_values(text, "f.yaml", values), "f.yaml")
        assert flow.init.dialing.model_dump()["formula"] == told
    with pytest.raises(InputError, match=r"has 0\.5, 1e1, 1, 8\.25; count from 1"):
        with_values(text, "f.yaml", {first._replace(nth=5): 1.0})
    with pytest.raises(InputError, match="there is no formula"):
        with_values(POWER, "f.yaml", {first: 1.0})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("init.dialing.ratio", "write NODE.KEY=LOW:HIGH"),
        ("ratio=1:2", "write NODE.KEY=LOW:HIGH"),
        ("a.b=1", "no range"),
        ("a.b=x:2", "no range"),
        ("a.b=3:2", "the range is empty"),
        ("a.b=1:inf", "the range is empty"),
        ("a.b=0:2:log", "a log scale has no 0"),
        ("a.b=1:2:lgo", "what is 'lgo'?"),
        ("a.b#x=1:2", "write NODE.KEY=LOW:HIGH"),
    ],
)
def test_a_parameter_that_is_none_is_refused(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_parameter(text)
    assert told in str(caught.value)


# --- the search, on days that cost nothing ----------------------------------------------------


class FakeDays:
    """Days by a formula instead of a simulation, so that the truth is known and costs nothing.

    lucky: on the days of the search nobody is abandoned up to a ratio of 6.
    """

    def __init__(self, lucky: bool = False) -> None:
        self.lucky = lucky
        self.ratios: list[float] = []

    def __call__(
        self, case: Case, seed: int, count: int, *, first: int = 0, workers: int = 0
    ) -> list[Replication]:
        flow = case.flow
        ratio = next(node for node in flow.nodes if node.type == "init").dialing.ratio  # type: ignore[attr-defined]
        self.ratios.append(ratio)
        days = []
        for number in range(first, first + count):
            abandoned = max(0.0, 20 * (ratio - 2) + number % 3)
            if self.lucky and first == 0 and ratio <= 6:
                abandoned = 0
            figures = Figures(
                {"talking": 1000 * (1 - 0.5 / ratio) + number % 2, "ready": 500 / ratio},
                answered=1000,
                abandoned=int(abandoned),
            )
            days.append(Replication(figures, "", 0, {}, (), {}, 0.0, seed + number))
        return days


def task(**particulars: object) -> Task:
    given = Task(
        LIBRARY,
        LIBRARY.scenario("base"),
        POWER,
        "power.yaml",
        parse_parameters([RATIO]),
        10,
        0.1,
        limits=(parse_threshold("abandonment<=0.03"),),
    )
    return replace(given, **particulars)  # type: ignore[arg-type]


def test_the_search_finds_the_busiest_that_surely_keeps_the_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    days = FakeDays()
    monkeypatch.setattr(search, "run_replications", days)
    found = tune(task(), 40, f"sqlite:///{tmp_path}/t.db")
    assert found.winner is not None
    assert days.ratios[0] == 1.5  # what the campaign has is tried first
    # Three in a hundred are reached at 3.5, where the bound is above them; so it stays below.
    assert 2.3 < found.winner.values["init.dialing.ratio"] < 3.45
    assert found.winner.abandonment.upper <= 0.03
    assert all(each.abandonment.upper <= 0.03 for each in found.best(99))
    busiest = max(each.objective.mean for each in found.tries)
    assert busiest > found.winner.objective.mean  # the limit does bind
    assert f"ratio: {found.winner.values['init.dialing.ratio']:g}" in found.text()


def test_luck_does_not_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On the days of the search a ratio of 6 abandons nobody; on others it does."""
    monkeypatch.setattr(search, "run_replications", FakeDays(lucky=True))
    found = tune(task(), 25, f"sqlite:///{tmp_path}/t.db")
    assert found.best(1)[0].values["init.dialing.ratio"] > 4
    assert found.best(1)[0].keeps
    assert [each.keeps for each in found.fresh] == [False] * 3
    assert found.winner is None


def test_an_interrupted_search_goes_on_and_another_task_begins_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    days = FakeDays()
    monkeypatch.setattr(search, "run_replications", days)
    storage = f"sqlite:///{tmp_path}/t.db"

    def interrupted(done: int, trials: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(task(), 12, storage, interrupted)
    assert len(days.ratios) == 6
    whole = tune(task(), 12, storage)
    assert len(whole.tries) == 12
    assert len(days.ratios) == 12 + len(whole.fresh)
    assert [each.values["init.dialing.ratio"] for each in whole.tries] == days.ratios[:12]
    assert len(set(days.ratios[:12])) >= 10  # going on, it does not propose the same again
    other = tune(task(limits=(parse_threshold("abandonment<=0.01"),)), 3, storage)
    assert len(other.tries) == 3


def test_what_is_less_the_better_is_searched_downwards(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(search, "run_replications", FakeDays())
    limits = (parse_threshold("occupancy>=0.7"),)
    found = tune(task(objective="abandonment", limits=limits), 25, f"sqlite:///{tmp_path}/t.db")
    assert found.winner is not None
    assert found.winner.objective.mean < 0.005
    assert found.winner.values["init.dialing.ratio"] > 1.6


# --- as typed ---------------------------------------------------------------------------------

WORDS = ("tune", "base", "--campaign", "power", "--agents", "4", "--hours", "0.05")
QUICK = ("--trials", "3", "--replications", "2", "--fresh", "2", "--workers", "1")


def test_tune_writes_the_winning_campaign(tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    words = (*WORDS, *QUICK, "--param", "init.dialing.ratio=1:2", "-o", str(out))
    result = run(*words, "--limit", "abandonment<=1", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert len(told["trials"]) == 3
    assert told["written"] == str(out)
    ratio = told["winner"]["values"]["init.dialing.ratio"]
    assert load_flow(out.read_text(), "mine.yaml").init.dialing.model_dump()["ratio"] == ratio
    assert out.read_text().startswith("# Power: more calls in flight than agents")
    again = run(*words, "--limit", "abandonment<=1")
    assert again.exit_code == 0, again.output
    assert f"Written: {out} (init.dialing.ratio={ratio:g})" in again.stdout
    missed = run(*words, "--limit", "occupancy>=0.999", "--json")
    assert missed.exit_code == 3
    assert json.loads(missed.stdout)["written"] is None


def test_bad_input_to_tune_is_one_line(tmp_path: Path) -> None:
    words = (*WORDS, "-o", str(tmp_path / "mine.yaml"))
    ratio = ("--param", "init.dialing.ratio=1:2")
    assert "nothing to tune" in refused(*words)
    assert "no such node" in refused(*words, "--param", "inti.dialing.ratio=1:2")
    assert "given twice" in refused(*words, *ratio, *ratio)
    assert "ratio" in refused(*words, "--param", "init.dialing.ratio=0:2")
    assert "no such figure" in refused(*words, *ratio, "--objective", "ocupancy")
    assert "no such figure" in refused(*words, *ratio, "--limit", "abandonmnt<=0.03")
    assert "no database URL" in refused(*words, *ratio, "--storage", "tune.db")
    assert "no such kind" in refused(*words, *ratio, "--storage", "oracle://me:secret@here/x")
    assert "no such folder" in refused(*words[:-1], str(tmp_path / "no" / "mine.yaml"), *ratio)
    assert not list(tmp_path.iterdir())


def test_a_database_that_is_not_there_is_told_without_its_password() -> None:
    result = run(
        *WORDS, "--param", "init.dialing.ratio=1:2", "-o", "x.yaml",
        "--storage", "postgresql://me:secret@127.0.0.1:1/x",
    )  # fmt: skip
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr
    assert "127.0.0.1" in result.stderr
