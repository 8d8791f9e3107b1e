"""Attempts as a score sees them: what came of one, and what a contact's earlier ones tell.

The rule of this module: the past of an attempt holds only what was known when it was dialed, and
an attempt that the trunk spoiled is in no past and teaches nothing.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dialer.message import Message
from dialer.outcomes import OUTCOMES

_UNKNOWN = frozenset({"", "cancelled", "given_up", "interrupted"})
"""The callee might have answered, had it gone on."""


class Past(Message):
    """A contact's attempts so far, over all campaigns.

    attempts: those that count towards caps. answers: by a person. last_outcome: "" before any.
    last_at: when the last was dialed, epoch seconds. imported_at: when the contact came on the
    list; 0 where nobody knows.
    """

    attempts: int = 0
    answers: int = 0
    last_outcome: str = ""
    last_at: float = 0.0
    imported_at: float = 0.0

    def after(self, outcome: str, at: float) -> "Past":
        """The same with one more attempt, dialed at `at`."""
        known = OUTCOMES.get(outcome)
        if known is None or not known.counts:
            return self
        return self._replace(
            attempts=self.attempts + 1,
            answers=self.answers + known.human,
            last_outcome=outcome,
            last_at=at,
        )


NO_PAST = Past()


class Attempt(Message):
    """A recorded attempt.

    outcome: of `dialer.outcomes`, "" where the recording ends first. number: E.164. contact: what
    tells contacts apart, any text. zone: where the callee lives, an IANA name. imported_at: epoch
    seconds. score: what the dialer gave it. All but the first two may be missing (0 or ""; -1 for
    no score).
    """

    dialed_at: float
    outcome: str
    number: str = ""
    contact: str = ""
    zone: str = ""
    imported_at: float = 0.0
    score: float = -1.0


class Example(NamedTuple):
    """An attempt with its past, and whether a person answered."""

    attempt: Attempt
    past: Past
    answered: bool


def was_answered(outcome: str) -> bool | None:
    """Whether a person answered; None where the outcome does not tell."""
    known = OUTCOMES.get(outcome)
    if known is None or known.trunk_fault or outcome in _UNKNOWN:
        return None
    return known.human


def examples(attempts: Iterable[Attempt]) -> Iterator[Example]:
    """Attempts that tell something, each with its contact's past, in the order of their dials.

    A contact is told by its id; where there is none, by its number; where there is none either,
    nothing is known of its past.
    """
    pasts: dict[str, Past] = {}
    for attempt in sorted(attempts, key=lambda each: each.dialed_at):
        who = attempt.contact or attempt.number
        past = pasts.get(who, NO_PAST) if who else NO_PAST
        if attempt.imported_at:
            past = past._replace(imported_at=attempt.imported_at)
        answered = was_answered(attempt.outcome)
        if answered is not None:
            yield Example(attempt, past, answered)
        if who:
            pasts[who] = past.after(attempt.outcome, attempt.dialed_at)
