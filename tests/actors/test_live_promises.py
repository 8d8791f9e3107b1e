"""The promises of a campaign hold on threads and on the pool, whatever the day is like.

An agent is never booked twice, a number is never in two calls at once, no cap is exceeded, and
contacts go in their order. All of it is seen from outside, at the ports. For each promise there is
a bug, planted on both runtimes, that makes the same check fail.
"""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.agent_pool import AgentPool
from actors.live import LiveRuntime
from actors.runtime import Runtime
from dialer.events import Ended
from dialer.outcomes import OUTCOMES
from dialer.ports import (
    AttemptDraft,
    AttemptsCommitted,
    ClaimedContact,
    Deferral,
    DialRequest,
    Settlement,
    Sink,
)
from dialer.trunks.line import NO_LIMIT, Line, LineLimits
from sim.carrier import SimTrunk
from sim.desk import Desk
from sim.memory_store import MemoryStore
from sim.model import CarrierModel, DeskModel
from tests.actors.test_whole_campaigns import WatchingDesk
from tests.actors.world import Team, flow_text, people

LANES = ("thread", "pool")
MOST_ATTEMPTS = 3
RETRY_S = 0.05
LONGEST_S = 1.5
HASTY = CarrierModel(
    live=0.4,
    machine=0.0,
    post_dial_delay_s=0.002,
    refused_after_s=0.002,
    ring_mean_s=0.008,
    no_answer_after_s=0.02,
    talk_mean_s=0.02,
)


class ObservedStore(MemoryStore):
    """A store that notes what was dialed first, and when who was to be dialed again."""

    def __init__(self, contacts: Any) -> None:
        super().__init__(contacts)
        self.faults: list[str] = []
        self.first: dict[int, list[int]] = defaultdict(list)
        self.made: Counter[tuple[int, int]] = Counter()
        self.put_off: set[tuple[int, int]] = set()
        self._due_at: dict[tuple[int, int], float] = {}

    def commit_attempts(
        self, request_id: int, drafts: Sequence[AttemptDraft], reply_to: Sink
    ) -> None:
        class Noting:
            @staticmethod
            def tell(message: Any, /) -> None:
                if isinstance(message, AttemptsCommitted):
                    for draft, attempt_id in zip(drafts, message.attempt_ids, strict=True):
                        if attempt_id:
                            self._committed(draft)
                reply_to.tell(message)

        super().commit_attempts(request_id, drafts, Noting())

    def _committed(self, draft: AttemptDraft) -> None:
        who = (draft.campaign_id, draft.contact_id)
        if who not in self._due_at:
            self.first[draft.campaign_id].append(draft.contact_id)
        elif draft.at < self._due_at[who]:
            self.faults.append(f"{who} is dialed {self._due_at[who] - draft.at:.3f} s too early")

    def settle(self, settlement: Settlement) -> None:
        who = (settlement.campaign_id, settlement.contact_id)
        self._due_at[who] = settlement.next.due_at
        if OUTCOMES[settlement.outcome].counts:
            self.made[who] += 1
        super().settle(settlement)

    def defer(self, deferrals: Sequence[Deferral]) -> None:
        self.put_off.update((d.campaign_id, d.contact_id) for d in deferrals)
        super().defer(deferrals)


class ObservedTrunk(SimTrunk):
    """A trunk that notes numbers in two calls, and more calls than it has channels."""

    def __init__(self, runtime: Runtime, channels: int) -> None:
        super().__init__(runtime, "trunk", HASTY)
        self.faults: list[str] = []
        self._allowed = channels
        self._calling: dict[int, str] = {}
        self._notes = threading.Lock()

    def dial(self, request: DialRequest, events: Sink) -> None:
        with self._notes:
            if request.number in self._calling.values():
                self.faults.append(f"{request.number} is in two calls")
            self._calling[request.attempt_id] = request.number
            if len(self._calling) > self._allowed:
                self.faults.append(f"{len(self._calling)} calls on {self._allowed} channels")
        super().dial(request, _Watching(self, events))

    def ended(self, attempt_id: int) -> None:
        with self._notes:
            self._calling.pop(attempt_id, None)


