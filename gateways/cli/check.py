"""check: what is wrong with settings, flows, filters, scenarios and formulas, before anything runs.

The rule of this module: a file is told by what is in it: `nodes` make a flow, `all`, `any` or
`attribute` a filter, `formula` a formula, what only a scenario has a scenario, and all else is a
settings file; only a file of bare PromQL is told by its name, .promql. Everything wrong is told at
once. What may go wrong is a warning: it is told, and the file is good.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.documents import Document
from dialer.errors import DialerError, InputError
from dialer.filter_tree import parse_filter
from dialer.filters import bind
from dialer.promql.lint import ERROR, NOTE, lint
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
        list[Path],
        typer.Argument(metavar="FILE...", help="Settings, flows, filters, scenarios, formulas."),
    ],
) -> None:
    """Say what is wrong with files, line by line, without starting anything.

    Names in flows and filters are checked against a settings file where there is one.

    \b
    Examples:
      run.py check foredial.yaml
      run.py check --config foredial.yaml flows/*.yaml filters/*.yaml
      run.py check config/scenarios/*.yaml formulas/*.promql
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
        for warning in () if work.as_json else entry["warnings"]:
            work.out.warn(f"warning: {warning}")
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
    warnings: list[str] = []
    try:
        kind, problems = _problems(work, file, site, warnings)
    except InputError as error:
        kind, problems = "unknown", [error]
    return {
        "file": str(file),
        "kind": kind,
        "problems": [
            {"where": one.where, "what": one.what, "mend": one.mend, "line": str(one)}
            for one in problems
        ],
        "warnings": warnings,
    }


def _problems(
    work: Work, file: Path, site: Site | None, warnings: list[str]
) -> tuple[str, list[InputError]]:
    """The kind of a file and what is wrong with it; what may go wrong is added to `warnings`."""
    text, name = read_text(file)
    if file.suffix == ".promql":
        return "formula", _formula_problems(text, name, warnings)
    document = Document.load(text, name)
    keys = set(document.data) if isinstance(document.data, dict) else set()
    if "nodes" in keys:
        checked = check_flow(text, name, site)
        warnings.extend(map(str, checked.warnings))
        return "flow", list(checked.faults)
    if isinstance(document.data.get("formula"), str):
        return "formula", _formula_problems(document.data["formula"], name, warnings)
    if keys & {"all", "any", "attribute"}:
        return "filter", _filter_problems(document, site)
    if keys & _ONLY_A_SCENARIO or _SCHEMA in text.partition("\n")[0]:
        return "scenario", list(work.host.scenario_problems(text, file))
    if file == STANDARD_INPUT:
        raise InputError(name, "no flow, filter or scenario", "give settings as a file")
    return "settings", list(work.host.check(file))


def _formula_problems(text: str, name: str, warnings: list[str]) -> list[InputError]:
    """What cannot work is a problem, what may go wrong a warning, what is as it is neither."""
    problems = []
    for finding in lint(text):
        where = f"{name}: {finding.rule}"
        error = InputError(where, f"{finding.part[:120]}: {finding.what}", finding.mend)
        if finding.level == ERROR:
            problems.append(error)
        elif finding.level != NOTE:
            warnings.append(str(error))
    return problems


def _filter_problems(document: Document, site: Site | None) -> list[InputError]:
    try:
        tree = parse_filter(document)
        if site is not None:
            bind(tree, site.schema, datetime.now().astimezone().date(), document)
    except InputError as error:
        return [error]
    return []
