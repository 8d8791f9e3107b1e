"""tune: the numbers of a campaign that keep agents busiest within the law."""

from pathlib import Path
from typing import Annotated

import typer

from dialer.errors import InputError
from sim.cli.lent import Lab, Out, Work
from sim.thresholds import parse_threshold
from sim.trial import agents_seized
from sim.tunable import parse_parameters, with_values
from sim.tune import Task, Try, Tuned, limits_of, tune

_SHOWN = 10


def add_to(app: typer.Typer, lab: Lab) -> None:
    """Add this verb to the command line."""

    @app.command("tune")
    @lab.verb
    def run(
        work: Work,
        scenario: Annotated[
            str, typer.Argument(metavar="SCENARIO", help="The name of one that ships, or a file.")
        ],
        campaign: Annotated[
            Path, typer.Option(metavar="FILE", help="A flow, or the name of a blueprint.")
        ],
        output: Annotated[
            Path, typer.Option("--output", "-o", metavar="FILE", help="The winning campaign.")
        ],
        param: Annotated[
            list[str] | None,
            typer.Option(
                metavar="NODE.KEY=LOW:HIGH", help="With :int or :log behind. May be repeated."
            ),
        ] = None,
        objective: Annotated[str, typer.Option(help="A figure of simulate.")] = "occupancy",
        limit: Annotated[
            list[str] | None,
            typer.Option(metavar="LIMIT", help="To be surely kept; else the preset's abandonment."),
        ] = None,
        agents: Annotated[
            int | None, typer.Option(min=1, max=5000, help="Else as many as the flow seizes.")
        ] = None,
        hours: Annotated[
            float | None, typer.Option(min=0.01, max=744, help="Of a day; else the scenario's.")
        ] = None,
        trials: Annotated[int, typer.Option(min=1, max=100_000, help="In all.")] = 40,
        replications: Annotated[int, typer.Option(min=2, max=10_000, help="Days of a trial.")] = 5,
        fresh: Annotated[
            int, typer.Option(min=2, max=10_000, help="Other days on which the best are tried.")
        ] = 10,
        seed: Annotated[int, typer.Option(min=0, help="Day r has seed + r.")] = 1,
        workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one a core.")] = 0,
        storage: Annotated[
            str, typer.Option(metavar="URL", help="Of trials; else OUTPUT.tune.db (SQLite).")
        ] = "",
    ) -> None:
        """Try numbers of a campaign in a scenario, and write the best campaign.

        A search that was interrupted goes on; with --storage postgresql://... several machines
        share one. The best are tried again on days that the search has not seen; exit code 3
        where none keeps the limits there.

        \b
        Examples:
          run.py tune base --campaign power --param init.dialing.ratio=1:5 --agents 20 -o mine.yaml
          run.py tune everyday --campaign flow.yaml --param route.patience_s=1:2 \\
            --param 'init.dialing.formula#2=0.1:2:log' --limit 'abandonment<=2.5%' -o mine.yaml
        """
        library = lab.library
        text, name = library.read_text(library.campaign(campaign))
        world = library.scenario(scenario)
        parameters = parse_parameters(param or ())
        # As it stands it must run, too; it says how many agents it seizes, and what its law is.
        case = library.case_of(world, with_values(text, name, {}), name, agents or 1, hours)
        task = Task(
            library,
            world,
            text,
            name,
            parameters,
            agents or agents_seized(case.flow),
            hours,
            objective,
            limits_of([parse_threshold(each) for each in limit or ()], case),
            replications,
            fresh,
            seed,
            workers,
        )
        if not output.parent.is_dir():
            raise InputError(f"--output {output}", "no such folder", "make it first")
        with work.out.progress("tune") as told:
            found = tune(task, trials, storage or f"sqlite:///{output}.tune.db", told)
        if found.winner is not None:
            output.write_text(found.text(), "utf-8")
        if work.as_json:
            written = str(output) if found.winner is not None else None
            work.out.document({**found.document(), "written": written})
        else:
            _show(work.out, found, output)
        if found.winner is None:
            work.miss_threshold()


def _show(out: Out, found: Tuned, output: Path) -> None:
    task = found.task
    names = [parameter.name for parameter in task.parameters]
    columns = ("trial", *names, task.objective, "abandonment", "at most", "limits")
    numbers = columns[:-1]
    best = found.best(_SHOWN)
    out.say(f"{len(found.tries)} trials of {task.replications} days; the best that keep the limits")
    out.table(columns, [_row(each, names) for each in best], numbers)
    out.say()
    out.say("The front: none beats these in both")
    out.table(columns, [_row(each, names) for each in found.front()], numbers)
    out.say()
    out.say(f"The best again, on {task.fresh} days that the search has not seen")
    out.table(columns, [_row(each, names) for each in found.fresh], numbers)
    out.say()
    limits = " and ".join(str(limit) for limit in task.limits)
    if found.winner is None:
        out.say(f"None surely keeps {limits}: nothing is written.")
    else:
        told = ", ".join(f"{name}={value:g}" for name, value in found.winner.values.items())
        out.say(f"Written: {output} ({told}), which surely keeps {limits}.")


def _row(each: Try, names: list[str]) -> tuple[str, ...]:
    objective, abandonment = each.objective, each.abandonment
    width = "" if objective.half_width is None else f" ± {objective.half_width:.4f}"
    return (
        str(each.number),
        *(f"{each.values[name]:g}" for name in names),
        f"{objective.mean:.4f}{width}",
        f"{abandonment.mean:.4f}",
        f"{abandonment.upper:.4f}",
        "kept" if each.keeps else "not surely kept",
    )
