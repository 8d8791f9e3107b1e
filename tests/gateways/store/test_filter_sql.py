"""A filter in SQL finds exactly the contacts of which its predicate is true."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations, combinations_with_replacement
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.contacts import AttributeSpec, AttributeType, Schema
from dialer.errors import FilterError
from dialer.filter_tree import AllOf, AnyOf, Condition, Filter
from dialer.filters import OPERATORS, Bound, Test, bind, predicate
from dialer.ports import AttributeValue
from gateways.store import NewContact, Store, open_store
from gateways.store.filter_sql import MAX_OPERANDS, filter_clause
from gateways.store.tables import contacts

SCHEMA = Schema([AttributeSpec(name=kind, type=kind) for kind in AttributeType])
TODAY = date(2025, 3, 1)

# Few letters, so that conditions and values meet; the awkward ones for LIKE, for case and for
# quoting among them.
TEXTS = st.one_of(
    st.text("aA%_", min_size=1, max_size=2),
    st.text("aZéÉßİ'\"\\👍", min_size=1, max_size=3),
)
NUMBERS = st.sampled_from([-1, 0, 1, 2, 2**53, 2**53 + 1, 2**63 - 1, 1 - 2**63])
DECIMALS = st.sampled_from([-0.5, 0.0, 0.1, 1.0, 2.25, 1e15])
PHONES = [f"+1617555010{n}" for n in range(4)] + ["+442079460000"]
DATES = st.dates(date(2025, 2, 28), date(2025, 3, 2)).map(date.isoformat)

VALUES: dict[AttributeType, st.SearchStrategy[AttributeValue]] = {
    AttributeType.TEXT: TEXTS,
    AttributeType.INTEGER: NUMBERS,
    AttributeType.DECIMAL: DECIMALS,
    AttributeType.DATE: DATES,
    AttributeType.BOOLEAN: st.booleans(),
    AttributeType.PHONE: st.lists(st.sampled_from(PHONES), min_size=1, unique=True, max_size=3).map(
        tuple
    ),
    AttributeType.LANGUAGE: st.sampled_from(["en", "pt-BR", "zh-Hant"]),
    AttributeType.TIME_ZONE: st.sampled_from(["America/New_York", "Europe/Paris"]),
}
# Mostly what is declared, sometimes what an older declaration left behind.
PEOPLE = st.fixed_dictionaries(
    {},
    optional={
        kind.value: st.one_of(VALUES[kind], VALUES[kind], st.one_of(*VALUES.values()))
        for kind in AttributeType
    },
)


def operands(kind: AttributeType) -> st.SearchStrategy[AttributeValue]:
    if kind is AttributeType.PHONE:
        return st.sampled_from(PHONES)
    return VALUES[kind]


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    kind = draw(st.sampled_from([AttributeType.TEXT] * 2 + list(AttributeType)))
    operator = draw(st.sampled_from([op for op in OPERATORS if kind in OPERATORS[op].types]))
    meaning = OPERATORS[operator]
    value = None
    if meaning.test is Test.IN:
        value = tuple(draw(st.lists(operands(kind), min_size=1, max_size=3)))
    elif meaning.test is Test.BETWEEN:
        value = tuple(sorted(draw(st.tuples(operands(kind), operands(kind)))))
    elif meaning.test in {Test.CONTAINS, Test.STARTS_WITH}:
        parts = st.sampled_from(["+1617", "55501", "+44", "3"])
        value = draw(parts if kind is AttributeType.PHONE else TEXTS)
    elif meaning.test is not Test.IS_EMPTY:
        value = draw(operands(kind))
    return Condition(attribute=kind.value, operator=operator, value=value)


TREES: st.SearchStrategy[Filter] = st.recursive(
    conditions(),
    lambda members: st.one_of(
        st.lists(members, min_size=1, max_size=3).map(lambda some: AllOf(all=tuple(some))),
        st.lists(members, min_size=1, max_size=3).map(lambda some: AnyOf(any=tuple(some))),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('sql') / 'f.db'}", SCHEMA) as store:
        yield store


POOLS: dict[AttributeType, tuple[AttributeValue, ...]] = {
    AttributeType.TEXT: ("a", "A", "aa", "ba", "a%", "a_", "%", "É", "é", "ß", "Z", "👍"),
    AttributeType.INTEGER: (-1, 0, 1, 2, 2**53, 2**53 + 1, 2**63 - 1),
    AttributeType.DECIMAL: (-0.5, 0.0, 0.1, 1.0, 1e15),
    AttributeType.DATE: ("2024-12-31", "2025-01-01", "2025-01-02"),
    AttributeType.BOOLEAN: (True, False),
    AttributeType.PHONE: ("+16175550100", "+16175550101", "+442079460000"),
    AttributeType.LANGUAGE: ("en", "en-US", "pt-BR"),
    AttributeType.TIME_ZONE: ("America/New_York", "Europe/Paris"),
}
STRANGERS = ("x", 1, 0, 1.0, True, False, ("+16175550100",), None)


def every_condition(kind: AttributeType) -> Iterator[Condition]:
    """Every operator that a type has, with every operand of its pool."""
    for operator, meaning in OPERATORS.items():
        if kind not in meaning.types:
            continue
        values: Iterable[AttributeValue] = POOLS[kind]
        if meaning.test is Test.IS_EMPTY:
            values = (None,)
        elif meaning.test is Test.IN:
            values = (*combinations(POOLS[kind], 1), *combinations(POOLS[kind], 2))
        elif meaning.test is Test.BETWEEN:
            values = combinations_with_replacement(POOLS[kind], 2)
        for value in values:
            yield Condition(attribute=kind.value, operator=operator, value=value)


@pytest.mark.parametrize("kind", AttributeType)
def test_every_operator_means_the_same_in_sql(shared: Store, kind: AttributeType) -> None:
    stored: Iterable[AttributeValue] = (*POOLS[kind], *STRANGERS)
    if kind is AttributeType.PHONE:
        stored = (*combinations(POOLS[kind], 1), *combinations(POOLS[kind], 2), *STRANGERS)
    people = [{kind.value: value} for value in stored] + [{}]
    bound = [bind(condition, SCHEMA, TODAY) for condition in every_condition(kind)]
    assert found_by_sql(shared, bound, people) == found_by_predicate(bound, people)


@settings(max_examples=60, deadline=None)
@given(
    people=st.lists(PEOPLE, min_size=1, max_size=8),
    trees=st.lists(st.one_of(conditions(), TREES), min_size=20, max_size=20),
)
def test_sql_and_predicate_agree(shared: Store, people: list[Any], trees: list[Filter]) -> None:
    bound = [bind(tree, SCHEMA, TODAY) for tree in trees]
    assert found_by_sql(shared, bound, people) == found_by_predicate(bound, people)


def found_by_sql(store: Store, bound: list[Bound], people: list[Any]) -> list[tuple[Any, ...]]:
    """For each contact, what SQL says of each filter; None would be NULL."""
    database = store.contacts._database
    database.write(lambda connection: connection.execute(sa.delete(contacts)))
    store.contacts.import_batch([NewContact(str(n), row) for n, row in enumerate(people)])
    clauses = [filter_clause(each).label(f"c{n}") for n, each in enumerate(bound)]
    with database.reading() as connection:
        rows = connection.execute(
            sa.select(*clauses).select_from(contacts).order_by(contacts.c.id)
        ).all()
    return [tuple(row) for row in rows]


def found_by_predicate(bound: list[Bound], people: list[Any]) -> list[tuple[bool, ...]]:
    tests = [predicate(each) for each in bound]
    return [tuple(test(row) for test in tests) for row in people]


def test_a_filter_with_more_values_than_a_statement_takes_is_refused() -> None:
    some = tuple(range(1000))
    one = Condition(attribute="integer", operator="in", value=some)
    bound = bind(AnyOf(any=(one,) * (MAX_OPERANDS // 1000 + 1)), SCHEMA)
    with pytest.raises(FilterError, match="values are more than"):
        filter_clause(bound)


def test_the_widest_filter_that_is_allowed_can_be_searched_with(store: Store) -> None:
    wide = Condition(attribute="age", operator="not_in", value=tuple(range(1000)))
    thin = Condition(attribute="city", operator="contains", value="x")
    tree = AnyOf(any=(*[wide] * (MAX_OPERANDS // 1000 - 1), *[thin] * 490))
    store.contacts.import_batch([NewContact("a", {"age": 5}), NewContact("b", {"age": 5000})])
    assert store.filters.preview(tree).count == 1


@pytest.mark.parametrize(
    ("written", "found"),
    [("100%", True), ("1_0", False), ("%", True), ("É", True), ("é", False), ("STRASSE", False)],
)
def test_text_is_looked_for_as_it_is_but_for_the_case_of_a_to_z(
    store: Store, written: str, found: bool
) -> None:
    store.contacts.import_batch([NewContact("a", {"city": "É 100% straße"})])
    condition = Condition(attribute="city", operator="contains", value=written)
    assert store.filters.preview(condition).count == int(found)
