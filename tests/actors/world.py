"""A small world around the actors: a trunk and a desk that do what the test says.

The rule of this module: it sits on the ports, as a carrier and agents do, and never looks inside
an actor.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from actors.agent_messages import AddAgent
from actors.agent_pool import AgentPool
from actors.caller_book import CallerBook
from actors.campaign import Campaign, CampaignIdentity
from actors.contact_feeder import ContactFeeder
from actors.disposition_desk import DispositionDesk
from actors.handle import Handle
from actors.messages import Dismiss, FlowChanged, Quiesce, Report, Supervise, TrunkNews
from actors.pool_memory import PoolMemory
from actors.recorder import Recorder
from actors.runtime import Behaviour, Runtime
from actors.services import Services
from actors.supervisor import Supervisor
from actors.trunk_lines import TrunkLines
from dialer import journal
from dialer.agents import AgentProfile
from dialer.compliance.permission import YES, Rule
from dialer.compliance.preset import load_preset
from dialer.events import (
    AgentAccepted,
    AgentAsked,
    AgentDisposed,
    AgentLegDown,
    AgentLegUp,
    AgentNoAnswer,
    Answered,
    Bridged,
    EndCause,
    Ended,
    PreviewAnswered,
    Ringing,
    TrunkChanged,
)
from dialer.flow.graph import Flow, load_flow
from dialer.formula_port import MetricSource
from dialer.metrics import Metrics
from dialer.ports import AgentDesk, AttributeValue, Choices, DialRequest, PreviewCard, Sink, Trunk
from dialer.trunks.line import LineLimits
from sim.memory_store import MemoryStore

REGULATIONS = Path(__file__).parents[2] / "config" / "regulations"
PRESET = load_preset((REGULATIONS / "us_ftc.yaml").read_bytes(), "us_ftc.yaml")

BUSY = EndCause("far", 486, 17, "Busy Here")
HUNG_UP = EndCause("far", 200, 16, "BYE")
NO_CHANNEL = EndCause("trunk", 0, 0, "all channels are in use")

_FLOW = """
title: {title}
time_zone: America/New_York
nodes:
  - {{id: start, type: start, interval_s: {interval_s}, next: {{pulse: undelivered}}{start}}}
  - {{id: undelivered, type: check_undelivered_contacts, next: {{"true": seize}}}}
  - {{id: seize, type: seize_agent, queue: {queue}, request_ttl_s: {ttl_s}, target: {target},
     next: {{pulse: seized}}}}
  - {{id: seized, type: check_seize_agent_event, next: {{agent_reserved: init}}}}
  - {{id: init, type: init, dialing: {dialing}, next: {{contact: dial}}{init}}}
  - {{id: dial, type: dial, channel: trunk, ring_timeout_s: 25, max_attempts: 3,
     next: {{live_call: route, delivery: retry}}}}
  - {{id: route, type: route_to_agent, queue: {queue}, patience_s: 2}}
  - {{id: retry, type: post_attempt_decision, outcomes: [user_busy, no_user_response],
     next: {{"true": later}}}}
  - {{id: later, type: wait, delay_s: 600, next: {{contact: dial}}}}
