"""Contacts from a CSV file, row by row.

The rule of this module: a file whose header cannot be trusted is refused as a whole, and after
that a bad row never stops the good ones: it comes out with its line, the reason and the mend.

The header names declared attributes; case, spaces, _ - and . do not matter ("Account ID" is
account_id). A phone attribute may have several columns, numbered from 1: with an attribute `phone`,
"Phone" and "Phone 1" mean its first number and "Phone 2" or "phone.2" its second. Within a contact
the numbers stand in that order, each once; an empty cell leaves no gap.

The file is UTF-8, with or without a byte order mark. Commas, semicolons, tabs and bars are found
out from the header. Cells may be quoted and then hold delimiters and line ends. Lines are counted
as an editor counts them, and a row is told by the line it begins on.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dialer.contacts import AttributeType, Schema, folded
from dialer.documents import suggestion
from dialer.errors import ContactError
from dialer.ports import AttributeValue

MAX_ROW_LINES = 100
"""More lines than any row needs: a quote was opened and never closed."""
MAX_HEADER = 100_000
"""Characters of a header; the csv module's cells end at 131,072."""

_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR_HINT = re.compile(
    r"sep=([,;\t|:~^])\s*", re.IGNORECASE
)  # what Excel puts before the header
_NUMBERED = re.compile(r"(.*?[^0-9])([0-9]{1,2})")
_BOM = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SAVE_AS_UTF8 = "save the file as CSV UTF-8"


class Accepted(NamedTuple):
    """A row that became a contact.

    key: what tells it from others, "" where the schema declares no key. attributes: as stored.
    """

    line: int
    key: str
    attributes: dict[str, AttributeValue]


class Rejected(NamedTuple):
    """A row that did not, and why."""

    line: int
    reason: str
    mend: str


class _Column(NamedTuple):
    """What a column holds: an attribute, and for phones which of its numbers (from 0)."""

    attribute: str
    position: int
    is_phone: bool


class _EndlessRowError(Exception):
    """A row has more lines than any row needs."""


def read_contacts(
    lines: Iterable[bytes], schema: Schema, name: str
) -> Iterator[Accepted | Rejected]:
    """Read a file, lazily.

    Args:
        lines: the file's bytes, cut after line feeds, as a file opened in binary mode gives them.
        name: what errors call the file.

    Raises:
        ContactError: the file is empty or not UTF-8 text, or its header has a column that is no
            attribute, the same one twice, or lacks a required one. Nothing was read then.
    """
    source = _Lines(lines, name)
    delimiter, header = _header(source, schema, name)
    columns = _columns(header, schema, f"{name}:{source.number}")
    return _rows(source, delimiter, columns, schema)


