"""simulate: what a campaign will do in a scenario, before one phone rings."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.lent import Lab, Out, Work
from sim.experiment import RunDay, run_case
from sim.recording import record_case
from sim.statistics import Estimate, RatioEstimate
from sim.trial import OCCUPANCY, Result, Trial, precision_of, thresholds_of

_IN_WORDS = {
    "occupancy": "occupancy",
    "abandonment": "abandonment, as the dialer measured it",
    "true_abandonment": "abandonment, as people suffered it",
    "calls_per_agent_hour": "callers per agent and hour",
    "answer_to_agent_seconds": "from the answer to an agent, s",
    "agent_wait_seconds": "an agent's wait for a caller, s",
}


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
            str, typer.Option(help="progressive, power:RATIO, lookahead:TARGET.")
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
            run_day=_recording(journal, lab) if journal is not None else run_case,
        )
        with work.out.progress(f"{case.scenario.name}, {case.pacer}") as told:
            result = trial.run(told)
        if report is not None:
            _write_report(report, result)
        if work.as_json:
            work.out.document(result.document())
        else:
            show(work.out, result)
        if not result.good:
            work.miss_threshold()


def _recording(folder: Path, lab: Lab) -> RunDay:
    folder.mkdir(parents=True, exist_ok=True)
    return partial(record_case, folder=folder, versions=dict(lab.versions))


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
    rows = [(words, *_cells(summary.estimate(name))) for name, words in _IN_WORDS.items()]
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
    if not summary.calls:
        out.say(f"Nobody was called: {summary.replications[0].figures.last_reason or 'no pulse'}.")
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


def _cells(estimate: Estimate | RatioEstimate | None) -> tuple[str, str, str]:
    if estimate is None:
        return "none", "", ""
    judged = f"{estimate.upper:.4g}" if isinstance(estimate, RatioEstimate) else ""
    mean = f"{estimate.mean:.4g}"
    if estimate.half_width is None:
        return mean, "one day has none", judged
    return mean, f"{estimate.lower:.4g} to {estimate.upper:.4g}", judged


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def _write_report(folder: Path, result: Result) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result.document(), indent=2, default=_plain)
    (folder / "simulate.json").write_text(text + "\n", "utf-8")


def _plain(value: Any) -> Any:
    return str(value)
