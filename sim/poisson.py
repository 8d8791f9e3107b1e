"""Callers who come by chance, through the product's own pool and calls.

The rule of this module: only the campaign is left out, for queueing theory knows callers who come
at a rate and no pacer. Each arrival is a Call with a live answer at once; everything after that,
claiming an agent, waiting, leaving, talking, wrapping up, is what the dialer does every day.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from actors.agent_messages import AddAgent
from actors.call import Call
from actors.call_home import CallHome
from actors.messages import ReadyAttempt
from actors.runtime import Behaviour, handles
from actors.services import Services
from dialer import journal
from dialer.agents import AgentProfile
from dialer.caller_ids import Caller
from dialer.compliance.preset import Preset
from dialer.events import AgentAsked
from dialer.flow.graph import Flow, load_flow
from dialer.flow.nodes import NodeBase
from dialer.message import Message
from dialer.ports import Choices, ClaimedContact, DialRequest, Settlement
from sim.fates import AgentDay, CallFate, FateOf, Offer, PreviewAnswer, SaidOfCall, Streams
from sim.figures import FiguresJournal
from sim.laws import Constant, Gamma, Law
from sim.ledger import Ledger
from sim.memory_store import MemoryStore
from sim.runtime import SimRuntime
from sim.variates import Keyed, keyed
from sim.world import World, WorldPlan

LAWLESS = Preset.model_validate(
    {
        "name": "lawless",
        "title": "No law",
        "source": "queueing theory knows none",
        "calling_hours": [{"from": "00:00", "to": "24:00"}],
    }
)
FOREVER_S = 1e9
_WARM_UP_SERVICES = 12
_SLICE_S = 3600.0
_TRUNK = "simulated"
_QUEUE = "default"
_FLOW = """
title: Callers by chance
time_zone: UTC
nodes:
  - {id: start, type: start, interval_s: 60, next: {pulse: undelivered}}
  - {id: undelivered, type: check_undelivered_contacts, next: {"true": seize}}
  - {id: seize, type: seize_agent, queue: default, request_ttl_s: 30, target: 1,
     next: {pulse: seized}}
  - {id: seized, type: check_seize_agent_event, next: {agent_reserved: init}}
  - {id: init, type: init, dialing: {mode: progressive}, next: {contact: dial}}
  - {id: dial, type: dial, channel: simulated, next: {live_call: route}}
  - {id: route, type: route_to_agent, queue: default}
