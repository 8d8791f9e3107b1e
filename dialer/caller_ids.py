"""Which of our numbers a callee sees.

The rule of this module: a call shows a number that we own, never none; a number that has been
shown as often as its day allows rests until its next day. Among several, one from the callee's
own area is taken before others of the country, and the least used of the day among equals.

Source: RFC 3325 (the identity that a trunk asserts); the cap is a matter of reputation: carriers'
analytics mark numbers that call too often.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple, final
from zoneinfo import ZoneInfo

import phonenumbers

from dialer.message import Message

NO_CALLER_ID = "no caller ID may be shown"


@dataclass(frozen=True, slots=True)
class CallerId:
    """A number of ours.

    name: what metrics and reports call it. pool: flows may name it instead of one number.
    trunks: those that accept it, all if empty. daily_cap: calls a day, 0 for no limit.
    time_zone: where its day begins.
    """

    number: str
    name: str
    pool: str = ""
    trunks: tuple[str, ...] = ()
    daily_cap: int = 0
    time_zone: str = "UTC"

    def day(self, now: float) -> date:
        """The day that counts for it; now: epoch seconds."""
        return datetime.fromtimestamp(now, ZoneInfo(self.time_zone)).date()

    def day_began_at(self, now: float) -> float:
        """When that day began, in epoch seconds."""
        return self._midnight(self.day(now))

    def next_day_at(self, now: float) -> float:
        """When its next day begins, in epoch seconds."""
        return self._midnight(self.day(now) + timedelta(days=1))

    def takes(self, trunk: str) -> bool:
        """Whether it may be shown through a trunk."""
        return not self.trunks or trunk in self.trunks

    def _midnight(self, day: date) -> float:
        return datetime.combine(day, time(), ZoneInfo(self.time_zone)).timestamp()


class Caller(Message):
    """What was chosen. number: "" where nothing is known of caller IDs and the trunk has its own.
    trunks: those of the wanted ones through which it may be shown, in order.
    """

    number: str
    name: str
    trunks: tuple[str, ...]


@final
class NoCaller(NamedTuple):
    """Why none may be shown. next_at: when to ask again, epoch seconds, 0 for never."""

    reason: str
    next_at: float = 0.0


class CallerIds:
    """Our numbers and how often each was shown today. Not thread-safe.

    own: a trunk's number where a flow names none, by the trunk's name. plain: trunks through which
    a call may leave without a number (of simulated carriers, and in rehearsals).
    """

    def __init__(
        self,
        numbers: Iterable[CallerId] = (),
        own: Mapping[str, str] | None = None,
        plain: frozenset[str] = frozenset(),
    ) -> None:
        self._numbers = tuple(numbers)
        self._own = dict(own or {})
        self._plain = plain
        self._used: Counter[tuple[str, date]] = Counter()

    @property
    def numbers(self) -> tuple[CallerId, ...]:
        return self._numbers

    def knows(self, wanted: str) -> bool:
        """Whether a flow may ask for this number, name or pool."""
        return not wanted or not self._numbers or any(_is(wanted, c) for c in self._numbers)

    def usual(self, trunk: str) -> str:
        """The number that a trunk shows where nobody says which, "" where it has none."""
        usable = (c.number for c in self._numbers if c.takes(trunk))
        return self._own.get(trunk) or next(usable, "")

    def choose(
        self, wanted: str, trunks: tuple[str, ...], callee: str, now: float
    ) -> Caller | NoCaller:
        """Choose, and count it as shown.

        wanted: a number, a name or a pool; "" for the trunk's own. trunks: in the order in which
        they are tried. callee: E.164. now: epoch seconds.
        """
        if not self._numbers:
            return Caller(wanted if wanted.startswith("+") else "", "", trunks)
        usable = [c for c in self._candidates(wanted, trunks) if any(map(c.takes, trunks))]
        if not usable:
            plain = tuple(name for name in trunks if name in self._plain)
            if plain and not wanted:
                return Caller("", "", plain)
            what = f"caller ID {wanted!r} is not ours" if wanted else NO_CALLER_ID
            if wanted and self.knows(wanted):
                what = f"caller ID {wanted!r} may not be shown through {', '.join(trunks)}"
            return NoCaller(what)
        rested = [c for c in usable if not c.daily_cap or self.used(c, now) < c.daily_cap]
        if not rested:
            next_at = min(c.next_day_at(now) for c in usable)
            return NoCaller("every caller ID has reached its daily cap", next_at)
        best = rested[0]
        if len(rested) > 1:
            best = min(rested, key=lambda c: (-_nearness(c.number, callee), self.used(c, now)))
        self._used[best.number, best.day(now)] += 1
        return Caller(best.number, best.name, tuple(filter(best.takes, trunks)))

    def unused(self, number: str, now: float) -> None:
        """The call that was to show it was not made after all."""
        for caller_id in self._numbers:
            if caller_id.number == number:
                key = (number, caller_id.day(now))
                self._used[key] = max(0, self._used[key] - 1)

    def used(self, caller_id: CallerId, now: float) -> int:
        """How often it was shown today."""
        return self._used[caller_id.number, caller_id.day(now)]

    def recount(self, shown_since: Callable[[float], Mapping[str, int]], now: float) -> None:
        """Go on from what former runs have shown today.

        shown_since: how often each number was shown since a moment, by number.
        """
        for began_at in {caller_id.day_began_at(now) for caller_id in self._numbers}:
            shown = shown_since(began_at)
            for caller_id in self._numbers:
                if caller_id.day_began_at(now) == began_at:
                    self._used[caller_id.number, caller_id.day(now)] = shown.get(
                        caller_id.number, 0
                    )

    def _candidates(self, wanted: str, trunks: tuple[str, ...]) -> list[CallerId]:
        if wanted:
            return [c for c in self._numbers if _is(wanted, c)]
        own = {self._own[trunk] for trunk in trunks if self._own.get(trunk)}
        if own:
            return [c for c in self._numbers if c.number in own]
        return [c for c in self._numbers if not c.pool]


def _is(wanted: str, caller_id: CallerId) -> bool:
    return wanted in (caller_id.number, caller_id.name) or wanted == caller_id.pool != ""


def _nearness(ours: str, callee: str) -> int:
    """2: the same area; 1: the same country; 0: neither."""
    our_country, our_area = _place(ours)
    country, area = _place(callee)
    if our_country != country:
        return 0
    return 2 if area and area == our_area else 1


@lru_cache(maxsize=4096)
def _place(number: str) -> tuple[int, str]:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return 0, ""
    length = phonenumbers.length_of_geographical_area_code(parsed)
    national = phonenumbers.national_significant_number(parsed)
    return parsed.country_code or 0, national[:length]
