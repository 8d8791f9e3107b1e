#!/usr/bin/env python3
"""The composition root: builds the daemon in order, stops it in reverse, and mounts the verbs.

The rule of this module: it connects and decides nothing. Settings become plain arguments here;
nobody else knows more than one room.
"""

import gc
import logging
import platform
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import typer

from actors.caller_book import CallerBook
from actors.campaign import CampaignIdentity
from actors.director import CampaignPlan, Director
from actors.housekeeping import Housekeeper
from actors.live import LiveRuntime
from actors.operations import Operations, TrunkFacts
from actors.series_desk import InProcessSource, SeriesDesk
from actors.trunk_cells import TrunkCounts
from config.formulas_shipped import formula_texts, shipped_formulas
from config.loader import load_settings, settings_problems
from config.presets import preset_named
from config.settings import Settings, SipDesk
from config.staff import staff_of
from config.trunks import SimulatedTrunk, SipTrunk
from dialer.caller_ids import CallerIds
from dialer.compliance.permission import permission_rule
from dialer.compliance.suppression import Suppressions
from dialer.errors import ConfigError, DialerError, InputError
from dialer.events import TrunkChanged
from dialer.flow.formulas import with_texts
from dialer.flow.graph import load_flow
from dialer.journal import DaemonStarted, DaemonStopped
from dialer.metrics import Metrics
from dialer.ports import AgentDesk, MetricSource, Trunk
from dialer.score.past import Attempt
from gateways.cli.app import build_app
from gateways.cli.files import read_text
from gateways.cli.host import DemoOptions, Place, Proof, ProofOptions, Told
from gateways.cli.verb import verb
from gateways.control.commands import Commands
from gateways.control.demo import load_demo
from gateways.control.server import ControlServer
from gateways.control.site import Site
from gateways.journal.reader import read_journal
from gateways.journal.writer import JournalConfig, JournalWriter
from gateways.logs import LogConfig, configure_logs
from gateways.media.config import MediaConfig
from gateways.prometheus.collector import registry_of
from gateways.prometheus.recorded import read_range
from gateways.prometheus.server import HealthServer, Pages
from gateways.prometheus.source import PrometheusConfig, PrometheusSource
from gateways.sip.callbacks import CallbackConfig, OptOut
from gateways.sip.keep_alive import KeepAliveConfig
from gateways.sip.phones import DeskConfig
from gateways.sip.site import Listening, SipSite, SitePlan
from gateways.sip.trunk import TrunkConfig
from gateways.store import Store, open_store
from gateways.store.after_crash import settle_after_crash
from gateways.store.contact_gauges import count_contacts
from sim import cli as simulator
from sim.carrier import Carrier, SimTrunk
from sim.desk import Desk, SimDesk
from sim.library import Library
from sim.model import CarrierModel, DeskModel
from sim.scenario import scenario_problems
from sim.trial import proof

VERSION = "0.1.0"
ROOT = Path(__file__).resolve().parent
REGULATIONS = ROOT / "config" / "regulations"
DEMO = ROOT / "config" / "demo"
LIBRARY = Library(
    ROOT / "config" / "scenarios",
    ROOT / "config" / "campaigns",
    preset_named,
    read_text,
    shipped_formulas(),
)
COUNT_CONTACTS_EVERY_S = 5
GRACE_S = 20.0

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
        source = PrometheusSource(prometheus_of(settings), own, self.runtime.now)
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
        wrap_up_mean_s = max(0.1, settings.simulation.wrap_up_s)
        model = DeskModel(wrap_up_mean_s=wrap_up_mean_s, kept_up=settings.desk.kept_up)
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


# --- serving --------------------------------------------------------------------------------------


