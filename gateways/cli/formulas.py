"""formula eval and preview: what a formula comes to on recorded samples, and why.

The rule of this module: nothing is dialed and nothing changed. A bad formula is bad input; one
that gives no number is an answer, told with the reason that pacing would note.
"""

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.errors import FormulaError, InputError
from dialer.journal import Sampled
from dialer.promql import (
    Explained,
    Formula,
    Matrix,
    Result,
    Scalar,
    SeriesStore,
    String,
    Vector,
    compile_formula,
    number_text,
    result_text,
)
from dialer.promql.labels import text as labels_text
from dialer.promql.lint import lint, mend
from dialer.sampler import LONGEST_KEPT_MS
from dialer.series_log import WHOLE_EVERY_S, read_series
from gateways.cli.files import STANDARD_INPUT, read_text
from gateways.cli.output import Branch, local
from gateways.cli.verb import Work, verb
from gateways.journal import Wanted, read_journal
from gateways.prometheus.samples import read_samples

FormulaText = Annotated[
    str, typer.Argument(metavar="FORMULA", help="PromQL, @FILE with it, or - for standard input.")
]
SamplesFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Recorded samples: OpenMetrics, or promtool tsdb dump.",
        show_default=False,
    ),
]
Recorded = Annotated[
    bool,
    typer.Option(
        "--recorded", help="On what the settings' daemon has recorded, up to this second."
    ),
]
At = Annotated[
    str,
    typer.Option(metavar="TIME", help="ISO time or seconds since the epoch; else the last sample."),
]
Semantics = Annotated[
    str, typer.Option(metavar="3|2", help="The version of Prometheus whose answers are meant.")
]
CampaignTitle = Annotated[
    str, typer.Option(metavar="TITLE", help="Whose number it is, where there is one for each.")
]


_WIDEST = 80
"""Characters of a formula in a line of its tree."""


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command line."""
    group = typer.Typer(help="Pacing formulas: what they come to.", no_args_is_help=True)
    app.add_typer(group, name="formula")
    group.command("eval")(evaluate)
    group.command("preview")(preview)


@verb
def evaluate(
    work: Work,
    formula: FormulaText,
    samples: SamplesFile = None,
    recorded: Recorded = False,
    at: At = "",
    semantics: Semantics = "3",
) -> None:
    """What a formula comes to: every series with its value.

    \b
    Examples:
      run.py formula eval 'sum by (campaign) (dialer_agents)' --samples day.om
      run.py formula eval @config/formulas/mine.promql --samples day.om --at 2026-03-02T10:30
      run.py formula eval compliance_guard --recorded
    """
    compiled = _compiled(work, formula, semantics)
    store, t_ms = _series(work, compiled, samples, at, recorded=recorded)
    result = compiled.at(store, t_ms)
    found = {
        "formula": compiled.text,
        "at_s": t_ms / 1000,
        "kind": compiled.kind,
        "result": _rows(result),
        "warnings": [*result.notes.warnings, *result.notes.infos],
    }

    def show(data: dict[str, Any]) -> None:
        work.out.table(
            ("series", "value"), [(r["series"], r["text"]) for r in data["result"]], ("value",)
        )
        many = len(data["result"])
        work.out.say(f"{many} {'value' if many == 1 else 'values'} at {local(data['at_s']) or 0}")

    work.answer(found, show)


@verb
def preview(
    work: Work,
    formula: FormulaText,
    samples: SamplesFile = None,
    recorded: Recorded = False,
    at: At = "",
    semantics: Semantics = "3",
    campaign: CampaignTitle = "",
) -> None:
    """The number that pacing would take, every part with its value, and what may go wrong.

    Without samples it shows the parts and what may go wrong.

    \b
    Examples:
      run.py formula preview @mine.promql --samples day.om --campaign "Spring offer"
      run.py formula preview compliance_guard --recorded --campaign "Spring offer"
      run.py formula preview 'sum(rate(dialer_call_attempts_total[2s]))'
    """
    compiled = _compiled(work, formula, semantics)
    store, t_ms = _series(work, compiled, samples, at, recorded=recorded, needed=False)
    number = compiled.number(store, t_ms / 1000, campaign)
    findings = lint(compiled.text)
    mended = mend(compiled.text)
    found = {
        "formula": compiled.text,
        "at_s": t_ms / 1000,
        "value": number.value,
        "outcome": number.result,
        "reason": number.reason,
        "parts": _tree(compiled.explain(store, t_ms / 1000)),
        "findings": [finding._asdict() for finding in findings],
        "mended": mended if mended != compiled.text else "",
    }

    def show(data: dict[str, Any]) -> None:
        work.out.tree(_branch(data["parts"]))
        if samples is not None or recorded:
            told = data["reason"] if data["value"] is None else number_text(data["value"])
            work.out.say(f"\npacing takes: {told}")
        for finding in data["findings"]:
            level, what = finding["level"], finding["what"]
            work.out.say(f"{level}: {finding['rule']}: {finding['part'][:100]}: {what}")
            work.out.say(f"  {finding['mend']}")
        if data["mended"]:
            work.out.say(f"\nmended: {data['mended']}")

    work.answer(found, show)


def _compiled(work: Work, given: str, semantics: str) -> Formula:
    where, text = "formula", given
    config = work.config_if_any()
    if given.isidentifier() and config is not None:
        text = work.host.site(config).site.formulas().get(given, given)
    if given == str(STANDARD_INPUT):
        text, where = read_text(STANDARD_INPUT)
    elif given.startswith("@"):
        text, where = read_text(Path(given[1:]))
    try:
        return compile_formula(text.strip(), semantics)
    except FormulaError as error:
        place = f"{where}: {error.where}" if error.where else where
        raise InputError(place, error.what, error.mend) from None


def _series(
    work: Work,
    formula: Formula,
    file: Path | None,
    at: str,
    *,
    recorded: bool,
    needed: bool = True,
) -> tuple[SeriesStore, int]:
    """The series, and the instant in ms: `at`, else that of the last sample."""
    if recorded:
        store = _recorded(work, formula, _instant_ms(at) / 1000 if at else time.time())
    elif file is not None:
        store = read_samples(*read_text(file))
    elif needed:
        raise InputError("--samples", "no samples are given", "name a file, or give --recorded")
    else:
        return SeriesStore(), _instant_ms(at) if at else 0
    stamps = [series.stamps_ms[-1] for series in store if series.stamps_ms]
    return store, _instant_ms(at) if at else max(stamps)


def _recorded(work: Work, formula: Formula, until: float) -> SeriesStore:
    """What a daemon's journal holds of series, as far back as the formula looks."""
    reach_s = LONGEST_KEPT_MS / 1000
    if formula.reads.reach_ms is not None:
        reach_s = formula.reads.reach_ms / 1000
    journal = work.host.site(work.config()).site.journal_dir
    wanted = Wanted((Sampled,), since=until - reach_s - 2 * WHOLE_EVERY_S, until=until)
    records = [r for r in read_journal(journal, wanted) if isinstance(r, Sampled)]
    if not records:
        what = "it holds no series of that time"
        raise InputError(str(journal), what, "run a daemon with journal.series: true, or give --at")
    return read_series(records)


