"""The whole daemon under load: calls a second, or many calls at once, against SIPp.

    python -m benchmarks.daemon_load rate [--calls-per-second 100] [--seconds 60]
    python -m benchmarks.daemon_load rate --contacts 200000 --import 100000
    python -m benchmarks.daemon_load width [--calls 500] [--agents 100] [--seconds 60]

`rate`: an agentless campaign whose answered calls (100, 180, 200) are ended at once; with
`--contacts` its filter finds half of a list so long, and with `--import` so many more contacts
are imported meanwhile. `width`: so many calls in progress, most of them ringing, with agents on
SIP phones.

Printed as JSON: what was dialed, how evenly, how late the pulses were, and what it cost. CPU is
that of the daemon's own process by thread, of which SIPp, the relay worker and the import are no
part.
"""

import argparse
import bisect
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.daemon import RUN, Dialer
from tests.peers.behaviours import DIRECT, NO_ANSWER, RING_THEN_ANSWER, RINGS
from tests.peers.resources import cpu_s, memory_bytes
from tests.peers.sipp import Carrier, free_port
from tests.peers.trace import invites_at

SETTLE_S = 8.0
"""Between the first dials and the measurement."""

PARTS = (
    ("trunk", r"sip"),
    ("store", r"store-writer"),
    ("calls", r"worker-\d+"),
    ("campaign", r"campaign/\d+"),
    ("feeder", r"feeder/\d+"),
    ("journal", r"recorder|journal"),
    ("agents", r"agent_pool"),
    ("timers", r"timers"),
    ("rest", r".*"),
)
"""Parts of the daemon, by the names of their threads; the first that matches."""

_SETTINGS = """
data_dir: {folder}/var
live: false
allow_list: ["+1202*"]
attributes:
  - {{name: customer_id, type: text, key: true}}
  - {{name: phone, type: phone, required: true}}
  - {{name: city, type: text}}
trunks:
  - name: carrier
    kind: sip
    remote: {carrier}
    bind: 127.0.0.1:{sip_port}
    max_channels: {channels}
    calls_per_second: {calls_per_second}
{desk}
media: {{bind_host: 127.0.0.1, first_port: 26000, last_port: 29998}}
metrics: {{port: 0}}
log: {{level: warning, format: json}}
"""

_HEAD = """
title: Load
compliance:
  preset: us_ftc
  overrides:
    ring_minimum_s: 3
    calling_hours: [{from: "00:00", to: "24:00"}]
nodes:
  - {id: start, type: start, interval_s: 1, next: {pulse: due}}
"""

_AGENTLESS = """
  - {{id: due, type: check_undelivered_contacts, next: {{"true": init}}}}
  - id: init
    type: init
    filter: {filter!r}
    dialing: {{mode: power, ratio: {dials}}}
    next: {{contact: dial}}
  - {{id: dial, type: dial, channel: carrier, next: {{live_call: bye}}}}
  - {{id: bye, type: end_call}}
"""

_AGENTS = """
  - {{id: due, type: check_undelivered_contacts, next: {{"true": seize}}}}
  - {{id: seize, type: seize_agent, target: {agents}, next: {{pulse: seized}}}}
  - {{id: seized, type: check_seize_agent_event, next: {{agent_reserved: init}}}}
  - {{id: init, type: init, dialing: {{mode: power, ratio: 20}}, next: {{contact: dial}}}}
  - {{id: dial, type: dial, channel: carrier, ring_timeout_s: 30, next: {{live_call: route}}}}
  - {{id: route, type: route_to_agent}}
"""


