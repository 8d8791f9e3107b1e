"""Call records and agent events from CSV files.

The rule of this module: a file that cannot be understood is refused by file, line and column, and
how to mend it; no row is skipped in silence. Columns that a recording lacks may be left out, and
what they would have told stays guessed.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dialer.agents import AGENT
from dialer.contacts import is_time_zone
from dialer.documents import suggestion
from dialer.errors import InputError
from dialer.outcomes import NAMES
from sim.fit.records import AgentEvent, CallRecord, Traffic

TIMES = (
    "dialed_at",
    "ringing_at",
    "answered_at",
    "verdict_at",
    "connected_at",
    "ended_at",
    "wrap_up_ended_at",
)
"""In the order in which they happen."""
WORDS = ("outcome", "agent", "segment", "zone")
NEEDED = ("dialed_at", "ended_at", "outcome")
AGENT_COLUMNS = ("agent", "at", "state")


def read_calls(path: Path, zone: str) -> Traffic:
    """Call records, one a line, in any order.

    zone: of times that do not say theirs. A time is written as 2026-03-02 09:00:01.5 or ISO 8601,
    or as seconds since the epoch.

    Raises:
        InputError: the first thing that is wrong.
    """
    traffic = Traffic(path.name)
    clock = ZoneInfo(zone)
    whole = True
    for where, row in rows_of(path, (*TIMES, *WORDS), NEEDED):
        times = {name: time_of(row, name, where, clock) for name in TIMES if row.get(name)}
        if "dialed_at" not in times:
            raise InputError(where, "no dialed_at", "every call was dialed at some time")
        for earlier, later in pairwise(times):
            if times[later] < times[earlier]:
                raise InputError(where, f"{later} is before {earlier}", "mend the times")
        outcome = row.get("outcome", "")
        if outcome and outcome not in NAMES:
            mend = suggestion(outcome, NAMES)
            raise InputError(where, f"no such outcome: {outcome!r}", mend)
        local = row.get("zone", "")
        if local and not is_time_zone(local):
            raise InputError(where, f"no time zone {local!r}", "write one as America/New_York")
        words = {name: row.get(name, "") for name in WORDS}
        whole = whole and all(at == int(at) for at in times.values())
        particulars: dict[str, Any] = {**times, **words}
        traffic.add(CallRecord(**particulars))
    if not traffic.calls:
        raise InputError(str(path), "no calls", "give a record of each call, one a line")
    traffic.calls.sort(key=lambda record: record.dialed_at)
    traffic.resolution_s = 1.0 if whole else 0.0
    return traffic


def read_agent_events(path: Path, zone: str) -> list[AgentEvent]:
    """Agents' states: who entered which state, when; one a line, in any order.

    Raises:
        InputError: the first thing that is wrong.
    """
    clock = ZoneInfo(zone)
    entered: list[tuple[float, str, str]] = []
    for where, row in rows_of(path, AGENT_COLUMNS, AGENT_COLUMNS):
        state = row["state"]
        if state not in AGENT.states:
            raise InputError(where, f"no such state: {state!r}", suggestion(state, AGENT.states))
        if not row["agent"]:
            raise InputError(where, "no agent", "say whose state it is")
        entered.append((time_of(row, "at", where, clock), row["agent"], state))
    entered.sort(key=lambda each: each[0])
    last: dict[str, str] = {}
    events = []
    for at, agent, state in entered:
        events.append(AgentEvent(agent, at, last.get(agent, AGENT.initial), state))
        last[agent] = state
    return events


def rows_of(
    path: Path, known: tuple[str, ...], needed: tuple[str, ...]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each row with where it stands. Columns that are not known are passed over.

    Raises:
        InputError: it cannot be read, or lacks a column that is needed.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.reader(lines)
            header = [cell.strip().lower() for cell in next(reader, [])]
            for name in needed:
                if name not in header:
                    mend = f"the columns are {', '.join(known)}"
                    raise InputError(f"{path}:1", f"no column {name!r}", mend)
            places = [(name, header.index(name)) for name in known if name in header]
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield (
                        f"{path}:{reader.line_num}",
                        {name: row[at].strip() if at < len(row) else "" for name, at in places},
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is no CSV file in UTF-8"
        raise InputError(str(path), f"cannot be read: {reason}", "check the path") from None


def time_of(row: Mapping[str, str], name: str, where: str, zone: ZoneInfo) -> float:
    """A time of a row, in seconds since the epoch.

    Raises:
        InputError: it is none.
    """
    text = row[name]
    try:
        at = float(text)
    except ValueError:
        pass
    else:
        if 0 < at < 1e11:
            return at
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        mend = "write 2026-03-02 09:00:01, or seconds since the epoch"
        raise InputError(where, f"{name}: {text!r} is no time", mend) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