class _Watching:
    """Passes a call's events on; the trunk hears first that it is over."""

    def __init__(self, trunk: ObservedTrunk, events: Sink) -> None:
        self._trunk = trunk
        self._events = events

    def tell(self, message: Any, /) -> None:
        if isinstance(message, Ended):
            self._trunk.ended(message.attempt_id)
        self._events.tell(message)


class LiveDay:
    """A second or so of real campaigns. channels: of the trunk."""

    def __init__(
        self,
        lane: str,
        *,
        seed: int = 1,
        agents: int = 3,
        contacts: int = 20,
        ratio: float = 2.0,
        order: str = "fifo",
        campaigns: int = 1,
        channels: int = 50,
    ) -> None:
        self.runtime = LiveRuntime(lane=lane, seed=seed)
        self.order = order
        self._contacts = contacts
        self.store = ObservedStore(people(contacts))
        model = DeskModel(wrap_up_mean_s=0.005)
        self.desk: WatchingDesk

        def desk(pool: Sink) -> WatchingDesk:
            self.desk = WatchingDesk(model, self.runtime.spawn(Desk(model, pool), "desk"))
            return self.desk

        self.team = Team(self.runtime, {}, desk=desk, store=self.store)
        self.trunk = ObservedTrunk(self.runtime, channels)
        self.team.trunks["trunk"] = self.trunk
        self.team.lines.set_limits("trunk", LineLimits(channels, 0.0))
        self.team.add_agents(agents)
        self.ids = list(range(1, campaigns + 1))
        for campaign_id in self.ids:
            self.team.start(self._flow(campaign_id, agents, ratio), campaign_id)

    def _flow(self, campaign_id: int, agents: int, ratio: float) -> str:
        dialing = f"{{mode: power, ratio: {ratio}}}"
        text = flow_text(f"Day {campaign_id}", target=agents, dialing=dialing, interval_s=0.1)
        text = text.replace("type: init,", f"type: init, order: {self.order},")
        return text.replace("delay_s: 600", f"delay_s: {RETRY_S}")

    def run(self) -> None:
        """Until nothing is left to dial, or long enough; then all calls end."""
        until = time.monotonic() + LONGEST_S
        while not self.is_done() and (time.monotonic() < until or not self.store.first):
            time.sleep(0.02)
        for campaign_id in self.ids:
            self.team.quiesce("the end", campaign_id=campaign_id)
        while any(self.team.report(i)["calls_in_progress"] for i in self.ids):
            time.sleep(0.01)
        self.agents = list(self.team.agents().values())
        self.runtime.stop()

    def is_done(self) -> bool:
        states = [state for i in self.ids for state in self.store.states(i).values()]
        everybody = len(states) == len(self.ids) * self._contacts
        return everybody and set(states) <= {"done"}

    def faults(self) -> list[str]:
        """All that must never be."""
        found = [*self.store.faults, *self.trunk.faults, *self.desk.faults]
        for who, made in self.store.made.items():
            if made > MOST_ATTEMPTS:
                found.append(f"{who} was dialed {made} times, over the cap")
        for campaign_id, dialed in self.store.first.items():
            kept = [c for c in dialed if (campaign_id, c) not in self.store.put_off]
            if kept != sorted(kept, reverse=self.order == "lifo"):
                found.append(f"campaign {campaign_id} is not in order: {kept}")
        return found


@pytest.mark.parametrize("lane", LANES)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(
    seed=st.integers(0, 2**31),
    agents=st.integers(1, 4),
    contacts=st.integers(1, 25),
    ratio=st.sampled_from([1.0, 1.5, 3.0]),
    order=st.sampled_from(["fifo", "lifo"]),
    campaigns=st.integers(1, 2),
    channels=st.integers(1, 6),
)
def test_every_promise_holds_in_real_time(lane: str, **particulars: Any) -> None:
    day = LiveDay(lane, **particulars)
    day.run()
    assert day.faults() == []
    assert day.store.first


