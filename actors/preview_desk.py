"""The contacts that reserved agents are looking at.

The rule of this module: one preview per agent, and every preview comes to exactly one verdict,
which the campaign that asked for it is told; whoever goes away in the midst of it has withdrawn.
"""

from typing import NamedTuple

from actors.agent_messages import PreviewDecided, PreviewTimeout, ShowPreview
from actors.roster import PooledAgent
from actors.runtime import Runtime, Timer
from dialer.ports import AgentDesk, PreviewCard, Sink


class Shown(NamedTuple):
    """A preview that waits for its verdict. then: what a time-out makes of the agent."""

    card: PreviewCard
    campaign: Sink
    then: str
    timer: Timer

    def tell(self, agent_id: str, verdict: str) -> None:
        self.campaign.tell(PreviewDecided(self.card.ticket, agent_id, verdict))


class PreviewDesk:
    """Shows contacts to agents of the pool. desk: how they see them.

    shown: what agents look at. withdrawn: of whom `tell_withdrawn` will tell.
    """

    def __init__(self, desk: AgentDesk) -> None:
        self._desk = desk
        self.shown: dict[str, Shown] = {}
        self.withdrawn: list[tuple[str, Shown]] = []

    def card(self, agent_id: str) -> PreviewCard | None:
        """What an agent looks at now."""
        shown = self.shown.get(agent_id)
        return shown.card if shown is not None else None

    def show(
        self, agent: PooledAgent, message: ShowPreview, campaign: Sink, runtime: Runtime, pool: Sink
    ) -> None:
        """Keep a reserved agent for a contact, and show it to them."""
        agent_id, card = message.agent_id, message.card
        agent.bound = True
        timeout = PreviewTimeout(agent_id, card.ticket)
        timer = runtime.after(message.timeout_s, pool, timeout)
        self.shown[agent_id] = Shown(card, campaign, message.then, timer)
        self._desk.preview(agent_id, card)

    def take(self, agent_id: str, ticket: int) -> Shown | None:
        """Show it no more; None where it was not shown (any more)."""
        shown = self.shown.get(agent_id)
        if shown is None or shown.card.ticket != ticket:
            return None
        del self.shown[agent_id]
        shown.timer.cancel()
        return shown

    def leave(self, agent_id: str) -> None:
        """The agent is reserved no more; `tell_withdrawn` follows."""
        shown = self.shown.pop(agent_id)
        shown.timer.cancel()
        self.withdrawn.append((agent_id, shown))

    def tell_withdrawn(self) -> None:
        """Once the campaigns know that those agents went away, tell them what it means."""
        withdrawn, self.withdrawn = self.withdrawn, []
        for agent_id, shown in withdrawn:
            shown.tell(agent_id, "withdrawn")
