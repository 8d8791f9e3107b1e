"""Addresses of their own for peers that refuse loopback.

The rule of this module: an address lives on a virtual link that carries the process id of the
test that made it, so what a killed test left behind is found and removed by the next one.
"""

import os
import re
import subprocess
from types import TracebackType
from typing import Self

_PREFIX = "fdph"
_NETWORK = "10.99.0"
_FIRST, _LAST = 51, 99


class PeerAddress:
    """An IPv4 address on a veth link: 10.99.0.51 and up. Needs root (CAP_NET_ADMIN).

    Raises OSError when the machine does not let us make one.
    """

    def __init__(self) -> None:
        _remove_orphans()
        for last in range(_FIRST, _LAST + 1):
            self.link = f"{_PREFIX}{last}"
            self.ip = f"{_NETWORK}.{last}"
            try:
                _ip("link", "add", self.link, "type", "veth", "peer", "name", f"{self.link}p")
            except FileExistsError:
                continue
            break
        else:
            raise OSError(f"all of {_NETWORK}.{_FIRST}-{_LAST} is taken")
        try:
            _ip("link", "set", self.link, "alias", f"test {os.getpid()}")
            _ip("addr", "add", f"{self.ip}/32", "dev", self.link)
            _ip("link", "set", self.link, "up")
            _ip("link", "set", f"{self.link}p", "up")
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Removes the link, and its address with it."""
        subprocess.run(["ip", "link", "delete", self.link], check=False, capture_output=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout
    if "File exists" in done.stderr:
        raise FileExistsError(done.stderr.strip())
    raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _remove_orphans() -> None:
    for block in re.split(r"^\d+: ", _ip("link", "show"), flags=re.MULTILINE):
        link = re.match(rf"({_PREFIX}\d+)@", block)
        owner = re.search(r"alias test (\d+)", block)
        if link and owner and not _is_alive(int(owner[1])):
            subprocess.run(["ip", "link", "delete", link[1]], check=False, capture_output=True)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
