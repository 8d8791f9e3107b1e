"""How many calls a campaign places: one way of reckoning for each way of dialing.

The rule of this module: a pacer reckons and places nothing. What it says is cut to what the trunks
take, written down with all that it was made from, and carried out by the pulse.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from actors.agent_messages import AgentsCounted, AgentsMoved
from actors.messages import AttemptsReady
from dialer.flow.graph import Flow
from dialer.flow.nodes import Power, Progressive
from dialer.message import Message
from dialer.pacing.redecide import decided_from
from dialer.pacing.reservations import Reservations
from dialer.ports import Recalled, Settlement

SAFE_RATIO = 1.0
"""Calls per reserved agent that overtax nobody."""

Inputs = tuple[tuple[str, float], ...]
"""What a decision was made from, by name, as the ledger has it."""

ToArm = Callable[[], Sequence[str]]
"""Gives the agents with no call in flight for them."""


class Paced(Message):
    """How many calls to place. value: what pacing went by. inputs: all that it was made from.

    goal: calls in flight that are strived for; None for those in flight and these. clamps: limits
    that cut it. reason: in words, where it is not plain. note: what else there is to say of it.
    give_up: tickets of calls that are to stop ringing.
    picks: for each call whether the likeliest to answer is wanted, where contacts are scored.
    """

    value: float
    dials: int
    inputs: Inputs
    goal: float | None = None
    clamps: tuple[str, ...] = ()
    reason: str = ""
    note: str = ""
    give_up: tuple[int, ...] = ()
    picks: tuple[bool, ...] = ()


class Pacer(Protocol):
    """Reckons for one campaign, and hears what becomes of its calls and agents.

    hears_calls: whether it wants to hear of calls and agents; one that does not is spared `ready`,
    `settled` and `agents_moved`, and calls need not tell of their steps (`moved`). is_steady: a
    pulse that finds every agent armed and every quota filled has nothing to reckon.
    """

    hears_calls: bool
    is_steady: bool

    def pace(self, now: float, seen: Inputs, pulse: bool, seized: bool) -> Paced:
        """How many calls to place now.

        seen: what the campaign has, for the inputs. pulse: it is a pulse of the Start node, which
        also makes up for what is missing; else agents came free. seized: the flow reserves agents.
        """

    def follow(self, flow: Flow) -> bool:
        """Go on with a new version of the flow; False where it paces in another way."""

    def placed(self, tickets: Sequence[int], now: float) -> None:
        """Contacts are asked for: they count as calls in flight."""

    def not_placed(self, ticket: int, now: float) -> None:
        """One came to no call."""

    def ready(self, answer: AttemptsReady, now: float) -> None:
        """Contacts that were asked for are on their way to the trunk."""

    def moved(self, ticket: int, state: str, at: float) -> None:
        """A call entered a state of its table."""

    def settled(self, ticket: int, call_over: Settlement, now: float) -> None:
        """The last word on a call. ticket: 0 of one that a former self of the campaign placed."""

    def recalled(self, answer: Recalled, now: float) -> None:
        """What the store kept of what was learned before."""

    def agents_moved(self, message: AgentsMoved, ticket_of: Callable[[int], int | None]) -> None:
        """The pool's news. ticket_of: the ticket of an attempt of this campaign."""

    def counted(self, message: AgentsCounted) -> None:
        """Which agents to count on."""

    def forget_agents(self) -> None:
        """A new pool will tell of all who are there."""


class DeafPacer:
    """What a pacer that needs no news makes of it: nothing."""

    hears_calls = False
    is_steady = False

    def placed(self, tickets: Sequence[int], now: float) -> None:
        pass

    def not_placed(self, ticket: int, now: float) -> None:
        pass

    def ready(self, answer: AttemptsReady, now: float) -> None:
        pass

    def moved(self, ticket: int, state: str, at: float) -> None:
        pass

    def settled(self, ticket: int, call_over: Settlement, now: float) -> None:
        pass

    def recalled(self, answer: Recalled, now: float) -> None:
        pass

    def agents_moved(self, message: AgentsMoved, ticket_of: Callable[[int], int | None]) -> None:
        pass

    def counted(self, message: AgentsCounted) -> None:
        pass

    def forget_agents(self) -> None:
        pass


class RatioPacer(DeafPacer):
    """So many calls in flight for every reserved agent: progressive (one) and power.

    Without reserved agents each pulse places as many as the ratio says.
    """

    is_steady = True

    def __init__(self, dialing: Progressive | Power, book: Reservations, to_arm: ToArm) -> None:
        self._ratio = _ratio_of(dialing)
        self._book = book
        self._to_arm = to_arm

    def follow(self, flow: Flow) -> bool:
        dialing = flow.init.dialing
        if isinstance(dialing, (Progressive, Power)):
            self._ratio = _ratio_of(dialing)
            return True
        return False

    def pace(self, now: float, seen: Inputs, pulse: bool, seized: bool) -> Paced:  # noqa: ARG002
        book, ratio = self._book, self._ratio
        carried, unplaced = book.carried, len(book.unplaced)
        if not seized:
            dials, quota = book.per_pulse(ratio), book.quota
            return Paced(ratio, dials, decided_from(seen, 1, quota, carried, 0, 0), quota)
        arming = dials = missing = 0
        if book.idle_agents:
            to_arm = self._to_arm
            agents = to_arm()
            arming = len(agents)
            for agent_id in agents:
                dials += book.arm(agent_id, ratio)
        if pulse:
            missing = book.top_up()
        quota = book.quota
        inputs = decided_from(seen, arming, quota, carried, unplaced, missing)
        if arming and missing:
            dials = max(dials, missing)
        return Paced(ratio, dials or missing, inputs, quota)


def _ratio_of(dialing: Progressive | Power) -> float:
    return dialing.ratio if isinstance(dialing, Power) else SAFE_RATIO
