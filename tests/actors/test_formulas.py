"""Formulas in a campaign: followed where they give a number, safe where they do not."""

from collections.abc import Callable, Sequence

import pytest

from actors.formula_desk import ANSWER_WITHIN_S
from actors.series_desk import InProcessSource, SeriesDesk
from dialer import journal
from dialer.formula_port import Evaluate, Evaluated, MetricSource
from dialer.ports import Sink
from tests.actors.conftest import Scene
from tests.actors.world import BUSY, Team, flow_text

MakeScene = Callable[..., Scene]


class ScriptedSource:
    """A source that answers as the test says, at once or when it is told to.

    answers: by formula, a number or what came of it. held: requests that wait.
    """

    name = "in_process"

    def __init__(self, answers: dict[str, float | str] | None = None) -> None:
        self.answers: dict[str, float | str] = answers or {}
        self.holds = False
        self.held: list[tuple[Evaluate, Sink]] = []
        self.asked: list[Evaluate] = []
        self.watched: dict[str, tuple[str, ...]] = {}
        self.sampled_at = 0.0

    def watch(self, owner: str, formulas: Sequence[str]) -> None:
        self.watched[owner] = tuple(formulas)

    def evaluate(self, request: Evaluate, reply_to: Sink) -> None:
        self.asked.append(request)
        if self.holds:
            self.held.append((request, reply_to))
        else:
            self.answer(request, reply_to)

    def answer(self, request: Evaluate, reply_to: Sink) -> None:
        found = self.answers[request.formula]
        value, result = (None, found) if isinstance(found, str) else (found, "used")
        at = self.sampled_at or request.at
        reply_to.tell(Evaluated(request.request_id, value, result, self.name, "", "", at, 0.001))


def dialing(formula: str, per: str = "reserved_agent") -> str:
    return f"{{mode: predictive, formula: '{formula}', per: {per}}}"


@pytest.fixture
def source() -> ScriptedSource:
    return ScriptedSource()


@pytest.fixture
def scene(make_scene: MakeScene, source: ScriptedSource) -> Scene:
    return make_scene(formulas=lambda _: source)


def pulses(scene: Scene) -> list[journal.Pulse]:
    return [r for r in scene.team.ledger.records if isinstance(r, journal.Pulse)]


# --- a number is followed ---------------------------------------------------------------------


@pytest.mark.parametrize(("value", "dials"), [(1.0, 4), (2.0, 8), (2.4, 9), (0.5, 2), (0.0, 0)])
def test_predictive_keeps_so_many_calls_in_flight_per_reserved_agent(
    scene: Scene, source: ScriptedSource, value: float, dials: int
) -> None:
    source.answers["f"] = value
    scene.add_agents(4)
    scene.team.start(flow_text(target=4, dialing=dialing("f")))
    scene.advance(1)
    assert len(scene.trunk.dialed) == dials
    assert pulses(scene)[-1].value == value
    assert ("formula", value) in pulses(scene)[-1].inputs


def test_a_formula_that_rises_places_more_and_one_that_falls_places_no_more(
    scene: Scene, source: ScriptedSource
) -> None:
    source.answers["f"] = 1.0
    scene.add_agents(4)
    scene.team.start(flow_text(target=4, dialing=dialing("f"), interval_s=5))
    scene.advance(1)
    source.answers["f"] = 2.0
    scene.advance(5)
    assert len(scene.trunk.dialed) == 8
    source.answers["f"] = 1.0
    scene.advance(5)
    for attempt in scene.trunk.open[:4]:
        scene.trunk.end(attempt, BUSY)
    scene.advance(5)
    assert len(scene.trunk.dialed) == 8, "four of eight are over, and four are as many as wanted"


def test_thirty_tenths_are_three_calls(scene: Scene, source: ScriptedSource) -> None:
    source.answers["f"] = 0.1 * 30  # 3.0000000000000004, or less on another path
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, dialing=dialing("f")))
    scene.advance(1)
    assert len(scene.trunk.dialed) == 3
    source.answers["f"] = 4 - 1e-10
    scene.advance(5)
    assert len(scene.trunk.dialed) == 4


