"""The page of a fit: what was fitted, how well, and what is guessed.

The rule of this module: every fitted law is shown against what was seen, so that a reader can
disagree with the criterion that chose it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from sim.fit.fitting import Fit
from sim.fit.traits_fit import PartFit, TraitFit
from sim.laws import Law
from sim.report.drawing import MUTED, colour, picture
from sim.report.page import Cell, Finding, Page

_POINTS = 200
_CLOSE, _FAR = 0.03, 0.06


def write_fit_report(
    fit: Fit, text: str, source: str, command: str, versions: dict[str, str], folder: Path
) -> Path:
    """Write the page, and give its path. text: of the scenario."""
    page = Page(
        "Fitted scenario",
        f"From {source}: {fit.calls:,} calls on {len(fit.days.days)} days, "
        f"{fit.agents or 'unknown'} agents.",
    )
    page.findings(_findings(fit))
    page.section("What was fitted", "Misfit is the largest distance of the law from what was seen.")
    page.table(
        ("trait", "callees", "seen", "cut off", "law", "changes at", "misfit"),
        [row for trait in fit.traits for row in _rows(trait)],
        numbers=("seen", "cut off", "misfit"),
    )
    page.section(
        "Live answers over the day",
        "The share of dials that a person answers, cut where the records say that it changes.",
    )
    page.picture(_live_picture(fit), _burst_words(fit))
    page.section(
        "Laws against what was seen",
        "Left: share of durations up to a length, with what was cut short counted as longer "
        "(Kaplan-Meier). Right: quantiles of the law against those seen; on the line they agree.",
    )
    for trait in fit.traits:
        for number, part in enumerate(trait.fits):
            name = _part_name(trait, number)
            page.picture(_law_picture(name, part), _tried_words(part))
    page.section("The scenario")
    page.code(text)
    page.section("How this was made")
    page.facts({"command": command, **versions})
    return page.write(folder)


def _findings(fit: Fit) -> list[Finding]:
    changes = sum(trait.parts.changes for trait in fit.traits) + sum(
        mix.parts.changes for mix in fit.mixes.values()
    )
    found = [
        Finding(f"Fitted: {', '.join(fit.fitted)}.", "good"),
        Finding(
            f"{changes} of its traits change over the day."
            if changes
            else "No trait changes over the day."
        ),
    ]
    return found + [Finding(f"{note[0].upper()}{note[1:]}.", "unsure") for note in fit.notes]


def _rows(trait: TraitFit) -> list[list[str | Cell]]:
    name, callees = trait.name, trait.group or "all"
    seen, cut = f"{trait.shown:,}", f"{trait.cut:,}"
    if not trait.values:
        return [[name, callees, seen, cut, Cell(f"guessed: {trait.note}", "unsure"), "", ""]]
    times = ", ".join(_time(start) for start in trait.parts.starts[1:])
    rows: list[list[str | Cell]] = []
    for number, law in enumerate(trait.laws):
        worst: str | Cell = ""
        words = f"always {law.mean:g} s"
        if trait.fits:
            part = trait.fits[number]
            words = f"{part.law.name}, mean {law.mean:.4g} s, cv {law.cv:.3g}"
            mood = "good" if part.misfit < _CLOSE else "unsure" if part.misfit < _FAR else "bad"
            worst = Cell(f"{part.misfit:.3f}", mood)
        rows.append(
            [name, callees, seen, cut, words, times, worst]
            if not number
            else ["", "", "", "", f"from {_time(trait.parts.starts[number])}: {words}", "", worst]
        )
    return rows


def _time(second: int) -> str:
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}"


def _part_name(trait: TraitFit, number: int) -> str:
    name = trait.name + (f", {trait.group}" if trait.group else "")
    return f"{name}, from {_time(trait.parts.starts[number])}" if trait.parts.changes else name


def _tried_words(part: PartFit) -> str:
    best = min(each.bic for each in part.tried)
    others = sorted(part.tried, key=lambda each: each.bic)
    told = ", ".join(f"{each.name} {each.bic - best:.0f}" for each in others)
    return f"BIC above the best: {told}."


def _burst_words(fit: Fit) -> str:
    if fit.burst is None:
        return "Beyond that, answers come as evenly as chance has it."
    burst = fit.burst
    return (
        f"Answers bunch in periods of {burst.every_s / 60:g} minutes with a cv of {burst.cv:.2f} "
        f"(by chance alone with a probability of {burst.p_value:.1g})."
    )


def _live_picture(fit: Fit) -> str:
    first = fit.days.starts_s / 3600
    last = first + fit.days.hours

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for place, (name, shares) in enumerate(fit.live.items()):
            starts = [start / 3600 for start in fit.mixes[name].parts.starts]
            edges = [max(first, starts[0]), *starts[1:], last]
            axes.stairs(
                shares,
                edges,
                baseline=None,
                color=colour(place),
                linewidth=2.2,
                label=name or "all",
            )
        axes.set_xlim(first, last)
        axes.set_ylim(0, None)
        axes.set_xlabel("hour of the day, on the callee's clock")
        axes.set_ylabel("share of dials")
        if len(fit.live) > 1:
            axes.legend()

    return picture(draw, 10.5, 2.8, "live answers over the day")


def _law_picture(name: str, part: PartFit) -> str:
    sample, law = part.sample, part.law.law
    times, longer = sample.survival()
    thin = np.linspace(0, len(times) - 1, min(len(times), 2 * _POINTS)).astype(int)
    times, longer = times[thin], longer[thin]
    most = law.cdf(sample.limit_s) or 1.0
    seen = np.linspace(0.005, 0.995, _POINTS)
    seen = seen[seen <= 1 - longer[-1]]
    quantiles = np.interp(seen, np.concatenate([[0.0], 1 - longer]), np.concatenate([[0.0], times]))
    fitted = np.asarray([_quantile(law, float(share) * most, float(times[-1])) for share in seen])
    end = float(np.quantile(times, 0.99))

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1.7, 1))
        left.step(times, 1 - longer, where="post", color=colour(0), label="seen")
        grid = np.linspace(0, end, _POINTS)
        left.plot(
            grid,
            [law.cdf(float(x)) / most for x in grid],
            color=colour(1),
            linestyle=(0, (4, 2)),
            label=part.law.name,
        )
        left.set_xlim(0, end)
        left.set_ylim(0, 1.02)
        left.set_title(name)
        left.set_xlabel("seconds")
        left.legend(loc="lower right")
        top = max(quantiles.max(), fitted.max()) if len(seen) else 1.0
        right.plot([0, top], [0, top], color=MUTED, linewidth=1)
        right.plot(quantiles, fitted, ".", color=colour(0), markersize=3)
        right.set_xlabel("seen, s")
        right.set_ylabel("law, s")

    return picture(draw, 10.5, 3.0, f"{name}: {part.law.name} against what was seen")


def _quantile(law: Law, share: float, hint: float) -> float:
    """Where the law's distribution function reaches a share, by halving."""
    low, high = 0.0, max(hint, 1e-3)
    while law.cdf(high) < share and high < 1e8:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if law.cdf(middle) < share else (low, middle)
    return high
