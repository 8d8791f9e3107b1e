"""YAML text as plain data that remembers its lines, and problems told by file and line.

The rule of this module: whatever a person wrote wrongly comes back as one line with the file, the
line, the field, what is wrong and how to mend it. Settings, flows, filters and regulation presets
are all read through it. It reads text, never files.

The data is plain Python (dict, list, str, int, float, bool, None, date, datetime). Keys are always
text: the port `true:` of a flow is "true" and the digit `1:` of a menu is "1". An empty document
is an empty mapping. Comments and layout survive `set`, `remove` and `dump`.
"""

from collections.abc import Iterable, Mapping
from datetime import date, time
from difflib import get_close_matches
from io import StringIO
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from dialer.errors import InputError

Path = tuple[str | int, ...]

MAX_CHARACTERS = 2_000_000
MAX_VALUES = 200_000
"""Aliases may repeat a value; a few lines of them could otherwise make billions of values."""
MAX_DEPTH = 60

_SECRETS = ("password", "secret", "token")


class Document:
    """One YAML (or JSON) text: its data, the line of each value, and a way to save it again."""

    def __init__(self, name: str, tree: Any, data: Any, lines: Mapping[Path, int]) -> None:
        self.name = name
        self.data = data
        self._tree = tree
        self._lines = lines

    @classmethod
    def load(
        cls, text: str | bytes, name: str, error_type: type[InputError] = InputError
    ) -> "Document":
        """Read a text. `name` is what errors call it: the file's name as the person gave it.

        Raises:
            error_type: not UTF-8, not YAML, a key twice, an unknown tag, or far too large.
        """
        text = _decoded(text, name, error_type)
        if len(text) > MAX_CHARACTERS:
            raise error_type(name, f"longer than {MAX_CHARACTERS} characters", "split it")
        try:
            tree = _reader().load(text)
        except RecursionError:
            raise error_type(name, "nested too deeply", "flatten it") from None
        except (YAMLError, ValueError) as bad:
            raise _yaml_problem(bad, name, error_type) from None
        if tree is None:
            tree = CommentedMap()
        plain = _Plain(name, error_type)
        return cls(name, tree, plain.value(tree, (), 1), plain.lines)

    @classmethod
    def of(cls, data: Any, name: str, error_type: type[InputError] = InputError) -> "Document":
        """Data that was never a text: errors give `name` and the field, without a line."""
        plain = _Plain(name, error_type)
        return cls(name, data, plain.value(data, (), 0), plain.lines)

    def line_of(self, path: Path) -> int:
        """The line (from 1) of the value at `path`, or of the nearest thing that holds it.

        0 for data that was no text.
        Parts of the path that are not in the data are passed over, so that the location of a
        pydantic error, which also names the members of unions, can be given as it is.
        """
        return self._lines[self.present(path)]

    def present(self, path: Iterable[str | int]) -> Path:
        """The parts of a path that are in the data."""
        here: Path = ()
        for part in path:
            if (*here, part) in self._lines:
                here = (*here, part)
        return here

    def set(self, path: Path, value: Any) -> None:
        """Change or add the value at `path`; what holds it must exist. Lines stay as loaded."""
        *parents, last = path
        for tree in (self._tree, self.data):
            holder = tree
            for part in parents:
                holder = holder[_key_of(holder, part)]
            holder[_key_of(holder, last)] = value

    def remove(self, path: Path) -> None:
        """Take the value at `path` out. Lines stay as loaded."""
        *parents, last = path
        for tree in (self._tree, self.data):
            holder = tree
            for part in parents:
                holder = holder[_key_of(holder, part)]
            del holder[_key_of(holder, last)]

    def dump(self) -> str:
        """The text to save, comments kept."""
        out = StringIO()
        _reader().dump(self._tree, out)
        return out.getvalue()


