"""The picture of docs/pacing.md: one decision of look-ahead, seen from inside.

    python -m benchmarks.pacing_lab.picture docs/images/pacing.svg

Left, what is coming in the half minute after a moment of a simulated day: answers of the calls in
flight, and agents free by then, each with one standard deviation. Right, the risk that a new call
meets no agent, by how many are placed now, with the kappa that decides.
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.pacing_lab.day import Day
from benchmarks.pacing_lab.world import WORLDS
from dialer.pacing.lookahead import HORIZONS_S, Lookahead
from dialer.pacing.pacer import Decision, Snapshot
from dialer.pacing.risk import NormalShortfall

_AGENTS, _AFTER_S, _MOST = 30, 5400.0, 14
_INK, _ANSWERS, _AGENTS_INK, _KAPPA = "#333333", "#c2452d", "#2d6fc2", "#777777"


class Watched(Lookahead):
    """Keeps what went into the first decision after a while that placed some calls."""

    def __init__(self) -> None:
        super().__init__()
        self.found: tuple[Snapshot, Decision] | None = None
        self.seen: dict[str, np.ndarray] = {}

    def decide(self, seen: Snapshot) -> Decision:
        decision = super().decide(seen)
        if self.found is None and seen.now > _AFTER_S and decision.dials >= 2 and seen.ready > 1:
            self.found = seen, decision
            spare = seen.ready - seen.waiting
            answers = seen.calls.present.ravel() @ self._tables.call_moments
            agents = seen.talks.present[0] @ self._tables.talk_moments
            agents += seen.wrap_ups.present[0] @ self._tables.wrap_up_moments
            size = len(HORIZONS_S)
            shortfall = NormalShortfall(
                answers[:size] - agents[:size], answers[size:] + agents[size:]
            )
            risks = shortfall.risks(spare, self._new[0], np.arange(_MOST + 1.0))
            agents[:size] += spare
            self.seen = {"answers": answers, "agents": agents, "risks": risks}
        return decision


def draw(path: Path) -> None:
    pacer = Watched()
    Day(WORLDS["base"], pacer, _AGENTS, seed=3, hours=2.0).run()
    assert pacer.found is not None
    decision = pacer.found[1]
    mpl.rcParams.update({"svg.hashsalt": "pacing", "font.size": 9, "axes.edgecolor": _INK})
    figure, (coming, risk) = plt.subplots(1, 2, figsize=(9, 3.2), constrained_layout=True)
    for name, colour, label in (
        ("agents", _AGENTS_INK, "agents free by then"),
        ("answers", _ANSWERS, "answers of calls in flight"),
    ):
        mean, variance = np.split(pacer.seen[name], 2)
        spread = np.sqrt(variance)
        coming.plot(HORIZONS_S, mean, color=colour, label=label)
        coming.fill_between(HORIZONS_S, mean - spread, mean + spread, color=colour, alpha=0.15)
    coming.set(xlabel="seconds from now", ylabel="number", title="what is coming")
    coming.set_ylim(bottom=0)
    coming.legend(frameon=False, loc="upper left")
    calls = np.arange(_MOST + 1)
    placed = calls <= decision.dials
    risks, kappa = pacer.seen["risks"], decision.figures["kappa"]
    risk.bar(calls[placed], risks[placed], color=_AGENTS_INK, label="placed")
    risk.bar(calls[~placed], risks[~placed], color=_ANSWERS, alpha=0.5, label="one too many")
    risk.axhline(kappa, color=_KAPPA, linestyle="--")
    risk.annotate(f"kappa {kappa:.4f}", (-0.5, kappa), ha="left", va="bottom", color=_INK)
    top = 5 * kappa
    risk.set(xlabel="new calls placed now", ylabel="P(a new call meets no agent)", ylim=(0, top))
    risk.set_title(f"{decision.dials} are placed")
    risk.legend(frameon=False, loc="upper left")
    for axes in (coming, risk):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
