"""The charts of simulated campaigns.

The rule of this module: a chart shows its uncertainty where it has one, the limit where there is
one, and a pacer in the same colour throughout a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.benchmark import front
from sim.experiment import Summary
from sim.report.drawing import GRID, INK, MUTED, SURFACE, colour, picture

WIDTH = 10.8


@dataclass(frozen=True)
class Line:
    """One pacer's days in one scenario. place: of its colour."""

    name: str
    summary: Summary
    place: int

    @property
    def colour(self) -> str:
        return colour(self.place)


SPLIT = (
    ("talking", ("talking", "hold", "leaving_busy")),
    ("wrap-up", ("wrap_up",)),
    ("free, calls placed for them", ("reserved", "pending_not_ready", "pending_logout", "ringing")),
    ("free", ("ready",)),
    ("away", ("not_ready",)),
)
"""An agent's logged-in time, in words, by states of `dialer.agents`."""


def frontier(groups: Sequence[tuple[str, Sequence[Line]]], limit: float) -> str:
    """Occupancy against abandonment, a panel a group, with intervals and the Pareto front."""
    columns = min(3, len(groups))
    rows = -(-len(groups) // columns)

    def draw(figure: Any) -> None:
        panels = figure.subplots(rows, columns, squeeze=False).flatten()
        for panel, (title, lines) in zip(panels, groups, strict=False):
            _frontier_panel(panel, title, lines, limit)
        for panel in panels[len(groups) :]:
            panel.set_axis_off()

    height = 4.2 if columns == 1 else 3.4 * rows
    told = "occupancy against abandonment: " + "; ".join(title for title, _ in groups)
    return picture(draw, WIDTH, height, told)


def _frontier_panel(axes: Any, title: str, lines: Sequence[Line], limit: float) -> None:
    points = []
    for line in lines:
        occupancy, abandonment = line.summary.occupancy, line.summary.abandonment
        x, y = 100 * abandonment.mean, 100 * occupancy.mean
        points.append((x, y))
        axes.errorbar(
            x,
            y,
            xerr=[[x - 100 * abandonment.lower], [100 * abandonment.upper - x]],
            yerr=100 * (occupancy.half_width or 0.0),
            color=line.colour,
            marker="o",
            markersize=7,
            elinewidth=1.4,
            capsize=3,
        )
    best = [points[place] for place in front(points)]
    axes.plot(*zip(*best, strict=True), color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    xs = [100 * line.summary.abandonment.upper for line in lines]
    right = max(*xs, 100 * limit) * 1.3
    ys = [y for _, y in points]
    room = max(4.0, max(ys) - min(ys)) * 0.18
    axes.set_xlim(-0.03 * right, right)
    axes.set_ylim(min(ys) - room, min(102.0, max(ys) + room))
    axes.axvspan(100 * limit, right, color=GRID, alpha=0.6, zorder=0, linewidth=0)
    axes.axvline(100 * limit, color=MUTED, linewidth=1.2)
    axes.text(
        100 * limit, 0.02, f" limit {limit:.0%}", color=MUTED, fontsize=8.5,
        transform=axes.get_xaxis_transform(), va="bottom",
    )  # fmt: skip
    for (x, y), line in zip(points, lines, strict=True):
        left = x > 0.7 * right
        axes.annotate(
            line.name,
            (x, y),
            (-9 if left else 9, -11),
            textcoords="offset points",
            color=line.colour,
            fontweight="bold",
            ha="right" if left else "left",
            va="center",
        )
    axes.set_title(title)
    axes.set_xlabel("abandonment, % of answers")
    axes.set_ylabel("occupancy, %")


def day_series(title: str, lines: Sequence[Line], slice_s: float, limit: float) -> str:
    """Occupancy and abandonment through the day: means over days, and where most days lie."""

    def draw(figure: Any) -> None:
        panels = figure.subplots(1, 2)
        for panel, what in zip(panels, ("occupancy", "abandonment"), strict=True):
            top = 0.0
            for line in lines:
                low, middle, high, hours = _through_the_day(line, what, slice_s)
                panel.fill_between(hours, low, high, color=line.colour, alpha=0.14, linewidth=0)
                panel.plot(hours, middle, color=line.colour, label=line.name)
                top = max(top, float(np.max(high)))
            panel.set_title(what)
            panel.set_xlabel("hours since the day began")
            panel.set_ylabel("%")
            panel.set_ylim(0, 103 if what == "occupancy" else max(1.15 * top, 130 * limit))
        panels[1].axhline(100 * limit, color=MUTED, linewidth=1.2)
        _legend(figure, panels[0])

    return picture(draw, WIDTH, 3.3, f"through the day: {title}")


def _through_the_day(line: Line, what: str, slice_s: float) -> tuple[Any, Any, Any, Any]:
    days = [each.series for each in line.summary.replications]
    if what == "occupancy":
        above = np.asarray([[part.busy_s for part in day] for day in days])
        below = np.asarray([[part.at_work_s for part in day] for day in days])
    else:
        above = np.asarray([[part.abandoned for part in day] for day in days], dtype=float)
        below = np.asarray([[part.answered for part in day] for day in days], dtype=float)
    middle = 100 * above.sum(axis=0) / np.maximum(below.sum(axis=0), 1e-9)
    # Of slices in which nothing could happen there is no share.
    each = 100 * above / np.maximum(below, 1e-9)
    low, high = np.quantile(each, [0.1, 0.9], axis=0)
    hours = (np.arange(len(days[0])) + 0.5) * slice_s / 3600
    return low, middle, np.maximum(high, middle), hours


def daily(title: str, lines: Sequence[Line], limit: float) -> str:
    """Each day's abandonment against the limit."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        _daily_panel(axes, lines, limit)

    return picture(draw, WIDTH, 0.9 + 0.42 * len(lines), f"abandonment of each day: {title}")


def _daily_panel(axes: Any, lines: Sequence[Line], limit: float) -> None:
    for place, line in enumerate(reversed(lines)):
        shares = sorted(100 * each.figures.abandonment for each in line.summary.replications)
        # Days that fall on one another are spread, evenly and the same each time.
        spread = [0.28 * ((7 * number) % 11 / 5 - 1) for number in range(len(shares))]
        axes.scatter(
            shares, [place + off for off in spread], color=line.colour, s=26, alpha=0.75,
            linewidths=0,
        )  # fmt: skip
        over = sum(share > 100 * limit for share in shares)
        axes.text(
            1.01, place, f"{over} of {len(shares)} days over", transform=_beside(axes),
            va="center", color=INK if over else MUTED,
        )  # fmt: skip
    axes.axvline(100 * limit, color=MUTED, linewidth=1.2)
    axes.set_yticks(range(len(lines)), [line.name for line in reversed(lines)])
    axes.set_ylim(-0.6, len(lines) - 0.4)
    axes.set_xlim(left=-0.1)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("abandonment of a day, %")


def _beside(axes: Any) -> Any:
    """Across in parts of the axes, up in its data."""
    return axes.get_yaxis_transform()


def time_split(title: str, lines: Sequence[Line]) -> str:
    """How agents spend their logged-in time."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for place, line in enumerate(reversed(lines)):
            shares = split_of(line.summary)
            left = 0.0
            for number, (_, share) in enumerate(shares):
                fill, alpha = _FILLS[number]
                axes.barh(
                    place, 100 * share, left=left, color=fill, alpha=alpha, height=0.58,
                    linewidth=0, label=shares[number][0] if not place else None,
                )  # fmt: skip
                if share > 0.045:
                    axes.text(
                        left + 50 * share, place, f"{share:.0%}", ha="center", va="center",
                        color=SURFACE if number < 2 else INK, fontsize=8.5,
                    )  # fmt: skip
                left += 100 * share
        axes.set_yticks(range(len(lines)), [line.name for line in reversed(lines)])
        axes.set_xlim(0, 100)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("% of logged-in time")
        figure.legend(loc="outside upper left", ncols=len(SPLIT), handlelength=1.2)

    return picture(draw, WIDTH, 1.2 + 0.42 * len(lines), f"agents' time: {title}")


_FILLS = ((colour(0), 0.95), (colour(0), 0.6), (GRID, 1.0), (MUTED, 0.6), (MUTED, 0.3))


def split_of(summary: Summary) -> list[tuple[str, float]]:
    """Shares of logged-in time, in words."""
    seconds = [
        sum(
            each.figures.seconds_in.get(state, 0.0)
            for each in summary.replications
            for state in states
        )
        for _, states in SPLIT
    ]
    total = sum(seconds) or 1.0
    return [(name, spent / total) for (name, _), spent in zip(SPLIT, seconds, strict=True)]


def waits(title: str, lines: Sequence[Line]) -> str:
    """How long callers wait for an agent, and agents for a caller."""

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        _histogram(left, lines, "answer_to_agent_s")
        left.set_title("from the answer to an agent")
        left.set_ylabel("% of callers")
        # Nearly all meet an agent at once; what matters are the few who do not.
        left.set_yscale("log")
        left.set_ylim(0.02, 150)
        left.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        left.minorticks_off()
        _histogram(right, lines, "agent_wait_s")
        right.set_title("an agent's wait for a caller")
        right.set_ylabel("% of waits")
        _legend(figure, left)

    return picture(draw, WIDTH, 3.2, f"waits: {title}")


def _histogram(axes: Any, lines: Sequence[Line], name: str) -> None:
    values = [_waited(line, name) for line in lines]
    # Of agents' waits the long tail is left out; of callers' it is the point.
    share = 1.0 if name == "answer_to_agent_s" else 0.99
    longest = max((float(np.quantile(each, share)) for each in values if len(each)), default=1.0)
    edges = np.linspace(0, max(longest, 0.1), 31)
    for each, line in zip(values, lines, strict=True):
        if len(each):
            counts, _ = np.histogram(np.minimum(each, edges[-1]), edges)
            percent = 100 * counts / len(each)
            axes.stairs(percent, edges, color=line.colour, fill=True, alpha=0.13, linewidth=0)
            axes.stairs(percent, edges, color=line.colour, linewidth=1.6, label=line.name)
    axes.set_xlim(0, edges[-1])
    axes.set_xlabel("seconds")


def _waited(line: Line, name: str) -> Any:
    days = line.summary.replications
    return np.asarray([wait for each in days for wait in getattr(each.figures, name)])


def _legend(figure: Any, axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        figure.legend(handles, labels, loc="outside upper left", ncols=6, handlelength=1.4)
