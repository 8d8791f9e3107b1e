"""Starts Kamailio as a carrier's edge: TLS towards us, UDP towards the carrier behind it.

The rule of this module: the edge changes nothing but the transport and the routes (Record-Route),
so what a test finds in the carrier's books went through TLS.
"""

import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.peers.sipp import free_port

_MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"
_CONFIG = """#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=2
tcp_children=2
enable_tls=yes
# Requests to us must find the connection that we opened.
tcp_no_connect=yes
listen=udp:{host}:{udp_port}
listen=tls:{host}:{port}
auto_aliases=no
alias="{name}"
dns=no
rev_dns=no
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "tls.so"
modparam("rr", "enable_double_rr", 1)
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "{certificate}")
modparam("tls", "private_key", "{certificate}")
modparam("tls", "ca_list", "{ca}")
modparam("tls", "verify_certificate", {wants_ours})
modparam("tls", "require_certificate", {wants_ours})
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("OPTIONS") && !has_totag() && proto == TLS) {{
        sl_send_reply("200", "OK"); exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not here"); exit;
    }}
    record_route();
    $du = "sip:{behind}";
    t_relay();
}}
"""


class SecureEdge:
    """A Kamailio that takes TLS at `host`:`port` with `certificate` (PEM with its key).

    behind: HOST:PORT of the carrier that it hands calls to. ca: PEM of those who may sign our
    certificate. wants_ours: whether it asks for one.
    """

    def __init__(
        self,
        folder: Path,
        certificate: Path,
        behind: str,
        *,
        ca: Path,
        name: str = "sip.carrier.example",
        host: str = "127.0.0.43",
        wants_ours: bool = False,
    ) -> None:
        self.host = host
        self.port = free_port(host, socket.SOCK_STREAM)
        self._folder = folder / "kamailio"
        self._folder.mkdir()
        self._log = self._folder / "log"
        config = self._folder / "kamailio.cfg"
        config.write_text(
            _CONFIG.format(
                host=host,
                port=self.port,
                udp_port=free_port(host),
                name=name,
                certificate=certificate,
                ca=ca,
                behind=behind,
                wants_ours=int(wants_ours),
            ),
            encoding="ascii",
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("kamailio", "-DD", "-E", "-f", str(config), "-L", _MODULES),
                    *("-P", str(self._folder / "pid"), "-Y", str(self._folder)),
                    *("-w", str(self._folder), "-m", "64", "-M", "8"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection((self.host, self.port), 1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(f"Kamailio does not listen: {self.log()[-800:]}") from None
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()  # its first process ends the others
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def secure_edge_is_there() -> bool:
    """Whether Kamailio has its TLS module."""
    return Path(_MODULES, "tls.so").exists()
