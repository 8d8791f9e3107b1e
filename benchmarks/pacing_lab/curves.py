"""The picture of occupancy against abandonment in docs/pacing.md, from days that are stored.

    python -m benchmarks.pacing_lab.curves docs/images/pacing-curves.svg --store pacing-days.jsonl

One panel for each number of agents, base scenario: fixed ratios as a curve, the other pacers as
points with one standard error. The dashed lines are not ours: they are computed by others, for
another model (the exponential one's optimum) or by one who knows every answer beforehand.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.pacing_lab.__main__ import LIMIT, Row, row_of
from benchmarks.pacing_lab.case import Case
from benchmarks.pacing_lab.day import DayFigures
from benchmarks.pacing_lab.ledger import Ledger
from dialer.errors import InputError

_INK, _RATIO_INK, _OURS, _OTHERS = "#333333", "#888888", "#2d6fc2", "#c2452d"
_HOURS = 8.0


class Reference(NamedTuple):
    """Occupancy at 3 % abandonment that others have found. By agents."""

    name: str
    occupancy: Mapping[int, float]


REFERENCES = (
    Reference("optimum of the exponential model", {5: 0.797, 10: 0.844, 20: 0.892, 50: 0.940}),
    Reference("oracle: all answers known", {5: 0.928, 10: 0.932, 20: 0.940, 50: 0.962}),
)

_LEVERS = {
    "": ("o", "look-ahead"),
    "cw": ("^", "wrap-up ends known, long rings given up"),
    "csw": ("s", "and answer scores"),
}


def rows_of(ledger: Ledger) -> dict[tuple[str, str, int], Row]:
    """Figures of the base scenario's whole days, by pacer, levers and agents."""
    days: dict[Case, list[DayFigures]] = defaultdict(list)
    for case, _, figures in ledger.days():
        if case.world == "base" and case.hours == _HOURS:
            days[case].append(figures)
    return {(case.pacer, case.levers, case.agents): row_of(case, of) for case, of in days.items()}


def draw(rows: Mapping[tuple[str, str, int], Row], agents: list[int], path: Path) -> None:
    mpl.rcParams.update({"svg.hashsalt": "pacing", "font.size": 9, "axes.edgecolor": _INK})
    figure, panels = plt.subplots(
        1, len(agents), figsize=(4.6 * len(agents), 3.8), constrained_layout=True, squeeze=False
    )
    for axes, count in zip(panels[0], agents, strict=True):
        _panel(axes, count, {key[:2]: row for key, row in rows.items() if key[2] == count})
    figure.savefig(path, metadata={"Date": None})


def _panel(axes: Axes, agents: int, rows: Mapping[tuple[str, str], Row]) -> None:
    # Some baselines abandon a tenth and more: they would press all the others into a corner.
    drawn = {key: row for key, row in rows.items() if row.abandonment < 3 * LIMIT}
    ratios = sorted((row for row in drawn.values() if _is_ratio(row)), key=_place)
    axes.plot(*zip(*map(_place, ratios), strict=True), color=_RATIO_INK, marker=".", zorder=1)
    last = ratios[-1]
    axes.annotate("fixed ratios", _place(last), (4, -10), textcoords="offset points", color=_INK)
    ours = sorted((row for row in drawn.values() if row.pacer.startswith("lookahead:")), key=_place)
    plain = [row for row in ours if not row.levers]
    axes.plot(*zip(*map(_place, plain), strict=True), color=_OURS, linewidth=1)
    for row in drawn.values():
        if not _is_ratio(row):
            _point(axes, row)
    for reference in REFERENCES:
        if agents in reference.occupancy:
            height = reference.occupancy[agents]
            axes.axhline(height, color=_INK, linestyle="--", linewidth=0.8)
            axes.annotate(reference.name, (0.1, height), va="bottom", color=_INK, fontsize=7)
    axes.axvline(100 * LIMIT, color=_OTHERS, linestyle=":", linewidth=1)
    axes.set(xlabel="abandoned, % of answered", ylabel="occupancy", title=f"{agents} agents")
    axes.set_xlim(left=-0.1)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 0.15), fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def _is_ratio(row: Row) -> bool:
    return row.pacer == "progressive" or row.pacer.startswith("power:")


def _place(row: Row) -> tuple[float, float]:
    return 100 * row.abandonment, row.occupancy


def _point(axes: Axes, row: Row) -> None:
    name, _, target = row.pacer.partition(":")
    x, y = _place(row)
    errors: dict[str, Any] = {
        "yerr": row.occupancy_se or 0.0,
        "xerr": 100 * (row.abandonment_se or 0.0),
    }
    if name == "lookahead":
        marker, label = _LEVERS.get(row.levers, ("x", row.levers))
        label = label if float(target) == LIMIT else ""
        axes.errorbar(x, y, fmt=marker, color=_OURS, markersize=5, label=label, **errors)
    else:
        axes.errorbar(x, y, fmt="o", color=_OTHERS, markersize=4, **errors)
        axes.annotate(name, (x, y), (-5, 4), textcoords="offset points", ha="right", color=_INK)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--store", type=Path, default=Path("pacing-days.jsonl"))
    parser.add_argument("--any-code", action="store_true", help="draw days made by other code, too")
    parser.add_argument("--agents", default="10,50")
    args = parser.parse_args()
    agents = [int(count) for count in args.agents.split(",")]
    rows = rows_of(Ledger(args.store, any_code=args.any_code))
    try:
        for count in agents:
            for pacer in ("progressive", "lookahead:0.03"):
                if (pacer, "", count) not in rows:
                    mend = f"run python -m benchmarks.pacing_lab --agents {count} --pacers {pacer}"
                    raise InputError(str(args.store), f"no days of {pacer}, {count} agents", mend)
    except InputError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    draw(rows, agents, args.picture)


if __name__ == "__main__":
    main()