def test_absolute_is_the_formula_minus_the_calls_in_progress(
    scene: Scene, source: ScriptedSource
) -> None:
    source.answers["f"] = 5.0
    scene.add_agents(2)
    scene.team.start(flow_text(target=2, dialing=dialing("f", "absolute"), interval_s=5))
    scene.advance(1)
    assert len(scene.trunk.dialed) == 5
    scene.talk(scene.trunk.open[0])
    scene.advance(6)
    assert len(scene.trunk.dialed) == 5, "who talks is in progress, too"
    source.answers["f"] = 6.0
    scene.advance(5)
    assert len(scene.trunk.dialed) == 6


def test_calls_that_came_and_went_since_the_samples_leave_no_room(
    scene: Scene, source: ScriptedSource
) -> None:
    """A server's samples are some seconds old: it sees an agent free who has been dialed for."""
    source.answers["f"] = 4.0
    scene.add_agents(2)
    source.sampled_at = scene.runtime.now()
    scene.team.start(flow_text(target=2, dialing=dialing("f", "absolute"), interval_s=5))
    scene.advance(1)
    for attempt in scene.trunk.open[:2]:
        scene.trunk.end(attempt, BUSY)
    scene.advance(5)
    assert len(scene.trunk.dialed) == 4
    source.sampled_at = scene.runtime.now() + 4
    scene.advance(5)
    assert len(scene.trunk.dialed) == 6


def test_seizing_follows_its_formula_both_ways(scene: Scene, source: ScriptedSource) -> None:
    source.answers |= {"t": 2.9999999999, "f": 0.0}
    scene.add_agents(5)
    scene.team.start(flow_text(target="t", dialing=dialing("f")))
    scene.advance(1)
    assert len(scene.held()) == 3
    source.answers["t"] = 1.0
    scene.advance(5)
    assert len(scene.held()) == 1
    source.answers["t"] = 0.0
    scene.advance(5)
    assert scene.held() == []
    assert "no agent is asked for" in scene.reported()["why"]


# --- what gives no number is safe -------------------------------------------------------------


@pytest.mark.parametrize("result", ["empty", "not_finite", "failed"])
@pytest.mark.parametrize("per", ["reserved_agent", "absolute"])
def test_without_a_number_dialing_is_progressive_and_the_reason_is_counted(
    scene: Scene, source: ScriptedSource, result: str, per: str
) -> None:
    source.answers["f"] = result
    scene.add_agents(3)
    scene.team.start(flow_text(target=3, dialing=dialing("f", per)))
    scene.advance(1)
    assert len(scene.trunk.dialed) == 3
    count = scene.team.count("dialer_pacing_evaluations_total", source="in_process", result=result)
    assert count == 1
    assert f"the formula is {result.replace('_', ' ')}" in pulses(scene)[-1].reason
    assert "progressive" in scene.reported()["why"]


def test_a_slow_source_holds_nobody_up(scene: Scene, source: ScriptedSource) -> None:
    source.answers["f"] = 3.0
    source.holds = True
    scene.add_agents(2)
    scene.team.start(flow_text(target=2, dialing=dialing("f"), interval_s=1))
    scene.advance(ANSWER_WITHIN_S - 0.1)
    assert scene.trunk.dialed == []
    assert scene.team.count("dialer_pulses_total", result="skipped") == 1
    scene.advance(0.2)
    assert len(scene.trunk.dialed) == 2
    labels = {"source": "in_process", "result": "slow"}
    assert scene.team.count("dialer_pacing_evaluations_total", **labels) == 1


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next(
    scene: Scene, source: ScriptedSource
) -> None:
    source.answers["f"] = 3.0
    source.holds = True
    scene.add_agents(2)
    scene.team.start(flow_text(target=2, dialing=dialing("f"), interval_s=5))
    scene.advance(4)
    late = source.held.pop()
    scene.advance(1.5)  # the next pulse waits
    source.answer(*late)
    scene.settle()
    assert len(scene.trunk.dialed) == 2
    source.answer(*source.held.pop())
    scene.settle()
    assert len(scene.trunk.dialed) == 6


def test_a_seize_formula_without_a_number_takes_who_is_free(
    scene: Scene, source: ScriptedSource
) -> None:
    source.answers["t"] = "empty"
    scene.add_agents(3)
    scene.team.start(flow_text(target="t"))
    scene.advance(1)
    assert len(scene.trunk.dialed) == 3


@pytest.mark.parametrize(("value", "clamp"), [(-3.0, "below_zero"), (1e9, "formula_ceiling")])
def test_a_number_that_cannot_be_meant_is_cut_and_the_cut_is_told(
    make_scene: MakeScene, source: ScriptedSource, value: float, clamp: str
) -> None:
    scene = make_scene(contacts=300, formulas=lambda _: source)
    source.answers["f"] = value
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, dialing=dialing("f")))
    scene.advance(1)
    assert clamp in pulses(scene)[-1].clamps
    assert len(scene.trunk.dialed) <= 100


