"""What a call costs the trunk: CPU of the SIP thread, against SIPp.

    python -m benchmarks.trunk [--calls-per-second 50] [--seconds 20] [--profile]

Calls are dialed evenly, ring (100, 180), are answered and hung up by us at once: INVITE to the
answer of our BYE. Nothing else of the daemon runs but the audio relay, in its own process.
With `--profile` the functions that took most of it follow, slowed down by being watched.
"""

import argparse
import cProfile
import pstats
import queue
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dialer.events import Answered, Ended
from dialer.ports import DialRequest
from gateways.media.client import MediaRelay
from gateways.media.config import MediaConfig
from gateways.sip.endpoint import EndpointConfig, SipEndpoint
from tests.peers.behaviours import RING_THEN_ANSWER
from tests.peers.dialing import HOST, trunk_to
from tests.peers.sipp import Carrier


class Ends:
    """Hangs up who answers, and counts who is gone."""

    def __init__(self) -> None:
        self.trunk: Any = None
        self.ended: queue.SimpleQueue[int] = queue.SimpleQueue()

    def tell(self, event: Any, /) -> None:
        if isinstance(event, Answered):
            self.trunk.hang_up(event.attempt_id)
        elif isinstance(event, Ended):
            self.ended.put(event.attempt_id)


def on_sip_thread(endpoint: SipEndpoint, function: Any) -> Any:
    """Call a function there and wait for what it returns."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    endpoint.run(lambda _now: answers.put(function()))
    return answers.get(timeout=30)


def thread_s() -> tuple[float, float]:
    """CPU seconds of this thread: its own, and the kernel's for it."""
    usage = resource.getrusage(resource.RUSAGE_THREAD)
    return usage.ru_utime, usage.ru_stime


def load(folder: Path, options: argparse.Namespace) -> None:
    """Dial, and print what it cost."""
    ends = Ends()
    with Carrier(folder, {"": RING_THEN_ANSWER}) as carrier:
        log = folder / "dialogs.log"
        media = MediaRelay(MediaConfig(HOST, "", folder, 26000, 27998))
        endpoint = SipEndpoint(EndpointConfig(HOST, 0, dialog_log=log), media)
        media.start()
        endpoint.start()
        try:
            host, _, port = carrier.address.partition(":")
            ends.trunk = trunk_to((host, int(port)), endpoint, ends)
            time.sleep(1)
            profile = cProfile.Profile()
            if options.profile:
                on_sip_thread(endpoint, profile.enable)
            spent_s, began = on_sip_thread(endpoint, thread_s), time.monotonic()
            calls = round(options.calls_per_second * options.seconds)
            for attempt in range(1, calls + 1):
                due = began + attempt / options.calls_per_second
                time.sleep(max(0.0, due - time.monotonic()))
                ends.trunk.dial(DialRequest(attempt, f"+1202{5550000 + attempt}"), ends)
            for _ in range(calls):
                ends.ended.get(timeout=60)
            time.sleep(1)
            ended_s = on_sip_thread(endpoint, thread_s)
            user_s, system_s = (
                after - before for before, after in zip(spent_s, ended_s, strict=True)
            )
            if options.profile:
                on_sip_thread(endpoint, profile.disable)
            print(
                f"{calls} calls, {1000 * (user_s + system_s) / calls:.2f} CPU ms a call on the SIP "
                f"thread, {1000 * system_s / calls:.2f} of it in the kernel"
            )
            if options.profile:
                pstats.Stats(profile).sort_stats("tottime").print_stats(45)
        finally:
            endpoint.stop()
            media.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--calls-per-second", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--profile", action="store_true")
    with tempfile.TemporaryDirectory(prefix="foredial-trunk-") as folder:
        load(Path(folder), parser.parse_args())


if __name__ == "__main__":
    main()