"""


def flow_text(
    title: str = "Test",
    *,
    target: int | str = 2,
    dialing: str = "{mode: progressive}",
    interval_s: float = 5,
    ttl_s: float = 30,
    queue: str = "default",
    start: str = "",
    init: str = "",
) -> str:
    """A voice campaign; start, init: more settings of those nodes, each after a comma."""
    return _FLOW.format(
        title=title,
        target=target,
        dialing=dialing,
        interval_s=interval_s,
        ttl_s=ttl_s,
        queue=queue,
        start=start,
        init=init,
    )


class ScriptedTrunk:
    """A trunk whose calls do what the test says."""

    judges = False

    def __init__(self, runtime: Runtime, name: str = "trunk") -> None:
        self.name = name
        self._runtime = runtime
        self._events: dict[int, Sink] = {}
        self.dialed: list[DialRequest] = []
        self.cancelled: list[int] = []
        self.bridged: dict[int, str] = {}
        self.bridges = True

    @property
    def open(self) -> list[int]:
        """Attempts whose calls have not ended."""
        return list(self._events)

    def dial(self, request: DialRequest, events: Sink) -> None:
        self.dialed.append(request)
        self._events[request.attempt_id] = events

    def cancel(self, attempt_id: int) -> None:
        self.cancelled.append(attempt_id)

    def hang_up(self, attempt_id: int) -> None:
        if attempt_id in self._events:
            self.end(attempt_id, EndCause("near", 200, 16, "BYE"))

    def bridge(self, attempt_id: int, agent_id: str) -> None:
        if attempt_id in self._events:
            self.bridged[attempt_id] = agent_id
            if self.bridges:
                self._events[attempt_id].tell(Bridged(attempt_id, self._runtime.now()))

    def play(self, attempt_id: int, prompt: str, then_hang_up: bool) -> None:
        """Nobody listens."""

    # --- for the test -------------------------------------------------------------------------

    def ring(self, attempt_id: int) -> None:
        self._events[attempt_id].tell(Ringing(attempt_id, self._runtime.now()))

    def answer(self, attempt_id: int) -> None:
        self._events[attempt_id].tell(Answered(attempt_id, self._runtime.now()))

    def end(self, attempt_id: int, cause: EndCause = BUSY) -> None:
        self._events.pop(attempt_id).tell(Ended(attempt_id, self._runtime.now(), cause))


class ScriptedDesk:
    """A desk whose agents do what the test says; their legs come up at once."""

    def __init__(self, runtime: Runtime, pool: Any, *, kept_up: bool = True) -> None:
        self.kept_up = kept_up
        self._runtime = runtime
        self._pool = pool
        self.offered: list[str] = []
        self.without_leg: set[str] = set()
        self.withdrawn: list[str] = []
        self.asked: list[tuple[str, int, Choices]] = []
        self.previews: list[tuple[str, PreviewCard]] = []
        self.connected: list[tuple[str, int]] = []
        self.released: list[tuple[str, int]] = []

    def log_in(self, agent_id: str, address: str) -> None:
        self.without_leg.discard(agent_id)
        self._pool.tell(AgentLegUp(agent_id, self._runtime.now()))

    def log_out(self, agent_id: str) -> None:
        self.without_leg.add(agent_id)
        self._pool.tell(AgentLegDown(agent_id, self._runtime.now(), "logged out"))

    def offer(self, agent_id: str) -> None:
        self.offered.append(agent_id)

    def withdraw(self, agent_id: str) -> None:
        self.withdrawn.append(agent_id)

    def retell(self, agent_ids: Sequence[str]) -> None:
        for agent_id in agent_ids:
            event = AgentLegDown if agent_id in self.without_leg else AgentLegUp
            self._pool.tell(event(agent_id, self._runtime.now()))

    def preview(self, agent_id: str, card: PreviewCard) -> None:
        self.previews.append((agent_id, card))

    def ask_disposition(self, agent_id: str, attempt_id: int, choices: Choices) -> None:
        self.asked.append((agent_id, attempt_id, choices))

    def connect(self, agent_id: str, attempt_id: int) -> None:
        self.connected.append((agent_id, attempt_id))

    def release(self, agent_id: str, attempt_id: int) -> None:
        self.released.append((agent_id, attempt_id))

    # --- for the test -------------------------------------------------------------------------

    def accept(self, agent_id: str) -> None:
        self._pool.tell(AgentAccepted(agent_id, self._runtime.now()))

    def no_answer(self, agent_id: str) -> None:
        self._pool.tell(AgentNoAnswer(agent_id, self._runtime.now()))

    def cards(self, agent_id: str) -> list[PreviewCard]:
        """All that an agent was ever shown."""
        return [card for agent, card in self.previews if agent == agent_id]

    def answer_preview(self, agent_id: str, *, accepted: bool) -> None:
        """To what they were shown last."""
        ticket = self.cards(agent_id)[-1].ticket
        self._pool.tell(PreviewAnswered(agent_id, self._runtime.now(), ticket, accepted))

    def dispose(self, agent_id: str, name: str, **more: Any) -> str:
        """Say what came of a call; why it is not taken."""
        said = AgentDisposed(agent_id, self._runtime.now(), name, **more)
        return str(self._pool.ask(said, 5))

    def leg_down(self, agent_id: str) -> None:
        self._pool.tell(AgentLegDown(agent_id, self._runtime.now(), "no audio"))

    def ask(self, agent_id: str, wish: str, reason: str = "") -> None:
        self._pool.tell(AgentAsked(agent_id, self._runtime.now(), wish, reason))


class Ledger:
    """A journal in memory."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def append(self, record: Any) -> None:
        self.records.append(record)

    def pulses(self) -> list[journal.Pulse]:
        return [r for r in self.records if isinstance(r, journal.Pulse)]


def people(count: int, start: int = 1) -> dict[int, Mapping[str, AttributeValue]]:
    return {n: {"phone": (f"+1212555{n:04d}",)} for n in range(start, start + count)}


