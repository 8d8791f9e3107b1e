"""agents add, list and state; queues; trunk list and test-call.

The rule of this module: what only a daemon knows is left empty where none runs.
"""

from typing import Annotated, Any

import typer

from dialer.agents import WISHES
from gateways.cli.output import counts, local, seconds
from gateways.cli.verb import Work, verb


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    agents = typer.Typer(help="Agents: add, list, and ask for their state.", no_args_is_help=True)
    app.add_typer(agents, name="agents")
    agents.command("add")(add)
    agents.command("list")(list_agents)
    agents.command("state")(state)
    agents.command("preview")(preview)
    agents.command("dispose")(dispose)
    app.command("queues")(queues)
    trunk = typer.Typer(help="Trunks: list, and place a test call.", no_args_is_help=True)
    app.add_typer(trunk, name="trunk")
    trunk.command("list")(list_trunks)
    trunk.command("test-call")(place_test_call)


@verb
def add(
    work: Work,
    agent_id: Annotated[str, typer.Argument(metavar="ID", help="How commands call them.")],
    name: Annotated[str, typer.Option(help="For people.")] = "",
    address: Annotated[
        str, typer.Option(metavar="SIP", help="Their phone, as sip:amy@10.0.0.5.")
    ] = "",
    queue: Annotated[
        list[str] | None,
        typer.Option(help="A queue they serve; may be given again.", show_default=False),
    ] = None,
    wrap_up: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Their wrap-up limit.", show_default=False),
    ] = None,
) -> None:
    """Add an agent, or put new particulars in place of the old.

    \b
    Examples:
      run.py agents add amy --name "Amy Adams" --address sip:amy@10.0.0.5
      run.py agents add bob --address sip:bob@10.0.0.6 --queue sales --queue default
    """
    added = work.call(
        "agents add",
        agent_id=agent_id,
        name=name,
        address=address,
        queues=queue,
        wrap_up_s=wrap_up,
    )
    work.answer(
        added,
        lambda data: work.out.say(
            f"agent {data['agent_id']}: {'added' if data['new'] else 'changed'}, "
            f"serves {', '.join(data['queues'])}"
        ),
    )


@verb
def list_agents(work: Work) -> None:
    """List agents; where a daemon runs, with their states.

    \b
    Example:
      run.py agents list
    """

    def show(data: dict[str, Any]) -> None:
        work.out.table(
            ("id", "name", "state", "for", "reason", "queues", "address"),
            [
                (
                    agent["agent_id"],
                    agent.get("name"),
                    agent["state"],
                    seconds(agent.get("for_s")),
                    _reason(agent),
                    ", ".join(agent.get("queues", ())),
                    agent.get("address"),
                )
                for agent in data["items"]
            ],
            numbers=("for",),
        )
        work.out.page(data, "agent")

    work.answer(work.call("agents list"), show)


def _reason(agent: dict[str, Any]) -> str | None:
    """Why they are in their state, or what they have to do in it."""
    if agent.get("owes_disposition"):
        return "owes a disposition"
    reason: str | None = "previews a contact" if agent.get("preview") else agent.get("reason")
    return reason


@verb
def state(
    work: Work,
    agent_id: Annotated[str, typer.Argument(metavar="ID")],
    wish: Annotated[str, typer.Argument(metavar="WISH", help=", ".join(WISHES))],
    reason: Annotated[str, typer.Option(help="A pause code, for not_ready.")] = "",
    after: Annotated[
        float, typer.Option(metavar="SECONDS", help="For wrap_up_done: when it will be over.")
    ] = 0.0,
) -> None:
    """Ask for an agent's state, as they would themselves. Needs a running daemon.

    \b
    Examples:
      run.py agents state amy ready
      run.py agents state amy not_ready --reason lunch
      run.py agents state amy wrap_up_done --after 20
    """
    agent = work.call("agents state", agent_id=agent_id, wish=wish, reason=reason, after_s=after)
    work.answer(agent, lambda data: work.out.say(f"agent {data['agent_id']}: {data['state']}"))


