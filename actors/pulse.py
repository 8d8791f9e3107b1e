"""The pulse side of a campaign: what its Start node sends through the flow, again and again.

The rule of this module: a pulse walks the flow up to what has to be done or waited for, and every
one of them records what it saw, what it did and why.
"""

from math import inf
from typing import Any

from actors.agent_messages import SeizeFailed
from actors.campaign_parts import Parts
from actors.messages import CheckDue, DueAnswer, FormulaLate, PulseDue
from actors.runtime import Ref, Runtime
from dialer.flow.hours import shift_at
from dialer.flow.interpreter import (
    AskDue,
    PulseEnds,
    PulseStep,
    Release,
    Seize,
    after_seize,
    pulse_step,
)
from dialer.flow.nodes import CheckUndeliveredContacts, Init, SeizeAgent
from dialer.message import Message
from dialer.ports import Evaluated, Sink


class _Check(Message):
    """A pulse that waits to hear whether a contact is due."""

    node: CheckUndeliveredContacts
    pulse: int


class Pulses:
    """Of one campaign. runtime, ref, myself: of its actor.

    more_due: the feeder has told of contacts that are due.
    """

    runtime: Runtime
    ref: Ref

    def __init__(self, parts: Parts, myself: Sink) -> None:
        self.more_due = False
        self._parts = parts
        self._myself = myself
        self._number = 0
        self._seize: SeizeAgent | None = None
        self._evaluating: _Check | None = None
        self._shift_until = 0.0
        # What the last decision has left: agents reserved, calls in flight and strived for.
        self._left: tuple[int, int, int] | None = None

    def start(self, runtime: Runtime, ref: Ref) -> None:
        """Pulse from now on."""
        self.runtime, self.ref = runtime, ref
        now = runtime.now()
        self._next(now, now)

    def forget(self) -> None:
        """Nothing runs any more of what the pulses so far began."""
        self.more_due = False
        self._evaluating = None
        self.look_again()

    def look_again(self) -> None:
        """The next pulse goes through the flow, whatever it finds."""
        self._left = None

    def follow(self) -> None:
        """There is a new version of the flow."""
        self.forget()
        self._shift_until = 0.0
        self._seize = None

    # --- Start --------------------------------------------------------------------------------

    def _next(self, due_at: float, now: float) -> None:
        number = self._number = self._number + 1
        self.runtime.after(due_at - now, self.ref, PulseDue(number, due_at))

    def fire(self, pulse: PulseDue) -> None:
        """The Start node's time has come."""
        parts = self._parts
        cells, lines = parts.cells, parts.services.lines
        now, due_at = self.runtime.now(), pulse.due_at
        interval_s = parts.flow.start.interval_s
        lateness_s = now - due_at
        if lateness_s > interval_s:
            # A pulse that could not fire in its own interval is gone, and counted.
            behind = int(lateness_s / interval_s)
            cells.skipped(behind)
            due_at += behind * interval_s
        self._next(due_at + interval_s, now)
        if lines.open_breakers:
            lines.tick(now)
        if parts.obstacles.quiet is not None:
            return
        if self._evaluating is not None or parts.formulas.asked:
            cells.skipped(1)
            return
        if now >= self._shift_until:
            self._tell_shift(now)
        limit = self.limit()
        cells.fired(lateness_s, within_window=limit != "window")
        if limit:
            return
        if self._left is not None and self._left == self._found():
            parts.decisions.unchanged += 1
            return
        if parts.callbacks.is_busy:
            parts.callbacks.strive()
        if not parts.formulas.ask(self.runtime, self._myself, self.ref):
            self._begin()

    def heard(self, answer: Evaluated) -> None:
        """A formula was evaluated."""
        if self._parts.formulas.heard(answer) and not self.limit():
            self._begin()

    def late(self, message: FormulaLate) -> None:
        """Formulas were not evaluated in time."""
        if self._parts.formulas.late(message) and not self.limit():
            self._begin()

    def _found(self) -> tuple[int, int, int] | None:
        """What a pulse finds, where it has nothing to do: no agent to arm, no call missing."""
        parts = self._parts
        book = parts.board.book
        if (
            book.idle_agents
            or book.in_flight < book.quota
            or not self.more_due
            or parts.callbacks.is_busy
        ):
            return None
        return len(book), book.in_flight, book.quota

    def _keep_what_is_left(self) -> None:
        """The next pulse has nothing to decide if this is what it finds.

        Only a pulse begins this, for it alone asks again for agents where a request is over.
        """
        parts = self._parts
        steady = parts.pacer.is_steady and self._seize is not None and not parts.formulas.texts
        self._left = self._found() if steady else None

    def _tell_shift(self, now: float) -> None:
        flow = self._parts.flow
        begins, ends = shift_at(now, flow.zone, flow.start.days, flow.start.windows)
        self._parts.cells.shift(begins, ends)
        self._shift_until = ends or inf

    # --- through the flow ---------------------------------------------------------------------

    def _begin(self) -> None:
        """A pulse leaves the Start node."""
        flow = self._parts.flow
        self._take(pulse_step(flow, flow.start.id, "pulse"), pulse=True)

    def _take(self, step: PulseStep, *, pulse: bool = False) -> None:
        if type(step) is Release:
            self._release(step.node, pulse=pulse)
        elif type(step) is Seize:
            self._strive(step.node)
        elif type(step) is AskDue:
            self._check_due(step.node)
        elif type(step) is PulseEnds:
            self.explain(step.reason)

    def _check_due(self, node: CheckUndeliveredContacts) -> None:
        """Go on at once where the feeder has told of contacts; else ask it to look for some."""
        if self.more_due:
            self._take(pulse_step(self._parts.flow, node.id, "true"), pulse=True)
        elif self._evaluating is None or self._evaluating.node is not node:
            self._evaluating = _Check(node, self._number)
            self._parts.feeder.tell(CheckDue(self._number))

    def ask_again(self) -> None:
        """The feeder was made anew, and knows nothing of what it was asked."""
        self.more_due = False
        if self._evaluating is not None:
            self._parts.feeder.tell(CheckDue(self._evaluating.pulse))

    def answered(self, answer: DueAnswer) -> None:
        """Whether a contact is due."""
        check = self._evaluating
        if check is None or check.pulse != answer.pulse:
            return  # it was for a pulse that a stop or a new version has ended
        self._evaluating = None
        self.more_due = answer.due
        step = pulse_step(self._parts.flow, check.node.id, "true" if answer.due else "false")
        if not answer.due:
            self._parts.board.stand_down()
            self.explain("no contact is due")
        if (answer.due or type(step) is not PulseEnds) and not self.limit():
            self._take(step, pulse=True)

    # --- agents -------------------------------------------------------------------------------

    def _strive(self, node: SeizeAgent) -> None:
        """Reserve up to the target; those held already have Init look at them again."""
        parts = self._parts
        self._seize = node
        target, note = parts.formulas.target(node.target)
        parts.board.strive(node, target)
        if len(parts.board):
            self._take(after_seize(parts.flow, node, "agent_reserved"), pulse=True)
        else:
            waiting = "waiting for an agent to come free" if target else "no agent is asked for"
            self.explain(f"{waiting}; {note}" if note else waiting)
            self._keep_what_is_left()

    def seize_failed(self, failure: SeizeFailed) -> None:
        """Agents who were asked for will not come."""
        parts = self._parts
        parts.board.failed(failure)
        if self._seize is not None and parts.obstacles.quiet is None:
            self.explain(failure.event.replace("_", " "))
            step = after_seize(parts.flow, self._seize, failure.event)
            if type(step) is not PulseEnds and not self.limit():
                self._take(step)

    def arm_idle(self) -> None:
        """Agents newly reserved, or whose last attempt ended without a human: dial at once."""
        parts = self._parts
        board = parts.board
        if not board.book.idle_agents or self.limit():
            return
        if parts.callbacks.is_busy:
            self._call_back()
            if not board.to_arm():
                return
        if self._seize is None:
            board.stand_down()  # reserved for a version of the flow that is no more
        else:
            self._take(after_seize(parts.flow, self._seize, "agent_reserved"))

    def _call_back(self) -> None:
        """Those whom an agent promised a call go before whatever that agent would do else."""
        parts = self._parts
        dialed = parts.callbacks.dial(parts.board.to_arm(), parts.tickets)
        if dialed:
            parts.tickets.plan()
            self.explain(f"called {dialed} back")

    # --- Init ---------------------------------------------------------------------------------

    def _release(self, node: Init, *, pulse: bool) -> None:
        """Release contacts: for agents newly armed, and at a pulse what else the pacer wants."""
        parts = self._parts
        now = self.runtime.now()
        if parts.callbacks.is_busy:
            self._call_back()
        seized = self._seize is not None
        paced = parts.pacer.pace(now, parts.inputs(), pulse=pulse, seized=seized)
        if parts.formulas.texts:
            parts.formulas.tell_shadow(node.dialing)
        # What a trunk does not take is still missing from the quota at the next pulse.
        dials, room = parts.share.clamped(paced.dials, now)
        goal = parts.board.book.in_flight + dials if paced.goal is None else paced.goal
        parts.cells.target(goal)
        parts.tickets.need(dials, now, paced.picks[:dials])
        if paced.give_up:
            parts.calls.give_up(paced.give_up)
        inputs, clamps = paced.inputs, paced.clamps
        if room.dials is not None:
            inputs += (("room", float(room.dials)),)
            clamps += (room.clamp,)
        reason = room.reason or paced.reason
        if not reason:
            reason = "released contacts" if dials else "calls in flight already fill the quota"
        if paced.note:
            reason = f"{reason}; {paced.note}"
        parts.decisions.tell(now, reason, inputs, paced.value, clamps, dials)
        if pulse or self._left is not None:
            self._keep_what_is_left()

    # --- why not ------------------------------------------------------------------------------

    def limit(self) -> str:
        """What keeps us from dialing now; then idle agents are let go and the why is told."""
        parts = self._parts
        obstacle, limit = parts.obstacles.any(self.runtime.now())
        if obstacle:
            parts.previews.withdraw()
            parts.callbacks.stand_down()
            parts.board.stand_down()
            self.explain(obstacle, clamps=(limit,))
        return limit

    def explain(self, reason: str, **more: Any) -> None:
        """Record why nothing came of it."""
        parts = self._parts
        self._left = None
        parts.decisions.tell(self.runtime.now(), reason, parts.inputs(), **more)
