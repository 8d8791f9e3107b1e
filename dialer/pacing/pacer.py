"""What a pacer is shown, and what it answers.

The rule of this module: a pacer decides from a snapshot and from what it has learned from earlier
ones; time comes in as a number, and nothing is looked up. What it has learned can be written down
and taken up again, over a restart or a night.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from dialer.pacing.cohorts import Cohort, Countdown

CALL_SPAN_S = 41
"""Ages of unanswered calls that are told apart: 0 to 40 s. Few ring longer."""
TALK_SPAN_S = 900
WRAP_UP_SPAN_S = 180
KNOWN_END_SPAN_S = 60

ANSWERED, OTHERWISE = "answered", "otherwise"
"""What becomes of a call in flight: a live person is there to talk to, or never will be."""
ENDED = "ended"


class Snapshot(NamedTuple):
    """A campaign at one moment.

    now: seconds, on any clock. ready: agents whom a call could be given. waiting: people who
    answered and have no agent yet. closing: calls that reached nobody and are still on the line
    (machines being dropped). calls: in flight, from the dial until it is known whether a person is
    there. talks, wrap_ups: agents of whom nobody knows when they will be done. known_wrap_ups:
    agents of whom it is known.

    The counters are of the time over which the law counts, as is elapsed_s; left_s is how long
    that will go on. dials: placed. answers: calls that a person answered, as the dialer classified
    them. abandoned: those among them without an agent in time. room: calls that may be placed at
    the most now; None means any number. may_cancel: calls in flight that have rung as long as the
    law wants. buffered: score classes of the records that may be dialed next, ascending; empty
    where records are not scored.
    """

    now: float
    ready: int
    waiting: int
    closing: int
    calls: Cohort
    talks: Cohort
    wrap_ups: Cohort
    known_wrap_ups: Countdown
    dials: int
    answers: int
    abandoned: int
    elapsed_s: float
    left_s: float
    room: int | None
    may_cancel: int = 0
    buffered: Sequence[int] = ()

    @property
    def talking(self) -> int:
        return self.talks.size

    @property
    def agents(self) -> int:
        """Agents at work: ready, talking or wrapping up."""
        return self.ready + self.talks.size + self.wrap_ups.size + len(self.known_wrap_ups)

    @property
    def in_progress(self) -> int:
        """Calls that occupy a line without an agent."""
        return self.calls.size + self.closing + self.waiting

    @property
    def unanswered(self) -> int:
        """Calls placed for an agent who is still free: in flight, or being dropped."""
        return self.calls.size + self.closing


class Decision(NamedTuple):
    """How many calls to place now, and why.

    dials: never negative, never more than the snapshot's room. reason: in words. figures: what it
    was computed from, by name. cancel: calls to give up, those that ring longest. picks: where
    records are scored, for each dial whether it is for the best record buffered or the worst.
    """

    dials: int
    reason: str
    figures: Mapping[str, float]
    cancel: int = 0
    picks: tuple[bool, ...] = ()


class Pacer(Protocol):
    """Decides how many calls to place."""

    def decide(self, seen: Snapshot) -> Decision:
        """To be asked each second; pacers that dial less often answer 0 in between."""

    def state(self) -> dict[str, Any]:
        """What it has learned, as plain numbers, lists and dicts (msgpack takes them)."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` wrote down."""

    def new_day(self) -> None:
        """A night has passed: what was learned counts for less, budgets begin anew."""


class Forgetful:
    """A pacer with nothing to remember."""

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """There is nothing to take up."""

    def new_day(self) -> None:
        """Nothing was learned."""


def within(room: int | None, dials: float) -> int:
    """A number of dials as a whole number that is not negative and within the room."""
    whole = max(0, int(dials + _EPSILON))
    return whole if room is None else min(whole, max(0, room))


_EPSILON = 1e-9  # 0.1 * 30 must not lose a call to rounding
