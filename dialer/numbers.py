"""Telephone numbers: from what people write to E.164, and what kind of line a number is.

The rule of this module: a number is kept and compared only as E.164 with the plus sign, and a
number that the numbering plans do not know has the kind "invalid", which is never dialed.

Plans, kinds and time zones are those of the `phonenumbers` library (Google's metadata); what it
does not tell apart and a dialer must (976 exchanges) is added here.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType
from phonenumbers.timezone import time_zones_for_geographical_number

from dialer.errors import NumberError

_KINDS = {
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",
    PhoneNumberType.VOICEMAIL: "voicemail",
}

KINDS = frozenset(_KINDS.values()) | {"emergency", "short", "invalid"}
"""Every kind that `classify` gives."""

REGIONS: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""The countries (ISO 3166, two letters) whose numbering plans are known."""

_UNKNOWN_ZONE = "Etc/Unknown"
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_WRITTEN = re.compile(r"\+?[0-9 ().\-/\u00a0\u2010-\u2015]+")
_PUNCTUATION = str.maketrans("", "", " ().-/\u00a0\u2010\u2011\u2012\u2013\u2014\u2015")
_EXTENSION = re.compile(r"(?i)[\d)]\s*(?:;?ext|x|#|,)")
_SPREADSHEET = re.compile(r"(?i)[0-9.,]+e\+?[0-9]+|[0-9]+\.0+")
_NANP_TEN = re.compile(r"1?([2-9][0-9]{9})")
_NANP_HOMES = frozenset({"US", "CA"})
_NANP_LENGTH = len("+12125550100")
_NANP_EXCHANGE = len("+1212555")


class NumberClass(NamedTuple):
    """What a number's digits tell.

    region: ISO 3166 country, "" when the plans do not tell. kind: one of `KINDS`.
    zones: every time zone the callee may be in, IANA names, sorted; empty when unknown.
    """

    region: str
    kind: str
    zones: tuple[str, ...]


def parse_number(text: str, default_region: str = "") -> str:
    """A number as a person writes it, as E.164.

    Args:
        text: digits with the usual punctuation, with or without a country code.
        default_region: ISO 3166 country of numbers without one; "" for none.

    Raises:
        NumberError: letters, an extension, an emergency or short number, digits that no
            numbering plan has, or no country code and no default region.
    """
    # Spreadsheets mark a number that is to stay text with a leading apostrophe.
    written = text.strip().removeprefix("'").strip()
    if not _WRITTEN.fullmatch(written):
        raise _not_a_number(text, written)
    if _SPREADSHEET.fullmatch(written):
        raise _spoiled(text)
    digits = written.translate(_PUNCTUATION)
    number = _parse_nanp(digits, default_region)
    if not number:
        number = _parse_any(text, digits, default_region)
    kind = classify(number).kind
    if kind == "invalid":
        raise NumberError("", f"{text!r} is not a number that exists", "check its digits")
    if kind in {"emergency", "short"}:
        raise NumberError("", f"{text!r} is {_article(kind)} number", "such are never dialed")
    return number


def is_e164(text: str) -> bool:
    """Whether the text has the form of E.164: a plus sign and at most 15 digits (ITU-T E.164)."""
    return _E164.fullmatch(text) is not None


def classify(number: str) -> NumberClass:
    """Region, kind and time zones of an E.164 number; of anything else, the kind "invalid"."""
    # In the North American plan the last four digits decide nothing, so that one answer serves
    # an exchange of ten thousand numbers: a simulation asks 15,000 times a second.
    if number.startswith("+1") and len(number) == _NANP_LENGTH and number[1:].isdecimal():
        return _classified(number[:_NANP_EXCHANGE] + "0000")
    return _classified(number)


def time_zones(number: str) -> tuple[str, ...]:
    """Every time zone the callee of an E.164 number may be in; empty when unknown."""
    return classify(number).zones


def _parse_nanp(digits: str, default_region: str) -> str:
    """The common case, without the library's 15 microseconds; "" when it is not that case."""
    if digits.startswith("+1"):
        return digits if len(digits) == _NANP_LENGTH and digits[2] in "23456789" else ""
    if default_region in _NANP_HOMES and (match := _NANP_TEN.fullmatch(digits)):
        return "+1" + match[1]
    return ""


def _parse_any(text: str, digits: str, default_region: str) -> str:
    if not digits.startswith("+") and not default_region:
        mend = "write it as +12125550123, or set a default region"
        raise NumberError("", f"{text!r} has no country code", mend)
    region = default_region or None
    bare = digits.lstrip("+")
    if region and phonenumbers.is_emergency_number(bare, region):
        raise NumberError("", f"{text!r} is an emergency number", "such are never dialed")
    try:
        parsed = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException as bad:
        raise _unparsed(text, bad) from None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=200_000)
def _classified(number: str) -> NumberClass:
    if not is_e164(number):
        return NumberClass("", "invalid", ())
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        # Too short for a subscriber; +911 is how a careless trunk would pass on an emergency.
        return NumberClass("", _special_kind(None, number[1:]), ())
    region = phonenumbers.region_code_for_number(parsed) or ""
    kind = _KINDS.get(phonenumbers.number_type(parsed), "")
    if not kind:
        return NumberClass(region, _special_kind(parsed, number[1:]), ())
    national = phonenumbers.national_significant_number(parsed)
    if parsed.country_code == 1 and national[3:6] == "976":
        kind = "premium"  # the information services of the North American plan
    return NumberClass(region, kind, _zones(tuple(time_zones_for_geographical_number(parsed))))


@lru_cache(maxsize=4096)
def _zones(names: tuple[str, ...]) -> tuple[str, ...]:
    # Cached so that equal answers are one tuple in memory: few are known, some are long.
    return tuple(sorted(set(names) - {_UNKNOWN_ZONE}))


def _special_kind(parsed: PhoneNumber | None, digits: str) -> str:
    """The kind of a number that no subscriber has: emergency, short, or none at all."""
    if parsed is not None:
        national = phonenumbers.national_significant_number(parsed)
        for region in phonenumbers.region_codes_for_country_code(parsed.country_code or 0):
            if phonenumbers.connects_to_emergency_number(national, region):
                return "emergency"
    if len(digits) >= 3 and any(
        phonenumbers.is_emergency_number(digits, region)
        for region in phonenumbers.SUPPORTED_SHORT_REGIONS
    ):
        return "emergency"
    if parsed is not None and phonenumbers.is_possible_short_number(parsed):
        return "short"
    return "invalid"


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _not_a_number(text: str, written: str) -> NumberError:
    if not written:
        return NumberError("", "the number is empty", "give one, or leave the contact out")
    if _SPREADSHEET.fullmatch(written):
        return _spoiled(text)
    if _EXTENSION.search(written):
        return NumberError("", f"{text!r} has an extension", "give the number alone")
    return NumberError("", f"{text!r} is not a telephone number", "write it as +12125550123")


def _spoiled(text: str) -> NumberError:
    mend = "format the column as text and export it again"
    return NumberError("", f"{text!r} was changed by a spreadsheet", mend)


def _unparsed(text: str, bad: phonenumbers.NumberParseException) -> NumberError:
    kind = phonenumbers.NumberParseException
    what = {
        kind.INVALID_COUNTRY_CODE: "has no country code that exists",
        kind.TOO_SHORT_NSN: "is too short",
        kind.TOO_SHORT_AFTER_IDD: "is too short",
        kind.TOO_LONG: "is too long",
    }.get(bad.error_type, "is not a telephone number")
    return NumberError("", f"{text!r} {what}", "write it as +12125550123")
