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
_CANCELLED = EndCause("near", 487, 16, "CANCEL")
_FAR_HUNG_UP = EndCause("far", 200, 16, "BYE")
_GAVE_UP = EndCause("far", 480, 19, "Temporarily Unavailable")
_FULL = EndCause("far", 503, 34, "no circuit available")
_DROPPED = EndCause("far", 500, 41, "the carrier failed")
_REFUSED = {
    "busy": EndCause("far", 486, 17, "Busy Here"),
    "rejected": EndCause("far", 603, 21, "Decline"),
    "invalid": EndCause("far", 404, 1, "Not Found"),
    "congestion": EndCause("far", 503, 34, "Service Unavailable"),
}
"""By the outcomes that are a refusal."""


class _Line:
    """One call, as the carrier sees it; its own timers tell it what happens next.

    state: "dialing", "ringing", "answered", "bridged" or "over".
    """

    __slots__ = ("attempt_id", "events", "fate", "state", "timer", "trunk")

    def __init__(self, trunk: "SimTrunk", attempt_id: int, events: Sink, fate: CallFate) -> None:
        self.trunk = trunk
        self.attempt_id = attempt_id
        self.events = events
        self.fate = fate
        self.state = "dialing"
        self.timer: Timer | None = None

    def tell(self, what: str | EndCause, /) -> None:
        """It is time to "ring" or to "answer", for the "verdict", or to end.

        Every call comes here several times, so it all happens in this one place.
        """
        trunk = self.trunk
        lock = trunk.lock
        lock.acquire()  # here and at the dial, where every call comes: `with` takes twice as long
        try:
            if self.state == "over":
                return
            if type(what) is EndCause:
                self.timer = None  # it has just gone off
                trunk.end(self, what)
                return
            runtime, fate, attempt_id = trunk.runtime, self.fate, self.attempt_id
            events, trouble = self.events, trunk.trouble
            if trouble is not None:
                events = _Disturbed(events, trouble, trunk)
            if what == "ring":
                self.state = "ringing"
                events.tell(Ringing(attempt_id, runtime.now()))
                if fate.verdict:
                    self.timer = runtime.after(fate.answer_s, self, "answer")
                else:
                    self.timer = runtime.after(fate.ring_s, self, _GAVE_UP)
                return
            if what == "verdict":
                events.tell(CpaVerdict(attempt_id, runtime.now(), fate.verdict))
            else:
                self.state = "answered"
                if fate.verdict_after_s:
                    events.tell(Answered(attempt_id, runtime.now()))
                    is_patient = fate.patience_s >= fate.verdict_after_s
                    after_s = fate.verdict_after_s if is_patient else fate.patience_s
                    then = "verdict" if is_patient else _FAR_HUNG_UP
                    self.timer = runtime.after(after_s, self, then)
                    return
                events.tell(Answered(attempt_id, runtime.now(), fate.verdict))
            # Whoever was judged stays on the line for a while.
            if fate.verdict == "human" or fate.outcome == "live":
                stays_s = fate.patience_s - fate.verdict_after_s
            else:
                stays_s = fate.talk_s
            self.timer = runtime.after(stays_s, self, _FAR_HUNG_UP)
        finally:
            lock.release()


class _Disturbed:
    """The way of a call's events through a trunk that is in trouble."""

    def __init__(self, events: Sink, trouble: CarrierTrouble, trunk: "SimTrunk") -> None:
        self._events = events
        self._trouble = trouble
        self._trunk = trunk

    def tell(self, event: TrunkEvent, /) -> None:
        trouble, trunk = self._trouble, self._trunk
        if trouble.lost and type(event) is not Ended and trunk.luck() < trouble.lost:
            return
        if trouble.late and trunk.luck() < trouble.late:
            trunk.runtime.after(trouble.delay_s, self._events, event)
        else:
            self._events.tell(event)


