"""Whether a campaign with a filter over a long list is fed while an import goes on.

    python -m benchmarks.feeding [--contacts 200000] [--rate 100] [--seconds 60] [--no-import]

The real store and the real feeder; the import is another process on the same file, as
`contacts import` is, and goes on until the measurement ends. The filter looks at four attributes,
two of them through a group of its own, and finds about one contact in four.

Printed as JSON: contacts a second that became attempts, how long a claim took and how long the
campaign waited for its contacts, and CPU of the process that dials, of which the import is no part.
"""

import argparse
import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

from actors.contact_feeder import ContactFeeder
from actors.live import LiveRuntime
from actors.messages import AttemptsReady, NeedContacts
from dialer.compliance.permission import YES, Permission
from dialer.contacts import AttributeSpec, AttributeType, Schema
from dialer.filter_tree import load_filter
from dialer.flow.graph import load_flow
from dialer.ports import (
    AttemptDraft,
    ClaimedContact,
    ClaimRequest,
    ContactNext,
    ContactStore,
    Deferral,
    Disposal,
    Settlement,
    Sink,
)
from gateways.store import NewContact, open_store

SCHEMA = Schema(
    [
        AttributeSpec(name="account", key=True),
        AttributeSpec(name="city"),
        AttributeSpec(name="balance", type=AttributeType.DECIMAL),
        AttributeSpec(name="due", type=AttributeType.DATE),
        AttributeSpec(name="phone", type=AttributeType.PHONE),
    ]
)
FILTER = """
all:
  - {attribute: city, operator: in, value: [Boston, Salem]}
  - {attribute: phone, operator: starts_with, value: "+1"}
  - any:
      - {attribute: balance, operator: greater_than, value: 100}
      - {attribute: due, operator: before, value: today}
"""
FLOW = """
title: Feeding
nodes:
  - {id: start, type: start, interval_s: 1, next: {pulse: init}}
  - {id: init, type: init, filter: debtors, dialing: {mode: power, ratio: 100}, next: {contact: d}}
  - {id: d, type: dial, channel: t, next: {live_call: bye}}
  - {id: bye, type: end_call}
"""
TICK_S = 0.1
CITIES = ("Albany", "Boston", "Quincy", "Salem")


def rows(first: int) -> Iterator[NewContact]:
    """Contacts without end."""
    for number in count(first):
        yield NewContact(
            f"k{number}",
            {
                "account": f"k{number}",
                "city": CITIES[number % 4],
                "balance": float(number % 400),
                "due": f"20{10 + number % 60}-06-30",
                "phone": (f"+1{2_000_000_000 + number}",),
            },
        )


class Timed:
    """A sink before another that notes how long the answer took."""

    def __init__(self, to: Sink, took_s: list[float]) -> None:
        self._to, self._took_s, self._began = to, took_s, time.perf_counter()

    def tell(self, message: Any, /) -> None:
        self._took_s.append(time.perf_counter() - self._began)
        self._to.tell(message)


class TimedStore:
    """The store's port, its claims timed."""

    def __init__(self, port: ContactStore) -> None:
        self._port = port
        self.claims_s: list[float] = []

    def claim(self, request: ClaimRequest, reply_to: Sink) -> None:
        self._port.claim(request, Timed(reply_to, self.claims_s))

    def commit_attempts(
        self, request_id: int, drafts: Sequence[AttemptDraft], reply_to: Sink
    ) -> None:
        self._port.commit_attempts(request_id, drafts, reply_to)

    def settle(self, settlement: Settlement) -> None:
        self._port.settle(settlement)

    def defer(self, deferrals: Sequence[Deferral]) -> None:
        self._port.defer(deferrals)

    def dispose(self, disposal: Disposal) -> None:
        self._port.dispose(disposal)

    def remember(self, campaign_id: int, document: bytes) -> None:
        self._port.remember(campaign_id, document)

    def recall(self, request_id: int, campaign_id: int, reply_to: Sink) -> None:
        self._port.recall(request_id, campaign_id, reply_to)


