"""The port that evaluates formulas over the dialer's own series.

The rule of this module is that of `dialer.ports`: what comes of a request arrives as a message.
"""

from collections.abc import Sequence
from typing import Protocol

from dialer.message import Message
from dialer.ports import Sink


class Evaluate(Message):
    """A formula to evaluate.

    campaign: its title; what the formula gives for other campaigns is left out. at: epoch seconds.
    """

    request_id: int
    campaign: str
    formula: str
    at: float


class Evaluated(Message):
    """Answer to `evaluate`: a number, or why there is none.

    value: None where there is none. result: of `dialer.metric_catalogue.PACING_RESULTS`. source: of
    `PACING_SOURCES`. reason: "" where the value is as good as can be; it may also tell why another
    source than the usual one gave it. missed: what went wrong at the usual source then, as a
    result; "" where nothing did. sampled_at: when the samples were taken that it rests on.
    """

    request_id: int
    value: float | None
    result: str
    source: str
    reason: str = ""
    missed: str = ""
    sampled_at: float = 0.0
    duration_s: float = 0.0


class MetricSource(Protocol):
    """Evaluates formulas over the dialer's series. A slow one never holds an actor up.

    name: of `dialer.metric_catalogue.PACING_SOURCES`.
    """

    name: str

    def watch(self, owner: str, formulas: Sequence[str]) -> None:
        """These are in use by that owner from now on; others of the same owner no more."""

    def evaluate(self, request: Evaluate, reply_to: Sink) -> None:
        """Brings one `Evaluated`, whatever happens."""
