"""The command line as a whole.

The rule of this module: whatever goes wrong ends in an exit code and one line on standard error
for each problem, never in a traceback; tracebacks are for bugs.

Exit codes: 0 good; 1 something outside did not do its part (no daemon where one is needed, the
database, the output); 2 bad input; 3 a threshold was missed; 130 interrupted.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from dialer.errors import DialerError, InputError
from gateways.cli.host import Host
from gateways.cli.late import LateGroup, LateVerb, of_module
from gateways.cli.output import Output
from gateways.cli.verb import ConfigOption, JsonOption

GATEWAY_FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

VERBS = tuple(
    of_module(name, line, f"gateways.cli.{module}")
    for name, line, module in (
        ("serve", "Run the daemon until it gets SIGTERM or Ctrl-C.", "daemon"),
        (
            "demo",
            "See calls flow without a trunk: simulated carrier, customers and agents in real time.",
            "daemon",
        ),
        (
            "stop",
            "Panic stop: end all new dials, ringing calls included; live calls finish.",
            "daemon",
        ),
        (
            "status",
            "Whether a daemon runs, and how it does. Exit code 1 where none runs.",
            "daemon",
        ),
        (
            "check",
            "Say what is wrong with files, line by line, without starting anything.",
            "check",
        ),
        ("contacts", "Contacts: import, add and list.", "contacts"),
        ("filter", "Filters: whom a campaign calls.", "contacts"),
        ("campaign", "Campaigns: draw, publish, pause, end.", "campaigns"),
        ("agents", "Agents: add, list, and ask for their state.", "agents"),
        ("queues", "List queues and how many agents serve each.", "agents"),
        ("trunk", "Trunks: list, and place a test call.", "agents"),
        ("formula", "Pacing formulas: what they come to.", "formulas"),
        ("explain", "Why something was dialed, or was not.", "explain"),
    )
)


@dataclass
class Root:
    """What was said before the verb."""

    host: Host
    config: Path | None
    as_json: bool


class _OneLineGroup(LateGroup):
    """Ends every failure in one line and an exit code."""

    def main(self, *args: Any, **given: Any) -> Any:
        given["standalone_mode"] = False
        sys.exit(_exit_code(lambda: super(_OneLineGroup, self).main(*args, **given)))


def _exit_code(run: Callable[[], Any]) -> int:
    try:
        code = run()
        sys.stdout.flush()
    except (DialerError, OSError) as error:
        return _failure(error)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        # What typer says about the way a command was typed has a message for people.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        return _usage(error, message())
    return code if isinstance(code, int) else 0


def _failure(error: DialerError | OSError) -> int:
    if isinstance(error, BrokenPipeError):
        # Whoever read us has gone; the interpreter's own flush at the end must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    elif isinstance(error, InputError):
        from gateways.control.problems import all_of

        for problem in all_of(error):
            Output.warn(str(problem))
        return BAD_INPUT
    elif isinstance(error, OSError):
        # A folder that cannot be made, a disk that is full: no bug of ours, and no traceback.
        place = f"{error.filename}: " if error.filename else ""
        Output.warn(f"{place}{error.strerror or error}")
    else:
        Output.warn(str(error))
    return GATEWAY_FAILED


def _usage(error: Any, message: str) -> int:
    if not message or "\n" in message:  # the help of a verb that was typed alone
        error.show()
    else:
        path = error.ctx.command_path if getattr(error, "ctx", None) is not None else ""
        Output.warn(f"{message.rstrip('.')}; see {path} --help" if path else message)
    return int(error.exit_code)


def build_app(host: Host, more: Sequence[LateVerb] = ()) -> typer.Typer:
    """The command line on a host. more: the verbs of another room."""

    class Verbs(_OneLineGroup):
        verbs = (*VERBS, *more)

    app = typer.Typer(
        cls=Verbs,
        help="Foredial: an outbound dialer that knows what a campaign will do before it rings.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def root(ctx: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
        ctx.obj = Root(host, config, as_json)

    return app
