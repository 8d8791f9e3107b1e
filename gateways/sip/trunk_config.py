"""What a SIP trunk is told about its carrier.

The rule of this module: plain data, wrong only in one clear line, and every URI of the carrier is
made here.
"""

from dataclasses import dataclass, field, replace

from dialer.errors import ConfigError
from gateways.sip.building import bracketed
from gateways.sip.dialogs import default_port, transport_of
from gateways.sip.headers import MalformedError, read_uri
from gateways.sip.keep_alive import KeepAliveConfig
from gateways.sip.sdp import NAMES
from gateways.sip.tls import TlsProfile

_CODECS = {name: number for number, name in NAMES.items()}


@dataclass(frozen=True)
class TrunkConfig:
    """A carrier.

    remote_host, remote_port: the carrier; with port 0 a name is looked for by SRV. outbound_proxy:
    a SIP URI (`sip:proxy.example`) that requests go through, "" for none. username, password: for
    digest challenges; "" where the carrier knows us by address. from_user: the caller ID where a
    dial brings none. domain: of our From and the callee's To, "" for remote_host. codecs: in the
    order of preference. max_channels: calls at a time, 0 for no limit. plus: whether numbers keep
    their plus sign. registration_s: register for so long at a time, 0 for carriers that want no
    REGISTER. transport: "udp", "tcp" or "tls". tls: what else than the carrier's name TLS asks
    for. asserts_identity: send the caller ID in P-Asserted-Identity too (RFC 3325), where it is a
    number: carriers bill and attest by it.
    """

    name: str
    remote_host: str
    remote_port: int = 5060
    outbound_proxy: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    from_user: str = "foredial"
    domain: str = ""
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    max_channels: int = 0
    transport: str = "udp"
    plus: bool = True
    asserts_identity: bool = True
    registration_s: int = 0
    tls: TlsProfile | None = None
    keep_alive: KeepAliveConfig = field(default_factory=KeepAliveConfig)

    def __post_init__(self) -> None:
        where = f"trunk {self.name}"
        unknown = [codec for codec in self.codecs if codec not in _CODECS]
        if unknown or not self.codecs:
            raise ConfigError(
                where,
                f"codec {', '.join(unknown) or 'missing'}",
                f"choose among {', '.join(_CODECS)}",
            )
        for name, uri in (("remote_host", self.uri), ("outbound_proxy", self.outbound_proxy)):
            if uri:
                try:
                    read_uri(uri)
                except MalformedError as error:
                    raise ConfigError(where, f"{name}: {error}") from error

    @property
    def uri(self) -> str:
        """The carrier itself."""
        by = f";transport={self.transport}" if self.transport != "udp" else ""
        port = f":{self.remote_port}" if self.remote_port else ""
        return f"sip:{bracketed(self.remote_host)}{port}{by}"

    @property
    def hop(self) -> str:
        """Where requests go first."""
        return self.outbound_proxy or self.uri

    @property
    def authority(self) -> str:
        """Host and port of callees' URIs; a port that goes without saying is left out."""
        port = self.remote_port
        said = "" if port in (0, default_port(self.transport)) else f":{port}"
        return f"{bracketed(self.remote_host)}{said}"

    @property
    def profile(self) -> TlsProfile | None:
        """How the way to the first hop is secured, None where it is not."""
        hop = read_uri(self.hop)
        if transport_of(hop) != "tls":
            return None
        host = hop.host.strip("[]")
        wish = self.tls or TlsProfile()
        return replace(wish, server_name=wish.server_name or host, host=host)

    @property
    def registrar(self) -> str:
        """Where we register."""
        return f"sip:{self.domain or self.authority}"

    @property
    def payload_types(self) -> tuple[int, ...]:
        """The codecs by their RTP numbers."""
        return tuple(_CODECS[codec] for codec in self.codecs)
