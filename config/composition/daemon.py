"""One running dialer: its parts come up in order and stop in reverse."""

import logging
import threading
import time
from contextlib import ExitStack

from actors.caller_book import CallerBook
from actors.campaign import CampaignIdentity
from actors.director import CampaignPlan, Director
from actors.housekeeping import Housekeeper
from actors.live import LiveRuntime
from actors.operations import Operations, TrunkFacts
from actors.series_desk import InProcessSource, SeriesDesk
from config.composition import VERSION
from config.composition.gateways import journal_of, prometheus_of, sip_site
from config.composition.place import site_of
from config.composition.scores import score_reader
from config.composition.simulated import carrier_model, desk_model
from config.formulas_shipped import formula_texts
from config.presets import preset_named
from config.settings import Settings, SipDesk
from config.staff import staff_of
from config.trunks import SimulatedTrunk, SipTrunk
from dialer.compliance.permission import permission_rule
from dialer.compliance.suppression import Suppressions
from dialer.errors import DialerError
from dialer.events import TrunkChanged
from dialer.flow.formulas import with_texts
from dialer.flow.graph import load_flow
from dialer.flow.scores import with_score
from dialer.formula_port import MetricSource
from dialer.journal import DaemonStarted, DaemonStopped
from dialer.metrics import Metrics
from dialer.ports import AgentDesk, Trunk
from gateways.control.commands import Commands
from gateways.control.server import ControlServer
from gateways.prometheus.collector import registry_of
from gateways.prometheus.server import HealthServer, Pages
from gateways.sip.callbacks import OptOut
from gateways.store import open_store
from gateways.store.after_crash import settle_after_crash
from gateways.store.contact_gauges import count_contacts
from sim.carrier import Carrier, SimTrunk
from sim.desk import Desk, SimDesk

COUNT_CONTACTS_EVERY_S = 5

log = logging.getLogger("foredial")


