"""The form of a contact filter: conditions in groups of And and Or, as written and as saved.

    all:
      - {attribute: city, operator: in, value: [Boston, Albany]}
      - any:
          - {attribute: balance, operator: greater_than, value: 100}
          - {attribute: due_date, operator: before, value: today-30}

The rule of this module: only the form is known here, so that a filter can be read and saved where
nothing is known of attributes. What it means is in `dialer.filters`.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Tag,
    TypeAdapter,
    ValidationError,
)

from dialer.documents import Document, Path, path_text, problems
from dialer.errors import FilterError

MAX_DEPTH = 8
"""Deepest nesting of groups."""
MAX_CONDITIONS = 500


class Operator(StrEnum):
    """What a condition may ask; which types have which is in `filters.OPERATORS`."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    LESS_THAN = "less_than"
    LESS_OR_EQUAL = "less_or_equal"
    GREATER_THAN = "greater_than"
    GREATER_OR_EQUAL = "greater_or_equal"
    BEFORE = "before"
    ON_OR_BEFORE = "on_or_before"
    AFTER = "after"
    ON_OR_AFTER = "on_or_after"
    BETWEEN = "between"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Scalar = bool | int | float | str | date


class Condition(_Part):
    """One attribute, compared."""

    attribute: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | None = None


def _some(members: tuple[Any, ...]) -> tuple[Any, ...]:
    # An empty And would select every contact there is: nobody should write that by mistake.
    if not members:
        raise ValueError("an empty group; add a condition, or remove it")
    return members


class AllOf(_Part):
    """And: true when all members are."""

    all: Annotated[tuple["Filter", ...], AfterValidator(_some)]


class AnyOf(_Part):
    """Or: true when some member is."""

    any: Annotated[tuple["Filter", ...], AfterValidator(_some)]


def _shape(data: Any) -> str | None:
    keys = data if isinstance(data, Mapping) else getattr(data, "__dict__", {})
    if "all" in keys:
        return "and"
    if "any" in keys:
        return "or"
    return "condition" if {"attribute", "operator", "value"} & set(keys) else None


Filter = Annotated[
    Annotated[AllOf, Tag("and")]
    | Annotated[AnyOf, Tag("or")]
    | Annotated[Condition, Tag("condition")],
    Discriminator(
        _shape,
        custom_error_type="filter_shape",
        custom_error_message="neither a condition (attribute, operator, value) nor a group "
        "(all or any, with a list)",
    ),
]
"""A tree of conditions."""

AllOf.model_rebuild()
AnyOf.model_rebuild()


_FILTER: TypeAdapter[Filter] = TypeAdapter(Filter)


def load_filter(text: str | bytes, name: str) -> Filter:
    """Read a filter from YAML or JSON; `name` is what errors call it.

    Raises:
        FilterError: the first of what is wrong with its form; names are checked by `bind`.
    """
    return parse_filter(Document.load(text, name, FilterError))


def parse_filter(document: Document) -> Filter:
    """Read a filter from a loaded document.

    Raises:
        FilterError: the first of what is wrong with its form.
    """
    _refuse_giants(document)
    try:
        return _FILTER.validate_python(document.data)
    except ValidationError as error:
        raise problems(error, document, FilterError, Condition)[0] from None


def saved(tree: Filter) -> dict[str, Any]:
    """The filter as plain JSON data, which `restored` reads."""
    data: dict[str, Any] = tree.model_dump(mode="json", exclude_unset=True)
    return data


def restored(data: Any) -> Filter:
    """A filter from what `saved` gave."""
    return _FILTER.validate_python(data)


def where_is(document: Document | None, path: Path) -> str:
    """How an error names a part of a filter: all[1].any[0], after file and line if known."""
    shown = path_text(path) or "filter"
    return f"{document.name}:{document.line_of(path)}: {shown}" if document else shown


def _refuse_giants(document: Document) -> None:
    """Too deep or too many, before anything recurses over them."""
    count = 0
    stack: list[tuple[Any, Path, int]] = [(document.data, (), 1)]
    while stack:
        data, path, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise FilterError(
                where_is(document, path),
                f"more than {MAX_DEPTH} groups within groups",
                "flatten it",
            )
        count += 1
        if count > MAX_CONDITIONS:
            what = f"more than {MAX_CONDITIONS} conditions"
            raise FilterError(
                where_is(document, path), what, "use the operator 'in', or attributes"
            )
        for joiner in ("all", "any"):
            members = data.get(joiner) if isinstance(data, dict) else None
            if isinstance(members, list):
                stack += [
                    (member, (*path, joiner, place), depth + 1)
                    for place, member in enumerate(members)
                ]
