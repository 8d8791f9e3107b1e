"""A carrier and its customers, simulated.

The rule of this module: it uses the Runtime only, so it is the same carrier in real time and on a
virtual clock; and it behaves as a real one on the wire does, a 200 that crosses our CANCEL
included. What a call comes to is decided in its fate; here it happens.
"""

from collections.abc import Callable
from typing import NamedTuple

from actors.runtime import Behaviour, Timer, handles
from dialer.events import Answered, Bridged, CpaVerdict, EndCause, Ended, Ringing, TrunkEvent
from dialer.metrics import Metrics
from dialer.ports import DialRequest, Sink
from sim.fates import Callees, CallFate
from sim.variates import uniform


class _Dial(NamedTuple):
    request: DialRequest
    events: Sink


class _Cancel(NamedTuple):
    attempt_id: int


class _HangUp(NamedTuple):
    attempt_id: int


class _Bridge(NamedTuple):
    attempt_id: int
    agent_id: str


class _Play(NamedTuple):
    attempt_id: int
    then_hang_up: bool


class _Step(NamedTuple):
    """The next thing that happens on a line."""

    attempt_id: int
    what: str


class CarrierTrouble(NamedTuple):
    """To the carrier: from now on it refuses new calls, and its events get lost or come late.

    trunk: whose trouble it is, every trunk's if empty. lost, late: shares of the events of a call;
    its last one, Ended, is never lost. delay_s: of late events.
    """

    trunk: str
    refuses: bool = False
    lost: float = 0.0
    late: float = 0.0
    delay_s: float = 0.0


_CAUSES = {
    "busy": EndCause("far", 486, 17, "Busy Here"),
    "rejected": EndCause("far", 603, 21, "Decline"),
    "invalid": EndCause("far", 404, 1, "Not Found"),
    "congestion": EndCause("far", 503, 34, "Service Unavailable"),
    "give_up": EndCause("far", 480, 19, "Temporarily Unavailable"),
    "far_hang_up": EndCause("far", 200, 16, "BYE"),
    "near_hang_up": EndCause("near", 200, 16, "BYE"),
}
_FULL = EndCause("far", 503, 34, "no circuit available")
_DROPPED = EndCause("far", 500, 41, "the carrier failed")
_REFUSED = frozenset({"busy", "rejected", "invalid", "congestion"})


class _Line:
    """One call, as the carrier sees it."""

    __slots__ = ("events", "fate", "state", "timer")

    def __init__(self, events: Sink, fate: CallFate) -> None:
        self.events = events
        self.fate = fate
        self.state = "dialing"
        self.timer: Timer | None = None


