"""What an attempt came to: one vocabulary, and the data table that finds it.

The rule of this module: every attempt has one outcome, and every outcome says three things about
itself: whether a person answered, whether the trunk (and not the callee) was at fault, and
whether it counts towards attempt caps.

Sources: RFC 3261 section 21 (status codes), RFC 3326 and ITU-T Q.850 (causes), RFC 8197 (607),
RFC 8688 (608), and the 603+ practice of US carriers (ATIS-1000099) for calls that analytics
blocked.
"""

from functools import lru_cache

from dialer.events import EndCause
from dialer.message import Message


class Outcome(Message):
    """An outcome's name and what it means.

    human: a person answered. trunk_fault: the callee was never reached through no act of theirs.
    counts: it counts towards attempt caps.
    """

    name: str
    human: bool
    trunk_fault: bool
    counts: bool
    meaning: str


_TABLE = (
    Outcome("customer_answered", True, False, True, "a person answered and spoke to an agent"),
    Outcome("abandoned", True, False, True, "a person answered and no agent came in time"),
    Outcome("hung_up_waiting", True, False, True, "a person answered and hung up before the limit"),
    Outcome("agent_unavailable", True, False, True, "answered, and the chosen agent was lost"),
    Outcome("ended_by_flow", True, False, True, "answered, and the flow ended the call"),
    Outcome("answering_machine", False, False, True, "a machine answered"),
    Outcome("fax", False, False, True, "a fax answered"),
    Outcome("user_busy", False, False, True, "busy"),
    Outcome("no_user_response", False, False, True, "it rang and nobody answered"),
    Outcome("rejected", False, False, True, "the callee declined"),
    Outcome("invalid_number", False, False, True, "the number does not exist"),
    Outcome("blocked_by_analytics", False, False, True, "blocked on the callee's behalf (603+)"),
    Outcome("cancelled", False, False, True, "we stopped ringing"),
    Outcome("given_up", False, False, True, "it rang long, and an answer would have met no agent"),
    Outcome("invalid_gateway", False, True, False, "the trunk refused or cannot place the call"),
    Outcome("congestion", False, True, False, "the network was full or failed"),
    Outcome("interrupted", False, False, True, "the dialer stopped, and the fate is unknown"),
    Outcome("never_dialed", False, True, False, "the dialer stopped before the call left"),
)

OUTCOMES: dict[str, Outcome] = {outcome.name: outcome for outcome in _TABLE}
NAMES: tuple[str, ...] = tuple(OUTCOMES)

_BY_STATUS: dict[int, str] = {
    400: "invalid_gateway",
    401: "invalid_gateway",
    402: "invalid_gateway",
    403: "invalid_gateway",
    404: "invalid_number",
    405: "invalid_gateway",
    406: "invalid_gateway",
    407: "invalid_gateway",
    408: "no_user_response",
    410: "invalid_number",
    415: "invalid_gateway",
    416: "invalid_gateway",
    420: "invalid_gateway",
    421: "invalid_gateway",
    422: "invalid_gateway",
    480: "no_user_response",
    481: "congestion",
    482: "invalid_gateway",
    483: "invalid_gateway",
    484: "invalid_number",
    485: "invalid_number",
    486: "user_busy",
    487: "cancelled",
    488: "invalid_gateway",
    491: "congestion",
    493: "invalid_gateway",
    600: "user_busy",
    603: "rejected",
    604: "invalid_number",
    606: "invalid_gateway",
    607: "blocked_by_analytics",
    608: "blocked_by_analytics",
}

_BY_Q850: dict[int, str] = {
    1: "invalid_number",
    2: "invalid_gateway",
    3: "invalid_number",
    17: "user_busy",
    18: "no_user_response",
    19: "no_user_response",
    20: "no_user_response",
    21: "rejected",
    22: "invalid_number",
    27: "congestion",
    28: "invalid_number",
    34: "congestion",
    38: "congestion",
    41: "congestion",
    42: "congestion",
    44: "congestion",
    47: "congestion",
    50: "invalid_gateway",
    57: "invalid_gateway",
    58: "invalid_gateway",
    63: "invalid_gateway",
    88: "invalid_gateway",
    102: "congestion",
}

# Of the status line, and of the Reason header's text: v=analytics1;url=...
_BLOCKED = ("network blocked", "v=analytics")

_CLASS_DEFAULT = {3: "invalid_gateway", 4: "no_user_response", 5: "congestion", 6: "rejected"}
_VAGUE_STATUS = frozenset({480, 500, 503, 403})


@lru_cache(maxsize=1024)
def outcome_of_refusal(cause: EndCause) -> str:
    """The outcome of a call that was never answered.

    A Q.850 cause speaks where the status is vague (403, 480, 5xx); else the status does.
    """
    if cause.by == "near":
        return "cancelled"
    status = cause.sip_status
    if status == 603 and any(mark in cause.text.lower() for mark in _BLOCKED):
        return "blocked_by_analytics"
    if cause.by == "trunk":
        return "invalid_gateway" if status in (0, 408) else _BY_STATUS.get(status, "congestion")
    if (status in _VAGUE_STATUS or (status >= 500 and status not in _BY_STATUS)) and (
        cause.q850 in _BY_Q850
    ):
        return _BY_Q850[cause.q850]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return _CLASS_DEFAULT.get(status // 100, "congestion")
