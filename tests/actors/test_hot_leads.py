"""A hot lead is dialed within seconds, ahead of the list."""

from collections.abc import Callable

from actors.messages import Report
from tests.actors.conftest import Scene
from tests.actors.world import flow_text

LEAD = 900
NUMBER = "+12125559999"


def put_in(scene: Scene) -> None:
    scene.store.add(LEAD, {"phone": (NUMBER,)})
    scene.store.add_hot(1, LEAD, scene.runtime.now())


def test_a_lead_overtakes_those_who_were_claimed_ahead(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.advance(1)
    assert scene.team.feeders[1].ask(Report(), 5)["claimed_ahead"] > 5
    put_in(scene)
    scene.advance(5)  # a pulse goes by, though the agent is taken
    scene.trunk.end(scene.trunk.dialed[-1].attempt_id)
    scene.settle()
    assert [call.number for call in scene.trunk.dialed][1:] == [NUMBER]


def test_a_lead_is_dialed_where_no_pulse_goes_by_in_time(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=600))
    scene.advance(1)
    put_in(scene)
    for _ in range(3):
        scene.advance(2)
        scene.trunk.end(scene.trunk.dialed[-1].attempt_id)
        scene.settle()
    assert NUMBER in [call.number for call in scene.trunk.dialed]


def test_a_lead_is_dialed_once(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    put_in(scene)
    for _ in range(20):
        scene.advance(2)
        put_in(scene)
        scene.trunk.end(scene.trunk.dialed[-1].attempt_id)
        scene.settle()
    assert [call.number for call in scene.trunk.dialed].count(NUMBER) == 1


def test_a_lead_that_comes_when_the_list_is_exhausted_is_dialed_at_the_next_pulse(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(contacts=0)
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=5))
    scene.advance(30)
    assert scene.trunk.dialed == []
    put_in(scene)
    scene.advance(6)
    assert [call.number for call in scene.trunk.dialed] == [NUMBER]


def test_leads_that_are_looked_for_when_the_campaign_is_paused_are_let_go(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.advance(1)
    put_in(scene)
    scene.advance(5)
    scene.team.quiesce("paused")
    scene.advance(5)
    assert scene.store.states(1)[LEAD] == "waiting"
