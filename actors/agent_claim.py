"""What a call has of the agent pool, from its claim to the pool's last word.

The rule of this module: who has claimed an agent tells the pool when none is needed any more, once,
and the pool acknowledges; a pool that was made anew is told again what the former may not have
heard.
"""

from actors.agent_messages import CallOver, ClaimAgent
from actors.messages import ReadyAttempt
from actors.runtime import Ref
from dialer.flow.nodes import RouteToAgent
from dialer.ports import Sink


class AgentClaim:
    """Of one live call.

    route: the node that wants the agent. agent_id: who was assigned, "" for nobody yet.
    bridged_at: when they heard the customer, 0 for never. acknowledged: the pool knows that the
    call needs no agent any more.
    """

    __slots__ = (
        "_attempt",
        "_call",
        "_campaign_id",
        "_let_go",
        "_pool",
        "acknowledged",
        "agent_id",
        "bridged_at",
        "route",
    )

    def __init__(
        self, route: RouteToAgent, campaign_id: int, attempt: ReadyAttempt, call: Ref, pool: Sink
    ) -> None:
        self.route = route
        self.agent_id = ""
        self.bridged_at = 0.0
        self.acknowledged = False
        self._let_go = False
        self._campaign_id = campaign_id
        self._attempt = attempt
        self._call = call
        self._pool = pool

    def make(self) -> None:
        """Ask for an agent."""
        attempt = self._attempt
        self._pool.tell(
            ClaimAgent(attempt.attempt_id, self._campaign_id, self.route.queue, self._call, attempt)
        )

    def let_go(self) -> None:
        """Tell the pool that this call needs no agent any more; it acknowledges."""
        if not self._let_go:
            self._let_go = True
            attempt_id = self._attempt.attempt_id
            self._pool.tell(CallOver(attempt_id, self.bridged_at > 0, self._call))

    def tell_again(self, *, waiting: bool) -> None:
        """Tell a new pool what the former may not have heard. waiting: the call wants an agent."""
        if self._let_go and not self.acknowledged:
            self._let_go = False
            self.let_go()
        elif waiting:
            self.make()
