"""benchmark: pacers compared over scenarios and numbers of agents."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from sim.benchmark import Cell, Comparison, Matrix, numbers, run_matrix, words
from sim.cli.lent import Lab, Out, Work
from sim.shelf import Shelf
from sim.statistics import Estimate

RESULTS = Path("var/benchmark")


def add_to(app: typer.Typer, lab: Lab) -> None:
    """Add this verb to the command line."""

    @app.command("benchmark")
    @lab.verb
    def benchmark(
        work: Work,
        scenario: Annotated[
            str, typer.Option(metavar="A,B", help="Names of those that ship, or files.")
        ] = "base",
        pacers: Annotated[
            str, typer.Option(metavar="A,B", help="The first is what the others are held against.")
        ] = "progressive,power:1.6",
        agents: Annotated[str, typer.Option(metavar="N,M", help="How many.")] = "20",
        hours: Annotated[
            float | None, typer.Option(min=0.01, max=744, help="Of a day; else the scenario's.")
        ] = None,
        replications: Annotated[int, typer.Option(min=1, max=100_000, help="Days.")] = 5,
        seed: Annotated[int, typer.Option(min=0, help="Day r has seed + r.")] = 1,
        set: Annotated[
            list[str] | None,
            typer.Option(metavar="KEY=VALUE", help="As of simulate. May be repeated."),
        ] = None,
        workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one a core.")] = 0,
        dask: Annotated[
            str, typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers do it.")
        ] = "",
        results: Annotated[
            Path, typer.Option(metavar="DIR", help="Days are kept here and not run again.")
        ] = RESULTS,
        fresh: Annotated[bool, typer.Option("--fresh", help="Run all days again.")] = False,
        report: Annotated[
            Path | None, typer.Option(metavar="DIR", help="Write a report there.")
        ] = None,
    ) -> None:
        """Compare pacers: every one meets the same people on the same days.

        An interrupted run goes on where it was: what was simulated once, by this code, is kept.

        \b
        Examples:
          run.py benchmark --pacers progressive,power:2.2,power:3.2 --agents 5,20 --report out/
          run.py benchmark --scenario base,hard --replications 20 --dask tcp://10.0.0.5:8786
        """
        matrix = Matrix(
            words(scenario, "--scenario"),
            words(pacers, "--pacers"),
            numbers(agents, "--agents"),
            hours,
            replications,
            seed,
            tuple(set or ()),
        )
        shelf = Shelf(results, lab.versions, blind=fresh)
        with work.out.progress("benchmark") as told:
            found = run_matrix(matrix, lab.library, shelf, workers, told, dask)
        page = _report(found, lab, report) if report is not None else None
        if work.as_json:
            work.out.document({**found.document(), "report": str(page) if page else None})
        else:
            _show(work.out, found)
            if page is not None:
                work.out.say(f"Report: {page}")


def command_of(matrix: Matrix) -> str:
    """The command that gives this comparison again."""
    parts = ["run.py", "benchmark", "--scenario", ",".join(matrix.scenarios)]
    parts += ["--pacers", ",".join(matrix.pacers)]
    parts += ["--agents", ",".join(str(count) for count in matrix.agents)]
    if matrix.hours is not None:
        parts += ["--hours", f"{matrix.hours:g}"]
    parts += ["--replications", str(matrix.replications), "--seed", str(matrix.seed)]
    for setting in matrix.settings:
        parts += ["--set", setting]
    return shlex.join(parts)


def _report(found: Comparison, lab: Lab, folder: Path) -> Path:
    from sim.report.benchmark_report import write_benchmark_report

    return write_benchmark_report(found, command_of(found.matrix), lab.versions, folder)


_NUMBERS = ("agents", "occupancy", "abandonment", "at most", "days over", "calls/agent h", "calls")


def _show(out: Out, found: Comparison) -> None:
    out.table(("scenario", "agents", "pacer", *_NUMBERS[1:]), map(_row, found.cells), _NUMBERS)
    out.say()
    differences = [
        (
            each.scenario,
            each.agents,
            f"{each.pacer} - {each.baseline}",
            _points(each.occupancy),
            _points(each.abandonment),
        )
        for each in found.differences()
    ]
    if differences:
        columns = ("scenario", "agents", "same days", "occupancy", "abandonment")
        out.table(columns, differences, ("agents", "occupancy", "abandonment"))
        out.say()
    broken = sum(sum(cell.summary.invariants.values()) for cell in found.cells)
    out.say(f"{broken} broken invariants" if broken else "All invariants hold.")


def _row(cell: Cell) -> tuple[object, ...]:
    summary = cell.summary
    return (
        cell.scenario,
        cell.agents,
        cell.pacer,
        _with_width(summary.occupancy.mean, summary.occupancy.half_width),
        _with_width(summary.abandonment.mean, summary.abandonment.half_width),
        f"{summary.abandonment.upper:.4f}",
        f"{cell.days_over_limit:.0%}",
        f"{summary.calls_per_agent_hour.mean:.1f}",
        f"{summary.calls:,}",
    )


def _with_width(mean: float, half_width: float | None) -> str:
    return f"{mean:.4f}" if half_width is None else f"{mean:.4f} ± {half_width:.4f}"


def _points(estimate: Estimate) -> str:
    sign = "+" if estimate.mean >= 0 else ""
    return sign + _with_width(estimate.mean, estimate.half_width)
