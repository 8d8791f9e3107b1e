"""The page of a benchmark.

The rule of this module: it opens with what an operations director would ask (who keeps the limit,
and how busy are agents then), and everything that it says can be checked further down.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.benchmark import Cell, Comparison, Difference
from sim.days import SLICE_S
from sim.report import charts
from sim.report.charts import Line
from sim.report.page import Cell as TableCell
from sim.report.page import Finding, Page
from sim.report.words import assumption_rows, fixed, percent, points
from sim.scenario import Scenario
from sim.statistics import Estimate
from sim.trial import OCCUPANCY


def write_benchmark_report(
    comparison: Comparison, command: str, versions: Mapping[str, str], folder: Path
) -> Path:
    """Write the page, and give its path."""
    matrix = comparison.matrix
    groups = comparison.groups()
    first = comparison.cells[0]
    days = matrix.replications
    page = Page(
        "Pacers compared",
        f"{len(groups)} {'world' if len(groups) == 1 else 'worlds'}, {len(matrix.pacers)} pacers, "
        f"{days} {'day' if days == 1 else 'days'} of {first.case.day.hours:g} h each: "
        f"{sum(cell.summary.calls for cell in comparison.cells):,} simulated calls. "
        "Every pacer meets the same people on the same days.",
    )
    page.findings([_finding(group) for group in groups])
    page.section(
        "Busy agents against abandoned callers",
        "Up is better, left is better. Bars are 95 % intervals; the right end is the bound by "
        "which the limit is judged. The dashed line joins those that no other beats.",
    )
    page.picture(
        charts.frontier([(_title(group[0]), _lines(group)) for group in groups], first.limit)
    )
    page.section("All figures", "Means over days with 95 % intervals.")
    page.table(*_table(comparison.cells), numbers=_NUMBERS)
    differences = list(comparison.differences())
    if differences:
        page.section(
            f"Against {differences[0].baseline}",
            "Differences on the same days, which are far surer than either figure. An interval "
            "that holds 0 shows no difference.",
        )
        page.table(*_differences(differences), numbers=_DIFFERENCE_NUMBERS)
    for group in groups:
        _details(page, group)
    page.section("What was assumed", "Of the worlds; what was not fitted to records is guessed.")
    for name, scenario in {cell.scenario: cell.case.scenario for cell in comparison.cells}.items():
        page.table(
            (name, "", "from"),
            assumption_rows(scenario),
        )
    _how(page, comparison, command, versions, first.case.scenario)
    return page.write(folder)


def _details(page: Page, group: Sequence[Cell]) -> None:
    title, lines, limit = _title(group[0]), _lines(group), group[0].limit
    page.section(
        f"{title[0].upper()}{title[1:]}",
        "Each day's abandonment, agents' time, the day's course (bands hold eight days in ten, by "
        "quarter hours), and waits.",
    )
    page.picture(charts.daily(title, lines, limit))
    page.picture(charts.time_split(title, lines))
    page.picture(charts.day_series(title, lines, SLICE_S, limit))
    page.picture(charts.waits(title, lines))


def _how(
    page: Page, comparison: Comparison, command: str, versions: Mapping[str, str], world: Scenario
) -> None:
    matrix = comparison.matrix
    broken = sum(sum(cell.summary.invariants.values()) for cell in comparison.cells)
    last = matrix.seed + matrix.replications - 1
    page.section("How this was made")
    page.facts(
        {
            "command": command,
            "seeds": f"{matrix.seed} to {last}, one a day",
            "a day begins": f"{world.start:%Y-%m-%d %H:%M}, {world.zone}",
            "occupancy": OCCUPANCY,
            "abandonment": "abandoned / answered by a person, as the dialer took them",
            "broken invariants": str(broken) if broken else "none",
            **versions,
        }
    )


def _finding(group: Sequence[Cell]) -> Finding:
    """Which pacer to take in a world, and what the others cost."""
    limit = group[0].limit
    title = _title(group[0])
    safe = [cell for cell in group if cell.summary.abandonment.upper <= limit]
    over = [cell for cell in group if cell.summary.abandonment.lower > limit]
    costs = _list([f"{cell.pacer} ({percent(cell.summary.abandonment.mean)})" for cell in over])
    rest = f" Over the limit: {costs}." if over else ""
    unsure = [cell for cell in group if cell not in safe and cell not in over]
    near = _list([f"{cell.pacer} ({_bound(cell)})" for cell in unsure])
    rest += f" Too near to tell in so few days: {near}." if unsure else ""
    if not safe:
        return Finding(
            f"{title}: no pacer surely keeps abandonment up to {limit:.0%}.{rest}", "bad"
        )
    best = max(safe, key=lambda cell: cell.summary.occupancy.mean)
    abandonment = best.summary.abandonment
    return Finding(
        f"{title}: of those that surely keep abandonment up to {limit:.0%}, {best.pacer} keeps "
        f"agents busiest, {percent(best.summary.occupancy.mean)} of their time, and abandons "
        f"{percent(abandonment.mean)} (at most {percent(abandonment.upper)}).{rest}",
        "good",
    )


def _bound(cell: Cell) -> str:
    abandonment = cell.summary.abandonment
    return f"{percent(abandonment.mean)}, at most {percent(abandonment.upper)}"


_NUMBERS = (
    "agents",
    "occupancy",
    "abandonment",
    "at most",
    "as suffered",
    "days over",
    "callers per agent hour",
    "answer to agent, s",
    "agent's wait, s",
)


def _table(cells: Sequence[Cell]) -> tuple[Sequence[str], list[list[str | TableCell]]]:
    columns = ("scenario", "agents", "pacer", *_NUMBERS[1:])
    rows: list[list[str | TableCell]] = []
    for cell in cells:
        summary = cell.summary
        abandonment = summary.abandonment
        mood = "good" if abandonment.upper <= cell.limit else "unsure"
        mood = "bad" if abandonment.lower > cell.limit else mood
        rows.append(
            [
                cell.scenario,
                str(cell.agents),
                cell.pacer,
                percent(summary.occupancy.mean, summary.occupancy.half_width),
                percent(abandonment.mean, abandonment.half_width),
                TableCell(percent(abandonment.upper), mood),
                percent(summary.true_abandonment.mean),
                f"{cell.days_over_limit:.0%}",
                fixed(summary.calls_per_agent_hour.mean, 1),
                fixed(_mean(summary.answer_to_agent_seconds), 2),
                fixed(_mean(summary.agent_wait_seconds), 1),
            ]
        )
    return columns, rows


_DIFFERENCE_NUMBERS = ("agents", "occupancy, points", "abandonment, points")


def _differences(found: Sequence[Difference]) -> tuple[Sequence[str], list[list[str]]]:
    columns = ("scenario", "agents", "pacer", *_DIFFERENCE_NUMBERS[1:])
    rows = [
        [
            each.scenario,
            str(each.agents),
            each.pacer,
            points(each.occupancy),
            points(each.abandonment),
        ]
        for each in found
    ]
    return columns, rows


def _lines(group: Sequence[Cell]) -> list[Line]:
    return [Line(cell.pacer, cell.summary, place) for place, cell in enumerate(group)]


def _title(cell: Cell) -> str:
    return f"{cell.scenario}, {cell.agents} agents"


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _mean(estimate: Estimate | None) -> float | None:
    return estimate.mean if estimate is not None else None
