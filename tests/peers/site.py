"""A daemon on loopback with a SIP trunk and SIP phones: the settings that tests of the whole share.

The rule of this module: nothing leaves the machine, and only numbers of the test range are dialed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.peers.sipp import free_port


class Width(NamedTuple):
    """How much a trunk carries, and the even ports of its audio."""

    max_channels: int
    calls_per_second: int
    rtp_ports: range


def sip_settings(
    folder: Path,
    carrier: str,
    desk: Mapping[str, str],
    width: Width,
    *,
    host: str = "127.0.0.1",
    attributes: tuple[str, ...] = (),
) -> str:
    """Settings with a trunk to `carrier` and a phone for each of `desk` (agent id -> SIP URI).

    attributes: of contacts, of type text, beside their id and their number.
    """
    phones = "\n".join(f"  - {{id: {name}, address: '{uri}'}}" for name, uri in desk.items())
    more = "\n".join(f"  - {{name: {name}, type: text}}" for name in attributes)
    sip_port = free_port(host)
    return f"""
data_dir: {folder}/var
live: false
allow_list: ["+1202555*"]
attributes:
  - {{name: customer_id, type: text, key: true}}
  - {{name: phone, type: phone, required: true}}
{more}
trunks:
  - name: carrier
    kind: sip
    remote: {carrier}
    bind: {host}:{sip_port}
    username: dialer
    password: s3cret
    max_channels: {width.max_channels}
    calls_per_second: {width.calls_per_second}
desk:
  kind: sip
  bind: {host}:{sip_port}
  wrap_up_s: 0.2
agents:
{phones}
media:
  bind_host: {host}
  first_port: {width.rtp_ports[0]}
  last_port: {width.rtp_ports[-1]}
metrics: {{port: 0}}
log: {{level: info, format: json}}
"""
