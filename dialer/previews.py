"""What becomes of a contact that an agent looked at before it was to be dialed.

The rule of this module: nothing was dialed, committed or counted as shown before the agent
accepted, so whatever else they do, the contact goes on as if it had only waited; and why is told.
"""

from dialer.compliance.window import callee_clocks
from dialer.flow.graph import Flow
from dialer.flow.interpreter import Facts, contact_step
from dialer.ports import ClaimedContact, Deferral

VERDICTS = ("accepted", "skipped", "timed_out", "withdrawn")
"""What a preview comes to. withdrawn: the agent went away, or the campaign may dial no more."""


def after_preview(
    flow: Flow,
    contact: ClaimedContact,
    number: str,
    campaign_id: int,
    verdict: str,
    agent_id: str,
    now: float,
) -> Deferral:
    """Where a contact goes that was shown and not accepted.

    number: that would have been dialed. verdict: of VERDICTS.
    """
    if verdict != "skipped":
        why = {
            "timed_out": f"agent {agent_id} let the preview time out",
            "withdrawn": f"the preview for agent {agent_id} was withdrawn",
        }[verdict]
        return Deferral(contact.contact_id, campaign_id, "due", now, why)
    clocks = callee_clocks(number, contact.attributes) if flow.goes_by_clocks else ()
    facts = Facts("", contact.attempts, now, clocks)
    following = contact_step(flow, ((flow.init.id, "skipped"),), facts)
    why = f"agent {agent_id} skipped it in the preview"
    return Deferral(
        contact.contact_id,
        campaign_id,
        following.state,
        following.due_at,
        why,
        following.resume_node,
    )
