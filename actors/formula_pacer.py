"""Predictive dialing: as many calls as a formula comes to.

The rule of this module: a formula that gives no number never speeds the campaign up: the safe
progressive rate stands in for it. A number is rounded down after 1e-9 is added, so that 0.1 * 30
is 3.
"""

from collections import deque
from collections.abc import Sequence
from math import ceil

from actors.campaign_cells import CampaignCells
from actors.formula_desk import FormulaDesk, whole
from actors.pacers import SAFE_RATIO, DeafPacer, Inputs, Paced, ToArm
from dialer.flow.graph import Flow
from dialer.flow.nodes import Predictive
from dialer.pacing.redecide import decided_from
from dialer.pacing.reservations import Reservations

MOST_PER_AGENT = 100.0
MOST_CALLS = 10_000

_EPSILON = 1e-9
_REMEMBERED_S = 120.0


class FormulaPacer(DeafPacer):
    """Makes calls of what the formula of Init came to. desk: where it is evaluated."""

    def __init__(
        self,
        dialing: Predictive,
        desk: FormulaDesk,
        cells: CampaignCells,
        book: Reservations,
        to_arm: ToArm,
    ) -> None:
        self._dialing = dialing
        self._desk = desk
        self._cells = cells
        self._book = book
        self._to_arm = to_arm
        # Tickets placed lately, oldest first, to tell what the samples cannot know of yet.
        self._placed: deque[tuple[float, int]] = deque()

    def follow(self, flow: Flow) -> bool:
        dialing = flow.init.dialing
        if isinstance(dialing, Predictive):
            self._dialing = dialing
            return True
        return False

    def placed(self, tickets: Sequence[int], now: float) -> None:
        placed = self._placed
        placed.extend((now, ticket) for ticket in tickets)
        while placed and placed[0][0] < now - _REMEMBERED_S:
            placed.popleft()

    def pace(self, now: float, seen: Inputs, pulse: bool, seized: bool) -> Paced:  # noqa: ARG002
        """At a pulse it follows what the formula has come to since, where agents are reserved."""
        dialing = self._dialing
        value, note = self._desk.value_of(dialing.formula)
        idle = self._to_arm() if seized else ()
        if value is None and not seized:
            return self._level(seen, SAFE_RATIO, self._cells.ready(), (), note)
        if value is None:
            return self._per_agent(seen, SAFE_RATIO, idle, (), note, pulse=pulse)
        if dialing.per == "absolute":
            goal, clamps = _clamped(value, MOST_CALLS)
            # What agents have, and what came and went since the samples were taken, is no room.
            over = self._over_since(self._desk.sampled_at(dialing.formula))
            wanted = goal - self._cells.with_agents() - over
            return self._level(seen, goal, max(0, whole(wanted)), clamps)
        ratio, clamps = _clamped(value, MOST_PER_AGENT)
        if seized:
            return self._per_agent(seen, ratio, idle, clamps, pulse=pulse)
        quota, carried = self._book.quota, self._book.carried
        dials = self._book.per_pulse(ratio)
        inputs = decided_from(seen, 1, quota, carried, 0, 0)
        return Paced(ratio, dials, inputs, quota, clamps)

    def _per_agent(
        self,
        seen: Inputs,
        ratio: float,
        idle: Sequence[str],
        clamps: tuple[str, ...],
        note: str = "",
        *,
        pulse: bool,
    ) -> Paced:
        book = self._book
        carried, unplaced = book.carried, len(book.unplaced)
        dials = sum([book.arm(agent_id, ratio) for agent_id in idle])
        if pulse:
            wanted = ratio * book.staying
            book.follow(whole(wanted), ceil(wanted - _EPSILON))
            dials = book.top_up()
            inputs = decided_from(seen, 0, book.quota, 0.0, 0, dials)
        else:
            inputs = decided_from(seen, len(idle), book.quota, carried, unplaced, 0)
        return Paced(ratio, dials, inputs, book.quota, clamps, note=note)

    def _level(
        self, seen: Inputs, value: float, in_flight: int, clamps: tuple[str, ...], note: str = ""
    ) -> Paced:
        """So many calls in flight, whoever is reserved."""
        book = self._book
        book.follow(in_flight, in_flight)
        dials = max(0, in_flight - book.in_flight)
        inputs = decided_from(seen, 0, in_flight, 0.0, 0, dials)
        return Paced(value, dials, inputs, in_flight, clamps, note=note)

    def _over_since(self, at: float) -> int:
        """Calls placed since then that are in flight no more."""
        return sum(t >= at and not self._book.is_in_flight(ticket) for t, ticket in self._placed)


def _clamped(value: float, most: float) -> tuple[float, tuple[str, ...]]:
    if value < 0:
        return 0.0, ("below_zero",)
    return (most, ("formula_ceiling",)) if value > most else (value, ())
