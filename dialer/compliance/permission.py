"""May this number be dialed for this campaign, now?

The rule of this module: every rule must say yes, the cheapest is asked first, and what cannot be
checked is not dialed. A refusal says whether it is for good or until when.
"""

from collections.abc import Callable

from dialer.compliance.preset import Preset
from dialer.compliance.suppression import Suppressions
from dialer.compliance.window import may_call
from dialer.dial_policy import DialPolicy
from dialer.message import Message
from dialer.ports import ClaimedContact

NOT_LIVE_RETRY_S = 600.0
"""A contact that only a dialer that is not live refuses is looked at again after this time."""


class Permission(Message):
    """The answer. next_at: from when it may change, epoch seconds; 0: never in this campaign."""

    allowed: bool
    reason: str = ""
    next_at: float = 0.0


YES = Permission(True)

Rule = Callable[[str, ClaimedContact, float], Permission]
"""(number as E.164, contact, now) -> Permission"""


def permission_rule(
    policy: DialPolicy, preset: Preset, suppressed: Suppressions | None = None
) -> Rule:
    """The dial policy, the opt-outs and the campaign's law in one."""
    opted_out = suppressed if suppressed is not None else Suppressions()

    def ask(number: str, contact: ClaimedContact, now: float) -> Permission:
        if said_no := opted_out.refusal(number):
            return Permission(False, said_no)
        refusal = policy.refusal(number)
        if refusal:
            # Going live is a matter of settings: the contact must not be lost to a rehearsal.
            next_at = now + NOT_LIVE_RETRY_S if refusal.startswith("not_live") else 0.0
            return Permission(False, refusal, next_at)
        verdict = may_call(number, contact.attributes, now, preset)
        if verdict.allowed:
            return YES
        return Permission(False, verdict.reason, verdict.next_at or 0.0)

    return ask