def serve(settings: Settings, ready: Callable[[Daemon], None]) -> None:
    """Run a daemon until SIGTERM or SIGINT. A second signal does not wait for live calls."""
    asked = threading.Event()
    logs = settings.log
    undo_logs = configure_logs(LogConfig(logs.level, logs.format, logs.log_numbers))
    try:
        daemon = Daemon(settings)
        daemon.start()
        # What stands now lives as long as the process: a collector that looked at all of it again
        # would hold every thread for a third of a second.
        gc.collect()
        gc.freeze()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked.set())
        log.info("dialing can begin", extra={"metrics": daemon.health.url, "live": settings.live})
        ready(daemon)
        asked.wait()
        asked.clear()
        log.info("stopping: no new dials, live calls may finish")
        daemon.stop(GRACE_S, hurry=asked)
    finally:
        undo_logs()


class Here:
    """Implements `gateways.cli.host.Host`."""

    def site(self, config: Path) -> Place:
        return place_of(load_settings(config))

    def check(self, config: Path) -> list[ConfigError]:
        return settings_problems(config)

    def scenario_problems(self, text: str, file: Path) -> list[InputError]:
        return scenario_problems(text, str(file), file.parent)

    def prove(self, flow: str, name: str, options: ProofOptions, told: Told) -> Proof:
        trial = proof(LIBRARY, flow, name, **asdict(options))
        result = trial.run(told)
        words = tuple(str(verdict) for verdict in result.verdicts)
        return Proof(result.good, words, result.document())

    def serve(self, config: Path, ready_file: Path | None) -> None:
        serve(load_settings(config), lambda daemon: tell_ready(daemon, ready_file))

    def demo(self, options: DemoOptions) -> None:
        settings = demo_settings(load_settings(DEMO / "settings.yaml"), options)
        if options.fresh:
            shutil.rmtree(settings.data_dir, ignore_errors=True)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        place = place_of(settings)
        with place.open_store() as store:
            load_demo(DEMO, store, Commands(store, place.site, None), options.contacts)

        def ready(daemon: Daemon) -> None:
            print(f"The demo dials. Metrics and health: {daemon.health.url}")
            print("Look at it with: run.py --config config/demo/settings.yaml campaign list")
            tell_ready(daemon, options.ready_file)

        serve(settings, ready)


def tell_ready(daemon: Daemon, ready_file: Path | None) -> None:
    if ready_file is not None:
        ready_file.write_text(f"{daemon.health.url}\n", "utf-8")


def demo_settings(settings: Settings, options: DemoOptions) -> Settings:
    changes: dict[str, Any] = {}
    if options.agents is not None:
        agents = {"agents": options.agents}
        changes["simulation"] = settings.simulation.model_copy(update=agents)
    if options.metrics_port is not None:
        port = {"port": options.metrics_port}
        changes["metrics"] = settings.metrics.model_copy(update=port)
    return settings.model_copy(update=changes)


# --- settings become plain arguments --------------------------------------------------------------


def place_of(settings: Settings) -> Place:
    def open_it() -> Store:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        return open_store(settings.store_url, settings.contact_schema)

    return Place(site_of(settings), settings.control_socket, open_it)


def site_of(settings: Settings) -> Site:
    return Site(
        schema=settings.contact_schema,
        policy=settings.dial_policy,
        trunk_names=tuple(trunk.name for trunk in settings.trunks),
        gateways=frozenset({"trunk", "formula"} if settings.trunks else {"formula"}),
        formulas=formula_texts(),
        queues=tuple({"name": queue.name, "mrd": queue.mrd} for queue in settings.queues),
        presets=preset_named,
        journal_dir=settings.journal.dir,
        panic_file=settings.panic_file,
        wrap_up_s=settings.desk.wrap_up_s,
        staff=staff_of(settings, ()).profiles,
        caller_ids=settings.caller_id_inventory,
        demands={queue.name: queue.demand for queue in settings.queues},
        pause_codes=settings.pause_codes,
        kept_up=settings.desk.kept_up,
    )


def stored_attempts(config: Path) -> list[Attempt]:
    """What `score` learns from, where it is given no file."""
    with place_of(load_settings(config)).open_store() as store:
        return store.attempts.for_scores()


