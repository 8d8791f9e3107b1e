"""Commands and events survive the way between daemon and worker; anything else is refused."""

import msgpack
import pytest

from dialer.errors import MediaError
from gateways.media import protocol


@pytest.mark.parametrize(
    "message",
    [
        protocol.OpenLeg("agent:7", 20000),
        protocol.SetRemote("agent:7", "192.0.2.1", 4000, 8, 101, False),
        protocol.Bridge(3, "a", "b"),
        protocol.Unbridge("a"),
        protocol.Play(4, "a", "abandoned"),
        protocol.CloseLeg("a", 20000),
        protocol.Shutdown(),
        protocol.Ready(99),
        protocol.BindFailed("a", 20000, "Address already in use"),
        protocol.LegClosed("a", 20000),
        protocol.BridgeDone(3, ""),
        protocol.PlayDone(4, "the leg was closed"),
        protocol.Report(1, 2, 3, 4, 5, 0.1, 0.2, 0.3),
    ],
)
def test_a_message_comes_back_as_it_was(message: protocol.Message) -> None:
    again = protocol.decode(protocol.encode(message))
    assert type(again) is type(message)
    assert again == message


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", msgpack.packb([99]), msgpack.packb([0, "a"]), msgpack.packb(7)]
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError, match="not a message"):
        protocol.decode(data)
