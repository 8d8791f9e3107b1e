"""The worlds in which pacers are compared: a base scenario, and what others change of it.

The rule of this module: a scenario is numbers; what it leaves out is as in the base scenario.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.random import Generator

BLOCK = 4096


class Variates:
    """Draws of one kind, made in blocks: element by element is ten times dearer."""

    def __init__(self, generator: Generator, kind: str, *numbers: float) -> None:
        self._generator = generator
        self._kind = kind
        self._numbers = numbers
        self._block: list[float] = []

    def __call__(self) -> float:
        if not self._block:
            draws = getattr(self._generator, self._kind)(*self._numbers, BLOCK)
            self._block = draws.tolist()
        return self._block.pop()


def lognormal(generator: Generator, mean: float, cv: float) -> Variates:
    variance = log(1 + cv * cv)
    return Variates(generator, "lognormal", log(mean) - variance / 2, sqrt(variance))


@dataclass(frozen=True)
class Mix:
    """Shares of outcomes of a dial; the rest is busy. talk_s: mean, from this time on."""

    live: float = 0.25
    machine: float = 0.30
    no_answer: float = 0.35
    talk_s: float = 120.0
    from_s: float = 0.0


@dataclass(frozen=True)
class World:
    """Times in seconds; see the base scenario in docs/pacing.md.

    mixes: in the order of their times. decay: live answers fall as exp(-decay x dials / list),
    the list being list_per_agent long per agent. auc: how well an answer score tells who will
    answer (area under the ROC curve); 0 means that nobody is scored. poisson_answers: a constant
    rate is that of answers, which come by pure chance, and service is exponential.
    """

    name: str = "base"
    mixes: tuple[Mix, ...] = (Mix(),)
    post_dial_delay_s: float = 2.0
    ring_mean_s: float = 10.0
    ring_shape: float = 4.0
    no_answer_after_s: float = 25.0
    machine_from_s: float = 12.0
    machine_to_s: float = 24.0
    machine_dropped_s: float = 3.0
    busy_after_s: float = 4.0
    talk_cv: float = 1.0
    wrap_up_s: float = 30.0
    wrap_up_cv: float = 0.7
    patience_s: float = 2.0
    cpa_delay_s: float = 0.0
    human_as_machine: float = 0.0
    machine_as_human: float = 0.0
    machine_talk_s: float = 10.0
    machine_talk_cv: float = 0.5
    machine_wrap_up_s: float = 5.0
    lines_per_agent: float = 0.0
    decay: float = 0.0
    list_per_agent: float = 700.0
    churn: bool = False
    auc: float = 0.0
    poisson_answers: bool = False

    def live_share(self, mix: Mix, dials: int, agents: int) -> float:
        if not self.decay:
            return mix.live
        return mix.live * exp(-self.decay * dials / (self.list_per_agent * agents))


def _turning_over(every_s: float) -> tuple[Mix, ...]:
    """A day on which a bad list and a good one take turns."""
    return tuple(
        Mix(0.35, 0.25, 0.30, from_s=turn * every_s)
        if turn % 2
        else Mix(0.15, 0.35, 0.40, from_s=turn * every_s)
        for turn in range(int(8 * 3600 / every_s))
    )


_BASE = World()
WORLDS: dict[str, World] = {
    world.name: world
    for world in (
        _BASE,
        World("hard", (Mix(0.10, 0.40, 0.40, talk_s=60),), wrap_up_s=15),
        World("easy", (Mix(0.40, 0.20, 0.30, talk_s=240),)),
        World(
            "shift",
            (
                Mix(0.35, 0.25, 0.30, talk_s=90),
                Mix(0.15, 0.35, 0.40, talk_s=180, from_s=9600),
                Mix(0.30, 0.28, 0.32, talk_s=120, from_s=19200),
            ),
        ),
        World("churn", churn=True),
        World("decay", (Mix(0.36, 0.25, 0.30),), decay=1.1),
        World("cpa", cpa_delay_s=1.5, human_as_machine=0.05, machine_as_human=0.10),
        World("heavy", talk_cv=2.0),
        World("trunk", lines_per_agent=1.15),
        # Two that try to break a pacer: a list that turns over every twenty minutes, and talks so
        # short that an agent takes several calls within the time that one rings.
        World("flip", _turning_over(every_s=1200.0)),
        World("survey", (Mix(0.30, 0.30, 0.30, talk_s=20),), wrap_up_s=5),
        # Callers by pure chance, exponential service: a queue whose figures are known exactly.
        World("erlang", (Mix(1.0, 0.0, 0.0, talk_s=150),), poisson_answers=True, wrap_up_s=0),
    )
}


def break_starts(agents: int, generator: Generator) -> list[float]:
    """When each agent goes on a break: in three groups, two hours apart."""
    groups = 1 + np.arange(agents) % 3
    starts: list[float] = (7200.0 * groups + generator.uniform(0, 300, agents)).tolist()
    return starts
