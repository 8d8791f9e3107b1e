"""contacts import, add, callback and list; filter save, list and preview.

The rule of this module: an import goes straight to the database, beside a running daemon, because
a long file should neither wait for the daemon nor hold it up.
"""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from dialer.contact_csv import Rejected
from dialer.errors import InputError
from gateways.cli import lists
from gateways.cli.files import STANDARD_INPUT, read_text, shown, unreadable
from gateways.cli.output import Output, local
from gateways.cli.verb import Work, verb

_TOLD_REJECTS = 20

FilterName = Annotated[str, typer.Argument(metavar="NAME", help="The filter's name.")]
Paged = Annotated[int, typer.Option(min=1)]
ToList = Annotated[
    str, typer.Option("--list", metavar="NAME", help="The list it goes to, made if need be.")
]
PerPage = Annotated[int, typer.Option(min=1, max=1000)]


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    contacts = typer.Typer(help="Contacts: import, add and list.", no_args_is_help=True)
    app.add_typer(contacts, name="contacts")
    contacts.command("import")(import_file)
    contacts.command("add")(add_contact)
    contacts.command("list")(list_contacts)
    contacts.command("callback")(call_back)
    lists.add_to(contacts)
    filters = typer.Typer(help="Filters: whom a campaign calls.", no_args_is_help=True)
    app.add_typer(filters, name="filter")
    filters.command("save")(save_filter)
    filters.command("list")(list_filters)
    filters.command("preview")(preview_filter)


@verb
def import_file(
    work: Work,
    file: Annotated[Path, typer.Argument(metavar="CSV", help="The file; - for input.")],
    rejects: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write rejected rows there, as CSV.", show_default=False),
    ] = None,
    to_list: ToList = "",
) -> None:
    """Import contacts from a CSV file whose header names declared attributes.

    Rows that are wrong are told by line and reason, and the others go in. Importing a contact
    again updates it, and moves it to the list that is named, if one is.

    \b
    Examples:
      run.py contacts import customers.csv
      run.py contacts import customers.csv --list spring
      run.py contacts import customers.csv --rejects rejected.csv --json
    """
    from gateways.control.contact_import import import_contacts  # brings the database's library

    with work.session() as session, ExitStack() as stack:
        lines = stack.enter_context(_lines(file, work.out))
        on_reject = stack.enter_context(_rejects_file(rejects))
        report = import_contacts(
            session.store, session.site.schema, lines, shown(file), on_reject, to_list=to_list
        ).as_data()

    def show(data: dict[str, Any]) -> None:
        for reject in data["rejects"][:_TOLD_REJECTS]:
            mend = f"; {reject['mend']}" if reject["mend"] else ""
            work.out.warn(f"{data['file']}:{reject['line']}: {reject['reason']}{mend}")
        more = data["rejected"] - _TOLD_REJECTS
        if more > 0:
            where = f"see {rejects}" if rejects else "write them to a file with --rejects"
            work.out.warn(f"... and {more} more rejected rows; {where}")
        parts = ("added", "updated", "unchanged", "rejected")
        work.out.say(", ".join(f"{data[part]} {part}" for part in parts))

    work.answer(report, show)


@verb
def add_contact(
    work: Work,
    key: Annotated[str, typer.Option(help="What tells the contact from others.")],
    phone: Annotated[
        list[str] | None,
        typer.Option(help="A number; again for more, in order.", show_default=False),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another attribute.", show_default=False),
    ] = None,
    campaign: Annotated[str, typer.Option(help="Which is to dial it, by id or exact title.")] = "",
    hot: Annotated[bool, typer.Option("--hot", help="Dial it next, ahead of the list.")] = False,
    to_list: ToList = "",
) -> None:
    """Add one contact, or change it. A hot lead that is sent twice is dialed once.

    \b
    Examples:
      run.py contacts add --key a-17 --phone 212-555-0117 --set city=Boston
      run.py contacts add --key a-17 --phone 212-555-0117 --campaign "Spring offer" --hot
    """
    if bool(campaign) != hot:
        mend = "add --hot" if campaign else "add --campaign"
        raise InputError("contacts add", "--campaign and --hot go together", mend)
    added = work.call(
        "contacts add",
        key=key,
        phones=phone or [],
        attributes=dict(_assignment(text) for text in set_ or ()),
        campaign=campaign,
        hot=hot,
        to_list=to_list,
    )

    def show(data: dict[str, Any]) -> None:
        for warning in data["warnings"]:
            work.out.warn(warning)
        work.out.say(f"contact {data['contact_id']}: {_came_of_it(data)}")

    work.answer(added, show)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"--set {text}", "is no assignment", "write it as city=Boston")
    return name.strip(), value


def _came_of_it(data: dict[str, Any]) -> str:
    if "ahead" not in data:
        return "added" if data["added"] else "changed" if data["updated"] else "unchanged"
    if data["ahead"]:
        return "dialed next"
    return {
        "claimed": "about to be dialed",
        "in_flight": "on a call now",
        "waiting": "dialed before, and waits for a retry",
        "refused": "refused before; see explain contact",
    }.get(data["state"], "dialed before")


