"""Whether a callee's clock allows a call now, and if not, from when it does.

The rule of this module: a call is allowed only where every time zone the callee may be in allows
it. Zones come from the number and from the contact's own `time_zone` attribute; where they
disagree, both must allow it; where none is known, nothing is.

All instants are seconds since the epoch. Clocks that jump are followed: hours are what the wall
clock shows, so an hour that comes twice is open or closed twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from math import floor
from zoneinfo import ZoneInfo

from dialer.compliance.preset import CallingHours, Preset
from dialer.contacts import is_time_zone
from dialer.message import Message
from dialer.numbers import time_zones
from dialer.ports import AttributeValue

TIME_ZONE_ATTRIBUTE = "time_zone"
"""The attribute by which a contact says where it lives, if one is declared."""

_DAY_S = 86_400
_HORIZON_DAYS = 9
"""Hours repeat each week; a day more on either side for the zones and a jumping clock."""
_MOST_CACHED = 20_000


class Verdict(Message):
    """May the call be made?

    reason: "" when it may; else a word and a colon, then what a person wants to know.
    next_at: the first second when it may, never before the instant asked about; None for never.
    """

    allowed: bool
    reason: str = ""
    next_at: float | None = None


class _Span(Message):
    """A verdict and the time [since, until) over which it holds."""

    since: int
    until: int
    verdict: Verdict


def may_call(
    number: str, attributes: Mapping[str, AttributeValue], at: float, preset: Preset
) -> Verdict:
    """Whether the callee's local time lets the number be dialed at the instant `at`.

    Args:
        number: E.164. attributes: the contact's; only `time_zone` is read. preset: its calling
            hours are applied.
    """
    zones = time_zones(number)
    own = attributes.get(TIME_ZONE_ATTRIBUTE)
    if own:
        if not isinstance(own, str) or not is_time_zone(own):
            return Verdict(False, f"time_zone: the contact's {own!r} is no time zone")
        if own not in zones:
            zones = (*zones, own)
    return callee_window(preset.calling_hours).verdict(zones, at)


def callee_clocks(number: str, attributes: Mapping[str, AttributeValue]) -> tuple[str, ...]:
    """Time zones whose clock a contact goes by: its own `time_zone`, else those of its number.

    number: E.164, "" where it is not known yet.
    """
    own = attributes.get(TIME_ZONE_ATTRIBUTE)
    if isinstance(own, str) and is_time_zone(own):
        return (own,)
    return time_zones(number) if number else ()


class CalleeWindow:
    """The calling hours of one regulation, on any clocks. Safe to ask from any thread."""

    def __init__(self, hours: Sequence[CallingHours]) -> None:
        self._hours = tuple(hours)
        self._spans: dict[tuple[str, ...], _Span] = {}

    def verdict(self, zones: tuple[str, ...], at: float) -> Verdict:
        """Whether all zones allow a call at `at`; zones are IANA names that exist."""
        if not zones:
            return Verdict(False, "time_zone: no time zone is known for the number")
        # Edges are at whole seconds, so a second is open or closed as a whole.
        second = floor(at)
        span = self._spans.get(zones)
        if span is None or not span.since <= second < span.until:
            if len(self._spans) >= _MOST_CACHED:
                self._spans.clear()
            span = self._spans[zones] = self._span(zones, second)
        if span.verdict.allowed:
            return Verdict(True, "", at)
        return span.verdict

    def _span(self, zones: tuple[str, ...], second: int) -> _Span:
        clocks = [ZoneInfo(name) for name in zones]
        is_open = all(self._open(clock, second) for clock in clocks)
        for edge in self._edges(clocks, second):
            if all(self._open(clock, edge) for clock in clocks) is not is_open:
                if is_open:
                    return _Span(second, edge, Verdict(True))
                return _Span(second, edge, Verdict(False, _reason(zones), float(edge)))
        until = second + (_HORIZON_DAYS - 2) * _DAY_S
        if is_open:
            return _Span(second, until, Verdict(True))
        reason = f"time_zone: no hour is allowed in all of {len(zones)} possible zones"
        return _Span(second, until, Verdict(False, reason))

    def _open(self, clock: ZoneInfo, second: int) -> bool:
        local = datetime.fromtimestamp(second, clock)
        of_day = local.hour * 3600 + local.minute * 60 + local.second
        weekday = local.weekday()
        return any(
            hours.on(weekday) and _of_day(hours.start) <= of_day < _of_day(hours.end)
            for hours in self._hours
        )

    def _edges(self, clocks: Sequence[ZoneInfo], second: int) -> Iterator[int]:
        """Every later second at which some clock may open or close, in order."""
        moments = tuple(sorted({_of_day(end) for hours in self._hours for end in hours.ends}))
        for day in range(_HORIZON_DAYS):
            since = second - second % _DAY_S + day * _DAY_S
            found: set[int] = set()
            for clock in clocks:
                middle = datetime.fromtimestamp(since + _DAY_S // 2, clock).date()
                for local_day in (middle - timedelta(1), middle, middle + timedelta(1)):
                    found.update(_edges_of_day(clock, local_day, moments))
            yield from sorted(
                edge for edge in found if since <= edge < since + _DAY_S and edge > second
            )


@lru_cache(maxsize=64)
def callee_window(hours: tuple[CallingHours, ...]) -> CalleeWindow:
    """The window of some calling hours; one for all who ask, as it remembers its answers."""
    return CalleeWindow(hours)


def _of_day(moment: time) -> int:
    """Seconds since midnight; the settings' 24:00 is the end of the day."""
    if moment == time.max:
        return _DAY_S
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _reason(zones: tuple[str, ...]) -> str:
    # Which of several is closed changes while all of them together stay so.
    where = zones[0] if len(zones) == 1 else f"at least one of {', '.join(zones)}"
    return f"calling_hours: closed in {where}"


@lru_cache(maxsize=50_000)
def _edges_of_day(clock: ZoneInfo, day: date, moments: tuple[int, ...]) -> tuple[int, ...]:
    midnight = datetime.combine(day, time())
    edges: set[int] = set()
    for moment in (0, *moments, _DAY_S):
        wall = midnight + timedelta(seconds=moment)
        # A wall time may come twice, and where it does not come at all the jump itself counts.
        edges.update(floor(wall.replace(tzinfo=clock, fold=fold).timestamp()) for fold in (0, 1))
    jump = _jump(clock, min(edges), max(edges))
    if jump is not None:
        edges.add(jump)
    return tuple(sorted(edges))


def _jump(clock: ZoneInfo, since: int, until: int) -> int | None:
    """The second at which the clock jumps between two instants, if it does."""

    def offset(second: int) -> timedelta | None:
        return datetime.fromtimestamp(second, clock).utcoffset()

    before = offset(since)
    if offset(until) == before:
        return None
    while until - since > 1:
        middle = (since + until) // 2
        if offset(middle) == before:
            since = middle
        else:
            until = middle
    return until
