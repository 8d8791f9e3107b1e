"""A team at a simulated carrier and desk, with a list that has no end."""

from typing import Any

from sim.carrier import SimTrunk
from sim.desk import Desk, SimDesk
from sim.endless_list import EndlessList
from sim.model import CarrierModel, DeskModel
from tests.actors.world import Team


def endless_team(runtime: Any, agents: int) -> Team:
    """So many agents at work on any runtime; it still has to be let run."""
    model = DeskModel()
    team = Team(
        runtime,
        {},
        desk=lambda pool: SimDesk(model, runtime.spawn(Desk(model, pool), "desk")),
        store=EndlessList(),
    )
    team.trunks["simulated"] = SimTrunk(runtime, "simulated", CarrierModel())
    team.add_agents(agents)
    return team
