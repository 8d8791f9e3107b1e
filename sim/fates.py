"""What the simulated world decides, as the carrier and the desk ask for it.

The rule of this module: the carrier and the desk carry out and never draw; what happens is in a
fate or a habit, whoever made it.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate
from math import inf
from typing import NamedTuple, Protocol

from numpy.random import Generator

from dialer.message import Message
from dialer.ports import Choices, DialRequest


class CallFate(Message):
    """All that will happen to a call as far as the world decides it.

    outcome: one of `traits.OUTCOMES`.
    post_dial_delay_s: from the dial to the first ring; for a refused call, to the refusal.
    answer_s: from the first ring to the answer; 0 where nobody answers.
    ring_s: from the first ring until the carrier gives up, where nobody answers.
    verdict, verdict_after_s: what call progress analysis says ("human", "answering_machine",
        "fax"), that long after the answer; empty where nobody answers.
    talk_s, wrap_up_s: with an agent and after. A machine's talk_s is with an agent it was passed
        on to; or, after a verdict that it is one, until it hangs up.
    patience_s: from the answer until an unconnected customer hangs up.
    false_answer: the carrier answers while it still rings, so answer_s is 0; the ringing that goes
        on is in verdict_after_s and patience_s.
    picked_up_s: how long after the carrier's answer the person picks up; 0 but for a false one.
    """

    outcome: str
    post_dial_delay_s: float
    answer_s: float = 0.0
    ring_s: float = 0.0
    verdict: str = ""
    verdict_after_s: float = 0.0
    talk_s: float = 0.0
    wrap_up_s: float = 0.0
    patience_s: float = 0.0
    false_answer: bool = False
    picked_up_s: float = 0.0

    @property
    def is_live(self) -> bool:
        """A person answers."""
        return self.outcome == "live"


FateOf = Callable[[DialRequest, float], CallFate]
"""From a dial and its time (seconds since the epoch) to what comes of it."""

Streams = Callable[[str], Generator]


class Callees(Protocol):
    """Whoever is called. channels: calls at once, 0 for no limit; the excess is refused."""

    @property
    def channels(self) -> int: ...

    def fates(self, stream: Streams, carrier: str) -> FateOf:
        """stream: the runtime's random streams by name. carrier: through which they are called."""


class Offer(Message):
    """What comes of an offer to an agent: after_s later it is accepted, or was missed."""

    missed: bool
    after_s: float


class PreviewAnswer(Message):
    """What an agent makes of a contact that they are shown: "accepted", "skipped", or "timed_out"
    where they say nothing; after_s later."""

    verdict: str
    after_s: float


class SaidOfCall(NamedTuple):
    """A disposition. callback_after_s: when the customer is to be called back, 0 where no call is
    promised; personal: by the same agent."""

    name: str
    callback_after_s: float = 0.0
    personal: bool = False


class PlannedBreak(NamedTuple):
    """A break due at `at`, lasting lasts_s from when it begins; announced: see `BreakDue`."""

    at: float
    lasts_s: float
    announced: bool


class AgentDay(NamedTuple):
    """An agent's day, in seconds since the epoch. log_out_at is infinite where they stay."""

    log_in_at: float = 0.0
    log_out_at: float = inf
    breaks: tuple[PlannedBreak, ...] = ()


class Habits(Protocol):
    """How agents work.

    kept_up: their audio leg stands all day. tells_wrap_up: as a wrap-up begins they say how long it
    will take. away_s: how long after a missed offer they are back.
    """

    @property
    def kept_up(self) -> bool: ...

    @property
    def tells_wrap_up(self) -> bool: ...

    @property
    def away_s(self) -> float: ...

    def days(self, stream: Streams) -> Callable[[int], AgentDay]:
        """From an agent's number, from 0 in the order of their first log-ins, to their day."""

    def offers(self, stream: Streams) -> Callable[[], Offer]: ...

    def previews(self, stream: Streams) -> Callable[[], PreviewAnswer]: ...

    def says(self, stream: Streams) -> Callable[[Choices], SaidOfCall]:
        """From what they may say of a call to what they say."""

    def wrap_ups(self, stream: Streams) -> Callable[[int], float]:
        """From the attempt that ended to the seconds of wrap-up after it."""


def chosen(choices: Choices, weights: Mapping[str, float], draw: float) -> tuple[str, str]:
    """The disposition that a draw (0 to 1) falls on; without weights each is as likely.

    weights: by name; those that are not among the choices do not count.
    """
    shares = [weights.get(name, 0.0) for name, _ in choices]
    if not any(shares):
        shares = [1.0] * len(choices)
    place = bisect_right([*accumulate(shares)], draw * sum(shares))
    return choices[min(place, len(choices) - 1)]
