"""SIP over TLS: whom a trunk takes for its carrier, and what becomes of a call when it is not."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ConfigError
from dialer.events import EndCause
from dialer.ports import DialRequest
from gateways.sip import tcp, tls_transport
from gateways.sip.dialogs import Dialog
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.messages import Message, read_message
from gateways.sip.tcp import Framing
from gateways.sip.tls import TlsProfile, identities, wrong_name
from gateways.sip.transactions import Address
from gateways.sip.trunk import SipTrunk
from tests.certificates import Authority
from tests.gateways.sip.kit import SDP, reply
from tests.gateways.sip.wire import PATIENCE_S, Inbox, endpoint, phone, trunk

NAME = "sip.carrier.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


class Line:
    """One connection that the carrier took, message by message."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self.socket = connection
        self.socket.settimeout(PATIENCE_S)
        self._framing = Framing()
        self._heard: list[bytes] = []

    def expect(self, method: str) -> Message:
        while True:
            while self._heard:
                message = read_message(self._heard.pop(0))
                if method in (message.method, str(message.status_code)):
                    return message
            data = self.socket.recv(65535)
            assert data, f"hung up before {method}"
            self._heard += self._framing.feed(data)

    def say(self, text: str) -> None:
        self.socket.sendall(text.encode())


@dataclass
class Carrier:
    """A listening carrier with a certificate."""

    listening: socket.socket
    context: ssl.SSLContext

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    @contextmanager
    def accept(self) -> Iterator[Line]:
        plain, _ = self.listening.accept()
        with plain, self.context.wrap_socket(plain, server_side=True) as secured:
            yield Line(secured)


@contextmanager
def carrier(certificate: Path, wants_ours: Path | None = None) -> Iterator[Carrier]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if wants_ours is not None:
        context.load_verify_locations(wants_ours)
        context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE_S)
        yield Carrier(listening, context)


def profile(authority: Authority, **how: Any) -> TlsProfile:
    return TlsProfile(**{"server_name": NAME, "ca_file": authority.file, **how})


def test_a_call_goes_and_ends_over_one_secured_connection(authority: Authority) -> None:
    events = Inbox()
    with (
        carrier(authority.sign(NAME)) as far,
        secured_endpoint(far, profile(authority)) as dial,
    ):
        dial(events)
        with far.accept() as line:
            invite = line.expect("INVITE")
            ours = line.socket.getpeername()[1]
            assert invite.via.transport == "TLS"
            assert invite.via.port == ours
            assert f":{ours};transport=tls>" in invite.first("Contact")
            # A carrier that does not say TLS in its Contact is not called in the clear.
            contact = f"<sip:callee@127.0.0.1:{far.port}>"
            line.say(reply(invite, 200, sdp=SDP, contact=contact))
            assert line.expect("ACK").via.transport == "TLS"
            assert events.names(1) == ["Answered"]
            line.say(
                f"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:{far.port};branch=z9hG4bKb\r\n"
                f"From: {invite.first('To')};tag=callee\r\nTo: {invite.first('From')}\r\n"
                f"Call-ID: {invite.call_id}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
            )
            line.expect("200")
            assert events.names(1) == ["Ended"]


def secured_trunk(here: SipEndpoint, far: Carrier, how: TlsProfile) -> SipTrunk:
    """A running trunk to `far`, on an endpoint that it starts."""
    dialing = trunk(here, far.port, transport="tls", tls=how, start=False)
    here.start()
    dialing.start()
    return dialing


@contextmanager
def secured_endpoint(far: Carrier, how: TlsProfile) -> Iterator[Callable[[Inbox], None]]:
    """An endpoint with a trunk to `far`; what dials through it."""
    with endpoint(start=False) as here:
        dialing = secured_trunk(here, far, how)
        yield lambda events: dialing.dial(DialRequest(7, "+12025550100"), events)


def refusal(far: Carrier, how: TlsProfile, *, plain: bool = False) -> EndCause:
    """What a dial ends with where the handshake fails."""
    events = Inbox()

    def serve() -> None:
        try:
            if plain:
                with far.listening.accept()[0] as connection:
                    connection.recv(10)
                    connection.sendall(b"SIP/2.0 400 Bad Request\r\n\r\n")
                    connection.recv(10)
            else:
                with far.accept() as line:
                    line.expect("INVITE")
        except (OSError, AssertionError):
            pass  # it is ours to refuse

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        with secured_endpoint(far, how) as dial:
            dial(events)
            cause: EndCause = events.next().cause
    finally:
        serving.join()
    assert (cause.by, cause.sip_status) == ("trunk", 0)
    assert "\n" not in cause.text
    return cause


