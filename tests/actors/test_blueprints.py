"""Each blueprint that ships runs against the simulated carrier as its comments say."""

from collections import Counter, defaultdict
from datetime import time
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialer.flow.hours import next_time_of_day
from dialer.outcomes import OUTCOMES
from dialer.ports import AttemptDraft, AttributeValue, Settlement
from sim.carrier import SimTrunk
from sim.desk import Desk, SimDesk
from sim.memory_store import MemoryStore
from sim.model import CarrierModel, DeskModel
from tests.actors.manual import ManualRuntime
from tests.actors.world import Team

CAMPAIGNS = Path(__file__).parents[2] / "config" / "campaigns"
HOUR = 3600.0
NEW_YORK = ZoneInfo("America/New_York")
HALF_PAST_SIX = time(18, 30)
CARRIER = CarrierModel(
    live=0.3, machine=0.1, busy=0.2, congestion=0.05, ring_mean_s=8.0, talk_mean_s=60.0
)


class NotingStore(MemoryStore):
    """A store that remembers what was dialed."""

    def __init__(self, contacts: dict[int, dict[str, AttributeValue]]) -> None:
        super().__init__(contacts)
        self.drafts: dict[int, AttemptDraft] = {}

    def settle(self, settlement: Settlement) -> None:
        self.drafts[settlement.attempt_id] = self.open_attempts[settlement.attempt_id]
        super().settle(settlement)


class Day:
    """Hours of one blueprint; contacts have two numbers each."""

    def __init__(self, name: str, hours: float, contacts: int = 60, agents: int = 5) -> None:
        self.runtime = ManualRuntime()
        self.store = NotingStore(
            {n: {"phone": (f"+1212555{n:04d}", f"+1646555{n:04d}")} for n in range(1, contacts + 1)}
        )
        habits = DeskModel(wrap_up_mean_s=10.0)
        self.team = Team(
            self.runtime,
            {},
            desk=lambda pool: SimDesk(habits, self.runtime.spawn(Desk(habits, pool), "desk")),
            store=self.store,
        )
        self.team.trunks["simulated"] = SimTrunk(self.runtime, "simulated", CARRIER)
        self.team.add_agents(agents)
        self.team.start((CAMPAIGNS / f"{name}.yaml").read_text())
        self.most = 0
        for _ in range(int(hours * HOUR / 10)):
            self.runtime.advance(10)
            title = self.title(name)
            in_progress = self.team.metrics.members("dialer_calls_in_progress", campaign=title)
            self.most = max(self.most, len(in_progress))

    @staticmethod
    def title(name: str) -> str:
        return name.replace("_", " ").capitalize()

    def attempts(self) -> dict[int, list[tuple[AttemptDraft, Settlement]]]:
        """What was dialed of each contact, in order."""
        found: dict[int, list[tuple[AttemptDraft, Settlement]]] = defaultdict(list)
        for settlement in self.store.settlements:
            draft = self.store.drafts[settlement.attempt_id]
            found[settlement.contact_id].append((draft, settlement))
        return found


@pytest.mark.parametrize("name", sorted(path.stem for path in CAMPAIGNS.glob("*.yaml")))
def test_a_blueprint_calls_its_whole_list(name: str) -> None:
    day = Day(name, hours=10)
    assert day.runtime.crashes == []
    assert day.runtime.dead_letters == {}
    assert len(day.attempts()) == 60
    assert day.store.open_attempts == {}
    outcomes = set(day.team.outcomes())
    assert {"customer_answered", "user_busy", "no_user_response"} <= outcomes


def test_progressive_never_dials_more_calls_than_agents() -> None:
    day = Day("progressive", hours=2)
    assert 0 < day.most <= 5
    assert "abandoned" not in day.team.outcomes()


def test_power_dials_half_as_many_again() -> None:
    day = Day("power", hours=1, contacts=200)
    assert 5 < day.most <= 8


def test_agents_call_back_whom_they_promised_it() -> None:
    day = Day("voice_with_callbacks", hours=11)
    said = Counter(day.store.dispositions.values())
    assert set(said) == {"sale", "not_interested", "no_time", "call_back", "do_not_call"}
    answered = [s for s in day.store.settlements if s.outcome == "customer_answered"]
    assert len(answered) == sum(said.values()), "every talk is disposed of"
    promised = [s for s in answered if day.store.dispositions[s.attempt_id] == "call_back"]
    attempts = day.attempts()
    kept = 0
    for promise in promised:
        later = [s for _, s in attempts[promise.contact_id] if s.dialed_at > promise.ended_at]
        if later:
            kept += 1
            assert later[0].dialed_at >= promise.ended_at + HOUR
    assert kept > 0.5 * len(promised) > 2
    stopped = [
        s.contact_id for s in answered if day.store.dispositions[s.attempt_id] == "do_not_call"
    ]
    states = day.store.states(1)
    assert {states[contact_id] for contact_id in stopped} == {"refused"}


def test_retries_follow_their_outcome() -> None:
    day = Day("voice_with_retries", hours=36)  # over the evening into the next day
    seen: Counter[str] = Counter()
    for attempts in day.attempts().values():
        counted = [(d, s) for d, s in attempts if OUTCOMES[s.outcome].counts]
        for place, ((_, one), (draft, two)) in enumerate(pairwise(counted), 1):
            seen[one.outcome] += 1
            evening = next_time_of_day(one.ended_at, NEW_YORK, HALF_PAST_SIX)
            if one.outcome == "user_busy" and place < 5:
                assert two.dialed_at - one.ended_at >= 600
            elif one.outcome in ("no_user_response", "answering_machine") and place < 3:
                assert 0 <= two.dialed_at - evening < HOUR
            else:
                assert one.outcome != "customer_answered"
                assert draft.number.startswith("+1646")
    assert seen["user_busy"] > 5
    assert seen["no_user_response"] > 5


def test_the_next_number_is_dialed_once_the_first_was_tried_in_vain() -> None:
    day = Day("voice_with_retries", hours=60)
    second = 0
    for attempts in day.attempts().values():
        numbers = [draft.number for draft, s in attempts if OUTCOMES[s.outcome].counts]
        other = [number for number in numbers if number.startswith("+1646")]
        assert len(other) <= 1
        if other:
            second += 1
            assert numbers[-1] == other[0]
            assert len(numbers) > 3 or attempts[0][1].outcome == "invalid_number"
    assert second > 3
