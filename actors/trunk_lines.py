"""All trunks' lines, shared by all campaigns and calls.

The rule of this module: it is the one thing that actors share and do not tell each other, since a
limit over all campaigns must be taken in one step; whatever changes a line does so under the lock,
does little, and never waits. Where nothing is limited a look needs no lock. What it decides stands
in `dialer.trunks`.
"""

import logging
import threading
from collections.abc import Callable, Mapping

from actors.trunk_cells import TrunkCells
from dialer.events import EndCause, TrunkChanged
from dialer.metrics import Metrics
from dialer.trunks.line import NO_LIMIT, Line, LineLimits, Planned, Room

log = logging.getLogger("foredial.trunks")


class TrunkLine:
    """One trunk as its calls know it: what they change in it, they do under the lock of all lines.

    carrier: what it last said of itself, None for nothing yet. down: why no call may leave since
    it said so, "" while it is up.
    """

    def __init__(self, lines: "TrunkLines", line: Line, cells: TrunkCells) -> None:
        self.name = line.name
        self.line = line
        self.cells = cells
        self.carrier: TrunkChanged | None = None
        self.down = ""
        self._lines = lines
        self._lock = lines.lock

    def heard(self, attempt_id: int, now: float) -> None:
        """A call rings or is answered for the first time."""
        breaker = self.line.breaker
        # Asked without the lock: to a breaker that holds nothing against the trunk it is no news.
        if breaker.state != "closed" or breaker.forbidden:
            with self._lock:
                if breaker.heard(attempt_id):
                    self._lines.breaker_moved(self, now)

    def ended(
        self,
        attempt_id: int,
        caller_id: str,
        cause: EndCause,
        outcome: str,
        dialed_at: float,
        alerted_at: float,
        answered_at: float,
        ended_at: float,
    ) -> None:
        """A call is over, or goes on elsewhere; a second time does nothing.

        caller_id: the name of the one it showed, never the number. Times are 0 for what never
        happened; alerted_at: the first ringing or audio before the answer.
        """
        cells = self.cells
        # By hand, as each call comes here: `with` takes a lock at twice the cost.
        self._lock.acquire()
        try:
            changed = self.line.ended(attempt_id, cause, answered_at > 0, ended_at)
            if changed is None:
                return
            cells.trunk.ended(outcome, dialed_at, alerted_at, answered_at, ended_at)
            if caller_id:
                shown = cells.caller_ids[caller_id]
                shown.ended(outcome, dialed_at, alerted_at, answered_at, ended_at)
            if changed:
                self._lines.breaker_moved(self, ended_at)
        finally:
            self._lock.release()


class _Known(dict[str, TrunkLine]):
    """By the trunk's name; one that nobody has set up has no limits."""

    def __init__(self, lines: "TrunkLines", metrics: Metrics) -> None:
        super().__init__()
        self._lines = lines
        self._metrics = metrics

    def __missing__(self, name: str) -> TrunkLine:
        return self.set_up(name, LineLimits())

    def set_up(self, name: str, limits: LineLimits) -> TrunkLine:
        line = TrunkLine(self._lines, Line(name, limits), TrunkCells(self._metrics, name))
        former = self.get(name)
        if former is not None:
            line.carrier, line.down = former.carrier, former.down
        self[name] = line
        return line


