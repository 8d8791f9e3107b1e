"""Whether a trunk answers: OPTIONS at intervals.

The rule of this module: any answer, a refusal too, says that the trunk lives; only silence and an
unreachable port say that it does not. Until the first answer nothing is known, and the trunk is
not up. Source: RFC 3261 section 11.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateways.sip.endpoint import SipEndpoint
from gateways.sip.messages import Message
from gateways.sip.targets import Targets
from gateways.sip.transactions import Address, Transaction


@dataclass(frozen=True)
class KeepAliveConfig:
    """When to ask and what silence means.

    interval_s: while up; 0 asks nothing and takes the trunk for up. retry_s: while not up, and
    after a probe that failed. timeout_s: silence that fails a probe. failures: probes in a row
    that fail before a trunk that was up is down.
    """

    interval_s: float = 30.0
    retry_s: float = 5.0
    timeout_s: float = 4.0
    failures: int = 2


class KeepAlive:
    """Asks one trunk. All methods run on the SIP thread.

    targets: where to ask; while one of several answers, the trunk is up. on_change: told of each
    change, with the reason.
    """

    def __init__(
        self,
        endpoint: SipEndpoint,
        config: KeepAliveConfig,
        uri: str,
        targets: Targets,
        on_change: Callable[[bool, str], None],
    ) -> None:
        self.up: bool | None = None
        self.reason = ""
        self._endpoint = endpoint
        self._config = config
        self._uri = uri
        self._targets = targets
        self._asked: Address | None = None
        self._on_change = on_change
        self._failed_in_row = 0
        self._probe: Transaction | None = None
        self._turn = 0

    def start(self, now: float) -> None:
        """Begin to ask."""
        if self._config.interval_s > 0:
            self._ask(now)
        else:
            self._set(True, "")

    def suspect(self, now: float) -> None:
        """Something else went unanswered: ask now."""
        if self._probe is None and self._config.interval_s > 0:
            self._ask(now)

    def _ask(self, now: float) -> None:
        self._turn += 1
        turn = self._turn
        destination = self._asked = self._targets.to_ask()
        if destination is None:
            self._miss(self._targets.reason or "its host cannot be found", now, hard=True)
            return
        agent = self._endpoint.agent
        sender = f"<sip:{agent.composer.host}>"
        self._probe = agent.probe(self._uri, sender, destination, self, now)
        agent.after(self._config.timeout_s, lambda later: self._impatient(turn, later), now)

    def _ask_later(self, delay_s: float, now: float) -> None:
        turn = self._turn
        self._endpoint.agent.after(
            delay_s, lambda later: self._ask(later) if turn == self._turn else None, now
        )

    def _impatient(self, turn: int, now: float) -> None:
        if turn == self._turn and self._probe is not None:
            self._endpoint.agent.layer.give_up(self._probe, now)
            self._miss(f"no answer to OPTIONS in {self._config.timeout_s:g} s", now)

    def response(self, transaction: Transaction, message: Message, now: float) -> None:
        """Any final answer will do."""
        if transaction is self._probe and message.status_code >= 200 and self._asked is not None:
            if message.status_code == 503 and self._asks_elsewhere(now):
                return  # it is being emptied for maintenance, and others are there
            self._probe = None
            self._targets.answered(self._asked)
            self._failed_in_row = 0
            self._set(True, "")
            self._ask_later(self._config.interval_s, now)

    def timeout(self, transaction: Transaction, now: float) -> None:
        """Timer F, where it is shorter than our patience."""
        if transaction is self._probe:
            self._miss("no answer to OPTIONS", now)

    def failed(self, transaction: Transaction, reason: str, now: float) -> None:
        """Nobody listens there."""
        if transaction is self._probe:
            self._miss(reason, now, hard=True)

    def _asks_elsewhere(self, now: float) -> bool:
        """Whether another target may still answer, which is asked then."""
        if self._asked is None or not self._targets.failed(self._asked):
            return False
        self._ask(now)
        return True

    def _miss(self, reason: str, now: float, *, hard: bool = False) -> None:
        self._probe = None
        if self._asks_elsewhere(now):
            return
        self._failed_in_row += 1
        if hard or self.up is None or self._failed_in_row >= self._config.failures:
            self._set(False, reason)
        self._ask_later(self._config.retry_s, now)

    def _set(self, up: bool, reason: str) -> None:
        if up != self.up:
            self.up, self.reason = up, reason
            self._on_change(up, reason)
