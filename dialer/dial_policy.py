"""What may be dialed at all, before any law or campaign is asked.

The rule of this module: a fresh configuration dials nobody but an allow-list, and emergency,
short, premium and foreign numbers are refused whatever else is allowed.
"""

import re
from dataclasses import dataclass, field

from dialer.errors import NumberError
from dialer.numbers import REGIONS, classify, is_e164

REFUSED_KINDS = {
    "invalid": "not a number that exists",
    "emergency": "an emergency number",
    "short": "a short number",
    "premium": "a premium-rate number",
    "shared_cost": "a shared-cost number",
    "personal": "a personal number, billed as premium rate in many countries",
    "pager": "a pager",
    "voicemail": "a mailbox, not a person",
}
"""The kinds of `dialer.numbers` that are never dialed, and what a refusal calls them."""

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}\*")


@dataclass(frozen=True)
class DialPolicy:
    """Refuses numbers; immutable, and safe to ask from any thread.

    live: False dials the allow-list only. allow_list: E.164 numbers, or beginnings of numbers that
    end in an asterisk, as +1212555*. countries: ISO 3166, as US; a number of any other is refused.

    Raises:
        NumberError: an entry that is neither, or a country that does not exist.
    """

    live: bool = False
    allow_list: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    _beginnings: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for entry in sorted(self.allow_list):
            check_allowed_entry(entry)
        for country in sorted(self.countries):
            check_country(country)
        beginnings = tuple(entry[:-1] for entry in self.allow_list if entry.endswith("*"))
        object.__setattr__(self, "_beginnings", beginnings)

    def refusal(self, number: str) -> str | None:
        """Why the E.164 number must not be dialed; None when it may be."""
        known = classify(number)
        kind = REFUSED_KINDS.get(known.kind)
        if kind:
            return f"{known.kind}: {kind}"
        if known.region not in self.countries:
            where = known.region or "no country"
            return f"country: {where} is not among the countries of the settings"
        if self.live or number in self.allow_list or number.startswith(self._beginnings):
            return None
        return "not_live: the dialer is not live and the number is not on its allow-list"


def check_allowed_entry(entry: str) -> str:
    """The entry of an allow-list, if it is one.

    Raises:
        NumberError: it is neither an E.164 number nor a beginning of one with an asterisk.
    """
    if not is_e164(entry) and not _PREFIX.fullmatch(entry):
        mend = "write +12125550123, or +1212555* for all that begin so, in quotes"
        raise NumberError("allow_list", f"{entry!r} is neither a number nor a beginning", mend)
    return entry


def check_country(country: str) -> str:
    """The country, if numbering plans know it.

    Raises:
        NumberError: they do not.
    """
    if country not in REGIONS:
        mend = "give two capital letters, as US"
        raise NumberError("countries", f"there is no country {country!r}", mend)
    return country
