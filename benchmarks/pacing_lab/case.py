"""One day of one case: which world, which pacer, which levers.

The rule of this module: a case and a seed say all there is to say of a day.
"""

from dataclasses import replace
from typing import NamedTuple

from benchmarks.pacing_lab.day import NO_LEVERS, Day, DayFigures
from benchmarks.pacing_lab.scored_list import classes_of
from benchmarks.pacing_lab.world import WORLDS, World
from dialer.pacing.catalogue import pacer_of
from dialer.pacing.lookahead import TUNED, Lookahead
from dialer.pacing.pacer import Pacer

_CANCEL_AFTER_S = 15.0
_SCORE_CLASSES = 8


class Case(NamedTuple):
    """What was simulated: a world, a pacer, how many agents, hours, and the levers by letter."""

    world: str
    pacer: str
    agents: int
    hours: float
    levers: str = ""


def pacer_for(case: Case, world: World) -> Pacer:
    """The pacer of a case. Look-ahead knows the patience left after the analysis, and classes."""
    pacer = pacer_of(case.pacer)
    if isinstance(pacer, Lookahead):
        tuning = TUNED.with_patience(world.patience_s - world.cpa_delay_s)
        rates = classes_of(world, _SCORE_CLASSES)[1] if world.auc else ()
        pacer = Lookahead(pacer.target, budget=pacer.budget, tuning=tuning, class_rates=rates)
    return pacer


def simulate(case: Case, seed: int, auc: float) -> DayFigures:
    world = WORLDS[case.world]
    levers = NO_LEVERS
    if "w" in case.levers:
        levers = levers._replace(known_wrap_ups=True)
    if "c" in case.levers:
        levers = levers._replace(cancel_after_s=_CANCEL_AFTER_S)
    if "s" in case.levers:
        world = replace(world, auc=auc)
        levers = levers._replace(score_classes=_SCORE_CLASSES)
    return Day(world, pacer_for(case, world), case.agents, seed, case.hours, levers=levers).run()
