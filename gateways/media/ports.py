"""The pool of even UDP ports for legs (RTP on the even port, RTCP above it: RFC 3550 section 11).

The rule of this module: a port rests as long as it can before it is used again, so that the last
words of one call do not reach the next; a port that somebody else holds is left alone for a while.
Not thread-safe: its owner locks.
"""

from collections import deque

from dialer.errors import MediaError
from gateways.media.leg import bind_udp

RETIRED_S = 60.0
"""How long a port that could not be bound is left alone."""


class PortPool:
    """Even ports from `first` to `last`, the longest unused first."""

    def __init__(self, bind_host: str, first: int, last: int) -> None:
        self._bind_host = bind_host
        self._free = deque(range(first + (first & 1), last + 1, 2))
        self._retired: deque[tuple[float, int]] = deque()

    @property
    def free(self) -> int:
        """How many ports wait for a leg."""
        return len(self._free)

    @property
    def retired(self) -> int:
        """How many ports are left alone."""
        return len(self._retired)

    def take(self, now: float) -> int:
        """A port that can be bound at this moment, with the one above it.

        Raises MediaError when there is none.
        """
        while self._retired and self._retired[0][0] <= now:
            self._free.append(self._retired.popleft()[1])
        while self._free:
            port = self._free.popleft()
            if self._can_bind(port):
                return port
            self.retire(port, now)
        raise MediaError(
            f"no free audio port: all are in use, or held by others ({self.retired} of them); "
            "widen the range of ports in the settings"
        )

    def give_back(self, port: int) -> None:
        """The port is unbound again."""
        self._free.append(port)

    def retire(self, port: int, now: float) -> None:
        """Leave a port alone for RETIRED_S: somebody else holds it."""
        self._retired.append((now + RETIRED_S, port))

    def _can_bind(self, port: int) -> bool:
        try:
            bind_udp(self._bind_host, port).close()
            bind_udp(self._bind_host, port + 1).close()
        except OSError:
            return False
        return True
