"""Where a carrier is, by the SRV records of its name.

The rule of this module: `find` asks the network and blocks, so it is called on a thread of its own;
all else is data. What it finds is good for the time that the records say and no longer.
Source: RFC 3263 section 4 (without NAPTR: a trunk's transport is a setting), RFC 2782.
"""

import random
import socket
from collections.abc import Sequence
from typing import NamedTuple

import dns.exception
import dns.nameserver
import dns.rdtypes.IN.SRV
import dns.resolver

from dialer.errors import TrunkError

LOOK_UP_S = 5.0
UNKNOWN_TTL_S = 30.0
"""Of what the system knows without saying for how long (/etc/hosts)."""
MIN_TTL_S, MAX_TTL_S = 1.0, 86_400.0
_SERVICES = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}

NameServer = tuple[str, int]


class Service(NamedTuple):
    """What is looked for. port: where there is no SRV record. family: of the addresses."""

    host: str
    transport: str
    port: int
    family: socket.AddressFamily

    @property
    def name(self) -> str:
        return f"{_SERVICES[self.transport]}.{self.host}"


class Target(NamedTuple):
    """One SRV record with its target's addresses."""

    priority: int
    weight: int
    port: int
    hosts: tuple[str, ...]


class Found(NamedTuple):
    """ttl_s: for how long. sure: False where the DNS failed and only the system knew an address."""

    targets: tuple[Target, ...]
    ttl_s: float
    sure: bool = True


def in_order(targets: Sequence[Target], dice: random.Random) -> list[Target]:
    """The order in which to try them: by priority, and within one at random by weight."""
    ordered: list[Target] = []
    for priority in sorted({target.priority for target in targets}):
        # Those of weight 0 go first, which gives them their very small chance.
        left = sorted(
            (target for target in targets if target.priority == priority),
            key=lambda target: target.weight > 0,
        )
        while left:
            mark = dice.randint(0, sum(target.weight for target in left))
            for target in left:
                mark -= target.weight
                if mark <= 0:
                    break
            left.remove(target)
            ordered.append(target)
    return ordered


def find(service: Service, servers: Sequence[NameServer] = ()) -> Found:
    """Look it up; it blocks for some seconds.

    servers: who is asked and nobody else; with () the system's, and what the system knows besides
    (/etc/hosts).

    Raises:
        TrunkError: nothing is found, and why.
    """
    try:
        resolver = _resolver(servers)
        records = _records(resolver, service)
    except dns.resolver.NoResolverConfiguration:
        return _by_the_system(service, sure=True)
    except dns.exception.DNSException as error:
        failure = TrunkError(f"the DNS fails for {service.name}: {_said(error)}")
        if servers:
            raise failure from error
        try:
            return _by_the_system(service, sure=False)
        except TrunkError:
            raise failure from error
    if records is None:
        hosts, ttl_s = _addresses(resolver, service.host, service.family, servers)
        return Found((Target(0, 0, service.port, hosts),), _held_s(ttl_s))
    targets, ttls_s = [], [records[1]]
    for record in records[0]:
        try:
            name = record.target.to_text()
            hosts, ttl_s = _addresses(resolver, name, service.family, servers)
        except TrunkError:
            continue  # the others are there
        targets.append(Target(record.priority, record.weight, record.port, hosts))
        ttls_s.append(ttl_s)
    if not targets:
        raise TrunkError(f"none of the targets of {service.name} has an address")
    return Found(tuple(targets), _held_s(min(ttls_s)))


def _held_s(ttl_s: float) -> float:
    return min(MAX_TTL_S, max(MIN_TTL_S, ttl_s))


def _resolver(servers: Sequence[NameServer]) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in servers]
    resolver.lifetime = LOOK_UP_S
    return resolver


def _records(
    resolver: dns.resolver.Resolver, service: Service
) -> tuple[list[dns.rdtypes.IN.SRV.SRV], float] | None:
    """The SRV records and their time to live, None where there are none."""
    try:
        answer = resolver.resolve(f"{service.name}.", "SRV")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
    records = list(answer)
    if len(records) == 1 and records[0].target.to_text() == ".":
        raise TrunkError(f"{service.host} says by {service.name} that it has no such service")
    assert answer.rrset is not None
    return records, float(answer.rrset.ttl)


def _addresses(
    resolver: dns.resolver.Resolver,
    host: str,
    family: socket.AddressFamily,
    servers: Sequence[NameServer],
) -> tuple[tuple[str, ...], float]:
    """The addresses of a host and their time to live."""
    kind = "AAAA" if family == socket.AF_INET6 else "A"
    try:
        answer = resolver.resolve(f"{host.rstrip('.')}.", kind)
    except dns.exception.DNSException as error:
        if servers:
            raise TrunkError(f"cannot find the host {host}: {_said(error)}") from error
        return _known_to_the_system(host, family), UNKNOWN_TTL_S
    assert answer.rrset is not None
    return tuple(record.to_text() for record in answer), float(answer.rrset.ttl)


def _by_the_system(service: Service, *, sure: bool) -> Found:
    hosts = _known_to_the_system(service.host, service.family)
    return Found((Target(0, 0, service.port, hosts),), UNKNOWN_TTL_S, sure)


def _known_to_the_system(host: str, family: socket.AddressFamily) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, None, family, socket.SOCK_DGRAM)
    except OSError as error:
        raise TrunkError(f"cannot find the host {host}: {error}") from error
    return tuple(str(entry[4][0]) for entry in found)


def _said(error: dns.exception.DNSException) -> str:
    if isinstance(error, dns.exception.Timeout):
        return f"no answer in {LOOK_UP_S:g} s"
    return str(error).partition("\n")[0].rstrip(".")