def problems(
    error: ValidationError,
    document: Document,
    error_type: type[InputError] = InputError,
    model: type[BaseModel] | None = None,
) -> list[InputError]:
    """Everything a schema found wrong with a document, in the order of its lines.

    Args:
        error: what `model_validate(document.data)` raised.
        error_type: the kind of error to make, say `ConfigError`.
        model: the schema; with it, a mistyped key is answered with the key that was meant.
    """
    found: dict[tuple[int, str], tuple[list[str], str]] = {}
    for detail in error.errors(include_url=False):
        path = document.present(detail["loc"])
        line = document.line_of(path)
        # A missing field is not in the data; its name is what the person must read.
        shown = (*path, detail["loc"][-1]) if detail["type"] == "missing" else path
        what, mend = _told(detail, model)
        whats, _ = found.setdefault((line, path_text(shown)), ([], mend))
        if what not in whats:
            whats.append(what)
    made = []
    for (line, field), (whats, mend) in sorted(found.items(), key=lambda item: item[0][0]):
        # Several complaints about one value are the members of a union: any of them would do.
        what = " or ".join(whats)
        where = f"{document.name}:{line}" if line else document.name
        made.append(error_type(where, f"{field}: {what}" if field else what, mend))
    return made


def path_text(path: Iterable[str | int]) -> str:
    """A path as a person reads it: trunks[0].remote."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def suggestion(given: str, known: Iterable[str]) -> str:
    """How to mend a name that nothing has: the name that was meant, or what there is."""
    names = sorted(known)
    folded = {name.lower(): name for name in names}
    close = get_close_matches(given.lower(), folded, n=1)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    return f"there are {', '.join(names)}" if names else "remove it"


def _decoded(text: str | bytes, name: str, error_type: type[InputError]) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        line = text.count(b"\n", 0, bad.start) + 1
        raise error_type(f"{name}:{line}", "not UTF-8 text", "save it as UTF-8") from None


def _reader() -> YAML:
    reader = YAML(typ="rt")
    reader.preserve_quotes = True
    reader.width = 100
    return reader


def _yaml_problem(bad: Exception, name: str, error_type: type[InputError]) -> InputError:
    if not isinstance(bad, MarkedYAMLError):
        return error_type(name, "not YAML: " + str(bad).splitlines()[0], "correct it")
    mark = bad.problem_mark or bad.context_mark
    where = f"{name}:{mark.line + 1}" if mark else name
    what = (bad.problem or "not YAML").splitlines()[0]
    if isinstance(bad, DuplicateKeyError):
        return error_type(where, what.split(" with value")[0], "keep one of the two")
    if "\\t" in what:
        return error_type(where, "a tab where YAML wants spaces", "indent with spaces")
    mend = "put text with special characters in quotes, and check indentation and brackets"
    return error_type(where, f"not YAML: {what}", mend)


class _Plain:
    """Turns a round-trip tree into plain data and notes the line of each value."""

    def __init__(self, name: str, error_type: type[InputError]) -> None:
        self.lines: dict[Path, int] = {(): 1}
        self._name = name
        self._error_type = error_type

    def value(self, tree: Any, path: Path, line: int) -> Any:
        self.lines[path] = line
        if len(self.lines) > MAX_VALUES or len(path) > MAX_DEPTH:
            raise self._wrong(line, "too many or too deeply nested values", "use fewer aliases")
        tag = getattr(getattr(tree, "tag", None), "value", None)
        if tag is not None:
            raise self._wrong(line, f"the tag {tag} is not known here", "remove it")
        if isinstance(tree, dict):
            return self._mapping(tree, path, line)
        if isinstance(tree, (list, tuple)):
            return [
                self.value(item, (*path, place), _line(tree, place, line))
                for place, item in enumerate(tree)
            ]
        return self._scalar(tree, line)

    def _mapping(self, tree: dict[Any, Any], path: Path, line: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for given, item in tree.items():
            at = _line(tree, given, line)
            key = _key_text(given)
            if key is None:
                raise self._wrong(at, "a key that is not plain text", "put it in quotes")
            if key in data:
                raise self._wrong(at, f'found duplicate key "{key}"', "keep one of the two")
            data[key] = self.value(item, (*path, key), at)
        return data

    def _scalar(self, value: Any, line: int) -> Any:
        # The round-trip reader has subclasses of its own; a schema wants the plain types.
        if type(value).__name__ == "ScalarBoolean":
            return bool(value)
        for plain in (bool, int, float, str):
            if isinstance(value, plain):
                return plain(value)
        if value is None or isinstance(value, (date, time)):
            return value
        raise self._wrong(line, f"a {type(value).__name__} is not known here", "use plain values")

    def _wrong(self, line: int, what: str, mend: str) -> InputError:
        return self._error_type(f"{self._name}:{line}" if line else self._name, what, mend)


def _key_text(key: Any) -> str | None:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, bool):
        return "true" if key else "false"
    if key is None:
        return "null"
    if isinstance(key, (int, float)):
        return str(key)
    if isinstance(key, date):
        return key.isoformat()
    return None


def _key_of(holder: Any, part: str | int) -> Any:
    """The key under which the round-trip tree holds what the data holds under `part`."""
    if isinstance(holder, dict) and part not in holder:
        return next((key for key in holder if _key_text(key) == part), part)
    return part


def _line(holder: Any, key: Any, otherwise: int) -> int:
    # What a merge key (<<) brought in has no place of its own, nor has data set by hand.
    marks = getattr(holder, "lc", None)
    places = marks.data if marks is not None else None
    return places[key][0] + 1 if places and key in places else otherwise


def _told(detail: ErrorDetails, model: type[BaseModel] | None) -> tuple[str, str]:
    """What is wrong and how to mend it, in the words of this house rather than the library's."""
    kind, message = detail["type"], detail["msg"]
    if kind == "missing":
        return "missing", f"add {detail['loc'][-1]!r}"
    if kind == "extra_forbidden":
        known = _known_keys(model, detail["loc"][:-1]) if model else ()
        return "unknown key", suggestion(str(detail["loc"][-1]), known)
    if kind in {"value_error", "assertion_error"}:
        what, _, mend = message.split(", ", 1)[1].partition("; ")
        return what, mend
    if kind == "union_tag_invalid":
        context = detail["ctx"]
        expected = [tag.strip("'") for tag in context["expected_tags"].split(", ")]
        name = context["discriminator"].strip("'")
        return f"no such {name}: {context['tag']!r}", suggestion(context["tag"], expected)
    if kind == "union_tag_not_found":
        return f"missing {detail['ctx']['discriminator']}", "add it"
    # A password written as a number is a mistake, but no reason to print it.
    secret = any(word in str(part) for part in detail["loc"] for word in _SECRETS)
    return _told_plainly(message, () if secret else detail["input"]), ""


