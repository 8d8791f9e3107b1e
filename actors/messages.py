"""What the actors tell each other.

The rule of this module: messages are typed, frozen and msgpack-encodable where they carry only
data; those that introduce one actor to another carry a ref and stay inside the process. Times are
epoch seconds on the runtime's clock. What the world tells the actors stands in `dialer.events`
and `dialer.ports`.
"""

from collections.abc import Sequence
from typing import Any

from dialer.agents import AgentProfile
from dialer.caller_ids import Caller
from dialer.dispositions import Dispositions
from dialer.flow.graph import Flow
from dialer.message import Message
from dialer.ports import ClaimedContact, Evaluate, PreviewCard, Sink

# --- timers of an actor to itself -------------------------------------------------------------


class PulseDue(Message):
    """Campaign to itself: the next pulse."""

    number: int
    due_at: float


class PlaceNow(Message):
    """Campaign to itself: an attempt's turn in the spread of dials has come."""

    attempt_id: int


class RingTimeout(Message):
    """Call to itself: it may have rung long enough."""


class PatienceOver(Message):
    """Call to itself: the caller has waited as long as the law allows."""


class SampleDue(Message):
    """SeriesDesk to itself: the next sample."""

    due_at: float


class FormulaLate(Message):
    """Campaign to itself: its formulas have not been answered in time. turn: of their asking."""

    turn: int


class RequestExpired(Message):
    """AgentPool to itself: a reservation request has outlived its TTL."""

    campaign_id: int
    request_id: int


class WrapUpOver(Message):
    """AgentPool to itself: the wrap-up limit of an agent has come."""

    agent_id: str
    since: float


# --- formulas ---------------------------------------------------------------------------------


class WatchFormulas(Message):
    """To the SeriesDesk: what one owner evaluates from now on."""

    owner: str
    formulas: tuple[str, ...]


class EvaluateFor(Message):
    """To the SeriesDesk: evaluate, and tell `reply_to`. semantics: as of `compile_formula`."""

    request: Evaluate
    reply_to: Sink
    semantics: str = "3"


# --- campaign and feeder ----------------------------------------------------------------------


class CheckDue(Message):
    """Campaign to feeder, where it knows of nobody: is an eligible contact due?"""

    pulse: int


class DueAnswer(Message):
    """Feeder to campaign. next_due_at: when a waiting contact comes due, 0 if none waits."""

    pulse: int
    due: bool
    next_due_at: float


class NeedContacts(Message):
    """Campaign to feeder: one contact per ticket, claimed, checked and committed.

    preview: an agent is to look at each first, so nothing is committed yet. picks: for each
    ticket, whether the likeliest to answer is wanted or the unlikeliest, where they are scored.
    """

    request_id: int
    tickets: tuple[int, ...]
    preview: bool = False
    picks: tuple[bool, ...] = ()

    def only(self, tickets: Sequence[int]) -> "NeedContacts":
        """The same for some of its tickets."""
        picks = dict(zip(self.tickets, self.picks, strict=False))
        wanted = tuple([picks[ticket] for ticket in tickets]) if self.picks else ()
        return self._replace(tickets=tuple(tickets), picks=wanted)


class ReadyAttempt(Message):
    """A committed attempt, to be dialed now.

    caller: what the callee sees, and the trunks that may show it, in order. agent_id: the agent
    whom the contact is meant for, "" for any. score: P(a person answers), -1 where nobody knows.
    """

    ticket: int
    attempt_id: int
    dial_id: str
    number: str
    contact: ClaimedContact
    caller: Caller
    agent_id: str = ""
    score: float = -1.0


class FeederStarted(Message):
    """Feeder to campaign: I am here, and know nothing of what a former self was asked."""


class LookForHot(Message):
    """Feeder to itself: it is time to look for hot leads."""


class StoreAnswered(Message):
    """To feeder: an answer of the store waits to be taken."""


class AttemptsReady(Message):
    """Feeder to campaign: the answer to NeedContacts, or a part of it.

    short: tickets that got no contact, for this reason. flow: the version in which the attempts
    were committed, and which their calls keep. more: other contacts are due and at hand.
    classes: the score classes of those that may be picked next, ascending.
    """

    request_id: int
    attempts: tuple[ReadyAttempt, ...]
    short: tuple[int, ...]
    reason: str
    flow: Flow
    more: bool = False
    classes: tuple[int, ...] = ()


