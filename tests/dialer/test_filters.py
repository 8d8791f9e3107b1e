"""A filter is true or false of every contact, and a wrong one says which condition is wrong."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.contacts import AttributeSpec, AttributeType, Schema
from dialer.documents import Document
from dialer.errors import FilterError
from dialer.filter_tree import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    Condition,
    Operator,
    load_filter,
    parse_filter,
    restored,
    saved,
)
from dialer.filters import OPERATORS, bind, compile_filter, conditions

SCHEMA = Schema(
    [
        AttributeSpec(name="phone", type=AttributeType.PHONE),
        AttributeSpec(name="city"),
        AttributeSpec(name="visits", type=AttributeType.INTEGER),
        AttributeSpec(name="balance", type=AttributeType.DECIMAL),
        AttributeSpec(name="due_date", type=AttributeType.DATE),
        AttributeSpec(name="vip", type=AttributeType.BOOLEAN),
        AttributeSpec(name="language", type=AttributeType.LANGUAGE),
    ],
    "US",
)

ANNA: dict[str, Any] = {
    "phone": ("+12125550123", "+13105550177"),
    "city": "Boston",
    "visits": 3,
    "balance": 120.5,
    "due_date": "2025-01-31",
    "vip": True,
    "language": "pt-BR",
}


def holds(operator: str, attribute: str, value: Any = None, contact: Any = None) -> bool:
    condition = Condition(attribute=attribute, operator=Operator(operator), value=value)
    today = date(2025, 2, 10)
    return compile_filter(condition, SCHEMA, today)(ANNA if contact is None else contact)


def refusal(text: str) -> str:
    document = Document.load(text, "f.yaml", FilterError)
    with pytest.raises(FilterError) as caught:
        bind(parse_filter(document), SCHEMA, None, document)
    return str(caught.value)


@pytest.mark.parametrize(
    ("attribute", "operator", "value", "expected"),
    [
        ("city", "equals", "boston", True),
        ("city", "equals", "Bost", False),
        ("city", "not_equals", "Albany", True),
        ("city", "in", ["Albany", "BOSTON"], True),
        ("city", "not_in", ["Albany", "BOSTON"], False),
        ("city", "contains", "OST", True),
        ("city", "contains", "%", False),
        ("city", "not_contains", "x", True),
        ("city", "starts_with", "bo", True),
        ("city", "starts_with", "os", False),
        ("visits", "equals", 3, True),
        ("visits", "less_than", 3, False),
        ("visits", "less_or_equal", 3, True),
        ("visits", "greater_than", 3, False),
        ("visits", "greater_or_equal", 3, True),
        ("visits", "between", [3, 4], True),
        ("visits", "between", [4, 5], False),
        ("visits", "in", [1, 3], True),
        ("balance", "equals", 120.5, True),
        ("balance", "greater_than", 120, True),
        ("balance", "less_than", "120.5", False),
        ("due_date", "equals", "2025-01-31", True),
        ("due_date", "before", "2025-01-31", False),
        ("due_date", "on_or_before", date(2025, 1, 31), True),
        ("due_date", "after", "2025-01-30", True),
        ("due_date", "on_or_after", "today-10", True),
        ("due_date", "on_or_after", "today - 9", False),
        ("due_date", "before", "today", True),
        ("due_date", "between", ["today-10", "today+1"], True),
        ("vip", "equals", True, True),
        ("vip", "equals", "no", False),
        ("language", "equals", "PT_br", True),
        ("phone", "equals", "(310) 555-0177", True),
        ("phone", "not_equals", "(310) 555-0177", False),
        ("phone", "starts_with", "+1310", True),
        ("phone", "starts_with", "+1415", False),
        ("phone", "contains", "0123", True),
        ("phone", "in", ["+14155550100", "+12125550123"], True),
        ("city", "is_empty", None, False),
        ("city", "is_not_empty", None, True),
    ],
)
def test_operators(attribute: str, operator: str, value: Any, expected: bool) -> None:
    assert holds(operator, attribute, value) is expected


VALUES: dict[AttributeType, Any] = {
    AttributeType.TEXT: "a",
    AttributeType.INTEGER: 3,
    AttributeType.DECIMAL: 2.5,
    AttributeType.DATE: "2025-01-31",
    AttributeType.BOOLEAN: True,
    AttributeType.PHONE: "+12125550123",
    AttributeType.LANGUAGE: "en",
}


def operand(operator: Operator, kind: AttributeType) -> Any:
    if operator in {Operator.IS_EMPTY, Operator.IS_NOT_EMPTY}:
        return None
    if operator in {Operator.IN, Operator.NOT_IN, Operator.BETWEEN}:
        return [VALUES[kind], VALUES[kind]]
    return VALUES[kind]


PAIRS = [
    (operator, spec.name, operand(operator, spec.type))
    for operator, meaning in OPERATORS.items()
    for spec in SCHEMA.specs
    if spec.type in meaning.types
]


@pytest.mark.parametrize(("operator", "attribute", "value"), PAIRS)
@pytest.mark.parametrize("missing", ["absent", None, (), {"a": "mapping"}])
def test_of_a_missing_value_only_negated_tests_and_is_empty_hold(
    operator: Operator, attribute: str, value: Any, missing: Any
) -> None:
    contact = {} if missing == "absent" else {attribute: missing}
    expected = operator == Operator.IS_EMPTY or (
        OPERATORS[operator].negated and operator != Operator.IS_NOT_EMPTY
    )
    assert holds(operator, attribute, value, contact) is expected


def test_a_value_of_another_type_is_missing() -> None:
    assert holds("is_empty", "visits", None, {"visits": "3"})
    assert holds("is_empty", "visits", None, {"visits": True})
    assert holds("is_empty", "vip", None, {"vip": 1})
    assert holds("is_empty", "city", None, {"city": ("x",)})
    assert not holds("less_than", "visits", 5, {"visits": "3"})


def test_only_a_to_z_fold() -> None:
    assert holds("equals", "city", "ZÜRICH", {"city": "zÜrich"})
    assert not holds("equals", "city", "ZÜRICH", {"city": "zürich"})
    assert holds("equals", "city", "Zu\u0308rich", {"city": "Zürich"})


def test_groups_join() -> None:
    tree = load_filter(
        "all:\n- {attribute: city, operator: equals, value: boston}\n"
        "- any:\n  - {attribute: visits, operator: greater_than, value: 5}\n"
        "  - {attribute: vip, operator: equals, value: true}\n",
        "f.yaml",
    )
    matches = compile_filter(tree, SCHEMA)
    assert matches(ANNA)
    assert not matches(ANNA | {"vip": False})
    assert matches(ANNA | {"vip": False, "visits": 6})
    assert not matches(ANNA | {"city": "Albany"})
    assert [part.attribute for part in conditions(bind(tree, SCHEMA))] == ["city", "visits", "vip"]


def test_a_saved_filter_is_the_same_filter() -> None:
    tree = load_filter(
        "any:\n- {attribute: due_date, operator: before, value: 2025-01-31}\n"
        "- {attribute: city, operator: is_empty}\n",
        "f.yaml",
    )
    assert saved(tree) == {
        "any": [
            {"attribute": "due_date", "operator": "before", "value": "2025-01-31"},
            {"attribute": "city", "operator": "is_empty"},
        ]
    }
    assert bind(restored(saved(tree)), SCHEMA) == bind(tree, SCHEMA)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "all:\n- {attribute: cty, operator: equals, value: x}\n",
            "f.yaml:2: all[0]: there is no attribute 'cty'; did you mean 'city'?",
        ),
        (
            "attribute: city\noperator: less_than\nvalue: x\n",
            "f.yaml:1: filter: 'city' is a text, which has no operator less_than; it has equals, "
            "not_equals, in, not_in, contains, not_contains, starts_with, is_empty, is_not_empty",
        ),
        (
            "any:\n- attribute: visits\n  operator: equals\n  value: many\n",
            "f.yaml:2: any[0]: 'visits': 'many' is no whole number; write it as 1250",
        ),
        (
            "{attribute: city, operator: equals, value: 12}",
            "f.yaml:1: filter: 'city': 12 is no text; put it in quotes",
        ),
        (
            "{attribute: visits, operator: between, value: [5, 1]}",
            "f.yaml:1: filter: between 5 and 1 there is nothing; give the smaller one first",
        ),
        (
            "{attribute: visits, operator: between, value: [5]}",
            "f.yaml:1: filter: between needs two values, not 1; give both ends",
        ),
        (
            "{attribute: visits, operator: in, value: 5}",
            "f.yaml:1: filter: in needs a list; write it as [first, second]",
        ),
        (
            "{attribute: visits, operator: in, value: []}",
            "f.yaml:1: filter: a list of 0 values; give 1 to 1000",
        ),
        (
            "{attribute: visits, operator: equals, value: [5]}",
            "f.yaml:1: filter: equals takes one value; use 'in' for several",
        ),
        (
            "{attribute: visits, operator: equals}",
            "f.yaml:1: filter: equals needs a value; add one",
        ),
        (
            "{attribute: visits, operator: is_empty, value: 1}",
            "f.yaml:1: filter: is_empty takes no value; remove it",
        ),
        (
            "{attribute: city, operator: equals, value: ''}",
            "f.yaml:1: filter: 'city': an empty value; use is_empty or is_not_empty",
        ),
        (
            "{attribute: due_date, operator: before, value: today}",
            "f.yaml:1: filter: 'due_date': today is not known here; give a date",
        ),
        (
            "{attribute: due_date, operator: before, value: soon}",
            "f.yaml:1: filter: 'due_date': 'soon' is no date; write it as 2025-01-31 or today-30",
        ),
        (
            "{attribute: visits, operator: equals, value: 1.5}",
            "f.yaml:1: filter: 'visits': 1.5 is no integer; write a number",
        ),
        (
            "{attribute: phone, operator: equals, value: '5550199'}",
            "f.yaml:1: filter: 'phone': '5550199' is not a number that exists; check its digits",
        ),
        (
            "all:\n- {attribute: city, operator: is, value: x}\n",
            "f.yaml:2: all[0].operator: input should be 'equals'",
        ),
        ("all: []\n", "f.yaml:1: all: an empty group; add a condition, or remove it"),
        ("all:\n- x\n", "f.yaml:2: all[0]: neither a condition"),
        ("colour: red\n", "f.yaml:1: neither a condition"),
        (
            "all:\n- {attribute: city, operater: equals}\n",
            "f.yaml:2: all[0].operator: missing; add 'operator'",
        ),
    ],
)
def test_a_wrong_filter_says_which_condition_is_wrong(text: str, told: str) -> None:
    assert refusal(text).startswith(told)
    assert "\n" not in refusal(text)


def test_too_deep_and_too_many_are_refused() -> None:
    leaf = "{attribute: city, operator: is_empty}"
    deep = "{all: [" * MAX_DEPTH + leaf + "]}" * MAX_DEPTH
    assert "groups within groups" in refusal(deep)
    assert "conditions" in refusal("any: [" + ", ".join([leaf] * (MAX_CONDITIONS + 1)) + "]")


contacts = st.fixed_dictionaries(
    {},
    optional={
        "city": st.sampled_from(["Boston", "boston", "Albany", "Zürich"]),
        "visits": st.integers(-2, 4),
        "balance": st.floats(-2, 4, allow_nan=False),
        "due_date": st.dates(date(2025, 1, 1), date(2025, 1, 5)).map(date.isoformat),
        "vip": st.booleans(),
        "phone": st.sampled_from([(), ("+12125550123",), ("+13105550177", "+12125550123")]),
    },
)
OPPOSITES = {
    Operator.EQUALS: Operator.NOT_EQUALS,
    Operator.IN: Operator.NOT_IN,
    Operator.CONTAINS: Operator.NOT_CONTAINS,
    Operator.IS_EMPTY: Operator.IS_NOT_EMPTY,
}
OPPOSITES |= {opposite: operator for operator, opposite in OPPOSITES.items()}
leaves = st.sampled_from(
    [
        {"attribute": attribute, "operator": operator.value, "value": value}
        for operator, attribute, value in PAIRS
        if operator in OPPOSITES
    ]
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda members: {"all": members}),
        st.lists(inner, min_size=1, max_size=3).map(lambda members: {"any": members}),
    ),
    max_leaves=6,
)


def opposite(tree: Any) -> Any:
    if "all" in tree:
        return {"any": [opposite(member) for member in tree["all"]]}
    if "any" in tree:
        return {"all": [opposite(member) for member in tree["any"]]}
    return tree | {"operator": OPPOSITES[Operator(tree["operator"])].value}


@given(trees, contacts)
def test_the_opposite_tree_is_true_where_the_tree_is_not(tree: Any, contact: Any) -> None:
    straight = compile_filter(restored(tree), SCHEMA)
    turned = compile_filter(restored(opposite(tree)), SCHEMA)
    assert straight(contact) is not turned(contact)


@given(contacts, st.integers(-2, 4))
def test_comparisons_split_those_who_have_a_value(contact: Any, bound: int) -> None:
    for attribute in ("visits", "balance"):
        below = holds("less_than", attribute, bound, contact)
        there = holds("equals", attribute, bound, contact)
        above = holds("greater_than", attribute, bound, contact)
        assert below + there + above == (attribute in contact)
        assert holds("less_or_equal", attribute, bound, contact) == (below or there)
        assert holds("greater_or_equal", attribute, bound, contact) == (above or there)
        assert holds("between", attribute, [bound, bound], contact) == there
