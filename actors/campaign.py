"""A published campaign: its agents, its contacts and its calls.

The rule of this module: the campaign never asks. It knows agents by what the pool publishes and
calls by what they tell, and keeps its own counts. When it dials, and how much, is decided in its
pulses.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from actors.agent_messages import (
    AgentsCounted,
    AgentsMoved,
    Disposed,
    PoolStarted,
    PreviewDecided,
    PreviewFound,
    SeizeFailed,
    Subscribe,
    Unsubscribe,
)
from actors.campaign_parts import CampaignIdentity, parts_of
from actors.messages import (
    AttemptsReady,
    CallbackGone,
    CallbackWaits,
    CampaignStarted,
    DueAnswer,
    FeederStarted,
    FlowChanged,
    FormulaLate,
    PlaceNow,
    PulseDue,
    Quiesce,
    Report,
    TrunkNews,
)
from actors.pulse import Pulses
from actors.runtime import Behaviour, handles
from actors.services import Services
from dialer import journal
from dialer.compliance.permission import Rule
from dialer.compliance.preset import Preset
from dialer.flow.graph import Flow
from dialer.flow.nodes import RouteToAgent, SeizeAgent
from dialer.formula_port import Evaluated
from dialer.outcomes import OUTCOMES
from dialer.ports import Recalled, Settlement, Sink, StoreFailed

__all__ = ["Campaign", "CampaignIdentity"]

_log = logging.getLogger(__name__)


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
        self._services = services
        self._myself = myself
        self._feeder = feeder
        self._briefing = briefing
        parts = self._parts = parts_of(
            identity, flow, preset, services, myself=myself, feeder=feeder, may_dial=may_dial
        )
        self._cells = parts.cells
        self._calls = parts.calls
        self._board = parts.board
        self._book = parts.board.book
        self._tickets = parts.tickets
        self._previews = parts.previews
        self._callbacks = parts.callbacks
        self._obstacles = parts.obstacles
        self._pulses = Pulses(parts, myself)

    def on_start(self) -> None:
        now = self.runtime.now()
        # A campaign that was made anew must not take answers to its former self for its own.
        self._tickets.start(int(now * 1000))
        self._board.start(int(now * 1000))
        self._parts.choose_pacer(now)
        self._subscribe(anew=True)
        self._feeder.tell(CampaignStarted())
        self._record(journal.CampaignMoved(self._id, now, "published"))
        self._pulses.start(self.runtime, self.ref)
        for message in self._briefing():
            self.receive(message)

    def on_stop(self) -> None:
        self._calls.take_back(self.runtime.now(), "the campaign was taken down")
        self._tickets.forget()
        self._services.pool.tell(Unsubscribe(self._id))
        self._parts.formulas.close()
        self._cells.close()

    def post_mortem(self, error: BaseException) -> None:
        self._calls.take_back(self.runtime.now(), f"the campaign's actor failed: {error!r}"[:200])

    def _subscribe(self, *, anew: bool) -> None:
        flow = self._parts.flow.definition
        queues = {n.queue for n in flow.nodes if isinstance(n, (SeizeAgent, RouteToAgent))}
        serves = tuple(sorted(queues))
        subscription = Subscribe(
            self._id, serves, self._myself, anew, flow.priority, flow.share, flow.dispositions
        )
        self._services.pool.tell(subscription)

    # --- its pulses ---------------------------------------------------------------------------

    @handles(PulseDue)
    def _on_pulse(self, pulse: PulseDue) -> None:
        self._pulses.fire(pulse)

    @handles(Evaluated)
    def _on_evaluated(self, answer: Evaluated) -> None:
        self._pulses.heard(answer)

    @handles(FormulaLate)
    def _on_formula_late(self, message: FormulaLate) -> None:
        self._pulses.late(message)

    @handles(DueAnswer)
    def _on_due(self, answer: DueAnswer) -> None:
        self._pulses.answered(answer)

    # --- agents -------------------------------------------------------------------------------

    @handles(SeizeFailed)
    def _on_seize_failed(self, failure: SeizeFailed) -> None:
        self._pulses.seize_failed(failure)

    @handles(AgentsMoved)
    def _on_agents(self, message: AgentsMoved) -> None:
        calls, parts = self._calls, self._parts
        if parts.hears_calls:
            parts.pacer.agents_moved(message, calls.ticket)
        if self._board.moved(message, calls) and self._book.idle_agents:
            self._pulses.arm_idle()

    @handles(AgentsCounted)
    def _on_counted(self, message: AgentsCounted) -> None:
        self._parts.pacer.counted(message)

    @handles(PoolStarted)
    def _on_pool_started(self, _: PoolStarted) -> None:
        """What was asked of the former pool and not answered will never be answered."""
        self._previews.withdraw()
        self._board.forget()
        self._parts.pacer.forget_agents()
        self._pulses.look_again()
        self._callbacks.stand_down()
        self._subscribe(anew=True)
        self._calls.pool_started()

    @handles(CallbackWaits)
    def _on_callback_waits(self, message: CallbackWaits) -> None:
        now = self.runtime.now()
        self._callbacks.waits(message.agent_id, message.contact_id)
        if self._board.to_arm():
            self._pulses.arm_idle()
        if not self._pulses.is_barred(now):
            self._callbacks.strive()

    @handles(CallbackGone)
    def _on_callback_gone(self, message: CallbackGone) -> None:
        self._callbacks.gone(message.agent_id, message.contact_id)

    @handles(PreviewFound)
    def _on_preview_found(self, found: PreviewFound) -> None:
        self._previews.show(found, self.runtime.now())

    @handles(PreviewDecided)
    def _on_preview_decided(self, decided: PreviewDecided) -> None:
        if self._previews.decided(decided):
            self._tickets.prepare(decided.ticket)
        else:
            self._pulses.arm_idle()

    # --- contacts -----------------------------------------------------------------------------

    @handles(FeederStarted)
    def _on_feeder_started(self, _: FeederStarted) -> None:
        """What its former self was asked and did not answer will never be answered."""
        self._tickets.lost(self.runtime.now())
        self._previews.feeder_lost()
        self._callbacks.clear()
        for news in self._obstacles.trunks.news():
            self._feeder.tell(news)
        if self._obstacles.quiet is not None:
            self._feeder.tell(self._obstacles.quiet)
        self._pulses.ask_again()

    @handles(AttemptsReady)
    def _on_attempts(self, answer: AttemptsReady) -> None:
        runtime = self.runtime
        now = runtime.now()
        tickets, calls, flow = self._tickets, self._calls, answer.flow
        preparing = tickets.preparing
        quiet = self._obstacles.quiet
        in_turn = self._services.lines.has_slots
        self._pulses.more_due = answer.more and quiet is None
        if self._parts.hears_calls:
            self._parts.pacer.ready(answer, now)
        for attempt in answer.attempts:
            ticket = attempt.ticket
            if ticket not in preparing:
                calls.give_back(attempt, now, "it was made ready for a former run")
                continue
            if quiet is not None:
                calls.give_back(attempt, now, quiet.reason)
                tickets.never_placed(ticket, now)
            elif not in_turn or not calls.waits(attempt, flow, runtime, self.ref, now):
                given_back = calls.place(attempt, flow, runtime, now)
                if given_back is not None:
                    self._not_placed(given_back, now)
            preparing.remove(ticket)
        short = answer.short
        for ticket in short:
            preparing.discard(ticket)
            tickets.never_placed(ticket, now)
        if short or quiet is not None:
            # Nobody is due: the agents are of more use to others. The next pulse looks again.
            self._board.stand_down()
        if short:
            self._previews.not_found(short)
            self._pulses.explain(answer.reason, now)

    @handles(PlaceNow)
    def _on_place_now(self, message: PlaceNow) -> None:
        now = self.runtime.now()
        obstacle = self._obstacles.any(now)
        if obstacle is None:
            ticket = self._calls.place_waiting(message.attempt_id, self.runtime, now)
        else:
            ticket = self._calls.recall(message.attempt_id, now, obstacle.reason)
        if ticket is not None:
            self._not_placed(ticket, now)

    def _not_placed(self, ticket: int, now: float) -> None:
        """An attempt could not leave and was given back."""
        self._tickets.never_placed(ticket, now)
        self._pulses.is_barred(now)

    # --- calls --------------------------------------------------------------------------------

    @handles(journal.CallMoved)
    def _on_call_moved(self, move: journal.CallMoved) -> None:
        ticket = self._calls.ticket(move.attempt_id)
        self._parts.pacer.moved(ticket or 0, move.state, move.at)

    @handles(Settlement)
    def _on_call_settled(self, settled: Settlement) -> None:
        ticket = self._calls.settled(settled)
        if self._parts.hears_calls:
            self._parts.pacer.settled(ticket or 0, settled, self.runtime.now())
        if ticket is None:
            return
        # After a fault of the trunk the next pulse dials: at once would hammer a full trunk.
        if self._book.ended(ticket) and not OUTCOMES[settled.outcome].trunk_fault:
            self._pulses.arm_idle()

    @handles(Recalled)
    def _on_recalled(self, answer: Recalled) -> None:
        self._parts.pacer.recalled(answer, self.runtime.now())

    @handles(StoreFailed)
    def _on_store_failed(self, failure: StoreFailed) -> None:
        """Nothing but what was learned is asked of the store here: the pacer starts cold."""
        _log.warning("campaign %d starts cold: %s", self._id, failure.reason)
        self._parts.pacer.recalled(Recalled(failure.request_id, b""), self.runtime.now())

    @handles(Disposed)
    def _on_disposed(self, disposed: Disposed) -> None:
        self._cells.disposed(disposed.means)

    # --- from outside -------------------------------------------------------------------------

    @handles(Quiesce)
    def _on_quiesce(self, message: Quiesce) -> None:
        now = self.runtime.now()
        self._obstacles.quieten(message)
        self._pulses.forget()
        self._parts.formulas.give_up()
        self._record(journal.CampaignMoved(self._id, now, message.reason))
        self._feeder.tell(message)
        for ticket in self._calls.take_back(now, message.reason):
            self._tickets.never_placed(ticket, now)
        self._previews.withdraw()
        self._callbacks.clear()
        self._board.stand_down()
        if message.cancel_ringing:
            self._calls.cancel_unanswered(message.reason)
        self._parts.decisions.tell(now, message.reason)

    @handles(FlowChanged)
    def _on_flow(self, message: FlowChanged) -> None:
        """A new version: calls under way finish on the old one, which they carry."""
        now = self.runtime.now()
        self._identity = self._identity._replace(version=message.version)
        self._parts.follow(message.flow, now)
        self._pulses.follow()
        self._previews.withdraw()
        self._callbacks.clear()
        self._board.stand_down()
        self._subscribe(anew=False)
        self._feeder.tell(message)
        self._record(journal.CampaignMoved(self._id, now, "published"))

    @handles(TrunkNews)
    def _on_trunk(self, news: TrunkNews) -> None:
        self._feeder.tell(news)
        self._obstacles.hear(news)

    def _record(self, record: journal.Record) -> None:
        self._services.recorder.tell(record)

    @handles(Report)
    def _on_report(self, _: Report) -> dict[str, Any]:
        """calls_in_progress: those being made ready included, so 0 means that none is left."""
        quiet, why = self._obstacles.quiet, self._parts.decisions.last
        return {
            "campaign_id": self._id,
            "title": self._identity.title,
            "version": self._identity.version,
            "quiet": quiet.reason if quiet else "",
            "calls_in_progress": len(self._calls) + len(self._tickets.preparing),
            "in_flight": self._book.in_flight,
            "reserved": len(self._board),
            "requested": self._board.requested,
            "callbacks_waiting": len(self._callbacks),
            "agents": self._cells.agent_counts(),
            "trunks_down": dict(self._obstacles.trunks.down),
            "formulas": self._parts.formulas.report(),
            "why": why.reason,
            "why_at": why.at,
        }
