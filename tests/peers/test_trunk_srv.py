"""A trunk that is located by SRV at a real name server, with real carriers at its targets."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dialer.events import Ended
from dialer.ports import DialRequest
from gateways.sip.endpoint import EndpointConfig, SipEndpoint
from gateways.sip.keep_alive import KeepAliveConfig
from gateways.sip.srv import Service, find
from gateways.sip.tls import TlsProfile
from gateways.sip.trunk import SipTrunk
from gateways.sip.trunk_config import TrunkConfig
from tests.certificates import Authority
from tests.peers import require
from tests.peers.behaviours import DIRECT, OVERLOADED, RINGS, Behaviour
from tests.peers.dialing import HOST, DeafMedia, Dialer, Told
from tests.peers.dnsmasq import DOMAIN, NameServer, Srv
from tests.peers.kamailio import SecureEdge
from tests.peers.sipp import Carrier, free_port

pytestmark = pytest.mark.peer

FIRST, SECOND = "127.0.0.46", "127.0.0.47"
HOSTS = {"gw1": FIRST, "gw2": SECOND}
BUSY_503 = Behaviour("overloaded_now", final=503)


@pytest.fixture(autouse=True)
def _peers() -> None:
    require("sipp", "dnsmasq")


@contextmanager
def located(dns: NameServer, changes: Told, **how: Any) -> Iterator[SipTrunk]:
    """A running trunk to the carrier's domain, without a port."""
    config = EndpointConfig(HOST, free_port(HOST), name_servers=(dns.address,))
    here = SipEndpoint(config, DeafMedia())
    keep_alive = KeepAliveConfig(interval_s=30.0, timeout_s=1.5)
    wish = TrunkConfig("test", DOMAIN, 0, **{"keep_alive": keep_alive, **how})
    trunk = SipTrunk(wish, here, changes)
    here.start()
    trunk.start()
    try:
        yield trunk
    finally:
        here.stop()


def carrier(folder: Path, host: str, behaviour: Behaviour = DIRECT, port: int = 0) -> Carrier:
    return Carrier(folder / host, {"": behaviour}, host=host, port=port)


def dial(trunk: SipTrunk, count: int = 3) -> list[tuple[str, int, int]]:
    """How so many calls end, each after a moment's talk."""
    told = Told()
    numbers = [f"+120255501{n:02d}" for n in range(count)]
    dialer = Dialer(trunk, told)
    dialer.dial(numbers)
    dialer.run(dict.fromkeys(numbers, 0.2), {}, within_s=20)
    assert all([kind is Ended for kind in dialer.kinds(n)].count(True) == 1 for n in numbers)
    return list(dialer.ends().values())


def two(first: int, second: int, service: str = "_sip._udp") -> list[Srv]:
    return [Srv(service, "gw1", first, 10), Srv(service, "gw2", second, 20)]


def test_calls_go_to_the_first_target_and_to_the_second_when_nobody_is_there(
    tmp_path: Path,
) -> None:
    with (
        carrier(tmp_path, FIRST) as one,
        carrier(tmp_path, SECOND) as other,
        NameServer(tmp_path, two(one.port, other.port), HOSTS) as dns,
    ):
        changes = Told()
        with located(dns, changes) as trunk:
            assert changes.get(timeout=10).up
            assert set(dial(trunk)) == {("near", 200, 0)}
            assert (sum(one.dialed().values()), other.dialed()) == (3, {})
            one.sipp.kill()
            assert set(dial(trunk)) == {("near", 200, 0)}
            assert sum(other.dialed().values()) == 3
            assert changes.empty(), "the trunk as such was never down"


