"""serve, demo, stop, status.

The rule of this module: starting and stopping is the host's; here is only how to ask for it.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.errors import InputError
from gateways.cli.host import DemoOptions
from gateways.cli.output import local
from gateways.cli.verb import Work, verb

ReadyFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Written once it serves.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    app.command("serve")(serve)
    app.command("demo")(demo)
    app.command("stop")(stop)
    app.command("status")(status)


@verb
def serve(work: Work, ready_file: ReadyFile = None) -> None:
    """Run the daemon until it gets SIGTERM or Ctrl-C.

    \b
    Examples:
      run.py serve --config foredial.yaml
      run.py serve --ready-file /run/foredial/ready
    """
    work.host.serve(work.config(), ready_file)
    if work.as_json:
        work.out.document({"served": True})


@verb
def demo(
    work: Work,
    agents: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Simulated agents.", show_default=False)
    ] = None,
    contacts: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Sample contacts.", show_default=False)
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0 takes a free one.", show_default=False)
    ] = None,
    ready_file: ReadyFile = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget earlier demos.")] = False,
) -> None:
    """See calls flow without a trunk: simulated carrier, customers and agents in real time.

    \b
    Examples:
      run.py demo
      run.py demo --agents 20 --fresh
    """
    work.host.demo(DemoOptions(agents, contacts, metrics_port, ready_file, fresh))
    if work.as_json:
        work.out.document({"served": True})


@verb
def stop(
    work: Work,
    panic: Annotated[bool, typer.Option("--panic", help="End all new dials at once.")] = False,
    lift: Annotated[bool, typer.Option("--lift", help="Dial again.")] = False,
) -> None:
    """Panic stop: end all new dials, ringing calls included; live calls finish.

    It lasts until it is lifted, over restarts too, and works without a daemon.

    \b
    Examples:
      run.py stop --panic
      run.py stop --lift
    """
    if panic == lift:
        raise InputError("stop", "not said which way", "give --panic, or --lift")
    done = work.call("panic", on=panic)

    def show(data: dict[str, Any]) -> None:
        line = "Nothing new is dialed." if panic else "The panic stop is lifted."
        if not data["running"]:
            line += " (no daemon runs; it holds for the next one)"
        elif panic and data.get("calls_in_progress"):
            line += f" Calls that may finish: {data['calls_in_progress']}."
        work.out.say(line)

    work.answer(done, show)


@verb
def status(work: Work) -> None:
    """Whether a daemon runs, and how it does. Exit code 1 where none runs.

    \b
    Examples:
      run.py status
      run.py status --json
    """
    told = work.call("status")
    work.answer(told, lambda data: _show_status(work, data))
    if not told["running"]:
        raise typer.Exit(1)


def _show_status(work: Work, told: dict[str, Any]) -> None:
    if not told["running"]:
        work.out.say("no daemon runs" + ("; a panic stop is in force" if told["panic"] else ""))
        return
    rows = []
    for name, value in told.items():
        shown = value
        if name.endswith("_at"):
            shown = local(value)
        elif isinstance(value, (dict, list)):
            shown = _in_a_line(value) or "none"
        elif isinstance(value, bool) or value == "":
            shown = "yes" if value else "no"
        rows.append((name.replace("_", " "), shown))
    work.out.table(("daemon", ""), rows)


def _in_a_line(value: Any) -> str:
    """What a daemon says of itself, however deep: the console has the room for more."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_in_a_line(held)}" for name, held in value.items())
    if isinstance(value, list):
        return ", ".join(_in_a_line(held) for held in value)
    return str(value)