"""


class _Arrival(Message):
    """A caller comes."""


class QueuePlan(Message):
    """A queue to simulate.

    arrivals: per second. talk, wrap_up: an agent's time for a caller. patience: how long a caller
    waits for a voice. limit_s: after which the dialer itself gives the caller up.
    """

    agents: int
    arrivals: float
    talk: Law
    wrap_up: Law = Constant(0.0)
    patience: Law = Constant(FOREVER_S)
    limit_s: float = FOREVER_S

    @property
    def service_s(self) -> float:
        """Mean seconds of an agent for a caller."""
        return self.talk.mean + self.wrap_up.mean


class QueueFigures(Message):
    """What a run of a queue came to, of the callers that came in its window.

    waits, left: shares of the callers who did not find an agent free, and who left unserved.
    mean_wait_s: of all of them. mean_waiting: callers in line, over time. arrivals: per second.
    service_s: the mean that the callers were to have, whether or not they got it.
    unsettled: calls that were placed and never settled.
    """

    occupancy: float
    waits: float
    left: float
    mean_wait_s: float
    mean_waiting: float
    arrivals: float
    service_s: float
    callers: int
    unsettled: int


def run_queue(plan: QueuePlan, callers: int, seed: int) -> QueueFigures:
    """Simulate a queue from empty until about `callers` have come after the warm-up.

    The warm-up, left out of the figures, lasts twelve mean services: what an empty start leaves
    of a queue dies away by about e in each.
    """
    runtime = SimRuntime(seed)
    began = runtime.now()
    since = began + _WARM_UP_SERVICES * plan.service_s
    until = since + callers / plan.arrivals
    measured, line = FiguresJournal(since, until), _LineJournal(since, until)
    ledger = Ledger(measured, line)
    people = _People(plan, seed)
    world = World(
        runtime, WorldPlan(_flow(plan.limit_s), LAWLESS, plan.agents, people, people), ledger
    )
    store = _Settled()
    source = Source(plan, replace(world.services, store=store), seed)
    for number in range(plan.agents):
        agent_id = f"agent-{number}"
        world.pool.tell(AddAgent(AgentProfile(agent_id, queues=(_QUEUE,))))
        world.pool.tell(AgentAsked(agent_id, runtime.now(), "login"))
    runtime.spawn(source, "source")
    while runtime.now() < until:
        runtime.advance(min(_SLICE_S, until - runtime.now()))
        ledger.flush()
    occupancy = measured.close(until).occupancy
    in_window = range(line.first, line.first + line.came)
    source.is_open = False
    while source.open_calls and runtime.now() < until + 100 * (plan.service_s + _SLICE_S):
        runtime.advance(_SLICE_S)
        ledger.flush()
    runtime.stop()
    window_s = until - since
    came = max(1, line.came)
    return QueueFigures(
        occupancy,
        line.delayed / came,
        line.left / came,
        line.waited_s / came,
        line.waiting_s / window_s,
        line.came / window_s,
        sum(map(people.service_s, in_window)) / came,
        line.came,
        source.placed - store.settled,
    )


class Source(Behaviour):
    """Places a call for each caller, in place of a campaign."""

    def __init__(self, plan: QueuePlan, services: Services, seed: int) -> None:
        self.is_open = True
        self.placed = self.open_calls = 0
        self._flow = _flow(plan.limit_s)
        self._services = services
        self._gap_s = keyed(seed, "arrivals", Gamma(1.0, 1 / plan.arrivals).draw)

    def on_start(self) -> None:
        self._home = CallHome(1, LAWLESS, self._services, self.ref, {})
        self._expect()

    @handles(_Arrival)
    def _on_arrival(self, _: _Arrival) -> None:
        if not self.is_open:
            return
        self.placed += 1
        self.open_calls += 1
        number = self.placed
        contact, caller = ClaimedContact(number, {}), Caller("", "", (_TRUNK,))
        attempt = ReadyAttempt(0, number, "dial", "+10000000000", contact, caller)
        trunk = self._services.lines.take(caller.trunks, number)[0]
        assert trunk is not None
        self._home.states[number] = "dialing"
        self.runtime.spawn(Call(attempt, self._flow, trunk, self._home), f"call/{number}")
        self._expect()

    @handles(Settlement)
    def _on_settled(self, _: Settlement) -> None:
        self.open_calls -= 1

    def _expect(self) -> None:
        self.runtime.after(self._gap_s(self.placed), self.ref, _Arrival())


class _Settled(MemoryStore):
    """A store that only counts: callers by chance are on no list."""

    def __init__(self) -> None:
        super().__init__({})
        self.settled = 0

    def settle(self, settlement: Settlement) -> None:  # noqa: ARG002
        self.settled += 1


class _People:
    """Callers and agents of a queue, by the caller's number."""

    channels = 0
    kept_up = True
    tells_wrap_up = False
    away_s = 0.0

    def __init__(self, plan: QueuePlan, seed: int) -> None:
        self._talk_s = _drawn(plan.talk, seed, "talk")
        self._wrap_up_s = _drawn(plan.wrap_up, seed, "wrap_up")
        self._patience_s = _drawn(plan.patience, seed, "patience")

    def service_s(self, caller: int) -> float:
        return self._talk_s(caller) + self._wrap_up_s(caller)

    def fates(self, stream: Streams, carrier: str) -> FateOf:  # noqa: ARG002
        talk_s, patience_s = self._talk_s, self._patience_s

        def fate(request: DialRequest, at: float) -> CallFate:  # noqa: ARG001
            caller = request.attempt_id
            return CallFate(
                "live", 0.0, verdict="human", talk_s=talk_s(caller), patience_s=patience_s(caller)
            )

        return fate

    def days(self, stream: Streams) -> Callable[[int], AgentDay]:  # noqa: ARG002
        return lambda _: AgentDay()

    def offers(self, stream: Streams) -> Callable[[], Offer]:  # noqa: ARG002
        return lambda: Offer(False, 0.0)

    def previews(self, stream: Streams) -> Callable[[], PreviewAnswer]:  # noqa: ARG002
        return lambda: PreviewAnswer("accepted", 0.0)

    def says(self, stream: Streams) -> Callable[[Choices], SaidOfCall]:  # noqa: ARG002
        return lambda choices: SaidOfCall(choices[0][0])

    def wrap_ups(self, stream: Streams) -> Callable[[int], float]:  # noqa: ARG002
        return self._wrap_up_s


class _LineJournal:
    """Reads from the ledger how callers waited; those count who came from `since` to `until`."""

    def __init__(self, since: float, until: float) -> None:
        self._since = since
        self._until = until
        self._waiting: dict[int, float] = {}
        self.first = 0
        self.came = self.delayed = self.left = 0
        self.waited_s = self.waiting_s = 0.0

    def extend(self, records: Sequence[Message]) -> None:
        for record in records:
            if type(record) is journal.CallMoved:
                self._on_moved(record)

    def _on_moved(self, record: journal.CallMoved) -> None:
        if record.state == "waiting":
            self._waiting[record.attempt_id] = record.at
            if self._since <= record.at < self._until:
                self.first = self.first or record.attempt_id
                self.came += 1
            return
        if record.state not in ("bridged", "closing", "settled"):
            return
        came_at = self._waiting.pop(record.attempt_id, None)
        if came_at is None:
            return
        self.waiting_s += max(0.0, min(record.at, self._until) - max(came_at, self._since))
        if self._since <= came_at < self._until:
            self.waited_s += record.at - came_at
            self.delayed += record.at > came_at or record.state != "bridged"
            self.left += record.state != "bridged"


def _drawn(law: Law, seed: int, name: str) -> Keyed:
    if isinstance(law, Constant):
        return lambda _: law.value
    return keyed(seed, name, law.draw)


def _flow(limit_s: float) -> Flow:
    flow = load_flow(_FLOW, "callers by chance")

    def changed(node: NodeBase) -> NodeBase:
        # The schema keeps people from waits that theory knows no bounds for.
        return node.model_copy(update={"patience_s": limit_s}) if node.id == "route" else node

    nodes = tuple(changed(node) for node in flow.definition.nodes)
    return Flow(flow.definition.model_copy(update={"nodes": nodes}))