@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        ({"days_ago": 2}, f"the certificate of {NAME} has expired"),
        ({"names": ("other.example",)}, f"is for other.example and not for {NAME}"),
        ({"names": ("*.carrier.example",)}, f"is for *.carrier.example and not for {NAME}"),
        ({"names": (f"sip:ann@{NAME}",)}, f"is for nobody and not for {NAME}"),
    ],
    ids=["expired", "wrong name", "wildcard", "a person's"],
)
def test_a_certificate_that_is_not_the_carriers_ends_the_dial(
    authority: Authority, certificate: dict[str, Any], told: str
) -> None:
    names = certificate.pop("names", (NAME,))
    with carrier(authority.sign(*names, **certificate)) as far:
        assert told in refusal(far, profile(authority)).text


def test_a_stranger_who_signs_the_right_name_ends_the_dial(
    authority: Authority, tmp_path: Path
) -> None:
    with carrier(Authority(tmp_path, "stranger").sign(NAME)) as far:
        cause = refusal(far, profile(authority))
    assert f"the certificate of {NAME} is signed by nobody that we trust" in cause.text


def test_a_carrier_without_tls_is_told_as_such(authority: Authority) -> None:
    with carrier(authority.sign(NAME)) as far:
        cause = refusal(far, profile(authority), plain=True)
        where = f"127.0.0.1:{far.port}"
    assert cause.text == f"{where}: it does not speak TLS on this port"


def test_a_carrier_that_wants_our_certificate_gets_it(authority: Authority) -> None:
    with carrier(authority.sign(NAME), wants_ours=authority.file) as far:
        events = Inbox()
        ours = authority.sign("dialer.example")
        with secured_endpoint(far, profile(authority, certificate_file=ours)) as dial:
            dial(events)
            with far.accept() as line:
                assert ("DNS", "dialer.example") in line.socket.getpeercert()["subjectAltName"]
                line.say(reply(line.expect("INVITE"), 486))
                line.expect("ACK")
        assert events.next().cause.sip_status == 486


def test_without_verification_anybody_is_the_carrier(authority: Authority, tmp_path: Path) -> None:
    events = Inbox()
    with (
        carrier(Authority(tmp_path, "stranger").sign("other.example")) as far,
        secured_endpoint(far, TlsProfile(verify=False)) as dial,
    ):
        dial(events)
        with far.accept() as line:
            line.say(reply(line.expect("INVITE"), 486))
            line.expect("ACK")
    assert events.next().cause.sip_status == 486


def test_a_handshake_that_hangs_holds_nobody_up(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "CONNECT_S", 0.5)
    stuck, other = Inbox(), Inbox()
    with (
        carrier(authority.sign(NAME)) as far,
        endpoint(start=False) as here,
        phone(picks_up=True) as port,
    ):
        tls = secured_trunk(here, far, profile(authority))
        udp = trunk(here, port)
        tls.dial(DialRequest(7, "+12025550100"), stuck)
        with far.listening.accept()[0]:
            udp.dial(DialRequest(8, "+12025550100"), other)
            assert other.names(2) == ["Ringing", "Answered"]
            assert stuck.empty()
            assert stuck.next().cause.text.endswith("no answer in 0.5 s")


def test_a_connection_that_is_lost_is_opened_again_from_the_port_that_we_told(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_transport, "STABLE_S", 0.0)
    monkeypatch.setattr(tls_transport, "RECONNECT_S", 0.0)
    events = Inbox()
    with (
        carrier(authority.sign(NAME)) as far,
        secured_endpoint(far, profile(authority)) as dial,
    ):
        dial(events)
        with far.accept() as line:
            invite = line.expect("INVITE")
            ours = line.socket.getpeername()
            line.say(reply(invite, 200, sdp=SDP, contact=f"<sip:callee@127.0.0.1:{far.port}>"))
            line.expect("ACK")
        with far.accept() as line:
            assert line.socket.getpeername() == ours


def test_a_carrier_that_hangs_up_at_once_ends_the_dial(authority: Authority) -> None:
    events = Inbox()
    with (
        carrier(authority.sign(NAME)) as far,
        secured_endpoint(far, profile(authority)) as dial,
    ):
        dial(events)
        with far.accept() as line:
            line.expect("INVITE")
        assert events.next().cause.text.endswith("it ended the connection at once")


