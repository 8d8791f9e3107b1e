"""A bound contact filter as SQL.

The rule of this module: for every contact the condition says what the predicate of
`dialer.filters` says, and like it is true or false, never NULL. The meanings stand there.
"""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from dialer.contacts import AttributeType
from dialer.errors import FilterError
from dialer.filters import Bound, BoundCondition, Test, conditions
from gateways.store.dialect import FoldedText, JsonFlag, JsonKind, JsonNumber, JsonText, Occurs
from gateways.store.tables import contact_numbers, contacts

MAX_OPERANDS = 10_000
"""Values in one filter: a statement takes only so many."""

Clause = sa.ColumnElement[bool]

_COMPARE: Mapping[Test, Callable[[Any, Any], Clause]] = {
    Test.EQUALS: lambda value, operand: value == operand,
    Test.IN: lambda value, operand: value.in_(operand),
    Test.CONTAINS: lambda value, operand: Occurs(value, sa.literal(operand)) > 0,
    Test.STARTS_WITH: lambda value, operand: (
        sa.func.substr(value, 1, len(operand)) == sa.literal(operand)
    ),
    Test.LESS_THAN: lambda value, operand: value < operand,
    Test.LESS_OR_EQUAL: lambda value, operand: value <= operand,
    Test.GREATER_THAN: lambda value, operand: value > operand,
    Test.GREATER_OR_EQUAL: lambda value, operand: value >= operand,
    Test.BETWEEN: lambda value, operand: value.between(*operand),
}


def filter_clause(bound: Bound) -> Clause:
    """The condition on a row of `contacts`.

    Raises:
        FilterError: the filter has more values than a statement can take.
    """
    count = sum(_operands(condition) for condition in conditions(bound))
    if count > MAX_OPERANDS:
        what = f"{count} values are more than {MAX_OPERANDS}"
        raise FilterError("filter", what, "mark those contacts by an attribute instead")
    return _clause(bound)


def _operands(condition: BoundCondition) -> int:
    return len(condition.operand) if isinstance(condition.operand, tuple) else 1


def _clause(bound: Bound) -> Clause:
    if isinstance(bound, BoundCondition):
        clause = _condition(bound)
        return sa.not_(clause) if bound.negated else clause
    members = [_clause(member) for member in bound.members]
    return sa.and_(*members) if bound.joiner == "all" else sa.or_(*members)


def _condition(bound: BoundCondition) -> Clause:
    """The test itself: true or false of every contact."""
    empty = bound.test is Test.IS_EMPTY
    if bound.type is AttributeType.PHONE:
        some = (
            sa.exists()
            .where(
                contact_numbers.c.contact_id == contacts.c.id,
                contact_numbers.c.attribute == bound.attribute,
            )
            .correlate(contacts)
        )
        if empty:
            return sa.not_(some)
        return some.where(_COMPARE[bound.test](contact_numbers.c.number, bound.operand))
    # Spelled out, not bound: the text of the statement then says what is looked at. The names
    # of attributes are plain ASCII words by declaration.
    member = contacts.c.attributes, sa.literal_column(f"'{bound.attribute}'", sa.Text)
    kind, value, operand = _typed(bound, member)
    there = sa.func.coalesce(JsonKind(*member) == kind, sa.false())
    if empty:
        return sa.not_(there)
    # Where the value is not there the test is NULL, and false AND NULL is false.
    return sa.and_(there, _COMPARE[bound.test](value, operand))


def _typed(bound: BoundCondition, member: tuple[Any, Any]) -> tuple[str, Any, Any]:
    """The JSON kind that the attribute must be of, its value in SQL, and the operand for that."""
    if bound.type is AttributeType.BOOLEAN:
        return (
            "boolean",
            JsonFlag(*member),
            bound.operand if bound.operand is None else int(bound.operand),
        )
    if bound.type in {AttributeType.INTEGER, AttributeType.DECIMAL}:
        return "number", JsonNumber(*member), bound.operand
    if bound.type is AttributeType.DATE:
        return "text", JsonText(*member), bound.operand
    return "text", FoldedText(JsonText(*member)), bound.operand
