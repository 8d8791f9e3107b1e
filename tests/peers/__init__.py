"""Real peers for the tests: SIPp as a carrier, baresip as a phone, Prometheus as a scraper.

The rule of this package: a peer is the real program, started by the test on addresses of its
own and stopped with it. A peer that cannot be had is a skip that says why, and a failure when
REQUIRE_PEERS=1. `install.sh` installs them.
"""

import os
import shutil

import pytest

from tests.peers.address import PeerAddress

_COMMANDS = {
    "sipp": "Debian's sip-tester",
    "baresip": "Debian's baresip-core",
    "kamailio": "Debian's kamailio-tls-modules",
    "dnsmasq": "Debian's dnsmasq-base",
    "prometheus": "Debian's prometheus",
    "promtool": "Debian's prometheus",
    "chromium": "Debian's chromium",
}


def require(*names: str) -> None:
    """Skip the test, saying why, unless every named peer can be started here."""
    for name in names:
        if shutil.which(name) is None:
            lacking(f"{name} is not installed ({_COMMANDS[name]}: tests/peers/install.sh)")
    if "baresip" in names:
        try:
            PeerAddress().close()
        except OSError as error:
            lacking(f"baresip can have no address of its own: {error}")


def lacking(reason: str) -> None:
    """Skip the test for want of a peer, or fail it where peers are required."""
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(f"REQUIRE_PEERS=1 and {reason}")
    pytest.skip(reason)