class TrunkLines:
    """Lines by the trunk's name; one that nobody has set up has no limits.

    news: told whenever a trunk goes up or down, whether the carrier or the breaker says so. It is
    called under the lock and must not come back here. open_breakers: how many trunks rest.
    has_slots: some trunk has a limit of calls per second.
    """

    def __init__(
        self,
        metrics: Metrics,
        limits: Mapping[str, LineLimits] | None = None,
        news: Callable[[TrunkChanged], None] | None = None,
    ) -> None:
        self.lock = threading.Lock()
        self.open_breakers = 0
        self.has_slots = False
        self._known = _Known(self, metrics)
        self._news = news
        for name, line_limits in (limits or {}).items():
            self.set_limits(name, line_limits)

    def set_limits(self, name: str, limits: LineLimits) -> None:
        """Set a trunk up, before its first call."""
        with self.lock:
            self._known.set_up(name, limits)
            self.has_slots = any(known.line.has_slots for known in self._known.values())

    # --- room ---------------------------------------------------------------------------------

    def planned(self, name: str, campaign_id: int) -> Planned:
        """Where a campaign keeps what it has on its way; it need not take the lock for that."""
        with self.lock:
            return self._known[name].line.planned(campaign_id)

    def room(self, names: tuple[str, ...], now: float, within_s: float) -> Room:
        """How many calls may be released over these trunks, to leave within that time."""
        if len(names) == 1:
            known = self._known.get(names[0])
            if (
                known is not None
                and known.line.is_unlimited
                and known.line.breaker.state == "closed"
            ):
                return NO_LIMIT  # as it was when it was asked; nothing is taken yet
        with self.lock:
            rooms = [self._known[name].line.room(now, within_s) for name in names]
        if len(rooms) == 1:
            return rooms[0]
        if any(room.dials is None for room in rooms):
            return NO_LIMIT
        tightest = min(rooms, key=lambda room: room.dials or 0, default=NO_LIMIT)
        return tightest._replace(dials=sum(room.dials or 0 for room in rooms))

    def next_slot(self, name: str, now: float) -> float:
        """Seconds until the next call may leave through a trunk; the slot is used up."""
        with self.lock:
            return self._known[name].line.next_slot(now)

    # --- calls --------------------------------------------------------------------------------

    def take(
        self, names: tuple[str, ...], attempt_id: int, caller_id: str = ""
    ) -> tuple[TrunkLine | None, str]:
        """Take a channel of the first trunk that has one: its line, or why there is none."""
        whys: list[str] = []
        # By hand, as in `TrunkLine.ended`.
        self.lock.acquire()
        try:
            for name in names:
                known = self._known[name]
                why = known.line.take(attempt_id) if not known.down else known.down
                if not why:
                    cells = known.cells
                    cells.trunk.seizures.value += 1
                    if caller_id:
                        cells.caller_ids[caller_id].seizures.value += 1
                    return known, ""
                whys.append(why)
        finally:
            self.lock.release()
        return None, "; ".join(dict.fromkeys(whys))

    # --- up and down --------------------------------------------------------------------------

    def tell(self, change: TrunkChanged) -> None:
        """The carrier came up or went down (the sink that trunks are given)."""
        with self.lock:
            known = self._known[change.trunk]
            known.carrier = change
            known.down = "" if change.up else f"trunk {change.trunk} is down: {change.reason}"
            self._publish(known, change.at)

    def tick(self, now: float) -> None:
        """Let breakers whose back-off is over try again; call it now and then while any is open."""
        with self.lock:
            for known in self._known.values():
                if known.line.breaker.tick(now):
                    self.breaker_moved(known, now)

    def breaker_moved(self, moved: TrunkLine, now: float) -> None:
        """For the lines themselves, who hold the lock."""
        name, breaker = moved.name, moved.line.breaker
        self.open_breakers = sum(
            known.line.breaker.state == "open" for known in self._known.values()
        )
        moved.cells.breaker(breaker.state)
        rest_s = round(breaker.open_until - now)
        match breaker.state:
            case "open":
                log.warning("trunk %s rests for %d s: %s", name, rest_s, breaker.reason)
            case "half_open":
                log.info("trunk %s is tried with one call", name)
            case _:
                log.info("trunk %s works again", name)
        self._publish(moved, now)

    def _publish(self, known: TrunkLine, at: float) -> None:
        if self._news is None:
            return
        carrier, breaker, name = known.carrier, known.line.breaker, known.name
        if carrier is not None and not carrier.up:
            self._news(carrier._replace(at=at))
        elif breaker.state == "open":
            self._news(TrunkChanged(name, at, False, breaker.refusal()))
        else:
            trying = breaker.state == "half_open"
            self._news(TrunkChanged(name, at, True, breaker.refusal() if trying else ""))
