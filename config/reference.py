"""Writes into docs/configuration.md, metrics.md and formulas.md what the code declares.

The rule of this module: nothing that the code declares is typed a second time into the docs.
`python -m config.reference` renews the files between their marks; a test fails until it is run.
"""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config.fields import Address
from config.formulas_shipped import formulas_markdown
from config.settings import Settings
from dialer import metric_catalogue, outcomes

BEGIN = "<!-- from the code: python -m config.reference -->"
END = "<!-- until here -->"

DOCS = Path(__file__).parent.parent / "docs"


def settings_markdown() -> str:
    """Every setting by section: its type, default and meaning."""
    parts = []
    for title, section in _sections(Settings, ""):
        lines = [f"## {title}", "", (section.__doc__ or "").strip(), ""]
        lines += ["| key | value | default | what it says |", "|---|---|---|---|"]
        for name, field in section.model_fields.items():
            default = _default(field)
            shown = f"`{default}`" if default else ""
            lines.append(
                f"| `{name}` | {_kind(field.annotation)} | {shown} | {field.description or ''} |"
            )
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def outcomes_markdown() -> str:
    """The vocabulary of outcomes."""
    lines = ["| outcome | what it means |", "|---|---|"]
    lines += [f"| `{outcome.name}` | {outcome.meaning} |" for outcome in outcomes.OUTCOMES.values()]
    return "\n".join(lines)


def renewed(text: str, *tables: str) -> str:
    """A page with its marked parts replaced, in order.

    Raises:
        ValueError: the page has not one pair of marks for each table.
    """
    pieces = text.split(BEGIN)
    if len(pieces) != len(tables) + 1:
        raise ValueError(f"{len(pieces) - 1} marks for {len(tables)} tables")
    made = pieces[0]
    for table, piece in zip(tables, pieces[1:], strict=True):
        _, end, rest = piece.partition(END)
        if not end:
            raise ValueError("a mark has no end")
        made += f"{BEGIN}\n{table}\n{END}{rest}"
    return made


def pages() -> Iterator[tuple[Path, str]]:
    """Each page with the text that it should have."""
    configuration = DOCS / "configuration.md"
    yield (
        configuration,
        renewed(configuration.read_text("utf-8"), settings_markdown(), outcomes_markdown()),
    )
    catalogue = DOCS / "metrics.md"
    yield catalogue, renewed(catalogue.read_text("utf-8"), metric_catalogue.markdown())
    guide = DOCS / "formulas.md"
    yield guide, renewed(guide.read_text("utf-8"), formulas_markdown())


def _sections(model: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    yield path or "The file", model
    for name, field in model.model_fields.items():
        held = list(_models(field.annotation))
        for section in held:
            title = f"{path}.{name}" if path else name
            # A section of several kinds is told kind by kind.
            kind = section.model_fields.get("kind")
            if kind is not None:
                title += f" ({get_args(kind.annotation)[0]})"
            yield from _sections(section, title)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for held in get_args(annotation):
        yield from _models(held)


_KINDS: dict[Any, str] = {
    Address: "HOST:PORT",
    Path: "path",
    SecretStr: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    NoneType: "",
}


def _kind(annotation: Any) -> str:
    """What a value may be, in words."""
    origin, held = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        words = " or ".join(f"`{value}`" for value in held)
    elif origin in {Union, UnionType}:
        words = " or ".join(dict.fromkeys(filter(None, map(_kind, held))))
    elif origin is tuple:
        words = f"list of {_kind(held[0])}"
    elif origin is dict:
        words = f"{_kind(held[1])} by {_kind(held[0])}"
    elif origin is Annotated:
        words = _kind(held[0])
    elif issubclass(annotation, BaseModel):
        words = "section"
    elif issubclass(annotation, Enum):
        words = " or ".join(f"`{member.value}`" for member in annotation)
    else:
        words = _KINDS[annotation]
    return words


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    default = field.default
    if field.default_factory is not None or default is None or default == "":
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, Enum):
        return str(default.value)
    if isinstance(default, tuple) and not isinstance(default, Address):
        return f"[{', '.join(_item(item) for item in default)}]"
    return str(default)


def _item(item: Any) -> str:
    if isinstance(item, BaseModel):
        said = item.model_dump(mode="json", exclude_defaults=True)
        return "{" + ", ".join(f"{key}: {_yaml(value)}" for key, value in said.items()) + "}"
    return str(item)


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    for page, text in pages():
        page.write_text(text, encoding="utf-8")
