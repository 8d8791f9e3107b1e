"""The ports: what the domain asks of the world, each with a simulated and a real adapter.

The rule of this module: a port never answers by a return value. It is told, and what comes of it
arrives later as a message at a `Sink` (an actor's ref is one), so a slow gateway can never hold
up an actor. One contract test runs against every adapter of a port.

Every method may be called from any thread.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from dialer.events import DeskEvent, TrunkEvent
from dialer.message import Message
from dialer.score.past import Past

AttributeValue = str | int | float | bool | None | Sequence[str]


class Sink(Protocol):
    """Where a message can be told. Telling never blocks and never raises."""

    def tell(self, message: Any, /) -> None: ...


class DialRequest(Message):
    """One call to place. The attempt is already committed to the store.

    number: E.164 with the plus sign. caller_id: what the callee sees, E.164 or "" for the
    trunk's own.
    """

    attempt_id: int
    number: str
    caller_id: str = ""


class Trunk(Protocol):
    """Places calls. Events of an attempt go to the sink given with it: see `TrunkEvent`.

    Every dial ends in exactly one `Ended`, whatever happens. A `cancel` that crosses an answer
    brings `Answered`, not `Ended`: the call is live. Commands for an attempt that has ended do
    nothing.
    """

    name: str
    judges: bool
    """True: a `CpaVerdict` follows every `Answered` whose call lasts long enough; False: nobody
    listens, and an answer is taken for a human's."""

    def dial(self, request: DialRequest, events: Sink) -> None: ...

    def cancel(self, attempt_id: int) -> None:
        """Stop ringing."""

    def hang_up(self, attempt_id: int) -> None:
        """End it, live or not."""

    def bridge(self, attempt_id: int, agent_id: str) -> None:
        """Let customer and agent hear each other; brings `Bridged`."""

    def play(self, attempt_id: int, prompt: str, then_hang_up: bool) -> None:
        """Play a prompt (a name in the prompts folder) to a live call."""


class PreviewCard(Message):
    """A contact as an agent sees it before it is dialed.

    ticket: names this preview. number: what would be dialed, E.164. attempts: how many this
    campaign has made before. accept_by: epoch seconds, when it times out.
    """

    ticket: int
    campaign: str
    contact_id: int
    number: str
    attributes: Mapping[str, AttributeValue]
    attempts: int
    accept_by: float


Choices = tuple[tuple[str, str], ...]
"""What an agent may say of a call: the name of each disposition, and what it means."""


class AgentDesk(Protocol):
    """Reaches agents. Its events (`DeskEvent`) go to the one sink it is started with."""

    kept_up: bool
    """True: agents have an audio leg that stands all day; False: phones ring per call."""

    def log_in(self, agent_id: str, address: str) -> None:
        """Bring the agent's audio leg up; brings `AgentLegUp` or `AgentLegDown`."""

    def log_out(self, agent_id: str) -> None: ...

    def retell(self, agent_ids: Sequence[str]) -> None:
        """Say again how each of them stands, to a pool that was made anew: brings `AgentLegUp` or
        `AgentLegDown`, and that wrap-up is over where it is."""

    def offer(self, agent_id: str) -> None:
        """A reservation is offered; brings `AgentAccepted` or `AgentNoAnswer`.

        Whoever hangs up after they accepted, before a call, brings `AgentNoAnswer` too.
        """

    def preview(self, agent_id: str, card: PreviewCard) -> None:
        """Show a contact; brings `PreviewAnswered`, or nothing before it times out."""

    def withdraw(self, agent_id: str) -> None:
        """A reservation is over without a call: stop ringing, or hang up who waits for one."""

    def ask_disposition(self, agent_id: str, attempt_id: int, choices: Choices) -> None:
        """Their call is over and may be disposed of; brings `AgentDisposed` where they do."""

    def connect(self, agent_id: str, attempt_id: int) -> None:
        """The agent is now with this customer."""

    def release(self, agent_id: str, attempt_id: int) -> None:
        """The call is over; wrap-up begins."""


class Callback(Message):
    """A call that was promised to a contact.

    at: epoch seconds. agent_id: who is to make it, "" for anybody.
    """

    at: float
    agent_id: str = ""


class ClaimRequest(Message):
    """Contacts wanted for a campaign.

    filter_name: a saved filter, "" for all contacts. order: "fifo" or "lifo". now: contacts due
    at or before it count. hot_only: nothing but what goes first in every claim: hot leads, then
    call-backs, that are due.
    retries: so many waiting contacts that are due go before untouched ones, and more of either
    where there are not enough of the other; None: all that are due go first.
    past: what came of each contact's attempts so far is wanted, too.
    """

    request_id: int
    campaign_id: int
    filter_name: str
    order: str
    limit: int
    now: float
    hot_only: bool = False
    retries: int | None = None
    past: bool = False


class ClaimedContact(Message):
    """A contact that this campaign holds until it is settled, deferred or released.

    attributes: by name; a phone attribute is a sequence of E.164 numbers, one per index.
    resume_node: where a retry goes on; "" for a first attempt.
    attempts: how many attempts this campaign has made before. tried: the numbers of them.
    callback: the call-back that it is owed now. hot: it is a lead that goes before all others.
    past: its attempts in all campaigns, where the claim asked for them.
    """

    contact_id: int
    attributes: Mapping[str, AttributeValue]
    resume_node: str = ""
    attempts: int = 0
    tried: tuple[str, ...] = ()
    callback: Callback | None = None
    hot: bool = False
    past: Past | None = None


