"""The daemon's control socket.

The rule of this module: only whoever owns the socket file can talk to the daemon, only verbs can
be asked for, and nothing that arrives can end the server. A socket file that a killed daemon left
behind is replaced; one behind which somebody answers is not.
"""

import logging
import socket
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dialer.errors import ControlError, DialerError
from gateways.control import wire
from gateways.control.client import connected

log = logging.getLogger("foredial.control")

IDLE_S = 30.0
"""A client that is connected and says nothing is let go after this time."""
MAX_REQUEST_BYTES = 8 * 1024 * 1024
MAX_CLIENTS = 64
_JOIN_S = 5.0


class ControlServer:
    """Answers requests on a unix socket, each client on a thread of its own.

    path: of the socket file. call: carries out a verb with its arguments, see `Commands.call`.
    """

    def __init__(self, path: Path, call: Callable[[str, Mapping[str, Any]], Any]) -> None:
        self._path = path
        self._call = call
        self._listener: socket.socket | None = None
        self._identity = (0, 0)
        self._acceptor: threading.Thread | None = None
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stopping = False

    def start(self) -> None:
        """Listen.

        Raises:
            ControlError: another daemon answers there, or the file cannot be made.
        """
        self._make_way()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            listener.bind(str(self._path))
            # Nobody can connect before `listen`, so there is no moment of open doors.
            self._path.chmod(0o600)
            seen = self._path.stat()
            listener.listen(MAX_CLIENTS)
        except OSError as error:
            listener.close()
            why = error.strerror or str(error)
            raise ControlError(f"the control socket {self._path} cannot be made: {why}") from error
        self._identity = (seen.st_dev, seen.st_ino)
        self._listener = listener
        self._stopping = False
        self._acceptor = threading.Thread(target=self._accept, name="control", daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Stop listening, let requests under way finish, and remove the socket file."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self._stopping = True
        with suppress(OSError):
            seen = self._path.stat()
            if (seen.st_dev, seen.st_ino) == self._identity:
                self._path.unlink()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes the acceptor
        if self._acceptor is not None:
            self._acceptor.join(_JOIN_S)
        listener.close()
        with self._lock:
            clients = dict(self._clients)
        for connection in clients:
            # No more requests; an answer under way still goes out.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        for thread in clients.values():
            if thread is not threading.current_thread():
                thread.join(_JOIN_S)

    def _make_way(self) -> None:
        """See that no other daemon answers there, and remove what one left behind."""
        try:
            kind = self._path.lstat().st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise ControlError(f"{self._path}: {error.strerror}") from error
        if not stat.S_ISSOCK(kind):
            raise ControlError(
                f"{self._path} is no socket; move it away, or set control_socket elsewhere"
            )
        try:
            connected(self._path, _JOIN_S).close()
        except (ConnectionRefusedError, FileNotFoundError):
            with suppress(FileNotFoundError):
                self._path.unlink()
        except OSError as error:
            why = error.strerror or str(error)
            raise ControlError(f"the control socket {self._path} is in use: {why}") from error
        else:
            raise ControlError(
                f"another daemon answers at {self._path}; stop it first, or set control_socket"
            )

    def _accept(self) -> None:
        listener = self._listener
        assert listener is not None
        while not self._stopping:
            try:
                connection, _ = listener.accept()
            except OSError:
                if self._stopping:
                    return
                log.exception("the control socket could not accept")
                # Out of file descriptors, most likely: they come back.
                threading.Event().wait(0.1)
                continue
            connection.settimeout(IDLE_S)
            thread = threading.Thread(
                target=self._serve, args=(connection,), name="control client", daemon=True
            )
            with self._lock:
                full = self._stopping or len(self._clients) >= MAX_CLIENTS
                if not full:
                    self._clients[connection] = thread
            if full:
                connection.close()
            else:
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                while self._answer_one(connection):
                    pass
        except (wire.ClosedError, OSError):
            pass  # the client has left
        except Exception:
            log.exception("a control client met a bug")
        finally:
            with self._lock:
                self._clients.pop(connection, None)

    def _answer_one(self, connection: socket.socket) -> bool:
        """Answer one request; whether another may follow."""
        try:
            request = wire.receive(connection, MAX_REQUEST_BYTES)
        except ValueError as error:
            # What follows in the stream can no longer be told apart.
            wire.send(connection, _failed(ControlError(f"no request: {error}")))
            return False
        answer = self._answer(request)
        try:
            wire.send(connection, answer)
        except (ValueError, TypeError, OverflowError):
            log.exception("an answer that cannot be sent")
            wire.send(connection, _failed(ControlError("the answer cannot be sent; see the log")))
        return True

    def _answer(self, request: Any) -> dict[str, Any]:
        if not isinstance(request, dict):
            return _failed(ControlError("no request: it is no mapping"))
        verb, arguments = request.get("verb"), request.get("args", {})
        named = isinstance(arguments, dict) and all(isinstance(key, str) for key in arguments)
        if not (isinstance(verb, str) and named):
            return _failed(ControlError("no request: it names no verb, or its args are no mapping"))
        try:
            return {"ok": True, "result": self._call(verb, arguments)}
        except DialerError as error:
            return _failed(error)
        except Exception as error:
            log.exception("verb %s failed", verb)
            what = f"the daemon met a bug in {verb!r}: {type(error).__name__}; see its log"
            return _failed(ControlError(what))


def _failed(error: DialerError) -> dict[str, Any]:
    return {"ok": False, "error": wire.pack_error(error)}
