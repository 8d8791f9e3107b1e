"""What campaigns, calls and the agent pool tell each other of agents.

The rule of this module: as of `actors.messages`; these are the messages to the pool and from it.
"""

from actors.messages import ReadyAttempt
from dialer.agents import AgentProfile
from dialer.dispositions import Dispositions
from dialer.message import Message
from dialer.ports import ClaimedContact, PreviewCard, Sink

# --- timers of the pool to itself ---


class RequestExpired(Message):
    """AgentPool to itself: a reservation request may have outlived its TTL."""

    campaign_id: int
    queue: str


class WrapUpOver(Message):
    """AgentPool to itself: the wrap-up limit of an agent has come."""

    agent_id: str
    since: float


# --- campaign and pool ------------------------------------------------------------------------


class Subscribe(Message):
    """Campaign to pool: tell me of the agents of these queues, and of no others any more.

    anew: the campaign was just made, and knows nothing of what a former self held.
    priority: 1 to 10, its weight where others want the same agents. share: the most that it may
    have of a queue's agents, 0 to 1. dispositions: what agents may say of its calls.
    """

    campaign_id: int
    queues: tuple[str, ...]
    campaign: Sink
    anew: bool = True
    priority: int = 5
    share: float = 1.0
    dispositions: Dispositions | None = None


class Unsubscribe(Message):
    """Campaign to pool: I am gone; release what I hold."""

    campaign_id: int


class LooksAhead(Message):
    """Campaign to pool: I dial, and count on who is free or soon free. Told every few seconds.

    asks: the campaign waits to be told on whom, though that be as before.
    """

    campaign_id: int
    asks: bool


class AgentsCounted(Message):
    """Pool to campaign: count on these agents alone; None: on all whom you may use."""

    agent_ids: tuple[str, ...] | None


class PoolStarted(Message):
    """Pool to campaigns, and they to their calls: I am here, and know of no reservation, no
    request and no caller who waits."""


class SeizeAgents(Message):
    """Campaign to pool: keep so many agents reserved for me from now on, those I hold included.

    It takes the place of what I asked of this queue before, and lasts until nobody came for me
    within the TTL.
    """

    campaign_id: int
    request_id: int
    queue: str
    wanted: int
    ttl_s: float


class WithdrawRequests(Message):
    """Campaign to pool: reserve no more agents for me."""

    campaign_id: int


class ReleaseAgents(Message):
    """Campaign to pool: these agents are not needed."""

    campaign_id: int
    agent_ids: tuple[str, ...]


class SeizeFailed(Message):
    """Pool to campaign: reservation_timeout, rona or no_agent_available, for so many agents.

    request_id: what is over with it; 0 where the request stands on.
    """

    request_id: int
    event: str
    missing: int


class AgentMove(Message):
    """One agent's change of state.

    from_state: "" for a mere count of who is there. to_state: "" for an agent who is there no
    more. campaign_id: who holds or held the agent (0: nobody). attempt_id: the call, if any.
    ends_at: when a wrap-up will be over, epoch seconds; 0 where nobody knows.
    """

    agent_id: str
    from_state: str
    to_state: str
    campaign_id: int
    attempt_id: int
    ends_at: float = 0.0


class AgentsMoved(Message):
    """Pool to campaigns: agents changed state, all at one instant."""

    at: float
    moves: tuple[AgentMove, ...]


class SeizeNamed(Message):
    """Campaign to pool: reserve these agents as they come free, and no others whom I named."""

    campaign_id: int
    agent_ids: tuple[str, ...]


class BindAgent(Message):
    """Campaign to pool: keep an agent whom I hold for one contact, or no more."""

    campaign_id: int
    agent_id: str
    bound: bool


# --- call and pool ----------------------------------------------------------------------------


class Disposed(Message):
    """Pool to campaign: a call of yours was disposed of. means: of `dialer.dispositions`."""

    means: str


class ClaimAgent(Message):
    """Call to pool: a live human waits for an agent. attempt: whom they were called as."""

    attempt_id: int
    campaign_id: int
    queue: str
    call: Sink
    attempt: ReadyAttempt | None = None


class AgentAssigned(Message):
    """Pool to call: this agent is yours."""

    attempt_id: int
    agent_id: str


class CallOver(Message):
    """Call to pool: let go of this call, its claim or its agent. Always acknowledged.

    talked: customer and agent were bridged, so wrap-up follows.
    """

    attempt_id: int
    talked: bool
    call: Sink


class OverAcknowledged(Message):
    """Pool to call: nobody will assign you an agent any more; you may stop."""

    attempt_id: int


class AgentHangsUp(Message):
    """Pool to call: your agent wants to end it."""

    attempt_id: int


class AgentLost(Message):
    """Pool to call: your agent's leg fell."""

    attempt_id: int
    agent_id: str


# --- previews ---------------------------------------------------------------------------------


class PreviewFound(Message):
    """Feeder to campaign: this contact may be shown to the agent of this ticket."""

    ticket: int
    contact: ClaimedContact
    number: str


class ShowPreview(Message):
    """Campaign to pool: show this contact to an agent whom I hold.

    timeout_s: how long they may look. then: "not_ready" or "ready", what a time-out makes of them.
    """

    campaign_id: int
    agent_id: str
    card: PreviewCard
    timeout_s: float
    then: str


class WithdrawPreview(Message):
    """Campaign to pool: the agent need not look at it any more."""

    agent_id: str
    ticket: int


class PreviewTimeout(Message):
    """AgentPool to itself: an agent has looked long enough."""

    agent_id: str
    ticket: int


class PreviewDecided(Message):
    """Pool to campaign: what the agent made of it. verdict: of `dialer.previews.VERDICTS`."""

    ticket: int
    agent_id: str
    verdict: str


class PreviewOver(Message):
    """Campaign to feeder: dial the contact if it was accepted, else let it go on its way."""

    ticket: int
    agent_id: str
    verdict: str


# --- from outside ---


class AddAgent(Message):
    """To pool: an agent exists (again), perhaps with other particulars."""

    profile: AgentProfile
