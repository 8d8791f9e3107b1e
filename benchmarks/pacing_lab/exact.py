"""The lab against theory: M/M/n + D(2 s) at 3 % abandonment.

    python -m benchmarks.pacing_lab.exact [--days 6]

Callers come by pure chance at the rate at which theory says that 3 % find no agent in time, and
talk exponentially for 150 s. Each row is theory (Baccelli and Hebuterne) and what the lab found.
"""

import argparse

from rich.console import Console
from rich.table import Table

from benchmarks.pacing_lab.day import Day
from benchmarks.pacing_lab.world import WORLDS
from dialer.pacing.ratios import ConstantRate
from sim.statistics import mean_of, ratio_of
from sim.theory import arrivals_at, fixed_patience

_SERVICE_S, _PATIENCE_S, _ABANDONED = 150.0, 2.0, 0.03


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=6)
    days = parser.parse_args().days
    table = Table("agents", "occupancy in theory", "in the lab", "abandonment in the lab (.0300)")
    for agents in (5, 20, 100):
        rate = arrivals_at(
            _ABANDONED,
            lambda r, n=agents: fixed_patience(n, r, _SERVICE_S, _PATIENCE_S),  # type: ignore[misc]
            2 * agents / _SERVICE_S,
        )
        exact = fixed_patience(agents, rate, _SERVICE_S, _PATIENCE_S)
        found = [Day(WORLDS["erlang"], ConstantRate(rate), agents, s).run() for s in range(days)]
        occupancy = mean_of([day.occupancy for day in found])
        abandoned = ratio_of([day.abandoned for day in found], [day.answers for day in found])
        table.add_row(
            str(agents),
            f"{exact.occupancy:.3f}",
            f"{occupancy.mean:.3f} ± {occupancy.half_width or 0:.3f}",
            f"{abandoned.mean:.4f} ± {abandoned.half_width or 0:.4f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