def test_a_stop_while_formulas_are_evaluated_dials_nothing(
    scene: Scene, source: ScriptedSource
) -> None:
    source.answers["f"] = 3.0
    source.holds = True
    scene.add_agents(2)
    scene.team.start(flow_text(target=2, dialing=dialing("f")))
    scene.advance(0.5)
    scene.team.quiesce("stopped")
    source.answer(*source.held.pop())
    scene.advance(10)
    assert scene.trunk.dialed == []


# --- shadow -----------------------------------------------------------------------------------


def test_a_shadow_dials_nothing_and_is_in_ledger_and_metrics(
    scene: Scene, source: ScriptedSource
) -> None:
    source.answers["s"] = 3.0
    scene.add_agents(2)
    scene.team.start(flow_text(target=2, init=", shadow: s"))
    scene.advance(6)
    assert len(scene.trunk.dialed) == 2
    assert ("shadow", 3.0) in pulses(scene)[-1].inputs
    gauge = scene.team.metrics.gauge("dialer_pacing_shadow_target_calls", campaign="Test")
    assert gauge.value == 6


def test_a_shadow_without_a_number_changes_nothing(scene: Scene, source: ScriptedSource) -> None:
    source.answers |= {"s": "failed", "f": 2.0}
    scene.add_agents(2)
    scene.team.start(flow_text(target=2, dialing=dialing("f"), init=", shadow: s"))
    scene.advance(1)
    assert len(scene.trunk.dialed) == 4


# --- what is watched --------------------------------------------------------------------------


def test_the_source_knows_what_is_in_use(scene: Scene, source: ScriptedSource) -> None:
    source.answers |= {"f": 1.0, "t": 2.0, "g": 1.0}
    scene.team.start(flow_text(target="t", dialing=dialing("f")))
    scene.settle()
    assert source.watched == {"Test": ("t", "f")}
    scene.team.change_flow(flow_text(dialing=dialing("g")), 2)
    scene.settle()
    assert source.watched == {"Test": ("g",)}
    scene.team.dismiss(1)
    scene.settle()
    assert source.watched == {"Test": ()}


# --- over real series -------------------------------------------------------------------------


def in_process(team: Team) -> MetricSource:
    desk = team.keep_alive("series", lambda: SeriesDesk(team.metrics, "test:1", team.recorder))
    return InProcessSource(desk)


def test_a_real_formula_sees_the_campaign_it_paces(make_scene: MakeScene) -> None:
    scene = make_scene(formulas=in_process)
    scene.add_agents(4)
    reserved = 'sum by (campaign) (dialer_agents{state="reserved"})'
    scene.team.start(flow_text(target=4, dialing=dialing(reserved), interval_s=5))
    scene.advance(1)
    assert scene.trunk.dialed == [], "the first sample is of a moment when nobody was reserved"
    scene.advance(5)
    assert pulses(scene)[-1].value == 4
    assert len(scene.trunk.dialed) == 16


def test_series_that_formulas_read_and_their_changes_are_in_the_ledger(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(formulas=in_process)
    scene.add_agents(2)
    scene.team.start(flow_text(target=2))
    scene.advance(70)
    sampled = [r for r in scene.team.ledger.records if isinstance(r, journal.Sampled)]
    assert sampled[0].whole
    assert sum(r.whole for r in sampled) < len(sampled)
    names = {name for record in sampled for name, _ in record.series}
    assert 'dialer_agents{campaign="Test", state="reserved"}' in names


def test_a_series_desk_that_dies_samples_again_what_is_asked_for(make_scene: MakeScene) -> None:
    scene = make_scene(formulas=in_process)
    scene.add_agents(2)
    text = "sum by (campaign) (dialer_agents)"
    scene.team.start(flow_text(target=2, dialing=dialing(text), interval_s=5))
    scene.advance(6)
    assert pulses(scene)[-1].value == 2
    source = scene.team.services.formulas
    assert isinstance(source, InProcessSource)
    source._desk.tell("nonsense")  # a message that it has no handler for
    scene.advance(11)
    assert pulses(scene)[-1].value == 2
    assert len(scene.runtime.crashes) == 1
    scene.runtime.crashes.clear()
