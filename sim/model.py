"""What a simulated carrier, its customers and its agents are like.

The rule of this module: every number that shapes the simulated world stands here, with its unit;
the defaults are the base scenario of docs/simulation.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CarrierModel:
    """How calls progress.

    live, machine, busy, invalid, congestion: shares of dials; the rest is no answer, and so is a
    live answer whose ringing would outlast no_answer_after_s. The analyser is never wrong;
    its verdict comes so many seconds after the answer.
    """

    live: float = 0.25
    machine: float = 0.30
    busy: float = 0.10
    invalid: float = 0.0
    congestion: float = 0.0
    post_dial_delay_s: float = 2.0
    refused_after_s: float = 4.0
    ring_mean_s: float = 10.0
    ring_shape: float = 4.0
    no_answer_after_s: float = 25.0
    machine_ring_s: tuple[float, float] = (12.0, 24.0)
    machine_talk_s: float = 10.0
    """How long a machine talks after its verdict, or to an agent whom it was passed on to."""
    human_verdict_after_s: float = 0.0
    machine_verdict_after_s: float = 3.0
    talk_mean_s: float = 120.0
    talk_cv: float = 1.0
    patience_s: float = 60.0
    channels: int = 0
    """Calls at once; 0 means no limit. The excess is refused with 503."""

    @classmethod
    def of_weights(cls, weights: Mapping[str, float], **times: Any) -> "CarrierModel":
        """A model whose dials come to these outcomes in these proportions.

        weights: by outcome name; those the carrier does not know count as no answer.
        """
        total = sum(weights.values())
        share = {name: weight / total for name, weight in weights.items()}
        return cls(
            live=share.get("customer_answered", 0.0),
            machine=share.get("answering_machine", 0.0),
            busy=share.get("user_busy", 0.0),
            invalid=share.get("invalid_number", 0.0),
            congestion=share.get("congestion", 0.0),
            **times,
        )


@dataclass(frozen=True, slots=True)
class DeskModel:
    """How agents work."""

    wrap_up_mean_s: float = 30.0
    wrap_up_cv: float = 0.7
    answer_s: float = 1.0
    kept_up: bool = True
    rona: float = field(default=0.0, metadata={"help": "share of offers that nobody answers"})
