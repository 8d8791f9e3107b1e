"""What stands between us and a carrier: address translation, and gateways that rewrite SIP.

The rule of this module: it only looks and warns, once for each thing seen. What to do about it is
a setting (`advertised_host`), or switching the helper of a router off. Source: RFC 3581 (received
and rport), RFC 3261 section 18.2.1.
"""

import ipaddress

from gateways.sip.building import Composer
from gateways.sip.headers import is_address
from gateways.sip.messages import Message


class NatWatch:
    """Looks at the Via of what comes back."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._seen: set[tuple[str, str]] = set()

    def look(self, response: Message) -> str:
        """A warning, "" for none or one that was given before."""
        ours = self._composer
        host = response.via.host.strip("[]")
        received = response.via.params.get("received", "").strip("[]")
        key = (host, received)
        if key in self._seen or len(self._seen) > 100:
            return ""
        self._seen.add(key)
        if host != ours.host:
            return (
                f"our address {ours.host} came back as {host}: a SIP helper (ALG) on the way "
                "rewrites messages; switch it off in the router"
            )
        if received and received != ours.host and is_address(ours.host):
            return (
                f"we say that we are {ours.host} and are seen as {received}: behind a NAT; set "
                f"advertised_host: {received}, for the audio too"
            )
        return ""


def unreachable_from(advertised: str, carrier: str) -> str:
    """Why a carrier cannot reach the address that we advertise, "" where it may."""
    if not (is_address(advertised) and is_address(carrier)):
        return ""
    ours, theirs = ipaddress.ip_address(advertised), ipaddress.ip_address(carrier)
    if ours.is_private and theirs.is_global:
        return (
            f"we advertise {advertised}, a private address, to the public carrier {carrier}; set "
            "advertised_host to our public one"
        )
    return ""