@pytest.mark.parametrize("silent", [False, True], ids=["nobody listens", "silent"])
def test_options_find_the_target_that_lives_before_a_call_does(
    tmp_path: Path, silent: bool
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dead, carrier(tmp_path, SECOND) as one:
        dead.bind((FIRST, 0))
        port = dead.getsockname()[1]
        if not silent:
            dead.close()
        with NameServer(tmp_path, two(port, one.port), HOSTS) as dns:
            changes = Told()
            with located(dns, changes) as trunk:
                assert changes.get(timeout=10).up
                assert set(dial(trunk)) == {("near", 200, 0)}
        assert sum(one.dialed().values()) == 3


@pytest.mark.parametrize(
    ("refusal", "asked"), [(OVERLOADED, 1), (BUSY_503, 2)], ids=["with Retry-After", "without"]
)
def test_a_503_goes_on_to_the_next_target_and_retry_after_lets_the_first_rest(
    tmp_path: Path, refusal: Behaviour, asked: int
) -> None:
    with (
        carrier(tmp_path, FIRST, refusal) as one,
        carrier(tmp_path, SECOND) as other,
        NameServer(tmp_path, two(one.port, other.port), HOSTS) as dns,
    ):
        changes = Told()
        with located(dns, changes) as trunk:
            assert changes.get(timeout=10).up
            assert dial(trunk, 1) == [("near", 200, 0)]
            assert dial(trunk, 1) == [("near", 200, 0)]
        assert len(one.calls()) == asked
        assert len({call.call_id for call in other.calls()}) == 2


def test_a_phone_that_rang_is_not_rung_again_by_another_target(tmp_path: Path) -> None:
    rings = Behaviour("rings", progress=RINGS, final=503, final_after_s=0.1)
    with (
        carrier(tmp_path, FIRST, rings) as one,
        carrier(tmp_path, SECOND) as other,
        NameServer(tmp_path, two(one.port, other.port), HOSTS) as dns,
    ):
        changes = Told()
        with located(dns, changes) as trunk:
            assert changes.get(timeout=10).up
            assert dial(trunk, 1) == [("far", 503, 0)]
        assert (len(one.calls()), other.dialed()) == (1, {})


def test_a_503_of_every_target_is_the_end_of_the_call(tmp_path: Path) -> None:
    with (
        carrier(tmp_path, FIRST, BUSY_503) as one,
        carrier(tmp_path, SECOND, BUSY_503) as other,
        NameServer(tmp_path, two(one.port, other.port), HOSTS) as dns,
    ):
        changes = Told()
        with located(dns, changes) as trunk:
            assert changes.get(timeout=10).up
            assert dial(trunk, 1) == [("far", 503, 0)]
        assert (len(one.calls()), len(other.calls())) == (1, 1)


def test_records_are_asked_for_again_when_their_time_is_over(tmp_path: Path) -> None:
    first = [Srv("_sip._udp", "gw1", port := free_port(FIRST))]
    with (
        carrier(tmp_path, FIRST, port=port) as one,
        carrier(tmp_path, SECOND) as other,
        NameServer(tmp_path, first, HOSTS, ttl_s=2) as dns,
    ):
        changes = Told()
        with located(dns, changes) as trunk:
            assert changes.get(timeout=10).up
            dns.change([Srv("_sip._udp", "gw2", other.port)], HOSTS)
            deadline = time.monotonic() + 10
            while not other.dialed():
                assert time.monotonic() < deadline
                assert dial(trunk, 1) == [("near", 200, 0)]
            before = sum(one.dialed().values())
            assert dial(trunk, 1) == [("near", 200, 0)]
            assert sum(one.dialed().values()) == before


def test_a_name_without_srv_records_is_found_by_its_address(tmp_path: Path) -> None:
    with NameServer(tmp_path, [], {"gw1": FIRST}) as dns:
        service = Service(f"gw1.{DOMAIN}", "udp", 5060, socket.AF_INET)
        found = find(service, (dns.address,))
        assert [(target.port, target.hosts) for target in found.targets] == [(5060, (FIRST,))]
        assert (found.ttl_s, found.sure) == (60, True)


def test_a_carrier_that_the_dns_does_not_know_is_told_as_such(tmp_path: Path) -> None:
    with NameServer(tmp_path, [], {}) as dns:
        changes, told = Told(), Told()
        with located(dns, changes) as trunk:
            change = changes.get(timeout=20)
            assert not change.up
            assert change.reason.startswith(f"cannot find the host {DOMAIN}: ")
            trunk.dial(DialRequest(1, "+12025550100"), told)
            assert told.get(timeout=10).cause.text == change.reason


def test_over_tls_the_target_proves_the_domain_and_not_its_own_name(tmp_path: Path) -> None:
    require("kamailio")
    authority = Authority(tmp_path)
    with (
        carrier(tmp_path, SECOND) as behind,
        SecureEdge(
            tmp_path, authority.sign(DOMAIN), behind.address, ca=authority.file, name=DOMAIN
        ) as edge,
        NameServer(tmp_path, [Srv("_sips._tcp", "edge", edge.port)], {"edge": edge.host}) as dns,
    ):
        changes = Told()
        tls = TlsProfile(ca_file=authority.file)
        with located(dns, changes, transport="tls", tls=tls) as trunk:
            assert changes.get(timeout=20).up
            assert set(dial(trunk)) == {("near", 200, 0)}
        assert sum(behind.dialed().values()) == 3
