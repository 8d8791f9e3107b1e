"""The people of a scenario, as the carrier and the desk meet them.

The rule of this module: a scenario becomes calls and agents by the runtime's seed and by numbers
alone (attempts, agents), so that two campaigns that differ in their pacer, with one seed, meet the
same people. It keeps nothing of one run that another could feel.
"""

from collections.abc import Callable
from itertools import count

from dialer.ports import DialRequest
from sim.customers import Customers
from sim.endless_list import EndlessList
from sim.fates import AgentDay, CallFate, FateOf, Offer, Streams
from sim.scenario import Scenario
from sim.workforce import Workforce

AWAY_S = 60.0
"""An agent who missed an offer is back after this time."""


class Population:
    """Callees and habits of a scenario.

    agents: how many there are. kept_up: their audio legs stand all day.

    The attempts of a run must be numbered from 1 without gaps, as `MemoryStore` does: a call's
    number is its attempt's, and so many have been dialed before it.
    """

    away_s = AWAY_S

    def __init__(self, scenario: Scenario, agents: int, kept_up: bool = True) -> None:
        self.scenario = scenario
        self.kept_up = kept_up
        self.channels = scenario.channels(agents)
        self._agents = agents
        # Wrap-up goes with the call, and is asked for by the desk when the call is over. A call
        # of a later run writes its own here before that.
        self._wrap_up_s: dict[int, float] = {}

    def contacts(self) -> EndlessList:
        """A fresh store with the scenario's contacts, for `WorldPlan.store`."""
        return EndlessList(self.scenario.contact_count(self._agents))

    def fates(self, stream: Streams, carrier: str) -> FateOf:  # noqa: ARG002 - one people for all
        """What comes of each dial."""
        customers = Customers(self.scenario, _seed(stream), self._agents)
        start_at = self.scenario.start_at
        fate_of, segment_of = customers.fate, customers.segment_of
        segmented = bool(self.scenario.segments)
        wrap_up_s = self._wrap_up_s

        def fate(request: DialRequest, at: float) -> CallFate:
            call = request.attempt_id
            segment = segment_of(int(request.number[1:])) if segmented else ""
            made = fate_of(call, at - start_at, call - 1, segment)
            if made.verdict:
                wrap_up_s[call] = made.wrap_up_s
            return made

        return fate

    def days(self, stream: Streams) -> Callable[[int], AgentDay]:
        return Workforce(self.scenario, _seed(stream), self._agents).day

    def offers(self, stream: Streams) -> Callable[[], Offer]:
        workforce = Workforce(self.scenario, _seed(stream), self._agents)
        numbers = count()

        def offer() -> Offer:
            number = next(numbers)
            return Offer(workforce.misses(number), workforce.answer_s(number))

        return offer

    def wrap_ups(self, stream: Streams) -> Callable[[int], float]:  # noqa: ARG002
        return lambda attempt_id: self._wrap_up_s.pop(attempt_id, 0.0)


def _seed(stream: Streams) -> int:
    """One seed for all of a run, whoever asks."""
    return int(stream("population").integers(2**63))
