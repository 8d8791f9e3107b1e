"""What the world tells the actors: typed, frozen, and msgpack-encodable (they are tuples).

The rule of this module: an event says what happened and when (`at`, seconds since the epoch on
the runtime's clock), never what to do about it.
"""

from dialer.message import Message


class EndCause(Message):
    """Why a call ended.

    by: "far" (the customer or the carrier), "near" (we hung up or cancelled) or "trunk" (we could
        not place it: no transport, no route, no channel).
    sip_status: the final status (0: none was seen; 200 with by="far": they hung up after answer).
    q850: the cause of a Reason header (RFC 3326), 0 when there was none.
    retry_after_s: how long the far end asks us to stay away, 0 when it does not.
    """

    by: str
    sip_status: int = 0
    q850: int = 0
    text: str = ""
    retry_after_s: float = 0.0


class Ringing(Message):
    """The far end rings (the first 180 or ringback). The ring minimum runs from here."""

    attempt_id: int
    at: float


class EarlyMedia(Message):
    """Audio before the answer (183 with SDP)."""

    attempt_id: int
    at: float


class Answered(Message):
    """The far end answered (200), and its dialog is kept so that a crash cannot strand it.

    verdict: as of `CpaVerdict`, where it is there with the answer and comes by itself no more.
    """

    attempt_id: int
    at: float
    verdict: str = ""


class CpaVerdict(Message):
    """Call progress analysis has judged an answered call; only of a trunk that `judges`.

    verdict: "human", "answering_machine", "fax", "network_tone" or "not_sure".
    """

    attempt_id: int
    at: float
    verdict: str


class Bridged(Message):
    """Customer and agent hear each other."""

    attempt_id: int
    at: float


class Ended(Message):
    """The attempt is over; the last event of every attempt, and sent exactly once."""

    attempt_id: int
    at: float
    cause: EndCause


class TrunkChanged(Message):
    """A trunk came up, went down, or says why it cannot dial."""

    trunk: str
    at: float
    up: bool
    reason: str = ""


class AgentLegUp(Message):
    """The agent's audio leg stands: the agent can receive live calls."""

    agent_id: str
    at: float


class AgentLegDown(Message):
    """The agent's audio leg fell."""

    agent_id: str
    at: float
    reason: str = ""


class AgentAccepted(Message):
    """The agent answered an offer (at once where the audio leg is kept up)."""

    agent_id: str
    at: float


class AgentNoAnswer(Message):
    """The agent did not answer an offer (RONA)."""

    agent_id: str
    at: float


class AgentAsked(Message):
    """The agent, or a supervisor for them, asks for a state.

    wish: one of `dialer.agents.WISHES`; "hang_up" ends the call they are on.
    reason: a pause code, for "not_ready". after_s: for "wrap_up_done", that they will be in so many
    seconds; then it is so.
    """

    agent_id: str
    at: float
    wish: str
    reason: str = ""
    after_s: float = 0.0


class PreviewAnswered(Message):
    """The agent has looked at the contact that was shown with this ticket."""

    agent_id: str
    at: float
    ticket: int
    accepted: bool


class AgentDisposed(Message):
    """The agent says what came of the call that they have, or had last.

    disposition: of the campaign's own. callback_at: epoch seconds, for one that promises a call.
    personal: they make that call themselves.
    """

    agent_id: str
    at: float
    disposition: str
    note: str = ""
    callback_at: float = 0.0
    personal: bool = False


TrunkEvent = Ringing | EarlyMedia | Answered | CpaVerdict | Bridged | Ended
DeskEvent = (
    AgentLegUp
    | AgentLegDown
    | AgentAccepted
    | AgentNoAnswer
    | AgentAsked
    | PreviewAnswered
    | AgentDisposed
)
