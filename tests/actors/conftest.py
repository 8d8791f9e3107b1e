"""The small world on the manual clock."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from dialer.formula_port import MetricSource
from tests.actors.manual import ManualRuntime
from tests.actors.world import ScriptedDesk, ScriptedTrunk, Team, people


class Scene:
    """A team on the manual clock, with a scripted trunk and desk."""

    def __init__(
        self,
        contacts: int = 100,
        *,
        kept_up: bool = True,
        floors: Mapping[str, int] | None = None,
        formulas: Callable[[Team], MetricSource] | None = None,
    ) -> None:
        self.runtime = ManualRuntime()
        self.team = Team(
            self.runtime,
            people(contacts),
            desk=lambda pool: ScriptedDesk(self.runtime, pool, kept_up=kept_up),
            floors=floors,
            formulas=formulas,
        )
        assert isinstance(self.team.desk_port, ScriptedDesk)
        self.desk: ScriptedDesk = self.team.desk_port
        self.trunk = ScriptedTrunk(self.runtime)
        self.team.trunks["trunk"] = self.trunk
        self.store = self.team.store

    def add_agents(self, count: int, **particulars: Any) -> list[str]:
        """Agents who are ready, in this order."""
        names = self.team.add_agents(count, **particulars)
        self.settle()
        return names

    def advance(self, seconds: float) -> None:
        self.runtime.advance(seconds)

    def settle(self) -> None:
        self.runtime.settle()

    def held(self) -> list[str]:
        """Agents who are reserved."""
        return [a for a, row in self.team.agents().items() if row["state"] == "reserved"]

    def talk(self, attempt_id: int) -> str:
        """Answer a call; the agent who got it."""
        self.trunk.answer(attempt_id)
        self.settle()
        return self.trunk.bridged[attempt_id]

    def reported(self, campaign_id: int = 1) -> dict[str, Any]:
        return self.team.report(campaign_id)


@pytest.fixture
def make_scene() -> Iterator[Callable[..., Scene]]:
    """Makes scenes; in the end no actor may have crashed that the test did not take note of."""
    scenes: list[Scene] = []

    def make(*arguments: Any, **options: Any) -> Scene:
        scenes.append(Scene(*arguments, **options))
        return scenes[-1]

    yield make
    for scene in scenes:
        assert scene.runtime.crashes == []


@pytest.fixture
def scene(make_scene: Callable[..., Scene]) -> Scene:
    return make_scene()
