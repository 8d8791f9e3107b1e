"""Starts and stops campaigns, and is the way in for those who are no actors.

The rule of this module: it decides nothing about calls. It keeps what must live under the
supervisor, passes news on, and asks actors for their reports; its methods may be called from any
thread but an actor's own.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pykka

from actors.agent_messages import AddAgent
from actors.agent_pool import AgentPool
from actors.caller_book import CallerBook
from actors.campaign import Campaign, CampaignIdentity
from actors.contact_feeder import ContactFeeder
from actors.disposition_desk import DispositionDesk, OptOut, nowhere
from actors.handle import Handle
from actors.live import LiveRuntime
from actors.messages import Dismiss, FlowChanged, Quiesce, Report, Supervise, TrunkNews
from actors.pool_memory import PoolMemory
from actors.recorder import Recorder
from actors.runtime import Behaviour
from actors.services import Services
from actors.supervisor import Supervisor
from actors.trunk_lines import TrunkLines
from dialer.agents import AgentProfile
from dialer.compliance.permission import Rule
from dialer.compliance.preset import Preset
from dialer.errors import GatewayError
from dialer.events import AgentAsked, AgentDisposed, PreviewAnswered, TrunkChanged
from dialer.flow.graph import Flow
from dialer.formula_port import MetricSource
from dialer.metrics import Metrics
from dialer.ports import AgentDesk, ContactStore, Journal, PreviewCard, Trunk
from dialer.trunks.line import LineLimits

ANSWER_WITHIN_S = 5.0
"""How long a report may take."""


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """All that a campaign needs to run. may_dial: the dial policy and its law in one."""

    identity: CampaignIdentity
    flow: Flow
    preset: Preset
    may_dial: Rule


class _Running:
    """A campaign that has been started."""

    def __init__(self, plan: CampaignPlan) -> None:
        campaign_id = plan.identity.campaign_id
        self.plan = plan
        self.paused: Quiesce | None = None
        self.quiet: Quiesce | None = None
        self.campaign = Handle(f"campaign/{campaign_id}")
        self.feeder = Handle(f"feeder/{campaign_id}")


class Director:
    """The actors of one daemon."""

    def __init__(self, runtime: LiveRuntime, metrics: Metrics, journal: Journal) -> None:
        self._runtime = runtime
        self._metrics = metrics
        self._supervisor = runtime.spawn(Supervisor(metrics), "supervisor")
        runtime.supervisor = self._supervisor
        self.recorder = self.keep_alive("recorder", lambda: Recorder(journal))
        self.pool = Handle("agent_pool")
        self._services: Services | None = None
        self.lines = TrunkLines(metrics, news=self._trunk_changed)
        self._running: dict[int, _Running] = {}
        self._ending: list[_Running] = []
        self._trunks: dict[str, TrunkChanged] = {}
        self._panic = ""
        self._lock = threading.RLock()

    def keep_alive(
        self, name: str, factory: Callable[[], Behaviour], handle: Handle | None = None
    ) -> Handle:
        """Have the supervisor start an actor and restart it when it dies."""
        handle = handle or Handle(name)
        self._supervisor.tell(Supervise(name, factory, handle))
        return handle

    def open(
        self,
        store: ContactStore,
        trunks: Mapping[str, Trunk],
        desk: AgentDesk,
        limits: Mapping[str, LineLimits],
        callers: CallerBook,
        floors: Mapping[str, int] | None = None,
        opt_out: OptOut = nowhere,
        formulas: MetricSource | None = None,
    ) -> None:
        """Everything is connected: bring up the pool; campaigns may start.

        floors: how many ready agents each queue keeps for inbound calls. opt_out: suppresses the
        number of who wants no more calls.
        """
        for name, line_limits in limits.items():
            self.lines.set_limits(name, line_limits)
        self._services = Services(
            store,
            trunks,
            desk,
            self.pool,
            self.recorder,
            self._metrics,
            self.lines,
            callers,
            formulas,
        )
        said = DispositionDesk(store, self.recorder, opt_out)
        memory = PoolMemory()
        self.keep_alive(
            self.pool.name,
            lambda: AgentPool(desk, self.recorder, said, floors, memory, self._campaign_handles),
            self.pool,
        )

    def _campaign_handles(self) -> list[Handle]:
        with self._lock:
            return [running.campaign for running in (*self._running.values(), *self._ending)]

    # --- campaigns ----------------------------------------------------------------------------

    def start(self, plan: CampaignPlan) -> None:
        """Run a campaign, or have one that runs go on with this version of its flow."""
        with self._lock:
            campaign_id = plan.identity.campaign_id
            running = self._running.get(campaign_id)
            if running is not None:
                running.plan = plan
                running.paused = running.quiet = None
                running.campaign.tell(FlowChanged(plan.identity.version, plan.flow))
            else:
                running = self._running[campaign_id] = _Running(plan)
                if self._panic:
                    running.quiet = Quiesce(self._panic, True, False)
                self._bring_up(running)
                return
            if self._panic:
                self._quiesce(running, Quiesce(self._panic, True, False))

    def pause(self, campaign_id: int, reason: str) -> None:
        """No new dials; calls under way go on."""
        with self._lock:
            running = self._running.get(campaign_id)
            if running is not None:
                running.paused = Quiesce(reason, False, False)
                self._quiesce(running, running.paused)

    def end(self, campaign_id: int) -> None:
        """Take a campaign down for good, once its last call has ended (see `reap`)."""
        with self._lock:
            running = self._running.pop(campaign_id, None)
            if running is not None:
                self._quiesce(running, Quiesce("stopped", False, True))
                self._ending.append(running)

    def reap(self) -> None:
        """Dismiss campaigns that were ended and have no call left. Call it now and then."""
        for running in self._ending.copy():
            if not self._ask(running.campaign)["calls_in_progress"]:
                self._ending.remove(running)
                for handle in (running.feeder, running.campaign):
                    self._supervisor.tell(Dismiss(handle.name))

    def panic(self, reason: str) -> None:
        """End all new dials at once, those that ring included; "" lifts it."""
        with self._lock:
            self._panic = reason
            for running in self._running.values():
                if reason:
                    self._quiesce(running, Quiesce(reason, True, False))
                elif running.paused is not None:
                    self._quiesce(running, running.paused)
                else:
                    plan = running.plan
                    running.quiet = None
                    running.campaign.tell(FlowChanged(plan.identity.version, plan.flow))

    def _quiesce(self, running: _Running, message: Quiesce) -> None:
        running.quiet = message
        running.campaign.tell(message)

    def _briefing(self, running: _Running) -> list[Any]:
        """What a campaign must know before its first pulse, also after it was made anew."""
        changes = [*self._trunks.values()]
        news: list[Any] = [TrunkNews(c.trunk, c.up, c.reason) for c in changes]
        return [*news, running.quiet] if running.quiet is not None else news

    @property
    def panicking(self) -> str:
        return self._panic

    def _bring_up(self, running: _Running) -> None:
        assert self._services is not None, "open comes first"
        services = self._services
        plan = running.plan
        campaign, feeder = running.campaign, running.feeder
        self.keep_alive(
            feeder.name,
            lambda: ContactFeeder(
                plan.identity.campaign_id,
                running.plan.identity.version,
                running.plan.flow,
                services.store,
                campaign,
                self.recorder,
                running.plan.may_dial,
                callers=services.callers,
            ),
            feeder,
        )
        self.keep_alive(
            campaign.name,
            lambda: Campaign(
                running.plan.identity,
                running.plan.flow,
                running.plan.preset,
                services,
                myself=campaign,
                feeder=feeder,
                may_dial=running.plan.may_dial,
                briefing=lambda: self._briefing(running),
            ),
            campaign,
        )

    # --- news ---------------------------------------------------------------------------------

    def tell(self, change: TrunkChanged) -> None:
        """A trunk came up or went down (the sink that trunks are given)."""
        self.lines.tell(change)

    def _trunk_changed(self, change: TrunkChanged) -> None:
        """What that comes to, its breaker considered."""
        with self._lock:
            self._trunks[change.trunk] = change
            self._metrics.gauge("dialer_trunk_up", trunk=change.trunk).set(int(change.up))
            for running in self._running.values():
                running.campaign.tell(TrunkNews(change.trunk, change.up, change.reason))

    def trunk_state(self, name: str) -> tuple[bool, str]:
        """Whether a trunk is up, and if not, why."""
        change = self._trunks.get(name)
        return (change.up, change.reason) if change else (False, "it has not answered yet")

    def add_agent(self, profile: AgentProfile) -> None:
        self.pool.tell(AddAgent(profile))

    def agent_asked(self, agent_id: str, wish: str, reason: str = "", after_s: float = 0.0) -> None:
        self.pool.tell(AgentAsked(agent_id, self._runtime.now(), wish, reason, after_s))

    def preview_answered(self, agent_id: str, ticket: int, accepted: bool) -> None:
        now = self._runtime.now()
        self.pool.tell(PreviewAnswered(agent_id, now, ticket, accepted))

    def agent_disposed(self, said: AgentDisposed) -> str:
        """Take what an agent says of a call; why it cannot be taken, "" if it was."""
        return str(self._ask_for(self.pool, said))

    # --- reports ------------------------------------------------------------------------------

    def agents(self) -> list[dict[str, Any]]:
        return list(self._ask(self.pool))

    def preview(self, agent_id: str) -> PreviewCard | None:
        """The contact that an agent is shown now."""
        card: PreviewCard | None = self._ask(self.pool, agent_id)
        return card

    def campaign(self, campaign_id: int) -> dict[str, Any] | None:
        """The reports of a campaign and its feeder; None when it does not run."""
        running = self._running.get(campaign_id)
        if running is None:
            return None
        report: dict[str, Any] = dict(self._ask(running.campaign))
        report["feeder"] = self._ask(running.feeder)
        return report

    def running(self) -> dict[int, str]:
        """Titles of the campaigns that have been started, by id."""
        return {i: running.plan.identity.title for i, running in list(self._running.items())}

    def calls_in_progress(self) -> int:
        campaigns = [*self._running.values(), *self._ending]
        reports = [self._ask(running.campaign) for running in campaigns]
        return sum(report["calls_in_progress"] for report in reports)

    def health(self) -> dict[str, Any]:
        """The supervisor's children: which live, and which it gave up."""
        report: dict[str, Any] = self._ask(self._supervisor)
        return report

    def _ask(self, actor: Any, what: str = "") -> Any:
        return self._ask_for(actor, Report(what))

    def _ask_for(self, actor: Any, message: Any) -> Any:
        try:
            return actor.ask(message, ANSWER_WITHIN_S)
        except (LookupError, pykka.ActorDeadError, pykka.Timeout) as error:
            raise GatewayError(f"{actor.name} does not answer: {error}") from error
