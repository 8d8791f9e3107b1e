"""A published campaign: its pulse, its reservations, and its calls.

The rule of this module: the campaign never asks. It knows agents by what the pool publishes and
calls by what they tell, keeps its own counts, and every pulse records what it saw, what it did
and why.
"""

import logging
from typing import Any, NamedTuple

from actors.call_board import CallBoard
from actors.campaign_cells import CampaignCells
from actors.messages import (
    AgentMove,
    AgentsMoved,
    AttemptsReady,
    CallMoved,
    CallSettled,
    CheckDue,
    DueAnswer,
    FlowChanged,
    NeedContacts,
    PlaceNow,
    PulseDue,
    Quiesce,
    ReleaseAgents,
    Report,
    SeizeAgents,
    SeizeFailed,
    Subscribe,
    TrunkNews,
    Unsubscribe,
)
from actors.runtime import Behaviour, handles
from actors.services import Services
from dialer import journal
from dialer.compliance.preset import Preset
from dialer.flow.graph import Flow
from dialer.flow.hours import is_open
from dialer.flow.interpreter import (
    AskDue,
    PulseEnds,
    PulseStep,
    Release,
    Seize,
    after_seize,
    pulse_step,
)
from dialer.flow.nodes import CheckUndeliveredContacts, Dial, Init, Power, RouteToAgent, SeizeAgent
from dialer.pacing.reservations import Reservations
from dialer.ports import Sink

log = logging.getLogger("foredial.campaign")

_SAFE_RATIO = 1.0
_PENDING = ("pending_not_ready", "pending_logout")
_RESERVED = ("reserved", *_PENDING)


class CampaignIdentity(NamedTuple):
    """Which campaign, in which version. title is its label in metrics."""

    campaign_id: int
    version: int
    title: str


