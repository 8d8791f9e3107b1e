"""What is known of a contact: attributes that are declared before anything is imported.

The rule of this module: a stored value always has the type its attribute declares, and a value
that is missing is absent, never an empty text. So filters, templates and the store need not guess.

| type      | as stored                        | as written                                    |
|-----------|----------------------------------|-----------------------------------------------|
| text      | str, NFC, trimmed                | anything without control characters           |
| integer   | int of 64 bits                   | -12                                           |
| decimal   | float, finite                    | 12.50 (a point, no thousands separator)       |
| date      | str, ISO 8601: 2025-01-31        | the same, or the declared `date_format`       |
| boolean   | bool                             | true/false, yes/no, y/n, t/f, 1/0             |
| phone     | tuple of E.164, in order, unique | (212) 555-0123 with the default region US ... |
| language  | str, BCP 47: en, pt-BR           | the same; case and underscore do not matter   |
| time_zone | str, IANA: America/New_York      | the same                                      |
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dialer.documents import suggestion
from dialer.errors import ContactError, NumberError
from dialer.numbers import REGIONS, parse_number
from dialer.ports import AttributeValue

MAX_TEXT = 4000
"""Longest text of one value, in characters."""

MAX_INTEGER = 2**63 - 1
"""What a database holds in 64 bits."""
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LANGUAGE = re.compile(r"([a-z]{2,3})((?:-[a-z0-9]{2,8})*)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SEPARATORS = str.maketrans("", "", " _-.")
_TRUE = frozenset({"true", "yes", "y", "t", "1"})
_FALSE = frozenset({"false", "no", "n", "f", "0"})


class AttributeType(StrEnum):
    """What an attribute's values are; see the table of this module."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    BOOLEAN = "boolean"
    PHONE = "phone"
    LANGUAGE = "language"
    TIME_ZONE = "time_zone"


_KEY_TYPES = frozenset({AttributeType.TEXT, AttributeType.INTEGER, AttributeType.PHONE})


