"""Recorded attempts, from a CSV of call records or a journal.

The rule of this module: the form is that of `sim.fit`, with three more columns; what a recording
lacks stays unknown, and a column that was perhaps meant to be one of ours is asked about.
"""

import csv
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from dialer.contacts import is_time_zone
from dialer.documents import suggestion
from dialer.errors import InputError
from dialer.journal import CallMoved, CallScored, Simulated, Tally
from dialer.numbers import is_e164
from dialer.outcomes import NAMES
from dialer.score.past import Attempt
from sim.customers import Customers, segments_of
from sim.fit.csv_records import TIMES, WORDS, rows_of, time_of
from sim.fit.journal_records import is_journal, records_of
from sim.population import seed_of
from sim.recording import case_of
from sim.runtime import stream_of

READ = ("dialed_at", "outcome", "number", "contact", "imported_at", "zone", "score")
NEEDED = ("dialed_at", "outcome")
_KNOWN = tuple(dict.fromkeys((*READ, *TIMES, *WORDS)))


def read_attempts(path: Path, zone: str) -> list[Attempt]:
    """Recorded attempts of a CSV or a journal, in any order.

    zone: of times that do not say theirs, and of callees of whom nothing else is known.

    Raises:
        InputError: the first thing that is wrong.
    """
    attempts = of_journal(path, zone) if is_journal(path) else _of_csv(path, zone)
    if not attempts:
        raise InputError(
            str(path), "no attempts", "give a record of each, one a line, or a journal"
        )
    return attempts


def _of_csv(path: Path, zone: str) -> list[Attempt]:
    _ask_about_columns(path)
    clock = ZoneInfo(zone)
    attempts = []
    for where, row in rows_of(path, READ, NEEDED):
        outcome = row["outcome"]
        if outcome and outcome not in NAMES:
            raise InputError(where, f"no such outcome: {outcome!r}", suggestion(outcome, NAMES))
        number, local = row.get("number", ""), row.get("zone", "")
        if number and not is_e164(number):
            raise InputError(where, f"number: {number!r} is not E.164", "write it as +12125550123")
        if local and not is_time_zone(local):
            raise InputError(where, f"no time zone {local!r}", "write one as America/New_York")
        imported_at = time_of(row, "imported_at", where, clock) if row.get("imported_at") else 0.0
        attempts.append(
            Attempt(
                time_of(row, "dialed_at", where, clock),
                outcome,
                number,
                row.get("contact", ""),
                local or ("" if number else zone),
                imported_at,
                _score(row.get("score", ""), where),
            )
        )
    return attempts


def _score(text: str, where: str) -> float:
    if not text:
        return -1.0
    try:
        score = float(text)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise InputError(where, f"score: {text!r} is no probability", "write it as 0.25")
    return score


def _ask_about_columns(path: Path) -> None:
    """A column whose name is nearly one of ours was likely meant to be it."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            header = [cell.strip().lower() for cell in next(csv.reader(lines), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return  # rows_of says what is wrong with it
    for name in header:
        near = get_close_matches(name, _KNOWN, 1, 0.8)
        if name not in _KNOWN and near and near[0] not in header:
            raise InputError(
                f"{path}:1", f"no column {name!r} is known", f"name it {near[0]!r}, or remove it"
            )


def truths_of(path: Path) -> dict[tuple[float, str], float]:
    """P(answered) of the attempts in a simulated journal, by dial and contact; else nothing.

    A simulated day can be looked behind: its people are made again from its case and its seed.
    """
    truths: dict[tuple[float, str], float] = {}
    if not is_journal(path):
        return truths
    share: Callable[[CallMoved], float] | None = None
    for record in records_of(path, Tally()):
        if type(record) is Simulated:
            share = _share_of(record, str(path))
        elif type(record) is CallMoved and record.state == "dialing" and share is not None:
            truths.setdefault((record.at, str(record.contact_id)), share(record))
    return truths


def _share_of(day: Simulated, name: str) -> Callable[[CallMoved], float]:
    case = case_of(day.case, name)

    def stream(name: str) -> np.random.Generator:
        return stream_of(day.seed, name)

    customers = Customers(case.scenario, seed_of(stream), case.agents)
    segment_of = segments_of(case.scenario, seed_of(stream))

    def share(dialed: CallMoved) -> float:
        segment = segment_of(dialed.contact_id)
        at_s, before = dialed.at - day.at, dialed.attempt_id - 1
        name = segment.name if segment else ""
        return customers.live_share(at_s, before, name, dialed.contact_id)

    return share


def of_journal(path: Path, zone: str) -> list[Attempt]:
    """The attempts of a ledger, which knows contacts by their ids and no numbers."""
    began: dict[int, float] = {}
    scores: dict[int, float] = {}
    attempts = []
    for record in records_of(path, Tally()):
        if type(record) is Simulated:
            began.clear()  # each day numbers its attempts anew
            scores.clear()
        elif type(record) is CallScored:
            scores[record.attempt_id] = record.score
        elif type(record) is CallMoved and record.state == "dialing":
            began.setdefault(record.attempt_id, record.at)
        elif type(record) is CallMoved and record.state == "settled":
            at = began.pop(record.attempt_id, None)
            if at is not None:
                score = scores.pop(record.attempt_id, -1.0)
                contact = str(record.contact_id)
                attempts.append(Attempt(at, record.detail, "", contact, zone, 0.0, score))
    return attempts
