"""explain contact, pulse and campaign.

The rule of this module: the answer comes first, what it rests on below it.
"""

from typing import Annotated, Any

import typer

from gateways.cli.output import counts, local, seconds
from gateways.cli.verb import Work, verb


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    group = typer.Typer(help="Why something was dialed, or was not.", no_args_is_help=True)
    app.add_typer(group, name="explain")
    group.command("contact")(contact)
    group.command("pulse")(pulse)
    group.command("campaign")(campaign)


@verb
def contact(
    work: Work,
    who: Annotated[str, typer.Argument(metavar="CONTACT", help="Id, key or number.")],
    days: Annotated[int, typer.Option(min=0, max=3650, help="How far back skips are read.")] = 7,
) -> None:
    """Where a contact stands in each campaign, its attempts, and why it was skipped.

    \b
    Examples:
      run.py explain contact +12125550123
      run.py explain contact a-1 --days 30
    """

    def show(data: dict[str, Any]) -> None:
        for found in data["contacts"]:
            _show_contact(work, found)

    work.answer(work.call("explain contact", who=who, days=days), show)


@verb
def pulse(
    work: Work,
    pulse_id: Annotated[str, typer.Argument(metavar="[PULSE]", help="As 3-1767225600000.")] = "",
    campaign: Annotated[
        str, typer.Option(metavar="CAMPAIGN", help="Its last pulses instead: id or exact title.")
    ] = "",
    last: Annotated[int, typer.Option(min=1, max=1000, help="How many of them.")] = 10,
) -> None:
    """What a pulse saw, what its pacing came to, what cut it, and what it dialed.

    \b
    Examples:
      run.py explain pulse --campaign "Spring offer" --last 3
      run.py explain pulse 3-1767225600000
    """

    def show(data: dict[str, Any]) -> None:
        work.out.table(
            ("pulse", "at", "dials", "why"),
            [(p["pulse_id"], local(p["at"]), p["dials"], p["words"]) for p in data["pulses"]],
            numbers=("dials",),
        )

    work.answer(work.call("explain pulse", pulse_id=pulse_id, campaign=campaign, last=last), show)


@verb
def campaign(
    work: Work,
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Its id or exact title.")],
) -> None:
    """Why a campaign dials nobody (the first cause in the chain), or that it dials.

    \b
    Examples:
      run.py explain campaign "Spring offer"
      run.py explain campaign 3 --json
    """

    def show(data: dict[str, Any]) -> None:
        record = data["campaign"]
        cause = f"{data['cause']}: " if data["cause"] else ""
        work.out.say(f"campaign {record['campaign_id']} {record['title']!r}: {cause}{data['why']}")
        for alarm in data["alarms"]:
            work.out.say(f"alarm since {local(alarm['since'])}: {alarm['text']}")
        work.out.say()
        work.out.table(
            ("link", "", "what it says"),
            [(link["link"], "ok" if link["ok"] else "NO", link["says"]) for link in data["chain"]],
        )
        outcomes = {name or "under way": count for name, count in data["outcomes"].items()}
        work.out.say(f"contacts touched: {counts(data['contacts']) or 'none'}")
        work.out.say(f"attempts: {counts(outcomes) or 'none'}")

    work.answer(work.call("explain campaign", campaign=campaign), show)


_ATTEMPT = ("attempt", "campaign", "number", "dialed", "rang", "talked")


def _show_contact(work: Work, found: dict[str, Any]) -> None:
    record = found["contact"]
    key = f" {record['key']}" if record["key"] else ""
    of_list = found["list"]
    paused = "; its list is paused" if of_list["paused"] else ""
    work.out.say(f"contact {record['contact_id']}{key}, of list {of_list['name']!r}{paused}")
    if not found["standings"]:
        work.out.say("no campaign has touched it yet")
    else:
        work.out.table(
            ("campaign", "state", "due", "attempts", "last outcome", "why"),
            [
                (
                    standing["title"],
                    standing["state"],
                    local(standing["due_at"]),
                    standing["attempts"],
                    standing["last_outcome"],
                    _why(standing),
                )
                for standing in found["standings"]
            ],
            numbers=("attempts",),
        )
    if found["attempts"]:
        work.out.table(
            (*_ATTEMPT, "outcome", "agent", "disposition"),
            [
                (
                    attempt["attempt_id"],
                    attempt["campaign_id"],
                    attempt["number"],
                    local(attempt["dialed_at"] or attempt["committed_at"]),
                    seconds(attempt["ring_s"]),
                    seconds(attempt["talk_s"]),
                    _outcome(attempt),
                    attempt["agent_id"],
                    ": ".join(part for part in (attempt["disposition"], attempt["note"]) if part),
                )
                for attempt in found["attempts"]
            ],
            numbers=("attempt", "campaign", "rang", "talked"),
        )
    if found["skips"]:
        work.out.table(
            ("skipped", "campaign", "why"),
            [(local(s["at"]), s["campaign_id"], s["reason"]) for s in found["skips"]],
            numbers=("campaign",),
        )
    else:
        work.out.say(f"not skipped since {local(found['skips_since'])}")


def _why(standing: dict[str, Any]) -> str:
    """Why it stands as it does: its reason, and the call-back that it is owed."""
    parts = [standing["reason"]] if standing["reason"] else []
    if standing["callback_at"]:
        who = standing["callback_agent"] or "any agent"
        parts.append(f"call-back by {who} promised for {local(standing['callback_at'])}")
    return "; ".join(parts)


def _outcome(attempt: dict[str, Any]) -> str:
    if not attempt["outcome"]:
        return str(attempt["meaning"])
    status = f" {attempt['sip_status']}" if attempt["sip_status"] else ""
    return f"{attempt['outcome']}{status}: {attempt['meaning']}"
