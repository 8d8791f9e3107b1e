"""One campaign with all that is around it, in simulation.

The rule of this module: it wires the very actors of the daemon, and what is simulated stands
behind the same ports; nothing here decides anything about a call or an agent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.agent_messages import AddAgent
from actors.agent_pool import AgentPool
from actors.campaign import Campaign, CampaignIdentity
from actors.contact_feeder import ContactFeeder
from actors.disposition_desk import DispositionDesk, nowhere
from actors.handle import Handle
from actors.messages import Quiesce, Report, Supervise, TrunkNews
from actors.pool_memory import PoolMemory
from actors.runtime import Behaviour
from actors.series_desk import InProcessSource, SeriesDesk
from actors.services import Services
from actors.supervisor import Supervisor
from actors.trunk_lines import TrunkLines
from dialer.agents import AgentProfile
from dialer.compliance.permission import YES, Permission, Rule
from dialer.compliance.preset import Preset
from dialer.events import AgentAsked, TrunkChanged
from dialer.flow.formulas import formulas_of
from dialer.flow.graph import Flow
from dialer.flow.nodes import Dial, RouteToAgent, SeizeAgent
from dialer.metrics import Metrics
from dialer.ports import ClaimedContact, Sink
from dialer.trunks.line import LineLimits
from sim.carrier import Carrier, SimTrunk
from sim.desk import Desk, SimDesk
from sim.endless_list import EndlessList
from sim.fates import Callees, Habits, Streams
from sim.faults import Fault
from sim.memory_store import MemoryStore
from sim.mishaps import Mishaps
from sim.model import CarrierModel, DeskModel
from sim.runtime import SimRuntime

CAMPAIGN_ID = 1

INSTANCE = "simulator:0"
"""The label `instance` of simulated series."""


def anybody(number: str, contact: ClaimedContact, now: float) -> Permission:  # noqa: ARG001
    """A rule for simulated people, who have no law but the campaign's own windows."""
    return YES


def _endless(stream: Streams) -> MemoryStore:  # noqa: ARG001
    return EndlessList()


@dataclass(frozen=True, slots=True)
class WorldPlan:
    """What a world is made of.

    agents: how many; all log in at once. callees, habits: how calls and agents go.
    store: makes the contacts; an endless list where it is left out.
    calls_per_second: of each trunk, 0 for no limit. faults: what goes wrong, from the start on.
    series: whether the ledger takes the series that `dialer.backtest` reads. watched: formulas
    whose series it takes, too. semantics: of formulas, as of `compile_formula`.
    """

    flow: Flow
    preset: Preset
    agents: int
    callees: Callees = field(default_factory=CarrierModel)
    habits: Habits = field(default_factory=DeskModel)
    store: Callable[[Streams], MemoryStore] = _endless
    may_dial: Rule = anybody
    calls_per_second: float = 0.0
    faults: tuple[Fault, ...] = ()
    series: bool = False
    watched: tuple[str, ...] = ()
    semantics: str = "3"


