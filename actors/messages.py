"""What the actors tell each other.

The rule of this module: messages are typed, frozen and msgpack-encodable where they carry only
data; those that introduce one actor to another carry a ref and stay inside the process. Times are
epoch seconds on the runtime's clock. What the world tells the actors stands in `dialer.events`
and `dialer.ports`.
"""

from collections.abc import Sequence
from typing import Any

from dialer.caller_ids import Caller
from dialer.flow.graph import Flow
from dialer.formula_port import Evaluate
from dialer.message import Message
from dialer.ports import ClaimedContact, Sink

# --- timers of an actor to itself -------------------------------------------------------------


class PulseDue(Message):
    """Campaign to itself: the next pulse."""

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
