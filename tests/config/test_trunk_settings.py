"""Settings of SIP trunks: where the carrier is and how the way to it is secured."""

from pathlib import Path

import pytest

from config.composition.gateways import sip_trunk
from config.loader import load_settings, settings_problems
from config.trunks import SipTrunk

SIP = """
trunks:
  - name: carrier
    kind: sip
    remote: sip.carrier.example
{more}
media: {{advertised_host: 192.0.2.1}}
"""


def written(folder: Path, *lines: str, remote: str = "") -> Path:
    path = folder / "daemon.yaml"
    text = SIP.format(more="\n".join(f"    {line}" for line in lines))
    path.write_text(text.replace("sip.carrier.example", remote or "sip.carrier.example"))
    return path


def of_the_trunk(path: Path):
    settings = load_settings(path, {})
    (trunk,) = settings.trunks
    assert isinstance(trunk, SipTrunk)
    return sip_trunk(trunk, settings.caller_id_inventory)[1]


def told(path: Path) -> list[str]:
    return [str(each).removeprefix(f"{path.parent}/") for each in settings_problems(path, {})]


def test_a_carrier_without_a_port_is_looked_for_and_one_with_a_port_is_there(tmp_path):
    config = of_the_trunk(written(tmp_path))
    assert (config.uri, config.authority) == ("sip:sip.carrier.example", "sip.carrier.example")
    config = of_the_trunk(written(tmp_path, remote="sip.carrier.example:5060"))
    assert config.uri == "sip:sip.carrier.example:5060"
    assert config.authority == "sip.carrier.example"


def test_tls_is_verified_by_the_carriers_name(tmp_path):
    config = of_the_trunk(written(tmp_path, "transport: tls"))
    assert config.uri == "sip:sip.carrier.example;transport=tls"
    assert config.authority == "sip.carrier.example"
    profile = config.profile
    assert profile is not None
    assert profile.server_name == profile.host == profile.sni == "sip.carrier.example"
    assert profile.verify
    assert of_the_trunk(written(tmp_path)).profile is None


def test_what_tls_asks_for_is_handed_on(tmp_path):
    for name in ("ca.pem", "us.pem", "us.key"):
        (tmp_path / name).write_text("-----BEGIN CERTIFICATE-----")
    path = written(
        tmp_path,
        "transport: tls",
        "tls:",
        "  ca_file: ca.pem",
        "  certificate_file: us.pem",
        "  key_file: us.key",
        "  server_name: '*.carrier.example'",
        remote="sip.carrier.example:5071",
    )
    config = of_the_trunk(path)
    assert config.uri == "sip:sip.carrier.example:5071;transport=tls"
    profile = config.profile
    assert profile is not None
    assert (profile.server_name, profile.sni) == ("*.carrier.example", "sip.carrier.example")
    files = (profile.ca_file, profile.certificate_file, profile.key_file)
    assert files == tuple(tmp_path / name for name in ("ca.pem", "us.pem", "us.key"))


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (
            ("transport: tcp", "tls: {verify: true}"),
            "tls says nothing while transport is tcp; set it to tls",
        ),
        (
            ("transport: tls", "tls: {key_file: us.key}"),
            "a key without its certificate; add certificate_file",
        ),
        (
            ("transport: tls", "tls: {verify: false, ca_file: ca.pem}"),
            "verify: false takes any certificate, so ca_file and server_name say nothing; "
            "remove it or them",
        ),
        (
            ("transport: tls", "tls:", "  ca_file: none.pem"),
            "daemon.yaml:8: trunk 'carrier': tls.ca_file: ",
        ),
        (
            ("transport: tls", "tls:", "  certificate_file: daemon.yaml"),
            "daemon.yaml: not a PEM file; name a PEM file that we may read",
        ),
        (("transport: tlss",), "daemon.yaml:6: trunks[0].transport: "),
    ],
)
def test_what_is_wrong_is_one_clear_line(tmp_path, lines, line):
    problems = told(written(tmp_path, *lines))
    assert len(problems) == 1
    assert line in problems[0]
    assert "\n" not in problems[0]
