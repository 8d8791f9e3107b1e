"""What must hold over whole campaigns, however the actors' turns fall.

Each property is first seen to notice a planted bug: a check that cannot fail proves nothing.
"""

from collections import Counter
from collections.abc import Callable, Container
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.agent_messages import AgentAssigned
from actors.agent_pool import AgentPool
from actors.call import Call
from actors.disposition_desk import DispositionDesk
from actors.runtime import Runtime
from dialer.events import AgentAsked, AgentLegDown
from dialer.ports import AttemptsCommitted, DialRequest, Settlement, Sink
from sim.carrier import SimTrunk
from sim.desk import Desk, SimDesk
from sim.memory_store import MemoryStore
from sim.model import CarrierModel, DeskModel
from tests.actors.manual import ManualRuntime
from tests.actors.world import Team, flow_text, people

QUICK = CarrierModel(
    live=0.4,
    machine=0.2,
    congestion=0.05,
    post_dial_delay_s=0.2,
    refused_after_s=0.5,
    ring_mean_s=2.0,
    no_answer_after_s=4.0,
    machine_ring_s=(1.0, 3.0),
    talk_mean_s=6.0,
    channels=6,
)
IMPATIENT = CarrierModel(
    live=0.9,
    machine=0.0,
    busy=0.0,
    post_dial_delay_s=0.1,
    ring_mean_s=0.5,
    talk_mean_s=1.0,
    patience_s=0.1,
)


_SAID = """
dispositions:
  mandatory: true
  choices:
    - {name: sale}
    - {name: later, means: retry, delay_s: 4}
    - {name: call_back, means: call_back}
    - {name: stop, means: do_not_call}
callbacks: {wait_s: 3, then: any_agent}
"""


class WatchingStore(MemoryStore):
    """A store that takes note of what must never happen."""

    def __init__(self, contacts: Any) -> None:
        super().__init__(contacts)
        self.committed: Counter[int] = Counter()
        self.settled: Counter[int] = Counter()

    def commit_attempts(self, request_id: int, drafts: Any, reply_to: Sink) -> None:
        class Noting:
            @staticmethod
            def tell(message: AttemptsCommitted, /) -> None:
                self.committed.update(i for i in message.attempt_ids if i)
                reply_to.tell(message)

        super().commit_attempts(request_id, drafts, Noting())

    def settle(self, settlement: Settlement) -> None:
        self.settled[settlement.attempt_id] += 1
        super().settle(settlement)


class WatchingTrunk(SimTrunk):
    """A trunk that takes note of numbers in two calls, and of calls dialed twice."""

    def __init__(self, runtime: Runtime, callees: CarrierModel, store: MemoryStore) -> None:
        super().__init__(runtime, "trunk", callees)
        self._store = store
        self.faults: list[str] = []
        self.dialed: Counter[int] = Counter()
        self.bridged_ended: list[int] = []

    def dial(self, request: DialRequest, events: Sink) -> None:
        self.dialed[request.attempt_id] += 1
        if request.attempt_id not in self._store.open_attempts:
            self.faults.append(f"attempt {request.attempt_id} is dialed but not committed")
        holders = [
            i for i, draft in self._store.open_attempts.items() if draft.number == request.number
        ]
        if holders != [request.attempt_id]:
            self.faults.append(f"{request.number} is in attempts {holders}")
        super().dial(request, events)

    def bridge(self, attempt_id: int, agent_id: str) -> None:
        if attempt_id not in self._store.open_attempts:
            self.bridged_ended.append(attempt_id)
        super().bridge(attempt_id, agent_id)


