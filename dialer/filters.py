"""What contact filters mean: a tree of conditions (`dialer.filter_tree`) against a schema.

The rule of this module: a condition is true or false of every contact, never unknown and never an
error, and means the same here and in the store's SQL. `bind` turns a tree into few plain tests;
the predicate is made from them here and the SQL in the store, with these meanings:

- A value is *missing* when the contact has none, or one of another JSON type than its attribute
  declares (the declaration was changed after the import). A phone attribute without a number is
  missing.
- Every test but `is_empty` is false of a missing value. A `negated` condition is exactly the
  opposite of its test, so it is true of a missing value: `city not_equals Boston` holds where no
  city is known.
- Texts (also languages and time zones) are compared with the letters A to Z folded to small ones
  and all others as they are (SQLite's lower(); PostgreSQL's lower() under the collation "C"), as
  sequences of code points. Operands are brought to NFC and folded by `bind`; stored values are NFC
  by `dialer.contacts`. `contains` and `starts_with` look for the operand as it is: no wildcards.
- Numbers compare by value. Dates are ISO texts, so they compare as texts; `today` is put in by
  `bind`. `between` includes both ends.
- A phone attribute holds several numbers: a test is true when it is true of *some* number, so
  `not_equals` means that no number equals.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from unicodedata import normalize

from dialer.contacts import MAX_INTEGER, AttributeSpec, AttributeType, Schema
from dialer.documents import Document, Path
from dialer.errors import ContactError, FilterError
from dialer.filter_tree import AllOf, Condition, Filter, Operator, Scalar, where_is
from dialer.ports import AttributeValue

MAX_CHOICES = 1000
"""Most values of one `in`."""

Predicate = Callable[[Mapping[str, AttributeValue]], bool]


class Test(StrEnum):
    """What is left of the operators once bound: see the rule of this module."""

    __test__ = False  # not a class of tests, whatever pytest makes of its name

    EQUALS = "equals"
    IN = "in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    LESS_THAN = "less_than"
    LESS_OR_EQUAL = "less_or_equal"
    GREATER_THAN = "greater_than"
    GREATER_OR_EQUAL = "greater_or_equal"
    BETWEEN = "between"
    IS_EMPTY = "is_empty"


class _Meaning(NamedTuple):
    test: Test
    negated: bool
    types: frozenset[AttributeType]


_EVERY = frozenset(AttributeType)
_TEXTS = frozenset({AttributeType.TEXT, AttributeType.LANGUAGE, AttributeType.TIME_ZONE})
_NUMBERS = frozenset({AttributeType.INTEGER, AttributeType.DECIMAL})
_DATES = frozenset({AttributeType.DATE})
_PHONES = frozenset({AttributeType.PHONE})
_LISTED = _TEXTS | _NUMBERS | _DATES | _PHONES

OPERATORS: Mapping[Operator, _Meaning] = {
    Operator.EQUALS: _Meaning(Test.EQUALS, False, _EVERY),
    Operator.NOT_EQUALS: _Meaning(Test.EQUALS, True, _EVERY),
    Operator.IN: _Meaning(Test.IN, False, _LISTED),
    Operator.NOT_IN: _Meaning(Test.IN, True, _LISTED),
    Operator.CONTAINS: _Meaning(Test.CONTAINS, False, _TEXTS | _PHONES),
    Operator.NOT_CONTAINS: _Meaning(Test.CONTAINS, True, _TEXTS | _PHONES),
    Operator.STARTS_WITH: _Meaning(Test.STARTS_WITH, False, _TEXTS | _PHONES),
    Operator.LESS_THAN: _Meaning(Test.LESS_THAN, False, _NUMBERS),
    Operator.LESS_OR_EQUAL: _Meaning(Test.LESS_OR_EQUAL, False, _NUMBERS),
    Operator.GREATER_THAN: _Meaning(Test.GREATER_THAN, False, _NUMBERS),
    Operator.GREATER_OR_EQUAL: _Meaning(Test.GREATER_OR_EQUAL, False, _NUMBERS),
    Operator.BEFORE: _Meaning(Test.LESS_THAN, False, _DATES),
    Operator.ON_OR_BEFORE: _Meaning(Test.LESS_OR_EQUAL, False, _DATES),
    Operator.AFTER: _Meaning(Test.GREATER_THAN, False, _DATES),
    Operator.ON_OR_AFTER: _Meaning(Test.GREATER_OR_EQUAL, False, _DATES),
    Operator.BETWEEN: _Meaning(Test.BETWEEN, False, _NUMBERS | _DATES),
    Operator.IS_EMPTY: _Meaning(Test.IS_EMPTY, False, _EVERY),
    Operator.IS_NOT_EMPTY: _Meaning(Test.IS_EMPTY, True, _EVERY),
}


class BoundCondition(NamedTuple):
    """A condition against a schema, ready to be tested or put into SQL.

    operand: a value as stored (text folded); for `in` a tuple of them, sorted and unique; for
    `between` the two ends; for `is_empty` None.
    """

    attribute: str
    type: AttributeType
    test: Test
    negated: bool
    operand: Any


class BoundGroup(NamedTuple):
    """And ("all") or Or ("any") of its members, of which there is at least one."""

    joiner: str
    members: "tuple[Bound, ...]"


Bound = BoundCondition | BoundGroup


def bind(
    tree: Filter,
    schema: Schema,
    today: date | None = None,
    document: Document | None = None,
) -> Bound:
    """Check a filter against the declared attributes and bring its operands to stored form.

    Args:
        today: what `today` means, in the campaign's zone; None where it must not occur.
        document: where the filter was read from, so that errors can name the line.

    Raises:
        FilterError: an unknown attribute, an operator its type does not have, or a value that
            does not fit; says which condition.
    """
    return _Binder(schema, today, document).bound(tree, ())


def compile_filter(tree: Filter, schema: Schema, today: date | None = None) -> Predicate:
    """The filter as a function of a contact's attributes; raises as `bind` does."""
    return predicate(bind(tree, schema, today))


