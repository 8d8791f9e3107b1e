"""simulate: what a campaign will do in a scenario, before one phone rings."""

import json
import shlex
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.lent import Lab, Out, Work
from sim.days import series_case
from sim.experiment import RunDay, run_case
from sim.recording import record_case
from sim.report.words import IN_WORDS, estimate_cells
from sim.trial import OCCUPANCY, Result, Trial, precision_of, thresholds_of


def add_to(app: typer.Typer, lab: Lab) -> None:
    """Add this verb to the command line."""

    @app.command("simulate")
    @lab.verb
    def simulate(
        work: Work,
        scenario: Annotated[
            str, typer.Argument(metavar="SCENARIO", help="The name of one that ships, or a file.")
        ],
        campaign: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE", help="A flow, simulated as it is; else --pacer's blueprint."
            ),
        ] = None,
        pacer: Annotated[
            str, typer.Option(help="progressive, power:RATIO, lookahead:TARGET, vicidial ...")
        ] = "progressive",
        agents: Annotated[int, typer.Option(min=1, max=5000)] = 20,
        hours: Annotated[
            float | None, typer.Option(min=0.01, max=744, help="Of a day; else the scenario's.")
        ] = None,
        replications: Annotated[int, typer.Option(min=1, max=100_000, help="Days.")] = 5,
        seed: Annotated[int, typer.Option(min=0, help="Day r has seed + r.")] = 1,
        jitter: Annotated[
            float, typer.Option(metavar="MS", min=0, max=1000, help="Actors are late by up to it.")
        ] = 0.0,
        set: Annotated[
            list[str] | None,
            typer.Option(
                metavar="KEY=VALUE",
                help="Of the scenario; campaign.NODE.KEY of the flow. May be repeated.",
            ),
        ] = None,
        threshold: Annotated[
            list[str] | None,
            typer.Option(metavar="LIMIT", help="Exit 3 if it is not surely kept. May be repeated."),
        ] = None,
        precision: Annotated[
            str, typer.Option(metavar="FIGURE=HALF_WIDTH", help="Add days until it is as sure.")
        ] = "",
        workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one a core.")] = 0,
        journal: Annotated[
            Path | None, typer.Option(metavar="DIR", help="Record each day there, for replay.")
        ] = None,
        report: Annotated[
            Path | None, typer.Option(metavar="DIR", help="Write a report there.")
        ] = None,
    ) -> None:
        """Say what a campaign will do in a scenario, with how sure that is.

        \b
        Examples:
          run.py simulate base --pacer power:3.2 --agents 20
          run.py simulate everyday --campaign flow.yaml --threshold 'abandonment<=0.03'
          run.py simulate base --set calls.talk_s.mean=90 --precision occupancy=0.005 --json
        """
        case = lab.library.case(
            scenario,
            pacer,
            campaign,
            agents=agents,
            hours=hours,
            jitter_s=jitter / 1000,
            settings=set or (),
        )
        trial = Trial(
            case,
            seed,
            replications,
            thresholds_of(threshold or ()),
            precision_of(precision),
            workers,
            run_day=_run_day(journal, report is not None, lab),
        )
        with work.out.progress(f"{case.scenario.name}, {case.pacer}") as told:
            result = trial.run(told)
        page = None
        if report is not None:
            options = {"--set": set or [], "--threshold": threshold or []}
            command = _command(scenario, campaign, pacer, trial, options, precision)
            page = _write_report(report, result, command, lab)
        if work.as_json:
            work.out.document(result.document())
        else:
            show(work.out, result)
            if page is not None:
                work.out.say(f"Report: {page}")
        if not result.good:
            work.miss_threshold()


def show(out: Out, result: Result) -> None:
    """A trial's result, for people."""
    trial, summary = result.trial, result.summary
    case = trial.case
    days = len(summary.replications)
    out.say(
        f"{case.flow.title} ({case.pacer}) in {case.scenario.name}: {case.agents} agents, "
        f"{case.day.hours:g} h, {days} {'day' if days == 1 else 'days'} from seed {trial.seed}"
    )
    out.say()
    level = f"{summary.level:.0%} interval"
    rows = [(words, *estimate_cells(summary.estimate(name))) for name, words in IN_WORDS.items()]
    out.table(("figure", "mean", level, "judged by"), rows, numbers=("mean", level, "judged by"))
    out.say()
    out.say(f"Occupancy is {OCCUPANCY}.")
    waits = summary.document()["answer_to_agent_seconds"]["percentiles"]
    if all(value is not None for value in waits.values()):
        told = ", ".join(f"{value:.2f} s" for value in waits.values())
        out.say(f"From the answer to an agent, of {', '.join(waits)} in 100 callers: {told}.")
    speed = summary.calls / summary.cpu_seconds if summary.cpu_seconds else 0
    out.say(f"{summary.calls:,} calls, {speed:,.0f} per CPU-second.")
    out.say(_counts(summary.outcomes))
    for note in result.notes:
        out.say(f"Note: {note}.")
    out.say()
    fitted = {True: "fitted", False: "guessed"}
    out.table(
        ("assumed", "", "from"),
        [(each.name, each.value, fitted[each.fitted]) for each in case.scenario.assumptions()],
    )
    out.say()
    _show_promises(out, result)
    for verdict in result.verdicts:
        out.say(str(verdict))


def _show_promises(out: Out, result: Result) -> None:
    broken = {name: count for name, count in result.summary.invariants.items() if count}
    if not broken:
        out.say(f"All {len(result.summary.invariants)} invariants hold.")
        return
    out.say(f"Broken invariants: {_counts(broken)}")
    for replication in result.summary.replications:
        for line in replication.told[:3]:
            out.say(f"  seed {replication.seed}: {line}")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def _run_day(journal: Path | None, looked_at: bool, lab: Lab) -> RunDay:
    """What runs one day: recorded, or looked at through its course, or both, or neither."""
    run: RunDay = run_case
    if journal is not None:
        journal.mkdir(parents=True, exist_ok=True)
        run = partial(record_case, folder=journal, versions=dict(lab.versions))
    return partial(series_case, run=run) if looked_at else run


def _command(
    scenario: str,
    campaign: Path | None,
    pacer: str,
    trial: Trial,
    options: dict[str, list[str]],
    precision: str,
) -> str:
    """The command that gives this result again."""
    case = trial.case
    parts = ["run.py", "simulate", scenario]
    parts += ["--campaign", str(campaign)] if campaign is not None else ["--pacer", pacer]
    parts += ["--agents", str(case.agents), "--hours", f"{case.day.hours:g}"]
    parts += ["--replications", str(trial.replications), "--seed", str(trial.seed)]
    if case.jitter_s:
        parts += ["--jitter", f"{case.jitter_s * 1000:g}"]
    for name, values in options.items():
        for value in values:
            parts += [name, value]
    if precision:
        parts += ["--precision", precision]
    return shlex.join(parts)


def _write_report(folder: Path, result: Result, command: str, lab: Lab) -> Path:
    """The page, and beside it all figures as JSON."""
    from sim.report.simulate_report import write_simulate_report

    page = write_simulate_report(result, command, lab.versions, folder)
    text = json.dumps(result.document(), indent=2, default=str)
    (folder / "simulate.json").write_text(text + "\n", "utf-8")
    return page
