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
from sim.scenario import Scenario
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
            [(each.name, each.value, _origin(each.fitted)) for each in scenario.assumptions()],
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
    costs = _list([f"{cell.pacer} ({_percent(cell.summary.abandonment.mean)})" for cell in over])
    rest = f" Over the limit: {costs}." if over else ""
    if not safe:
        return Finding(
            f"{title}: no pacer surely keeps abandonment up to {limit:.0%}.{rest}", "bad"
        )
    best = max(safe, key=lambda cell: cell.summary.occupancy.mean)
    abandonment = best.summary.abandonment
    return Finding(
        f"{title}: of those that surely keep abandonment up to {limit:.0%}, {best.pacer} keeps "
        f"agents busiest, {_percent(best.summary.occupancy.mean)} of their time, and abandons "
        f"{_percent(abandonment.mean)} (at most {_percent(abandonment.upper)}).{rest}",
        "good",
    )


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
                _percent(summary.occupancy.mean, summary.occupancy.half_width),
                _percent(abandonment.mean, abandonment.half_width),
                TableCell(_percent(abandonment.upper), mood),
                _percent(summary.true_abandonment.mean),
                f"{cell.days_over_limit:.0%}",
                _seconds(summary.calls_per_agent_hour.mean, 1),
                _seconds(_mean(summary.answer_to_agent_seconds), 2),
                _seconds(_mean(summary.agent_wait_seconds), 1),
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
            _points(each.occupancy),
            _points(each.abandonment),
        ]
        for each in found
    ]
    return columns, rows


def _points(estimate: object) -> str:
    mean, half_width = 100 * estimate.mean, estimate.half_width  # type: ignore[attr-defined]
    return f"{mean:+.2f}" + ("" if half_width is None else f" ± {100 * half_width:.2f}")


def _lines(group: Sequence[Cell]) -> list[Line]:
    return [Line(cell.pacer, cell.summary, place) for place, cell in enumerate(group)]


def _title(cell: Cell) -> str:
    return f"{cell.scenario}, {cell.agents} agents"


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _origin(fitted: bool) -> TableCell:
    return TableCell("fitted", "good") if fitted else TableCell("guessed")


def _mean(estimate: object) -> float | None:
    return getattr(estimate, "mean", None)


def _percent(value: float, half_width: float | None = None) -> str:
    told = f"{100 * value:.1f} %" if value >= 0.1 else f"{100 * value:.2f} %"
    return told if half_width is None else f"{told} ± {100 * half_width:.2f}"


def _seconds(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
