"""A carrier, its customers and its agents in a few numbers: the demo's world, and the tests'.

The rule of this module: every number stands here with its unit, and the defaults are the base
scenario. A simulation that compares pacers takes a whole scenario instead (`sim.population`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dialer.ports import Choices, DialRequest
from sim.fates import AgentDay, CallFate, FateOf, Offer, PreviewAnswer, SaidOfCall, Streams, chosen
from sim.variates import gamma, lognormal, uniform


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

    def fates(self, stream: Streams, carrier: str) -> FateOf:
        """Fates drawn in turn, each variate from its own stream."""
        prefix = f"carrier/{carrier}"
        mix = uniform(stream(f"{prefix}/mix"))
        ring = gamma(stream(f"{prefix}/ring"), self.ring_mean_s, self.ring_shape)
        machine_ring = uniform(stream(f"{prefix}/machine"), *self.machine_ring_s)
        talk = lognormal(stream(f"{prefix}/talk"), self.talk_mean_s, self.talk_cv)
        human_s, machine_s = self.human_verdict_after_s, self.machine_verdict_after_s
        delay_s, patience_s = self.post_dial_delay_s, self.patience_s
        live, live_or_machine = self.live, self.live + self.machine
        # What is the same for every call that comes to it is made once.
        no_answer = CallFate("no_answer", delay_s, ring_s=self.no_answer_after_s)
        refused_s = self.refused_after_s
        shares = ("busy", self.busy), ("invalid", self.invalid), ("congestion", self.congestion)
        refusals = [(share, CallFate(name, refused_s)) for name, share in shares if share]

        def fate(request: DialRequest, at: float) -> CallFate:  # noqa: ARG001
            draw = mix()
            if draw < live:
                ring_s, talk_s = ring(), talk()
                if ring_s >= self.no_answer_after_s:
                    return no_answer
                return CallFate(
                    "live", delay_s, ring_s, 0.0, "human", human_s, talk_s, 0.0, patience_s
                )
            if draw < live_or_machine:
                ring_s, talk_s, verdict = machine_ring(), self.machine_talk_s, "answering_machine"
                return CallFate(
                    "machine", delay_s, ring_s, 0.0, verdict, machine_s, talk_s, 0.0, patience_s
                )
            draw -= live_or_machine
            for share, refusal in refusals:
                if draw < share:
                    return refusal
                draw -= share
            return no_answer

        return fate

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
    tells_wrap_up: bool = False
    rona: float = field(default=0.0, metadata={"help": "share of offers that nobody answers"})
    away_s: float = 60.0
    preview_s: float = 8.0
    """How long an agent looks at a contact before they accept or skip it."""
    preview_skip: float = 0.05
    preview_timeout: float = 0.0
    """Shares of previews that are skipped, and that they say nothing to."""
    dispositions: Mapping[str, float] = field(default_factory=dict)
    """Weights of what they say of calls, by name; each as likely where none is given."""
    callback_after_s: float = 3600.0
    callback_personal: float = 0.5

    def days(self, stream: Streams) -> Callable[[int], AgentDay]:  # noqa: ARG002
        """They come when they are called, and stay."""
        return lambda _: AgentDay()

    def offers(self, stream: Streams) -> Callable[[], Offer]:
        luck = uniform(stream("desk/rona"))
        return lambda: Offer(luck() < self.rona, self.answer_s)

    def previews(self, stream: Streams) -> Callable[[], PreviewAnswer]:
        luck = uniform(stream("desk/preview"))

        def answer() -> PreviewAnswer:
            draw = luck()
            skipped = draw < self.preview_skip
            silent = not skipped and draw < self.preview_skip + self.preview_timeout
            verdict = "skipped" if skipped else "timed_out" if silent else "accepted"
            return PreviewAnswer(verdict, self.preview_s)

        return answer

    def says(self, stream: Streams) -> Callable[[Choices], SaidOfCall]:
        luck, personal = uniform(stream("desk/dispositions")), uniform(stream("desk/callbacks"))

        def say(choices: Choices) -> SaidOfCall:
            name, means = chosen(choices, self.dispositions, luck())
            if means != "call_back":
                return SaidOfCall(name)
            return SaidOfCall(name, self.callback_after_s, personal() < self.callback_personal)

        return say

    def wrap_ups(self, stream: Streams) -> Callable[[int], float]:
        wrap_up = lognormal(stream("desk/wrap_up"), self.wrap_up_mean_s, self.wrap_up_cv)
        return lambda _: wrap_up()
