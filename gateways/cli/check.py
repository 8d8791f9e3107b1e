"""check: what is wrong with settings, flows, filters and scenarios, before anything runs.

The rule of this module: a file is told by what is in it: `nodes` make a flow, `all`, `any` or
`attribute` a filter, what only a scenario has a scenario, and all else is a settings file.
Everything wrong is told at once.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.documents import Document
from dialer.errors import DialerError, InputError
from dialer.filter_tree import parse_filter
from dialer.filters import bind
from gateways.cli.files import STANDARD_INPUT, read_text
from gateways.cli.verb import Work, verb
from gateways.control.flow_check import check_flow
from gateways.control.site import Site

_ONLY_A_SCENARIO = frozenset(
    {"about", "calls", "cpa", "contacts", "segments", "changes", "bursts", "faults", "fitted"}
)
"""Keys that no settings file has."""

_SCHEMA = "scenario.schema.json"
"""What the first line of a scenario names, for editors."""


def add_to(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command("check")(check)


@verb
def check(
    work: Work,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Settings, flows, filters, scenarios.")
    ],
) -> None:
    """Say what is wrong with files, line by line, without starting anything.

    Names in flows and filters are checked against a settings file where there is one.

    \b
    Examples:
      run.py check foredial.yaml
      run.py check --config foredial.yaml flows/*.yaml filters/*.yaml
      run.py check config/scenarios/*.yaml
    """
    site = _site(work)
    checked = [_checked(work, file, site) for file in files]
    good = not any(entry["problems"] for entry in checked)
    if work.as_json:
        work.out.document({"ok": good, "files": checked})
    for entry in checked:
        if not work.as_json and not entry["problems"]:
            work.out.say(f"{entry['file']}: good ({entry['kind']})")
        for problem in entry["problems"]:
            work.out.warn(problem["line"])
    if not good:
        raise typer.Exit(2)


def _site(work: Work) -> Site | None:
    """What names are checked against: None where no settings can be used."""
    config = work.config_if_any()
    if config is None:
        return None
    try:
        return work.host.site(config).site
    except DialerError as error:
        # Told at the files that it is about; here it only means fewer checks.
        work.out.warn(f"names are not checked: {error}")
        return None


def _checked(work: Work, file: Path, site: Site | None) -> dict[str, Any]:
    try:
        kind, problems = _problems(work, file, site)
    except InputError as error:
        kind, problems = "unknown", [error]
    return {
        "file": str(file),
        "kind": kind,
        "problems": [
            {"where": one.where, "what": one.what, "mend": one.mend, "line": str(one)}
            for one in problems
        ],
    }


def _problems(work: Work, file: Path, site: Site | None) -> tuple[str, list[InputError]]:
    text, name = read_text(file)
    document = Document.load(text, name)
    keys = set(document.data) if isinstance(document.data, dict) else set()
    if "nodes" in keys:
        return "flow", list(check_flow(text, name, site).faults)
    if keys & {"all", "any", "attribute"}:
        return "filter", _filter_problems(document, site)
    if keys & _ONLY_A_SCENARIO or _SCHEMA in text.partition("\n")[0]:
        return "scenario", list(work.host.scenario_problems(text, file))
    if file == STANDARD_INPUT:
        raise InputError(name, "no flow, filter or scenario", "give settings as a file")
    return "settings", list(work.host.check(file))


def _filter_problems(document: Document, site: Site | None) -> list[InputError]:
    try:
        tree = parse_filter(document)
        if site is not None:
            bind(tree, site.schema, datetime.now().astimezone().date(), document)
    except InputError as error:
        return [error]
    return []
