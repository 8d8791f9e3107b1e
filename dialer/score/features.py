"""What a score is made of: the features of an attempt that is about to be made.

The rule of this module: a feature is a number, a word, or None where it is not known; nothing is
looked up but numbering plans and clocks.
"""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers

from dialer.contacts import is_time_zone
from dialer.numbers import classify
from dialer.score.past import Past

Value = float | str | None

MEASURED = ("hour", "list_age_days", "attempts", "answer_share", "days_since_last")
"""Features that are numbers. hour: on the callee's clock, 0 to 24. attempts, answer_share: of the
contact so far; the share is drawn towards one in four while they are few."""
NAMED = ("weekday", "kind", "region", "area", "last_outcome")
"""Features that are words. weekday: on the callee's clock, 0 is Monday. kind: of `dialer.numbers`.
region: ISO 3166. area: the country code and the national destination code."""
FEATURES = MEASURED + NAMED

_DAY_S = 86_400.0
_NANP_LENGTH, _NANP_AREA = len("+12125550100"), len("+1212")
_BELIEVED_ANSWERS, _BELIEVED_ATTEMPTS = 0.5, 2.0


def features(at: float, number: str, zone: str, past: Past) -> dict[str, Value]:
    """The features of a dial.

    at: epoch seconds. number: E.164, "" where it is not known. zone: the callee's, IANA name; ""
    leaves it to the number.
    """
    kind = classify(number) if number else None
    clocks = (zone,) if zone or kind is None else kind.zones
    local = _middle_clock(at, clocks)
    share = (past.answers + _BELIEVED_ANSWERS) / (past.attempts + _BELIEVED_ATTEMPTS)
    return {
        "hour": local.hour + local.minute / 60 if local is not None else None,
        "list_age_days": _days(past.imported_at, at),
        "attempts": float(past.attempts),
        "answer_share": share,
        "days_since_last": _days(past.last_at, at),
        "weekday": str(local.weekday()) if local is not None else None,
        "kind": kind.kind if kind is not None else None,
        "region": kind.region or None if kind is not None else None,
        "area": area_of(number) or None,
        "last_outcome": past.last_outcome or None,
    }


def _days(since: float, at: float) -> float | None:
    return max(0.0, at - since) / _DAY_S if since else None


def _middle_clock(at: float, zones: tuple[str, ...]) -> datetime | None:
    """The local time; of several zones that of the middle one, which is never far off."""
    times = [datetime.fromtimestamp(at, clock) for zone in zones if (clock := _clock(zone))]
    if len(times) > 1:
        times.sort(key=datetime.utcoffset)  # type: ignore[arg-type]
    return times[len(times) // 2] if times else None


@lru_cache(maxsize=1024)
def _clock(zone: str) -> ZoneInfo | None:
    return ZoneInfo(zone) if zone and is_time_zone(zone) else None


def area_of(number: str) -> str:
    """The country code and the national destination code (area or network); "" where unknown."""
    if number.startswith("+1") and len(number) == _NANP_LENGTH:
        return number[:_NANP_AREA]
    return _area_of(number)


@lru_cache(maxsize=200_000)
def _area_of(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ""
    national = phonenumbers.national_significant_number(parsed)
    length = phonenumbers.length_of_national_destination_code(parsed)
    return f"+{parsed.country_code}{national[:length]}" if length else ""