class ContactsClaimed(Message):
    """Answer to `claim`. Fewer than asked: no more are due now.

    next_due_at: when the next waiting contact comes due, 0 when none waits.
    """

    request_id: int
    contacts: tuple[ClaimedContact, ...]
    next_due_at: float = 0.0


class AttemptDraft(Message):
    """An attempt about to be made. caller_id: what the callee will see, "" for the trunk's own."""

    contact_id: int
    campaign_id: int
    version: int
    node_id: str
    number: str
    trunk: str
    at: float
    caller_id: str = ""


NUMBER_BUSY = 0
"""In place of an attempt id: the number is in flight elsewhere."""

LIST_PAUSED = -1
"""In place of an attempt id: the contact's list was paused after it was claimed."""


class AttemptsCommitted(Message):
    """Answer to `commit_attempts`: the attempts stand in the store and may be dialed.

    attempt_ids: one per draft, in order; NUMBER_BUSY or LIST_PAUSED where none was made.
    """

    request_id: int
    attempt_ids: tuple[int, ...]


class ContactNext(Message):
    """What becomes of a contact in a campaign: "done", or "waiting" until due_at at a node."""

    state: str
    due_at: float = 0.0
    resume_node: str = ""


class Settlement(Message):
    """The end of an attempt: written once, with what becomes of its contact.

    Times are seconds since the epoch, 0 for what never happened. ring_s and friends are derived
    by readers, never stored. trunk: the one that carried it, where that is not the draft's.
    """

    attempt_id: int
    contact_id: int
    campaign_id: int
    outcome: str
    next: ContactNext
    dialed_at: float
    ringing_at: float
    answered_at: float
    bridged_at: float
    ended_at: float
    agent_id: str = ""
    sip_status: int = 0
    q850: int = 0
    detail: str = ""
    trunk: str = ""


class Deferral(Message):
    """A claimed contact that was not dialed, and why: it stays due, waits, or is refused.

    state: "due" (now), "waiting" (until due_at), "refused" (never in this campaign), or "done"
    (the flow has nothing more for it).
    resume_node: where it goes on then; "" leaves that as it was.
    """

    contact_id: int
    campaign_id: int
    state: str
    due_at: float
    reason: str
    resume_node: str = ""


class Disposal(Message):
    """What an agent says came of a settled attempt, and what becomes of its contact by that.

    attempts: how many the contact has had in the campaign, this one included; where it has had
    more since, it goes on as it is. callback: the call-back that is owed to it from now on.
    """

    attempt_id: int
    contact_id: int
    campaign_id: int
    attempts: int
    disposition: str
    note: str
    next: ContactNext
    callback: Callback | None = None


class Recalled(Message):
    """Answer to `recall`. document: what was kept last; empty where nothing ever was."""

    request_id: int
    document: bytes


class StoreFailed(Message):
    """A request to the store could not be carried out; nothing of it was done."""

    request_id: int
    reason: str


class ContactStore(Protocol):
    """Contacts and attempts. Writes of one instant may share a transaction (group commit)."""

    def claim(self, request: ClaimRequest, reply_to: Sink) -> None:
        """Brings `ContactsClaimed` or `StoreFailed`.

        No contact is ever claimed twice, and none of a paused list. Those that are due, and
        those that are untouched, come from their lists in turns by weight.
        """

    def commit_attempts(
        self, request_id: int, drafts: Sequence[AttemptDraft], reply_to: Sink
    ) -> None:
        """Intent before action: brings `AttemptsCommitted` once they are durable."""

    def settle(self, settlement: Settlement) -> None:
        """Settle an attempt. A second settlement of the same attempt is ignored and counted."""

    def defer(self, deferrals: Sequence[Deferral]) -> None: ...

    def dispose(self, disposal: Disposal) -> None:
        """Record a disposition; a second one of the same attempt takes the place of the first."""

    def remember(self, campaign_id: int, document: bytes) -> None:
        """Keep what a campaign has learned, in place of what was kept before.

        It outlives the daemon. What cannot be kept is lost with a line in the log: the next
        document says it all anew.
        """

    def recall(self, request_id: int, campaign_id: int, reply_to: Sink) -> None:
        """Brings `Recalled` or `StoreFailed`."""


class Journal(Protocol):
    """The ledger: append-only records of `dialer.journal`."""

    def append(self, record: Message) -> None: ...


__all__ = [
    "LIST_PAUSED",
    "NUMBER_BUSY",
    "AgentDesk",
    "AttemptDraft",
    "AttemptsCommitted",
    "AttributeValue",
    "Callback",
    "Choices",
    "ClaimRequest",
    "ClaimedContact",
    "ContactNext",
    "ContactStore",
    "ContactsClaimed",
    "Deferral",
    "DeskEvent",
    "DialRequest",
    "Disposal",
    "Journal",
    "PreviewCard",
    "Recalled",
    "Settlement",
    "Sink",
    "StoreFailed",
    "Trunk",
    "TrunkEvent",
]