class World:
    """A campaign with its agents, carrier and contacts on a simulated clock.

    recorder: takes the records of the ledger.
    """

    def __init__(self, runtime: SimRuntime, plan: WorldPlan, recorder: Sink) -> None:
        self.runtime = runtime
        self.plan = plan
        self.metrics = Metrics()
        self.store = plan.store(runtime.stream)
        self._kept: dict[str, Sink] = {}
        self.supervisor = runtime.spawn(Supervisor(self.metrics), "supervisor")
        runtime.supervisor = self.supervisor
        self.recorder = recorder
        self.pool = Handle("agent_pool")
        desk = SimDesk(plan.habits, self.keep_alive("desk", lambda: Desk(plan.habits, self.pool)))
        nodes = plan.flow.definition.nodes
        trunks = {
            name: self._simulated(name)
            for name in dict.fromkeys(
                name for node in nodes if isinstance(node, Dial) for name in node.channels
            )
        }
        limits = LineLimits(plan.callees.channels, plan.calls_per_second)
        lines = TrunkLines(self.metrics, dict.fromkeys(trunks, limits), self._trunk_changed)
        self.services = Services(
            self.store,
            trunks,
            desk,
            self.pool,
            self.recorder,
            self.metrics,
            lines,
            formulas=self._formulas(),
        )
        said = DispositionDesk(self.store, self.recorder, nowhere)
        memory = PoolMemory()
        self.keep_alive(
            self.pool.name,
            lambda: AgentPool(
                desk, self.recorder, said, memory=memory, campaigns=lambda: (self.campaign,)
            ),
            self.pool,
        )
        self.feeder = Handle(f"feeder/{CAMPAIGN_ID}")
        self.campaign = Handle(f"campaign/{CAMPAIGN_ID}")

    def keep_alive(
        self, name: str, factory: Callable[[], Behaviour], handle: Handle | None = None
    ) -> Handle:
        """Have the supervisor start an actor and restart it when it dies."""
        handle = self._kept[name] = handle or Handle(name)
        self.supervisor.tell(Supervise(name, factory, handle))
        return handle

    def start(self) -> None:
        """Publish the campaign and have the agents log in."""
        plan = self.plan
        self.keep_alive(self.feeder.name, self._make_feeder, self.feeder)
        self.keep_alive(self.campaign.name, self._make_campaign, self.campaign)
        now = self.runtime.now()
        for agent in self.agent_ids():
            self.pool.tell(AddAgent(AgentProfile(agent, queues=_queues(plan.flow))))
            self.pool.tell(AgentAsked(agent, now, "login"))
        if plan.faults:
            mishaps = Mishaps(plan.faults, self._kept, self.pool, self.agent_ids())
            self.runtime.spawn(mishaps, "mishaps")

    def agent_ids(self) -> Sequence[str]:
        return [f"agent-{number}" for number in range(1, self.plan.agents + 1)]

    def wind_down(self, within_s: float) -> bool:
        """No more dials, ringing is cancelled, and calls end; whether all did in that time."""
        self.campaign.tell(Quiesce("the simulated day is over", True, False))
        self.runtime.advance(1.0)
        end = self.runtime.now() + within_s
        while self.calls_in_progress():
            if self.runtime.now() >= end:
                return False
            self.runtime.advance(30.0)
        return True

    def calls_in_progress(self) -> int:
        report: dict[str, Any] = self.campaign.ask(Report(), 5.0)
        return int(report["calls_in_progress"])

    def _trunk_changed(self, change: TrunkChanged) -> None:
        self.campaign.tell(TrunkNews(change.trunk, change.up, change.reason))

    def _simulated(self, name: str) -> SimTrunk:
        trunk = SimTrunk(self.runtime, name, self.plan.callees, self.metrics)
        self.keep_alive(f"carrier/{name}", lambda: Carrier(trunk))
        return trunk

    def _formulas(self) -> InProcessSource | None:
        """Sampling costs a little each simulated second: only a flow with formulas pays for it."""
        plan = self.plan
        if not (plan.series or formulas_of(plan.flow.definition)):
            return None
        recorder = self.recorder if plan.series else None
        desk = self.keep_alive("series", lambda: SeriesDesk(self.metrics, INSTANCE, recorder))
        source = InProcessSource(desk, plan.semantics)
        if plan.watched:
            source.watch("", plan.watched)
        return source

    def _make_feeder(self) -> Behaviour:
        plan = self.plan
        return ContactFeeder(
            CAMPAIGN_ID, 1, plan.flow, self.store, self.campaign, self.recorder, plan.may_dial
        )

    def _make_campaign(self) -> Behaviour:
        plan = self.plan
        return Campaign(
            CampaignIdentity(CAMPAIGN_ID, 1, plan.flow.title),
            plan.flow,
            plan.preset,
            self.services,
            myself=self.campaign,
            feeder=self.feeder,
            may_dial=plan.may_dial,
        )


def _queues(flow: Flow) -> tuple[str, ...]:
    nodes = flow.definition.nodes
    queues = {node.queue for node in nodes if isinstance(node, (SeizeAgent, RouteToAgent))}
    return tuple(sorted(queues))
