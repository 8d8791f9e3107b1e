"""Where a trunk sends: the targets of its carrier, and which of them is trusted.

The rule of this module: a target that failed rests, and gets no call before an OPTIONS has found
it well again; while no target is trusted, the one that has rested longest is tried. Records are
asked for again when their time is over. Source: RFC 3263 section 4.3.
"""

import logging
import random
from collections.abc import Callable, Collection
from typing import Protocol

from gateways.sip.dialogs import default_port, transport_of
from gateways.sip.headers import is_address, read_uri
from gateways.sip.srv import UNKNOWN_TTL_S, Found, Target, in_order
from gateways.sip.transactions import Address
from gateways.sip.user_agent import UserAgent

_log = logging.getLogger(__name__)
REST_S = 30.0
MAX_REST_S = 900.0
RETRY_S = 5.0
Then = Callable[[float], None]


class Finder(Protocol):
    """The endpoint, as far as it finds hosts."""

    agent: UserAgent

    def now(self) -> float: ...

    def look_up(
        self, host: str, transport: str, port: int, then: Callable[[Found | str, float], None]
    ) -> None: ...

    def resolve(self, host: str, then: Then | None = None) -> None: ...

    def locate(self, host: str, port: int) -> Address | None: ...


class Targets:
    """The targets of one trunk. All methods run on the SIP thread.

    hop: the URI of the carrier, or of the proxy before it. A name without a port is looked for by
    SRV; anything else is one target. profile: see `Address`. probed: whether OPTIONS are sent; if
    not, a target that has rested is trusted again.
    """

    def __init__(self, finder: Finder, hop: str, profile: str, *, probed: bool) -> None:
        uri = read_uri(hop)
        self.reason = ""
        self._finder = finder
        self._host = uri.host.strip("[]")
        self._transport = transport_of(uri)
        self._port = uri.port or default_port(self._transport)
        self._by_srv = uri.port is None and not is_address(self._host)
        self._profile = profile if self._transport == "tls" else ""
        self._probed = probed
        self._dice = random.Random()
        self._targets: tuple[Target, ...] = ()
        self._rests_until: dict[Address, float] = {}

    def start(self, then: Then) -> None:
        """Find them, then call back."""
        if self._by_srv:
            self._look_up(then)
        elif is_address(self._host):
            then(self._finder.now())
        else:
            self._finder.resolve(self._host, then)

    def pick(self, besides: Collection[Address] = ()) -> Address | None:
        """Where to send a call. besides: those that it has tried: a trusted one or none follows."""
        known = self._all()
        for address in known:
            if self._trusts(address) and address not in besides:
                return address
        if besides or not known:
            return None
        return min(known, key=self._rests_until.__getitem__)

    def to_ask(self) -> Address | None:
        """Where to send an OPTIONS: to one that has rested, before it gets calls again."""
        now = self._finder.now()
        rested = [address for address in self._all() if self._rests_until.get(address, now) < now]
        return rested[0] if rested else self.pick()

    def failed(self, address: Address, rest_s: float = REST_S) -> bool:
        """A target failed; whether there is another one that is trusted."""
        known = self._all()
        if len(known) < 2:
            return False
        if rest_s > 0:
            self._rests_until[address] = self._finder.now() + min(rest_s, MAX_REST_S)
        return any(other != address and self._trusts(other) for other in known)

    def answered(self, address: Address) -> None:
        """A target is well."""
        self._rests_until.pop(address, None)

    def _trusts(self, address: Address) -> bool:
        until = self._rests_until.get(address)
        return until is None or (not self._probed and until <= self._finder.now())

    def _all(self) -> list[Address]:
        """Every address, in the order in which they would be tried now."""
        if self._by_srv:
            return [
                Address(host, target.port, self._transport, self._profile)
                for target in in_order(self._targets, self._dice)
                for host in target.hosts
            ]
        if is_address(self._host):
            return [Address(self._host, self._port, self._transport, self._profile)]
        self._finder.resolve(self._host)  # its address may change while we run
        found = self._finder.locate(self._host, self._port)
        if found is None:
            return []
        return [found._replace(transport=self._transport, profile=self._profile)]

    # Looking them up.

    def _look_up(self, then: Then | None = None) -> None:
        def found(answer: Found | str, now: float) -> None:
            self._take(answer, now)
            if then is not None:
                then(now)

        self._finder.look_up(self._host, self._transport, self._port, found)

    def _take(self, answer: Found | str, now: float) -> None:
        wait_s = UNKNOWN_TTL_S if self._targets else RETRY_S
        if isinstance(answer, str):
            if answer != self.reason:
                _log.warning("%s: %s", self._host, answer)
            self.reason = answer
        elif answer.sure or not self._targets:
            self.reason, wait_s = "", answer.ttl_s
            self._targets = answer.targets
            known = set(self._all())
            for address in self._rests_until.keys() - known:
                del self._rests_until[address]
        self._finder.agent.after(wait_s, lambda _: self._look_up(), now)