class Team:
    """The long-lived actors under a supervisor, on any runtime."""

    def __init__(
        self,
        runtime: Any,
        contacts: Mapping[int, Mapping[str, AttributeValue]],
        desk: Callable[[Sink], AgentDesk] | None = None,
        store: MemoryStore | None = None,
        floors: Mapping[str, int] | None = None,
        formulas: Callable[["Team"], MetricSource] | None = None,
    ) -> None:
        self.runtime = runtime
        self.ledger = Ledger()
        self.metrics = Metrics()
        self.store = store if store is not None else MemoryStore(contacts)
        self.supervisor = runtime.spawn(Supervisor(self.metrics), "supervisor")
        runtime.supervisor = self.supervisor
        self.recorder = self.keep_alive("recorder", lambda: Recorder(self.ledger))
        self.pool = Handle("agent_pool")
        self.trunks: dict[str, Trunk] = {}
        port = desk(self.pool) if desk is not None else ScriptedDesk(runtime, self.pool)
        self.desk_port = port
        self.lines = TrunkLines(self.metrics, news=self._trunk_changed)
        self.callers = CallerBook()
        self.services = Services(
            self.store,
            self.trunks,
            port,
            self.pool,
            self.recorder,
            self.metrics,
            self.lines,
            formulas=formulas(self) if formulas is not None else None,
        )
        self.opted_out: list[tuple[str, str]] = []

        def opt_out(number: str, source: str, at: float) -> None:
            self.opted_out.append((number, source))

        said = DispositionDesk(self.store, self.recorder, opt_out)
        memory = PoolMemory()
        self.keep_alive(
            "agent_pool",
            lambda: AgentPool(
                port, self.recorder, said, floors, memory, lambda: [*self.campaigns.values()]
            ),
            self.pool,
        )
        self.campaigns: dict[int, Handle] = {}
        self.feeders: dict[int, Handle] = {}

    def keep_alive(
        self, name: str, factory: Callable[[], Behaviour], handle: Handle | None = None
    ) -> Handle:
        handle = handle or Handle(name)
        self.supervisor.tell(Supervise(name, factory, handle))
        return handle

    def add_agents(
        self, count: int, queue: str = "default", prefix: str = "a", wrap_up_s: float = 0.0
    ) -> list[str]:
        """Agents who log in and are ready, in this order."""
        names = [f"{prefix}{n}" for n in range(1, count + 1)]
        for name in names:
            profile = AgentProfile(name, queues=(queue,), wrap_up_s=wrap_up_s)
            self.pool.tell(AddAgent(profile))
            self.pool.tell(AgentAsked(name, self.runtime.now(), "login"))
        return names

    def start(
        self,
        text: str,
        campaign_id: int = 1,
        *,
        may_dial: Rule = lambda number, contact, at: YES,
        calls_per_second: float = 0.0,
        ahead: int = 20,
        briefing: Callable[[], Sequence[Any]] = tuple,
    ) -> Handle:
        """Publish a campaign. calls_per_second: of the trunk, where it is given."""
        if calls_per_second:
            self.lines.set_limits("trunk", LineLimits(0, calls_per_second))
        flow = load_flow(text, "test.yaml")
        campaign = self.campaigns[campaign_id] = Handle(f"campaign/{campaign_id}")
        feeder = self.feeders[campaign_id] = Handle(f"feeder/{campaign_id}")
        self.keep_alive(
            feeder.name,
            lambda: ContactFeeder(
                campaign_id,
                1,
                flow,
                self.store,
                campaign,
                self.recorder,
                may_dial,
                ahead,
                self.callers,
            ),
            feeder,
        )
        self.keep_alive(
            campaign.name,
            lambda: Campaign(
                CampaignIdentity(campaign_id, 1, flow.title),
                flow,
                PRESET,
                self.services,
                myself=campaign,
                feeder=feeder,
                may_dial=may_dial,
                briefing=briefing,
            ),
            campaign,
        )
        return campaign

    def _trunk_changed(self, change: TrunkChanged) -> None:
        for campaign in self.campaigns.values():
            campaign.tell(TrunkNews(change.trunk, change.up, change.reason))

    def dismiss(self, campaign_id: int) -> None:
        for handle in (self.feeders[campaign_id], self.campaigns[campaign_id]):
            self.supervisor.tell(Dismiss(handle.name))

    def change_flow(self, text: str, version: int, campaign_id: int = 1) -> Flow:
        flow = load_flow(text, f"test-{version}.yaml")
        self.campaigns[campaign_id].tell(FlowChanged(version, flow))
        return flow

    def quiesce(self, reason: str, *, cancel: bool = False, campaign_id: int = 1) -> None:
        self.campaigns[campaign_id].tell(Quiesce(reason, cancel, False))

    def report(self, campaign_id: int = 1) -> dict[str, Any]:
        answer: dict[str, Any] = self.campaigns[campaign_id].ask(Report(), 5)
        return answer

    def agents(self) -> dict[str, dict[str, Any]]:
        return {row["agent_id"]: row for row in self.pool.ask(Report(), 5)}

    def agent_states(self) -> Counter[str]:
        return Counter(row["state"] for row in self.agents().values())

    def outcomes(self) -> list[str]:
        return [s.outcome for s in self.store.settlements]

    def count(self, metric: str, title: str = "Test", **labels: str) -> float:
        return self.metrics.counter(metric, campaign=title, **labels).value
