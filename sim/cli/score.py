"""score train, score evaluate: answer scores from recorded attempts."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from dialer.contacts import is_time_zone
from dialer.documents import suggestion
from dialer.errors import InputError
from dialer.score.drift import in_words
from dialer.score.model import ScoreModel, load_model, model_text
from dialer.score.past import Attempt
from sim.cli.lent import Lab, Out, Work

if TYPE_CHECKING:
    from sim.score.judging import Area, Bin, Judgement
    from sim.score.table import Table
    from sim.score.training import Training

_FORMS = ("scorecard", "trees")

Calls = Annotated[
    Path | None,
    typer.Argument(
        metavar="[CALLS]",
        help="CSV of call records, or a journal's folder; else the store of the settings.",
        show_default=False,
    ),
]
Zone = Annotated[
    str, typer.Option(help="Of times that do not say theirs, and of callees nothing else tells of.")
]


def add_to(app: typer.Typer, lab: Lab) -> None:
    """Add these verbs to the command line."""
    group = typer.Typer(help="Answer scores: who is likely to answer.", no_args_is_help=True)
    app.add_typer(group, name="score")

    @group.command("train")
    @lab.verb
    def train(
        work: Work,
        output: Annotated[
            Path, typer.Option("--output", "-o", metavar="MODEL", help="The file to write.")
        ],
        calls: Calls = None,
        until: Annotated[
            str | None, typer.Option(metavar="TIME", help="Learn from dials before it only.")
        ] = None,
        form: Annotated[
            str, typer.Option(help="scorecard or trees; left out, the better one wins.")
        ] = "",
        zone: Zone = "America/New_York",
    ) -> None:
        """Train an answer score on recorded attempts, and say how good it is on later ones.

        \b
        Columns of CALLS (docs/scores.md): dialed_at and outcome; and, where known, number,
        contact, imported_at and zone.

        \b
        Examples:
          run.py score train calls.csv -o answers.json
          run.py score train --config foredial.yaml -o answers.json
        """
        from sim.score.table import table_of
        from sim.score.training import train as trained

        clock = _clock(zone)
        if form and form not in _FORMS:
            raise InputError(f"--form {form!r}", "no such form", suggestion(form, _FORMS))
        _must_be_writable(output)
        end = _time(until, "--until", clock)
        attempts, source = _attempts(work, lab, calls, zone)
        table = table_of(each for each in attempts if end is None or each.dialed_at < end)
        training = trained(table, source, form)
        output.write_bytes(model_text(training.model))
        document = _training_document(training, output)
        if work.as_json:
            work.out.document(document)
        else:
            _show_training(work.out, training, output, clock)

    @group.command("evaluate")
    @lab.verb
    def evaluate(
        work: Work,
        model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model's file.")],
        calls: Calls = None,
        since: Annotated[
            str | None,
            typer.Option(
                "--from",
                metavar="TIME",
                help="Judge dials from then on; left out, those after the model's training.",
            ),
        ] = None,
        as_dialed: Annotated[
            bool,
            typer.Option("--as-dialed", help="Judge the scores that attempts were dialed by."),
        ] = False,
        plot: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Draw the calibration: .svg or .png.")
        ] = None,
        zone: Zone = "America/New_York",
    ) -> None:
        """Judge an answer score on attempts that came after its training.

        Earlier attempts in CALLS only tell of the contacts' past.

        \b
        Examples:
          run.py score evaluate answers.json calls.csv --plot calibration.svg
          run.py score evaluate answers.json --json
        """
        clock = _clock(zone)
        loaded = read_model(model)
        if plot is not None:
            _must_be_writable(plot)
        start = _time(since, "--from", clock)
        attempts, source = _attempts(work, lab, calls, zone)
        table = _to_judge(loaded, attempts, start, source, clock)
        if as_dialed:
            table = table.as_dialed()
        judged = _judged(loaded, table, source, as_dialed=as_dialed)
        judgement = judged._replace(best=_best(calls, table))
        if plot is not None:
            from sim.score.picture import plot_calibration

            plot_calibration(judgement, plot, f"{model.name} on {source}")
        if work.as_json:
            work.out.document(_judgement_document(judgement, loaded, plot))
        else:
            _show_judgement(work.out, judgement)
            if plot is not None:
                work.out.say(f"Drawn: {plot}")


def read_model(file: Path) -> ScoreModel:
    """A model of a file.

    Raises:
        InputError: it cannot be read, or is none.
    """
    try:
        return load_model(file.read_bytes(), str(file))
    except OSError as error:
        raise InputError(str(file), f"cannot be read: {error.strerror}", "check the path") from None


def _must_be_writable(file: Path) -> None:
    """Said before the work is done, not after it."""
    if not file.parent.is_dir():
        raise InputError(str(file), "its folder is not there", "make it, or name another")


def _clock(zone: str) -> ZoneInfo:
    if not is_time_zone(zone):
        raise InputError(f"--zone {zone!r}", "no time zone", "write one as America/New_York")
    return ZoneInfo(zone)


def _time(text: str | None, option: str, clock: ZoneInfo) -> float | None:
    from sim.fit.csv_records import time_of

    return time_of({option: text}, option, f"{option} {text}", clock) if text else None


def _attempts(work: Work, lab: Lab, calls: Path | None, zone: str) -> tuple[list[Attempt], str]:
    if calls is not None:
        from sim.score.reading import read_attempts

        return read_attempts(calls, zone), calls.name
    attempts = lab.stored_attempts(work.config())
    if not attempts:
        raise InputError("the store", "no attempts", "dial first, or give a file of call records")
    return attempts, "the store"


def _to_judge(
    model: ScoreModel, attempts: list[Attempt], start: float | None, source: str, clock: ZoneInfo
) -> "Table":
    from sim.score.table import table_of

    table = table_of(attempts)
    trained_until = model.trained.until_at
    first = int((table.at <= trained_until).sum() if start is None else (table.at < start).sum())
    judged = table.part(first, len(table))
    if not len(judged):
        if start is not None:
            raise InputError(source, "no attempts from then on", "give later ones")
        when = datetime.fromtimestamp(trained_until, clock)
        raise InputError(
            source,
            f"no attempts after the model's training, which ends {when:%Y-%m-%d %H:%M}",
            "give later ones, or judge those that it knows with --from",
        )
    return judged


def _judged(model: ScoreModel, judged: "Table", source: str, *, as_dialed: bool) -> "Judgement":
    import numpy as np

    from sim.score.judging import judge

    if not len(judged):
        raise InputError(source, "no attempt was dialed by a score", "leave out --as-dialed")
    answers = int(judged.answered.sum())
    if not 0 < answers < len(judged):
        what = f"{answers:,} of {len(judged):,} attempts were answered"
        raise InputError(source, what, "give some that were answered, and some that were not")
    scores = judged.given
    if not as_dialed:
        scores = np.array([model.probability(row) for row in judged.rows])
    hours = [row["hour"] for row in judged.rows]
    known = [hour if isinstance(hour, float) else None for hour in hours]
    return judge(scores, judged.answered, judged.who, known, model.reference)


def _best(calls: Path | None, table: "Table") -> "Area | None":
    """What a score would come to that knew the simulated people, if they are simulated."""
    import numpy as np

    from sim.score.judging import area_under
    from sim.score.reading import truths_of

    truths = truths_of(calls) if calls is not None else {}
    if not truths:
        return None
    truth = [truths[key] for key in zip(table.at.tolist(), table.who, strict=True)]
    return area_under(np.array(truth), table.answered, table.who)


# --- what is shown --------------------------------------------------------------------------------


def _training_document(training: "Training", output: Path) -> dict[str, Any]:
    trained = training.model.trained
    return {
        "model": str(output),
        "form": training.form,
        "attempts": trained.attempts,
        "answers": trained.answers,
        "base_rate": trained.base_rate,
        "from_at": trained.from_at,
        "until_at": trained.until_at,
        "held_out": training.held_out,
        "tried": [
            {
                "form": each.name,
                "auc": each.area._asdict(),
                "log_loss": each.log_loss,
                "better": each.better,
                "better_se": each.better_se,
            }
            for each in training.tried
        ],
        "calibration": {
            "slope": training.model.calibration.slope,
            "intercept": training.model.calibration.intercept,
        },
        "matters": training.matters,
        "notes": list(training.notes),
    }


def _show_training(out: Out, training: "Training", output: Path, clock: ZoneInfo) -> None:
    trained = training.model.trained
    out.say(
        f"{trained.attempts:,} attempts from {_day(trained.from_at, clock)} to "
        f"{_day(trained.until_at, clock)}, {trained.base_rate:.3f} answered"
    )
    out.say(f"On the last {training.held_out:,}, of which the forms had learned nothing:")
    out.table(
        ("form", "AUC", "95 %", "log loss", "better than the base rate by"),
        [
            (
                each.name + (" (kept)" if each.name == training.form else ""),
                f"{each.area.value:.3f}",
                f"{each.area.low:.3f} to {each.area.high:.3f}",
                f"{each.log_loss:.4f}",
                f"{each.better:.4f} ± {each.better_se:.4f}",
            )
            for each in training.tried
        ],
        ("AUC", "log loss"),
    )
    told = ", ".join(f"{name} {lost:.3f}" for name, lost in training.matters.items())
    out.say(f"What the AUC loses when a feature is shuffled: {told}")
    for note in training.notes:
        out.say(f"Note: {note}")
    out.say(f"Written: {output}")


def _judgement_document(
    judgement: "Judgement", model: ScoreModel, plot: Path | None
) -> dict[str, Any]:
    return {
        "attempts": judgement.attempts,
        "answers": judgement.answers,
        "base_rate": judgement.base_rate,
        "trained_base_rate": model.trained.base_rate,
        "auc": judgement.area._asdict(),
        "best_auc": judgement.best._asdict() if judgement.best else None,
        "brier": judgement.brier,
        "base_brier": judgement.base_brier,
        "log_loss": judgement.log_loss,
        "base_log_loss": judgement.base_log_loss,
        "calibration": {
            "slope": judgement.slope,
            "intercept": judgement.intercept,
            "bins": [each._asdict() for each in judgement.bins],
        },
        "hours": [each._asdict() for each in judgement.hours],
        "psi": judgement.drift,
        "drift": in_words(judgement.drift),
        "plot": str(plot) if plot else None,
    }


def _show_judgement(out: Out, judgement: "Judgement") -> None:
    area = judgement.area
    out.say(f"{judgement.attempts:,} attempts, {judgement.base_rate:.3f} answered (base rate)")
    out.say(f"AUC {area.value:.3f} (95 %: {area.low:.3f} to {area.high:.3f})")
    if judgement.best is not None:
        best = judgement.best
        told = f"{best.value:.3f} ({best.low:.3f} to {best.high:.3f})"
        out.say(f"Of a score that knew these simulated people: {told}")
    out.say(f"Brier {judgement.brier:.4f}; of the base rate {judgement.base_brier:.4f}")
    out.say(f"Log loss {judgement.log_loss:.4f}; of the base rate {judgement.base_log_loss:.4f}")
    line = "1 and 0 would be true; under 1, overconfident"
    out.say(
        f"Calibration: slope {judgement.slope:.2f}, intercept {judgement.intercept:.2f} ({line})"
    )
    out.say(f"Drift (PSI) {judgement.drift:.3f}: {in_words(judgement.drift)}")
    out.say()
    _bins(out, "score", [(f"{b.start:.3f} to {b.end:.3f}", b) for b in judgement.bins])
    if judgement.hours:
        out.say()
        _bins(out, "hour", [(f"{int(b.start):02d}:00", b) for b in judgement.hours])


def _bins(out: Out, what: str, rows: list[tuple[str, "Bin"]]) -> None:
    numbers = ("attempts", "mean score", "answered")
    out.table(
        (what, *numbers, "95 %"),
        [
            (
                name,
                f"{b.attempts:,}",
                f"{b.mean_score:.3f}",
                f"{b.answered:.3f}",
                f"{b.low:.3f} to {b.high:.3f}",
            )
            for name, b in rows
        ],
        numbers,
    )


def _day(at: float, clock: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at, clock):%Y-%m-%d %H:%M}"
