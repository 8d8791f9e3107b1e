"""A wrong YAML text is answered with one line: file, line, field, what, and how to mend it."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dialer.documents import Document, problems
from dialer.errors import ConfigError, FlowError, InputError


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Wait(Strict):
    type: Literal["wait"]
    delay_s: float = 1.0
    next: dict[str, str] = {}


class Dial(Strict):
    type: Literal["dial"]
    ring_timeout_s: float = Field(30.0, gt=0)
    target: int | str = 1

    @field_validator("ring_timeout_s")
    @classmethod
    def _short(cls, value: float) -> float:
        if value > 120:
            raise ValueError("nobody rings that long; give at most 120 s")
        return value


class Plan(Strict):
    title: str
    nodes: list[Annotated[Wait | Dial, Field(discriminator="type")]] = []
    trunks: dict[str, Dial] = {}


def told(text: str, model: type[BaseModel] = Plan) -> list[str]:
    document = Document.load(text, "plan.yaml")
    with pytest.raises(ValidationError) as caught:
        model.model_validate(document.data)
    return [str(problem) for problem in problems(caught.value, document, FlowError, model)]


def test_data_is_plain_and_keys_are_text() -> None:
    document = Document.load(
        "title: |\n  Two\n  lines\nhex: 0x10\nnode: {true: a, 2: b}\nopens: 09:30\n", "x.yaml"
    )
    assert document.data == {
        "title": "Two\nlines\n",
        "hex": 16,
        "node": {"true": "a", "2": "b"},
        "opens": "09:30",
    }
    assert {type(value) for value in document.data.values()} == {str, int, dict}
    assert {type(key) for key in document.data["node"]} == {str}


def test_json_is_read_too() -> None:
    assert Document.load('{"all": [{"attribute": "city"}]}', "f.json").data == {
        "all": [{"attribute": "city"}]
    }


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_text_is_an_empty_mapping(text: str) -> None:
    assert Document.load(text, "x.yaml").data == {}


def test_every_value_knows_its_line() -> None:
    document = Document.load("# head\ntitle: x\nnodes:\n- type: wait\n\n- type: dial\n", "x.yaml")
    assert document.line_of(("title",)) == 2
    assert document.line_of(("nodes", 0, "type")) == 4
    assert document.line_of(("nodes", 1)) == 6
    assert document.line_of(("nodes", 1, "dial", "ring_timeout_s")) == 6


def test_a_missing_field_is_named_with_the_line_of_what_should_hold_it() -> None:
    assert told("nodes: []\n") == ["plan.yaml:1: title: missing; add 'title'"]


def test_a_mistyped_key_is_answered_with_the_key_that_was_meant() -> None:
    text = "title: x\nnodes:\n- type: dial\n  ring_timeuot_s: 5\n"
    assert told(text) == [
        "plan.yaml:4: nodes[0].ring_timeuot_s: unknown key; did you mean 'ring_timeout_s'?"
    ]
    text = "title: x\ntrunks:\n  main:\n    type: dial\n    taget: 5\n"
    assert told(text) == ["plan.yaml:5: trunks.main.taget: unknown key; did you mean 'target'?"]


def test_a_wrong_value_is_shown() -> None:
    assert told("title: x\nnodes:\n- type: dial\n  ring_timeout_s: soon\n") == [
        "plan.yaml:4: nodes[0].ring_timeout_s: input should be a valid number, unable to parse "
        "string as a number, not 'soon'"
    ]


def test_a_password_is_not_shown() -> None:
    class Trunk(Strict):
        password: str

    (line,) = told("password: 12345\n", Trunk)
    assert line == "plan.yaml:1: password: input should be a valid string"


def test_data_that_was_no_text_is_told_without_a_line() -> None:
    document = Document.of({"title": "x", "nodes": [{"type": "wait", "delay_s": "y"}]}, "form")
    with pytest.raises(ValidationError) as caught:
        Plan.model_validate(document.data)
    (problem,) = problems(caught.value, document, FlowError)
    assert str(problem).startswith("form: nodes[0].delay_s: input should be a valid number")


def test_a_rule_of_ours_is_told_in_its_own_words() -> None:
    assert told("title: x\nnodes:\n- type: dial\n  ring_timeout_s: 500\n") == [
        "plan.yaml:4: nodes[0].ring_timeout_s: nobody rings that long; give at most 120 s"
    ]


def test_an_unknown_member_is_answered_with_the_one_that_was_meant() -> None:
    assert told("title: x\nnodes:\n- type: dail\n") == [
        "plan.yaml:3: nodes[0]: no such type: 'dail'; did you mean 'dial'?"
    ]


def test_a_union_is_one_problem_and_problems_come_by_line() -> None:
    lines = told("nodes:\n- type: dial\n  target: []\n- type: wait\n  delay_s: x\ntitle: 3\n")
    assert [line.split(": ")[0] for line in lines] == [
        "plan.yaml:3",
        "plan.yaml:5",
        "plan.yaml:6",
    ]
    assert "integer or " in lines[0]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate key"),
        ("a:\n\tb: 1\n", 2, "tab"),
        ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ("a: 1\nb: !secret x\n", 2, "tag"),
        ("a: 1\nb: !secret\n  c: 1\n", 2, "tag"),
        ("a: 1\n1: x\n'1': y\n", 3, "duplicate key"),
        ("a: b: c\n", 1, "not YAML"),
        ("a: *nowhere\n", 1, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not YAML"),
    ],
)
def test_bad_yaml_is_one_line_with_its_place(text: str, line: int, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Document.load(text, "x.yaml", ConfigError)
    assert str(caught.value).startswith(f"x.yaml:{line}: ")
    assert part in str(caught.value)
    assert caught.value.mend
    assert "\n" not in str(caught.value)


def test_bytes_that_are_not_utf8_are_told_with_their_line() -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml:2: not UTF-8"):
        Document.load(b"a: 1\nb: \xff\n", "x.yaml", ConfigError)
    assert Document.load("\ufefftitle: ä\n".encode(), "x.yaml").data == {"title": "ä"}


def test_aliases_cannot_blow_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InputError, match="too many"):
        Document.load("\n".join(lines), "bomb.yaml")
    with pytest.raises(InputError, match="nested"):
        Document.load("&a [*a]\n", "loop.yaml")
    with pytest.raises(InputError, match="nested"):
        Document.load("[" * 1200, "deep.yaml")


def test_comments_survive_a_change() -> None:
    text = "# the plan\ntitle: old  # its name\nnext:\n  true: 'a'\n  # not this\n  false: b\n"
    document = Document.load(text, "x.yaml")
    assert document.dump() == text
    document.set(("title",), "new")
    document.set(("next", "true"), "c")
    document.remove(("next", "false"))
    assert document.data == {"title": "new", "next": {"true": "c"}}
    saved = document.dump()
    assert "# the plan" in saved
    assert "title: new  # its name" in saved
    assert Document.load(saved, "x.yaml").data == document.data


@given(st.text(alphabet="ab:-[]{}\"'\n\t #&*!|>0.,?%@", max_size=40))
def test_any_text_is_data_or_one_line(text: str) -> None:
    told = ""
    try:
        Document.load(text, "x.yaml", ConfigError)
    except ConfigError as problem:
        told = str(problem)
    assert not told or told.startswith("x.yaml")
    assert "\n" not in told