@verb
def preview(
    work: Work,
    agent_id: Annotated[str, typer.Argument(metavar="ID")],
    answer: Annotated[str, typer.Argument(metavar="[accept|skip]", show_default=False)] = "",
    ticket: Annotated[
        int, typer.Option(help="Of the contact that is meant; else the one that is shown.")
    ] = 0,
) -> None:
    """Show the contact that an agent has before them, accept it, or skip it.

    It belongs to a campaign whose dialing mode is preview; accepted, it is dialed at once. Needs a
    running daemon.

    \b
    Examples:
      run.py agents preview amy
      run.py agents preview amy accept
    """
    told = work.call("agents preview", agent_id=agent_id, answer=answer, ticket=ticket)

    def show(data: dict[str, Any]) -> None:
        card = data["preview"]
        if data["answer"]:
            done = "accepted" if data["answer"] == "accept" else "skipped"
            work.out.say(f"agent {data['agent_id']}: {done} contact {card['contact_id']}")
        elif card is None:
            work.out.say(f"agent {data['agent_id']}: is shown no contact")
        else:
            rows = [("campaign", card["campaign"]), ("contact", card["contact_id"])]
            rows += [("number", card["number"]), ("attempts before", card["attempts"])]
            rows += [*card["attributes"].items()]
            work.out.table(("", f"preview {card['ticket']}"), rows)

    work.answer(told, show)


@verb
def dispose(
    work: Work,
    agent_id: Annotated[str, typer.Argument(metavar="ID")],
    disposition: Annotated[str, typer.Argument(help="Of the campaign's own.")],
    note: Annotated[str, typer.Option(help="For people, kept with the attempt.")] = "",
    callback_at: Annotated[
        str, typer.Option(metavar="TIME", help="+90m, 15:30, or '2026-03-02 15:30'.")
    ] = "",
    personal: Annotated[
        bool, typer.Option("--personal", help="The same agent calls back, if they are there.")
    ] = False,
) -> None:
    """Say what came of the call that an agent has, or had last. Needs a running daemon.

    \b
    Examples:
      run.py agents dispose amy sale --note "two years"
      run.py agents dispose amy call_back --callback-at 15:30 --personal
    """
    told = work.call(
        "agents dispose",
        agent_id=agent_id,
        disposition=disposition,
        note=note,
        callback_at=callback_at,
        personal=personal,
    )

    def show(data: dict[str, Any]) -> None:
        promised = f", call back at {local(data['callback_at'])}" if data["callback_at"] else ""
        work.out.say(f"agent {data['agent_id']}: {data['disposition']}{promised}")

    work.answer(told, show)


@verb
def queues(work: Work) -> None:
    """List queues and how many agents serve each.

    \b
    Example:
      run.py queues
    """

    def show(data: dict[str, Any]) -> None:
        work.out.table(
            ("queue", "mrd", "agents", "states"),
            [
                (queue["name"], queue["mrd"], queue["agents"], counts(queue["states"] or {}))
                for queue in data["items"]
            ],
            numbers=("agents",),
        )

    work.answer(work.call("queues"), show)


@verb
def list_trunks(work: Work) -> None:
    """List trunks; where a daemon runs, with their state and load.

    \b
    Example:
      run.py trunk list
    """

    def show(data: dict[str, Any]) -> None:
        work.out.table(
            ("trunk", "kind", "state", "channels", "calls/s", "reason"),
            [
                (
                    trunk["name"],
                    trunk.get("kind"),
                    {True: "up", False: "down", None: ""}[trunk["up"]],
                    f"{trunk['channels_in_use']} of {trunk['channels']}"
                    if "channels" in trunk
                    else "",
                    trunk.get("calls_per_second"),
                    trunk.get("reason"),
                )
                for trunk in data["items"]
            ],
            numbers=("channels", "calls/s"),
        )

    work.answer(work.call("trunk list"), show)


@verb
def place_test_call(
    work: Work,
    trunk: Annotated[str, typer.Argument(metavar="TRUNK")],
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As +12125550123.")],
    ring_timeout: Annotated[float, typer.Option(metavar="SECONDS", min=1, max=120)] = 30.0,
) -> None:
    """Place one call outside any campaign; hang up a second after an answer.

    The number must be one that may be dialed. Needs a running daemon.

    \b
    Example:
      run.py trunk test-call carrier +12125550123
    """
    told = work.call(
        "trunk test-call",
        longer_s=ring_timeout + 10,
        trunk=trunk,
        number=number,
        ring_timeout_s=ring_timeout,
    )

    def show(data: dict[str, Any]) -> None:
        status = " ".join(str(part) for part in (data["sip_status"], data["text"]) if part)
        delay = seconds(data.get("post_dial_delay_s"))
        line = f"{data['number']} through {data['trunk']}: {data['outcome']}"
        if status:
            line += f" ({status})"
        work.out.say(line + (f", ringing after {delay}" if delay else ""))

    work.answer(told, show)