def _instant_ms(at: str) -> int:
    try:
        return round(float(at) * 1000)
    except (ValueError, OverflowError):
        pass
    try:
        return round(datetime.fromisoformat(at).timestamp() * 1000)
    except (ValueError, OverflowError):
        mend = "write 2026-03-02T10:30 or seconds since the epoch"
        raise InputError("--at", f"'{at}' is no time", mend) from None


def _rows(result: Result) -> list[dict[str, Any]]:
    match result:
        case Scalar():
            return [{"series": "", "value": result.value, "text": number_text(result.value)}]
        case String():
            return [{"series": "", "value": result.value, "text": result.value}]
        case Vector():
            return [
                {
                    "series": labels_text(sample.labels),
                    "labels": dict(sample.labels),
                    "value": sample.value,
                    "text": number_text(sample.value),
                }
                for sample in result.samples
            ]
        case Matrix():
            return [
                {
                    "series": labels_text(points.labels),
                    "labels": dict(points.labels),
                    "stamps_ms": list(points.stamps_ms),
                    "values": list(points.values),
                    "text": f"{len(points.values)} samples",
                }
                for points in result.series
            ]


def _said(part: Explained) -> str:
    return part.error or (result_text(part.result) if part.result is not None else "")


def _tree(part: Explained) -> dict[str, Any]:
    said = _said(part)
    below = [one for one in part.parts if one.text != _said(one)]  # a number says itself
    return {"text": part.text, "says": said, "parts": [_tree(one) for one in below]}


def _branch(part: dict[str, Any]) -> Branch:
    """A line of the tree; what has parts is cut short, for they stand below in full."""
    text, parts = part["text"], part["parts"]
    if parts and len(text) > _WIDEST:
        text = f"{text[: _WIDEST // 2]} ... {text[-_WIDEST // 2 :]}"
    return f"{text}  =  {part['says']}", [_branch(one) for one in parts]
