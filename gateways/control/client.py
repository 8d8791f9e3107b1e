"""Talking to a running daemon.

The rule of this module: no daemon, a daemon that hangs and a daemon that refuses are three
different things, each told in one line; what the daemon's verbs raise is raised here again.
"""

import socket
from pathlib import Path
from typing import Any

from dialer.errors import ControlError
from gateways.control import wire

TIMEOUT_S = 30.0


class NoDaemonError(ControlError):
    """Nobody answers at the control socket."""


class ControlClient:
    """Asks the daemon behind a socket file. timeout_s: of each answer."""

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self.path = path
        self._timeout_s = timeout_s

    def is_running(self) -> bool:
        """Whether somebody listens there."""
        try:
            connected(self.path, self._timeout_s).close()
        except OSError:
            return False
        return True

    def call(self, verb: str, *, longer_s: float = 0.0, **arguments: Any) -> Any:
        """Have a verb carried out. longer_s: on top of the timeout, for verbs that take long.

        Raises:
            NoDaemonError: no daemon answers.
            ControlError: it does not answer in time, or not as it should.
            DialerError: what the verb raised.
        """
        timeout_s = self._timeout_s + longer_s
        try:
            with connected(self.path, timeout_s) as connection:
                wire.send(connection, {"verb": verb, "args": arguments})
                answer = wire.receive(connection)
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoDaemonError(f"no daemon answers at {self.path}") from None
        except TimeoutError:
            told = f"the daemon at {self.path} did not answer within {timeout_s:g} s; see its log"
            raise ControlError(told) from None
        except PermissionError:
            told = f"{self.path} may not be opened; run this as the user who runs the daemon"
            raise ControlError(told) from None
        except (wire.ClosedError, ConnectionError):
            raise ControlError(f"the daemon at {self.path} hung up; see its log") from None
        except (OSError, ValueError) as error:
            raise ControlError(f"the daemon at {self.path}: {error}") from error
        if isinstance(answer, dict) and answer.get("ok") is True:
            return answer.get("result")
        raise wire.unpack_error(answer.get("error") if isinstance(answer, dict) else None)


def connected(path: Path, timeout_s: float) -> socket.socket:
    """A connection to the socket file.

    Raises:
        OSError: there is none to be had.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection
