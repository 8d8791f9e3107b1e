"""How long a study of simulated days takes: many replications of one case, in every core.

    python -m benchmarks.simulated_days [--agents 100] [--hours 8] [--ratio 4] [--replications 10]

The shipped base scenario with a power pacer that looks once a second. Told are the wall time, and
the CPU time that the days took in the workers (imports left out), which other work on the machine
does not stretch.
"""

import argparse
import time

from benchmarks.simulator import CONFIG, PULSE_S
from dialer.compliance.preset import load_preset
from dialer.flow.graph import load_flow
from dialer.flow.nodes import Power
from sim.experiment import Case, run_replications
from sim.replication import adapted
from sim.scenario import load_scenario


def case(agents: int, hours: float, ratio: float) -> Case:
    flow = load_flow((CONFIG / "campaigns/progressive.yaml").read_text(), "progressive.yaml")
    power = Power(mode="power", ratio=ratio)
    flow = adapted(flow, pulse_s=PULSE_S, target=agents, dialing=power)
    return Case(
        load_scenario((CONFIG / "scenarios/base.yaml").read_text(), "base.yaml"),
        flow.definition,
        load_preset((CONFIG / "regulations/us_ftc.yaml").read_text(), "us_ftc"),
        f"power:{ratio:g}",
        agents,
        hours,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--ratio", type=float, default=4.0)
    parser.add_argument("--replications", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began_s = time.perf_counter()
    days = run_replications(
        case(given.agents, given.hours, given.ratio),
        given.seed,
        given.replications,
        workers=given.workers,
    )
    wall_s = time.perf_counter() - began_s
    calls = sum(day.calls for day in days)
    cpu_s = sum(day.cpu_seconds for day in days)
    broken = sum(sum(day.violations.values()) for day in days)
    print(
        f"{given.replications} days of {given.hours:g} h, {given.agents} agents,"
        f" power {given.ratio:g}, {given.workers} workers"
    )
    print(f"wall time          {wall_s:9.1f} s")
    print(f"CPU time           {cpu_s:9.1f} s")
    print(f"calls              {calls:9,}  ({calls / cpu_s:,.0f} per CPU-second)")
    print(f"broken promises    {broken:9}")


if __name__ == "__main__":
    main()