def journal_of(settings: Settings, metrics: Metrics) -> JournalWriter:
    journal = settings.journal
    config = JournalConfig(
        journal.dir,
        int(journal.segment_mb * 2**20),
        int(journal.keep_mb * 2**20),
        journal.keep_days,
    )
    written, lost = (
        metrics.counter("dialer_journal_records_total", result=result)
        for result in ("written", "lost")
    )
    return JournalWriter(config, written.inc, lost.inc)


def prometheus_of(settings: Settings) -> PrometheusConfig:
    wish = settings.formulas
    return PrometheusConfig(
        wish.prometheus_url,
        wish.timeout_s,
        wish.max_age_s,
        wish.reuse_s,
        wish.username,
        wish.password.get_secret_value() if wish.password else "",
        wish.bearer_token.get_secret_value() if wish.bearer_token else "",
    )


def carrier_model(settings: Settings, trunk: SimulatedTrunk) -> CarrierModel:
    simulation = settings.simulation
    return CarrierModel.of_weights(
        simulation.outcomes,
        post_dial_delay_s=simulation.setup_s,
        ring_mean_s=simulation.ring_s,
        talk_mean_s=simulation.talk_s,
        patience_s=simulation.patience_s,
        channels=trunk.max_channels,
    )


def sip_site(
    settings: Settings,
    metrics: Metrics,
    director: Director,
    clock: Callable[[], float],
    on_opt_out: Callable[[OptOut], None],
) -> SipSite:
    media = settings.media
    desk = settings.desk
    numbers = settings.caller_id_inventory
    plan = SitePlan(
        trunks=tuple(sip_trunk(t, numbers) for t in settings.trunks if isinstance(t, SipTrunk)),
        desk=(
            Listening(desk.bind.host, desk.bind.port, desk.advertised_host or ""),
            DeskConfig(desk.kept_up, answer_timeout_s=desk.answer_timeout_s),
        )
        if isinstance(desk, SipDesk)
        else None,
        media=MediaConfig(
            media.bind_host,
            media.advertised_host or "",
            media.prompts_dir,
            media.first_port,
            media.last_port,
        ),
        log_dir=settings.data_dir / "sip",
        callbacks=callbacks_of(settings, numbers),
    )

    counts = TrunkCounts(metrics)
    return SipSite(
        plan,
        director,
        director.pool,
        clock=clock,
        on_response=counts.response,
        on_channels=counts.channels,
        on_opt_out=on_opt_out,
    )


def callbacks_of(settings: Settings, numbers: CallerIds) -> CallbackConfig | None:
    wish = settings.callbacks
    ours = tuple(caller_id.number for caller_id in numbers.numbers)
    if not wish.prompt:
        return None
    return CallbackConfig(
        ours, wish.prompt, wish.opt_out_key, wish.max_calls, wish.longest_s, settings.region
    )


def sip_trunk(trunk: SipTrunk, numbers: CallerIds) -> tuple[Listening, TrunkConfig]:
    return Listening(trunk.bind.host, trunk.bind.port, trunk.advertised_host or ""), TrunkConfig(
        trunk.name,
        trunk.remote.host,
        trunk.remote.port,
        username=trunk.username,
        password=trunk.password.get_secret_value() if trunk.password else "",
        from_user=numbers.usual(trunk.name) or "foredial",
        domain=trunk.domain,
        codecs=trunk.codecs,
        max_channels=trunk.max_channels,
        transport=trunk.transport,
        registration_s=trunk.registration_expires_s if trunk.registration else 0,
        asserts_identity=trunk.p_asserted_identity,
        keep_alive=KeepAliveConfig(trunk.options_keepalive_s),
    )


def versions() -> dict[str, str]:
    """Of what the course of a simulation depends on."""
    libraries = ("numpy", "pykka", "simpy")
    return {
        "foredial": VERSION,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in libraries},
    }


def command_line() -> typer.Typer:
    """Every verb there is."""
    app = build_app(Here())
    lab = simulator.Lab(verb, LIBRARY, versions(), read_journal, read_range, stored_attempts)
    simulator.add_to(app, lab)
    return app


if __name__ == "__main__":
    command_line()()