class Campaign(Behaviour):
    """Runs the pulse side of a flow and gives birth to its calls.

    myself: the handle of this campaign, so that its calls survive its restart.
    feeder: gives contacts. calls_per_second: of each trunk, for the spread of dials.
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
        calls_per_second: float,
    ) -> None:
        self._id = identity.campaign_id
        self._identity = identity
        self._flow = flow
        self._services = services
        self._myself = myself
        self._feeder = feeder
        self._cells = CampaignCells(services.metrics, identity.title, preset)
        self._calls = CallBoard(self._id, preset, services, self._cells, myself, calls_per_second)
        self._book = Reservations()
        self._agents: dict[str, str] = {}
        self._leaving: set[str] = set()
        self._down: dict[str, str] = {}
        self._pulse = 0
        self._request_id = 0
        self._ticket = 0
        self._requested = 0
        self._seize: SeizeAgent | None = None
        self._evaluating: CheckUndeliveredContacts | None = None
        self._quiet: Quiesce | None = None
        self._why = "no pulse yet"
        self._why_at = 0.0

    def on_start(self) -> None:
        nodes = self._flow.definition.nodes
        queues = {n.queue for n in nodes if isinstance(n, (SeizeAgent, RouteToAgent))}
        self._services.pool.tell(Subscribe(self._id, tuple(sorted(queues)), self._myself))
        self._record(journal.CampaignMoved(self._id, self.runtime.now(), "published"))
        self._next_pulse(self.runtime.now())

    def on_stop(self) -> None:
        self._services.pool.tell(Unsubscribe(self._id))
        self._cells.close()

    def post_mortem(self, error: BaseException) -> None:
        """What waited for its slot will not be dialed by the next one; its contacts stay due."""
        self._calls.take_back(self.runtime.now(), f"the campaign's actor failed: {error!r}"[:200])

    # --- the pulse ----------------------------------------------------------------------------

    def _next_pulse(self, due_at: float) -> None:
        self._pulse += 1
        delay_s = max(0.0, due_at - self.runtime.now())
        self.runtime.after(delay_s, self.ref, PulseDue(self._pulse, due_at))

    @handles(PulseDue)
    def _on_pulse(self, pulse: PulseDue) -> None:
        now = self.runtime.now()
        interval_s = self._flow.start.interval_s
        # A pulse that could not fire in its own interval is gone, and counted.
        behind = int((now - pulse.due_at) / interval_s)
        self._cells.pulse("skipped", behind)
        self._next_pulse(pulse.due_at + (behind + 1) * interval_s)
        if self._quiet is not None:
            return
        if self._evaluating is not None:
            self._cells.pulse("skipped", 1)
            return
        self._cells.pulse_lateness(now - pulse.due_at)
        start = self._flow.start
        if not is_open(now, self._flow.zone, start.days, start.windows):
            self._cells.pulse("outside_window", 1)
            self._release_idle()
            self._explain("outside the time windows of the Start node")
            return
        self._cells.pulse("fired", 1)
        self._take(pulse_step(self._flow, start.id, "pulse"), pulse=True)

    def _take(self, step: PulseStep, *, pulse: bool = False, armed: tuple[str, ...] = ()) -> None:
        match step:
            case AskDue(node):
                self._evaluating = node
                self._feeder.tell(CheckDue(self._pulse))
            case Seize(node):
                self._strive(node)
            case Release(node):
                self._release(node, pulse=pulse, armed=armed)
            case PulseEnds(reason):
                self._explain(reason)

    @handles(DueAnswer)
    def _on_due(self, answer: DueAnswer) -> None:
        node, self._evaluating = self._evaluating, None
        if node is None or self._quiet is not None:
            return
        if not answer.due:
            self._release_idle()
            self._explain("no contact is due")
        step = pulse_step(self._flow, node.id, "true" if answer.due else "false")
        if answer.due or not isinstance(step, PulseEnds):
            self._take(step, pulse=True)

    # --- agents -------------------------------------------------------------------------------

    def _strive(self, node: SeizeAgent) -> None:
        """Reserve up to the target; those held already have Init look at them again."""
        self._seize = node
        target = node.target if isinstance(node.target, int) else 0
        missing = target - len(self._book) - self._requested
        if missing > 0:
            self._request_id += 1
            self._requested += missing
            self._services.pool.tell(
                SeizeAgents(self._id, self._request_id, node.queue, missing, node.request_ttl_s)
            )
        if len(self._book):
            step = after_seize(self._flow, node, "agent_reserved")
            self._take(step, pulse=True, armed=self._book.idle())
        elif self._requested > missing:
            self._explain("waiting for an agent to come free")

    @handles(SeizeFailed)
    def _on_seize_failed(self, failure: SeizeFailed) -> None:
        self._requested -= failure.missing
        if self._seize is not None and self._quiet is None:
            self._explain(failure.event.replace("_", " "))
            step = after_seize(self._flow, self._seize, failure.event)
            if not isinstance(step, PulseEnds):
                self._take(step)

    @handles(AgentsMoved)
    def _on_agents(self, message: AgentsMoved) -> None:
        reserved: list[str] = []
        for move in message.moves:
            self._agents[move.agent_id] = move.to_state
            self._cells.agent_moved(move, message.at)
            if move.campaign_id == self._id:
                self._on_own_agent(move, reserved)
        if not reserved:
            return
        if self._quiet is not None or self._seize is None:
            self._services.pool.tell(ReleaseAgents(self._id, tuple(reserved)))
            return
        step = after_seize(self._flow, self._seize, "agent_reserved")
        self._take(step, armed=tuple(reserved))

    def _on_own_agent(self, move: AgentMove, reserved: list[str]) -> None:
        agent_id = move.agent_id
        if move.to_state == "reserved":
            if move.from_state == "pending_not_ready":
                self._leaving.discard(agent_id)
                return
            self._requested = max(0, self._requested - 1)
            reserved.append(agent_id)
        elif move.attempt_id and move.from_state in ("ready", *_RESERVED):
            # A caller took this agent: neither of the two counts as waiting any more.
            ticket = self._calls.ticket(move.attempt_id)
            if ticket is not None:
                self._book.answered(ticket)
            self._lose(agent_id)
        elif move.to_state in _PENDING:
            self._leaving.add(agent_id)
            self._release_leaving(agent_id)
        elif agent_id in self._book:
            self._lose(agent_id)

    def _lose(self, agent_id: str) -> None:
        self._leaving.discard(agent_id)
        self._book.lost(agent_id)
        self._arm_again(self._book.idle())

    def _release_leaving(self, agent_id: str) -> None:
        """An agent who asked to pause is let go as soon as none of their calls is out."""
        if agent_id in self._book.idle():
            self._give_up((agent_id,))

    def _release_idle(self) -> None:
        self._give_up(self._book.idle())

    def _give_up(self, agent_ids: tuple[str, ...]) -> None:
        if agent_ids:
            for agent_id in agent_ids:
                self._book.lost(agent_id)
                self._leaving.discard(agent_id)
            self._services.pool.tell(ReleaseAgents(self._id, agent_ids))

    # --- Init ---------------------------------------------------------------------------------

    def _release(self, node: Init, *, pulse: bool, armed: tuple[str, ...]) -> None:
        """Release contacts: for agents newly armed, and at a pulse up to the quotas."""
        ratio = node.dialing.ratio if isinstance(node.dialing, Power) else _SAFE_RATIO
        inputs = (
            ("reserved", float(len(self._book))),
            ("in_flight", float(self._book.in_flight)),
            ("armed", float(len(armed))),
        )
        if self._all_trunks_down():
            for agent_id in armed:
                self._book.arm(agent_id, 0.0)
            self._release_idle()
            self._explain(self._trunk_trouble(), inputs, ratio, ("trunk",))
            return
        if self._seize is None:
            dials = self._book.per_pulse(ratio)
        else:
            dials = sum(self._book.arm(agent_id, ratio) for agent_id in armed)
            if pulse:
                dials = max(dials, self._book.top_up())
        self._cells.target(self._book.quota)
        self._need(dials)
        reason = "released contacts" if dials else "calls in flight already fill the quota"
        self._explain(reason, inputs, ratio, dials=dials)

    def _arm_again(self, agent_ids: tuple[str, ...]) -> None:
        """Agents whose last attempt ended without a human count as newly reserved, at once."""
        if not agent_ids or self._seize is None:
            return
        staying = tuple(a for a in agent_ids if a not in self._leaving)
        start = self._flow.start
        closed = not is_open(self.runtime.now(), self._flow.zone, start.days, start.windows)
        if self._quiet is not None or closed:
            self._give_up(agent_ids)
            return
        self._give_up(tuple(a for a in agent_ids if a in self._leaving))
        if staying:
            self._take(after_seize(self._flow, self._seize, "agent_reserved"), armed=staying)

    def _need(self, dials: int) -> None:
        if dials <= 0:
            return
        tickets = tuple(range(self._ticket + 1, self._ticket + dials + 1))
        self._ticket += dials
        for ticket in tickets:
            self._book.placed(ticket)
        self._request_id += 1
        self._feeder.tell(NeedContacts(self._request_id, tickets))

    @handles(AttemptsReady)
    def _on_attempts(self, answer: AttemptsReady) -> None:
        for attempt in answer.attempts:
            if self._quiet is not None:
                self._calls.give_back(attempt, self.runtime.now(), self._quiet.reason)
                self._book.ended(attempt.ticket)
            else:
                self._calls.place_in_turn(attempt, self._flow, self.runtime, self.ref)
        for ticket in answer.short:
            self._book.ended(ticket)
        if answer.short:
            # Nobody is due: the agents are of more use to others. The next pulse looks again.
            self._release_idle()
            self._explain(answer.reason)

    @handles(PlaceNow)
    def _on_place_now(self, message: PlaceNow) -> None:
        self._calls.place(message.attempt_id, self.runtime)

    # --- calls --------------------------------------------------------------------------------

    @handles(CallMoved)
    def _on_call_moved(self, move: CallMoved) -> None:
        self._calls.moved(move)

    @handles(CallSettled)
    def _on_call_settled(self, settled: CallSettled) -> None:
        ticket = self._calls.settled(settled)
        if ticket is None:
            return
        agent_id = self._book.ended(ticket)
        if agent_id:
            self._arm_again((agent_id,))

    # --- from outside -------------------------------------------------------------------------

    @handles(Quiesce)
    def _on_quiesce(self, message: Quiesce) -> None:
        self._quiet = message
        self._evaluating = None
        self._record(journal.CampaignMoved(self._id, self.runtime.now(), message.reason))
        self._feeder.tell(message)
        for ticket in self._calls.take_back(self.runtime.now(), message.reason):
            self._book.ended(ticket)
        self._release_idle()
        if message.cancel_ringing:
            self._calls.cancel_unanswered(message.reason)
        self._explain(message.reason)

    @handles(FlowChanged)
    def _on_flow(self, message: FlowChanged) -> None:
        """A new version: calls under way finish on the old one, which they carry."""
        self._flow = message.flow
        self._identity = self._identity._replace(version=message.version)
        self._quiet = None
        self._seize = None
        self._evaluating = None
        self._release_idle()
        self._feeder.tell(message)
        self._record(journal.CampaignMoved(self._id, self.runtime.now(), "published"))

    @handles(TrunkNews)
    def _on_trunk(self, news: TrunkNews) -> None:
        self._feeder.tell(news)
        if news.up:
            self._down.pop(news.trunk, None)
        else:
            self._down[news.trunk] = news.reason

    def _channels(self) -> tuple[str, ...]:
        return tuple({n.channel: 0 for n in self._flow.definition.nodes if isinstance(n, Dial)})

    def _all_trunks_down(self) -> bool:
        return bool(self._down) and all(name in self._down for name in self._channels())

    def _trunk_trouble(self) -> str:
        return "; ".join(f"trunk {n} is down: {self._down[n]}" for n in self._channels())

    # --- why ----------------------------------------------------------------------------------

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
        return {
            "campaign_id": self._id,
            "title": self._identity.title,
            "version": self._identity.version,
            "quiet": self._quiet.reason if self._quiet else "",
            "calls_in_progress": len(self._calls),
            "in_flight": self._book.in_flight,
            "reserved": len(self._book),
            "requested": self._requested,
            "agents": self._cells.agent_counts(),
            "trunks_down": dict(self._down),
            "why": self._why,
            "why_at": self._why_at,
        }
