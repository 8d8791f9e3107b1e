"""How the relay is set up.

The rule of this module: a setting that cannot work is refused before anything is started.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from dialer.errors import ConfigError


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """The settings of the relay.

    bind_host: the local address legs listen on. advertised_host: the one that SDP tells the far
    ends ("" : bind_host). first_port, last_port: the range of even ports; each leg takes one and
    the odd one above it. prompts_dir: where prompts lie as WAV files. socket_dir: where the sockets
    to the worker are made (None: the system's folder for temporary files). workers: worker
    processes; one is all there can be now, for a bridge cannot span two.

    Raises ConfigError for values that cannot work.
    """

    bind_host: str
    advertised_host: str
    prompts_dir: Path
    first_port: int = 20000
    last_port: int = 29998
    socket_dir: Path | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        for name in ("bind_host", "advertised_host"):
            host = getattr(self, name)
            if name == "advertised_host" and not host:
                continue
            try:
                unspecified = ipaddress.ip_address(host).is_unspecified
            except ValueError as error:
                raise ConfigError(
                    f"media.{name}", f"{host!r} is no IP address", "write it in digits"
                ) from error
            if unspecified and (name == "advertised_host" or not self.advertised_host):
                raise ConfigError(
                    f"media.{name}",
                    f"far ends cannot send to {host}",
                    "set advertised_host to the address they reach this machine at",
                )
        if not 1024 <= self.first_port < self.last_port <= 65534:
            raise ConfigError(
                "media.first_port",
                f"{self.first_port} to {self.last_port} is no range of ports",
                "choose one within 1024 to 65534, such as 20000 to 29998",
            )
        if self.workers != 1:
            raise ConfigError(
                "media.workers", f"{self.workers} workers cannot be run yet", "set it to 1"
            )