@pytest.mark.parametrize(
    ("code", "event", "end"), [(180, "Ringing", "CANCEL"), (200, "Answered", "BYE")]
)
def test_a_secured_call_that_a_crash_left_behind_is_ended_by_tls(
    authority: Authority, tmp_path: Path, code: int, event: str, end: str
) -> None:
    log, kept = tmp_path / "dialogs", tmp_path / "kept"
    with carrier(authority.sign(NAME)) as far:
        # The line outlives the endpoint, or the one that dies would still open another.
        with ExitStack() as lines, endpoint(start=False, log=log) as here:
            dialing = secured_trunk(here, far, profile(authority))
            dialing.dial(DialRequest(7, "+12025550100"), events := Inbox())
            line = lines.enter_context(far.accept())
            sdp = SDP if code == 200 else ""
            line.say(reply(line.expect("INVITE"), code, sdp=sdp, contact="<sip:x@127.0.0.1>"))
            assert events.names(1) == [event]
            kept.write_bytes(log.read_bytes())
        with endpoint(start=False, log=kept) as here:
            assert secured_trunk(here, far, profile(authority)).recover() == {7}
            with far.accept() as line:
                assert line.expect(end).via.transport == "TLS"


def test_a_port_that_is_taken_is_replaced_by_another(authority: Authority) -> None:
    events = Inbox()
    with carrier(authority.sign(NAME)) as far, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with endpoint(start=False, port=port - 1) as here:
            secured_trunk(here, far, profile(authority)).dial(DialRequest(7, "+1202555"), events)
            with far.accept() as line:
                invite = line.expect("INVITE")
                assert invite.via.port == line.socket.getpeername()[1] != port


def test_a_secured_dialog_never_leaves_tls_nor_its_trunk() -> None:
    here = Address("192.0.2.20", 5061, "tls", "trunk:a")
    dialog = Dialog("c", "l", "r", "1", "2", "sip:x@192.0.2.40", [], 1, heard_from=here)
    known = {"gw.example": "192.0.2.50"}

    def locate(host: str, port: int) -> Address | None:
        return Address(known[host], port) if host in known else None

    assert dialog.next_hop(locate) == here
    for target in ("sips:x@gw.example", "sip:x@gw.example;transport=tls"):
        dialog.target = target
        assert dialog.next_hop(locate) == Address("192.0.2.50", 5061, "tls", "trunk:a")
    dialog.target = "sips:x@unknown.example"
    assert dialog.next_hop(locate) == here
    dialog.heard_from = Address("192.0.2.20", 5060)
    dialog.target = "sips:x@gw.example"
    assert dialog.next_hop(locate) == dialog.heard_from
    assert Dialog.unpack(dialog.pack()) == dialog


@pytest.mark.parametrize(
    ("names", "common_name", "found"),
    [
        ([("DNS", "a.example"), ("URI", "sip:b.example")], "c.example", ["b.example"]),
        ([("DNS", "a.example"), ("URI", "https://b.example")], "c.example", ["a.example"]),
        ([("IP Address", "192.0.2.1")], "c.example", ["192.0.2.1"]),
        ([], "c.example", ["c.example"]),
    ],
)
def test_identities_are_those_of_rfc_5922(
    names: list[tuple[str, str]], common_name: str, found: list[str]
) -> None:
    subject = ((("commonName", common_name),),)
    certificate: dict[str, Any] = {"subject": subject}
    if names:
        certificate["subjectAltName"] = tuple(names)
    assert identities(certificate) == found


def test_a_wildcard_counts_where_it_is_named_as_such() -> None:
    certificate = {"subjectAltName": (("DNS", "*.pstn.example"),)}
    assert "for *.pstn.example and not" in wrong_name(certificate, "us1.pstn.example")
    assert wrong_name(certificate, "*.PSTN.example") == ""
    profile = TlsProfile("*.pstn.example", "us1.pstn.example")
    assert profile.sni == "us1.pstn.example"
    assert TlsProfile("192.0.2.1", "192.0.2.1").sni == ""


def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    mine, other = authority.sign(NAME), authority.sign(NAME)
    for how, told in (
        ({"ca_file": tmp_path / "no.pem"}, f"tls.ca_file: {tmp_path}/no.pem no such file"),
        ({"ca_file": empty}, f"tls.ca_file: {empty} holds no certificate"),
        ({"certificate_file": empty}, f"tls.certificate_file: {empty} is no PEM certificate"),
        (
            {"certificate_file": mine, "key_file": other},
            f"tls.key_file: {other} is not the key of certificate_file",
        ),
        (
            {"certificate_file": mine, "key_file": tmp_path / "no.key"},
            f"tls.key_file: {tmp_path}/no.key no such file",
        ),
    ):
        with pytest.raises(ConfigError) as caught:
            TlsProfile(**how).context("trunk t")
        assert str(caught.value).startswith(f"trunk t: {told}"), str(caught.value)