class WatchingDesk(SimDesk):
    """A desk that takes note of an agent with two callers."""

    def __init__(self, model: DeskModel, desk: Sink) -> None:
        super().__init__(model, desk)
        self.faults: list[str] = []
        self.with_caller: dict[str, int] = {}

    def connect(self, agent_id: str, attempt_id: int) -> None:
        if agent_id in self.with_caller:
            self.faults.append(f"{agent_id} is booked twice")
        self.with_caller[agent_id] = attempt_id
        super().connect(agent_id, attempt_id)

    def log_in(self, agent_id: str, address: str) -> None:
        self.with_caller.pop(agent_id, None)  # the leg on which they heard the caller is gone
        super().log_in(agent_id, address)

    def release(self, agent_id: str, attempt_id: int) -> None:
        if self.with_caller.pop(agent_id, 0) != attempt_id:
            self.faults.append(f"{agent_id} is released from a call they were not in")
        super().release(agent_id, attempt_id)


class Day:
    """A day at a small call center, on the manual clock with jitter. ratio: 0 for previews."""

    def __init__(
        self,
        seed: int,
        *,
        ratio: float = 1.0,
        agents: int = 4,
        contacts: int = 40,
        kept_up: bool = True,
        jitter_s: float = 0.02,
        campaigns: int = 1,
        customers: CarrierModel = QUICK,
        disposing: bool = False,
    ) -> None:
        self.runtime = ManualRuntime(seed=seed, jitter_s=jitter_s)
        self.store = WatchingStore(people(contacts))
        model = DeskModel(
            wrap_up_mean_s=2.0,
            kept_up=kept_up,
            rona=0.0 if kept_up else 0.2,
            preview_s=0.5,
            preview_skip=0.2,
            preview_timeout=0.1,
            callback_after_s=5.0,
        )
        self.desk: WatchingDesk

        def desk(pool: Sink) -> WatchingDesk:
            self.desk = WatchingDesk(model, self.runtime.spawn(Desk(model, pool), "desk"))
            return self.desk

        self.team = Team(self.runtime, {}, desk=desk, store=self.store)
        self.trunk = WatchingTrunk(self.runtime, customers, self.store)
        self.team.trunks["trunk"] = self.trunk
        self.names = self.team.add_agents(agents)
        dialing = f"{{mode: power, ratio: {ratio}}}" if ratio > 1 else "{mode: progressive}"
        dialing = dialing if ratio else "{mode: preview, accept_timeout_s: 3}"
        self.ids = list(range(1, campaigns + 1))
        for campaign_id in self.ids:
            title = f"Day {campaign_id}"
            text = flow_text(title, target=agents, dialing=dialing, interval_s=2)
            text = text.replace("\nnodes:", _SAID + "nodes:", 1) if disposing else text
            self.team.start(text.replace("patience_s: 2", "patience_s: 1"), campaign_id)

    def run(self, seconds: float) -> None:
        self.runtime.advance(seconds)

    def violations(self) -> list[str]:
        """All that must never be, at any time."""
        found = [*self.trunk.faults, *self.desk.faults]
        found += [f"crash of {name}: {error!r}" for name, error in self.runtime.crashes]
        found += [f"{i} is settled {n} times" for i, n in self.store.settled.items() if n > 1]
        found += [f"{i} is dialed {n} times" for i, n in self.trunk.dialed.items() if n > 1]
        found += [f"{i} is bridged after its end" for i in self.trunk.bridged_ended]
        counts = Counter(self.store.committed) - Counter(self.store.settled)
        open_ones = Counter(dict.fromkeys(self.store.open_attempts, 1))
        if counts != open_ones:
            found.append("what is committed and not settled is not what is open")
        return found

    def at_the_end(self) -> list[str]:
        """All that must hold when the last call has ended, with campaigns at rest."""
        for campaign_id in self.ids:
            self.team.quiesce("the end", campaign_id=campaign_id)
        self.run(120)
        found = self.violations()
        if self.store.open_attempts:
            found.append(f"attempts left open: {list(self.store.open_attempts)}")
        pool = self.team.agent_states()
        for campaign_id in self.ids:
            states = Counter(self.store.states(campaign_id).values())
            if states.keys() - {"done", "waiting", "due", "refused"}:
                found.append(f"contacts lost: {states}")
            title = f"Day {campaign_id}"
            agents = self.team.metrics.members("dialer_agents", campaign=title)
            counted = dict(Counter(agents.values()))
            if counted != dict(pool):
                found.append(f"campaign counts {counted}, pool reports {dict(pool)}")
            report = self.team.report(campaign_id)
            for name in ("calls_in_progress", "in_flight", "reserved", "requested"):
                if report[name]:
                    found.append(f"{name} is {report[name]} at the end")
            calls = self.team.metrics.members("dialer_calls_in_progress", campaign=title)
            found += [f"call {attempt} is still {state}" for attempt, state in calls.items()]
        busy = set(pool) - {"ready", "not_ready", "logged_out"}
        if busy:
            found.append(f"agents are still {busy}")
        settled = Counter(s.outcome for s in self.store.settlements)
        counted_results: Counter[str] = Counter()
        for campaign_id in self.ids:
            cells = self.team.metrics.counters(
                "dialer_call_results_total", campaign=f"Day {campaign_id}"
            )
            counted_results.update({o: int(c.value) for o, c in cells.items() if c.value})
        if settled != counted_results:
            found.append(f"settled {settled}, counted {counted_results}")
        return found

    def undisposed(self, but: Container[str] = ()) -> list[str]:
        """Agents who went on after a call of which they had to say what came of it.

        but: agents who logged out meanwhile, and need not.
        """
        said = self.store.dispositions
        last: dict[str, Settlement] = {}
        found = []
        for settlement in self.store.settlements:
            former = last.get(settlement.agent_id)
            owed = former is not None and former.attempt_id not in said
            if settlement.bridged_at and owed and settlement.agent_id not in but:
                found.append(f"{settlement.agent_id} said nothing of an earlier call")
            if settlement.bridged_at:
                last[settlement.agent_id] = settlement
        return found


