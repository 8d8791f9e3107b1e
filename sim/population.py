"""The people of a scenario, as the carrier and the desk meet them.

The rule of this module: a scenario becomes calls and agents by the runtime's seed and by numbers
alone (attempts, agents), so that two campaigns that differ in their pacer, with one seed, meet the
same people. It keeps nothing of one run that another could feel.
"""

from collections.abc import Callable, Sequence
from itertools import count

from dialer.compliance.window import TIME_ZONE_ATTRIBUTE
from dialer.ports import AttributeValue, Choices, DialRequest
from sim.customers import Customers, segments_of
from sim.endless_list import EndlessList, contact_of, number_of
from sim.fates import AgentDay, CallFate, FateOf, Offer, PreviewAnswer, SaidOfCall, Streams
from sim.propensity import People
from sim.scenario import Scenario
from sim.workforce import Workforce

AWAY_S = 60.0
"""An agent who missed an offer is back after this time."""


class Population:
    """Callees and habits of a scenario.

    agents: how many there are. kept_up: their audio legs stand all day. phones: the attributes
    under which contacts have their numbers.

    The attempts of a run must be numbered from 1 without gaps, as `MemoryStore` does: a call's
    number is its attempt's, and so many have been dialed before it.
    """

    away_s = AWAY_S

    def __init__(
        self,
        scenario: Scenario,
        agents: int,
        kept_up: bool = True,
        phones: Sequence[str] = ("phone",),
    ) -> None:
        self.scenario = scenario
        self.kept_up = kept_up
        self.tells_wrap_up = scenario.agents.tells_wrap_up
        self.channels = scenario.channels(agents)
        self._agents = agents
        self._phones = tuple(phones)
        # Wrap-up goes with the call, and is asked for by the desk when the call is over. A call
        # of a later run writes its own here before that.
        self._wrap_up_s: dict[int, float] = {}

    def contacts(self, stream: Streams) -> EndlessList:
        """A fresh store with the scenario's contacts, for `WorldPlan.store`."""
        scenario, names = self.scenario, self._phones
        segment_of = segments_of(scenario, seed_of(stream))
        places = range(scenario.contacts.numbers)

        def person(contact: int) -> dict[str, AttributeValue]:
            segment = segment_of(contact)
            numbers = tuple([number_of(contact, place) for place in places])
            zone = (segment and segment.zone) or scenario.zone
            return {**dict.fromkeys(names, numbers), TIME_ZONE_ATTRIBUTE: zone}

        wish = scenario.contacts.propensity
        if wish is None:
            return EndlessList(scenario.contact_count(self._agents), person)
        people, start_at = People(wish, seed_of(stream)), scenario.start_at
        return EndlessList(
            scenario.contact_count(self._agents), person, lambda c: people.past(c, start_at)
        )

    def fates(self, stream: Streams, carrier: str) -> FateOf:  # noqa: ARG002 - one people for all
        """What comes of each dial."""
        customers = Customers(self.scenario, seed_of(stream), self._agents)
        start_at = self.scenario.start_at
        fate_of = customers.fate
        segmented = bool(self.scenario.segments)
        told_apart = segmented or self.scenario.contacts.propensity is not None
        segment_of = segments_of(self.scenario, seed_of(stream))
        wrap_up_s = self._wrap_up_s

        def fate(request: DialRequest, at: float) -> CallFate:
            call = request.attempt_id
            contact = contact_of(request.number) if told_apart else 0
            segment = segment_of(contact) if segmented else None
            name = segment.name if segment else ""
            made = fate_of(call, at - start_at, call - 1, name, contact)
            if made.verdict:
                wrap_up_s[call] = made.wrap_up_s
            return made

        return fate

    def days(self, stream: Streams) -> Callable[[int], AgentDay]:
        return Workforce(self.scenario, seed_of(stream), self._agents).day

    def offers(self, stream: Streams) -> Callable[[], Offer]:
        workforce = Workforce(self.scenario, seed_of(stream), self._agents)
        numbers = count()

        def offer() -> Offer:
            number = next(numbers)
            return Offer(workforce.misses(number), workforce.answer_s(number))

        return offer

    def previews(self, stream: Streams) -> Callable[[], PreviewAnswer]:
        workforce = Workforce(self.scenario, seed_of(stream), self._agents)
        numbers = count()
        return lambda: workforce.preview(next(numbers))

    def says(self, stream: Streams) -> Callable[[Choices], SaidOfCall]:
        workforce = Workforce(self.scenario, seed_of(stream), self._agents)
        numbers = count()
        return lambda choices: workforce.says(next(numbers), choices)

    def wrap_ups(self, stream: Streams) -> Callable[[int], float]:  # noqa: ARG002
        return lambda attempt_id: self._wrap_up_s.pop(attempt_id, 0.0)


def seed_of(stream: Streams) -> int:
    """One seed for all of a run, whoever asks."""
    return int(stream("population").integers(2**63))
