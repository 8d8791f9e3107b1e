"""validate: the simulator against exact theory."""

from typing import Annotated

import typer
from joblib import cpu_count

from sim.cli.lent import Lab, Out, Work
from sim.validate import CALLERS, FAMILY_LEVEL, REPLICATIONS, Row, validate


def add_to(app: typer.Typer, lab: Lab) -> None:
    """Add this verb to the command line."""

    @app.command("validate")
    @lab.verb
    def run(
        work: Work,
        replications: Annotated[int, typer.Option(min=4, max=10_000)] = REPLICATIONS,
        seed: Annotated[int, typer.Option(min=0)] = 1,
        callers: Annotated[
            int, typer.Option(min=100, max=10_000_000, help="Of each replication.")
        ] = CALLERS,
        workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one a core.")] = 0,
    ) -> None:
        """Hold the simulator's own pool, calls and clock against exact theory.

        Exit code 3 where theory lies outside an interval.

        \b
        Examples:
          run.py validate
          run.py validate --replications 10 --callers 2000 --json
        """
        with work.out.progress("validate") as told:
            rows = validate(seed, replications, callers, workers or cpu_count(), told)
        if work.as_json:
            work.out.document({"rows": [row._asdict() for row in rows]})
        else:
            _show(work.out, rows)
        if not all(row.ok for row in rows):
            work.miss_threshold()


def _show(out: Out, rows: list[Row]) -> None:
    numbers = ("theory", "estimate", "half-width", "of it")
    cells = [
        (
            row.name,
            f"{row.theory:.5g}",
            f"{row.estimate:.5g}",
            f"{row.half_width:.2g}",
            f"{row.half_width / row.theory:.2%}" if row.theory else "",
            "good" if row.ok else "WRONG",
        )
        for row in rows
    ]
    out.table(("claim", *numbers, "verdict"), cells, numbers=numbers)
    good = sum(row.ok for row in rows)
    out.say()
    out.say(f"{good} of {len(rows)} hold; the intervals hold together at {FAMILY_LEVEL:.0%}.")
