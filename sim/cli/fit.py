"""fit: a scenario from recorded traffic."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.contacts import is_time_zone
from dialer.documents import suggestion
from dialer.errors import InputError
from sim.cli.lent import Lab, Out, Work
from sim.fit.csv_records import read_agent_events, read_calls
from sim.fit.durations import CRITERIA
from sim.fit.fitting import Fit, fit_traffic
from sim.fit.journal_records import is_journal, read_journal
from sim.fit.records import Traffic
from sim.fit.writing import checked, scenario_text


def add_to(app: typer.Typer, lab: Lab) -> None:
    """Add this verb to the command line."""

    @app.command("fit")
    @lab.verb
    def fit(
        work: Work,
        calls: Annotated[
            Path,
            typer.Argument(metavar="CALLS", help="CSV of call records, or a journal's folder."),
        ],
        output: Annotated[
            Path, typer.Option("--output", "-o", metavar="SCENARIO", help="The file to write.")
        ],
        agents: Annotated[
            Path | None,
            typer.Option("--agent-events", metavar="CSV", help="Agents' states: agent, at, state."),
        ] = None,
        zone: Annotated[
            str, typer.Option(help="Where agents work, and of times that do not say theirs.")
        ] = "America/New_York",
        criterion: Annotated[str, typer.Option(help="Laws compete by bic or aic.")] = "bic",
        report: Annotated[
            Path | None, typer.Option(metavar="DIR", help="Write a report there.")
        ] = None,
    ) -> None:
        """Make a scenario of recorded traffic, and say which of it is fitted and which guessed.

        \b
        Columns of CALLS (see docs/simulation.md): dialed_at, ended_at and outcome; and, where
        known, ringing_at, answered_at, verdict_at, connected_at, wrap_up_ended_at, agent,
        segment, zone.

        \b
        Examples:
          run.py fit calls.csv -o mine.yaml --report fitted/
          run.py fit data/journal -o mine.yaml --zone Europe/Berlin
        """
        if not is_time_zone(zone):
            raise InputError(f"--zone {zone!r}", "no time zone", "write one as America/New_York")
        if criterion not in CRITERIA:
            mend = suggestion(criterion, CRITERIA)
            raise InputError(f"--criterion {criterion!r}", "no such criterion", mend)
        traffic = _read(calls, agents, zone)
        with work.out.progress("fit") as told:
            found = fit_traffic(traffic, zone, criterion, lambda done, of, _: told(done, of))
        text = scenario_text(found, f"fitted to {traffic.source}", traffic.source)
        checked(text, str(output))
        output.write_text(text, "utf-8")
        page = _write_report(found, text, traffic, output, lab, report)
        document = _document(found, traffic, output, page)
        if work.as_json:
            work.out.document(document)
        else:
            _show(work.out, found, document)


def _read(calls: Path, agents: Path | None, zone: str) -> Traffic:
    traffic = read_journal(calls) if is_journal(calls) else read_calls(calls, zone)
    if agents is not None:
        traffic.agent_events = read_agent_events(agents, zone)
    return traffic


def _write_report(
    fit: Fit, text: str, traffic: Traffic, output: Path, lab: Lab, folder: Path | None
) -> Path | None:
    if folder is None:
        return None
    from sim.report.fit_report import write_fit_report

    command = f"run.py fit {traffic.source} -o {output.name} --report {folder.name}"
    return write_fit_report(fit, text, traffic.source, command, dict(lab.versions), folder)


def _document(fit: Fit, traffic: Traffic, output: Path, page: Path | None) -> dict[str, Any]:
    scenario = checked(scenario_text(fit, "", traffic.source), output.name)
    assumed = scenario.assumptions()
    return {
        "scenario": str(output),
        "report": str(page) if page else None,
        "calls": fit.calls,
        "days": len(fit.days.days),
        "agents": fit.agents,
        "fitted": [each.name for each in assumed if each.fitted],
        "guessed": [each.name for each in assumed if not each.fitted],
        "traits": [
            {
                "name": trait.name,
                "callees": trait.group,
                "seen": trait.shown,
                "cut_off": trait.cut,
                "part_starts_s": list(trait.parts.starts),
                "p_value": trait.parts.p_value,
                "laws": list(trait.values),
                "mean_s": [law.mean for law in trait.laws],
                "misfit": [part.misfit for part in trait.fits],
                "tried": [
                    {each.name: {"aic": each.aic, "bic": each.bic} for each in part.tried}
                    for part in trait.fits
                ],
                "note": trait.note,
            }
            for trait in fit.traits
        ],
        "live": [
            {"callees": name, "part_starts_s": list(fit.mixes[name].parts.starts), "shares": shares}
            for name, shares in fit.live.items()
        ],
        "bursts": fit.burst._asdict() if fit.burst else None,
        "notes": fit.notes,
    }


def _show(out: Out, fit: Fit, document: dict[str, Any]) -> None:
    out.say(
        f"{fit.calls:,} calls on {len(fit.days.days)} days from "
        f"{fit.days.start:%H:%M}, {fit.days.hours:g} h, {fit.agents or 'unknown'} agents"
    )
    out.say()
    numbers = ("seen", "cut off", "mean, s", "misfit")
    rows = []
    for trait in fit.traits:
        name = f"{trait.name} ({trait.group})" if trait.group else trait.name
        for place, law in enumerate(trait.laws):
            part = trait.fits[place] if trait.fits else None
            rows.append(
                (
                    name if not place else "",
                    f"{trait.shown:,}",
                    f"{trait.cut:,}",
                    part.law.name if part else "constant",
                    f"{law.mean:.4g}",
                    f"{part.misfit:.3f}" if part else "",
                    _hours(trait.parts.starts[place : place + 1]) if trait.parts.changes else "",
                )
            )
    out.table(("trait", "seen", "cut off", "law", "mean, s", "misfit", "from"), rows, numbers)
    out.say()
    for name, shares in fit.live.items():
        starts = fit.mixes[name].parts.starts
        told = ", ".join(
            f"{share:.3f} from {_hours((start,))}"
            for start, share in zip(starts, shares, strict=True)
        )
        out.say(f"Live answers{f' ({name})' if name else ''}: {told}")
    if fit.burst:
        out.say(f"Bursts of answers: every {fit.burst.every_s} s with a cv of {fit.burst.cv:.2f}")
    out.say(f"Fitted: {', '.join(document['fitted'])}")
    out.say(f"Guessed: {', '.join(document['guessed'])}")
    for note in fit.notes:
        out.say(f"Note: {note}")
    out.say(f"Written: {document['scenario']}")
    if document["report"]:
        out.say(f"Report: {document['report']}")


def _hours(starts: tuple[int, ...]) -> str:
    return ", ".join(f"{start // 3600:02d}:{start % 3600 // 60:02d}" for start in starts)