class AttributeSpec(BaseModel):
    """One declared attribute of contacts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$", description="as in {{name}}")
    type: AttributeType = AttributeType.TEXT
    required: bool = Field(False, description="a row without it is rejected")
    default: str = Field("", description="stands where a row has none, written as in a row")
    key: bool = Field(False, description="tells contacts apart: importing it again updates them")
    date_format: str = Field("", description="of a date in a row, as in Python's strptime")

    @model_validator(mode="after")
    def _makes_sense(self) -> "AttributeSpec":
        if self.key and self.type not in _KEY_TYPES:
            kinds = ", ".join(sorted(_KEY_TYPES))
            raise ValueError(f"a {self.type} cannot tell contacts apart; a key is one of {kinds}")
        if self.key and self.default:
            raise ValueError("a key has no default; every contact needs its own")
        if self.date_format and self.type is not AttributeType.DATE:
            raise ValueError(f"a {self.type} has no date_format; remove it")
        return self


class Schema:
    """The declared attributes: what a contact can have and how its values are read.

    default_region: ISO 3166 country of numbers written without a country code, "" for none.

    Raises:
        ContactError: two attributes that a person cannot tell apart, two keys, a default that is
            no value of its attribute, or a region that does not exist.
    """

    def __init__(self, specs: Iterable[AttributeSpec], default_region: str = "") -> None:
        self.specs = tuple(specs)
        self.default_region = default_region
        if default_region and default_region not in REGIONS:
            mend = "give two capital letters, as US"
            raise ContactError("default_region", f"there is no country {default_region!r}", mend)
        self._by_name: dict[str, AttributeSpec] = {}
        self._by_folded: dict[str, AttributeSpec] = {}
        for spec in self.specs:
            twin = self._by_folded.setdefault(folded(spec.name), spec)
            if twin is not spec:
                what = f"cannot be told from {twin.name!r} in a file's header"
                raise ContactError(f"attribute {spec.name!r}", what, "rename one")
            self._by_name[spec.name] = spec
        keys = [spec.name for spec in self.specs if spec.key]
        if len(keys) > 1:
            raise ContactError(f"attribute {keys[1]!r}", f"{keys[0]!r} is the key", "keep one key")
        self.key = keys[0] if keys else ""
        self.defaults: dict[str, AttributeValue] = {
            spec.name: self.read(spec.name, spec.default) for spec in self.specs if spec.default
        }
        self._required = tuple(spec.name for spec in self.specs if spec.required or spec.key)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def spec(self, name: str) -> AttributeSpec:
        """The declaration of an attribute.

        Raises:
            ContactError: none has that name; the message says which was perhaps meant.
        """
        found = self._by_name.get(name)
        if found is None:
            what = f"there is no attribute {name!r}"
            raise ContactError("", what, suggestion(name, self._by_name))
        return found

    def find(self, written: str) -> AttributeSpec | None:
        """The attribute that a column's header means: case, spaces, _ - and . do not matter."""
        return self._by_folded.get(folded(written))

    def phones(self) -> tuple[str, ...]:
        """The names of the phone attributes, in order of declaration."""
        return tuple(spec.name for spec in self.specs if spec.type is AttributeType.PHONE)

    def read(self, name: str, text: str) -> AttributeValue:
        """A value from its text; None for one that is missing (nothing but white space).

        Raises:
            ContactError: the text is no value of the attribute's type.
        """
        spec = self.spec(name)
        trimmed = text.strip()
        if not trimmed:
            return None
        if spec.type is AttributeType.PHONE:
            return (self.number(name, trimmed),)
        if spec.type is AttributeType.DATE:
            return _date(name, trimmed, spec.date_format)
        return _READERS[spec.type](name, trimmed)

    def number(self, name: str, text: str) -> str:
        """One number of a phone attribute, as E.164.

        Raises:
            ContactError: it is not a number that can be dialed.
        """
        try:
            return parse_number(text, self.default_region)
        except NumberError as bad:
            raise ContactError(name, bad.what, bad.mend) from None

    def complete(self, given: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
        """A contact's attributes with defaults put in and missing ones left out.

        Raises:
            ContactError: a required attribute is missing.
        """
        known = {name: value for name, value in given.items() if value is not None and value != ()}
        attributes = self.defaults | known
        for name in self._required:
            if name not in attributes:
                raise ContactError(name, "is missing", "every contact needs one")
        return attributes

    def key_of(self, attributes: Mapping[str, AttributeValue]) -> str:
        """What tells this contact from all others, "" where no attribute is declared the key.

        A key of text is compared as it is; of a phone attribute, the first number counts.
        """
        value = attributes.get(self.key) if self.key else None
        if value is None:
            return ""
        return value[0] if isinstance(value, (tuple, list)) else str(value)


def folded(name: str) -> str:
    """A name as far as it tells attributes apart: "First Name", "first_name", "FirstName"."""
    return name.strip().translate(_SEPARATORS).casefold()


def normal_text(text: str) -> str:
    """A text as it is stored, so that texts that look the same are the same: NFC, trimmed."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def _text(name: str, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ContactError(name, f"is longer than {MAX_TEXT} characters", "shorten it")
    if not text.isprintable() and _CONTROL.search(text):
        raise ContactError(name, "has control characters", "clean the file")
    return normal_text(text)


def _integer(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text) or abs(int(text)) > MAX_INTEGER:
        raise ContactError(name, f"{_shown(text)} is no whole number", "write it as 1250")
    return int(text)


def _decimal(name: str, text: str) -> float:
    if not _DECIMAL.fullmatch(text) or not math.isfinite(float(text)):
        raise ContactError(name, f"{_shown(text)} is no number", "write it as 1250.75")
    return float(text) + 0.0  # -0.0 and 0.0 are one number here


def _date(name: str, text: str, date_format: str) -> str:
    try:
        if date_format:
            return datetime.strptime(text, date_format).date().isoformat()
        if _ISO_DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    written = date(2025, 1, 31).strftime(date_format) if date_format else "2025-01-31"
    raise ContactError(name, f"{_shown(text)} is no date", f"write it as {written}")


def _boolean(name: str, text: str) -> bool:
    folded_text = text.lower()
    if folded_text in _TRUE:
        return True
    if folded_text in _FALSE:
        return False
    raise ContactError(name, f"{_shown(text)} is neither yes nor no", "write yes or no")


def _language(name: str, text: str) -> str:
    match = _LANGUAGE.fullmatch(text.replace("_", "-").lower())
    if not match:
        raise ContactError(name, f"{_shown(text)} is no language", "write it as en or pt-BR")
    # RFC 5646 section 2.1.1: scripts are titled, regions are capitals, all else is small.
    subtags = [
        part.title()
        if len(part) == 4 and part.isalpha()
        else part.upper()
        if len(part) == 2
        else part
        for part in match[2].split("-")[1:]
    ]
    return "-".join([match[1], *subtags])


def _time_zone(name: str, text: str) -> str:
    if not is_time_zone(text):
        mend = "write it as America/New_York"
        raise ContactError(name, f"{_shown(text)} is no time zone", mend)
    return text


@lru_cache(maxsize=2048)
def is_time_zone(name: str) -> bool:
    """Whether the IANA database has a zone of that name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


_READERS: Mapping[AttributeType, Callable[[str, str], AttributeValue]] = {
    AttributeType.TEXT: _text,
    AttributeType.INTEGER: _integer,
    AttributeType.DECIMAL: _decimal,
    AttributeType.BOOLEAN: _boolean,
    AttributeType.LANGUAGE: _language,
    AttributeType.TIME_ZONE: _time_zone,
}