class SimTrunk:
    """The Trunk port: takes calls, rings, answers as their fates say, and hangs up when customers
    do. Any thread may come in; a lock keeps each call's story in order.

    PROMPT_S: how long a played prompt lasts. trouble: what it suffers from now, None for nothing.
    lock: of all lines, which come here for runtime, luck and end.
    """

    PROMPT_S = 5.0
    judges = True

    def __init__(
        self, runtime: Runtime, name: str, callees: Callees, metrics: Metrics | None = None
    ) -> None:
        self.name = name
        self.trouble: CarrierTrouble | None = None
        self.runtime = runtime
        self.luck = uniform(runtime.stream(f"carrier/{name}/trouble"))
        self.lock = threading.RLock()
        self._channels = callees.channels
        self._fate = callees.fates(runtime.stream, name)
        self._lines: dict[int, _Line] = {}
        self._in_use = Gauge()
        if metrics is not None:
            metrics.open_trunk(name)
            metrics.gauge("dialer_trunk_up", trunk=name).set(1)
            metrics.gauge("dialer_trunk_channels", trunk=name).set(self._channels)
            self._in_use = metrics.gauge("dialer_trunk_channels_in_use", trunk=name)

    # --- what we ask of it --------------------------------------------------------------------

    def dial(self, request: DialRequest, events: Sink) -> None:
        attempt_id, runtime = request.attempt_id, self.runtime
        now = runtime.now()
        lock = self.lock
        lock.acquire()
        try:
            lines, trouble = self._lines, self.trouble
            is_full = self._channels and len(lines) >= self._channels
            if is_full or (trouble is not None and trouble.refuses):
                events.tell(Ended(attempt_id, now, _FULL))
                return
            fate_of = self._fate  # a call by way of the attribute would look in the class first
            fate = fate_of(request, now)
            line = lines[attempt_id] = _Line(self, attempt_id, events, fate)
            self._in_use.value = len(lines)
            what = _REFUSED.get(fate.outcome, "ring")
            line.timer = runtime.after(fate.post_dial_delay_s, line, what)
        finally:
            lock.release()

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
                self._ends(line, _FAR_HUNG_UP, line.fate.talk_s)
                self._tell(line, Bridged(attempt_id, self.runtime.now()))

    def play(self, attempt_id: int, prompt: str, then_hang_up: bool) -> None:  # noqa: ARG002
        with self.lock:
            line = self._lines.get(attempt_id)
            if line is not None and then_hang_up:
                self._ends(line, _HUNG_UP, self.PROMPT_S)

    # --- what happens -------------------------------------------------------------------------

    def drop_calls(self) -> None:
        """The carrier fails: its calls fall, and every dial still ends."""
        with self.lock:
            for line in [*self._lines.values()]:
                self.end(line, _DROPPED)

    def end(self, line: _Line, cause: EndCause) -> None:
        """It is over now. Who calls this holds the lock."""
        if line.timer is not None:
            line.timer.cancel()
        lines, attempt_id = self._lines, line.attempt_id
        line.state = "over"
        del lines[attempt_id]
        self._in_use.value = len(lines)
        self._tell(line, Ended(attempt_id, self.runtime.now(), cause))

    def _tell(self, line: _Line, event: TrunkEvent) -> None:
        events, trouble = line.events, self.trouble
        if trouble is not None:
            events = _Disturbed(events, trouble, self)
        events.tell(event)

    def _ends(self, line: _Line, cause: EndCause, after_s: float) -> None:
        """This is what happens next to a call, and nothing before."""
        if line.timer is not None:
            line.timer.cancel()
        line.timer = self.runtime.after(after_s, line, cause)


class Carrier(Behaviour):
    """Who runs a trunk: hears of its troubles, and when it fails its calls fall."""

    def __init__(self, trunk: SimTrunk) -> None:
        self._trunk = trunk

    @handles(CarrierTrouble)
    def _on_trouble(self, trouble: CarrierTrouble) -> None:
        is_over = not (trouble.refuses or trouble.lost or trouble.late)
        self._trunk.trouble = None if is_over else trouble

    def post_mortem(self, error: BaseException) -> None:  # noqa: ARG002
        self._trunk.drop_calls()
