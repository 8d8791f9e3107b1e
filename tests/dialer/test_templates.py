"""A text is checked before it is sent, and then cannot fail."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.contacts import AttributeSpec, AttributeType, Schema
from dialer.errors import FlowError
from dialer.templates import Template

SCHEMA = Schema(
    [
        AttributeSpec(name="FirstName"),
        AttributeSpec(name="balance", type=AttributeType.DECIMAL),
        AttributeSpec(name="vip", type=AttributeType.BOOLEAN),
        AttributeSpec(name="phone", type=AttributeType.PHONE),
        AttributeSpec(name="visits", type=AttributeType.INTEGER),
    ]
)


def render(text: str, **attributes: Any) -> str:
    return Template(text, SCHEMA).render(attributes)


def test_values_are_put_in_as_a_person_writes_them() -> None:
    assert render("Dear {{FirstName}}!", FirstName="Anna") == "Dear Anna!"
    assert render("{{ FirstName }}{{FirstName}}", FirstName="A") == "AA"
    assert render("{{balance}}", balance=120.5) == "120.5"
    assert render("{{balance}}", balance=100.0) == "100"
    assert render("{{balance}}", balance=0.1 + 0.2) == "0.3"
    assert render("{{visits}}", visits=0) == "0"
    assert render("{{vip}}", vip=False) == "no"
    assert render("{{phone}}", phone=("+12125550123", "+13105550123")) == "+12125550123"


def test_a_missing_value_leaves_its_default() -> None:
    assert render("Dear {{FirstName | dear customer}}.") == "Dear dear customer."
    assert render("Dear {{FirstName}}.") == "Dear ."
    assert render("{{phone|none}}", phone=()) == "none"
    assert render("{{FirstName|x}}", FirstName=None) == "x"


def test_a_contact_s_own_braces_are_left_alone() -> None:
    assert render("{{FirstName}}", FirstName="{{phone}}", phone=("+1",)) == "{{phone}}"


def test_the_attributes_of_a_text_are_known() -> None:
    text = "{{FirstName}} {{balance|0}} {{FirstName}}"
    assert Template(text, SCHEMA).attributes == ("FirstName", "balance")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hi {{FristName}}", "no attribute 'FristName'; did you mean 'FirstName'?"),
        ("Hi {{FirstName", "is not closed"),
        ("Hi {{FirstName {{vip}}", "is not closed"),
        ("Hi FirstName}}", "without"),
        ("Hi {{}}", "names no attribute"),
        ("Hi {{2+2}}", "names no attribute"),
        ("Hi {{|x}}", "names no attribute"),
    ],
)
def test_a_wrong_text_is_refused_before_it_is_sent(text: str, told: str) -> None:
    with pytest.raises(FlowError) as caught:
        Template(text, SCHEMA, "node 'sms'")
    assert str(caught.value).startswith("node 'sms': ")
    assert told in str(caught.value)
    assert caught.value.mend


@given(st.text(alphabet="{}|vip x", max_size=20))
def test_whatever_is_accepted_can_be_rendered(text: str) -> None:
    try:
        template = Template(text, SCHEMA)
    except FlowError:
        return
    assert "{{" not in template.render({"vip": True})
