"""Init's share of contacts that are due again is kept over many claims."""

import pytest

from dialer.ports import ClaimRequest, Deferral
from tests.actors.conftest import Scene
from tests.actors.world import flow_text


class Nobody:
    """A sink that is not interested."""

    def tell(self, message: object, /) -> None:
        """Forget it."""


def retried(scene: Scene, share: str) -> list[bool]:
    """Of the first 20 dials, which went to contacts that were due again."""
    scene.add_agents(1)
    text = flow_text(target=1).replace("type: init,", f"type: init, {share}")
    scene.team.start(text, ahead=3)
    scene.advance(1)
    for _ in range(19):
        scene.trunk.end(scene.trunk.dialed[-1].attempt_id)
        scene.advance(5)
    assert len(scene.trunk.dialed) == 20
    return [int(call.number[-4:]) <= 40 for call in scene.trunk.dialed]


@pytest.fixture
def due(scene: Scene) -> Scene:
    """Forty contacts of a hundred are due again."""
    store = scene.store
    now = scene.runtime.now()
    store.claim(ClaimRequest(0, 1, "", "fifo", 40, now), Nobody())
    store.defer([Deferral(n, 1, "waiting", now - 60, "") for n in range(1, 41)])
    return scene


@pytest.mark.parametrize(
    ("share", "expected"),
    [("", 20), ("retry_share: 1,", 20), ("retry_share: 0,", 0), ("retry_share: 0.25,", 5)],
)
def test_a_share_of_what_is_dialed_is_due_again(due: Scene, share: str, expected: int) -> None:
    assert abs(sum(retried(due, share)) - expected) <= (1 if 0 < expected < 20 else 0)
