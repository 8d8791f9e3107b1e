"""The agents that a campaign holds or has asked for.

The rule of this module: the board knows agents only by what the pool publishes. An agent is on it
from the news of their reservation until a caller takes them or they are let go; who asked to
pause or log out stays only while a call placed for them is out, and gets no new one.
"""

from actors.agent_messages import (
    AgentsMoved,
    ReleaseAgents,
    SeizeAgents,
    SeizeFailed,
    WithdrawRequests,
)
from actors.call_board import CallBoard
from actors.campaign_cells import CampaignCells
from dialer.flow.interpreter import Seize
from dialer.pacing.reservations import Reservations
from dialer.ports import Sink

_PENDING = frozenset(("pending_not_ready", "pending_logout"))
_CAN_BE_TAKEN = frozenset(("ready", "reserved")) | _PENDING


class AgentBoard:
    """Strives for agents of a campaign and knows those it holds.

    book: the reservations, with the calls in flight for them. wanted: how many agents the pool is
    to keep reserved for us.
    """

    def __init__(self, campaign_id: int, pool: Sink, cells: CampaignCells) -> None:
        self.book = Reservations()
        self._campaign_id = campaign_id
        self._pool = pool
        self._cells = cells
        self._states = cells.agents
        # How many the pool is to keep reserved for us, by queue, with the number of the request.
        self._asked: dict[str, tuple[int, int]] = {}
        self._request_id = 0
        self.wanted = 0

    def start(self, number: int) -> None:
        """Count requests from here, so that no answer to a former campaign is for this one."""
        self._request_id = number

    def __len__(self) -> int:
        return len(self.book.held)

    @property
    def requested(self) -> int:
        """Agents asked for who have not come yet."""
        return max(0, self.wanted - len(self.book.held))

    def strive(self, seize: Seize, target: int) -> None:
        """Have the pool keep so many agents reserved.

        Beyond them, agents for whom nothing rings are let go, the youngest first.
        """
        queue = seize.queue
        asked, _ = self._asked.get(queue, (0, 0))
        surplus = len(self.book.held) - target
        if asked != target and (asked or surplus < 0):
            self._request_id += 1
            self._asked[queue] = target, self._request_id
            self._reckon()
            ttl_s = seize.node.request_ttl_s
            self._pool.tell(SeizeAgents(self._campaign_id, self._request_id, queue, target, ttl_s))
        if surplus > 0:
            self._let_go(self.book.idle()[::-1][:surplus])

    def forget(self) -> None:
        """The pool was made anew: nobody is held or asked for. Calls in flight go on."""
        for agent_id in self.book.agents:
            self.book.lost(agent_id)
        self._asked.clear()
        self._reckon()

    def failed(self, failure: SeizeFailed) -> None:
        """Agents will not come; the request for them may be over."""
        for queue, (_, request_id) in self._asked.items():
            if request_id == failure.request_id:
                del self._asked[queue]
                self._reckon()
                return

    def moved(self, message: AgentsMoved, calls: CallBoard) -> bool:
        """Take in the pool's news; whether it is about agents whom we hold, held, or get."""
        ours, campaign_id, states = False, self._campaign_id, self._states
        for move in message.moves:
            agent_id, former, after = move.agent_id, move.from_state, move.to_state
            before = states.get(agent_id, "")
            if before != after:
                if after:
                    states[agent_id] = after
                else:
                    del states[agent_id]
                if after == "wrap_up":
                    self._cells.wraps_up(agent_id, message.at)
                elif before == "wrap_up":
                    self._cells.wrapped_up(agent_id, message.at)
            # Without a state to come from, it is a mere count of who is there.
            if former and move.campaign_id == campaign_id:
                if move.attempt_id:
                    # What happens later in a call is not the board's business.
                    if former in _CAN_BE_TAKEN:
                        self._taken(agent_id, calls.ticket(move.attempt_id))
                        ours = True
                elif after == "reserved":
                    self.book.hold(agent_id)
                    ours = True
                elif agent_id in self.book.held:
                    self._leaves(agent_id, after)
                    ours = True
        return ours

    def to_arm(self) -> tuple[str, ...]:
        """Agents with no call in flight; those among them who asked to leave are let go."""
        idle = self.book.idle()
        states = self._states
        for agent_id in idle:
            if states.get(agent_id) in _PENDING:
                break
        else:
            return idle
        leaving = tuple([a for a in idle if states.get(a) in _PENDING])
        self._let_go(leaving)
        return tuple([a for a in idle if a not in leaving])

    def stand_down(self) -> None:
        """There is nothing to dial: ask for nobody, and let go of agents without a call."""
        if self._asked:
            # First, or the pool would reserve for us again whom we let go.
            self._pool.tell(WithdrawRequests(self._campaign_id))
            self._asked.clear()
            self._reckon()
        self._let_go(self.book.idle())

    def _reckon(self) -> None:
        self.wanted = max([wanted for wanted, _ in self._asked.values()], default=0)

    def _let_go(self, agent_ids: tuple[str, ...]) -> None:
        if agent_ids:
            for agent_id in agent_ids:
                self.book.lost(agent_id)
            self._pool.tell(ReleaseAgents(self._campaign_id, agent_ids))

    def _taken(self, agent_id: str, ticket: int | None) -> None:
        """A caller took an agent: neither of the two counts as waiting any more."""
        if ticket is not None:
            self.book.answered(ticket)
        self.book.lost(agent_id)

    def _leaves(self, agent_id: str, state: str) -> None:
        """An agent whom we hold moved to another state."""
        if state in _PENDING:
            self.book.wind_down(agent_id)
        else:
            self.book.lost(agent_id)