@pytest.mark.parametrize("lane", LANES)
def test_every_promise_holds_though_the_pool_dies_again_and_again(lane: str) -> None:
    day = LiveDay(lane, contacts=40, agents=4)
    for _ in range(4):
        settled = len(day.store.settlements)
        day.team.pool.tell(object())
        hopeless = time.monotonic() + 60
        while len(day.store.settlements) < settled + 5 and not day.is_done():
            assert time.monotonic() < hopeless, "nobody is dialed any more"
            time.sleep(0.01)
    day.run()
    assert day.faults() == []
    assert not {row["state"] for row in day.agents} & {"logged_out", "talking"}


# --- the checks see what they are for ---------------------------------------------------------


def book_twice(patch: pytest.MonkeyPatch) -> None:
    """The pool gives a caller to an agent who talks already."""
    for_caller = AgentPool._for_caller

    def whoever(self: Any, claim: Any) -> Any:
        for agent in self._roster.agents.values():
            if agent.state == "talking":
                agent.state = "reserved"
                return agent
        return for_caller(self, claim)

    patch.setattr(AgentPool, "_for_caller", whoever)


def forget_numbers(patch: pytest.MonkeyPatch) -> None:
    """The store forgets which numbers are in flight."""
    commit = MemoryStore.commit_attempts

    def forgetful(self: Any, *arguments: Any) -> None:
        self._numbers.clear()
        commit(self, *arguments)

    patch.setattr(MemoryStore, "commit_attempts", forgetful)


def forget_attempts(patch: pytest.MonkeyPatch) -> None:
    """The store brings every contact as if it had never been dialed."""
    claimed = MemoryStore._claimed

    def fresh(self: Any, *arguments: Any) -> list[ClaimedContact]:
        return [contact._replace(attempts=0) for contact in claimed(self, *arguments)]

    patch.setattr(MemoryStore, "_claimed", fresh)


def forget_channels(patch: pytest.MonkeyPatch) -> None:
    """A trunk takes every call."""
    patch.setattr(Line, "room", lambda self, now, within_s: NO_LIMIT)
    patch.setattr(Line, "take", lambda self, attempt_id: "")


def shuffle(patch: pytest.MonkeyPatch) -> None:
    """The store takes untouched contacts from the wrong end."""
    untouched = MemoryStore._untouched

    def reverse(self: Any, campaign: Any, request: Any, *more: Any) -> Any:
        return untouched(self, campaign, request._replace(order="lifo"), *more)

    patch.setattr(MemoryStore, "_untouched", reverse)


def hurry(patch: pytest.MonkeyPatch) -> None:
    """The store brings retries before they are due."""
    due = MemoryStore._due

    def early(self: Any, campaign: Any, request: Any, *more: Any) -> Any:
        return due(self, campaign, request._replace(now=request.now + 10), *more)

    patch.setattr(MemoryStore, "_due", early)


BUGS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], dict[str, Any]]] = {
    "is booked twice": (book_twice, {"ratio": 3.0}),
    "is in two calls": (forget_numbers, {"campaigns": 2, "contacts": 4, "agents": 4}),
    "over the cap": (forget_attempts, {"contacts": 4}),
    "is not in order": (shuffle, {}),
    "too early": (hurry, {"contacts": 4}),
    "calls on 2 channels": (forget_channels, {"channels": 2, "agents": 4, "ratio": 3.0}),
}


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("told", BUGS)
def test_a_broken_promise_is_noticed(told: str, lane: str) -> None:
    plant, particulars = BUGS[told]
    found: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        for seed in range(5):
            day = LiveDay(lane, seed=seed, **particulars)
            try:
                day.run()
            except Exception as error:
                found.append(repr(error))
                day.runtime.stop()
            found += day.faults()
            if told in "; ".join(found):
                return
    pytest.fail(f"the check of {told!r} found only {found}")
