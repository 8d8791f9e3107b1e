"""The page of one simulated campaign.

The rule of this module: it says what the command line says, and shows the days behind it.
"""

from collections.abc import Mapping
from pathlib import Path

from sim.days import SLICE_S
from sim.report import charts
from sim.report.charts import Line
from sim.report.page import Finding, Page
from sim.report.words import assumption_rows, figures_table, percent
from sim.trial import OCCUPANCY, Result

_USUAL_LIMIT = 0.03


def write_simulate_report(
    result: Result, command: str, versions: Mapping[str, str], folder: Path
) -> Path:
    """Write the page, and give its path."""
    trial, summary = result.trial, result.summary
    case = trial.case
    days = len(summary.replications)
    title = f"{case.flow.title} in {case.scenario.name}"
    page = Page(
        title,
        f"{case.pacer}, {case.agents} agents, {days} {'day' if days == 1 else 'days'} of "
        f"{case.day.hours:g} h: {summary.calls:,} simulated calls.",
    )
    law = case.preset.abandonment
    limit = law.target if law is not None else _USUAL_LIMIT
    page.findings(_findings(result, limit))
    lines = [Line(case.pacer, summary, 0)]
    page.section("Figures", "Means over days with their intervals.")
    page.table(*figures_table(summary), numbers=("mean", "interval", "judged by"))
    page.section("Abandonment of each day", "Each dot is a day; the line is the limit.")
    page.picture(charts.daily(title, lines, limit))
    page.section("Agents' time")
    page.picture(charts.time_split(title, lines))
    page.section("Through the day", "Bands hold eight days in ten, by quarter hours.")
    page.picture(charts.day_series(title, lines, SLICE_S, limit))
    page.section("Waits")
    page.picture(charts.waits(title, lines))
    page.section("How calls ended")
    total = sum(summary.outcomes.values()) or 1
    page.table(
        ("outcome", "calls", "share"),
        [
            (name.replace("_", " "), f"{count:,}", percent(count / total))
            for name, count in summary.outcomes.items()
        ],
        numbers=("calls", "share"),
    )
    page.section("What was assumed", "What was not fitted to records is guessed.")
    page.table(("assumption", "", "from"), assumption_rows(case.scenario))
    page.section("How this was made")
    broken = sum(summary.invariants.values())
    page.facts(
        {
            "command": command,
            "seeds": ", ".join(str(each.seed) for each in summary.replications[:20])
            + (" ..." if days > 20 else ""),
            "a day begins": f"{case.scenario.start:%Y-%m-%d %H:%M}, {case.scenario.zone}",
            "occupancy": OCCUPANCY,
            "broken invariants": str(broken) if broken else "none",
            "journal_sha256": summary.journal_sha256,
            **versions,
        }
    )
    return page.write(folder)


def _findings(result: Result, limit: float) -> list[Finding]:
    summary = result.summary
    abandonment = summary.abandonment
    kept = abandonment.upper <= limit
    over = abandonment.lower > limit
    words = "is surely kept" if kept else "is exceeded" if over else "is not surely kept"
    found = [
        Finding(f"Agents are busy {percent(summary.occupancy.mean)} of their time at work."),
        Finding(
            f"{percent(abandonment.mean)} of answers are abandoned, at most "
            f"{percent(abandonment.upper)}: the limit of {percent(limit)} {words}.",
            "good" if kept else "bad" if over else "unsure",
        ),
    ]
    return found + [
        Finding(f"Threshold {verdict}.", "good" if verdict.ok else "bad")
        for verdict in result.verdicts
    ]
