"""The transaction layer: it looks up rows of `transaction_tables` and does what they say.

Theory of operation: the layer is handed messages, failures and the time, and puts datagrams into
`outbox`; owners of transactions are told through `Owner`. It has no clock: `now` is any
monotonic time in seconds, `next_timeout()` says when `advance(now)` is wanted.
"""

import heapq
import itertools
from typing import Any, NamedTuple, Protocol

from gateways.sip.building import MAGIC_COOKIE, Composer
from gateways.sip.messages import Message
from gateways.sip.transaction_tables import (
    ROWS,
    T2_S,
    TABLES,
    TIMERS,
    UNRELIABLE_ONLY,
    WAITS_FOR_STRAYS,
)

MAX_DATAGRAM_BYTES = 1300
"""A longer request goes by TCP (RFC 3261 section 18.1.1)."""


class Address(NamedTuple):
    """Where a message goes to or comes from, and how.

    transport: "udp", "tcp" or "tls". profile: over TLS, whose the other side must prove to be: the
    owner of a `TlsProfile`.
    """

    host: str
    port: int
    transport: str = "udp"
    profile: str = ""

    @property
    def reliable(self) -> bool:
        """Whether the way there repeats and orders by itself."""
        return self.transport != "udp"


class Owner(Protocol):
    """Who is told of a client transaction's fortunes, or of an answer that was never ACKed."""

    def response(self, transaction: "Transaction", message: Message, now: float) -> None: ...

    def timeout(self, transaction: "Transaction", now: float) -> None: ...

    def failed(self, transaction: "Transaction", reason: str, now: float) -> None: ...


class Transaction:
    """One transaction.

    request: the bytes of a client's request. reply: the last response of a server. details: what
    the request was made of, for its ACK and its CANCEL. too_long: for a datagram, so that it goes
    by TCP, and by UDP all the same where nobody listens there.
    """

    __slots__ = (
        "destination",
        "details",
        "growing_s",
        "key",
        "kind",
        "method",
        "owner",
        "reply",
        "request",
        "running",
        "state",
        "too_long",
    )

    def __init__(
        self, kind: str, key: tuple[str, ...], method: str, destination: Address, owner: Owner
    ) -> None:
        self.kind = kind
        self.key = key
        self.method = method
        self.destination = destination
        self.owner = owner
        self.state = TABLES[kind][0]
        self.too_long = False
        self.request = b""
        self.reply = b""
        self.details: dict[str, Any] = {}
        self.running: dict[str, int] = {}
        self.growing_s: dict[str, float] = {}

    @property
    def over(self) -> bool:
        return self.state == "terminated"


