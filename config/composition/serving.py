"""Running a daemon until it is told to stop: serve, and the demo."""

import gc
import logging
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.composition.daemon import Daemon
from config.composition.place import place_of
from config.loader import load_settings
from config.settings import Settings
from gateways.cli.host import DemoOptions
from gateways.control.commands import Commands
from gateways.control.demo import load_demo
from gateways.logs import LogConfig, configure_logs

DEMO = Path(__file__).resolve().parent.parent / "demo"
GRACE_S = 20.0

log = logging.getLogger("foredial")


def serve(settings: Settings, ready_file: Path | None) -> None:
    """Run the daemon of a settings file. ready_file: written once it serves."""
    run_until_told(settings, lambda daemon: tell_ready(daemon, ready_file))


def demo(options: DemoOptions) -> None:
    """Run the demo, on a store that has its contacts and its campaign."""
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

    run_until_told(settings, ready)


def run_until_told(settings: Settings, ready: Callable[[Daemon], None]) -> None:
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
