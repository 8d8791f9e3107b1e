"""backtest: a formula on recorded series, beside the pacing that ran.

The rule of this module: where the series come from (a journal, a simulated day, a Prometheus
server) makes no difference to what is judged, or how.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.backtest import Backtest, Judged, backtest, campaigns_of
from dialer.errors import FormulaError, InputError
from dialer.formulas import ShippedFormula
from dialer.journal import Sampled
from dialer.promql import Formula, SeriesStore, compile_formula
from dialer.series_log import read_series
from sim.cli.lent import Lab, Out, Work
from sim.collected import Collected
from sim.replication import run_replication

_ROWS = (
    ("calls in flight strived for", "calls", ".1f"),
    ("dials", "dials", ",.0f"),
    ("agents idle", "idle_agents", ".2f"),
    ("expected abandonment", "abandonment", ".2%"),
)


def add_to(app: typer.Typer, lab: Lab) -> None:
    """Add this verb to the command line."""

    @app.command("backtest")
    @lab.verb
    def backtest_verb(
        work: Work,
        formula: Annotated[
            str, typer.Argument(metavar="FORMULA", help="PromQL, or the name of a shipped formula.")
        ],
        journal: Annotated[
            Path | None, typer.Option(metavar="PATH", help="A daemon's journal: folder or file.")
        ] = None,
        scenario: Annotated[
            str, typer.Option(metavar="SCENARIO", help="A simulated day instead.")
        ] = "",
        pacer: Annotated[str, typer.Option(help="What ran on the simulated day.")] = "progressive",
        agents: Annotated[int, typer.Option(min=1, max=5000)] = 20,
        hours: Annotated[float, typer.Option(min=0.1, max=24)] = 2.0,
        seed: Annotated[int, typer.Option(min=0)] = 1,
        prometheus: Annotated[
            str, typer.Option(metavar="URL", help="A Prometheus that has recorded it instead.")
        ] = "",
        start: Annotated[
            float, typer.Option(metavar="SECONDS", help="Of the server's range: epoch seconds.")
        ] = 0.0,
        end: Annotated[float, typer.Option(metavar="SECONDS", help="Its end.")] = 0.0,
        campaign: Annotated[
            str, typer.Option(metavar="TITLE", help="Whose; needed where there are several.")
        ] = "",
        absolute: Annotated[
            bool, typer.Option("--absolute", help="It gives calls in progress, not per agent.")
        ] = False,
        every: Annotated[
            float, typer.Option(metavar="S", min=1, max=3600, help="Seconds between moments.")
        ] = 10.0,
        plot: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Draw it: .svg or .png.")
        ] = None,
    ) -> None:
        """Try a formula on recorded series, beside the pacing that ran. Nothing is dialed.

        It compares at the moments as they were; what a day would come to, simulate tells.

        \b
        Examples:
          run.py backtest compliance_guard --scenario base --pacer power:1.5 --hours 2
          run.py backtest 'vector(2)' --journal var/journal --campaign "Spring offer"
          run.py backtest safety_margin --journal var/journal --plot try.svg
        """
        compiled, per = _candidate(formula, lab.library.formulas, absolute)
        with work.out.progress("reading") as told:
            told(0, 1)
            if scenario:
                store = _simulated(lab, scenario, pacer, agents, hours, seed, compiled)
            elif journal is not None:
                store = _recorded(lab, journal)
            elif prometheus:
                if not 0 < start < end:
                    what = "the range has no beginning or no end"
                    raise InputError("--start, --end", what, "give both in epoch seconds")
                store = lab.read_range(prometheus, start, end)
            else:
                raise InputError(
                    "backtest", "nothing recorded is given", "--journal, --scenario or --prometheus"
                )
            found = backtest(store, compiled, _campaign(store, campaign), per=per, every_s=every)
        if plot is not None:
            draw(plot, found)
        document = _document(found, compiled.text, per)
        if work.as_json:
            work.out.document(document)
        else:
            show(work.out, found)


def _candidate(given: str, shipped: Any, absolute: bool) -> tuple[Formula, str]:
    named: ShippedFormula | None = shipped.get(given.strip())
    text = named.formula if named is not None else given
    per = named.per if named is not None else "reserved_agent"
    if named is not None and named.gives == "agents_to_reserve":
        what = "it gives agents to reserve, not calls"
        raise InputError(f"formula {given}", what, "simulate it: --pacer formula:" + given)
    try:
        return compile_formula(text), "absolute" if absolute else per
    except FormulaError as error:
        raise InputError(f"formula: {error.where}", error.what, error.mend) from None


def _campaign(store: SeriesStore, given: str) -> str:
    there = campaigns_of(store)
    if given or len(there) != 1:
        if not given and there:
            what = f"{len(there)} campaigns are recorded"
            raise InputError("--campaign", what, "name one of: " + ", ".join(there))
        return given
    return there[0]


def _recorded(lab: Lab, journal: Path) -> SeriesStore:
    if not journal.exists():
        raise InputError(str(journal), "no such file or folder", "check its path")
    return read_series(r for r in lab.read_journal(journal) if isinstance(r, Sampled))


def _simulated(
    lab: Lab, scenario: str, pacer: str, agents: int, hours: float, seed: int, wanted: Formula
) -> SeriesStore:
    case = lab.library.case(scenario, pacer, agents=agents, hours=hours)
    # As a shadow, so that the ledger takes what it reads as well.
    plan = replace(case.plan(), series=True, watched=(wanted.text,))
    sampled = Collected(Sampled)
    run_replication(plan, case.day, seed, [sampled])
    return read_series(sampled.records)


def _document(found: Backtest, formula: str, per: str) -> dict[str, Any]:
    return {
        "formula": formula,
        "per": per,
        "moments": len(found.moments),
        "from": found.moments[0].at,
        "to": found.moments[-1].at,
        "agents_free": found.agents_idle,
        "results": found.results,
        "live": found.live._asdict(),
        "candidate": found.candidate._asdict(),
        "series": [
            {"at": m.at, "free": m.free, "live": m.live, "candidate": m.candidate}
            for m in found.moments
        ],
    }


def show(out: Out, found: Backtest) -> None:
    """The table for people."""

    def cells(judged: Judged, name: str, form: str) -> str:
        return format(getattr(judged, name), form)

    out.table(
        ("at the moments as they were", "what ran", "the formula"),
        [
            (told, cells(found.live, name, form), cells(found.candidate, name, form))
            for told, name, form in _ROWS
        ],
        numbers=("what ran", "the formula"),
    )
    counts = ", ".join(f"{n} {result}" for result, n in found.results.items())
    out.say(f"\n{len(found.moments):,} moments; the formula was: {counts.replace('_', ' ')}.")
    out.say(f"Agents free on average, as recorded: {found.agents_idle:.2f}.")
    out.say("Agents idle and abandonment: expected, if all calls in flight were decided at once.")


def draw(file: Path, found: Backtest) -> None:
    """Calls strived for and free agents over the time, as SVG or PNG.

    Raises:
        InputError: neither of the two, or the file cannot be written.
    """
    if file.suffix not in (".svg", ".png"):
        raise InputError(f"--plot {file}", "neither .svg nor .png", "name such a file")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    axes = figure.subplots()
    first = found.moments[0].at
    minutes = [(m.at - first) / 60 for m in found.moments]
    axes.step(minutes, [m.live for m in found.moments], where="post", label="what ran")
    axes.step(minutes, [m.candidate for m in found.moments], where="post", label="the formula")
    free = [m.free for m in found.moments]
    axes.fill_between(minutes, free, step="post", alpha=0.2, label="free agents")
    axes.set_xlabel("minutes")
    axes.set_ylabel("calls in flight strived for")
    axes.set_ylim(bottom=0)
    axes.legend()
    try:
        figure.savefig(file)
    except OSError as error:
        raise InputError(f"--plot {file}", str(error.strerror), "check its path") from None