@verb
def call_back(
    work: Work,
    who: Annotated[str, typer.Argument(metavar="CONTACT", help="Its id, key or number.")],
    at: Annotated[str, typer.Option(metavar="TIME", help="+90m, 15:30, or '2026-03-02 15:30'.")],
    campaign: Annotated[str, typer.Option(help="Which is to call, by id or exact title.")],
    agent: Annotated[str, typer.Option(help="Who is to call; anybody where left out.")] = "",
) -> None:
    """Promise a contact a call, ahead of the list when its time has come.

    \b
    Examples:
      run.py contacts callback a-17 --at 15:30 --campaign "Spring offer"
      run.py contacts callback a-17 --at +2h --campaign 3 --agent amy
    """
    promised = work.call("contacts callback", who=who, at=at, campaign=campaign, agent=agent)

    def show(data: dict[str, Any]) -> None:
        for warning in data["warnings"]:
            work.out.warn(warning)
        by = data["agent_id"] or "any agent"
        work.out.say(f"contact {data['contact_id']}: {by} calls back at {local(data['at'])}")

    work.answer(promised, show)


@verb
def list_contacts(
    work: Work,
    filter_name: Annotated[
        str, typer.Option("--filter", metavar="NAME", help="Of a saved filter.")
    ] = "",
    page: Paged = 1,
    per_page: PerPage = 20,
) -> None:
    """List contacts by id.

    \b
    Examples:
      run.py contacts list --filter debtors
      run.py contacts list --page 3 --per-page 100 --json
    """
    found = work.call("contacts list", filter_name=filter_name, page=page, per_page=per_page)

    def show(data: dict[str, Any]) -> None:
        _show_contacts(work, data["items"])
        work.out.page(data, "contact")

    work.answer(found, show)


@verb
def save_filter(
    work: Work,
    name: FilterName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML or JSON; - for input.")],
) -> None:
    """Save a filter under a name, in place of what the name stood for before.

    \b
    Examples:
      run.py filter save debtors debtors.yaml
      echo '{attribute: city, operator: equals, value: Boston}' | run.py filter save boston -
    """
    text, source = read_text(file)
    saved = work.call("filter save", name=name, text=text, source=source)
    work.answer(
        saved,
        lambda data: work.out.say(f"filter {data['name']!r}: finds {_contacts(data['contacts'])}"),
    )


@verb
def list_filters(work: Work, page: Paged = 1, per_page: PerPage = 20) -> None:
    """List saved filters.

    \b
    Example:
      run.py filter list
    """
    found = work.call("filter list", page=page, per_page=per_page)

    def show(data: dict[str, Any]) -> None:
        work.out.table(
            ("name", "contacts", "created", "modified"),
            [
                (
                    item["name"],
                    "no longer fits" if item["contacts"] is None else item["contacts"],
                    local(item["created_at"]),
                    local(item["modified_at"]),
                )
                for item in data["items"]
            ],
            numbers=("contacts",),
        )
        work.out.page(data, "filter")

    work.answer(found, show)


@verb
def preview_filter(
    work: Work,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="A saved filter.")] = "",
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="One that is not saved.", show_default=False),
    ] = None,
    sample: Annotated[int, typer.Option(min=0, max=1000, help="Contacts shown.")] = 10,
) -> None:
    """Show how many contacts a filter finds, and the first of them.

    \b
    Examples:
      run.py filter preview debtors
      run.py filter preview --file debtors.yaml --sample 3
    """
    if bool(name) == (file is not None):
        raise InputError(
            "filter preview", "not said which filter", "give a saved one's name, or --file"
        )
    text, source = read_text(file) if file is not None else (None, "")
    found = work.call("filter preview", name=name, text=text, source=source, sample=sample)

    def show(data: dict[str, Any]) -> None:
        if data["sample"]:
            _show_contacts(work, data["sample"])
        work.out.say(f"finds {_contacts(data['count'])}")

    work.answer(found, show)


def _show_contacts(work: Work, items: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for item in items for name in item["attributes"]))
    work.out.table(
        ("id", *names),
        [
            (item["contact_id"], *(_value(item["attributes"].get(name)) for name in names))
            for item in items
        ],
        numbers=("id",),
    )


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, (list, tuple)) else value


def _contacts(count: int) -> str:
    return f"{count} contact" if count == 1 else f"{count} contacts"


@contextmanager
def _lines(file: Path, out: Output) -> Iterator[Iterator[bytes]]:
    """The file's lines, under a progress bar where somebody watches."""
    if file == STANDARD_INPUT:
        yield iter(sys.stdin.buffer)
        return
    try:
        stream = file.open("rb")
        size = file.stat().st_size
    except OSError as error:
        raise unreadable(file, error) from None
    with stream, out.progress(file.name) as told:
        yield _counted(_readable(stream, file), lambda done: told(done, size))


def _readable(stream: IO[bytes], file: Path) -> Iterator[bytes]:
    """A folder opens and cannot be read; a disk may fail half-way."""
    try:
        yield from stream
    except OSError as error:
        raise unreadable(file, error) from None


def _counted(lines: Iterator[bytes], told: Callable[[int], None]) -> Iterator[bytes]:
    done = 0
    for line in lines:
        done += len(line)
        told(done)
        yield line


@contextmanager
def _rejects_file(path: Path | None) -> Iterator[Callable[[Rejected], None]]:
    if path is None:
        yield lambda _: None
        return
    try:
        stream = path.open("w", newline="", encoding="utf-8")
    except OSError as error:
        what = f"cannot be written: {error.strerror}"
        raise InputError(str(path), what, "give another --rejects") from None
    with stream:
        writer = csv.writer(stream)
        writer.writerow(Rejected._fields)
        yield writer.writerow
