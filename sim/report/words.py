"""Figures in words and cells, the same on every page.

The rule of this module: a figure is told with its interval where it has one, and never more
digits than mean something.
"""

from collections.abc import Sequence

from sim.experiment import Summary
from sim.report.page import Cell
from sim.scenario import Scenario
from sim.statistics import Estimate, RatioEstimate

IN_WORDS = {
    "occupancy": "occupancy",
    "abandonment": "abandonment, as the dialer measured it",
    "true_abandonment": "abandonment, as people suffered it",
    "calls_per_agent_hour": "callers per agent and hour",
    "answer_to_agent_seconds": "from the answer to an agent, s",
    "agent_wait_seconds": "an agent's wait for a caller, s",
}
"""The figures of a summary, as people call them."""


def percent(value: float, half_width: float | None = None) -> str:
    """A share in percent."""
    told = f"{100 * value:.1f} %" if value >= 0.1 else f"{100 * value:.2f} %"
    return told if half_width is None else f"{told} ± {100 * half_width:.2f}"


def fixed(value: float | None, digits: int) -> str:
    """A number with so many digits after the point; "" for none."""
    return "" if value is None else f"{value:.{digits}f}"


def points(estimate: Estimate) -> str:
    """A difference of shares, in points of percent."""
    mean, half_width = 100 * estimate.mean, estimate.half_width
    return f"{mean:+.2f}" + ("" if half_width is None else f" ± {100 * half_width:.2f}")


def estimate_cells(estimate: Estimate | RatioEstimate | None) -> tuple[str, str, str]:
    """Mean, interval, and the bound by which a limit is judged."""
    if estimate is None:
        return "none", "", ""
    judged = f"{estimate.upper:.4g}" if isinstance(estimate, RatioEstimate) else ""
    mean = f"{estimate.mean:.4g}"
    if estimate.half_width is None:
        return mean, "one day has none", judged
    return mean, f"{estimate.lower:.4g} to {estimate.upper:.4g}", judged


def figures_table(summary: Summary) -> tuple[Sequence[str], list[Sequence[str | Cell]]]:
    """All figures of a summary."""
    rows: list[Sequence[str | Cell]] = [
        (words, *estimate_cells(summary.estimate(name))) for name, words in IN_WORDS.items()
    ]
    return ("figure", "mean", "interval", "judged by"), rows


def assumption_rows(scenario: Scenario) -> list[Sequence[str | Cell]]:
    """What a scenario takes for granted, and whether it was fitted."""
    return [
        (each.name, each.value, Cell("fitted", "good") if each.fitted else Cell("guessed"))
        for each in scenario.assumptions()
    ]
