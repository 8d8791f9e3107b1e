"""Registration at a carrier that wants one.

The rule of this module: the binding is renewed at half of what was granted, so one lost renewal
costs nothing; without a binding the trunk is not up, and the reason is the registrar's own words.
Source: RFC 3261 section 10 (and 10.2.8: 423 Min-Expires).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gateways.sip.digest import Credentials, answer, challenges_of
from gateways.sip.headers import MalformedError, read_name_addr, read_uri
from gateways.sip.messages import Message
from gateways.sip.transactions import Address, Transaction
from gateways.sip.user_agent import UserAgent

MAX_CHALLENGES = 2


@dataclass(frozen=True)
class RegistrationConfig:
    """registrar: the Request-URI, `sip:carrier.example`. user: of the address of record.

    expires_s: asked for. retry_s: after a failure, doubled with each one up to retry_max_s.
    """

    registrar: str
    user: str
    expires_s: int = 3600
    retry_s: float = 10.0
    retry_max_s: float = 300.0


class HasAgent(Protocol):
    """The endpoint, which has its user agent only once it runs."""

    agent: UserAgent


class Registration:
    """Keeps one binding. All methods run on the SIP thread.

    locate: where to send, None while that is not known. on_change: told of each change, with the
    reason.
    """

    def __init__(
        self,
        endpoint: HasAgent,
        config: RegistrationConfig,
        credentials: Credentials | None,
        locate: Callable[[], Address | None],
        on_change: Callable[[bool, str], None],
    ) -> None:
        self.up: bool | None = None
        self._endpoint = endpoint
        self._config = config
        self._credentials = credentials
        self._locate = locate
        self._on_change = on_change
        self._expires_s = config.expires_s
        self._call_id = ""
        self._cseq = 0
        self._challenged = 0
        self._failed_in_row = 0
        self._turn = 0
        self._pending: Transaction | None = None
        self.reason = ""
        self._leaving = False

    def start(self, now: float) -> None:
        """Register, and keep it so."""
        self._call_id = self._endpoint.agent.composer.gen_call_id()
        self._register(now)

    def stop(self, now: float) -> None:
        """Remove the binding; the answer is not waited for."""
        self._turn += 1
        self._leaving = True
        if self.up:
            self._send(now, 0, ())

    def _register(self, now: float) -> None:
        self._turn += 1
        self._challenged = 0
        self._send(now, self._expires_s, ())

    def _send(self, now: float, expires_s: int, proofs: tuple[tuple[str, str], ...]) -> None:
        destination = self._locate()
        if destination is None:
            self._fail("its host cannot be found", now)
            return
        agent = self._endpoint.agent
        config = self._config
        record = f"<sip:{config.user}@{read_uri(config.registrar).host}>"
        self._cseq += 1
        details: dict[str, Any] = {
            "method": "REGISTER",
            "uri": config.registrar,
            "branch": agent.composer.gen_branch(),
            "sender": f"{record};tag={agent.composer.gen_tag()}",
            "recipient": record,
            "call_id": self._call_id,
            "cseq": self._cseq,
            "contact": agent.composer.contact(config.user),
            "extra": [("Expires", str(expires_s)), *proofs],
        }
        self._pending = agent.layer.start(details, destination, self, now)

    # What the transaction tells.

    def response(self, transaction: Transaction, message: Message, now: float) -> None:
        """The registrar answers."""
        code = message.status_code
        if transaction is not self._pending or code < 200:
            return
        if self._leaving:
            if code in (401, 407):
                self._challenge(message, now)
        elif code < 300:
            self._granted(message, now)
        elif code in (401, 407) and self._challenge(message, now):
            return
        elif code == 423 and (least_s := _seconds(message.first("Min-Expires"))):
            if least_s > self._expires_s:
                self._expires_s = least_s
                self._register(now)
            else:
                self._fail("423 with a Min-Expires that we keep already", now)
        else:
            self._fail(f"{code} {message.reason}".strip(), now)

    def timeout(self, transaction: Transaction, now: float) -> None:
        """Timer F."""
        if transaction is self._pending:
            self._fail("no answer to REGISTER", now)

    def failed(self, transaction: Transaction, reason: str, now: float) -> None:
        """Nobody listens there."""
        if transaction is self._pending:
            self._fail(reason, now)

    # What comes of it.

    def _granted(self, message: Message, now: float) -> None:
        self._failed_in_row = 0
        granted_s = self._granted_s(message)
        self._set(True, "")
        self._later(max(1.0, granted_s / 2), now)

    def _granted_s(self, message: Message) -> int:
        """Of our own Contact, else of the answer, else what we asked for (section 10.2.4)."""
        composer = self._endpoint.agent.composer
        host, ports = composer.host, (composer.port, composer.tls_port)
        for value in message.every("Contact"):
            try:
                contact = read_name_addr(value)
                uri = read_uri(contact.uri)
            except MalformedError:
                continue
            if uri.host.strip("[]") == host and (uri.port or 5060) in ports:
                own_s = _seconds(contact.params.get("expires", ""))
                if own_s:
                    return own_s
        return _seconds(message.first("Expires")) or self._expires_s

    def _challenge(self, message: Message, now: float) -> bool:
        challenges = challenges_of(message)
        self._challenged += 1
        if self._credentials is None or not challenges or self._challenged > MAX_CHALLENGES:
            return False
        uri = self._config.registrar
        proofs = tuple(answer(each, self._credentials, "REGISTER", uri) for each in challenges)
        self._send(now, 0 if self._leaving else self._expires_s, proofs)
        return True

    def _fail(self, reason: str, now: float) -> None:
        self._pending = None
        if self._leaving:
            return
        delay_s = self._config.retry_s * 2.0**self._failed_in_row
        self._failed_in_row = min(self._failed_in_row + 1, 16)
        self._set(False, f"not registered: {reason}")
        self._later(min(delay_s, self._config.retry_max_s), now)

    def _later(self, delay_s: float, now: float) -> None:
        turn = self._turn
        self._endpoint.agent.after(
            delay_s, lambda later: self._register(later) if turn == self._turn else None, now
        )

    def _set(self, up: bool, reason: str) -> None:
        if (up, reason) != (self.up, self.reason):
            self.up, self.reason = up, reason
            self._on_change(up, reason)


def _seconds(text: str) -> int:
    """A number of seconds (RFC 3261 delta-seconds), 0 where there is none."""
    text = text.strip()
    return min(int(text), 1 << 31) if text.isdecimal() else 0
