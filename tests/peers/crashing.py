"""A process that dials numbers through a real trunk and then waits to be killed.

python -m tests.peers.crashing HOST PORT CARRIER_HOST CARRIER_PORT DIALOG_LOG NUMBER...
"""

import signal
import sys
from pathlib import Path

from dialer.ports import DialRequest
from gateways.sip.endpoint import EndpointConfig, SipEndpoint
from tests.peers.dialing import DeafMedia, Told, trunk_to


def main(arguments: list[str]) -> None:
    host, port, carrier_host, carrier_port, log, *numbers = arguments
    endpoint = SipEndpoint(EndpointConfig(host, int(port), dialog_log=Path(log)), DeafMedia())
    endpoint.start()
    trunk = trunk_to((carrier_host, int(carrier_port)), endpoint, Told())
    for attempt_id, number in enumerate(numbers, start=1):
        trunk.dial(DialRequest(attempt_id, number), Told())
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1:])