class Carrier(Behaviour):
    """Takes calls, rings, answers as their fates say, and hangs up when customers do.

    PROMPT_S: how long a played prompt lasts.
    """

    PROMPT_S = 5.0

    def __init__(self, name: str, callees: Callees, metrics: Metrics | None = None) -> None:
        self.name = name
        self._callees = callees
        self._channels = callees.channels
        self._lines: dict[int, _Line] = {}
        self._trouble = CarrierTrouble(name)
        self._in_use: Callable[[float], None] = lambda _: None
        if metrics is not None:
            metrics.open_trunk(name)
            metrics.gauge("dialer_trunk_up", trunk=name).set(1)
            metrics.gauge("dialer_trunk_channels", trunk=name).set(self._channels)
            self._in_use = metrics.gauge("dialer_trunk_channels_in_use", trunk=name).set

    def on_start(self) -> None:
        self._fate = self._callees.fates(self.runtime.stream, self.name)
        self._luck = uniform(self.runtime.stream(f"carrier/{self.name}/trouble"))

    # --- a call comes -------------------------------------------------------------------------

    @handles(_Dial)
    def _on_dial(self, message: _Dial) -> None:
        attempt_id = message.request.attempt_id
        now = self.runtime.now()
        if self._trouble.refuses or (self._channels and len(self._lines) >= self._channels):
            message.events.tell(Ended(attempt_id, now, _FULL))
            return
        fate = self._fate(message.request, now)
        line = _Line(message.events, fate)
        self._lines[attempt_id] = line
        self._in_use(len(self._lines))
        what = fate.outcome if fate.outcome in _REFUSED else "ring"
        self._later(attempt_id, line, fate.post_dial_delay_s, what)

    @handles(_Step)
    def _on_step(self, step: _Step) -> None:
        line = self._lines.get(step.attempt_id)
        if line is None:
            return
        attempt_id, fate = step.attempt_id, line.fate
        match step.what:
            case "ring":
                line.state = "ringing"
                self._tell(line, Ringing(attempt_id, self.runtime.now()))
                if fate.verdict:
                    self._later(attempt_id, line, fate.answer_s, "answer")
                else:
                    self._later(attempt_id, line, fate.ring_s, "give_up")
            case "answer":
                line.state = "answered"
                self._tell(line, Answered(attempt_id, self.runtime.now()))
                if fate.patience_s < fate.verdict_after_s:
                    self._later(attempt_id, line, fate.patience_s, "far_hang_up")
                elif fate.verdict_after_s:
                    self._later(attempt_id, line, fate.verdict_after_s, "verdict")
                else:
                    self._give_verdict(attempt_id, line)
            case "verdict":
                self._give_verdict(attempt_id, line)
            case what:
                self._end(attempt_id, line, _CAUSES[what])

    def _give_verdict(self, attempt_id: int, line: _Line) -> None:
        fate = line.fate
        self._tell(line, CpaVerdict(attempt_id, self.runtime.now(), fate.verdict))
        is_known_machine = fate.verdict != "human" and not fate.is_live
        stays_s = fate.talk_s if is_known_machine else fate.patience_s - fate.verdict_after_s
        self._later(attempt_id, line, stays_s, "far_hang_up")

    def post_mortem(self, error: BaseException) -> None:  # noqa: ARG002
        """A carrier that fails drops its calls, and every dial still ends."""
        for attempt_id, line in [*self._lines.items()]:
            self._end(attempt_id, line, _DROPPED)

    # --- what we ask of it --------------------------------------------------------------------

    @handles(_Cancel)
    def _on_cancel(self, message: _Cancel) -> None:
        line = self._lines.get(message.attempt_id)
        if line is not None and line.state in ("dialing", "ringing"):
            cause = EndCause("near", 487, 0, "Request Terminated")
            self._end(message.attempt_id, line, cause)

    @handles(_HangUp)
    def _on_hang_up(self, message: _HangUp) -> None:
        line = self._lines.get(message.attempt_id)
        if line is None:
            return
        live = line.state in ("answered", "bridged")
        cause = EndCause("near", 200 if live else 487, 16, "BYE" if live else "CANCEL")
        self._end(message.attempt_id, line, cause)

    @handles(_Bridge)
    def _on_bridge(self, message: _Bridge) -> None:
        line = self._lines.get(message.attempt_id)
        if line is not None and line.state == "answered":
            line.state = "bridged"
            self._later(message.attempt_id, line, line.fate.talk_s, "far_hang_up")
            self._tell(line, Bridged(message.attempt_id, self.runtime.now()))

    @handles(_Play)
    def _on_play(self, message: _Play) -> None:
        line = self._lines.get(message.attempt_id)
        if line is not None and message.then_hang_up:
            self._later(message.attempt_id, line, self.PROMPT_S, "near_hang_up")

    @handles(CarrierTrouble)
    def _on_trouble(self, trouble: CarrierTrouble) -> None:
        self._trouble = trouble

    def _tell(self, line: _Line, event: TrunkEvent) -> None:
        trouble = self._trouble
        if trouble.lost and type(event) is not Ended and self._luck() < trouble.lost:
            return
        if trouble.late and self._luck() < trouble.late:
            self.runtime.after(trouble.delay_s, line.events, event)
        else:
            line.events.tell(event)

    def _later(self, attempt_id: int, line: _Line, delay_s: float, what: str) -> None:
        if line.timer is not None:
            line.timer.cancel()
        line.timer = self.runtime.after(delay_s, self.ref, _Step(attempt_id, what))

    def _end(self, attempt_id: int, line: _Line, cause: EndCause) -> None:
        if line.timer is not None:
            line.timer.cancel()
        del self._lines[attempt_id]
        self._in_use(len(self._lines))
        self._tell(line, Ended(attempt_id, self.runtime.now(), cause))


class SimTrunk:
    """The Trunk port in front of a Carrier. carrier: its handle or ref."""

    judges = True

    def __init__(self, name: str, carrier: Sink) -> None:
        self.name = name
        self._carrier = carrier

    def dial(self, request: DialRequest, events: Sink) -> None:
        self._carrier.tell(_Dial(request, events))

    def cancel(self, attempt_id: int) -> None:
        self._carrier.tell(_Cancel(attempt_id))

    def hang_up(self, attempt_id: int) -> None:
        self._carrier.tell(_HangUp(attempt_id))

    def bridge(self, attempt_id: int, agent_id: str) -> None:
        self._carrier.tell(_Bridge(attempt_id, agent_id))

    def play(self, attempt_id: int, prompt: str, then_hang_up: bool) -> None:  # noqa: ARG002
        self._carrier.tell(_Play(attempt_id, then_hang_up))
