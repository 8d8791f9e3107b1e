"""A published campaign: its pulse, its reservations, and its calls.

The rule of this module: the campaign never asks. It knows agents by what the pool publishes and
calls by what they tell, keeps its own counts, and every pulse records what it saw, what it did
and why.
"""

from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from actors.agent_board import AgentBoard
from actors.call_board import CallBoard
from actors.callback_board import CallbackBoard
from actors.campaign_cells import CampaignCells
from actors.formula_desk import SAFE_RATIO, Basis, FormulaDesk
from actors.lookahead_board import LookaheadBoard
from actors.messages import (
    AgentsMoved,
    AttemptsReady,
    CallbackGone,
    CallbackWaits,
    CampaignStarted,
    CheckDue,
    Disposed,
    DueAnswer,
    FeederStarted,
    FlowChanged,
    FormulaLate,
    NeedContacts,
    PlaceNow,
    PoolStarted,
    PreviewDecided,
    PreviewFound,
    PulseDue,
    Quiesce,
    Report,
    SeizeFailed,
    Subscribe,
    TrunkNews,
    Unsubscribe,
)
from actors.obstacles import Obstacles
from actors.preview_board import PreviewBoard
from actors.runtime import Behaviour, handles
from actors.services import Services
from actors.trunk_share import TrunkShare
from dialer import journal
from dialer.compliance.permission import Rule
from dialer.compliance.preset import Preset
from dialer.flow.graph import Flow
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
from dialer.flow.nodes import (
    CheckUndeliveredContacts,
    Init,
    Lookahead,
    Power,
    Predictive,
    Preview,
    RouteToAgent,
    SeizeAgent,
)
from dialer.message import Message
from dialer.outcomes import OUTCOMES
from dialer.pacing.redecide import decided_from
from dialer.ports import Evaluated, Settlement, Sink


class CampaignIdentity(Message):
    """Which campaign, in which version. title is its label in metrics."""

    campaign_id: int
    version: int
    title: str


class _Check(Message):
    """A pulse that waits to hear whether a contact is due."""

    node: CheckUndeliveredContacts
    pulse: int


