"""How campaigns share agents, and which agents are kept for inbound calls."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.errors import InputError
from dialer.flow.graph import load_flow
from tests.actors.conftest import Scene
from tests.actors.world import BUSY, HUNG_UP, flow_text

MakeScene = Callable[..., Scene]
POWER_3 = "{mode: power, ratio: 3}"


def _flow(title: str, *, priority: int = 5, share: float = 1.0, target: int = 10) -> str:
    head = f"priority: {priority}\nshare: {share}\n"
    return head + flow_text(title, target=target, interval_s=1, ttl_s=5)


def _used(scene: Scene) -> Counter[int]:
    rows = scene.team.agents().values()
    return Counter(row["campaign_id"] for row in rows if row["campaign_id"])


def _talk_through(scene: Scene, seconds: int, check: Callable[[], None] = lambda: None) -> None:
    """Everyone answers at once and talks for a second."""
    for _ in range(seconds):
        talking = [a for a in scene.trunk.open if a in scene.trunk.bridged]
        for attempt_id in scene.trunk.open[:]:
            if attempt_id in talking:
                scene.trunk.end(attempt_id, HUNG_UP)
            else:
                scene.trunk.answer(attempt_id)
        scene.settle()
        check()
        scene.advance(1)


def test_a_campaign_has_no_more_than_its_share_of_a_queue(scene: Scene) -> None:
    scene.add_agents(10)
    scene.team.start(_flow("Small", share=0.3), 1)
    scene.advance(3)
    assert _used(scene) == {1: 3}
    scene.team.start(_flow("Rest"), 2)
    scene.advance(3)
    assert _used(scene) == {1: 3, 2: 7}


def test_the_smallest_share_is_one_agent(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(_flow("Tiny", share=0.01), 1)
    scene.advance(3)
    assert _used(scene) == {1: 1}


def test_agents_who_come_free_go_to_campaigns_by_priority(make_scene: MakeScene) -> None:
    scene = make_scene(4000)
    scene.add_agents(9, wrap_up_s=1)
    scene.team.start(_flow("First", priority=2, target=9), 1)
    scene.team.start(_flow("Second", priority=1, target=9), 2)
    seen: Counter[int] = Counter()
    _talk_through(scene, 20)
    _talk_through(scene, 60, lambda: seen.update(_used(scene)))
    assert 1.6 < seen[1] / seen[2] < 2.4


def test_the_least_of_campaigns_does_not_starve(make_scene: MakeScene) -> None:
    scene = make_scene(4000)
    scene.add_agents(2, wrap_up_s=1)
    scene.team.start(_flow("Great", priority=10, target=2), 1)
    scene.advance(2)
    scene.team.start(_flow("Small", priority=1, target=2), 2)
    seen: Counter[int] = Counter()
    _talk_through(scene, 40, lambda: seen.update(_used(scene)))
    assert seen[2] > 0


def test_no_reservation_takes_a_queue_below_its_floor(make_scene: MakeScene) -> None:
    scene = make_scene(floors={"default": 2})
    names = scene.add_agents(5)
    scene.team.start(_flow("Outbound"), 1)
    scene.advance(3)
    assert scene.held() == names[:3], "the longest idle work, two stay free"


def test_no_caller_takes_a_queue_below_its_floor(make_scene: MakeScene) -> None:
    scene = make_scene(floors={"default": 1})
    scene.add_agents(2)
    scene.team.start(flow_text(target=1, dialing="{mode: power, ratio: 2}", interval_s=3600))
    scene.settle()
    first, second = scene.trunk.open
    scene.talk(first)
    scene.trunk.answer(second)
    scene.advance(3)
    assert second not in scene.trunk.bridged
    assert scene.team.outcomes() == ["abandoned"]


def test_an_agent_over_the_floor_goes_to_the_caller_who_waits(make_scene: MakeScene) -> None:
    scene = make_scene(floors={"default": 1})
    scene.add_agents(2)
    scene.team.start(flow_text(target=1, dialing="{mode: power, ratio: 2}", interval_s=3600))
    scene.settle()
    first, second = scene.trunk.open
    scene.talk(first)
    scene.trunk.answer(second)
    scene.settle()
    scene.add_agents(1, prefix="late")
    assert scene.trunk.bridged[second] == "a2", "who came later stays as the floor"


@pytest.mark.parametrize("line", ["priority: 11", "priority: 0", "share: 0", "share: 1.5"])
def test_a_priority_or_share_that_makes_no_sense_is_refused(line: str) -> None:
    with pytest.raises(InputError, match=line.partition(":")[0]):
        load_flow(f"{line}\n{flow_text()}", "test.yaml")


@settings(max_examples=25, deadline=None)
@given(
    seed=st.randoms(use_true_random=False),
    floor=st.integers(0, 3),
    share=st.sampled_from([0.2, 0.5, 1.0]),
    priority=st.integers(1, 10),
)
def test_no_agent_is_booked_twice_and_shares_and_floors_hold(
    seed: object, floor: int, share: float, priority: int
) -> None:
    scene = Scene(500, floors={"default": floor})
    scene.add_agents(6, wrap_up_s=1)
    most = max(1, int(share * 6 + 1e-9))
    scene.team.start(_flow("One", priority=priority, share=share), 1)
    scene.team.start(_flow("Two").replace("{mode: progressive}", POWER_3), 2)
    for _ in range(12):
        for attempt_id in scene.trunk.open[:]:
            draw = seed.random()  # type: ignore[attr-defined]
            if attempt_id in scene.trunk.bridged:
                if draw < 0.6:
                    scene.trunk.end(attempt_id, HUNG_UP)
            elif draw < 0.4:
                scene.trunk.answer(attempt_id)
            elif draw < 0.7:
                scene.trunk.end(attempt_id, BUSY)
        scene.settle()
        rows = scene.team.agents().values()
        live = [a for a in scene.trunk.open if a in scene.trunk.bridged]
        agents = [scene.trunk.bridged[a] for a in live]
        assert len(agents) == len(set(agents))
        assert sum(row["state"] == "ready" for row in rows) >= floor
        assert _used(scene)[1] <= most
        scene.advance(1)
    assert scene.runtime.crashes == []
