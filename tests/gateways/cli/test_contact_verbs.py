"""contacts ... and filter ..., as typed."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dialer.ports import ClaimRequest
from tests.gateways.cli.conftest import CommandLine, TestHost
from tests.gateways.control.place import CSV, FLOW, NOW, FakeLive
from tests.ports.contact_store_beds import Replies

Write = Callable[[str, str], str]

DEBTORS = "all:\n  - {attribute: balance, operator: greater_than, value: 100}\n"


@pytest.fixture
def imported(run: CommandLine, write: Write) -> CommandLine:
    run.good("contacts", "import", write("customers.csv", CSV))
    return run


def test_a_file_goes_in_and_again_changes_nothing(run: CommandLine, write: Write) -> None:
    file = write("customers.csv", CSV)

    assert run.good("contacts", "import", file) == "3 added, 0 updated, 0 unchanged, 0 rejected\n"
    assert run.good("contacts", "import", file) == "0 added, 0 updated, 3 unchanged, 0 rejected\n"
    changed = write("changed.csv", CSV.replace("Albany", "Troy"))
    assert (
        run.good("contacts", "import", changed) == "0 added, 1 updated, 2 unchanged, 0 rejected\n"
    )


def test_bad_rows_are_told_by_line_and_the_others_go_in(run: CommandLine, write: Write) -> None:
    file = write("customers.csv", CSV + "a-4,Boston,much,212-555-0104\na-5,Boston,1,911\n")

    result = run("contacts", "import", file, "--rejects", "bad.csv")

    assert result.exit_code == 0
    assert result.stdout == "3 added, 0 updated, 0 unchanged, 2 rejected\n"
    first, second = result.stderr.splitlines()
    assert first == "customers.csv:5: balance: 'much' is no number; write it as 1250.75"
    assert second.startswith("customers.csv:6: phone: ")
    rows = list(csv.reader(Path("bad.csv").read_text().splitlines()))
    assert [row[0] for row in rows] == ["line", "5", "6"]


def test_an_import_tells_all_in_one_document(run: CommandLine, write: Write) -> None:
    file = write("customers.csv", CSV + "a-4,Boston,much,212-555-0104\n")

    told = run.data("contacts", "import", file)

    assert told["accepted"] == 3
    assert told["rejects"] == [
        {"line": 5, "reason": "balance: 'much' is no number", "mend": "write it as 1250.75"}
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "c.csv: is empty; its first line must name the attributes"),
        ("Account,Town,Phone\n1,x,2\n", "c.csv:1: column 'Town' is no declared attribute; there"),
        ("Account,City\n1,x\n", "c.csv:1: there is no column for 'phone', which every contact"),
        ("Account,Phone\n", "c.csv: has a header and no rows; add contacts"),
        ("Account,Phone\na,1\nb,2\n", "c.csv:2: all 2 rows were rejected: phone: "),
        ("Account,Phone\na,1\n", "c.csv:2: its only row was rejected: phone: "),
    ],
)
def test_a_file_of_no_use_is_refused(run: CommandLine, write: Write, text: str, line: str) -> None:
    assert run.refused("contacts", "import", write("c.csv", text)).startswith(line)
    assert run.data("contacts", "list")["total"] == 0


def test_a_file_that_cannot_be_read_or_written_is_told(
    run: CommandLine, write: Write, folder: Path
) -> None:
    assert run.refused("contacts", "import", "no.csv").startswith("no.csv: cannot be read: No such")
    assert run.refused("contacts", "import", str(folder)).endswith("check its path and permissions")
    (folder / "latin.csv").write_bytes("Account,Phone,St\xe4dte\n".encode("latin-1"))
    assert "is not UTF-8 text" in run.refused("contacts", "import", "latin.csv")
    file = write("customers.csv", CSV)
    line = run.refused("contacts", "import", file, "--rejects", "no/where.csv")
    assert line.startswith("no/where.csv: cannot be written: No such file")


def test_contacts_come_by_standard_input(run: CommandLine) -> None:
    assert run.good("contacts", "import", "-", given=CSV).startswith("3 added")
    line = run("contacts", "import", "-", given="City\n").stderr
    assert line.startswith("standard input:1: there is no column for 'account'")


def test_an_import_goes_in_beside_a_running_daemon(
    run: CommandLine, write: Write, daemon: FakeLive
) -> None:
    run.good("contacts", "import", write("customers.csv", CSV))

    assert run.data("contacts", "list")["total"] == 3


def test_contacts_are_listed_by_page_and_filter(imported: CommandLine, write: Write) -> None:
    shown = imported.good("contacts", "list", "--per-page", "2")
    assert "+12125550101" in shown
    assert "a-3" not in shown
    assert "3 contacts, page 1 of 2" in shown

    imported.good("filter", "save", "debtors", write("debtors.yaml", DEBTORS))
    found = imported.data("contacts", "list", "--filter", "debtors")
    assert [item["key"] for item in found["items"]] == ["a-2", "a-3"]


def test_a_filter_is_saved_listed_and_previewed(imported: CommandLine, write: Write) -> None:
    file = write("debtors.yaml", DEBTORS)

    before = imported.good("filter", "preview", "--file", file, "--sample", "1")
    assert "a-2" in before
    assert "a-3" not in before
    assert before.endswith("finds 2 contacts\n")
    assert imported.good("filter", "save", "debtors", file) == (
        "filter 'debtors': finds 2 contacts\n"
    )
    assert imported.data("filter", "list")["items"][0]["contacts"] == 2
    assert imported.data("filter", "preview", "debtors")["count"] == 2


def test_a_filter_may_be_json(imported: CommandLine, write: Write) -> None:
    text = json.dumps({"attribute": "city", "operator": "equals", "value": "Boston"})

    assert "finds 2 contacts" in imported.good("filter", "save", "b", write("b.json", text))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("all: []\n", "f.yaml:1: all: an empty group; add a condition, or remove it"),
        (
            "any:\n  - {attribute: town, operator: equals, value: x}\n",
            "f.yaml:2: any[0]: there is no attribute 'town'; there are account",
        ),
        (
            "any:\n  - {attribute: balance, operator: contains, value: x}\n",
            "f.yaml:2: any[0]: ",
        ),
        ("all: [\n", "f.yaml:2: not YAML"),
    ],
)
def test_a_wrong_filter_is_told_by_line_and_not_saved(
    run: CommandLine, write: Write, text: str, line: str
) -> None:
    assert run.refused("filter", "save", "wrong", write("f.yaml", text)).startswith(line)
    assert run.refused("filter", "preview", "--file", "f.yaml").startswith(line)
    assert run.data("filter", "list")["total"] == 0


def test_a_filter_that_is_not_there_is_told(run: CommandLine) -> None:
    told = "filter 'none': there is none; see filter list"
    assert run.refused("filter", "preview", "none") == told
    assert run.refused("contacts", "list", "--filter", "none") == told
    assert run.refused("filter", "preview").startswith("filter preview: not said which filter")


def test_a_saved_filter_is_refused_by_a_daemon_as_by_the_store(
    run: CommandLine, write: Write, daemon: FakeLive
) -> None:
    line = run.refused("filter", "save", "wrong", write("f.yaml", "attribute: town\n"))
    assert line.startswith("f.yaml:1: ")


def lead(run: CommandLine, *more: str) -> str:
    return run.good("contacts", "add", "--key", "a-9", "--phone", "212-555-0109", *more)


def test_a_contact_is_added_and_changed_by_its_key(run: CommandLine) -> None:
    assert lead(run, "--set", "City=Boston") == "contact 1: added\n"
    assert lead(run) == "contact 1: unchanged\n"
    assert lead(run, "--phone", "212-555-0110", "--set", "balance=7") == "contact 1: changed\n"
    (item,) = run.data("contacts", "list")["items"]
    assert item["attributes"] == {
        "account": "a-9",
        "city": "Boston",
        "balance": 7.0,
        "phone": ["+12125550109", "+12125550110"],
    }


def test_a_hot_lead_is_put_into_its_campaign_once(run: CommandLine, write: Write) -> None:
    run.good("campaign", "create", write("flow.yaml", FLOW))
    hot = ("--campaign", "Spring offer", "--hot")
    assert lead(run, *hot) == "contact 1: dialed next\n"
    assert lead(run, *hot) == "contact 1: dialed next\n"
    told = json.loads(lead(run, *hot, "--json"))
    assert (told["contact_id"], told["state"], told["added"]) == (1, "waiting", False)
    assert told["warnings"] == ["the campaign is not published; it will dial the lead when it is"]
    assert run.data("contacts", "list")["total"] == 1


def test_a_hot_lead_whom_the_filter_does_not_find_is_told(run: CommandLine, write: Write) -> None:
    run.good("filter", "save", "debtors", write("f.yaml", DEBTORS))
    flow = FLOW.replace("type: init,", "type: init, filter: debtors,")
    run.good("campaign", "create", write("flow.yaml", flow))
    told = json.loads(lead(run, "--campaign", "1", "--hot", "--json"))
    assert told["warnings"][0] == "the campaign's filter does not find it, so it is not dialed"


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (("--hot",), "contacts add: --campaign and --hot go together; add --campaign"),
        (("--campaign", "1"), "contacts add: --campaign and --hot go together; add --hot"),
        (("--campaign", "9", "--hot"), "campaign '9': there is none"),
        (("--set", "city"), "--set city: is no assignment; write it as city=Boston"),
        (("--set", "town=x"), "there is no attribute 'town'"),
        (("--phone", "911"), "phone: "),
    ],
)
def test_a_contact_that_cannot_be_added_is_told(
    run: CommandLine, more: tuple[str, ...], line: str
) -> None:
    words = ("contacts", "add", "--key", "a-9", "--phone", "212-555-0109", *more)
    assert run.refused(*words).startswith(line)
    assert run.data("contacts", "list")["total"] == 0


def test_a_stopped_campaign_takes_no_hot_lead(run: CommandLine, write: Write) -> None:
    run.good("campaign", "create", write("flow.yaml", FLOW))
    run.good("campaign", "stop", "1")
    words = ("contacts", "add", "--key", "a-9", "--phone", "212-555-0109")
    told = run.refused(*words, "--campaign", "1", "--hot")
    assert told.startswith("campaign 'Spring offer': is stopped and dials nobody")


# --- lists ------------------------------------------------------------------------------------


def test_an_import_names_the_list_that_its_contacts_belong_to(
    run: CommandLine, write: Write
) -> None:
    run.good("contacts", "import", write("customers.csv", CSV), "--list", "spring")
    run.good("contacts", "add", "--key", "a-9", "--phone", "212-555-0109")
    told = {item["name"]: item["contacts"] for item in run.data("contacts", "lists")["items"]}
    assert told == {"default": 1, "spring": 3}
    run.good("contacts", "add", "--key", "a-1", "--phone", "212-555-0101", "--list", "autumn")
    assert "autumn" in run.good("contacts", "lists")
    assert run.data("contacts", "lists")["items"][1]["contacts"] == 2


def test_a_list_is_weighted_paused_and_resumed(run: CommandLine, write: Write) -> None:
    run.good("contacts", "import", write("customers.csv", CSV), "--list", "spring")
    assert run.good("contacts", "list-weight", "spring", "2") == (
        "list 'spring': weight 2, contacts: 3\n"
    )
    assert run.good("contacts", "list-pause", "spring") == (
        "list 'spring': weight 2, paused, contacts: 3\n"
    )
    assert "of list 'spring'; its list is paused" in run.good("explain", "contact", "a-1")
    assert run.data("contacts", "list-resume", "spring")["paused"] is False


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("list-pause", "winter"), "list 'winter': there is none; see contacts lists"),
        (
            ("list-weight", "default", "0"),
            "list 'default': 0 is no weight; give 1 to 1000; pause the list to have none of it "
            "dialed",
        ),
        (
            ("import", "customers.csv", "--list", " "),
            "list: ' ' is no name; give 1 to 80 printable characters",
        ),
    ],
)
def test_what_cannot_be_said_of_a_list_is_refused(
    run: CommandLine, write: Write, words: tuple[str, ...], line: str
) -> None:
    write("customers.csv", CSV)
    assert run.refused("contacts", *words) == line


def test_a_call_back_is_promised(run: CommandLine, write: Write, daemon: FakeLive) -> None:
    run.good("contacts", "import", write("customers.csv", CSV))
    run.good("campaign", "create", write("spring.yaml", FLOW))
    run.good("campaign", "publish", "1")
    words = ("contacts", "callback", "a-1", "--campaign", "1", "--at", "+2h")
    told = run.data(*words, "--agent", "amy")
    assert (told["contact_id"], told["at"], told["agent_id"]) == (1, NOW + 7200, "amy")
    assert told["warnings"] == []
    assert "any agent calls back at" in run.good(*words)
    shown = run.data("explain", "contact", "a-1")["contacts"][0]["standings"][0]
    assert (shown["state"], shown["callback_at"], shown["callback_agent"]) == (
        "waiting",
        NOW + 7200,
        "",
    )
    assert run.good("contacts", "callback", "(212) 555-0102", *words[3:]).startswith("contact 2: ")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["zz", "--campaign", "1", "--at", "+1h"], "contact 'zz': there is none; give an id"),
        (["a-1", "--campaign", "7", "--at", "+1h"], "campaign '7': there is none"),
        (["a-1", "--campaign", "1", "--at", "yesterday"], "time 'yesterday': is no time; write"),
    ],
)
def test_a_call_back_that_makes_no_sense_is_refused(
    run: CommandLine, write: Write, words: list[str], line: str
) -> None:
    run.good("contacts", "import", write("customers.csv", CSV))
    run.good("campaign", "create", write("spring.yaml", FLOW))
    assert run.refused("contacts", "callback", *words).startswith(line)


def test_a_contact_that_is_held_or_a_stopped_campaign_takes_no_call_back(
    run: CommandLine, write: Write, host: TestHost
) -> None:
    run.good("contacts", "import", write("customers.csv", CSV))
    run.good("campaign", "create", write("spring.yaml", FLOW))
    run.good("campaign", "publish", "1")
    replies = Replies()
    with host.place.open_store() as store:
        store.port.claim(ClaimRequest(1, 1, "", "fifo", 1, NOW), replies)
        replies.take()
    words = ("contacts", "callback", "a-1", "--campaign", "1", "--at", "+2h")
    assert run.refused(*words).startswith("contact 1: is about to be dialed; ")
    run.good("campaign", "stop", "1")
    assert "is stopped and dials nobody" in run.refused(*words)