def _told_plainly(message: str, given: Any) -> str:
    what = message[0].lower() + message[1:]
    if not (given is None or isinstance(given, (str, int, float))):
        return what
    shown = repr(given)
    return f"{what}, not {shown if len(shown) <= 60 else shown[:57] + '...'}"


def _known_keys(model: type[BaseModel], path: Iterable[str | int]) -> set[str]:
    """The keys that the schema knows at a location, through lists, mappings and unions."""
    types = _members(model)
    for part in path:
        # A part that leads nowhere is a union's member: it says which of the types is meant.
        types = (
            [member for held in types for member in _held(held, part)]
            or [held for held in types if _is_tagged(held, part)]
            or types
        )
    return {
        field.alias or name
        for held in types
        if isinstance(held, type) and issubclass(held, BaseModel)
        for name, field in held.model_fields.items()
    }


def _members(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return [held for member in get_args(annotation) for held in _members(member)]
    return [annotation]


def _held(holder: Any, part: str | int) -> list[Any]:
    if isinstance(holder, type) and issubclass(holder, BaseModel):
        return [
            held
            for name, field in holder.model_fields.items()
            if part in {name, field.alias}
            for held in _members(field.annotation)
        ]
    arguments = get_args(holder)
    if not arguments:
        return []
    if isinstance(part, int):
        return _members(arguments[0])
    origin = get_origin(holder)
    is_mapping = isinstance(origin, type) and issubclass(origin, Mapping)
    return _members(arguments[1]) if is_mapping and len(arguments) == 2 else []


def _is_tagged(held: Any, tag: str | int) -> bool:
    if not (isinstance(held, type) and issubclass(held, BaseModel)):
        return False
    return held.__name__ == tag or any(
        get_origin(field.annotation) is Literal and tag in get_args(field.annotation)
        for field in held.model_fields.values()
    )