WISHES = st.lists(
    st.tuples(
        st.floats(0.1, 12.0),
        st.integers(0, 3),
        st.sampled_from(["not_ready", "ready", "logout", "login", "leg_down", "hang_up"]),
    ),
    max_size=12,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(
    seed=st.integers(0, 2**31),
    ratio=st.sampled_from([0.0, 1.0, 1.5, 3.0]),
    kept_up=st.booleans(),
    campaigns=st.integers(1, 2),
    contacts=st.sampled_from([5, 40, 400]),
    disposing=st.booleans(),
    wishes=WISHES,
)
def test_a_campaign_keeps_its_promises_whatever_agents_do(
    seed: int,
    ratio: float,
    kept_up: bool,
    campaigns: int,
    contacts: int,
    disposing: bool,
    wishes: list[tuple[float, int, str]],
) -> None:
    day = Day(
        seed,
        ratio=ratio,
        kept_up=kept_up,
        campaigns=campaigns,
        contacts=contacts,
        disposing=disposing,
    )
    for wait_s, number, wish in wishes:
        day.run(wait_s)
        agent_id = day.names[number]
        if wish == "leg_down":
            day.team.pool.tell(AgentLegDown(agent_id, day.runtime.now(), "no audio"))
        else:
            day.team.pool.tell(AgentAsked(agent_id, day.runtime.now(), wish))
    day.run(30)
    assert day.violations() == []
    assert day.at_the_end() == []
    left = {day.names[number] for _, number, wish in wishes if wish in ("logout", "leg_down")}
    assert not disposing or day.undisposed(but=left) == []


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**31),
    ratio=st.sampled_from([0.0, 1.5]),
    waits=st.lists(
        st.tuples(st.floats(0.05, 6.0), st.sampled_from(["panic", "pause", "publish"])),
        min_size=1,
        max_size=8,
    ),
)
def test_stops_and_new_versions_at_any_moment_lose_nothing(
    seed: int, ratio: float, waits: list[tuple[float, str]]
) -> None:
    day = Day(seed, ratio=ratio, contacts=400)
    for version, (wait_s, what) in enumerate(waits, start=2):
        day.run(wait_s)
        if what == "publish":
            text = flow_text("Day 1", target=3 + version % 2, interval_s=2)
            day.team.change_flow(text, version)
        else:
            day.team.quiesce(what, cancel=what == "panic")
    day.run(10)
    assert day.violations() == []
    assert day.at_the_end() == []


