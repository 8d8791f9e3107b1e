"""Compare pacers, day by day.

    python -m benchmarks.pacing_lab --worlds base --pacers progressive,lookahead:0.03 \
        --agents 5,20 --days 20 [--levers wc] [--store days.jsonl] [--jobs 1] [--json]

levers: w, the end of each wrap-up is known from its start; c, calls that rang for 15 s may be
cancelled; s, records carry an answer score of the AUC given by --auc. Days that the store has
already are not simulated again. A day of 8 hours costs one to ten seconds.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from joblib import Parallel, delayed
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.pacing_lab.case import Case, simulate
from benchmarks.pacing_lab.day import DayFigures
from benchmarks.pacing_lab.ledger import Ledger
from benchmarks.pacing_lab.world import WORLDS
from dialer.errors import InputError
from dialer.pacing.catalogue import pacer_of
from sim.statistics import mean_of, ratio_of, wilson

LIMIT = 0.03
_AUC = 0.85


class Row(NamedTuple):
    """Figures of a case over its days, each with its standard error.

    over: share of days whose abandonment exceeded the limit; over_from, over_to: its 95 % interval.
    """

    world: str
    pacer: str
    levers: str
    agents: int
    days: int
    occupancy: float
    occupancy_se: float | None
    abandonment: float
    abandonment_se: float | None
    over: float
    over_from: float
    over_to: float
    cancelled: float
    decide_ms: float


def row_of(case: Case, days: list[DayFigures]) -> Row:
    # Half-widths at this level are one standard error of a large sample.
    one_se = 0.6827
    occupancy = mean_of([day.occupancy for day in days], one_se)
    abandonment = ratio_of([d.abandoned for d in days], [d.answers for d in days], one_se)
    over = sum(day.abandonment > LIMIT for day in days)
    interval = wilson(over, len(days))
    dials = sum(day.dials for day in days)
    return Row(
        case.world,
        case.pacer,
        case.levers,
        case.agents,
        len(days),
        occupancy.mean,
        occupancy.half_width,
        abandonment.mean,
        abandonment.half_width,
        over / len(days),
        *interval,
        sum(day.cancelled for day in days) / dials if dials else 0.0,
        sum(day.decide_ms for day in days) / len(days),
    )


def _table(rows: list[Row]) -> Table:
    table = Table()
    for head in ("world", "pacer", "levers", "agents", "days", "occupancy", "abandonment"):
        table.add_column(head)
    for head in ("days over 3 % (95 %)", "cancelled", "ms a decision"):
        table.add_column(head)
    for row in rows:
        table.add_row(
            row.world,
            row.pacer,
            row.levers,
            str(row.agents),
            str(row.days),
            f"{row.occupancy:.4f} ± {row.occupancy_se or 0:.4f}",
            f"{row.abandonment:.4f} ± {row.abandonment_se or 0:.4f}",
            f"{row.over:.3f} ({row.over_from:.3f}-{row.over_to:.3f})",
            f"{row.cancelled:.3f}",
            f"{row.decide_ms:.3f}",
        )
    return table


def _cases(args: argparse.Namespace) -> Iterator[Case]:
    levers = "".join(sorted(args.levers))
    if "s" in levers and args.auc != _AUC:
        levers += f" {args.auc}"  # a day of other scores is another day
    for world in args.worlds.split(","):
        if world not in WORLDS:
            raise InputError("--worlds", f"no world {world!r}", f"use {', '.join(WORLDS)}")
        for pacer in args.pacers.split(","):
            pacer_of(pacer)
            for agents in args.agents.split(","):
                yield Case(world, pacer, int(agents), args.hours, levers)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", default="base")
    parser.add_argument("--pacers", default="progressive,lookahead:0.03")
    parser.add_argument("--agents", default="20")
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--levers", default="", help="letters of w, c and s")
    parser.add_argument("--auc", type=float, default=_AUC)
    parser.add_argument("--store", type=Path, default=Path("pacing-days.jsonl"))
    parser.add_argument("--any-code", action="store_true", help="pool days made by other code")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    try:
        cases = list(_cases(args))
    except InputError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    rows = _run(args, cases)
    if args.json:
        print(json.dumps({"rows": [row._asdict() for row in rows]}))
    else:
        Console().print(_table(rows))


def _run(args: argparse.Namespace, cases: list[Case]) -> list[Row]:
    ledger = Ledger(args.store, any_code=args.any_code)
    seeds = range(args.first_seed, args.first_seed + args.days)
    done: dict[tuple[Case, int], DayFigures] = {}
    for case, seed, figures in ledger.days():
        done[case, seed] = figures
    missing = [(case, seed) for case in cases for seed in seeds if (case, seed) not in done]
    runs = (delayed(_one)(case, seed, args.auc) for case, seed in missing)
    pool = Parallel(n_jobs=args.jobs, return_as="generator_unordered", batch_size=1)
    progress = Console(stderr=True)
    for found in track(pool(runs), "days", total=len(missing), console=progress, transient=True):
        ledger.add(*found)
        done[found[:2]] = found[2]
    return [row_of(case, [done[case, seed] for seed in seeds]) for case in cases]


def _one(case: Case, seed: int, auc: float) -> Any:
    return case, seed, simulate(case, seed, auc)


if __name__ == "__main__":
    main()