class _Lines:
    """The file's lines as text, counted, and able to go back to the start of a row."""

    def __init__(self, lines: Iterable[bytes], name: str) -> None:
        self.number = 0
        """The line last given, from 1."""
        self.spoiled = False
        """Some line since `begin_row` is not UTF-8."""
        self._name = name
        self._source = self._split(lines)
        self._again: deque[bytes] = deque()
        self._row: list[bytes] = []

    def begin_row(self) -> None:
        self._row.clear()
        self.spoiled = False

    def back_to_second_line(self) -> int:
        """Give up a row: go on with the line after its first, whose number is returned."""
        first = self.number - len(self._row) + 1
        self._again.extendleft(reversed(self._row[1:]))
        self.number = first
        return first

    def row_begins(self) -> int:
        return self.number - len(self._row) + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._row) >= MAX_ROW_LINES:
            raise _EndlessRowError
        line = self._again.popleft() if self._again else next(self._source)
        self.number += 1
        self._row.append(line)
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.spoiled = True
            return line.decode(errors="replace")

    def _split(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        first = True
        for given in lines:
            line = given
            if first:
                first = False
                if line.startswith(_WIDE_MARKS) or b"\0" in line:
                    raise ContactError(self._name, "is not UTF-8 text", _SAVE_AS_UTF8)
                line = line.removeprefix(_BOM)
            # Old spreadsheets end lines with a carriage return alone.
            yield from line.splitlines(keepends=True) if b"\r" in line else (line,)


def _header(source: _Lines, schema: Schema, name: str) -> tuple[str, list[str]]:
    """The delimiter and the header's cells: the delimiter that makes most sense of them."""
    delimiters: tuple[str, ...] = _DELIMITERS
    for line in source:
        hint = _SEPARATOR_HINT.fullmatch(line)
        if hint and source.number == 1:
            delimiters = (hint[1],)
        elif line.strip():
            break
        source.begin_row()
    else:
        raise ContactError(name, "is empty", "its first line must name the attributes")
    where = f"{name}:{source.number}"
    if source.spoiled:
        raise ContactError(where, "is not UTF-8 text", _SAVE_AS_UTF8)
    if len(line) > MAX_HEADER:
        raise ContactError(where, "is too long for a header", "is this a CSV file?")
    delimiter = max(delimiters, key=lambda mark: _sense(line, mark, schema))
    try:
        return delimiter, next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        raise ContactError(where, "the header's quotes do not match", "close them") from None


def _sense(line: str, delimiter: str, schema: Schema) -> tuple[int, int]:
    """How much of a header a delimiter makes sense of: columns that are known, and columns."""
    cells = next(csv.reader([line], delimiter=delimiter))
    return sum(_column(cell, schema) is not None for cell in cells), len(cells)


def _column(written: str, schema: Schema) -> _Column | None:
    spec = schema.find(written)
    if spec is not None:
        return _Column(spec.name, 0, spec.type is AttributeType.PHONE)
    numbered = _NUMBERED.fullmatch(folded(written))
    if numbered is None or int(numbered[2]) == 0:
        return None
    spec = schema.find(numbered[1])
    if spec is None or spec.type is not AttributeType.PHONE:
        return None
    return _Column(spec.name, int(numbered[2]) - 1, True)


def _columns(header: list[str], schema: Schema, where: str) -> list[_Column]:
    cells = list(header)
    while cells and not cells[-1].strip():
        cells.pop()  # spreadsheets leave delimiters behind the last column
    columns: list[_Column] = []
    for place, cell in enumerate(cells, 1):
        if not cell.strip():
            raise ContactError(where, f"column {place} has no name", "name its attribute")
        column = _column(cell, schema)
        if column is None:
            names = [spec.name for spec in schema.specs]
            what = f"column {cell.strip()!r} is no declared attribute"
            raise ContactError(where, what, suggestion(cell.strip(), names))
        if column in columns:
            twin = cells[columns.index(column)].strip()
            what = f"columns {twin!r} and {cell.strip()!r} are the same attribute"
            raise ContactError(where, what, "remove or number one")
        columns.append(column)
    present = {column.attribute for column in columns}
    for spec in schema.specs:
        if (spec.required or spec.key) and not spec.default and spec.name not in present:
            what = f"there is no column for {spec.name!r}, which every contact needs"
            raise ContactError(where, what, "add it to the file")
    return columns


def _rows(
    source: _Lines, delimiter: str, columns: list[_Column], schema: Schema
) -> Iterator[Accepted | Rejected]:
    contact = _Contact(columns, schema)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _EndlessRowError) as bad:
            yield _unreadable(source, bad)
            reader = csv.reader(source, delimiter=delimiter, strict=True)
            continue
        if not any(cells) or not "".join(cells).strip():
            continue
        line = source.row_begins()
        if source.spoiled:
            yield Rejected(line, "is not UTF-8 text", _SAVE_AS_UTF8)
            continue
        try:
            attributes = contact.attributes(cells)
        except ContactError as bad:
            reason = f"{bad.where}: {bad.what}" if bad.where else bad.what
            yield Rejected(line, reason, bad.mend)
            continue
        yield Accepted(line, schema.key_of(attributes), attributes)


def _unreadable(source: _Lines, bad: Exception) -> Rejected:
    line = source.back_to_second_line()
    told = str(bad)
    if isinstance(bad, _EndlessRowError) or "unexpected end" in told:
        return Rejected(line, "a quote is opened and never closed", "close it, or double it")
    if "expected after" in told:
        return Rejected(line, "text after a closing quote", "double the quotes within a cell")
    if "field larger" in told:
        return Rejected(line, "a cell is far too long", "shorten it")
    return Rejected(line, f"cannot be read: {told}", "correct it")


class _Contact:
    """Makes a contact's attributes of the cells of a row."""

    def __init__(self, columns: list[_Column], schema: Schema) -> None:
        self._schema = schema
        self._width = len(columns)
        self._values = [
            (place, column.attribute) for place, column in enumerate(columns) if not column.is_phone
        ]
        self._phones: dict[str, list[int]] = {}
        for column in sorted(column for column in columns if column.is_phone):
            self._phones.setdefault(column.attribute, []).append(columns.index(column))

    def attributes(self, cells: list[str]) -> dict[str, AttributeValue]:
        if len(cells) != self._width:
            self._check_width(cells)
        read = self._schema.read
        given: dict[str, AttributeValue] = {}
        for place, attribute in self._values:
            given[attribute] = read(attribute, cells[place])
        for attribute, places in self._phones.items():
            numbers = (self._schema.number(attribute, cells[p]) for p in places if cells[p].strip())
            given[attribute] = tuple(dict.fromkeys(numbers))
        return self._schema.complete(given)

    def _check_width(self, cells: list[str]) -> None:
        if len(cells) < self._width or any(cell.strip() for cell in cells[self._width :]):
            what = f"has {len(cells)} cells where the header has {self._width}"
            raise ContactError("", what, "quote cells that hold the delimiter")
