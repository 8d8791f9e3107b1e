"""Whose fault a call was that nobody answered, and whether another trunk may try it at once.

The rule of this module: only the trunk's own fault moves a call to the next trunk or counts
against the trunk. A callee who was busy, declined, does not exist or was disturbed is left alone,
and where nobody can say what became of a call it is not dialed again at once.

Sources: RFC 3261 sections 16.7 and 21 (status codes), 17.1.1.2 (timer B); ITU-T Q.850.
"""

from functools import lru_cache

from dialer.events import EndCause
from dialer.outcomes import OUTCOMES, outcome_of_refusal

_ACCOUNT = frozenset({401, 402, 403, 407})
_ANOTHER_MAY = _ACCOUNT | {408, 415, 420, 421, 488, 606}


@lru_cache(maxsize=1024)
def fault_of(cause: EndCause) -> str:
    """What a trunk did wrong: "unpaid" (402), "forbidden" (401, 403, 407), "network", or "".

    A call that we could not place for reasons of our own (no channel, no audio port: status 0) is
    no fault of the carrier. A Q.850 cause that speaks of the callee acquits the trunk.
    """
    if cause.by == "near" or (cause.by == "trunk" and not cause.sip_status):
        return ""
    if not OUTCOMES[outcome_of_refusal(cause)].trunk_fault:
        return ""
    if cause.sip_status == 402:
        return "unpaid"
    return "forbidden" if cause.sip_status in _ACCOUNT else "network"


def another_may_try(cause: EndCause, *, rang: bool, ours: bool) -> bool:
    """Whether the next trunk may dial the same attempt at once.

    rang: the callee's phone rang or there was audio. ours: we had cancelled, not for silence.
    Silence counts only where timer B ended it: then no provisional response was ever seen, and
    the INVITE reached nobody. Silence after a provisional response says nothing of the fate.
    """
    if rang or ours or cause.by == "near":
        return False
    if cause.by == "trunk":
        # 488 here is a codec that we lack in the answer: somebody picked up.
        return cause.sip_status in (0, 408)
    if not OUTCOMES[outcome_of_refusal(cause)].trunk_fault:
        return False
    return cause.sip_status in _ANOTHER_MAY or cause.sip_status // 100 == 5
