"""How calls go: the traits that a scenario, its segments and its changes may set.

The rule of this module: one set of names for the particulars of a call, the same wherever they
may change, and one base scenario from which a scenario says what differs.
"""

from typing import Any

from pydantic import model_validator

from sim.distributions import Distribution
from sim.written import Positive, Seconds, Share, Written, distribution

OUTCOMES = ("live", "machine", "fax", "no_answer", "busy", "rejected", "invalid", "congestion")
"""What a dial comes to, in the carrier's words. `live` is a person."""


class Outcomes(Written):
    """Shares of dials, which sum to 1. A live answer that would outlast the no-answer time-out
    counts as no answer, on top of that share."""

    live: Share = 0.0
    machine: Share = 0.0
    fax: Share = 0.0
    no_answer: Share = 0.0
    busy: Share = 0.0
    rejected: Share = 0.0
    invalid: Share = 0.0
    congestion: Share = 0.0

    @model_validator(mode="after")
    def _whole(self) -> "Outcomes":
        total = sum(self.shares())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares sum to {total:g}; make them 1")
        return self

    def shares(self) -> tuple[float, ...]:
        """In the order of OUTCOMES."""
        return tuple(getattr(self, name) for name in OUTCOMES)

    def with_live(self, live: float) -> "Outcomes":
        """The same with another share of live answers, the others in proportion."""
        rest = 1 - self.live
        if rest == 0:
            return Outcomes(live=live, no_answer=1 - live)
        scale = (1 - live) / rest
        others = {name: getattr(self, name) * scale for name in OUTCOMES[1:]}
        return Outcomes(live=live, **others)


class Traits(Written):
    """How calls go. A trait that is not given stays as it was.

    live: the share of live answers alone; the other outcomes keep their proportions.
    ring_s, machine_ring_s: from the first ring to the answer.
    no_answer_after_s: how long the carrier lets it ring.
    refused_after_s: from the dial to a busy tone or another refusal.
    patience_s: how long a customer who answered waits for a voice before hanging up; the
        campaign's own limit (two seconds by law) is in its flow and comes sooner.
    machine_talk_s, machine_wrap_up_s: what an agent spends on a machine passed on as a person.
    false_answers: share of ringing calls that the carrier answers (200) while they still ring.
    """

    outcomes: Outcomes | None = None
    live: Share | None = None
    post_dial_delay_s: Distribution | None = None
    ring_s: Distribution | None = None
    machine_ring_s: Distribution | None = None
    no_answer_after_s: Positive | None = None
    refused_after_s: Distribution | None = None
    talk_s: Distribution | None = None
    wrap_up_s: Distribution | None = None
    patience_s: Distribution | None = None
    machine_talk_s: Distribution | None = None
    machine_wrap_up_s: Distribution | None = None
    false_answers: Share | None = None

    @model_validator(mode="after")
    def _one_mix(self) -> "Traits":
        if self.live is not None and self.outcomes is not None:
            raise ValueError("both live and outcomes; outcomes holds live already, give one")
        return self


def traits_given(traits: Traits) -> dict[str, Any]:
    """The traits that were given, by name."""
    named = ((name, getattr(traits, name)) for name in Traits.model_fields)
    return {name: value for name, value in named if value is not None}


BASE = Traits(
    outcomes=Outcomes(live=0.25, machine=0.30, no_answer=0.35, busy=0.10),
    post_dial_delay_s=distribution(2),
    ring_s=distribution({"distribution": "gamma", "mean": 10, "shape": 4}),
    machine_ring_s=distribution({"distribution": "uniform", "low": 12, "high": 24}),
    no_answer_after_s=25,
    refused_after_s=distribution(4),
    talk_s=distribution({"distribution": "lognormal", "mean": 120, "cv": 1}),
    wrap_up_s=distribution({"distribution": "lognormal", "mean": 30, "cv": 0.7}),
    patience_s=distribution(60),
    machine_talk_s=distribution({"distribution": "lognormal", "mean": 10, "cv": 0.5}),
    machine_wrap_up_s=distribution(5),
    false_answers=0,
)
"""The traits of the base scenario, of which a scenario says what differs."""


class Cpa(Written):
    """Call progress analysis: how long after the answer it speaks, and how often it is wrong.

    human_as_machine: share of people hung up on. machine_as_human: share of machines passed on.
    """

    human_delay_s: Seconds = 0.0
    machine_delay_s: Seconds = 3.0
    human_as_machine: Share = 0.0
    machine_as_human: Share = 0.0
