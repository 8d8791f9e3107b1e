"""A carrier and its customers, simulated.

The rule of this module: it uses the Runtime only, so it is the same carrier in real time and on a
virtual clock; and it behaves as a real one on the wire does, a 200 that crosses our CANCEL
included. What a call comes to is decided in its fate; here it happens.
"""

import threading

from actors.runtime import Behaviour, Runtime, Timer, handles
from dialer.events import Answered, Bridged, CpaVerdict, EndCause, Ended, Ringing, TrunkEvent
from dialer.message import Message
from dialer.metrics import Gauge, Metrics
from dialer.ports import DialRequest, Sink
from sim.fates import Callees, CallFate
from sim.variates import uniform


class CarrierTrouble(Message):
    """To the carrier: from now on it refuses new calls, and its events get lost or come late.

    trunk: whose trouble it is, every trunk's if empty. lost, late: shares of the events of a call;
    its last one, Ended, is never lost. delay_s: of late events.
    """

    trunk: str
    refuses: bool = False
    lost: float = 0.0
    late: float = 0.0
    delay_s: float = 0.0


_HUNG_UP = EndCause("near", 200, 16, "BYE")
_CAUSES = {
    "busy": EndCause("far", 486, 17, "Busy Here"),
    "rejected": EndCause("far", 603, 21, "Decline"),
    "invalid": EndCause("far", 404, 1, "Not Found"),
    "congestion": EndCause("far", 503, 34, "Service Unavailable"),
    "give_up": EndCause("far", 480, 19, "Temporarily Unavailable"),
    "far_hang_up": EndCause("far", 200, 16, "BYE"),
    "near_hang_up": _HUNG_UP,
}
_FULL = EndCause("far", 503, 34, "no circuit available")
_CANCELLED = EndCause("near", 487, 16, "CANCEL")
_DROPPED = EndCause("far", 500, 41, "the carrier failed")
_REFUSED = frozenset({"busy", "rejected", "invalid", "congestion"})


class _Line:
    """One call, as the carrier sees it; its own timers tell it what happens next."""

    __slots__ = ("_trunk", "attempt_id", "events", "fate", "state", "timer")

    def __init__(
        self, trunk: "SimTrunk", attempt_id: int, events: Sink, fate: CallFate, state: str
    ) -> None:
        self._trunk = trunk
        self.attempt_id = attempt_id
        self.events = events
        self.fate = fate
        self.state = state
        self.timer: Timer | None = None

    def tell(self, what: str, /) -> None:
        """Its time has come for this."""
        trunk = self._trunk
        with trunk.lock:
            if self.state != "over":
                step = _STEPS.get(what)
                if step is not None:
                    step(trunk, self)
                else:
                    trunk.end(self, _CAUSES[what])


