"""replay: what was recorded, done again, up to the first difference."""

from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import asdict

from dialer.errors import InputError
from dialer.message import Message
from sim.cli.lent import Lab, Out, Work
from sim.replay import Decisions, Replay, is_simulated, replay_decisions, replay_simulation


def add_to(app: typer.Typer, lab: Lab) -> None:
    """Add this verb to the command line."""

    @app.command("replay")
    @lab.verb
    def replay(
        work: Work,
        journal: Annotated[
            Path,
            typer.Argument(metavar="JOURNAL", help="A file of simulate --journal, or a daemon's."),
        ],
    ) -> None:
        """Do again what was recorded, and tell the first difference with both sides.

        A simulated day is run again as a whole. Of a live day (its journal's folder, or one file
        of it) each pulse's decision is made again from what it saw. Exit code 3 where something
        differs.

        \b
        Examples:
          run.py simulate everyday --seed 7 --replications 1 --journal recorded
          run.py replay recorded/seed-7.journal
          run.py replay var/journal --json
        """
        if not journal.exists():
            raise InputError(str(journal), "no such file or folder", "check its path")
        if is_simulated(journal):
            found = replay_simulation(journal, dict(lab.versions))
            document, show = _of_simulation(found), _show_simulation
            good = found.difference is None
        else:
            decided = replay_decisions(lab.read_journal(journal))
            if not (decided.agree or decided.unknown or decided.difference):
                what = "it holds no decision of a campaign"
                raise InputError(str(journal), what, "give a journal's folder or file")
            document, show = _of_decisions(decided), _show_decisions
            good = decided.difference is None
        if work.as_json:
            work.out.document(document)
        else:
            show(work.out, document)
        if not good:
            work.miss_threshold()


def _of_simulation(found: Replay) -> dict[str, Any]:
    difference = found.difference
    return {
        "kind": "simulation",
        "agree": found.records,
        "difference": difference
        and {
            "place": difference.place,
            "recorded": _record(difference.recorded),
            "replayed": _record(difference.replayed),
        },
        "other_versions": [
            {"name": name, "recorded": then, "now": now} for name, then, now in found.other_versions
        ],
    }


def _record(record: Message | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {"kind": type(record).__name__, **asdict(record)}


def _show_simulation(out: Out, found: dict[str, Any]) -> None:
    for each in found["other_versions"]:
        out.warn(f"warning: {each['name']} was {each['recorded']} then and is {each['now']} now")
    if found["difference"] is None:
        out.say(f"No difference: {found['agree']:,} records, the same again.")
        return
    out.say(f"The first difference is after {found['agree']:,} records that agree:")
    for side in ("recorded", "replayed"):
        record = found["difference"][side]
        told = "nothing more" if record is None else _fields(record)
        out.say(f"  {side}: {told}")


def _fields(record: dict[str, Any]) -> str:
    fields = ", ".join(f"{name} {value}" for name, value in record.items() if name != "kind")
    return f"{record['kind']}: {fields}"


def _of_decisions(found: Decisions) -> dict[str, Any]:
    difference = found.difference
    return {
        "kind": "decisions",
        "agree": found.agree,
        "unknown": found.unknown,
        "difference": difference
        and {
            "pulse_id": difference.pulse.pulse_id,
            "inputs": dict(difference.pulse.inputs),
            "value": difference.pulse.value,
            "recorded": difference.pulse.dials,
            "replayed": difference.dials,
        },
    }


def _show_decisions(out: Out, found: dict[str, Any]) -> None:
    if found["unknown"]:
        out.say(f"{found['unknown']:,} decisions do not say all that they were made from.")
        out.say(
            "(Look-ahead's rest on all that it has learned; a simulated day is replayed whole.)"
        )
    difference = found["difference"]
    if difference is None:
        out.say(f"No difference: {found['agree']:,} decisions come out the same again.")
        return
    saw = ", ".join(f"{name} {value:g}" for name, value in difference["inputs"].items())
    out.say(f"The first difference is after {found['agree']:,} decisions that agree:")
    out.say(f"  pulse {difference['pulse_id']} saw {saw}; the pacing figure was")
    out.say(f"  {difference['value']:g}. Recorded: {difference['recorded']} dials.")
    out.say(f"  Replayed: {difference['replayed']} dials.")
