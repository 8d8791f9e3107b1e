"""A race, planted, found by its seed and found again.

    python -m tests.sim.planted_race [--seeds 200] [--jitter 10]

The dialer of this run has a fault: the pool gives an agent back only where the call had talked to
them. So where an assignment and the caller's hang-up cross, the agent stays with a call that has
ended, unacknowledged, and is kept for nobody. The scheduling jitter makes them cross, and the seed
says how. Exit code 1 where no seed shows it.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from actors.agent_messages import CallOver
from actors.agent_pool import AgentPool
from actors.roster import PooledAgent
from sim.replication import Day, Replication, run_replication
from tests.sim.world_plans import hasty

HOURS = 0.02
PROMISE = "agent_without_call"


@contextmanager
def planted() -> Iterator[None]:
    """While it lasts, the dialer has the fault."""
    honest = AgentPool._let_go

    def forgetful(pool: AgentPool, agent: PooledAgent, message: CallOver) -> None:
        if message.talked:
            honest(pool, agent, message)

    AgentPool._let_go = forgetful  # type: ignore[method-assign]
    try:
        yield
    finally:
        AgentPool._let_go = honest  # type: ignore[method-assign]


def run(seed: int, jitter_s: float) -> Replication:
    """Seventy-two seconds of a hasty world."""
    return run_replication(hasty(), Day(hours=HOURS, jitter_s=jitter_s), seed)


def hunt(seeds: int, jitter_s: float) -> list[Replication]:
    """The runs in which the race shows."""
    runs = (run(seed, jitter_s) for seed in range(seeds))
    return [each for each in runs if each.violations[PROMISE]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--jitter", type=float, default=10.0, metavar="MS")
    given = parser.parse_args()
    jitter_s = given.jitter / 1000
    sound = hunt(given.seeds, jitter_s)
    print(f"without the fault: {len(sound)} of {given.seeds} seeds break a promise")
    with planted():
        found = hunt(given.seeds, jitter_s)
        print(f"with it: {len(found)} of {given.seeds}, seeds {[each.seed for each in found][:10]}")
        if not found:
            return 1
        again = run(found[0].seed, jitter_s)
    same = again.journal_sha256 == found[0].journal_sha256 and again.told == found[0].told
    print(f"seed {again.seed} again: {again.told[0]}")
    print(f"the same ledger: {'yes' if same else 'NO'}, {again.journal_sha256[:16]}")
    return 0 if same and not sound else 1


if __name__ == "__main__":
    sys.exit(main())
