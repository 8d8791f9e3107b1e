"""The daemon, which on SIGUSR1 writes down the CPU time of each of its threads.

    python benchmarks/measured_daemon.py FILE --config F serve

FILE: becomes {"threads": {name: CPU seconds}, "process": CPU seconds} as JSON. Nothing else of
the daemon differs.
"""

import json
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gateways.cli.app import build_app
from run import Here


def write_down(path: Path) -> None:
    """Write the file in one step, so that nobody reads half of it."""
    threads: dict[str, float] = {}
    for thread in threading.enumerate():
        if thread.ident is None:
            continue
        try:
            spent_s = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        except OSError:
            continue  # it has ended since it was listed
        threads[thread.name] = threads.get(thread.name, 0.0) + spent_s
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"threads": threads, "process": time.process_time()}))
    fresh.replace(path)


if __name__ == "__main__":
    target = Path(sys.argv.pop(1))
    signal.signal(signal.SIGUSR1, lambda *_: write_down(target))
    build_app(Here())()