class Daemon:
    """One running dialer."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.started_at = 0.0
        self._stack = ExitStack()
        self._trunks: dict[str, Trunk] = {}
        self._policy = settings.dial_policy

    # --- start and stop -----------------------------------------------------------------------

    def start(self) -> None:
        """Bring everything up in order; what was started is stopped again if a part fails."""
        with ExitStack() as undo:
            self._stack = undo
            self._start(self.settings)
            self._stack = undo.pop_all()

    def _start(self, settings: Settings) -> None:
        stack = self._stack
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.store = stack.enter_context(
            open_store(settings.store_url, settings.contact_schema, own=True)
        )
        self.journal = journal_of(settings, self.metrics)
        self.journal.start()
        stack.callback(self.journal.close)
        self.runtime = LiveRuntime()
        stack.callback(self.runtime.stop)
        self._suppressed = Suppressions(self.store.suppressed.numbers())
        self.started_at = self.runtime.now()
        self.director = Director(self.runtime, self.metrics, self.journal)
        self.journal.append(DaemonStarted(self.started_at, VERSION))
        sent = self._connect(settings)
        settle_after_crash(self.store, sent, self.runtime.now())
        limits = {trunk.name: trunk.limits for trunk in settings.trunks}
        caller_ids = settings.caller_id_inventory
        caller_ids.recount(self.store.attempts.shown_since, self.runtime.now())
        callers = CallerBook(caller_ids)
        floors = {queue.name: queue.inbound_floor for queue in settings.queues}
        self.health = HealthServer(
            Pages(
                registry_of(self.metrics),
                checks={"store": self._store_ready, "trunks": self._trunks_ready},
                title=f"Foredial {VERSION}",
            ),
            settings.metrics.host,
            settings.metrics.port,
        )
        self.health.start()
        stack.callback(self.health.stop)
        formulas = self._formulas(settings)
        self.director.open(
            self.store.port,
            self._trunks,
            self._desk,
            limits,
            callers,
            floors,
            self._suppress,
            formulas,
        )
        self._add_agents()
        self.operations = self._operations(settings)
        self.operations.watch_panic_file(0)
        for campaign in self.store.campaigns.list(status="published", limit=10_000).items:
            self._start_or_log(campaign.campaign_id)
        operations = self.operations
        chores = (operations.watch_panic_file, self._count_contacts, operations.alarms.look)
        housekeeper = Housekeeper(self.runtime, self.director, self.metrics, chores)
        housekeeper.start()
        stack.callback(housekeeper.stop)
        self._serve_control(stack)

    def _formulas(self, settings: Settings) -> MetricSource:
        """Where formulas are evaluated: over the daemon's own series, or by a server."""
        instance = f"{settings.metrics.host}:{self.health.port}"
        recorder = self.director.recorder if settings.journal.series else None
        desk = self.director.keep_alive(
            "series", lambda: SeriesDesk(self.metrics, instance, recorder)
        )
        own = InProcessSource(desk)
        if not settings.formulas.prometheus_url:
            return own
        source = prometheus_of(settings, own, self.runtime.now)
        source.start()
        self._stack.callback(source.stop)
        return source

    def _serve_control(self, stack: ExitStack) -> None:
        commands = Commands(self.store, site_of(self.settings), self.operations)
        server = ControlServer(self.settings.control_socket, commands.call)
        server.start()
        stack.callback(server.stop)

    def stop(self, grace_s: float, hurry: threading.Event) -> None:
        """No new dials; live calls get `grace_s`, or until `hurry`; then all stops in reverse."""
        self.director.panic("the daemon is shutting down")
        self._drain(grace_s, hurry)
        self.journal.append(DaemonStopped(self.runtime.now(), VERSION))
        self._stack.close()

    def _drain(self, within_s: float = 2.0, hurry: threading.Event | None = None) -> None:
        hurry = hurry or threading.Event()
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self.director.calls_in_progress():
            if hurry.wait(0.1):
                return

    def _operations(self, settings: Settings) -> Operations:
        return Operations(
            self.runtime,
            self.director,
            self.metrics,
            plan_of=self._plan,
            policy=self._policy,
            trunks=self._trunks,
            trunk_facts=tuple(
                TrunkFacts(t.name, t.kind, t.max_channels, t.calls_per_second)
                for t in settings.trunks
            ),
            panic_file=settings.panic_file,
            about={
                "version": VERSION,
                "started_at": self.started_at,
                "live": settings.live,
                "metrics": self.health.url,
            },
        )

    # --- trunks and desk ----------------------------------------------------------------------

    def _connect(self, settings: Settings) -> set[int]:
        """Build trunks and desk; the attempts whose calls had left before a crash."""
        uses_sip = isinstance(settings.desk, SipDesk) or any(
            isinstance(trunk, SipTrunk) for trunk in settings.trunks
        )
        simulated: set[str] = set()
        for trunk in settings.trunks:
            self.metrics.open_trunk(trunk.name)
            self.metrics.gauge("dialer_trunk_channels", trunk=trunk.name).set(trunk.max_channels)
            if isinstance(trunk, SimulatedTrunk):
                simulated.add(trunk.name)
                self._simulate_trunk(trunk)
        sent: frozenset[int] = frozenset()
        if uses_sip:
            site = sip_site(
                settings, self.metrics, self.director, self.runtime.now, self._opted_out
            )
            for name in site.trunks:
                now = self.runtime.now()
                self.director.tell(TrunkChanged(name, now, False, "it has not answered yet"))
            sent = site.start()
            # In reverse: the calls that the site hangs up must still settle.
            self._stack.callback(self._drain)
            self._stack.callback(site.stop)
            self._trunks |= site.trunks
            if site.desk is not None:
                self._desk: AgentDesk = site.desk
        if not isinstance(settings.desk, SipDesk):
            self._simulate_desk(settings)
        # A simulated call dies with the process, and nobody knows how far it had come.
        open_attempts = self.store.attempts.in_flight()
        return set(sent) | {a.attempt_id for a in open_attempts if a.trunk in simulated}

    def _opted_out(self, opt_out: OptOut) -> None:
        self._suppress(opt_out.number, f"callback to {opt_out.called}", opt_out.at)

    def _suppress(self, number: str, source: str, at: float) -> None:
        self._suppressed.add(number)
        self.store.suppressed.add(number, source, at)

    def _simulate_trunk(self, trunk: SimulatedTrunk) -> None:
        model = carrier_model(self.settings, trunk)
        simulated = SimTrunk(self.runtime, trunk.name, model, self.metrics)
        self.director.keep_alive(f"carrier/{trunk.name}", lambda: Carrier(simulated))
        self._trunks[trunk.name] = simulated
        self.director.tell(TrunkChanged(trunk.name, self.runtime.now(), True))

    def _simulate_desk(self, settings: Settings) -> None:
        model = desk_model(settings)
        pool = self.director.pool
        desk = self.director.keep_alive("desk", lambda: Desk(model, pool))
        self._desk = SimDesk(model, desk)

    def _add_agents(self) -> None:
        staff = staff_of(self.settings, self.store.agents.list(limit=100_000).items)
        for profile in staff.profiles:
            self.director.add_agent(profile)
        for agent_id in staff.present:
            self.director.agent_asked(agent_id, "login")

    # --- campaigns ----------------------------------------------------------------------------

    def _plan(self, campaign_id: int) -> CampaignPlan:
        record = self.store.campaigns.get(campaign_id)
        version = self.store.campaigns.version(campaign_id, record.version)
        flow = with_texts(load_flow(version.flow, f"campaign {record.title}"), formula_texts())
        flow = with_score(flow, score_reader(self.settings.scores_dir), f"campaign {record.title}")
        choice = flow.definition.compliance
        preset = preset_named(choice.preset).overridden(choice.overrides, record.title)
        identity = CampaignIdentity(campaign_id, record.version, record.title)
        return CampaignPlan(
            identity, flow, preset, permission_rule(self._policy, preset, self._suppressed)
        )

    def _start_or_log(self, campaign_id: int) -> None:
        """A campaign that cannot run must not keep the others from running."""
        try:
            self.director.start(self._plan(campaign_id))
        except DialerError as error:
            log.error("campaign %d cannot run: %s", campaign_id, error)

    # --- looking after it ---------------------------------------------------------------------

    def _count_contacts(self, turn: int) -> None:
        if turn % COUNT_CONTACTS_EVERY_S == 1:
            count_contacts(self.store, self.metrics, self.director.running(), self.runtime.now())

    def _store_ready(self) -> tuple[bool, str]:
        return not self.journal.failing, "the journal cannot be written"

    def _trunks_ready(self) -> tuple[bool, str]:
        states = {t.name: self.director.trunk_state(t.name) for t in self.settings.trunks}
        down = [f"{name}: {reason}" for name, (up, reason) in states.items() if not up]
        return len(down) < len(states), "; ".join(down) or "no trunk is configured"
