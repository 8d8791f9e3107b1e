"""campaign create, edit, list, show, publish, unpublish, stop, clone, reset, delete.

The rule of this module: a campaign is named by its id or its exact title, everywhere.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.campaign import next_status
from dialer.errors import InputError, LifecycleError
from gateways.cli.files import read_text
from gateways.cli.host import Proof, ProofOptions
from gateways.cli.output import local
from gateways.cli.verb import Work, verb

Named = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Its id or exact title.")]
FlowFile = Annotated[Path, typer.Argument(metavar="FLOW", help="YAML file; - for input.")]
Title = Annotated[str | None, typer.Option(help="Instead of the flow's.", show_default=False)]
Description = Annotated[str | None, typer.Option(help="Instead of the flow's.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    group = typer.Typer(help="Campaigns: draw, publish, pause, end.", no_args_is_help=True)
    app.add_typer(group, name="campaign")
    group.command("create")(create)
    group.command("edit")(edit)
    group.command("list")(list_campaigns)
    group.command("show")(show)
    group.command("publish")(publish)
    group.command("unpublish")(unpublish)
    group.command("stop")(stop)
    group.command("clone")(clone)
    group.command("reset")(reset)
    group.command("delete")(delete)


@verb
def create(
    work: Work, flow: FlowFile, title: Title = None, description: Description = None
) -> None:
    """Make a draft from a flow. Blueprints are in config/campaigns.

    \b
    Examples:
      run.py campaign create config/campaigns/progressive.yaml --title "Spring offer"
      run.py campaign create flow.yaml --json
    """
    text, name = read_text(flow)
    made = work.call(
        "campaign create", flow=text, source=name, title=title, description=description
    )
    _tell(work, made, "created as a draft; publish it with campaign publish")


@verb
def edit(
    work: Work,
    campaign: Named,
    flow: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The new flow.", show_default=False)
    ] = None,
    title: Annotated[str | None, typer.Option(help="New title.", show_default=False)] = None,
    description: Annotated[
        str | None, typer.Option(help="New description.", show_default=False)
    ] = None,
) -> None:
    """Change a campaign. A published one runs a new flow at once; calls finish on the old one.

    \b
    Examples:
      run.py campaign show 3 --flow > flow.yaml
      run.py campaign edit 3 --flow flow.yaml
      run.py campaign edit "Spring offer" --title "Summer offer"
    """
    if flow is None and title is None and description is None:
        raise typer.BadParameter("nothing to change: give --flow, --title or --description")
    text, name = read_text(flow) if flow is not None else (None, "")
    changed = work.call(
        "campaign edit",
        campaign=campaign,
        flow=text,
        source=name,
        title=title,
        description=description,
    )
    _tell(work, changed, f"changed; version {changed['version']}")


@verb
def list_campaigns(
    work: Work,
    search: Annotated[str, typer.Option(metavar="WORDS", help="All in the title.")] = "",
    status: Annotated[
        str, typer.Option(help="unpublished, published or stopped.", show_default=False)
    ] = "",
    page: Annotated[int, typer.Option(min=1)] = 1,
    per_page: Annotated[int, typer.Option(min=1, max=1000)] = 20,
) -> None:
    """List campaigns, the newest first.

    \b
    Examples:
      run.py campaign list --page 2
      run.py campaign list --search "spring offer" --status published
    """
    _check_status(status)
    found = work.call("campaign list", search=search, status=status, page=page, per_page=per_page)

    def show_list(data: dict[str, Any]) -> None:
        work.out.table(
            ("id", "title", "status", "created", "modified", "contacts"),
            [
                (
                    item["campaign_id"],
                    item["title"],
                    item["status"],
                    local(item["created_at"]),
                    local(item["modified_at"]),
                    item["contacts"],
                )
                for item in data["items"]
            ],
            numbers=("id", "contacts"),
        )
        work.out.page(data, "campaign")

    work.answer(found, show_list)


@verb
def show(
    work: Work,
    campaign: Named,
    flow: Annotated[bool, typer.Option("--flow", help="Print the flow's YAML only.")] = False,
) -> None:
    """Show a campaign, or its flow.

    \b
    Examples:
      run.py campaign show "Spring offer"
      run.py campaign show 3 --flow > flow.yaml
    """
    found = work.call("campaign show", campaign=campaign)

    def show_one(data: dict[str, Any]) -> None:
        if flow:
            typer.echo(data["flow"], nl=not data["flow"].endswith("\n"))
            return
        rows = [
            (name.removesuffix("_at").replace("_", " "), local(v) if name.endswith("_at") else v)
            for name, v in data.items()
            if name != "flow"
        ]
        work.out.table(("campaign", data["title"]), rows)

    work.answer(found, show_one)


@verb
def publish(
    work: Work,
    campaign: Named,
    prove: Annotated[
        str,
        typer.Option(metavar="SCENARIO", help="Simulate it first; refuse if it misses a limit."),
    ] = "",
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="LIMIT", help="Of --prove; else its preset's abandonment."),
    ] = None,
    agents: Annotated[
        int | None, typer.Option(min=1, max=5000, help="Of --prove; else what it seizes.")
    ] = None,
    hours: Annotated[float | None, typer.Option(min=0.01, max=744, help="Of --prove.")] = None,
    replications: Annotated[int, typer.Option(min=2, max=10_000, help="Of --prove.")] = 5,
) -> None:
    """Let a campaign dial.

    With --prove its very flow is simulated first, and it stays as it is, with exit code 3, where a
    limit is not surely kept.

    \b
    Examples:
      run.py campaign publish 3
      run.py campaign publish "Spring offer" --prove everyday --threshold 'abandonment<=0.03'
    """
    if not prove:
        if threshold or agents or hours:
            raise InputError("publish", "--threshold without --prove", "give --prove SCENARIO")
        _tell(work, work.call("campaign publish", campaign=campaign), "published")
        return
    found = work.call("campaign show", campaign=campaign)
    next_status(found["title"], found["status"], "publish")
    options = ProofOptions(prove, tuple(threshold or ()), agents, hours, replications)
    with work.out.progress(f"{found['title']} in {prove}") as told:
        shown = work.host.prove(found["flow"], f"campaign {found['title']}", options, told)
    if not shown.good:
        _refuse(work, found, shown)
        work.miss_threshold()
    if work.call("campaign show", campaign=campaign)["flow"] != found["flow"]:
        what = "its flow was changed while it was proven"
        raise LifecycleError(f"campaign {found['title']!r}", what, "prove it again")
    done = work.call("campaign publish", campaign=campaign)
    if not work.as_json:
        for line in shown.words:
            work.out.say(line)
    _tell(work, {**done, "proof": shown.document}, "proven and published")


def _refuse(work: Work, campaign: dict[str, Any], shown: Proof) -> None:
    if work.as_json:
        work.out.document({**campaign, "proof": shown.document})
    for line in shown.words:
        work.out.warn(f"campaign {campaign['title']!r} is not published: {line}")


@verb
def unpublish(work: Work, campaign: Named) -> None:
    """Pause a campaign: no new dials; live calls finish.

    \b
    Example:
      run.py campaign unpublish "Spring offer"
    """
    _tell(work, work.call("campaign unpublish", campaign=campaign), "unpublished")


@verb
def stop(work: Work, campaign: Named) -> None:
    """End a campaign for good; live calls finish. Clone it to run it again.

    \b
    Example:
      run.py campaign stop "Spring offer"
    """
    _tell(work, work.call("campaign stop", campaign=campaign), "stopped for good")


@verb
def clone(
    work: Work,
    campaign: Named,
    title: Annotated[str, typer.Option(help="Else the old one and (copy).")] = "",
) -> None:
    """Make a draft with the same flow, which has touched no contact yet.

    \b
    Example:
      run.py campaign clone "Spring offer" --title "Summer offer"
    """
    _tell(work, work.call("campaign clone", campaign=campaign, title=title), "made as a draft")


@verb
def reset(work: Work, campaign: Named) -> None:
    """Give a paused campaign's contacts back, to be dialed as if for the first time.

    Their attempts stay on record.

    \b
    Example:
      run.py campaign reset "Spring offer"
    """
    done = work.call("campaign reset", campaign=campaign)
    _tell(work, done, f"reset; {done['contacts_given_back']} contacts are to be dialed again")


@verb
def delete(work: Work, campaign: Named) -> None:
    """Delete a campaign that is not published. Its attempts stay on record.

    \b
    Example:
      run.py campaign delete "Spring offer"
    """
    _tell(work, work.call("campaign delete", campaign=campaign), "deleted")


def _check_status(status: str) -> None:
    known = ("unpublished", "published", "stopped")
    if status and status not in known:
        raise typer.BadParameter(f"--status {status!r} is none of {', '.join(known)}")


def _tell(work: Work, told: dict[str, Any], done: str) -> None:
    work.answer(
        told, lambda data: work.out.say(f"campaign {data['campaign_id']} {data['title']!r}: {done}")
    )