def predicate(bound: Bound) -> Predicate:
    """A bound filter as a function of a contact's attributes."""
    if isinstance(bound, BoundCondition):
        return _condition_predicate(bound)
    members = tuple(predicate(member) for member in bound.members)
    if bound.joiner == "all":
        return lambda attributes: all(member(attributes) for member in members)
    return lambda attributes: any(member(attributes) for member in members)


def conditions(bound: Bound) -> Iterator[BoundCondition]:
    """Every condition of a bound filter, in order."""
    if isinstance(bound, BoundCondition):
        yield bound
    else:
        for member in bound.members:
            yield from conditions(member)


def fold(text: str) -> str:
    """Small letters for A to Z only: what SQL can do everywhere."""
    return text.lower() if text.isascii() else text.translate(_FOLD)


_FOLD = {ord(letter): ord(letter.lower()) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_TODAY = re.compile(r"today(?:\s*([+-])\s*([0-9]{1,4}))?", re.IGNORECASE)
_PHONE_PART = re.compile(r"\+?[0-9]{1,15}")


class _Binder:
    def __init__(self, schema: Schema, today: date | None, document: Document | None) -> None:
        self._schema = schema
        self._today = today
        self._document = document

    def bound(self, tree: Filter, path: Path) -> Bound:
        if isinstance(tree, Condition):
            return self._condition(tree, path)
        joiner = "all" if isinstance(tree, AllOf) else "any"
        members = tree.all if isinstance(tree, AllOf) else tree.any
        return BoundGroup(
            joiner,
            tuple(
                self.bound(member, (*path, joiner, place)) for place, member in enumerate(members)
            ),
        )

    def _condition(self, condition: Condition, path: Path) -> BoundCondition:
        try:
            spec = self._schema.spec(condition.attribute)
            meaning = OPERATORS[condition.operator]
            if spec.type not in meaning.types:
                has = ", ".join(op for op, mean in OPERATORS.items() if spec.type in mean.types)
                what = f"{spec.name!r} is a {spec.type}, which has no operator {condition.operator}"
                raise ContactError("", what, f"it has {has}")
            operand = self._operand(spec, meaning.test, condition)
        except ContactError as bad:
            where = where_is(self._document, path)
            what = f"{bad.where!r}: {bad.what}" if bad.where else bad.what
            raise FilterError(where, what, bad.mend) from None
        return BoundCondition(spec.name, spec.type, meaning.test, meaning.negated, operand)

    def _operand(self, spec: AttributeSpec, test: Test, condition: Condition) -> Any:
        value, operator = condition.value, condition.operator
        if test is Test.IS_EMPTY:
            if value is not None:
                raise ContactError("", f"{operator} takes no value", "remove it")
            return None
        if value is None:
            raise ContactError("", f"{operator} needs a value", "add one")
        if test in {Test.IN, Test.BETWEEN}:
            if not isinstance(value, tuple):
                raise ContactError("", f"{operator} needs a list", "write it as [first, second]")
            values = [self._value(spec, item) for item in value]
            return _ends(values) if test is Test.BETWEEN else _choices(values)
        if isinstance(value, tuple):
            raise ContactError("", f"{operator} takes one value", "use 'in' for several")
        if test in {Test.CONTAINS, Test.STARTS_WITH}:
            return _part(spec, value)
        return self._value(spec, value)

    def _value(self, spec: AttributeSpec, value: Scalar) -> Any:
        """One operand as stored values of the attribute are."""
        if spec.type is AttributeType.DATE:
            return self._date(spec, value)
        if isinstance(value, str):
            read = self._schema.read(spec.name, value)
            if read is None:
                raise ContactError(spec.name, "an empty value", "use is_empty or is_not_empty")
            if isinstance(read, tuple):
                return read[0]
            return fold(read) if isinstance(read, str) else read
        if spec.type is AttributeType.BOOLEAN and isinstance(value, bool):
            return value
        if spec.type in _NUMBERS and isinstance(value, (int, float)):
            return _number(spec, value)
        raise ContactError(spec.name, f"{value!r} is no {spec.type}", "put it in quotes")

    def _date(self, spec: AttributeSpec, value: Scalar) -> str:
        if isinstance(value, date):
            return value.isoformat()[:10]
        written = str(value).strip()
        relative = _TODAY.fullmatch(written)
        if relative:
            if self._today is None:
                raise ContactError(spec.name, "today is not known here", "give a date")
            days = int(relative[2] or 0)
            return (self._today + timedelta(-days if relative[1] == "-" else days)).isoformat()
        try:
            return date.fromisoformat(written).isoformat()
        except ValueError:
            what = f"{written!r} is no date"
            raise ContactError(spec.name, what, "write it as 2025-01-31 or today-30") from None


def _ends(values: list[Any]) -> tuple[Any, Any]:
    if len(values) != 2:
        raise ContactError("", f"between needs two values, not {len(values)}", "give both ends")
    if values[0] > values[1]:
        what = f"between {values[0]} and {values[1]} there is nothing"
        raise ContactError("", what, "give the smaller one first")
    return values[0], values[1]


def _choices(values: list[Any]) -> tuple[Any, ...]:
    if not 1 <= len(values) <= MAX_CHOICES:
        raise ContactError("", f"a list of {len(values)} values", f"give 1 to {MAX_CHOICES}")
    return tuple(sorted(set(values)))


def _number(spec: AttributeSpec, value: bool | int | float) -> int | float:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER:
        return value if spec.type is AttributeType.INTEGER else float(value)
    if spec.type is AttributeType.DECIMAL and isinstance(value, float) and math.isfinite(value):
        return value + 0.0
    raise ContactError(spec.name, f"{value!r} is no {spec.type}", "write a number")


def _part(spec: AttributeSpec, value: Scalar) -> str:
    """What `contains` and `starts_with` look for."""
    if not isinstance(value, str):
        raise ContactError(spec.name, f"{value!r} is no text", "put it in quotes")
    if spec.type is AttributeType.PHONE:
        if not _PHONE_PART.fullmatch(value):
            raise ContactError(spec.name, f"{value!r} is no part of a number", "write it as +1212")
        return value
    if not value:
        raise ContactError(spec.name, "an empty value", "use is_empty or is_not_empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ContactError(spec.name, f"{value!r} is no text", "remove the escape") from None
    return fold(normalize("NFC", value))


_COMPARE: Mapping[Test, Callable[[Any, Any], bool]] = {
    Test.EQUALS: lambda value, operand: value == operand,
    Test.IN: lambda value, operand: value in operand,
    Test.CONTAINS: lambda value, operand: operand in value,
    Test.STARTS_WITH: lambda value, operand: value.startswith(operand),
    Test.LESS_THAN: lambda value, operand: value < operand,
    Test.LESS_OR_EQUAL: lambda value, operand: value <= operand,
    Test.GREATER_THAN: lambda value, operand: value > operand,
    Test.GREATER_OR_EQUAL: lambda value, operand: value >= operand,
    Test.BETWEEN: lambda value, operand: operand[0] <= value <= operand[1],
}


def _condition_predicate(bound: BoundCondition) -> Predicate:
    name, negated = bound.attribute, bound.negated
    values = _values_of(bound.type)
    if bound.test is Test.IS_EMPTY:
        return lambda attributes: (not values(attributes.get(name))) is not negated
    compare = _COMPARE[bound.test]
    operand = frozenset(bound.operand) if bound.test is Test.IN else bound.operand
    return lambda attributes: (
        any(compare(value, operand) for value in values(attributes.get(name))) is not negated
    )


def _values_of(kind: AttributeType) -> Callable[[AttributeValue], tuple[Any, ...]]:
    """The values to test: none where it is missing or of another type, several for phones."""
    if kind is AttributeType.PHONE:
        return lambda value: tuple(value) if isinstance(value, (tuple, list)) else ()
    if kind is AttributeType.BOOLEAN:
        return lambda value: (value,) if isinstance(value, bool) else ()
    if kind in _NUMBERS:
        return lambda value: (
            (value,) if isinstance(value, (int, float)) and not isinstance(value, bool) else ()
        )
    if kind is AttributeType.DATE:
        return lambda value: (value,) if isinstance(value, str) else ()
    return lambda value: (fold(value),) if isinstance(value, str) else ()