@pytest.mark.parametrize("seed", range(4))
def test_the_same_seed_gives_the_same_run(seed: int) -> None:
    ledgers = []
    for _ in range(2):
        day = Day(seed, ratio=1.5)
        day.run(60)
        ledgers.append(day.team.ledger.records)
    assert ledgers[0] == ledgers[1]
    assert len(ledgers[0]) > 100


def test_jitter_changes_the_run() -> None:
    first, second = Day(1), Day(2)
    first.run(30)
    second.run(30)
    assert first.team.ledger.records != second.team.ledger.records


# --- the checks see what they are for ---------------------------------------------------------


def found_by(plant: Callable[[pytest.MonkeyPatch], None], **particulars: Any) -> str:
    """All that the checks find with a bug planted, over some seeds."""
    found: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        for seed in range(6):
            day = Day(seed, **particulars)
            try:
                day.run(60)
                found += day.at_the_end()
            except Exception as error:
                found += [repr(error), *day.violations()]
    return "; ".join(found)


def test_they_find_nothing_without_a_bug() -> None:
    assert found_by(lambda patch: None, ratio=3.0) == ""


def test_they_notice_an_agent_booked_twice() -> None:
    for_caller = AgentPool._for_caller

    def whoever(self: Any, claim: Any) -> Any:
        for agent in self._roster.agents.values():
            if agent.state == "talking":
                agent.state = "reserved"
                return agent
        return for_caller(self, claim)

    found = found_by(lambda patch: patch.setattr(AgentPool, "_for_caller", whoever), ratio=3.0)
    assert "is booked twice" in found


def test_they_notice_a_number_in_two_attempts() -> None:
    commit = MemoryStore.commit_attempts

    def forgetful(self: Any, *arguments: Any) -> None:
        self._numbers.clear()
        commit(self, *arguments)

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(MemoryStore, "commit_attempts", forgetful)

    # Two campaigns over the same people: only the store keeps them apart.
    assert "is in attempts" in found_by(plant, campaigns=2, contacts=6)


def test_they_notice_an_attempt_that_is_settled_twice() -> None:
    settle = Call._settle

    def twice(self: Any, *end: Any) -> None:
        settle(self, *end)
        settle(self, *end)

    assert "settled 2 times" in found_by(lambda patch: patch.setattr(Call, "_settle", twice))


def test_they_notice_an_attempt_that_is_never_settled() -> None:
    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(MemoryStore, "settle", lambda self, settlement: None)

    assert "attempts left open" in found_by(plant)


def test_they_notice_a_contact_that_is_lost() -> None:
    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(MemoryStore, "defer", lambda self, deferrals: None)

    assert "contacts lost" in found_by(plant, contacts=400)


def test_they_notice_counts_that_drift() -> None:
    publish = AgentPool._publish

    def lossy(self: Any) -> None:
        for moves in self._moves.values():
            moves[:] = [move for move in moves if move.to_state != "ready"]
        publish(self)

    assert "campaign counts" in found_by(lambda patch: patch.setattr(AgentPool, "_publish", lossy))


def test_they_notice_an_assignment_acted_on_after_the_end() -> None:
    assigned = Call.handlers[AgentAssigned]

    def eager(self: Any, message: AgentAssigned) -> None:
        if self._state != "waiting":
            self._trunk.bridge(self._attempt_id, message.agent_id)
        assigned(self, message)

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(Call, "handlers", {**Call.handlers, AgentAssigned: eager})

    found = found_by(plant, ratio=3.0, jitter_s=0.2, customers=IMPATIENT)
    assert "is bridged after its end" in found


def test_they_notice_agents_who_say_nothing_of_their_calls() -> None:
    """Planted: nobody owes a disposition, and nobody gives one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DispositionDesk, "owes", lambda self, agent_id: False)
        patch.setattr(Desk, "_say_later", lambda self, agent_id, after_s: None)
        day = Day(1, ratio=1.5, disposing=True)
        day.run(60)
    assert day.undisposed()
