"""How much processor time the audio relay takes per bridged call-second.

    python benchmarks/media_relay.py [--calls 50] [--seconds 10] [--transcode]

Far ends in a process of their own send 50 packets a second each way through a real worker on the
loopback. Printed: the worker's CPU (user and system, from /proc) in milliseconds per bridged
call-second, what part of the packets arrived, and how late the 20 ms tick came. The loopback
makes the sender pay for the delivery too, so a network card costs somewhat less.
"""

import argparse
import json
import multiprocessing
import os
import select
import socket
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gateways.media.client import MediaConfig, MediaRelay
from gateways.media.rtp import HEADER

FRAME = bytes(range(160))
_SLICES = 10
"""The far ends do not all speak at one instant: each 20 ms is cut into this many slices."""


def far_ends(pipe: Connection, phones: int) -> None:
    """Be all phones: tell the ports, learn the legs and payload types, then talk and count."""
    sockets = []
    for _ in range(phones):
        phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        phone.bind(("127.0.0.1", 0))
        phone.setblocking(False)
        sockets.append(phone)
    pipe.send([phone.getsockname()[1] for phone in sockets])
    legs: list[tuple[tuple[str, int], int]] = pipe.recv()
    for phone, (leg, _) in zip(sockets, legs, strict=True):
        phone.connect(leg)
    by_number = {phone.fileno(): phone for phone in sockets}
    poll = select.epoll()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    sent = heard = 0
    counting_from = (0, 0)
    due = time.monotonic()
    for turn in range(sys.maxsize):
        if pipe.poll():
            if pipe.recv() == "end":
                break
            counting_from = (sent, heard)
        which = turn % _SLICES
        frame_number = turn // _SLICES
        for index in range(which, phones, _SLICES):
            header = HEADER.pack(
                0x80, legs[index][1], frame_number & 0xFFFF, frame_number * 160, index
            )
            sockets[index].send(header + FRAME)
            sent += 1
        due += 0.02 / _SLICES
        while True:
            for number, _ in poll.poll(max(due - time.monotonic(), 0.0)):
                packet = by_number[number].recv(2048)
                # Silence is what the relay makes itself.
                heard += packet[12:] not in (b"\xff" * 160, b"\xd5" * 160)
            if time.monotonic() >= due:
                break
    pipe.send((sent - counting_from[0], heard - counting_from[1]))
    for phone in sockets:
        phone.close()


def cpu_s(pid: int) -> float:
    """User and system time of a process (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(calls: int, seconds: float, transcode: bool) -> dict[str, float]:
    """Bridge so many calls for so long; the figures."""
    here, there = multiprocessing.Pipe()
    peer = multiprocessing.get_context("spawn").Process(target=far_ends, args=(there, calls * 2))
    peer.start()
    ports = here.recv()
    with tempfile.TemporaryDirectory() as prompts:
        relay = MediaRelay(MediaConfig("127.0.0.1", "127.0.0.1", Path(prompts)))
        relay.start()
        legs = []
        for call in range(calls):
            for side in (0, 1):
                payload_type = 8 if side and transcode else 0
                leg_id = f"{call}-{side}"
                legs.append((relay.open_leg(leg_id), payload_type))
                relay.set_remote(leg_id, "127.0.0.1", ports[2 * call + side], payload_type)
        bridged = threading.Semaphore(0)

        def is_bridged() -> None:
            bridged.release()

        for call in range(calls):
            relay.bridge(f"{call}-0", f"{call}-1", is_bridged)
        for _ in range(calls):
            bridged.acquire()
        here.send(legs)
        time.sleep(2.0)
        pid = int(relay.stats()["worker_pid"])
        here.send("count")
        began, cpu_before = time.monotonic(), cpu_s(pid)
        time.sleep(seconds)
        took, cpu_after = time.monotonic() - began, cpu_s(pid)
        here.send("end")
        sent, heard = here.recv()
        stats = relay.stats()
        relay.stop()
    peer.join()
    return {
        "calls": calls,
        "seconds": round(took, 2),
        "packets_per_s": round(sent / took),
        "arrived": round(heard / sent, 5),
        "cpu_ms_per_call_second": round((cpu_after - cpu_before) * 1000 / (calls * took), 3),
        "worker_cpu_share": round((cpu_after - cpu_before) / took, 3),
        "late_mean_ms": round(stats["late_mean_s"] * 1000, 2),
        "late_max_ms": round(stats["late_max_s"] * 1000, 2),
    }


def main() -> int:
    """Measure once, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--transcode", action="store_true", help="mu-law on one side, A-law beyond")
    asked = parser.parse_args()
    print(json.dumps(measure(asked.calls, asked.seconds, asked.transcode)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
