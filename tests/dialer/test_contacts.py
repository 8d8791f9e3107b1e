"""Attributes are declared first, and a stored value has the type its attribute declares."""

from typing import Any

import pytest
from pydantic import ValidationError

from dialer.contacts import AttributeSpec, AttributeType, Schema
from dialer.errors import ContactError


def schema_of(kind: str, **more: Any) -> Schema:
    return Schema([AttributeSpec(name="x", type=AttributeType(kind), **more)], "US")


@pytest.mark.parametrize(
    ("kind", "written", "stored"),
    [
        ("text", "  Zu\u0308rich ", "Zürich"),
        ("text", "007", "007"),
        ("text", "two\nlines", "two\nlines"),
        ("integer", "-12", -12),
        ("integer", "007", 7),
        ("integer", "9223372036854775807", 2**63 - 1),
        ("decimal", "12.50", 12.5),
        ("decimal", "12", 12.0),
        ("decimal", "-0", 0.0),
        ("date", "2025-01-31", "2025-01-31"),
        ("boolean", "Yes", True),
        ("boolean", "0", False),
        ("phone", "212-555-0123", ("+12125550123",)),
        ("language", "PT_br", "pt-BR"),
        ("language", "zh-hant-tw", "zh-Hant-TW"),
        ("time_zone", "America/New_York", "America/New_York"),
        ("text", "   ", None),
        ("integer", "", None),
        ("phone", " ", None),
    ],
)
def test_values_are_stored_in_one_form(kind: str, written: str, stored: Any) -> None:
    value = schema_of(kind).read("x", written)
    assert value == stored
    assert type(value) is type(stored)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("text", "a\x00b"),
        ("text", "a\x1bb"),
        ("text", "x" * 4001),
        ("integer", "1,250"),
        ("integer", "1.0"),
        ("integer", "9223372036854775808"),
        ("integer", "٣"),
        ("decimal", "1,5"),
        ("decimal", "1e5"),
        ("decimal", "nan"),
        ("decimal", "9" * 400),
        ("date", "31.01.2025"),
        ("date", "2025-02-30"),
        ("date", "20250131"),
        ("boolean", "maybe"),
        ("phone", "555"),
        ("language", "english!"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
    ],
)
def test_what_is_no_value_of_its_type_is_refused_with_a_mend(kind: str, written: str) -> None:
    with pytest.raises(ContactError) as caught:
        schema_of(kind).read("x", written)
    assert caught.value.where == "x"
    assert caught.value.mend
    assert len(str(caught.value)) < 200


def test_a_date_may_have_a_declared_format() -> None:
    schema = schema_of("date", date_format="%m/%d/%Y")
    assert schema.read("x", "01/31/2025") == "2025-01-31"
    with pytest.raises(ContactError, match="write it as 01/31/2025"):
        schema.read("x", "31/01/2025")


def test_defaults_are_put_in_and_required_values_asked_for() -> None:
    schema = Schema(
        [
            AttributeSpec(name="phone", type=AttributeType.PHONE, required=True),
            AttributeSpec(name="visits", type=AttributeType.INTEGER, default="3"),
            AttributeSpec(name="city"),
        ],
    )
    assert schema.complete({"phone": ("+12125550123",), "city": None}) == {
        "phone": ("+12125550123",),
        "visits": 3,
    }
    assert schema.complete({"phone": ("+12125550123",), "visits": 0})["visits"] == 0
    with pytest.raises(ContactError, match=r"phone: is missing"):
        schema.complete({"phone": ()})


def test_the_key_tells_contacts_apart() -> None:
    for kind, value, key in [
        ("text", "A7", "A7"),
        ("integer", 7, "7"),
        ("phone", ("+12125550123", "+13105550123"), "+12125550123"),
    ]:
        assert schema_of(kind, key=True).key_of({"x": value}) == key
    assert schema_of("text").key_of({"x": "A7"}) == ""


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"name": "vip", "type": "boolean", "key": True}, "cannot tell contacts apart"),
        ({"name": "id", "key": True, "default": "1"}, "a key has no default"),
        ({"name": "id", "date_format": "%Y"}, "has no date_format"),
        ({"name": "first name"}, "pattern"),
        ({"name": "x", "type": "number"}, "text"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(declared: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        AttributeSpec.model_validate(declared)


@pytest.mark.parametrize(
    ("specs", "told"),
    [
        ([{"name": "first_name"}, {"name": "FirstName"}], "cannot be told from 'first_name'"),
        ([{"name": "a", "key": True}, {"name": "b", "key": True}], "'a' is the key; keep one"),
        ([{"name": "a", "type": "integer", "default": "x"}], "no whole number"),
    ],
)
def test_attributes_that_do_not_go_together_are_refused(
    specs: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(ContactError, match=told):
        Schema([AttributeSpec.model_validate(spec) for spec in specs])


def test_a_region_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ContactError, match="no country 'UK'"):
        Schema([], "UK")


def test_an_unknown_attribute_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(ContactError, match="there is no attribute 'xs'; did you mean 'x'"):
        schema_of("text").spec("xs")
