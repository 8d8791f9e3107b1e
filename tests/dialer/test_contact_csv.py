"""Good rows come in whatever else the file holds, and bad ones say where and why."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.contact_csv import MAX_ROW_LINES, Accepted, Rejected, read_contacts
from dialer.contacts import AttributeSpec, AttributeType, Schema
from dialer.errors import ContactError

SCHEMA = Schema(
    [
        AttributeSpec(name="account_id", key=True),
        AttributeSpec(name="phone", type=AttributeType.PHONE, required=True),
        AttributeSpec(name="FirstName"),
        AttributeSpec(name="balance", type=AttributeType.DECIMAL, default="0"),
        AttributeSpec(name="notes"),
    ],
    "US",
)
HEADER = "account_id,phone,FirstName\n"


def read(text: str | bytes, schema: Schema = SCHEMA) -> list[Accepted | Rejected]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_contacts(io.BytesIO(data), schema, "c.csv"))


def refusal(text: str | bytes) -> str:
    with pytest.raises(ContactError) as caught:
        read(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_row_becomes_a_contact() -> None:
    assert read(HEADER + "7,(212) 555-0123,Anna\n") == [
        Accepted(
            2,
            "7",
            {
                "account_id": "7",
                "phone": ("+12125550123",),
                "FirstName": "Anna",
                "balance": 0.0,
            },
        )
    ]


@pytest.mark.parametrize(
    "header",
    [
        "Account ID,Phone,First Name",
        "ACCOUNT_ID;phone 1;firstname",
        "account-id\tPhone.1\tFIRSTNAME",
        '"account_id"|"phone"|"FirstName"',
        "account_id,phone,FirstName,,",
    ],
)
def test_headers_mean_attributes_and_tell_the_delimiter(header: str) -> None:
    delimiter = next(mark for mark in ",;\t|" if mark in header)
    row = delimiter.join(["7", "2125550123", "Anna"])
    (contact,) = read(f"{header}\n{row}\n")
    assert isinstance(contact, Accepted)
    assert contact.attributes["FirstName"] == "Anna"


def test_several_columns_fill_one_phone_attribute_in_their_order() -> None:
    rows = read(
        "account_id,phone.3,Phone,phone_2\n"
        "1,2125550103,2125550101,2125550102\n"
        "2,2125550103,,2125550102\n"
        "3,2125550101,2125550101,\n"
    )
    assert [row.attributes["phone"] for row in rows if isinstance(row, Accepted)] == [
        ("+12125550101", "+12125550102", "+12125550103"),
        ("+12125550102", "+12125550103"),
        ("+12125550101",),
    ]


def test_a_bad_row_is_told_by_line_and_reason_and_stops_nothing() -> None:
    rows = read(
        HEADER + "1,2125550101,A\n"
        "2,5550199,B\n"
        "\n"
        ",,\n"
        "3,,C\n"
        ",2125550104,D\n"
        "5,2125550105\n"
        "6,2125550106,F,G\n"
        "7,2125550107,H,\n"
    )
    assert [(row.line, row[1]) for row in rows] == [
        (2, "1"),
        (3, "phone: '5550199' is not a number that exists"),
        (6, "phone: is missing"),
        (7, "account_id: is missing"),
        (8, "has 2 cells where the header has 3"),
        (9, "has 4 cells where the header has 3"),
        (10, "7"),
    ]
    assert all(row.mend for row in rows if isinstance(row, Rejected))


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    rows = read(
        HEADER + '1,2125550101,"Anna\nMaria,\nof ""Boston"""\n'
        "2,none,B\n"
        '3,2125550103,"C\r\nD"\n'
        "4,none,B\n"
    )
    assert [row.line for row in rows] == [2, 5, 6, 8]
    assert isinstance(rows[0], Accepted)
    assert rows[0].attributes["FirstName"] == 'Anna\nMaria,\nof "Boston"'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_known(end: str) -> None:
    text = (HEADER + "1,2125550101,A\n2,none,B").replace("\n", end)
    assert [(type(row), row.line) for row in read(text)] == [(Accepted, 2), (Rejected, 3)]


