"""A simulated day written down, so that it can be run again.

The rule of this module: the journal of a simulated day opens with all that the day depends on, in
words that need no other file, and then holds its ledger as a daemon's journal would.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
from pydantic import ValidationError

from dialer.compliance.preset import Preset
from dialer.errors import InputError
from dialer.flow.graph import FlowDefinition
from dialer.journal import Simulated, encode, encode_all, header
from dialer.message import Message
from dialer.score.model import ScoreModel
from sim.experiment import Case, run_case
from sim.ledger import Reader
from sim.replication import Replication
from sim.scenario import Scenario

SUFFIX = ".journal"


def case_text(case: Case) -> str:
    """A case in JSON."""

    def plain(model: Scenario | Preset) -> Any:
        return model.model_dump(mode="json", exclude_unset=True, by_alias=True)

    parts = {
        "scenario": plain(case.scenario),
        "flow": case.flow.model_dump(mode="json", by_alias=True),
        "preset": plain(case.preset),
        "pacer": case.pacer,
        "agents": case.agents,
        "hours": case.hours,
        "jitter_s": case.jitter_s,
        "warm_up_s": case.warm_up_s,
    }
    if case.score is not None:
        parts["score"] = msgspec.to_builtins(case.score)
    return json.dumps(parts, sort_keys=True, separators=(",", ":"))


def case_of(text: str, name: str) -> Case:
    """The case that `case_text` has written; name: what errors call its file.

    Raises:
        InputError: it is none that this version knows.
    """
    try:
        parts = json.loads(text)
        if "score" in parts:
            parts["score"] = msgspec.convert(parts["score"], ScoreModel)
        return Case(
            Scenario.model_validate(parts.pop("scenario")),
            FlowDefinition.model_validate(parts.pop("flow")),
            Preset.model_validate(parts.pop("preset")),
            **parts,
        )
    except (ValueError, TypeError, KeyError, ValidationError) as error:
        first = str(error).partition("\n")[0]
        what = f"its simulation cannot be read: {first}"
        raise InputError(name, what, "replay it with the version that wrote it") from None


class JournalFile:
    """A reader of the ledger that writes it to a file."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def extend(self, records: Sequence[Message]) -> None:
        self._stream.write(encode_all(records))


def journal_of(folder: Path, seed: int) -> Path:
    """Where the day of a seed is written."""
    return folder / f"seed-{seed}{SUFFIX}"


def record_case(
    case: Case,
    seed: int,
    folder: Path,
    versions: Mapping[str, str],
    readers: Sequence[Reader] = (),
) -> Replication:
    """One day of a case, its journal written into a folder. readers: see `run_case`."""
    told = tuple(sorted(versions.items()))
    with journal_of(folder, seed).open("wb") as stream:
        stream.write(header())
        stream.write(encode(Simulated(case.day.start_at, seed, case_text(case), told)))
        return run_case(case, seed, [JournalFile(stream), *readers])