class Campaign:
    """Asks for contacts at a steady rate, and settles each attempt as soon as it has it."""

    def __init__(self, store: ContactStore) -> None:
        self._store = store
        self._answers: queue.SimpleQueue[AttemptsReady] = queue.SimpleQueue()
        self.asked_at: dict[int, float] = {}
        self.waits_s: list[float] = []
        self.attempts = self.short = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def tell(self, message: Any, /) -> None:
        if isinstance(message, AttemptsReady):
            self._answers.put(message)

    def _run(self) -> None:
        while True:
            answer = self._answers.get()
            now = time.time()
            self.short += len(answer.short)
            self.attempts += len(answer.attempts)
            self.waits_s.append(time.perf_counter() - self.asked_at[answer.request_id])
            for attempt in answer.attempts:
                contact_id = attempt.contact.contact_id
                times = (now, 0.0, 0.0, 0.0, now)
                done = ContactNext("done")
                self._store.settle(
                    Settlement(attempt.attempt_id, contact_id, 1, "user_busy", done, *times)
                )


def may_dial(_number: str, _contact: ClaimedContact, _now: float) -> Permission:
    """Everybody."""
    return YES


def share(values: list[float], part: float) -> float:
    """A quantile, in milliseconds."""
    ordered = sorted(values)
    return round(1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))], 2)


def measure(url: str, options: argparse.Namespace, importer: list[str]) -> dict[str, Any]:
    """Feed a campaign for so long."""
    with open_store(url, SCHEMA, own=True) as store:
        for _ in store.contacts.import_all(islice(rows(0), options.contacts)):
            pass
        store.filters.save("debtors", load_filter(FILTER, "debtors"))
        store.campaigns.create("Feeding", FLOW, filter_name="debtors")
        found = store.contacts.count("debtors")
        timed = TimedStore(store.port)
        campaign = Campaign(timed)
        runtime = LiveRuntime(seed=1)
        flow = load_flow(FLOW, "feeding.yaml")
        feeder = runtime.spawn(
            ContactFeeder(1, 1, flow, timed, campaign, campaign, may_dial), "feeder"
        )
        time.sleep(1)
        first_claim_ms = share(timed.claims_s, 1.0)
        timed.claims_s.clear()
        importing = subprocess.Popen(importer, stdout=subprocess.PIPE) if importer else None
        time.sleep(2 if importing else 0)
        cpu, began = time.process_time(), time.perf_counter()
        per_tick = round(options.rate * TICK_S)
        for tick in range(round(options.seconds / TICK_S)):
            time.sleep(max(0.0, began + tick * TICK_S - time.perf_counter()))
            campaign.asked_at[tick] = time.perf_counter()
            tickets = tuple(range(tick * per_tick, (tick + 1) * per_tick))
            feeder.tell(NeedContacts(tick, tickets))
        spent_s, cpu = time.perf_counter() - began, time.process_time() - cpu
        imported = 0
        if importing is not None:
            importing.terminate()
            out, _ = importing.communicate()
            imported = int(out.decode().split()[-1])
        time.sleep(0.5)
        runtime.stop()
    return {
        "contacts": options.contacts,
        "found_by_the_filter": found,
        "imported_meanwhile": imported,
        "seconds": round(spent_s, 1),
        "contacts_per_second": round(campaign.attempts / spent_s, 1),
        "short": campaign.short,
        "first_claim_ms": first_claim_ms,
        "claims": len(timed.claims_s),
        "claim_ms": {f"p{p}": share(timed.claims_s, p / 100) for p in (50, 95, 99)},
        "wait_ms": {f"p{p}": share(campaign.waits_s, p / 100) for p in (50, 95, 99)},
        "cpu_ms_per_contact": round(1000 * cpu / max(1, campaign.attempts), 2),
        "cpu_share_of_a_core": round(cpu / spent_s, 2),
    }


def import_on(url: str, first: int) -> None:
    """Import until told to stop; print how many."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    done = 0
    with open_store(url, SCHEMA) as store:
        try:
            for counts in store.contacts.import_all(rows(first)):
                done += counts.added
        finally:
            print(done, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--contacts", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--no-import", action="store_true")
    parser.add_argument("--import-into", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.import_into:
        import_on(options.import_into, options.contacts)
        return
    with tempfile.TemporaryDirectory(prefix="foredial-feeding-") as folder:
        url = f"sqlite:///{Path(folder) / 'feeding.db'}"
        importer = [sys.executable, "-m", "benchmarks.feeding", "--import-into", url]
        importer += ["--contacts", str(options.contacts)]
        found = measure(url, options, [] if options.no_import else importer)
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
