"""A flow that waits for a time of day means the contact's own clock."""

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from actors.messages import Report
from dialer.ports import AttributeValue
from tests.actors.conftest import Scene
from tests.actors.test_previews import preview_flow
from tests.actors.world import flow_text

MakeScene = Callable[..., Scene]
EVENING = flow_text(target=1).replace("delay_s: 600", 'until: "18:30"')
PEOPLE: list[tuple[Mapping[str, AttributeValue], str]] = [
    ({"phone": ("+12125550001",)}, "America/New_York"),
    ({"phone": ("+13105550001",)}, "America/Los_Angeles"),
    ({"phone": ("+12125550001",), "time_zone": "America/Denver"}, "America/Denver"),
]


@pytest.mark.parametrize(("person", "zone"), PEOPLE)
@pytest.mark.parametrize("how", ["unanswered", "skipped"])
def test_the_evening_is_the_contacts_own(
    make_scene: MakeScene, person: Mapping[str, AttributeValue], zone: str, how: str
) -> None:
    scene = make_scene(contacts=0)
    scene.store.add(1, person)
    scene.add_agents(1)
    text = EVENING
    if how == "skipped":
        text = preview_flow().replace("delay_s: 600", 'until: "18:30"')
    scene.team.start(text)
    scene.settle()
    if how == "skipped":
        scene.desk.answer_preview("a1", accepted=False)
    else:
        scene.trunk.end(scene.trunk.open[0])
    scene.advance(6)
    due_at = scene.team.feeders[1].ask(Report(), 5)["next_due_at"]
    local = datetime.fromtimestamp(due_at, ZoneInfo(zone))
    assert (local.hour, local.minute) == (18, 30)
