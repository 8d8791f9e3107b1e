"""Starts dnsmasq as the name server of a carrier's domain.

The rule of this module: it knows the records that the test gave it and asks nobody else.
"""

import getpass
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.peers.sipp import free_port

DOMAIN = "carrier.example"


class Srv(NamedTuple):
    """An SRV record. service: as `_sip._udp`; target: a host of `DOMAIN`."""

    service: str
    target: str
    port: int
    priority: int = 10
    weight: int = 0


class NameServer:
    """A dnsmasq at `host`:`port` with `records` and `hosts` (name -> address), all of ttl_s."""

    def __init__(
        self,
        folder: Path,
        records: Sequence[Srv],
        hosts: dict[str, str],
        *,
        ttl_s: int = 60,
        host: str = "127.0.0.45",
    ) -> None:
        self.host, self.port = host, free_port(host)
        self._folder = folder / "dnsmasq"
        self._folder.mkdir()
        self._ttl_s = ttl_s
        self._process: subprocess.Popen[bytes] | None = None
        self._start(records, hosts)

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def change(self, records: Sequence[Srv], hosts: dict[str, str]) -> None:
        """Other records from now on."""
        self.stop()
        self._start(records, hosts)

    def _start(self, records: Sequence[Srv], hosts: dict[str, str]) -> None:
        lines = [
            *("no-resolv", "no-hosts", "bind-interfaces", f"local=/{DOMAIN}/"),
            *(f"listen-address={self.host}", f"port={self.port}", f"local-ttl={self._ttl_s}"),
            *(
                f"srv-host={r.service}.{DOMAIN},{r.target}.{DOMAIN},{r.port},{r.priority},{r.weight}"
                for r in records
            ),
            *(f"host-record={name}.{DOMAIN},{address}" for name, address in hosts.items()),
        ]
        config = self._folder / "dnsmasq.conf"
        config.write_text("\n".join(lines) + "\n", encoding="ascii")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("dnsmasq", "--keep-in-foreground", f"--conf-file={config}"),
                    *("--pid-file=", f"--user={getpass.getuser()}", "--log-facility=-"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 10
        question = dns.message.make_query(f"{DOMAIN}.", "A")
        while True:
            try:
                answer = dns.query.udp(question, self.host, 0.5, self.port)
            except (OSError, dns.exception.DNSException):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    said = (self._folder / "log").read_text()[-500:]
                    raise RuntimeError(f"dnsmasq does not answer: {said}") from None
                time.sleep(0.05)
            else:
                assert answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
                return

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
