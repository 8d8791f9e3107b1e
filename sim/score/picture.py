"""The calibration plot: what was answered against what was foretold, and the scores given.

The rule of this module: it is one file, SVG or PNG, drawn without a screen or a network.
"""

from pathlib import Path
from typing import Any

from dialer.errors import InputError
from sim.score.judging import Bin, Judgement

SUFFIXES = (".svg", ".png")
_INK, _BLUE, _GREY = "#1b1b1f", "#2a5bd7", "#8a8f98"


def plot_calibration(judgement: Judgement, file: Path, title: str) -> None:
    """Draw it.

    Raises:
        InputError: the file's name is of another kind.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise InputError(str(file), "no such kind of picture", "name it .svg or .png")
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "foredial", "font.size": 9.5, "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 4.2), layout="constrained", facecolor="white")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        _calibration(left, judgement)
        _hours(right, judgement)
        figure.suptitle(title, fontsize=10.5, fontweight="bold", color=_INK)
        nothing = {"Date": None} if file.suffix.lower() == ".svg" else None
        figure.savefig(file, dpi=120, metadata=nothing)


def _calibration(axes: Any, judgement: Judgement) -> None:
    bins = judgement.bins
    most = 1.08 * max(max(b.high, b.mean_score) for b in bins)
    axes.plot([0, most], [0, most], color=_GREY, linewidth=1, linestyle="--", label="true")
    axes.axhline(judgement.base_rate, color=_GREY, linewidth=0.8, linestyle=":", label="base rate")
    _dots(axes, [b.mean_score for b in bins], bins)
    axes.set_xlim(0, most)
    axes.set_ylim(0, most)
    axes.set_xlabel("score")
    axes.set_ylabel("answered by a person")
    axes.set_title(f"AUC {judgement.area.value:.3f}, Brier {judgement.brier:.3f}", loc="left")
    axes.legend(frameon=False, loc="upper left")


def _hours(axes: Any, judgement: Judgement) -> None:
    hours = judgement.hours
    middles = [b.start + 0.5 for b in hours]
    if hours:
        axes.plot(middles, [b.mean_score for b in hours], color=_GREY, label="foretold")
        _dots(axes, middles, hours)
        axes.legend(frameon=False, loc="upper left")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("hour on the callee's clock")
    axes.set_title("By hour", loc="left")


def _dots(axes: Any, x: list[float], bins: tuple[Bin, ...]) -> None:
    answered = [b.answered for b in bins]
    below = [b.answered - b.low for b in bins]
    above = [b.high - b.answered for b in bins]
    axes.errorbar(
        x,
        answered,
        yerr=[below, above],
        fmt="o",
        markersize=4,
        color=_BLUE,
        label="answered (95 %)",
    )
