"""Two look-ahead campaigns that share their agents, for whole simulated days.

    python -m benchmarks.shared_agents --agents 20 --days 2
    python -m benchmarks.shared_agents --agents 20 --days 1 --undivided

The rule of this module: it is the very actors, and what each campaign abandons is told apart.
`--undivided` has each campaign count on all of the agents, to show what dividing them is for.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

from actors.agent_messages import AgentsCounted, LooksAhead
from actors.counted_agents import CountedAgents
from sim.runtime import SimRuntime
from tests.actors.endless import endless_team
from tests.actors.manual import TUESDAY_AT_TEN
from tests.actors.world import Team

_BLUEPRINT = Path(__file__).resolve().parents[1] / "config" / "campaigns" / "lookahead.yaml"
_LOOK_EVERY_S = 30.0


class Shared(NamedTuple):
    """answers, abandoned: of each campaign. occupancy: of the agents of both."""

    answers: tuple[int, int]
    abandoned: tuple[int, int]
    occupancy: float


def shared_day(agents: int, hours: float, seed: int) -> Shared:
    """Simulate one day from a cold start."""
    runtime = SimRuntime(seed, 0.0, TUESDAY_AT_TEN)
    team = endless_team(runtime, agents)
    runtime.advance(0.01)
    text = _BLUEPRINT.read_text()
    # From both ends of one list, since no number is in two calls at once.
    for campaign_id, title, order in ((1, "One", "fifo"), (2, "Two", "lifo")):
        mine = text.replace("title: Lookahead", f"title: {title}")
        team.start(mine.replace("order: fifo", f"order: {order}"), campaign_id)
    runtime.advance(0.01)
    states = team.metrics.members("dialer_agents", campaign="One")
    looks = round(hours * 3600 / _LOOK_EVERY_S)
    busy = 0.0
    for _ in range(looks):
        runtime.advance(_LOOK_EVERY_S)
        busy += sum(state in ("talking", "wrap_up") for state in states.values())
    assert not runtime.crashes
    counts = [_counts(team, title) for title in ("One", "Two")]
    runtime.stop()
    (answers_1, abandoned_1), (answers_2, abandoned_2) = counts
    return Shared((answers_1, answers_2), (abandoned_1, abandoned_2), busy / looks / agents)


def _counts(team: Team, title: str) -> tuple[int, int]:
    results = team.metrics.counters("dialer_call_results_total", campaign=title)
    answered = ("customer_answered", "abandoned", "hung_up_waiting")
    abandoned = team.metrics.counter("dialer_calls_abandoned_total", campaign=title).value
    return int(sum(results[name].value for name in answered)), int(abandoned)


def count_on_all() -> None:
    """From now on nobody divides agents."""

    def dials(self: CountedAgents, message: LooksAhead, now: float) -> None:  # noqa: ARG001
        self._campaigns[message.campaign_id].campaign.tell(AgentsCounted(None))

    CountedAgents.dials = dials  # type: ignore[method-assign]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--undivided", action="store_true")
    given = parser.parse_args()
    if given.undivided:
        count_on_all()
    for seed in range(1, given.days + 1):
        day = shared_day(given.agents, given.hours, seed)
        shares = zip(day.abandoned, day.answers, strict=True)
        told = ", ".join(f"{lost} of {all_} ({lost / all_:.2%})" for lost, all_ in shares)
        print(f"day {seed}: abandoned {told}; occupancy {day.occupancy:.3f}", flush=True)


if __name__ == "__main__":
    main()
