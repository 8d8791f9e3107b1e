"""What TLS needs to know of a trunk: whom to trust, who we are, and whether it is the carrier.

The rule of this module: a connection is the trunk's only if its certificate bears the trunk's name,
and every failure is told in one line that a person can act on. Source: RFC 3261 section 26.3.1;
RFC 5922 sections 7.1 and 7.2 for the names, with IP addresses as RFC 3280 has them.
"""

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.errors import ConfigError
from gateways.sip.headers import is_address

_UNKNOWN_CA = "is signed by nobody that we trust; set tls.ca_file"
# OpenSSL's numbers of what is wrong with a certificate (X509_V_ERR).
_NOT_GOOD = {
    **dict.fromkeys((2, 18, 19, 20, 21), _UNKNOWN_CA),
    9: "is not valid yet; is the clock of this machine right?",
    10: "has expired",
    23: "has been revoked",
}
# Parts of OpenSSL's names for what the other side, or the handshake, has against us.
_REASONS = {
    "CERTIFICATE_REQUIRED": "it wants a certificate of ours; set tls.certificate_file",
    "ALERT_UNKNOWN_CA": "it does not trust the CA of our certificate",
    "ALERT_BAD_CERTIFICATE": "it does not take our certificate",
    "ALERT_CERTIFICATE_UNKNOWN": "it does not take our certificate",
    "ALERT_CERTIFICATE_EXPIRED": "our certificate has expired",
    "ALERT_HANDSHAKE_FAILURE": "it accepts none of our ciphers, or wants a certificate of ours",
    "ALERT_UNRECOGNIZED_NAME": "it does not know the name that we call it by",
    "PROTOCOL_VERSION": "it speaks no TLS that is safe (1.2 or newer)",
    "UNSUPPORTED_PROTOCOL": "it speaks no TLS that is safe (1.2 or newer)",
    "WRONG_VERSION_NUMBER": "it does not speak TLS on this port",
    "HTTP_REQUEST": "it does not speak TLS on this port",
    "UNEXPECTED_EOF": "it hung up in the TLS handshake",
}


@dataclass(frozen=True)
class TlsProfile:
    """A trunk's side of TLS.

    server_name: what the carrier's certificate must bear: its domain, its IP address, or a wildcard
    as the certificate writes it; "" for its host. host: the carrier's. ca_file: PEM of those whose
    signature counts, None for the system's. certificate_file, key_file: ours, for carriers that ask
    for one; the key may stand in the certificate's file. verify: False takes any certificate.
    """

    server_name: str = ""
    host: str = ""
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    verify: bool = True

    @property
    def sni(self) -> str:
        """The domain that the handshake asks for: an address or a wildcard is none."""
        name = self.host if self.server_name.startswith("*.") else self.server_name
        return "" if is_address(name) else name

    def context(self, where: str) -> ssl.SSLContext:
        """The context of its connections. ConfigError when a file cannot be used; `where` says
        whose."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise _unusable(where, "ca_file", self.ca_file, error) from error
        # Names are checked by SIP's rules, once the certificate itself has been found good.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE
        if self.certificate_file is not None:
            try:
                # Without a password: else OpenSSL would ask for one at the terminal.
                context.load_cert_chain(self.certificate_file, self.key_file, lambda: b"")
            except (OSError, ssl.SSLError) as error:
                raise _unusable(where, *self._guilty(error), error) from error
        return context

    def _guilty(self, error: OSError) -> tuple[str, Path | None]:
        """Which of our two files an error is about, as far as it can be told."""
        if self.key_file is not None and not self.key_file.is_file():
            return "key_file", self.key_file
        if self.key_file is not None and "KEY" in (getattr(error, "reason", "") or ""):
            return "key_file", self.key_file
        return "certificate_file", self.certificate_file


def _unusable(where: str, key: str, path: Path | None, error: OSError) -> ConfigError:
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", "") or ""
        what = "is no PEM certificate, or has no key"
        if "MISMATCH" in reason:
            what = "is not the key of certificate_file"
        elif key == "ca_file":
            what = "holds no certificate"
    else:
        what = (error.strerror or str(error)).lower()
    return ConfigError(where, f"tls.{key}: {path} {what}", "name a PEM file that we may read")


def identities(certificate: Mapping[str, Any]) -> list[str]:
    """The SIP identities of a certificate as `SSLSocket.getpeercert` gives it (RFC 5922 7.1).

    Its sip URIs; else its DNS names; else, where it has no alternative name at all, its common
    name. IP addresses come after them.
    """
    names: list[tuple[str, str]] = list(certificate.get("subjectAltName", ()))
    domains = [
        domain for kind, text in names if kind == "URI" and (domain := _domain_of(text)) is not None
    ]
    if not domains:
        domains = [text for kind, text in names if kind == "DNS"]
    if not names:
        subject: Iterable[Any] = certificate.get("subject", ())
        domains = [value for part in subject for key, value in part if key == "commonName"]
    return [*domains, *(text for kind, text in names if kind == "IP Address")]


def _domain_of(uri: str) -> str | None:
    """The domain of `sip:example.org`; None for another scheme, or for a person's URI."""
    scheme, _, rest = uri.partition(":")
    host = rest.partition(";")[0]
    return host if scheme.lower() == "sip" and host and "@" not in host else None


def wrong_name(certificate: Mapping[str, Any], server_name: str) -> str:
    """Why a certificate is not `server_name`'s, "" when it is.

    Compared without regard to case, and never as a wildcard (RFC 5922 section 7.2): one counts
    only where `server_name` is that very wildcard.
    """
    found = identities(certificate)
    wanted = server_name.rstrip(".").lower()
    if any(name.rstrip(".").lower() == wanted for name in found):
        return ""
    borne = ", ".join(found[:3]) or "nobody"
    return (
        f"the certificate is for {borne} and not for {server_name}; "
        "if that is your carrier, set tls.server_name"
    )


def why_refused(error: BaseException, server_name: str) -> str:
    """A failed handshake in words, "" for what is no failure of TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = _NOT_GOOD.get(error.verify_code, f"is not good: {error.verify_message}")
        return f"the certificate of {server_name} {words}"
    if isinstance(error, ssl.SSLError):
        reason = error.reason or str(error)
        said = (words for part, words in _REASONS.items() if part in reason)
        return next(said, f"TLS failed: {reason}")
    return ""