class MeasuredDialer(Dialer):
    """A daemon whose threads and metrics can be read at a moment."""

    def __init__(self, folder: Path, settings: str) -> None:
        super().__init__(folder, settings)
        self._cpu_file = folder / "cpu.json"
        program = Path(__file__).with_name("measured_daemon.py")
        self.program = [sys.executable, str(program), str(self._cpu_file)]
        self._pages = ""

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far by part, and "process" for all."""
        self._cpu_file.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        self.wait_for(self._cpu_file.exists, 10, "the daemon's CPU times")
        told = json.loads(self._cpu_file.read_text())
        parts: Counter[str] = Counter()
        for name, spent_s in told["threads"].items():
            parts[next(part for part, names in PARTS if re.fullmatch(names, name))] += spent_s
        return {**parts, "process": told["process"]}

    def pulses(self) -> dict[str, float]:
        """The daemon's pulse metrics now: series -> value."""
        self._pages = self._pages or self.metrics_url()
        with urllib.request.urlopen(f"{self._pages}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        found = (line.rpartition(" ") for line in lines if line.startswith("dialer_pulse"))
        return {series: float(value) for series, _, value in found}


def lateness(before: dict[str, float], after: dict[str, float]) -> dict[str, Any]:
    """The pulses of a time by what came of them, and the bucket that holds the 99th percentile."""
    moved = {series: after[series] - before.get(series, 0.0) for series in after}
    pulses = {
        match[1]: round(count)
        for series, count in moved.items()
        if series.startswith("dialer_pulses_total")
        and (match := re.search('result="(.*?)"', series))
    }
    buckets = sorted(
        (float(match[1].replace("+Inf", "inf")), count)
        for series, count in moved.items()
        if (match := re.search('dialer_pulse_lateness_seconds_bucket.*le="(.*?)"', series))
    )
    enough = 0.99 * buckets[-1][1]
    late_s = next(limit for limit, count in buckets if count >= enough)
    return {"pulses": pulses, "pulse_lateness_p99_at_most_s": late_s}


def evenness(at: list[float], slice_s: float = 0.1) -> dict[str, float]:
    """How many INVITEs left in each slice of the time, at least and at most; empty for none."""
    if not at:
        return {}
    per_slice: Counter[int] = Counter(int((moment - at[0]) / slice_s) for moment in at)
    counts = sorted(per_slice[n] for n in range(int((at[-1] - at[0]) / slice_s)))
    if not counts:
        return {}
    pause_s, before = max((after - moment, moment) for moment, after in pairwise(at))
    return {
        "slice_s": slice_s,
        "fewest": counts[0],
        "p5": counts[len(counts) // 20],
        "p95": counts[-1 - len(counts) // 20],
        "most": counts[-1],
        "longest_pause_s": round(pause_s, 3),
        "longest_pause_after_s": round(before - at[0], 1),
    }


def numbers(count: int, first: int = 0) -> Iterator[str]:
    """Numbers of Washington, D.C., which never leave this machine."""
    for number in range(first, first + count):
        yield f"+1202{2_000_000 + number}"


def write_list(path: Path, count: int, first: int = 0) -> Path:
    """A list whose every other contact lives in Boston."""
    lines = (
        f"C{place},{number},{'Boston' if place % 2 else 'Albany'}\n"
        for place, number in enumerate(numbers(count, first), first)
    )
    path.write_text("customer_id,phone,city\n" + "".join(lines))
    return path


def campaign(dialer: Dialer, flow: str) -> None:
    """Create and publish."""
    path = dialer.folder / "flow.yaml"
    path.write_text(_HEAD + flow)
    created = dialer.verb("campaign", "create", str(path))
    dialer.verb("campaign", "publish", str(created["campaign_id"]))


@contextmanager
def importing(dialer: Dialer, count: int, first: int) -> Iterator[list[dict[str, float]]]:
    """An import that runs meanwhile; ends up with what it came to."""
    done: list[dict[str, float]] = []
    if not count:
        yield done
        return
    path = write_list(dialer.folder / "more.csv", count, first)
    command = [*RUN, "--config", str(dialer.config), "contacts", "import", str(path), "--json"]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield done
        at_once = process.poll() is None
        out, why = process.communicate(timeout=600)
        if process.returncode:
            raise RuntimeError(why.decode())
        done.append(
            {
                "imported": json.loads(out)["added"],
                "took_s": round(time.monotonic() - began, 1),
                "outlasted_the_measurement": at_once,
            }
        )
    finally:
        process.kill()
        process.wait()


def measure(dialer: MeasuredDialer, carrier: Carrier, seconds: float) -> dict[str, Any]:
    """What the daemon does from now on, for so long."""
    cpu, pulses, began = dialer.cpu(), dialer.pulses(), time.time()
    sipp_cpu_s = cpu_s(carrier.sipp.process.pid)
    time.sleep(seconds)
    cpu_after, pulses_after, ended = dialer.cpu(), dialer.pulses(), time.time()
    sipp_cpu_s = cpu_s(carrier.sipp.process.pid) - sipp_cpu_s
    time.sleep(1.0)  # SIPp writes its trace with some delay
    moments = sorted(invites_at(carrier.messages()))
    at = moments[bisect.bisect(moments, began) : bisect.bisect(moments, ended)]
    calls = len(at)
    parts = {name: cpu_after[name] - cpu.get(name, 0.0) for name in cpu_after}
    return {
        "seconds": round(ended - began, 1),
        "calls": calls,
        "calls_per_second": round(calls / (ended - began), 1),
        **lateness(pulses, pulses_after),
        "invites_per_slice": evenness(at),
        "cpu_ms_per_call": {name: round(1000 * s / calls, 2) for name, s in parts.items() if calls},
        "cpu_share_of_a_core": round(parts["process"] / (ended - began), 2),
        "sipp_cpu_ms_per_call": round(1000 * sipp_cpu_s / calls, 2) if calls else None,
        "threads": sum(1 for _ in Path(f"/proc/{dialer.pid}/task").iterdir()),
        "memory_mb": round(memory_bytes(dialer.pid) / 2**20),
    }


def rate(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """An agentless campaign at so many calls a second."""
    needed = round(options.calls_per_second * (options.seconds + SETTLE_S + 10))
    with Carrier(folder / "carrier", {"": RING_THEN_ANSWER}) as carrier:
        settings = _SETTINGS.format(
            folder=folder,
            carrier=carrier.address,
            sip_port=free_port("127.0.0.1"),
            channels=1000,
            calls_per_second=options.calls_per_second,
            desk="",
        )
        with MeasuredDialer(folder, settings) as dialer:
            count = options.contacts or needed
            dialer.verb("contacts", "import", str(write_list(folder / "list.csv", count)))
            chosen = ""
            if options.contacts:
                chosen = "boston"
                (folder / "filter.yaml").write_text(
                    "{attribute: city, operator: equals, value: Boston}"
                )
                dialer.verb("filter", "save", chosen, str(folder / "filter.yaml"))
            flow = _AGENTLESS.format(filter=chosen, dials=options.calls_per_second)
            campaign(dialer, flow)
            time.sleep(SETTLE_S)
            with importing(dialer, options.more, count) as imported:
                found = measure(dialer, carrier, options.seconds)
            return {**found, "imports": imported}


def width(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """So many calls in progress, with so many agents."""
    rings = replace(NO_ANSWER, progress=RINGS)
    answers = replace(
        RING_THEN_ANSWER, name="answers_late", final_after_s=5.0, hang_up_after_s=20.0
    )
    phones = {"": replace(DIRECT, name="phone")}
    by_ending = {str(digit): answers if digit < 2 else rings for digit in range(10)}
    with (
        Carrier(folder / "carrier", by_ending) as carrier,
        Carrier(folder / "phones", phones, host="127.0.0.53") as desk,
    ):
        agents = "\n".join(
            f"  - {{id: agent{n}, address: 'sip:agent{n}@{desk.address}', wrap_up_s: 5}}"
            for n in range(options.agents)
        )
        sip_port = free_port("127.0.0.1")
        settings = _SETTINGS.format(
            folder=folder,
            carrier=carrier.address,
            sip_port=sip_port,
            channels=options.calls,
            calls_per_second=100,
            desk=f"desk: {{kind: sip, bind: '127.0.0.1:{sip_port}'}}\nagents:\n{agents}",
        )
        with MeasuredDialer(folder, settings) as dialer:
            threads = sum(1 for _ in Path(f"/proc/{dialer.pid}/task").iterdir())
            memory = memory_bytes(dialer.pid)
            count = options.calls * 10
            dialer.verb("contacts", "import", str(write_list(folder / "list.csv", count)))
            campaign(dialer, _AGENTS.format(agents=options.agents))
            in_use = {"trunk": "carrier"}
            dialer.wait_for(
                lambda: (
                    dialer.figure("dialer_trunk_channels_in_use", **in_use) > 0.95 * options.calls
                ),
                120,
                "that many calls",
            )
            found = measure(dialer, carrier, options.seconds)
            return {
                **found,
                "calls_in_progress": dialer.figure("dialer_trunk_channels_in_use", **in_use),
                "before": {"threads": threads, "memory_mb": round(memory / 2**20)},
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    loads = parser.add_subparsers(required=True)
    fast = loads.add_parser("rate", help=rate.__doc__)
    fast.add_argument("--calls-per-second", type=int, default=100)
    fast.add_argument("--seconds", type=float, default=60)
    fast.add_argument("--contacts", type=int, default=0)
    fast.add_argument("--import", dest="more", type=int, default=0)
    fast.set_defaults(load=rate)
    wide = loads.add_parser("width", help=width.__doc__)
    wide.add_argument("--calls", type=int, default=500)
    wide.add_argument("--agents", type=int, default=100)
    wide.add_argument("--seconds", type=float, default=60)
    wide.set_defaults(load=width)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="foredial-load-") as folder:
        print(json.dumps(options.load(Path(folder), options), indent=1))


if __name__ == "__main__":
    main()
