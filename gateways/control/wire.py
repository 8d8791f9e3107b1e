"""What goes over the control socket.

The rule of this module: a message is four bytes of length (big-endian) and that many bytes of
msgpack. A request is {verb, args}; an answer is {ok: true, result} or {ok: false, error}, where
the error says type, where, what and mend, and comes out at the other end as the same error.
"""

import socket
import struct
from typing import Any

import msgpack

from dialer import errors
from dialer.errors import ControlError, DialerError, GatewayError, InputError
from gateways.control.problems import FlowProblemsError, all_of

MAX_BYTES = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class ClosedError(Exception):
    """The other end is gone."""


def send(connection: socket.socket, message: Any) -> None:
    """Send one message.

    Raises:
        OSError: the connection broke or timed out. ValueError, TypeError: it cannot be packed.
    """
    body = msgpack.packb(message)
    if len(body) > MAX_BYTES:
        raise ValueError(f"{len(body)} bytes are too many for one message")
    connection.sendall(_LENGTH.pack(len(body)) + body)


def receive(connection: socket.socket, most_bytes: int = MAX_BYTES) -> Any:
    """Receive one message.

    Raises:
        ClosedError: the other end closed before the message was whole.
        ValueError: it is no message.
        OSError: the connection broke or timed out.
    """
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    if length > most_bytes:
        raise ValueError(f"{length} bytes are too many for one message")
    body = _exactly(connection, length)
    try:
        return msgpack.unpackb(body, strict_map_key=False)
    except (ValueError, msgpack.UnpackException) as error:
        raise ValueError(f"not msgpack: {error}") from error


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = []
    while count:
        part = connection.recv(min(count, 1 << 20))
        if not part:
            raise ClosedError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def pack_error(error: DialerError) -> dict[str, Any]:
    """An error as data."""
    if isinstance(error, InputError):
        first, *others = all_of(error)
        data = {
            "type": type(first).__name__,
            "where": first.where,
            "what": first.what,
            "mend": first.mend,
        }
        return data | {"also": [pack_error(other) for other in others]} if others else data
    return {"type": type(error).__name__, "where": "", "what": str(error), "mend": ""}


def unpack_error(data: Any) -> DialerError:
    """The error that `pack_error` packed; a ControlError for what is none."""
    if not isinstance(data, dict):
        return ControlError("the daemon answered with something that is no error")
    where, what, mend = (str(data.get(key, "")) for key in ("where", "what", "mend"))
    kind = getattr(errors, str(data.get("type")), None)
    if isinstance(kind, type) and issubclass(kind, InputError):
        # Some are made from other particulars than they are told by.
        first = kind.__new__(kind)
        InputError.__init__(first, where, what, mend)
        also = [e for e in map(unpack_error, data.get("also", ())) if isinstance(e, InputError)]
        return FlowProblemsError([first, *also]) if also else first
    if isinstance(kind, type) and issubclass(kind, GatewayError):
        return kind(what)
    return ControlError(what or "the daemon failed without a word")