class SimTrunk:
    """The Trunk port: takes calls, rings, answers as their fates say, and hangs up when customers
    do. Any thread may come in; a lock keeps each call's story in order.

    PROMPT_S: how long a played prompt lasts. trouble: what it suffers from now. lock: of all lines.
    """

    PROMPT_S = 5.0
    judges = True

    def __init__(
        self, runtime: Runtime, name: str, callees: Callees, metrics: Metrics | None = None
    ) -> None:
        self.name = name
        self.trouble = CarrierTrouble(name)
        self._runtime = runtime
        self._channels = callees.channels
        self._fate = callees.fates(runtime.stream, name)
        self._luck = uniform(runtime.stream(f"carrier/{name}/trouble"))
        self._lines: dict[int, _Line] = {}
        self.lock = threading.RLock()
        self._in_use = Gauge()
        if metrics is not None:
            metrics.open_trunk(name)
            metrics.gauge("dialer_trunk_up", trunk=name).set(1)
            metrics.gauge("dialer_trunk_channels", trunk=name).set(self._channels)
            self._in_use = metrics.gauge("dialer_trunk_channels_in_use", trunk=name)

    # --- what we ask of it --------------------------------------------------------------------

    def dial(self, request: DialRequest, events: Sink) -> None:
        attempt_id, now = request.attempt_id, self._runtime.now()
        with self.lock:
            lines = self._lines
            if self.trouble.refuses or (self._channels and len(lines) >= self._channels):
                events.tell(Ended(attempt_id, now, _FULL))
                return
            fate = self._fate(request, now)
            line = lines[attempt_id] = _Line(self, attempt_id, events, fate, "dialing")
            self._in_use.value = len(lines)
            what = fate.outcome if fate.outcome in _REFUSED else "ring"
            line.timer = self._runtime.after(fate.post_dial_delay_s, line, what)

    def cancel(self, attempt_id: int) -> None:
        with self.lock:
            line = self._lines.get(attempt_id)
            if line is not None and line.state in ("dialing", "ringing"):
                self.end(line, EndCause("near", 487, 0, "Request Terminated"))

    def hang_up(self, attempt_id: int) -> None:
        with self.lock:
            line = self._lines.get(attempt_id)
            if line is not None:
                live = line.state in ("answered", "bridged")
                self.end(line, _HUNG_UP if live else _CANCELLED)

    def bridge(self, attempt_id: int, agent_id: str) -> None:  # noqa: ARG002
        with self.lock:
            line = self._lines.get(attempt_id)
            if line is not None and line.state == "answered":
                line.state = "bridged"
                self._next_is(line, "far_hang_up", line.fate.talk_s)
                self._tell(line, Bridged(attempt_id, self._runtime.now()))

    def play(self, attempt_id: int, prompt: str, then_hang_up: bool) -> None:  # noqa: ARG002
        with self.lock:
            line = self._lines.get(attempt_id)
            if line is not None and then_hang_up:
                self._next_is(line, "near_hang_up", self.PROMPT_S)

    # --- what happens -------------------------------------------------------------------------

    def drop_calls(self) -> None:
        """The carrier fails: its calls fall, and every dial still ends."""
        with self.lock:
            for line in [*self._lines.values()]:
                self.end(line, _DROPPED)

    def _ring(self, line: _Line) -> None:
        fate = line.fate
        line.state = "ringing"
        self._tell(line, Ringing(line.attempt_id, self._runtime.now()))
        if fate.verdict:
            line.timer = self._runtime.after(fate.answer_s, line, "answer")
        else:
            line.timer = self._runtime.after(fate.ring_s, line, "give_up")

    def _answer(self, line: _Line) -> None:
        fate = line.fate
        line.state = "answered"
        now = self._runtime.now()
        if not fate.verdict_after_s:
            self._tell(line, Answered(line.attempt_id, now, fate.verdict))
            self._stay(line)
            return
        self._tell(line, Answered(line.attempt_id, now))
        if fate.patience_s < fate.verdict_after_s:
            line.timer = self._runtime.after(fate.patience_s, line, "far_hang_up")
        else:
            line.timer = self._runtime.after(fate.verdict_after_s, line, "verdict")

    def _give_verdict(self, line: _Line) -> None:
        self._tell(line, CpaVerdict(line.attempt_id, self._runtime.now(), line.fate.verdict))
        self._stay(line)

    def _stay(self, line: _Line) -> None:
        """Whoever was judged stays on the line for a while."""
        fate = line.fate
        is_known_machine = fate.verdict != "human" and not fate.is_live
        stays_s = fate.talk_s if is_known_machine else fate.patience_s - fate.verdict_after_s
        line.timer = self._runtime.after(stays_s, line, "far_hang_up")

    def _next_is(self, line: _Line, what: str, after_s: float) -> None:
        if line.timer is not None:
            line.timer.cancel()
        line.timer = self._runtime.after(after_s, line, what)

    def _tell(self, line: _Line, event: TrunkEvent) -> None:
        trouble = self.trouble
        if not trouble.lost and not trouble.late:
            line.events.tell(event)
            return
        if trouble.lost and type(event) is not Ended and self._luck() < trouble.lost:
            return
        if trouble.late and self._luck() < trouble.late:
            self._runtime.after(trouble.delay_s, line.events, event)
        else:
            line.events.tell(event)

    def end(self, line: _Line, cause: EndCause) -> None:
        if line.timer is not None:
            line.timer.cancel()
        lines = self._lines
        line.state = "over"
        del lines[line.attempt_id]
        self._in_use.value = len(lines)
        self._tell(line, Ended(line.attempt_id, self._runtime.now(), cause))


_STEPS = {
    "ring": SimTrunk._ring,
    "answer": SimTrunk._answer,
    "verdict": SimTrunk._give_verdict,
}


class Carrier(Behaviour):
    """Who runs a trunk: hears of its troubles, and when it fails its calls fall."""

    def __init__(self, trunk: SimTrunk) -> None:
        self._trunk = trunk

    @handles(CarrierTrouble)
    def _on_trouble(self, trouble: CarrierTrouble) -> None:
        self._trunk.trouble = trouble

    def post_mortem(self, error: BaseException) -> None:  # noqa: ARG002
        self._trunk.drop_calls()
