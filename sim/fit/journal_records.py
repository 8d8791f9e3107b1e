"""Call records and agent events from a ledger.

The rule of this module: it reads what the dialer wrote of itself, live or simulated, and needs
nothing else; so a ledger fits into a scenario as a carrier's CSV does.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from dialer.errors import InputError
from dialer.journal import AgentMoved, CallMoved, Record, Simulated, Tally, decode
from dialer.message import Message
from sim.fit.records import AgentEvent, CallRecord, Traffic

SUFFIXES = (".fdj", ".journal")
"""Of a daemon's segments, and of simulated days."""
_DAY_S = 86400.0
_MOMENT = {
    "dialing": "dialed_at",
    "ringing": "ringing_at",
    "answered": "answered_at",
    "waiting": "verdict_at",
    "bridged": "connected_at",
}


def is_journal(path: Path) -> bool:
    """A ledger's folder, or one of its files."""
    return path.is_dir() or path.suffix in SUFFIXES


def read_journal(path: Path) -> Traffic:
    """The traffic of a ledger.

    Raises:
        InputError: there is none, or it holds no call.
    """
    tally = Tally()
    traffic = traffic_of(records_of(path, tally), path.name)
    if not traffic.calls:
        what = "a ledger of a later version" if tally.newer else "no calls in this ledger"
        raise InputError(str(path), what, "give the folder of a journal that holds calls")
    return traffic


def records_of(path: Path, tally: Tally) -> Iterator[Record]:
    """The records of a ledger's folder or file; simulated days follow each other.

    Raises:
        InputError: it cannot be read.
    """
    files = [path]
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES)
    days = 0
    for file in files:
        later_s = 0.0
        try:
            with file.open("rb") as stream:
                for record in decode(stream, tally):
                    if type(record) is Simulated:
                        # Simulated days are all of one date; here each is a day of its own.
                        later_s, days = days * _DAY_S, days + 1
                    yield record._replace(at=record.at + later_s) if later_s else record
        except OSError as error:
            raise InputError(str(file), f"cannot be read: {error.strerror}") from None


def traffic_of(records: Iterable[Message], source: str) -> Traffic:
    """The traffic of a ledger's records, in their order."""
    reading = _Reading(source)
    for record in records:
        if type(record) is CallMoved:
            reading.call(record)
        elif type(record) is AgentMoved:
            reading.agent(record)
    return reading.close()


class _Reading:
    """What is open while a ledger is read."""

    def __init__(self, source: str) -> None:
        self._traffic = Traffic(source)
        self._open: dict[int, CallRecord] = {}
        self._with: dict[str, CallRecord] = {}
        self._wrapping: dict[str, CallRecord] = {}
        self._last_at = 0.0

    def call(self, moved: CallMoved) -> None:
        self._last_at = max(self._last_at, moved.at)
        if moved.state == "dialing":
            # A second trunk after a refusal is the same attempt, and the first ring counts.
            self._open.setdefault(moved.attempt_id, CallRecord(moved.at))
            return
        record = self._open.get(moved.attempt_id)
        if record is None:
            return
        moment = _MOMENT.get(moved.state)
        if moment is not None:
            setattr(record, moment, moved.at)
            if moved.state == "bridged":
                record.agent = moved.detail
                self._with[moved.detail] = record
        elif moved.state == "closing" and record.verdict_at is None and record.answered_at:
            record.verdict_at = moved.at  # hung up on because of what the analysis said
        elif moved.state == "settled":
            record.ended_at, record.outcome = moved.at, moved.detail
            del self._open[moved.attempt_id]
            self._traffic.add(record)

    def agent(self, moved: AgentMoved) -> None:
        agent, at = moved.agent_id, moved.at
        before, after = moved.from_state, moved.to_state
        self._last_at = max(self._last_at, at)
        self._traffic.agent_events.append(AgentEvent(agent, at, before, after))
        wrapped = self._wrapping.pop(agent, None)
        # From another state: the dialer stopped in between, and nobody saw the end.
        if wrapped is not None and before == "wrap_up":
            if after == "logged_out":
                wrapped.wrap_up_cut_at = at
            else:
                wrapped.wrap_up_ended_at = at
        if after == "wrap_up" and agent in self._with:
            self._wrapping[agent] = self._with.pop(agent)

    def close(self) -> Traffic:
        """What is still open is seen up to here and no further."""
        for record in self._open.values():
            record.ended_at = self._last_at
            self._traffic.add(record)
        for record in self._wrapping.values():
            record.wrap_up_cut_at = self._last_at
        self._traffic.calls.sort(key=lambda record: record.dialed_at)
        return self._traffic
