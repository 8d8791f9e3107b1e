"""The pulse side of a campaign: what its Start node sends through the flow, again and again.

The rule of this module: a pulse walks the flow up to what has to be done or waited for, and every
one of them records what it saw, what it did and why.
"""

from math import inf

from actors.agent_messages import SeizeFailed
from actors.campaign_parts import Parts
from actors.messages import CheckDue, DueAnswer, FormulaLate, PulseDue
from actors.obstacles import Obstacle
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
from dialer.flow.nodes import Init
from dialer.formula_port import Evaluated
from dialer.message import Message
from dialer.ports import Sink


class _Check(Message):
    """A pulse that waits to hear whether a contact is due."""

    step: AskDue
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
        self._book = parts.board.book
        self._cells = parts.cells
        self._lines = parts.services.lines
        self._obstacles = parts.obstacles
        self._formulas = parts.formulas
        self._callbacks = parts.callbacks
        self._myself = myself
        self._asked = 0
        self._evaluating: _Check | None = None
        # What the last decision has left, see `_steady`.
        self._left: tuple[int, int, int] | None = None
        self._enter()

    def start(self, runtime: Runtime, ref: Ref) -> None:
        """Pulse from now on."""
        self.runtime, self.ref = runtime, ref
        now = runtime.now()
        # No answer to a former campaign is to be taken for one to this.
        self._asked = int(now * 1000)
        runtime.after(0.0, ref, PulseDue(now))

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
        self._enter()

    def _enter(self) -> None:
        """Begin with the flow, for which nobody is reserved yet."""
        flow = self._parts.flow
        self._interval_s = flow.start.interval_s
        self._first = pulse_step(flow, flow.start.id, "pulse")
        self._seize: Seize | None = None
        # Whether a pulse may find that there is nothing to decide; known from the first Seize on.
        self._is_steady = False
        self._shift_until = 0.0

    # --- Start --------------------------------------------------------------------------------

    def fire(self, pulse: PulseDue) -> None:
        """The Start node's time has come."""
        cells, obstacles, formulas = self._cells, self._obstacles, self._formulas
        runtime, interval_s = self.runtime, self._interval_s
        now, due_at = runtime.now(), pulse.due_at
        lateness_s = now - due_at
        if lateness_s > interval_s:
            # A pulse that could not fire in its own interval is gone, and counted.
            behind = int(lateness_s / interval_s)
            cells.skipped(behind)
            due_at += behind * interval_s
        due_at += interval_s
        runtime.after(due_at - now, self.ref, PulseDue(due_at))
        if self._lines.open_breakers:
            self._lines.tick(now)
        if obstacles.quiet is not None:
            return
        if self._evaluating is not None or formulas.asked:
            cells.skipped(1)
            return
        if now >= self._shift_until:
            self._tell_shift(now)
        obstacle = obstacles.any(now) if now >= obstacles.clear_until else None
        if obstacle is not None:
            self._stand_down(obstacle, now)
            cells.fired(lateness_s, "outside_window" if obstacle.limit == "window" else "fired")
            return
        cells.fired(lateness_s)
        if self._callbacks.is_busy:
            self._callbacks.strive()
        elif self._left is not None and self.more_due:
            book = self._book
            if not book.idle_agents and self._left == (len(book.held), book.in_flight, book.quota):
                self._parts.decisions.unchanged += 1
                return
        if not formulas.texts or not formulas.ask(runtime, self._myself, self.ref):
            self._take(self._first, now, True)

    def heard(self, answer: Evaluated) -> None:
        """A formula was evaluated."""
        if self._formulas.heard(answer):
            self._begin()

    def late(self, message: FormulaLate) -> None:
        """Formulas were not evaluated in time."""
        if self._formulas.late(message):
            self._begin()

    def _begin(self) -> None:
        """A pulse that waited for its formulas leaves the Start node."""
        now = self.runtime.now()
        if not self.is_barred(now):
            self._take(self._first, now, True)

    def _steady(self) -> tuple[int, int, int] | None:
        """Agents reserved, calls in flight and strived for; a pulse that finds the same has nothing
        to do. None where there is: an agent to arm, or a call missing.
        """
        book = self._book
        in_flight, quota = book.in_flight, book.quota
        if in_flight < quota or book.idle_agents or not self.more_due or self._callbacks.is_busy:
            return None
        return len(book.held), in_flight, quota

    def _tell_shift(self, now: float) -> None:
        flow = self._parts.flow
        begins, ends = shift_at(now, flow.zone, flow.start.days, flow.start.windows)
        self._cells.shift(begins, ends)
        self._shift_until = ends or inf

    # --- through the flow ---------------------------------------------------------------------

    def _take(self, step: PulseStep, now: float, pulse: bool) -> None:
        """Go on through the flow until there is something to wait for.

        The usual order is a check, agents, contacts: any other goes round once more.
        """
        if type(step) is AskDue:
            if not self.more_due:
                self._ask(step)
                return
            step, pulse = step.due, True
        if type(step) is Seize:
            if not self._strive(step, now):
                return
            step, pulse = step.reserved, True
        if type(step) is Release:
            self._release(step.node, now, pulse)
        elif type(step) is PulseEnds:
            self.explain(step.reason, now)
        else:
            self._take(step, now, pulse)

    def _ask(self, step: AskDue) -> None:
        """The feeder has not told of contacts: have it look for some."""
        if self._evaluating is None or self._evaluating.step.node is not step.node:
            self._asked += 1
            self._evaluating = _Check(step, self._asked)
            self._parts.feeder.tell(CheckDue(self._asked))

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
        step = check.step.due if answer.due else check.step.none_due
        now = self.runtime.now()
        if not answer.due:
            self._parts.board.stand_down()
            self.explain("no contact is due", now)
        if (answer.due or type(step) is not PulseEnds) and not self.is_barred(now):
            self._take(step, now, True)

    # --- agents -------------------------------------------------------------------------------

    def _strive(self, step: Seize, now: float) -> bool:
        """Reserve up to the target; whether any are held, whom Init is to look at again."""
        parts = self._parts
        if step is not self._seize:
            self._seize = step
            self._is_steady = parts.pacer.is_steady and not self._formulas.texts
        target, note = step.target, ""
        if isinstance(target, str):
            target, note = self._formulas.target(target)
        parts.board.strive(step, target)
        if self._book.held:
            return True
        waiting = "waiting for an agent to come free" if target else "no agent is asked for"
        self.explain(f"{waiting}; {note}" if note else waiting, now)
        self._left = self._steady() if self._is_steady else None
        return False

    def seize_failed(self, failure: SeizeFailed) -> None:
        """Agents who were asked for will not come."""
        parts = self._parts
        parts.board.failed(failure)
        if self._seize is not None and self._obstacles.quiet is None:
            now = self.runtime.now()
            self.explain(failure.event.replace("_", " "), now)
            step = after_seize(parts.flow, self._seize.node, failure.event)
            if type(step) is not PulseEnds and not self.is_barred(now):
                self._take(step, now, False)

    def arm_idle(self) -> None:
        """Agents newly reserved, or whose last attempt ended without a human: dial at once."""
        if not self._book.idle_agents:
            return
        now = self.runtime.now()
        if now >= self._obstacles.clear_until and self.is_barred(now):
            return
        if self._callbacks.is_busy:
            self._call_back(now)
            if not self._parts.board.to_arm():
                return
        if self._seize is None:
            # Reserved for a version of the flow that is no more.
            self._parts.board.stand_down()
        else:
            self._take(self._seize.reserved, now, False)

    def _call_back(self, now: float) -> None:
        """Those whom an agent promised a call go before whatever that agent would do else."""
        parts = self._parts
        dialed = self._callbacks.dial(parts.board.to_arm(), parts.tickets)
        if dialed:
            self.explain(f"called {dialed} back", now)

    # --- Init ---------------------------------------------------------------------------------

    def _release(self, node: Init, now: float, pulse: bool) -> None:
        """Release contacts: for agents newly armed, and at a pulse what else the pacer wants."""
        parts = self._parts
        if self._callbacks.is_busy:
            self._call_back(now)
        paced = parts.pacer.pace(now, parts.inputs(), pulse, self._seize is not None)
        if self._formulas.texts:
            self._formulas.tell_shadow(node.dialing)
        dials, picks, inputs = paced.dials, paced.picks, paced.inputs
        clamps, reason = paced.clamps, paced.reason
        if dials > 0:
            room = parts.share.room(now)
            if room.dials is not None and room.dials < dials:
                # What a trunk does not take is still missing from the quota at the next pulse.
                dials, reason = room.dials, room.reason or reason
                inputs += (("room", float(dials)),)
                clamps += (room.clamp,)
                picks = picks[:dials]
            if dials > 0:
                parts.tickets.need(dials, now, picks)
        goal = paced.goal
        self._cells.target.value = self._book.in_flight if goal is None else goal
        if paced.give_up:
            parts.calls.give_up(paced.give_up)
        if not reason:
            reason = "released contacts" if dials else "calls in flight already fill the quota"
        if paced.note:
            reason = f"{reason}; {paced.note}"
        parts.decisions.tell(now, reason, inputs, paced.value, clamps, dials)
        if pulse or self._left is not None:
            # The next pulse has nothing to decide if this is what it finds. Only a pulse begins
            # this, for it alone asks again for agents where a request is over.
            self._left = self._steady() if self._is_steady else None

    # --- why not ------------------------------------------------------------------------------

    def is_barred(self, now: float) -> bool:
        """Whether we may not dial now; then idle agents are let go and the why is told."""
        obstacle = self._obstacles.any(now)
        if obstacle is None:
            return False
        self._stand_down(obstacle, now)
        return True

    def _stand_down(self, obstacle: Obstacle, now: float) -> None:
        parts = self._parts
        parts.previews.withdraw()
        self._callbacks.stand_down()
        parts.board.stand_down()
        self.explain(obstacle.reason, now, (obstacle.limit,))

    def explain(self, reason: str, now: float, clamps: tuple[str, ...] = ()) -> None:
        """Record why nothing came of it."""
        parts = self._parts
        self._left = None
        parts.decisions.tell(now, reason, parts.inputs(), clamps=clamps)