class Campaign(Behaviour):
    """Runs the pulse side of a flow and gives birth to its calls.

    myself: the handle of this campaign, so that its calls survive its restart.
    feeder: gives contacts. may_dial: what the feeder asked, asked again as a call leaves.
    briefing: what it must know before its first pulse, as messages (trunks that are down, that it
    is paused); asked anew when the campaign is made anew.
    """

    def __init__(
        self,
        identity: CampaignIdentity,
        flow: Flow,
        preset: Preset,
        services: Services,
        *,
        myself: Sink,
        feeder: Sink,
        may_dial: Rule,
        briefing: Callable[[], Iterable[Any]] = tuple,
    ) -> None:
        self._id = identity.campaign_id
        self._identity = identity
        self._flow = flow
        self._preset = preset
        self._services = services
        self._myself = myself
        self._feeder = feeder
        self._briefing = briefing
        self._cells = CampaignCells(services.metrics, identity.title, preset)
        self._calls = CallBoard(self._id, preset, services, self._cells, myself, may_dial)
        self._board = AgentBoard(self._id, services.pool, self._cells)
        book = self._board.book
        self._previews = PreviewBoard(
            self._id, identity.title, book, self._cells, pool=services.pool, feeder=feeder
        )
        self._callbacks = CallbackBoard(self._id, book, pool=services.pool, feeder=feeder)
        self._obstacles = Obstacles(flow)
        self._more_due = False
        self._formulas = FormulaDesk(identity.title, services.formulas, self._cells, book, flow)
        self._ahead: LookaheadBoard | None = None
        self._pulse = 0
        self._request_id = 0
        self._ticket = 0
        self._preparing: set[int] = set()
        self._seize: SeizeAgent | None = None
        self._evaluating: _Check | None = None
        self._share = TrunkShare(self._id, services.lines, flow)
        self._shift_until = 0.0
        self._why = "no pulse yet"
        self._why_at = 0.0

    def on_start(self) -> None:
        now = self.runtime.now()
        # A campaign that was made anew must not take answers to its former self for its own.
        self._request_id = self._ticket = int(now * 1000)
        self._plan()
        self._look_ahead(now)
        self._subscribe(anew=True)
        self._feeder.tell(CampaignStarted())
        self._record(journal.CampaignMoved(self._id, now, "published"))
        for message in self._briefing():
            self.receive(message)
        self._next_pulse(now, now)

    def on_stop(self) -> None:
        self._calls.take_back(self.runtime.now(), "the campaign was taken down")
        self._preparing.clear()
        self._plan()
        self._services.pool.tell(Unsubscribe(self._id))
        self._formulas.close()
        self._cells.close()

    def post_mortem(self, error: BaseException) -> None:
        self._calls.take_back(self.runtime.now(), f"the campaign's actor failed: {error!r}"[:200])

    def _subscribe(self, *, anew: bool) -> None:
        flow = self._flow.definition
        queues = {n.queue for n in flow.nodes if isinstance(n, (SeizeAgent, RouteToAgent))}
        serves = tuple(sorted(queues))
        subscription = Subscribe(
            self._id, serves, self._myself, anew, flow.priority, flow.share, flow.dispositions
        )
        self._services.pool.tell(subscription)

    def _look_ahead(self, now: float) -> None:
        dialing = self._flow.init.dialing
        if type(dialing) is not Lookahead:
            self._ahead = None
        elif self._ahead is None:
            self._ahead = LookaheadBoard(dialing, self._flow, self._preset, now)
        else:
            self._ahead.follow(dialing, self._flow)

    # --- the pulse ----------------------------------------------------------------------------

    def _next_pulse(self, due_at: float, now: float) -> None:
        self._pulse += 1
        self.runtime.after(max(0.0, due_at - now), self.ref, PulseDue(self._pulse, due_at))

    @handles(PulseDue)
    def _on_pulse(self, pulse: PulseDue) -> None:
        now = self.runtime.now()
        interval_s = self._flow.start.interval_s
        # A pulse that could not fire in its own interval is gone, and counted.
        lateness_s = now - pulse.due_at
        behind = int(lateness_s / interval_s) if lateness_s > interval_s else 0
        if behind:
            self._cells.skipped(behind)
        self._next_pulse(pulse.due_at + (behind + 1) * interval_s, now)
        self._services.lines.tick(now)
        if self._obstacles.quiet is not None:
            return
        if self._evaluating is not None or self._formulas.waiting:
            self._cells.skipped(1)
            return
        if now >= self._shift_until:
            self._tell_shift(now)
        limit = self._limit()
        self._cells.fired(lateness_s, within_window=limit != "window")
        if limit:
            return
        if self._callbacks:
            self._callbacks.strive()
        if not self._formulas.ask(self.runtime, self._myself, self.ref):
            self._begin()

    @handles(Evaluated)
    def _on_evaluated(self, answer: Evaluated) -> None:
        if self._formulas.heard(answer) and not self._limit():
            self._begin()

    @handles(FormulaLate)
    def _on_formula_late(self, message: FormulaLate) -> None:
        if self._formulas.late(message) and not self._limit():
            self._begin()

    def _begin(self) -> None:
        """A pulse leaves the Start node; what formulas the flow has are evaluated."""
        self._take(pulse_step(self._flow, self._flow.start.id, "pulse"), pulse=True)

    def _take(self, step: PulseStep, *, pulse: bool = False) -> None:
        if type(step) is Release:
            self._release(step.node, pulse=pulse)
        elif type(step) is Seize:
            self._strive(step.node)
        elif type(step) is AskDue:
            self._check_due(step.node)
        elif type(step) is PulseEnds:
            self._explain(step.reason, self._inputs())

    def _check_due(self, node: CheckUndeliveredContacts) -> None:
        """Go on at once where the feeder has told of contacts; else ask it to look for some."""
        if self._more_due:
            self._take(pulse_step(self._flow, node.id, "true"), pulse=True)
        elif self._evaluating is None or self._evaluating.node is not node:
            self._evaluating = _Check(node, self._pulse)
            self._feeder.tell(CheckDue(self._pulse))

    @handles(DueAnswer)
    def _on_due(self, answer: DueAnswer) -> None:
        check = self._evaluating
        if check is None or check.pulse != answer.pulse:
            return  # it was for a pulse that a stop or a new version has ended
        self._evaluating = None
        self._more_due = answer.due
        step = pulse_step(self._flow, check.node.id, "true" if answer.due else "false")
        if not answer.due:
            self._board.stand_down()
            self._explain("no contact is due", self._inputs())
        if (answer.due or type(step) is not PulseEnds) and not self._limit():
            self._take(step, pulse=True)

    # --- agents -------------------------------------------------------------------------------

    def _strive(self, node: SeizeAgent) -> None:
        """Reserve up to the target; those held already have Init look at them again."""
        self._seize = node
        self._request_id += 1
        target, note = self._formulas.target(node.target)
        self._board.strive(node, self._request_id, target)
        if len(self._board.book):
            self._take(after_seize(self._flow, node, "agent_reserved"), pulse=True)
        else:
            waiting = "waiting for an agent to come free" if target else "no agent is asked for"
            self._explain(f"{waiting}; {note}" if note else waiting, self._inputs())

    @handles(SeizeFailed)
    def _on_seize_failed(self, failure: SeizeFailed) -> None:
        self._board.failed(failure)
        if self._seize is not None and self._obstacles.quiet is None:
            self._explain(failure.event.replace("_", " "), self._inputs())
            step = after_seize(self._flow, self._seize, failure.event)
            if type(step) is not PulseEnds and not self._limit():
                self._take(step)

    @handles(AgentsMoved)
    def _on_agents(self, message: AgentsMoved) -> None:
        if self._ahead is not None:
            self._ahead.agents_moved(message, self._calls.ticket)
        if self._board.moved(message, self._calls):
            self._arm_idle()

    @handles(PoolStarted)
    def _on_pool_started(self, _: PoolStarted) -> None:
        """What was asked of the former pool and not answered will never be answered."""
        self._previews.withdraw()
        self._board.forget()
        if self._ahead is not None:
            self._ahead.forget_agents()
        self._callbacks.stand_down()
        self._subscribe(anew=True)
        self._calls.pool_started()

    def _arm_idle(self, *, dial: bool = True) -> None:
        """Agents newly reserved, or whose last attempt ended without a human: dial at once."""
        if not self._board.to_arm() or self._limit() or not dial:
            return
        if self._callbacks:
            self._call_back()
            if not self._board.to_arm():
                return
        if self._seize is None:
            self._board.stand_down()  # reserved for a version of the flow that is no more
        else:
            self._take(after_seize(self._flow, self._seize, "agent_reserved"))

    # --- call-backs ---------------------------------------------------------------------------

    def _call_back(self) -> None:
        """Those whom an agent promised a call go before whatever that agent would do else."""
        tickets = self._callbacks.dial(self._board.to_arm(), self._ticket)
        self._ticket += len(tickets)
        self._preparing.update(tickets)
        if tickets:
            self._plan()
            self._explain(f"called {len(tickets)} back", self._inputs())

    @handles(CallbackWaits)
    def _on_callback_waits(self, message: CallbackWaits) -> None:
        self._callbacks.waits(message.agent_id, message.contact_id)
        if self._board.to_arm():
            self._arm_idle()
        if not self._limit():
            self._callbacks.strive()

    @handles(CallbackGone)
    def _on_callback_gone(self, message: CallbackGone) -> None:
        self._callbacks.gone(message.agent_id, message.contact_id)

    # --- Init ---------------------------------------------------------------------------------

    def _release(self, node: Init, *, pulse: bool) -> None:
        """Release contacts: for agents newly armed, and at a pulse up to the quotas."""
        dialing = node.dialing
        if self._callbacks:
            self._call_back()
        if type(dialing) is Preview:
            self._release_previews(dialing)
            return
        if self._ahead is not None:
            self._release_ahead(self._ahead)
            return
        inputs = self._inputs()
        book = self._board.book
        seized = self._seize is not None
        if type(dialing) is Predictive:
            paced = self._formulas.pace(dialing, self._board.to_arm, pulse=pulse, seized=seized)
            ratio, dials, basis, clamps, note = paced
        else:
            ratio = dialing.ratio if type(dialing) is Power else SAFE_RATIO
            clamps, note = (), ""
            carried, unplaced = book.carried, book.unplaced
            if not seized:
                arming, unplaced, missing = 1, 0, 0
                dials = book.per_pulse(ratio)
            else:
                agents = self._board.to_arm()
                arming = len(agents)
                dials = sum(book.arm(agent_id, ratio) for agent_id in agents)
                missing = book.top_up() if pulse else 0
                dials = max(dials, missing)
            basis = Basis(arming, book.quota, carried, unplaced, missing)
        self._formulas.tell_shadow(dialing)
        self._cells.target(basis.quota)
        dials, room = self._share.clamped(dials, self.runtime.now())
        # What a trunk does not take is still missing from the quota at the next pulse.
        reason = "released contacts" if dials else "calls in flight already fill the quota"
        clamps += (room.clamp,) if room.clamp else ()
        inputs += decided_from(*basis, room.dials)
        self._need(dials)
        reason = "; ".join(filter(None, (room.reason or reason, note)))
        self._explain(reason, inputs, ratio, clamps, dials)

    def _release_ahead(self, board: LookaheadBoard) -> None:
        """As many contacts as the risk of meeting no agent allows."""
        now = self.runtime.now()
        decision = board.decide(now)
        dials, room = self._share.clamped(decision.dials, now)
        self._cells.target(self._board.book.in_flight + dials)
        self._need(dials)
        clamps = (room.clamp,) if room.clamp else ()
        inputs = tuple(decision.figures.items())
        self._explain(room.reason or decision.reason, inputs, decision.dials, clamps, dials)

    def _release_previews(self, settings: Preview) -> None:
        """A contact for every agent who has none to look at or to talk to."""
        agents = self._board.to_arm()
        wanted = {self._ticket + place: agent for place, agent in enumerate(agents, 1)}
        self._ticket += len(agents)
        if wanted:
            self._request_id += 1
            self._previews.find(settings, wanted, self._request_id)
        self._cells.target(self._board.book.quota)
        found = f"looked for {len(wanted)} contacts to preview"
        self._explain(found if wanted else "every agent has a contact", self._inputs())

    @handles(PreviewFound)
    def _on_preview_found(self, found: PreviewFound) -> None:
        self._previews.show(found, self.runtime.now())

    @handles(PreviewDecided)
    def _on_preview_decided(self, decided: PreviewDecided) -> None:
        if self._previews.decided(decided):
            self._preparing.add(decided.ticket)
            self._plan()
        else:
            self._arm_idle()

    def _plan(self) -> None:
        """Let the other campaigns know what of ours is on its way to the trunk."""
        self._share.plan(len(self._preparing), self._calls.waiting)

    def _need(self, dials: int) -> None:
        if dials <= 0:
            return
        tickets = tuple(range(self._ticket + 1, self._ticket + dials + 1))
        self._ticket += dials
        self._preparing.update(tickets)
        for ticket in tickets:
            self._board.book.placed(ticket)
        self._formulas.placed(tickets, self.runtime.now())
        if self._ahead is not None:
            self._ahead.placed(tickets, self.runtime.now())
        self._plan()
        self._request_id += 1
        self._feeder.tell(NeedContacts(self._request_id, tickets))

    @handles(FeederStarted)
    def _on_feeder_started(self, _: FeederStarted) -> None:
        """What its former self was asked and did not answer will never be answered."""
        for ticket in self._preparing:
            self._never_placed(ticket)
        self._preparing.clear()
        self._previews.feeder_lost()
        self._callbacks.clear()
        self._plan()
        self._more_due = False
        for news in self._obstacles.trunks.news():
            self._feeder.tell(news)
        if self._obstacles.quiet is not None:
            self._feeder.tell(self._obstacles.quiet)
        if self._evaluating is not None:
            self._feeder.tell(CheckDue(self._evaluating.pulse))

    @handles(AttemptsReady)
    def _on_attempts(self, answer: AttemptsReady) -> None:
        now = self.runtime.now()
        quiet = self._obstacles.quiet
        self._more_due = answer.more and quiet is None
        for attempt in answer.attempts:
            if attempt.ticket not in self._preparing:
                self._calls.give_back(attempt, now, "it was made ready for a former run")
            elif quiet is not None:
                self._calls.give_back(attempt, now, quiet.reason)
                self._never_placed(attempt.ticket)
            else:
                self._not_placed(
                    self._calls.place_in_turn(attempt, answer.flow, self.runtime, self.ref)
                )
            self._preparing.discard(attempt.ticket)
        for ticket in answer.short:
            self._preparing.discard(ticket)
            self._never_placed(ticket)
        self._previews.not_found(answer.short)
        self._plan()
        if answer.short or quiet is not None:
            # Nobody is due: the agents are of more use to others. The next pulse looks again.
            self._board.stand_down()
        if answer.short:
            self._explain(answer.reason, self._inputs())

    @handles(PlaceNow)
    def _on_place_now(self, message: PlaceNow) -> None:
        now = self.runtime.now()
        obstacle, _ = self._obstacles.any(now)
        if not obstacle:
            ticket = self._calls.place(message.attempt_id, self.runtime)
        else:
            ticket = self._calls.recall(message.attempt_id, now, obstacle)
        self._plan()
        self._not_placed(ticket)

    def _never_placed(self, ticket: int) -> None:
        """A ticket came to no call."""
        self._board.book.ended(ticket)
        if self._ahead is not None:
            self._ahead.not_placed(ticket, self.runtime.now())

    def _not_placed(self, ticket: int | None) -> None:
        """ticket: of an attempt that could not leave and was given back, if it was."""
        if ticket is not None:
            self._never_placed(ticket)
            self._limit()

    # --- calls --------------------------------------------------------------------------------

    @handles(journal.CallMoved)
    def _on_call_moved(self, move: journal.CallMoved) -> None:
        self._calls.moved(move)
        if self._ahead is not None:
            ticket = self._calls.ticket(move.attempt_id)
            self._ahead.moved(ticket or 0, move.state, move.at)

    @handles(Settlement)
    def _on_call_settled(self, settled: Settlement) -> None:
        ticket = self._calls.settled(settled)
        if self._ahead is not None and ticket is not None:
            self._ahead.settled(ticket, settled, self.runtime.now())
        if ticket is not None and self._board.book.ended(ticket):
            # After a fault of the trunk the next pulse dials: at once would hammer a full trunk.
            self._arm_idle(dial=not OUTCOMES[settled.outcome].trunk_fault)

    @handles(Disposed)
    def _on_disposed(self, disposed: Disposed) -> None:
        self._cells.disposed(disposed.means)

    # --- from outside -------------------------------------------------------------------------

    @handles(Quiesce)
    def _on_quiesce(self, message: Quiesce) -> None:
        self._obstacles.quiet = message
        self._more_due = False
        self._evaluating = None
        self._formulas.give_up()
        self._record(journal.CampaignMoved(self._id, self.runtime.now(), message.reason))
        self._feeder.tell(message)
        for ticket in self._calls.take_back(self.runtime.now(), message.reason):
            self._never_placed(ticket)
        self._plan()
        self._previews.withdraw()
        self._callbacks.clear()
        self._board.stand_down()
        if message.cancel_ringing:
            self._calls.cancel_unanswered(message.reason)
        self._explain(message.reason)

    @handles(FlowChanged)
    def _on_flow(self, message: FlowChanged) -> None:
        """A new version: calls under way finish on the old one, which they carry."""
        self._flow = message.flow
        self._share.follow(message.flow)
        self._formulas.follow(message.flow)
        self._shift_until = 0.0
        self._identity = self._identity._replace(version=message.version)
        self._obstacles.follow(message.flow)
        self._more_due = False
        self._seize = None
        self._evaluating = None
        self._previews.withdraw()
        self._callbacks.clear()
        self._board.stand_down()
        self._look_ahead(self.runtime.now())
        self._subscribe(anew=False)
        self._feeder.tell(message)
        self._record(journal.CampaignMoved(self._id, self.runtime.now(), "published"))

    @handles(TrunkNews)
    def _on_trunk(self, news: TrunkNews) -> None:
        self._feeder.tell(news)
        self._obstacles.hear(news)

    # --- why not ------------------------------------------------------------------------------

    def _tell_shift(self, now: float) -> None:
        start = self._flow.start
        begins, ends = shift_at(now, self._flow.zone, start.days, start.windows)
        self._cells.shift(begins, ends)
        self._shift_until = ends or inf

    def _limit(self) -> str:
        """What keeps us from dialing now; then idle agents are let go and the why is told."""
        obstacle, limit = self._obstacles.any(self.runtime.now())
        if obstacle:
            self._previews.withdraw()
            self._callbacks.stand_down()
            self._board.stand_down()
            self._explain(obstacle, self._inputs(), clamps=(limit,))
        return limit

    def _inputs(self) -> tuple[tuple[str, float], ...]:
        board = self._board
        book = board.book
        return (
            ("reserved", float(len(book))),
            ("requested", float(board.requested)),
            ("in_flight", float(book.in_flight)),
            *self._formulas.inputs(),
        )

    def _explain(
        self,
        reason: str,
        inputs: tuple[tuple[str, float], ...] = (),
        value: float = 0.0,
        clamps: tuple[str, ...] = (),
        dials: int = 0,
    ) -> None:
        self._why, self._why_at = reason, self.runtime.now()
        self._record(journal.Pulse(self._id, self._why_at, inputs, value, clamps, dials, reason))

    def _record(self, record: journal.Record) -> None:
        self._services.recorder.tell(record)

    @handles(Report)
    def _on_report(self, _: Report) -> dict[str, Any]:
        """calls_in_progress: those being made ready included, so 0 means that none is left."""
        quiet = self._obstacles.quiet
        return {
            "campaign_id": self._id,
            "title": self._identity.title,
            "version": self._identity.version,
            "quiet": quiet.reason if quiet else "",
            "calls_in_progress": len(self._calls) + len(self._preparing),
            "in_flight": self._board.book.in_flight,
            "reserved": len(self._board),
            "requested": self._board.requested,
            "callbacks_waiting": len(self._callbacks),
            "agents": self._cells.agent_counts(),
            "trunks_down": dict(self._obstacles.trunks.down),
            "formulas": self._formulas.report(),
            "why": self._why,
            "why_at": self._why_at,
        }
