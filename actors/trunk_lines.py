"""All trunks' lines, shared by all campaigns and calls.

The rule of this module: it is the one thing that actors share and do not tell each other, since a
limit over all campaigns must be taken in one step; every method takes the lock, does little, and
never waits. What it decides stands in `dialer.trunks`.
"""

import logging
import threading
from collections.abc import Callable, Mapping

from actors.trunk_cells import TrunkCells
from dialer.calls import ReachedCall
from dialer.events import EndCause, TrunkChanged
from dialer.metrics import Metrics
from dialer.trunks.line import NO_LIMIT, Line, LineLimits, Planned, Room

log = logging.getLogger("foredial.trunks")


class _Lines(dict[str, Line]):
    """By name; one that nobody has set up has no limits."""

    def __missing__(self, name: str) -> Line:
        line = self[name] = Line(name)
        return line


class _Cells(dict[str, TrunkCells]):
    """By trunk; they come into being with its first call."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def __missing__(self, name: str) -> TrunkCells:
        cells = self[name] = TrunkCells(self._metrics, name)
        return cells


class TrunkLines:
    """Lines by the trunk's name; one that nobody has set up has no limits.

    news: told whenever a trunk goes up or down, whether the carrier or the breaker says so. It is
    called under the lock and must not come back here. open_breakers: how many trunks rest.
    """

    def __init__(
        self,
        metrics: Metrics,
        limits: Mapping[str, LineLimits] | None = None,
        news: Callable[[TrunkChanged], None] | None = None,
    ) -> None:
        self._cells = _Cells(metrics)
        self._lines = _Lines()
        self._carriers: dict[str, TrunkChanged] = {}
        self._news = news
        self._lock = threading.Lock()
        self.open_breakers = 0
        for name, line_limits in (limits or {}).items():
            self.set_limits(name, line_limits)

    def set_limits(self, name: str, limits: LineLimits) -> None:
        """Set a trunk up, before its first call."""
        with self._lock:
            self._lines[name] = Line(name, limits)

    # --- room ---------------------------------------------------------------------------------

    def planned(self, name: str, campaign_id: int) -> Planned:
        """Where a campaign keeps what it has on its way; it need not take the lock for that."""
        with self._lock:
            return self._lines[name].planned(campaign_id)

    def room(self, names: tuple[str, ...], now: float, within_s: float) -> Room:
        """How many calls may be released over these trunks, to leave within that time."""
        with self._lock:
            if len(names) == 1 and self._lines[names[0]].is_free:
                return NO_LIMIT
            rooms = [self._lines[name].room(now, within_s) for name in names]
        if len(rooms) == 1:
            return rooms[0]
        if any(room.dials is None for room in rooms):
            return NO_LIMIT
        tightest = min(rooms, key=lambda room: room.dials or 0, default=NO_LIMIT)
        return tightest._replace(dials=sum(room.dials or 0 for room in rooms))

    def next_slot(self, name: str, now: float) -> float:
        """Seconds until the next call may leave through a trunk; the slot is used up."""
        with self._lock:
            return self._lines[name].next_slot(now)

    # --- calls --------------------------------------------------------------------------------

    def take(self, names: tuple[str, ...], attempt_id: int, caller_id: str = "") -> tuple[str, str]:
        """Take a channel of the first trunk that has one: its name, or "" and why there is none."""
        with self._lock:
            whys: dict[str, None] = {}
            for name in names:
                carrier = self._carriers.get(name)
                if carrier is not None and not carrier.up:
                    whys[f"trunk {name} is down: {carrier.reason}"] = None
                    continue
                why = self._lines[name].take(attempt_id)
                if not why:
                    self._cells[name].seized(caller_id)
                    return name, ""
                whys[why] = None
        return "", "; ".join(whys)

    def heard(self, name: str, attempt_id: int, now: float) -> None:
        """A call rings or is answered for the first time."""
        with self._lock:
            if self._lines[name].heard(attempt_id):
                self._breaker_moved(name, now)

    def ended(
        self, name: str, attempt_id: int, cause: EndCause, call: ReachedCall, now: float
    ) -> None:
        """A call is over, or goes on elsewhere; a second time does nothing."""
        with self._lock:
            line = self._lines[name]
            if attempt_id in line.calls:
                self._cells[name].ended(call)
                if line.ended(attempt_id, cause, call.answered_at > 0, now):
                    self._breaker_moved(name, now)

    # --- up and down --------------------------------------------------------------------------

    def tell(self, change: TrunkChanged) -> None:
        """The carrier came up or went down (the sink that trunks are given)."""
        with self._lock:
            self._carriers[change.trunk] = change
            self._publish(change.trunk, change.at)

    def tick(self, now: float) -> None:
        """Let breakers whose back-off is over try again; call it now and then while any is open."""
        with self._lock:
            for name, line in self._lines.items():
                if line.breaker.tick(now):
                    self._breaker_moved(name, now)

    def _breaker_moved(self, name: str, now: float) -> None:
        breaker = self._lines[name].breaker
        self.open_breakers = sum(line.breaker.state == "open" for line in self._lines.values())
        self._cells[name].breaker(breaker.state)
        rest_s = round(breaker.open_until - now)
        match breaker.state:
            case "open":
                log.warning("trunk %s rests for %d s: %s", name, rest_s, breaker.reason)
            case "half_open":
                log.info("trunk %s is tried with one call", name)
            case _:
                log.info("trunk %s works again", name)
        self._publish(name, now)

    def _publish(self, name: str, at: float) -> None:
        if self._news is None:
            return
        carrier = self._carriers.get(name)
        breaker = self._lines[name].breaker
        if carrier is not None and not carrier.up:
            self._news(carrier._replace(at=at))
        elif breaker.state == "open":
            self._news(TrunkChanged(name, at, False, breaker.refusal()))
        else:
            trying = breaker.state == "half_open"
            self._news(TrunkChanged(name, at, True, breaker.refusal() if trying else ""))