def test_a_quote_that_is_never_closed_costs_its_own_row_only() -> None:
    good = "".join(f"{n},2125550123,A\n" for n in range(3 * MAX_ROW_LINES))
    rows = read(HEADER + '1,2125550101,"A\n' + good)
    assert rows[0] == Rejected(2, "a quote is opened and never closed", "close it, or double it")
    assert [row.line for row in rows[1:]] == list(range(3, 3 + 3 * MAX_ROW_LINES))
    assert all(isinstance(row, Accepted) for row in rows[1:])
    rows = read(HEADER + '1,2125550101,"A\n2,2125550102,B\n')
    assert [(type(row), row.line) for row in rows] == [(Rejected, 2), (Accepted, 3)]


def test_text_after_a_closing_quote_costs_its_own_row_only() -> None:
    rows = read(HEADER + '1,2125550101,"A" B\n2,2125550102,C\n')
    assert [(type(row), row.line) for row in rows] == [(Rejected, 2), (Accepted, 3)]
    assert rows[0][1] == "text after a closing quote"


def test_encodings() -> None:
    text = HEADER + "1,2125550101,Zoë\n2,2125550102,B\n"
    assert len(read(text.encode("utf-8-sig"))) == 2
    rows = read(text.encode("latin-1"))
    assert rows[0] == Rejected(2, "is not UTF-8 text", "save the file as CSV UTF-8")
    assert isinstance(rows[1], Accepted)
    assert refusal(text.encode("utf-16")) == (
        "c.csv: is not UTF-8 text; save the file as CSV UTF-8"
    )
    assert "c.csv:1: is not UTF-8" in refusal("prénom,phone\n".encode("latin-1"))


def test_a_spreadsheet_s_separator_line_is_passed_over() -> None:
    rows = read("sep=;\naccount_id;phone\n1;2125550101\n")
    assert [row.line for row in rows] == [3]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "c.csv: is empty; its first line must name the attributes"),
        ("\n \n", "c.csv: is empty; its first line must name the attributes"),
        (
            "account_id,phone,FristName\n",
            "c.csv:1: column 'FristName' is no declared attribute; did you mean 'FirstName'?",
        ),
        (
            "\naccount_id,phone,colour\n",
            "c.csv:2: column 'colour' is no declared attribute; there are FirstName, account_id, "
            "balance, notes, phone",
        ),
        (
            "account_id,phone,Phone 1\n",
            "c.csv:1: columns 'phone' and 'Phone 1' are the same attribute; remove or number one",
        ),
        ("account_id,phone 0\n", "c.csv:1: column 'phone 0' is no declared attribute; did you"),
        ("account_id,phone,notes 2\n", "c.csv:1: column 'notes 2' is no declared attribute"),
        ("x" * 200_000, "c.csv:1: is too long for a header; is this a CSV file?"),
        ("account_id,,phone\n", "c.csv:1: column 2 has no name; name its attribute"),
        (
            "phone\n",
            "c.csv:1: there is no column for 'account_id', which every contact needs; add it",
        ),
        ('account_id,"phone\n', "c.csv:1: the header's quotes do not match; close them"),
    ],
)
def test_a_header_that_cannot_be_trusted_refuses_the_file(text: str, told: str) -> None:
    assert refusal(text).startswith(told)


def test_rows_come_before_the_file_has_ended() -> None:
    def endless() -> object:
        yield HEADER.encode()
        while True:
            yield b"1,2125550101,A\n"

    rows = read_contacts(endless(), SCHEMA, "c.csv")  # type: ignore[arg-type]
    assert isinstance(next(rows), Accepted)
    assert isinstance(next(rows), Accepted)


cell = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
cells_with_breaks = st.lists(st.sampled_from(["a", '"', ",", "\n", "é"]), max_size=6).map("".join)


@given(st.lists(st.one_of(cell, cells_with_breaks), min_size=1, max_size=8))
def test_whatever_a_csv_writer_writes_is_read_back(notes: list[str]) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["account_id", "phone", "notes"])
    for number, note in enumerate(notes):
        writer.writerow([number, "2125550101", note])
    rows = read(out.getvalue())
    assert [row.key for row in rows if isinstance(row, Accepted)] == [
        str(number) for number in range(len(notes))
    ]
    for row, note in zip(rows, notes, strict=True):
        assert isinstance(row, Accepted)
        assert row.attributes.get("notes") == SCHEMA.read("notes", note)


@given(st.binary(max_size=200))
def test_any_bytes_after_a_header_are_rows_with_rising_lines(data: bytes) -> None:
    rows = read(HEADER.encode() + data)
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
    assert all(2 <= line <= 1 + len(data) for line in lines)
