"""The breaker of a trunk: a carrier that refuses on its own account gets a rest.

The rule of this module: while the breaker is open nothing is dialed and contacts stay due; after a
back-off one call is let through, and its fate decides. The states are the table BREAKER.

What opens it: one 402 (Payment Required); 401, 403 or 407 twice with nothing better in between
(a single one may be about that number); a storm, where most of the last calls failed through the
network (5xx, silence, 488); and a 503 with Retry-After, which asks for it (RFC 3261 section
21.5.4).
"""

from collections import deque
from dataclasses import dataclass

from dialer.events import EndCause
from dialer.states import StateTable
from dialer.trunks.faults import fault_of

BREAKER = StateTable(
    "trunk breaker",
    "closed",
    [
        ("closed", "trip", "open"),
        ("open", "back_off_over", "half_open"),
        ("half_open", "probe_failed", "open"),
        ("half_open", "probe_passed", "closed"),
    ],
)

STATES = BREAKER.states


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a breaker opens, and for how long.

    forbidden_in_row: 401, 403 and 407 until it opens. storm_calls: fewer calls are no storm.
    storm_share: of the last `window` calls that failed through the network. back_off_s: the first
    rest; it doubles with each probe that fails, up to back_off_max_s, which bounds Retry-After
    too.
    """

    forbidden_in_row: int = 2
    storm_calls: int = 10
    storm_share: float = 0.7
    window: int = 20
    back_off_s: float = 15.0
    back_off_max_s: float = 900.0


class Breaker:
    """One trunk's breaker. Times are in seconds on any one clock.

    forbidden: 401, 403 and 407 in a row.
    """

    def __init__(self, rules: BreakerRules | None = None) -> None:
        self.rules = rules or BreakerRules()
        self.state = BREAKER.initial
        self.reason = ""
        self.open_until = 0.0
        self.forbidden = 0
        self._rests = 0
        self._recent: deque[bool] = deque(maxlen=self.rules.window)
        self._probe: int | None = None

    def tick(self, now: float) -> bool:
        """Let time pass; whether the state changed."""
        if self.state != "open" or now < self.open_until:
            return False
        self._step("back_off_over")
        self._probe = None
        return True

    def refusal(self) -> str:
        """Why a call may not be dialed now, "" where it may."""
        if self.state == "open":
            return f"breaker: {self.reason}"
        if self.state == "half_open" and self._probe is not None:
            return f"breaker: {self.reason}; one call finds out whether that is over"
        return ""

    def dialed(self, attempt_id: int) -> None:
        """A call leaves; the first one while half open is the probe."""
        if self.state == "half_open" and self._probe is None:
            self._probe = attempt_id

    def heard(self, attempt_id: int) -> bool:
        """The far end rings or answers: the trunk works. Whether the state changed."""
        if self.state == "closed":
            self.forbidden = 0
        return self.state == "half_open" and attempt_id == self._probe and self._pass()

    def ended(self, attempt_id: int, cause: EndCause, answered: bool, now: float) -> bool:
        """A call is over; whether the state changed. answered: somebody had picked up."""
        fault = "" if answered or cause.by == "near" else fault_of(cause)
        if self.state != "closed":
            is_probe = self.state == "half_open" and attempt_id == self._probe
            return is_probe and self._probe_ended(fault, answered, cause, now)
        if fault:
            self._recent.append(True)
            self.forbidden = self.forbidden + 1 if fault == "forbidden" else 0
            return self._trips(fault, cause) and self._open("trip", cause, now)
        if answered or cause.by == "far":
            self._recent.append(False)
            self.forbidden = 0
        return False  # our own doing says nothing of the trunk

    def _probe_ended(self, fault: str, answered: bool, cause: EndCause, now: float) -> bool:
        if fault:
            return self._open("probe_failed", cause, now)
        if answered or cause.by == "far":
            return self._pass()
        self._probe = None  # it never came to anything: the next call is the probe
        return False

    def _trips(self, fault: str, cause: EndCause) -> bool:
        rules = self.rules
        if fault == "unpaid" or self.forbidden >= rules.forbidden_in_row:
            return True
        if cause.sip_status == 503 and cause.retry_after_s > 0:
            return True
        recent = self._recent
        return len(recent) >= rules.storm_calls and sum(recent) >= rules.storm_share * len(recent)

    def _open(self, event: str, cause: EndCause, now: float) -> bool:
        rules = self.rules
        rest_s = rules.back_off_s * 2.0**self._rests
        self._rests += 1
        rest_s = min(max(rest_s, cause.retry_after_s), rules.back_off_max_s)
        self._step(event)
        self.open_until = now + rest_s
        answer = f"{cause.sip_status} {cause.text}".strip()
        self.reason = f"the carrier answers {answer}" if cause.by == "far" else cause.text
        return True

    def _pass(self) -> bool:
        self._step("probe_passed")
        self._recent.clear()
        self.forbidden = self._rests = 0
        self.reason = ""
        return True

    def _step(self, event: str) -> None:
        self.state = BREAKER[self.state, event]
