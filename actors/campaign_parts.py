"""What one campaign works with.

The rule of this module: it is put together here and decides nothing; the campaign's actor and its
pulses share it, on one thread.
"""

from dataclasses import dataclass

from actors.agent_board import AgentBoard
from actors.agent_messages import LooksAhead
from actors.baseline_board import BaselineBoard
from actors.call_board import CallBoard
from actors.callback_board import CallbackBoard
from actors.campaign_cells import CampaignCells
from actors.decisions import Decisions
from actors.formula_desk import FormulaDesk
from actors.formula_pacer import FormulaPacer
from actors.lookahead_board import LookaheadBoard
from actors.lookahead_memory import LookaheadMemory
from actors.obstacles import Obstacles
from actors.pacers import Pacer, RatioPacer
from actors.preview_board import PreviewBoard
from actors.services import Services
from actors.tickets import Tickets
from actors.trunk_share import TrunkShare
from dialer.compliance.permission import Rule
from dialer.compliance.preset import Preset
from dialer.flow.graph import Flow
from dialer.flow.nodes import Baseline, Lookahead, Predictive, Preview
from dialer.message import Message
from dialer.ports import Sink


class CampaignIdentity(Message):
    """Which campaign, in which version. title is its label in metrics."""

    campaign_id: int
    version: int
    title: str


@dataclass(slots=True)
class Parts:
    """Of a campaign. flow: the version that it runs; pacer: how it dials by it.

    hears_calls: whether this pacer does.
    """

    campaign_id: int
    myself: Sink
    flow: Flow
    preset: Preset
    services: Services
    feeder: Sink
    cells: CampaignCells
    calls: CallBoard
    board: AgentBoard
    share: TrunkShare
    tickets: Tickets
    previews: PreviewBoard
    callbacks: CallbackBoard
    formulas: FormulaDesk
    obstacles: Obstacles
    decisions: Decisions
    pacer: Pacer
    hears_calls: bool = False

    def follow(self, flow: Flow, now: float) -> None:
        """A new version runs. A pacer that still fits keeps what it has learned."""
        self.flow = flow
        self.share.follow(flow)
        self.formulas.follow(flow)
        self.obstacles.follow(flow)
        if not self.pacer.follow(flow):
            self.choose_pacer(now)

    def choose_pacer(self, now: float) -> None:
        """The pacer of the flow's way of dialing."""
        dialing, book, to_arm = self.flow.init.dialing, self.board.book, self.board.to_arm
        match dialing:
            case Lookahead():
                memory = LookaheadMemory(self.campaign_id, self.services.store, self.myself, now)
                pool, campaign_id = self.services.pool, self.campaign_id
                self.pacer = LookaheadBoard(
                    dialing,
                    self.flow,
                    self.preset,
                    self.cells,
                    now,
                    memory,
                    lambda asks: pool.tell(LooksAhead(campaign_id, asks)),
                    calls_ring=self.cells.calls_in_progress() > 0,
                )
            case Baseline():
                self.pacer = BaselineBoard(dialing, self.flow, self.preset, self.cells, now)
            case Predictive():
                self.pacer = FormulaPacer(dialing, self.formulas, self.cells, book, to_arm)
            case Preview():
                self.pacer = self.previews
                self.previews.follow(self.flow)
            case _:
                self.pacer = RatioPacer(dialing, book, to_arm)
        self.tickets.pacer = self.pacer
        self.calls.tells_steps = self.hears_calls = self.pacer.hears_calls

    def inputs(self) -> tuple[tuple[str, float], ...]:
        """What a decision starts from."""
        board = self.board
        book = board.book
        reserved = len(book.held)
        requested = board.wanted - reserved
        seen = (
            ("reserved", float(reserved)),
            ("requested", float(requested) if requested > 0 else 0.0),
            ("in_flight", float(book.in_flight)),
        )
        return seen + self.formulas.inputs() if self.formulas.texts else seen


def parts_of(
    identity: CampaignIdentity,
    flow: Flow,
    preset: Preset,
    services: Services,
    *,
    myself: Sink,
    feeder: Sink,
    may_dial: Rule,
) -> Parts:
    """See `Campaign` for what it is given. The pacer is chosen when the campaign starts."""
    campaign_id, title, pool = identity.campaign_id, identity.title, services.pool
    cells = CampaignCells(services.metrics, title, preset)
    calls = CallBoard(campaign_id, preset, services, cells, myself, may_dial)
    board = AgentBoard(campaign_id, pool, cells)
    book = board.book
    share = TrunkShare(campaign_id, services.lines, flow)
    tickets = Tickets(book, calls, share, feeder)
    previews = PreviewBoard(
        campaign_id, title, book, cells, tickets, board.to_arm, pool=pool, feeder=feeder
    )
    return Parts(
        campaign_id,
        myself,
        flow,
        preset,
        services,
        feeder,
        cells,
        calls,
        board,
        share,
        tickets,
        previews,
        CallbackBoard(campaign_id, book, pool=pool, feeder=feeder),
        FormulaDesk(title, services.formulas, cells, book, flow),
        Obstacles(flow),
        Decisions(campaign_id, services.recorder),
        previews,
    )
