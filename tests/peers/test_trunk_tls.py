"""The SIP trunk over TLS, through a real Kamailio to a real carrier behind it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dialer.events import Answered, Bridged, Ended, Ringing
from dialer.ports import DialRequest
from gateways.sip.endpoint import EndpointConfig, SipEndpoint
from gateways.sip.keep_alive import KeepAliveConfig
from gateways.sip.tls import TlsProfile
from gateways.sip.trunk import SipTrunk
from gateways.sip.trunk_config import TrunkConfig
from tests.certificates import Authority
from tests.peers import lacking, require
from tests.peers.behaviours import (
    BUSY,
    CHALLENGE_407,
    FAR_HANG_UP,
    FORKED,
    NO_ANSWER,
    RE_INVITE,
    RING_THEN_ANSWER,
)
from tests.peers.dialing import HOST, DeafMedia, Dialer, Told
from tests.peers.kamailio import SecureEdge, secure_edge_is_there
from tests.peers.sipp import Carrier, free_port
from tests.peers.test_trunk_carrier import as_carried, result

pytestmark = pytest.mark.peer

NAME = "sip.carrier.example"
PLAN = {
    "1": RING_THEN_ANSWER,
    "2": BUSY,
    "3": NO_ANSWER,
    "4": CHALLENGE_407,
    "5": FAR_HANG_UP,
    "6": RE_INVITE,
    "7": FORKED,
}


@pytest.fixture(autouse=True)
def _peers() -> None:
    require("sipp", "kamailio")
    if not secure_edge_is_there():
        lacking("Kamailio has no TLS module (Debian's kamailio-tls-modules)")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextmanager
def secured_trunk(edge: SecureEdge, tls: TlsProfile, changes: Told) -> Iterator[SipTrunk]:
    """A running trunk to the edge, with a deaf relay."""
    media = DeafMedia()
    here = SipEndpoint(EndpointConfig(HOST, free_port(HOST)), media)
    config = TrunkConfig(
        "test",
        edge.host,
        edge.port,
        username="dialer",
        password="s3cret",
        transport="tls",
        tls=tls,
        keep_alive=KeepAliveConfig(interval_s=30.0, timeout_s=4.0),
    )
    trunk = SipTrunk(config, here, changes)
    here.start()
    trunk.start()
    try:
        yield trunk
    finally:
        here.stop()
    assert media.open == set()


def test_calls_go_through_tls_as_the_carriers_books_have_them(
    tmp_path: Path, authority: Authority
) -> None:
    dialed = [f"+120255501{n}{ending}" for n in range(3) for ending in PLAN]
    changes, told = Told(), Told()
    mine = authority.sign("dialer.example")
    tls = TlsProfile(NAME, ca_file=authority.file, certificate_file=mine)
    with (
        Carrier(tmp_path, PLAN) as carrier,
        SecureEdge(
            tmp_path,
            authority.sign(NAME),
            carrier.address,
            ca=authority.file,
            wants_ours=True,
        ) as edge,
    ):
        with secured_trunk(edge, tls, changes) as trunk:
            assert changes.get(timeout=20).up, edge.log()
            meets = {number: carrier.plan.behaviour(number) for number in dialed}
            dialer = Dialer(trunk, told)
            dialer.dial(dialed)
            talk_s = {n: 0.6 for n, b in meets.items() if b and not b.hang_up_after_s}
            cancel_s = {n: 0.3 for n, b in meets.items() if b and b.final == 0}
            dialer.run(talk_s, cancel_s, within_s=30)
            talk_to_an_agent(trunk, told)
            carrier.wait_for_calls(len(dialed) + 1, within_s=10)
        messages = carrier.messages()

    assert dialer.ends() == {n: as_carried(b) for n, b in meets.items() if b}
    counted = Counter((b.name, result(b)) for b in meets.values() if b)
    assert carrier.counts() == counted + Counter([(RING_THEN_ANSWER.name, "completed")])
    assert carrier.unexpected_messages() == []
    asked = [m for m in messages if m.is_request("INVITE") and not m.sent]
    assert len(asked) > len(dialed)
    assert all("SIP/2.0/TLS" in message.text for message in asked)


def talk_to_an_agent(trunk: SipTrunk, told: Told) -> None:
    """One more call, whose callee is given to an agent."""
    trunk.dial(DialRequest(1000, "+12025550101", "+12025559999"), told)
    kinds: list[type] = []
    while Ended not in kinds:
        event = told.get(timeout=10)
        kinds.append(type(event))
        if isinstance(event, Answered):
            trunk.bridge(1000, "ann")
        elif isinstance(event, Bridged):
            trunk.hang_up(1000)
    assert kinds == [Ringing, Answered, Bridged, Ended]


@pytest.mark.parametrize("wrong", ["CA", "name", "date", "ours"])
def test_an_edge_that_is_not_the_carriers_gets_no_call(
    tmp_path: Path, authority: Authority, wrong: str
) -> None:
    signer = Authority(tmp_path, "stranger") if wrong == "CA" else authority
    name = "other.example" if wrong == "name" else NAME
    certificate = signer.sign(name, days_ago=2 if wrong == "date" else 0)
    says = {
        "CA": f"the certificate of {NAME} is signed by nobody that we trust; set tls.ca_file",
        "name": f"the certificate is for other.example and not for {NAME}; "
        "if that is your carrier, set tls.server_name",
        "date": f"the certificate of {NAME} has expired",
        "ours": "it wants a certificate of ours; set tls.certificate_file",
    }
    changes, told = Told(), Told()
    with (
        SecureEdge(
            tmp_path, certificate, "127.0.0.41:9", ca=authority.file, wants_ours=wrong == "ours"
        ) as edge,
        secured_trunk(edge, TlsProfile(NAME, ca_file=authority.file), changes) as trunk,
    ):
        change = changes.get(timeout=20)
        assert not change.up
        assert change.reason == f"{edge.host}:{edge.port}: {says[wrong]}"
        dialer = Dialer(trunk, told)
        dialer.dial(["+12025550101"])
        dialer.run({}, {}, within_s=10)
        assert dialer.ends() == {"+12025550101": ("trunk", 0, 0)}
