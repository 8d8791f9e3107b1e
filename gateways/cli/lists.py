"""contacts lists, list-weight, list-pause and list-resume.

The rule of this module: a list is named as it was at its import; what is said of it counts for
every campaign.
"""

from typing import Annotated, Any

import typer

from gateways.cli.output import local
from gateways.cli.verb import Work, verb

ListName = Annotated[str, typer.Argument(metavar="NAME", help="The list's name.")]


def add_to(contacts: typer.Typer) -> None:
    """Add these verbs to those of contacts."""
    contacts.command("lists")(show_lists)
    contacts.command("list-weight")(weight_list)
    contacts.command("list-pause")(pause_list)
    contacts.command("list-resume")(resume_list)


@verb
def show_lists(work: Work) -> None:
    """Show the lists that contacts belong to.

    \b
    Example:
      run.py contacts lists
    """

    def show(data: dict[str, Any]) -> None:
        work.out.table(
            ("list", "weight", "", "contacts", "created"),
            [
                (
                    item["name"],
                    item["weight"],
                    "paused" if item["paused"] else "",
                    item["contacts"],
                    local(item["created_at"]),
                )
                for item in data["items"]
            ],
            numbers=("weight", "contacts"),
        )

    work.answer(work.call("contacts lists"), show)


@verb
def weight_list(
    work: Work,
    name: ListName,
    weight: Annotated[
        int, typer.Argument(metavar="WEIGHT", help="Contacts for one of a list of weight 1.")
    ],
) -> None:
    """Say how many contacts of a list are dialed for one of a list of weight 1.

    \b
    Example:
      run.py contacts list-weight spring 2
    """
    _answer(work, work.call("contacts list-weight", name=name, weight=weight))


@verb
def pause_list(work: Work, name: ListName) -> None:
    """Dial no contact of a list, hot leads included; calls that are under way go on.

    \b
    Example:
      run.py contacts list-pause spring
    """
    _answer(work, work.call("contacts list-pause", name=name))


@verb
def resume_list(work: Work, name: ListName) -> None:
    """Dial the contacts of a list again.

    \b
    Example:
      run.py contacts list-resume spring
    """
    _answer(work, work.call("contacts list-resume", name=name))


def _answer(work: Work, changed: dict[str, Any]) -> None:
    state = ", paused" if changed["paused"] else ""
    said = f"list {changed['name']!r}: weight {changed['weight']}{state}, contacts: "
    work.answer(changed, lambda data: work.out.say(f"{said}{data['contacts']}"))