class TransactionLayer:
    """All transactions of one address."""

    def __init__(self, composer: Composer) -> None:
        self.composer = composer
        self.outbox: list[tuple[bytes, Address]] = []
        self._live: dict[tuple[str, ...], Transaction] = {}
        self._heap: list[tuple[float, int, Transaction, str]] = []
        self._serial = itertools.count(1)

    def __len__(self) -> int:
        return len(self._live)

    # The clock.

    def next_timeout(self) -> float | None:
        """When `advance` is wanted, None for never."""
        while self._heap:
            due, serial, transaction, name = self._heap[0]
            if transaction.running.get(name) == serial:
                return due
            heapq.heappop(self._heap)
        return None

    def advance(self, now: float) -> None:
        """Fire the timers that are due."""
        while (due := self.next_timeout()) is not None and due <= now:
            _, _, transaction, name = heapq.heappop(self._heap)
            del transaction.running[name]
            self._rearm(transaction, name, now)
            self._step(transaction, name, now)

    # Clients.

    def start(
        self, details: dict[str, Any], destination: Address, owner: Owner, now: float
    ) -> Transaction:
        """Send a request in a new transaction.

        details: the arguments of `Composer.request`, the branch included.
        """
        details = {**details, "transport": destination.transport.upper()}
        request = self.composer.request(**details)
        too_long = not destination.reliable and len(request) > MAX_DATAGRAM_BYTES
        if too_long:
            destination = destination._replace(transport="tcp")
            details["transport"] = "TCP"
            request = self.composer.request(**details)
        transaction = self.resume(details, destination, owner, now)
        transaction.request = request
        transaction.too_long = too_long
        self._send(request, destination)
        return transaction

    def resume(
        self,
        details: dict[str, Any],
        destination: Address,
        owner: Owner,
        now: float,
        state: str = "",
    ) -> Transaction:
        """A client transaction whose request left earlier, even before a restart."""
        method = details["method"]
        kind = "INVITE client" if method == "INVITE" else "client"
        key = ("client", details["branch"], method)
        transaction = Transaction(kind, key, method, destination, owner)
        transaction.details = details
        transaction.state = state or transaction.state
        self._live[key] = transaction
        self._arm(transaction, now)
        return transaction

    def give_up(self, transaction: Transaction, now: float) -> None:
        """Forget a client transaction whose owner waits no longer."""
        self._step(transaction, "give_up", now)

    def receive_response(self, message: Message, now: float) -> bool:
        """Hand a response to its transaction; False when there is none (any longer)."""
        transaction = self._live.get(("client", message.branch, message.cseq_method))
        if transaction is None:
            return False
        code = message.status_code
        if code < 200:
            event = "1xx"
        elif transaction.kind == "client":
            event = "final"
        else:
            event = "2xx" if code < 300 else "refusal"
        return self._step(transaction, event, now, message)

    def transport_failed(self, destination: Address, reason: str, now: float) -> None:
        """The transport says that nobody listens there (ICMP); clients that wait are told."""
        for transaction in list(self._live.values()):
            if transaction.destination != destination:
                continue
            if transaction.too_long and transaction.state == TABLES[transaction.kind][0]:
                self._send_by_udp(transaction, now)
            else:
                self._step(transaction, "transport_error", now, reason=reason)

    def _send_by_udp(self, transaction: Transaction, now: float) -> None:
        """Nobody takes the long request by TCP: it may get through in pieces."""
        transaction.too_long = False
        transaction.destination = transaction.destination._replace(transport="udp")
        transaction.details["transport"] = "UDP"
        transaction.request = self.composer.request(**transaction.details)
        self._arm(transaction, now)
        self._send(transaction.request, transaction.destination)

    # Servers.

    def receive_request(
        self, message: Message, source: Address, owner: Owner, now: float
    ) -> Transaction | None:
        """A new server transaction, or None for a request that an old one has dealt with.

        An ACK never opens one: None means that it was the ACK of a refusal, and `accept_ack`
        takes those of answers.
        """
        method = "INVITE" if message.method == "ACK" else message.method
        key = server_key(message, method)
        transaction = self._live.get(key)
        if transaction is not None:
            event = "ack" if message.method == "ACK" else "request"
            if event == "ack" and transaction.state == "accepted":
                return transaction
            self._step(transaction, event, now)
            return None
        kind = "INVITE server" if method == "INVITE" else "server"
        transaction = Transaction(kind, key, message.method, reply_address(message, source), owner)
        if message.method != "ACK":
            self._live[key] = transaction
            self._arm(transaction, now)
        return transaction

    def respond(self, transaction: Transaction, code: int, reply: bytes, now: float) -> None:
        """Answer a request."""
        transaction.reply = reply
        if code < 200:
            event = "send_1xx"
        elif transaction.kind == "server":
            event = "send_final"
        else:
            event = "send_2xx" if code < 300 else "send_refusal"
        self._step(transaction, event, now)

    def accept_ack(self, transaction: Transaction, now: float) -> None:
        """The owner saw the ACK of its 200, which is a transaction of its own."""
        self._step(transaction, "ack", now)

    def find_server(self, message: Message, method: str) -> Transaction | None:
        """The transaction that a CANCEL means."""
        return self._live.get(server_key(message, method))

    # The machine.

    def _step(
        self,
        transaction: Transaction,
        event: str,
        now: float,
        message: Message | None = None,
        *,
        reason: str = "",
    ) -> bool:
        row = ROWS[transaction.kind].get((transaction.state, event))
        if row is None:
            # A late or repeated message that the table has no use for.
            return True
        if row.target != transaction.state:
            transaction.state = row.target
            self._arm(transaction, now)
        if transaction.over:
            self._live.pop(transaction.key, None)
        for action in row.actions:
            if action == "send":
                if data := transaction.request or transaction.reply:
                    self._send(data, transaction.destination)
            elif action == "ack" and message is not None:
                self._send(self._ack(transaction, message), transaction.destination)
            elif action == "tell" and message is not None:
                transaction.owner.response(transaction, message, now)
            elif action == "tell_timeout":
                transaction.owner.timeout(transaction, now)
            elif action == "tell_failed":
                transaction.owner.failed(transaction, reason, now)
        return True

    def _ack(self, transaction: Transaction, message: Message) -> bytes:
        """The ACK of a refusal: the INVITE's Via, and the refusal's To (section 17.1.1.3)."""
        details = transaction.details
        return self.composer.request(
            "ACK",
            details["uri"],
            branch=details["branch"],
            sender=details["sender"],
            recipient=message.first("To"),
            call_id=details["call_id"],
            cseq=details["cseq"],
            routes=details.get("routes", ()),
            transport=details.get("transport", "UDP"),
        )

    def _arm(self, transaction: Transaction, now: float) -> None:
        timers = TIMERS.get((transaction.kind, transaction.state), ())
        names = {timer.name for timer in timers}
        for name in [name for name in transaction.running if name not in names]:
            del transaction.running[name]
        reliable = transaction.destination.reliable
        for timer in timers:
            if reliable and timer.name in UNRELIABLE_ONLY:
                continue
            delay_s = 0.0 if reliable and timer.name in WAITS_FOR_STRAYS else timer.delay_s
            if timer.name not in transaction.running:
                transaction.growing_s[timer.name] = delay_s
                self._set(transaction, timer.name, now + delay_s)

    def _rearm(self, transaction: Transaction, name: str, now: float) -> None:
        for timer in TIMERS.get((transaction.kind, transaction.state), ()):
            if timer.name == name and timer.growth:
                delay_s = 2 * transaction.growing_s[name]
                if timer.growth == "cap":
                    delay_s = min(delay_s, T2_S)
                if transaction.state == "proceeding":
                    delay_s = T2_S
                transaction.growing_s[name] = delay_s
                self._set(transaction, name, now + delay_s)

    def _set(self, transaction: Transaction, name: str, due: float) -> None:
        serial = next(self._serial)
        transaction.running[name] = serial
        heapq.heappush(self._heap, (due, serial, transaction, name))

    def _send(self, data: bytes, destination: Address) -> None:
        self.outbox.append((data, destination))


def server_key(message: Message, method: str) -> tuple[str, ...]:
    """What makes a server transaction the same (RFC 3261 section 17.2.3)."""
    if message.branch.startswith(MAGIC_COOKIE):
        return ("server", message.branch, message.via.host, str(message.via.port), method)
    # RFC 2543 clients have no unique branches.
    return (
        "server",
        message.call_id,
        message.from_tag,
        str(message.cseq),
        message.headers["Via"][0],
        method,
    )


def reply_address(message: Message, source: Address) -> Address:
    """Where a response goes (RFC 3261 section 18.2.2, RFC 3581 section 4)."""
    if source.reliable or "rport" in message.via.params:
        return source
    return Address(source.host, message.via.port or 5060)
