"""What a daemon holds of the machine: threads, file descriptors by kind, and RTP ports.

The rule of this module: it asks the kernel, not the daemon.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Held(NamedTuple):
    """threads: of the daemon and its relay worker. handles: kind ("socket", "file" ...) -> count,
    both processes together. rtp_ports: the even ports that are bound, of the range asked for.
    """

    threads: int
    handles: dict[str, int]
    rtp_ports: int


def held_by(pid: int, rtp_range: range) -> Held:
    """What a process and its children hold now. Linux only."""
    threads = 0
    handles: Counter[str] = Counter()
    sockets: set[str] = set()
    for process in (pid, *_children(pid)):
        threads += sum(1 for _ in Path(f"/proc/{process}/task").iterdir())
        for target in _targets(process):
            handles[re.match(r"[a-z_]+(?=:)|", target)[0] or "file"] += 1  # type: ignore[index]
            if target.startswith("socket:["):
                sockets.add(target[len("socket:[") : -1])
    ports = {
        int(fields[1].rpartition(":")[2], 16)
        for line in Path("/proc/net/udp").read_text("ascii").splitlines()[1:]
        if (fields := line.split())[9] in sockets
    }
    return Held(threads, dict(handles), sum(port in rtp_range for port in ports if port % 2 == 0))


def memory_bytes(pid: int) -> int:
    """Resident memory of a process and its children."""
    return sum(_resident_bytes(p) for p in (pid, *_children(pid)))


def _resident_bytes(pid: int) -> int:
    resident = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert resident is not None
    return int(resident[1]) * 1024


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _targets(pid: int) -> Iterator[str]:
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield str(handle.readlink())
        except OSError:
            continue  # closed since it was listed