class FlowChanged(Message):
    """To campaign and feeder: a new version is published; tokens under way keep the old one."""

    version: int
    flow: Flow


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


# --- call-backs -------------------------------------------------------------------------------


class CampaignStarted(Message):
    """Campaign to feeder: I am here, and know of no contact that you keep for an agent."""


class CallbackWaits(Message):
    """Feeder to campaign: this contact is to be called back by this agent, now."""

    contact_id: int
    agent_id: str


class CallbackGone(Message):
    """Feeder to campaign: it waits for that agent no more."""

    contact_id: int
    agent_id: str


class CallbackOverdue(Message):
    """Feeder to itself: a contact has waited long enough for its agent."""

    contact_id: int


class NeedCallback(Message):
    """Campaign to feeder: its agent is here, so dial it."""

    ticket: int
    contact_id: int
    agent_id: str


class SeizeNamed(Message):
    """Campaign to pool: reserve these agents as they come free, and no others whom I named."""

    campaign_id: int
    agent_ids: tuple[str, ...]


class BindAgent(Message):
    """Campaign to pool: keep an agent whom I hold for one contact, or no more."""

    campaign_id: int
    agent_id: str
    bound: bool


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
    """Campaign to pool: I dial, and count on who is free or soon free. Told every few seconds."""

    campaign_id: int


class AgentsCounted(Message):
    """Pool to campaign: count on these agents alone; None: on all whom you may use."""

    agent_ids: tuple[str, ...] | None


class PoolStarted(Message):
    """Pool to campaigns, and they to their calls: I am here, and know of no reservation, no
    request and no caller who waits."""


class SeizeAgents(Message):
    """Campaign to pool: reserve so many more agents, now or within the TTL."""

    campaign_id: int
    request_id: int
    queue: str
    wanted: int
    ttl_s: float


class WithdrawRequests(Message):
    """Campaign to pool: reserve no more agents for what I asked."""

    campaign_id: int


class ReleaseAgents(Message):
    """Campaign to pool: these agents are not needed."""

    campaign_id: int
    agent_ids: tuple[str, ...]


class SeizeFailed(Message):
    """Pool to campaign: reservation_timeout, rona or no_agent_available, for so many agents."""

    request_id: int
    event: str
    missing: int


class AgentMove(Message):
    """One agent's change of state.

    from_state: "" for a mere count of who is there. to_state: "" for an agent who is there no
    more. campaign_id: who holds or held the agent (0: nobody). attempt_id: the call, if any.
    request_id: the request that reserved them. ends_at: when a wrap-up will be over, epoch
    seconds; 0 where nobody knows.
    """

    agent_id: str
    from_state: str
    to_state: str
    campaign_id: int
    attempt_id: int
    request_id: int = 0
    ends_at: float = 0.0


class AgentsMoved(Message):
    """Pool to campaigns: agents changed state, all at one instant."""

    at: float
    moves: tuple[AgentMove, ...]


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


# --- call and campaign ------------------------------------------------------------------------

# A call tells its campaign what it tells the ledger and the store: `dialer.journal.CallMoved` for
# each step in its table after the dial, and the `dialer.ports.Settlement` as its last word.


class CancelCall(Message):
    """Campaign to call: stop ringing (a panic stop)."""

    reason: str


class GiveUpCall(Message):
    """Campaign to call: an answer would meet no agent; stop ringing, if the law's time is over."""


# --- from outside -----------------------------------------------------------------------------


class Quiesce(Message):
    """To campaign: release no more contacts; calls under way go on.

    cancel_ringing: calls that nobody has answered are cancelled as well. final: stop when done.
    """

    reason: str
    cancel_ringing: bool
    final: bool


class AddAgent(Message):
    """To pool: an agent exists (again), perhaps with other particulars."""

    profile: AgentProfile


class Report(Message):
    """To any long-lived actor, by ask: what is your state? Answered by a plain dict."""

    what: str = ""


class TrunkNews(Message):
    """To campaigns: a trunk came up or went down."""

    trunk: str
    up: bool
    reason: str


# --- supervision ------------------------------------------------------------------------------


class Supervise(Message):
    """To supervisor: keep what this factory makes alive behind a handle."""

    name: str
    factory: Any
    handle: Any


class Dismiss(Message):
    """To supervisor: stop a child, and keep it so."""

    name: str


class Crashed(Message):
    """Runtime to supervisor: a behaviour raised."""

    name: str
    behaviour: Any
    error: Any
