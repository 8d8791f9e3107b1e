"""What every verb of the command line has in common.

The rule of this module: each verb takes --config and --json, wherever they stand, and gets a
`Work` to do its work with; none of them handles errors itself.
"""

import functools
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from dialer.errors import ConfigError
from gateways.cli.host import Host
from gateways.cli.output import Output

if TYPE_CHECKING:
    from gateways.cli.session import Session

THRESHOLD_MISSED = 3

CONFIG_VARIABLE = "FOREDIAL_CONFIG"
USUAL_CONFIGS = (Path("foredial.yaml"), Path("config/foredial.yaml"))

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help=f"Settings file; else ${CONFIG_VARIABLE}, foredial.yaml, config/foredial.yaml.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document.", show_default=False)
]


class Work:
    """What a verb works with: the host, the settings file it was given, and its output."""

    def __init__(self, host: Host, config: Path | None, as_json: bool) -> None:
        self.host = host
        self.out = Output(as_json)
        self._given = config

    @property
    def as_json(self) -> bool:
        return self.out.as_json

    def config(self) -> Path:
        """The settings file.

        Raises:
            ConfigError: none is given and none is where they usually are.
        """
        found = self.config_if_any()
        if found is None:
            usual = " or ".join(str(path) for path in USUAL_CONFIGS)
            raise ConfigError("settings", f"there is no {usual} here", "give --config FILE")
        return found

    def config_if_any(self) -> Path | None:
        """The settings file: given, of the environment, or a usual one that exists."""
        if self._given is not None:
            return self._given
        if os.environ.get(CONFIG_VARIABLE):
            return Path(os.environ[CONFIG_VARIABLE])
        return next((path for path in USUAL_CONFIGS if path.exists()), None)

    @staticmethod
    def miss_threshold() -> NoReturn:
        """End the command, whose answer is printed, with the exit code for a missed threshold."""
        raise typer.Exit(THRESHOLD_MISSED)

    @contextmanager
    def session(self) -> "Iterator[Session]":
        """A session on what the settings file leads to."""
        from gateways.cli.session import Session  # reading and checking files needs none

        config = self.config()
        with Session(config, self.host.site(config)) as opened:
            yield opened

    def call(self, verb: str, *, longer_s: float = 0.0, **arguments: Any) -> Any:
        """Carry out one verb."""
        with self.session() as session:
            return session.call(verb, longer_s=longer_s, **arguments)

    def answer(self, data: Any, show: Callable[[Any], None]) -> None:
        """Print what a verb answered: as JSON, or by `show` for people, its warnings apart."""
        if self.as_json:
            self.out.document(data)
            return
        show(data)
        for warning in data.get("warnings", ()) if isinstance(data, Mapping) else ():
            self.out.warn(f"warning: {warning}")


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Make a typer command of a function whose first parameter is the `Work`."""
    signature = inspect.signature(function, eval_str=True)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in list(signature.parameters.values())[1:]
    ]

    def added(name: str, annotation: Any, default: Any) -> inspect.Parameter:
        kind = inspect.Parameter.KEYWORD_ONLY
        return inspect.Parameter(name, kind, default=default, annotation=annotation)

    @functools.wraps(function)
    def run(*, ctx: typer.Context, config: Path | None, as_json: bool, **given: Any) -> None:
        root = ctx.find_root().obj
        function(Work(root.host, config or root.config, as_json or root.as_json), **given)

    parameters = [
        added("ctx", typer.Context, inspect.Parameter.empty),
        *own,
        added("config", ConfigOption, None),
        added("as_json", JsonOption, False),
    ]
    del run.__wrapped__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
