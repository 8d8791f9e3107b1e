"""Progressive dialing on the base scenario comes to the occupancy that theory gives it."""

import pytest

from dialer import journal
from dialer.ports import Sink
from sim.carrier import SimTrunk
from sim.desk import Desk, SimDesk
from sim.endless_list import EndlessList
from sim.model import CarrierModel, DeskModel
from tests.actors.manual import ManualRuntime
from tests.actors.world import Team, flow_text

AGENTS = 20
DAY_S = 8 * 3600.0

_DECIDE = """\
  - {id: human, type: call_decision, next: {"true": route, "false": hang_up}}
  - {id: hang_up, type: end_call}
"""


def day(interval_s: float) -> Team:
    """Eight hours of 20 agents."""
    runtime = ManualRuntime(seed=1)
    model = DeskModel()

    def desk(pool: Sink) -> SimDesk:
        return SimDesk(model, runtime.spawn(Desk(model, pool), "desk"))

    team = Team(runtime, {}, desk=desk, store=EndlessList())
    team.trunks["trunk"] = SimTrunk(runtime, "trunk", CarrierModel())
    team.add_agents(AGENTS)
    runtime.settle()
    text = flow_text(target=AGENTS, interval_s=interval_s)
    team.start(text.replace("live_call: route", "live_call: human") + _DECIDE)
    runtime.advance(DAY_S)
    assert runtime.crashes == []
    return team


def occupancy(team: Team) -> float:
    """Talk and wrap-up over logged-in time, from the ledger."""
    busy_s = 0.0
    began: dict[str, float] = {}
    for record in team.ledger.records:
        if isinstance(record, journal.AgentMoved):
            if record.agent_id in began:
                busy_s += record.at - began.pop(record.agent_id)
            if record.to_state in ("talking", "wrap_up"):
                began[record.agent_id] = record.at
    busy_s += sum(team.runtime.now() - at for at in began.values())
    return busy_s / (AGENTS * DAY_S)


@pytest.mark.parametrize("interval_s", [1.0, 10.0])
def test_it_is_what_one_call_at_a_time_can_give_and_abandons_nobody(interval_s: float) -> None:
    """A cycle is 4 dials of 20 s on average for one live answer, then 150 s of work: .65.

    It does not hang on the pulse: requests outlast it, so whoever comes free is reserved and
    dialed for at once, as is an agent whose call ended without a human.
    """
    team = day(interval_s)
    assert occupancy(team) == pytest.approx(0.65, abs=0.015)
    assert "abandoned" not in team.outcomes()
